"""The controls in the head of the Network panel."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QComboBox, QToolButton

_MODES = {
    "By phase": ("", "Activations on the way forward, gradients on the way back, changes of the weights in an update"),
    "Activations": ("forward", "What each op gave out, with the weights"),
    "Gradients": ("backward", "The gradient of the loss with respect to what each op gave out, and to its weights"),
    "Updates": ("update", "What the optimizer's last step has added to each weight"),
}


def mode_box() -> QComboBox:
    """Chooses which numbers are shown; its data is "forward", "backward", "update", or "" to follow the phase."""
    box = QComboBox()
    for text, (mode, hint) in _MODES.items():
        box.addItem(text, mode)
        box.setItemData(box.count() - 1, hint, Qt.ItemDataRole.ToolTipRole)
    box.setAccessibleName("What the network shows")
    box.setToolTip("Which numbers are shown: of the phase at the cursor, or always the same")
    return box


def fit_button() -> QToolButton:
    """Shows the whole network."""
    button = QToolButton()
    button.setText("Fit")
    button.setAccessibleName("Fit the network into the panel")
    button.setToolTip("Show the whole network (key 0 in the canvas; + and - zoom)")
    return button
