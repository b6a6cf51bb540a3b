"""The choice of what the Curves panel shows: quantities, per step or per epoch."""

from __future__ import annotations

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtGui import QAction, QActionGroup
from PyQt6.QtWidgets import QToolButton

from gui.curve_data import QUANTITIES
from gui.widgets.menu import Menu

#: What each quantity is, and where its numbers come from.
TIPS = {
    "loss": "Training: the number at which each backward() began. Validation: losses computed without training (no_grad, "
    "eval), the mean over the samples of each evaluation",
    "accuracy": "Share of predictions that are right: the greatest score against the label, at every loss over classes. Of "
    "training steps as many are counted as cost next to nothing",
    "learning rate": "Of the optimizer's parameter groups, as a scheduler left it, at every step",
    "gradient norm": "Euclidean norm of all gradients as the optimizer's step uses them (after clipping); measured as often "
    "as costs next to nothing",
}


class CurvesChoice(QToolButton):
    """A button with a menu.

    Attributes:
        quantities: the entry of each quantity. axis: those of "step" and "epoch".

    Signals:
        changed(): other quantities are to be shown. turned(): the axis counts something else.
    """

    changed = pyqtSignal()
    turned = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.setText("Show")
        self.setAccessibleName("Which curves are shown")
        self.setToolTip("Which quantities are shown, per step or per epoch")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = Menu(self)
        menu.setToolTipsVisible(True)
        self.quantities: dict[str, QAction] = {}
        for quantity in QUANTITIES:
            action = QAction(quantity.capitalize(), menu)
            action.setCheckable(True)
            action.setChecked(quantity in ("loss", "accuracy"))
            action.setToolTip(TIPS[quantity])
            action.toggled.connect(lambda _: self.changed.emit())
            menu.addAction(action)
            self.quantities[quantity] = action
        menu.addSeparator()
        group = QActionGroup(menu)
        self.axis: dict[str, QAction] = {}
        for unit, text in (("step", "Per step"), ("epoch", "Per epoch")):
            action = QAction(text, group)
            action.setCheckable(True)
            action.setChecked(unit == "step")
            menu.addAction(action)
            self.axis[unit] = action
        self.axis["epoch"].setToolTip("Training curves as means over the batches of an epoch: passes over the DataLoader")
        self.axis["epoch"].toggled.connect(lambda _: self.turned.emit())
        self.setMenu(menu)
