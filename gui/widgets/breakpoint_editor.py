"""A small pop-up in which a breakpoint's condition, hit count and log message are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import QDialogButtonBox, QFormLayout, QFrame, QLabel, QLineEdit, QVBoxLayout, QWidget

from gui.keyboard import order_buttons
from gui.theme import Theme

#: Field of the protocol: its label, an example, what it does.
FIELDS = {
    "condition": ("Condition", "loss.item() > 2", "Python over the names of the stop; it stops where this is true."),
    "hitCondition": ("Hit count", "% 10", "Which hits count: 5 (the fifth), >= 3 (from the third on), % 10 (every tenth)."),
    "logMessage": ("Log message", "step {step}: {loss.item():.4f}", "Printed instead of stopping; {expressions} filled in."),
}  # fmt: skip


class BreakpointEditor(QFrame):
    """Open with :meth:`open_at`; ``done(changes)`` gets the fields when Enter is pressed, nothing on Escape."""

    def __init__(
        self, theme: Theme, entry: Mapping[str, Any], done: Callable[[dict[str, str]], object], parent: QWidget,
        stop: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName("Breakpoint")
        self.setObjectName("popup")
        self._done = done
        self.fields: dict[str, QLineEdit] = {}
        form = QFormLayout()
        form.setHorizontalSpacing(8)
        for name, (label, example, tip) in FIELDS.items():
            field = QLineEdit(str(entry.get(name, "")))
            field.setPlaceholderText(example)
            field.setToolTip(tip)
            field.setAccessibleName(label)
            field.setFont(theme.code_font())
            field.setMinimumWidth(theme.space(260))
            field.returnPressed.connect(self.accept)
            form.addRow(label, field)
            self.fields[name] = field
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.addLayout(form)
        if stop is not None:
            self.counters = QLabel(_counters(stop))
            self.counters.setObjectName("muted")
            self.counters.setFont(theme.text_font("small"))
            self.counters.setWordWrap(True)
            layout.addWidget(self.counters)
        layout.addWidget(buttons)

    def open_at(self, place: QPoint, field: str = "condition") -> None:
        """Show it with the cursor in one of the :data:`FIELDS`."""
        self.adjustSize()
        self.move(place)
        self.show()
        order_buttons(self)
        self.fields[field].setFocus()
        self.fields[field].selectAll()

    def accept(self) -> None:
        """Hand the fields on and close."""
        changes = {name: field.text().strip() for name, field in self.fields.items()}
        self.close()
        self._done(changes)


def _counters(stop: Mapping[str, Any]) -> str:
    """What the counters are called in an expression, and what they are at a stop: the window counts from 1, they do not."""
    known = [f"{name} = {stop[name]}" for name in ("epoch", "batch", "step") if stop.get(name) is not None]
    return f"At this stop: {', '.join(known)} (batch and step from 0), unless the script has variables of these names."
