"""The dialog that gives one element another value, in a fork of the run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from PyQt6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QLineEdit, QVBoxLayout, QWidget

from gui.makers import maker_of
from gui.theme import Theme

#: Names of arrays that ops read and do not compute.
_READ = ("x", "t")

_HERE = "A new run begins at this stop with this value and becomes current."

#: Of a parameter: ops of this step may have read it already, and what they computed does not change.
_ON = f"{_HERE} What reads it from here on computes with it; what is computed already stays."

_BACK = "The run goes back to where this number was made; a new run begins there with this value and becomes current."

_BEFORE = "The run goes back to before the loss reads it; a new run begins there with this value and becomes current."

#: Of an array that an op has read, where it is not known what made it.
_READ_ALREADY = "This op has read the old value already; the new one holds for what reads it next."


class Place(NamedTuple):
    """Where an element can be given another value.

    Attributes:
        reference: of the array, as an edit at that place names it.
        seq: the event to go to first; None: the stop.
        note: what there is to know about a change there.
    """

    reference: dict[str, Any]
    seq: int | None = None
    note: str = ""

    def edit(self, index: tuple[int, ...], value: float | int) -> dict[str, Any]:
        """The protocol's edit."""
        edit: dict[str, Any] = {"kind": "tensor", "reference": self.reference, "value": value}
        return {**edit, "index": list(index)} if index else edit


def place_of(
    reference: dict[str, Any], label: str, stop: Mapping[str, Any], graph: Mapping[str, Any] | None = None,
    batch: int | None = None,
) -> Place | None:  # fmt: skip
    """The place to change an array at; None where there is none: an update's old values are past.

    A parameter is changed by its own name, here. What an op computed is changed behind that op. What it only read is
    changed where it was made: by an earlier op, or in the batch; where that is not known the change holds for whatever
    reads it next.

    Args:
        graph: of the step.
        batch: number of the event that handed out the batch of that step.
    """
    if stop.get("direction") == "update" and reference.get("name") == "w":
        return None
    if label:
        return Place({"expression": label}, note=_ON)
    if "event" not in reference:
        return Place(reference)
    seq, name = int(reference["event"]), str(reference["name"])
    made = maker_of(graph, seq, name)
    if made is not None and (made.event is not None or batch is not None):
        seq = made.event if made.event is not None else int(batch or 0)
        return Place({"event": seq, "name": made.name}, seq, _BACK)
    if name in _READ:
        return Place(reference, None if seq == stop.get("seq") else seq, _READ_ALREADY)
    return Place(reference) if seq == stop.get("seq") else Place(reference, seq, _BACK)


def place_of_labels(at: Mapping[str, Any], stop: Mapping[str, Any], graph: Mapping[str, Any] | None) -> Place | None:
    """The place to change a label at, which the answer to ``labelsAt`` names: before the loss reads it."""
    seq = int(at["event"])
    if "expression" in at:
        return Place({"expression": str(at["expression"])}, seq, _BEFORE)
    return place_of({"event": seq, "name": str(at["name"])}, "", stop, graph)


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
        note: what there is to know about a change there. more: what there is to know of its values.
    """

    def __init__(
        self, element: str, value: str, theme: Theme, integer: bool = False, parent: QWidget | None = None, note: str = "",
        more: str = "",
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.setWindowTitle("Set an element")
        self._integer, self._note, self._more = integer, note, more
        name = QLabel(element)
        name.setFont(theme.code_font("body", bold=True))
        now = QLabel(f"now {value}")
        now.setFont(theme.code_font("small"))
        self.field = QLineEdit(value)
        self.field.setFont(theme.code_font("body"))
        self.field.setAccessibleName("New value")
        self.field.setToolTip("A whole number" if integer else "A number; nan, inf and -inf are numbers too")
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
            kind = "whole number" if self._integer else "number"
            self.hint.setText(f"This is not a {kind}." if self.field.text().strip() else f"Type a {kind}.")
        elif isinstance(value, float) and not math.isfinite(value):
            self.hint.setText("The new run computes with this from here on; what it touches becomes NaN or infinite.")
        else:
            self.hint.setText(f"{self._note or _HERE} This run stays as it is. {self._more}".rstrip())
