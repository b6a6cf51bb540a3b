"""The row of choices over a tensor: which view of it, which range of colours, which part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QComboBox, QLineEdit, QWidget

from gui.panels.tensor_source import VIEWS
from gui.widgets.flow_layout import FlowLayout
from gui.widgets.slicing import Cut, parsed, with_leading
from gui.widgets.stepper import Stepper

#: Ranges of colours: key -> (text, tooltip).
RANGES = {
    "symmetric": ("symmetric", "Colours from −m to m, m at least the greatest magnitude"),
    "min-max": ("min–max", "Colours from the least to the greatest number; zero keeps the background"),
    "robust": ("robust", "Colours from −m to m without the outermost 1 % on either side"),
}


class TensorControls(QWidget):
    """Choices of what is shown of a tensor.

    Signals:
        view_chosen(): another view of the tensor: other arrays are needed.
        part_chosen(): another part of it.
        range_chosen(): another range of colours.
        sample_chosen(int): the user has chosen a sample of the batch.
    """

    view_chosen = pyqtSignal()
    part_chosen = pyqtSignal()
    range_chosen = pyqtSignal()
    sample_chosen = pyqtSignal(int)

    def __init__(self) -> None:
        super().__init__()
        self.view = _combo("What is shown of the tensor", VIEWS)
        self.range = _combo("Range of the colours", RANGES)
        self.first, self.second = Stepper(), Stepper()
        self.first.hide()
        self.second.hide()
        self.slice = QLineEdit()
        self.slice.setPlaceholderText("slice: 0, :, 3:5")
        self.slice.setAccessibleName("Slice")
        self.slice.setToolTip("A part of the tensor as Python writes it: 0, :, 3:5. Empty: everything")
        self.slice.hide()
        layout = FlowLayout(self, spacing=8)
        for widget in (self.view, self.range, self.first, self.second, self.slice):
            layout.addWidget(widget)
        self._shape: tuple[int, ...] = ()
        self._parameter = False
        self.view.activated.connect(lambda _: self.view_chosen.emit())
        self.range.activated.connect(lambda _: self.range_chosen.emit())
        self.first.changed.connect(self._first_changed)
        self.second.changed.connect(lambda _: self.part_chosen.emit())
        self.slice.editingFinished.connect(self.part_chosen.emit)

    def set_tensor(self, shape: Sequence[int], parameter: bool, sample: int) -> None:
        """Offer the dimensions of a tensor; ``parameter``: it has no samples."""
        shape = tuple(shape)
        known = (len(shape), parameter) == (len(self._shape), self._parameter) and bool(self._shape)
        self._shape, self._parameter = shape, parameter
        names = ("out", "in") if parameter else ("sample", "channel") if len(shape) == 4 else ("sample", "second")
        kept = (self.first.value(), self.second.value())
        start = -1 if parameter or len(shape) < 3 else sample
        self.first.offer(names[0], shape[0] if len(shape) >= 3 else 0, kept[0] if known else start)
        self.second.offer(names[1], shape[1] if len(shape) >= 4 else 0, kept[1] if known else -1)

    def set_sample(self, sample: int) -> None:
        """Show another sample of the batch, unless all are shown."""
        if not self._parameter and len(self._shape) >= 3 and self.first.value() >= 0:
            self.first.set_value(sample)

    def cut(self, shape: Sequence[int]) -> Cut:
        """The part that is chosen. Raises ValueError where the slice's text is none."""
        text = self.slice.text() if not self.slice.isHidden() else ""
        if text.strip():
            return parsed(text, shape)
        steppers = (self.first, self.second)
        chosen = [stepper.value() if not stepper.isHidden() and stepper.value() >= 0 else None for stepper in steppers]
        return with_leading(shape, chosen)

    def show_slice(self, shown: bool) -> None:
        """Offer a field for a slice, or take it away."""
        self.slice.setVisible(shown)
        if shown:
            self.slice.setFocus()
        self.part_chosen.emit()

    def save(self) -> dict[str, Any]:
        """The choices that outlast a session."""
        return {"view": self.view.currentData(), "range": self.range.currentData()}

    def restore(self, saved: dict[str, Any]) -> None:
        """Take up what :meth:`save` returned."""
        for combo, key in ((self.view, "view"), (self.range, "range")):
            if (place := combo.findData(saved.get(key))) >= 0:
                combo.setCurrentIndex(place)

    def _first_changed(self, value: int) -> None:
        if not self._parameter and value >= 0:
            self.sample_chosen.emit(value)
        self.part_chosen.emit()


def _combo(name: str, choices: dict[str, tuple[str, str]]) -> QComboBox:
    combo = QComboBox()
    combo.setAccessibleName(name)
    combo.setToolTip(name)
    for key, (text, tip) in choices.items():
        combo.addItem(text, key)
        combo.setItemData(combo.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
    return combo
