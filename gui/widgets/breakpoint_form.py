"""A form for a new breakpoint on ops or modules, or a watchpoint."""

from __future__ import annotations

import math
from typing import Any

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import QComboBox, QFormLayout, QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout

from gui.breakpoints import Entry
from gui.theme import Theme
from gui.watch_kinds import WATCH_KINDS, watch_sentence

#: Kind of breakpoint: title of the form.
TITLES = {"op": "Stop at an op", "module": "Stop at a module", "watch": "Stop when numbers go wrong"}

#: The protocol's exception filters: what they are called, and when they stop.
_EXCEPTIONS = {
    "raised": ("Raised exceptions", "at every exception that is raised, or comes through, in your files; the run is slower"),
    "uncaught": ("Uncaught exceptions", "at an exception that nothing handles, which ends the script"),
}

_DIRECTIONS = {"forward and backward": None, "forward": "forward", "backward": "backward", "update": "update"}
_RETURN = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_WHEN = {"on entering": "enter", "on leaving": "exit"}


class BreakpointForm(QFrame):
    """Shown by :meth:`open`; ``made(kind, entry)`` when it is accepted."""

    made = pyqtSignal(str, dict)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.kind = "op"
        self.title = QLabel()
        self.op = _field("Op", "Linear, Conv*; empty: all", "Name of the op; * stands for anything")
        self.module = _field("Module", "features.*; empty: all", "Its path in the model; * stands for anything")
        self.direction = _choice("Direction", _DIRECTIONS, "Which pass of the op stops the script")
        self.when = _choice("When", _WHEN, "Before the module computes, or after")
        self.watch = QComboBox()
        self.watch.setAccessibleName("What to watch")
        self.watch.setToolTip("What must happen to a number for the script to stop, at the op that did it")
        for kind in WATCH_KINDS.values():
            self.watch.addItem(kind.label, kind.name)
        self.tensor = _field("Tensor", "*.weight, conv1.*; empty: all", "Those that are watched; * is anything")
        self.index = _field("Index", "0, 3", "Which element of the tensor")
        self.threshold = _field("Threshold", "", "Where it begins to stop the script")
        self.over_steps = _field("Over steps", "20", "How many of the newest steps are compared")
        self.sentence = QLabel()
        self.sentence.setWordWrap(True)
        self.sentence.setObjectName("muted")
        self.sentence.setAccessibleName("When it stops")
        self._form = QFormLayout()
        self._form.setHorizontalSpacing(8)
        self._form.setVerticalSpacing(4)
        for label, widget in (
            ("Op", self.op), ("Module", self.module), ("Direction", self.direction), ("When", self.when),
            ("Watch", self.watch), ("Tensor", self.tensor), ("Index", self.index), ("Threshold", self.threshold),
            ("Over steps", self.over_steps),
        ):  # fmt: skip
            self._form.addRow(label, widget)
        self.add = QPushButton("Add")
        self.add.setAccessibleName("Add breakpoint")
        self.add.setToolTip("Add it (Return)")
        self.add.clicked.connect(self.accept)
        self.cancel = QPushButton("Cancel")
        self.cancel.setAccessibleName("Cancel")
        self.cancel.setToolTip("Add none (Esc)")
        self.cancel.clicked.connect(self.hide)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.add)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        layout.setSpacing(8)
        layout.addWidget(self.title)
        layout.addLayout(self._form)
        layout.addWidget(self.sentence)
        layout.addLayout(buttons)
        self.watch.currentIndexChanged.connect(self._watch_changed)
        for field in (self.op, self.module, self.tensor, self.index, self.threshold, self.over_steps):
            field.textChanged.connect(self._show_sentence)
        self.direction.currentIndexChanged.connect(self._show_sentence)
        self.when.currentIndexChanged.connect(self._show_sentence)
        self.apply_theme(theme)
        self.hide()

    def open(self, kind: str) -> None:
        """Show the fields for "op", "module" or "watch", without what was written in them before."""
        self.kind = kind
        for field in (self.op, self.module, self.tensor, self.index, self.over_steps):
            field.clear()
        for choice in (self.direction, self.when, self.watch):
            choice.setCurrentIndex(0)
        self.title.setText(TITLES[kind])
        self._watch_changed()
        self.show()
        {"op": self.op, "module": self.module, "watch": self.watch}[kind].setFocus()

    def entry(self) -> Entry:
        """The breakpoint as the protocol has it. Raises ValueError: a field does not hold what it should."""
        if self.kind == "op":
            wanted = {"op": self.op.text(), "module": self.module.text(), "direction": self.direction.currentData()}
        elif self.kind == "module":
            wanted = {"module": self.module.text().strip() or "*", "when": self.when.currentData()}
        else:
            wanted = self._watchpoint()
        return {
            key: value.strip() if isinstance(value, str) else value
            for key, value in wanted.items()
            if value not in (None, "")
        }

    def _watchpoint(self) -> dict[str, Any]:
        kind = WATCH_KINDS[self.watch.currentData()]
        wanted: dict[str, Any] = {"kind": kind.name}
        if "tensor" in kind.parameters:
            wanted["tensor"] = self.tensor.text()
        if "threshold" in kind.parameters:
            wanted["threshold"] = _number(self.threshold.text(), "threshold")
        if "index" in kind.parameters:
            parts = [part for part in self.index.text().replace("[", "").replace("]", "").split(",") if part.strip()]
            wanted["index"] = [_whole(part, "index") for part in parts]
            if not wanted["tensor"].strip() or not parts:
                raise ValueError("It needs the tensor, by its name, and the index of one of its elements.")
        if "window" in kind.parameters and self.over_steps.text().strip():
            wanted["window"] = _whole(self.over_steps.text(), "number of steps")
        return wanted

    def accept(self) -> None:
        """Hand the breakpoint on, or say what is wrong with it."""
        try:
            entry = self.entry()
        except ValueError as error:
            self._say(str(error), True)
            return
        self.hide()
        self.made.emit(self.kind, entry)

    # ---- showing ----

    def _watch_changed(self) -> None:
        kind = WATCH_KINDS[self.watch.currentData()]
        shown = {
            self.op: self.kind == "op", self.module: self.kind in ("op", "module"), self.direction: self.kind == "op",
            self.when: self.kind == "module", self.watch: self.kind == "watch",
        }  # fmt: skip
        for name, field in (
            ("tensor", self.tensor),
            ("index", self.index),
            ("threshold", self.threshold),
            ("window", self.over_steps),
        ):
            shown[field] = self.kind == "watch" and name in kind.parameters
        for widget, visible in shown.items():
            self._form.setRowVisible(widget, visible)
        self.threshold.setText("" if kind.threshold is None else f"{kind.threshold:g}")
        self._show_sentence()

    def _show_sentence(self) -> None:
        try:
            self._say(f"Stops {sentence(self.kind, self.entry())}.", False)
        except ValueError as error:
            self._say(str(error), True)

    def _say(self, text: str, wrong: bool) -> None:
        self.sentence.setText(text)
        self.sentence.setStyleSheet(f"color: {self._theme.phase_text['alarm'].name()};" if wrong else "")

    def apply_theme(self, theme: Theme) -> None:
        """Take on fonts."""
        self._theme = theme
        self.title.setFont(theme.text_font("body", bold=True))
        for field in (self.op, self.module, self.tensor, self.index, self.threshold, self.over_steps):
            field.setFont(theme.code_font())

    def keyPressEvent(self, a0: QKeyEvent | None) -> None:
        key = None if a0 is None else a0.key()
        if key == Qt.Key.Key_Escape or (key in _RETURN and self.focusWidget() is self.cancel):
            self.hide()
        elif key in _RETURN:  # also in a field, which leaves the key to what it stands in
            self.accept()
        else:
            super().keyPressEvent(a0)


def sentence(kind: str, entry: Entry) -> str:
    """When a breakpoint of "op", "module", "watch" or "exception" stops, in words."""
    if kind == "exception":
        return _EXCEPTIONS[entry["filter"]][1]
    if kind == "watch":
        return f"when {watch_sentence(entry)}"
    if kind == "module":
        return f"{'after' if entry.get('when') == 'exit' else 'before'} the forward of module {entry.get('module', '*')}"
    direction = {"forward": "the forward of ", "backward": "the backward of ", "update": "the update by "}
    inside = f" in module {entry['module']}" if entry.get("module") else ""
    return f"after {direction.get(str(entry.get('direction')), '')}{entry.get('op') or 'any op'}{inside}"


def brief(kind: str, entry: Entry) -> str:
    """The same for a list: in as few words as there can be."""
    if kind == "exception":
        return _EXCEPTIONS[entry["filter"]][0]
    if kind == "watch":
        return watch_sentence(entry).removeprefix("the ").removeprefix("there is ")
    if kind == "module":
        return f"{'leave' if entry.get('when') == 'exit' else 'enter'} {entry.get('module', '*')}"
    direction = f" {entry['direction']}" if entry.get("direction") else ""
    return f"{entry.get('op') or 'any op'}{direction}{' · ' + entry['module'] if entry.get('module') else ''}"


def _field(name: str, example: str, tip: str) -> QLineEdit:
    field = QLineEdit()
    field.setAccessibleName(name)
    field.setToolTip(tip)
    field.setPlaceholderText(example)
    return field


def _choice(name: str, values: dict[str, Any], tip: str) -> QComboBox:
    box = QComboBox()
    box.setAccessibleName(name)
    box.setToolTip(tip)
    for text, value in values.items():
        box.addItem(text, value)
    return box


def _number(text: str, what: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if math.isnan(number):
        raise ValueError(f"The {what} must be a number, not {text.strip()!r}.")
    return number


def _whole(text: str, what: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"The {what} must be a whole number, not {text.strip()!r}.") from None
