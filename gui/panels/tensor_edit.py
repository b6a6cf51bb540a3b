"""The dialog that gives one element another value, in a fork of the run."""

from __future__ import annotations

import math
from typing import Any

from PyQt6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QLineEdit, QVBoxLayout, QWidget

from gui.theme import Theme


def edit_of(
    reference: dict[str, Any], label: str, index: tuple[int, ...], value: float, stop: dict[str, Any]
) -> dict[str, Any] | None:
    """The protocol's edit that writes ``value``; None where it cannot be written at this stop.

    A parameter is named by its own name; another array must be one of the op that the run stands at. An update's old
    values are past.
    """
    if stop.get("direction") == "update" and reference.get("name") == "w":
        return None
    if label:
        reference = {"expression": label}
    elif "event" in reference and reference["event"] != stop.get("seq"):
        return None
    edit: dict[str, Any] = {"kind": "tensor", "reference": reference, "value": value}
    return {**edit, "index": list(index)} if index else edit


def number_of(text: str, integer: bool = False) -> float | int | None:
    """The number that a text means, also nan, inf and -inf; None where it is none."""
    try:
        return int(text) if integer else float(text.strip().replace(",", "."))
    except ValueError:
        return None


class EditDialog(QDialog):
    """Asks for a new value of an element.

    Args:
        element: how it is written: ``0.weight[3, 1]``.
        value: what it is now, exactly as it can be written.
        integer: only whole numbers.
    """

    def __init__(self, element: str, value: str, theme: Theme, integer: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Set an element")
        self._integer = integer
        name = QLabel(element)
        name.setFont(theme.code_font("body", bold=True))
        now = QLabel(f"now {value}")
        now.setFont(theme.code_font("small"))
        self.field = QLineEdit(value)
        self.field.setFont(theme.code_font("body"))
        self.field.setAccessibleName("New value")
        self.field.setToolTip("A number; nan, inf and -inf are numbers too")
        self.field.selectAll()
        self.hint = QLabel()
        self.hint.setWordWrap(True)
        self.hint.setFont(theme.text_font("small"))
        self.hint.setMinimumWidth(theme.space(320))
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.fork = self.buttons.addButton("Fork with this value", QDialogButtonBox.ButtonRole.AcceptRole)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 12)
        layout.setSpacing(8)
        for widget in (name, now, self.field, self.hint, self.buttons):
            layout.addWidget(widget)
        self.field.textChanged.connect(self._check)
        self._check()

    @property
    def value(self) -> float | int | None:
        """The number typed."""
        return number_of(self.field.text(), self._integer)

    def _check(self) -> None:
        value = self.value
        if self.fork is not None:
            self.fork.setEnabled(value is not None)
        if value is None:
            self.hint.setText("This is not a number." if self.field.text().strip() else "Type a number.")
        elif isinstance(value, float) and not math.isfinite(value):
            self.hint.setText("The new run computes with this from here on; what it touches becomes NaN or infinite.")
        else:
            self.hint.setText("A new run begins at this stop with this value and becomes current. This run stays as it is.")
