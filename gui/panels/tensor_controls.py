"""The row of choices over a tensor: which view of it, which range of colours, which part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PyQt6.QtCore import QEvent, Qt, pyqtSignal
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QComboBox, QLineEdit, QWidget

from gui.panels.tensor_source import RUN, VIEWS
from gui.widgets.elided_choice import ElidedChoice
from gui.widgets.flow_layout import FlowLayout
from gui.widgets.range_button import RangeButton
from gui.widgets.slicing import Cut, parsed, with_leading
from gui.widgets.stepper import Stepper

#: Pixels between two controls.
_SPACING = 4

#: Names of the first two dimensions, with the letters that PyTorch's documentation has for them.
_PARAMETER, _PICTURES, _BATCH = (
    (("out", "O"), ("in", "I")), (("sample", "N"), ("channel", "C")), (("sample", "N"), ("second", "2nd")),
)  # fmt: skip


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
        self.view = ElidedChoice()
        self.view.setAccessibleName("What is shown of the tensor")
        self.view.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.view.setMinimumContentsLength(7)
        self.view.currentIndexChanged.connect(self._describe)
        for key, (text, tip) in VIEWS.items():
            self._add(text, key, tip)
        self._describe()
        self.range = RangeButton()
        self.first, self.second = Stepper(), Stepper()
        self.first.hide()
        self.second.hide()
        self.slice = QLineEdit()
        self.slice.setPlaceholderText("slice: 0, :, 3:5")
        self.slice.setAccessibleName("Slice")
        self.slice.setToolTip("A part of the tensor as Python writes it: 0, :, 3:5. Empty: everything")
        self.slice.hide()
        layout = FlowLayout(self, spacing=_SPACING)
        for widget in (self.view, self.range, self.first, self.second, self.slice):
            layout.addWidget(widget)
        self._shape: tuple[int, ...] = ()
        self._parameter = False
        self._measured: tuple[int, int] = (0, 0)
        self.view.activated.connect(lambda _: self.view_chosen.emit())
        self.range.chosen.connect(self._fit)
        self.range.chosen.connect(self.range_chosen.emit)
        self.first.changed.connect(self._first_changed)
        self.second.changed.connect(lambda _: self.part_chosen.emit())
        self.slice.editingFinished.connect(self.part_chosen.emit)

    # ---- what there is to choose from ----

    def offer_runs(self, others: Mapping[int, str]) -> bool:
        """Offer the difference to each of these runs, by number and name; whether the choice has become another one."""
        offered = [(f"{RUN}{number}", f"− {name}") for number, name in others.items()]
        if [(self.view.itemData(i), self.view.itemText(i)) for i in range(len(VIEWS), self.view.count())] == offered:
            return False
        before = self.view.currentData(), self.view.currentText()
        while self.view.count() > len(VIEWS):
            self.view.removeItem(self.view.count() - 1)
        for (view, text), name in zip(offered, others.values(), strict=True):
            self._add(text, view, f"Difference to {name}: this run − {name}, in the same step")
        place = self.view.findData(before[0])
        if place < 0 and others:  # what was compared with is current now: compare the other way round
            place = len(VIEWS)
        self.view.setCurrentIndex(max(0, place))
        return (self.view.currentData(), self.view.currentText()) != before

    def set_tensor(self, shape: Sequence[int], parameter: bool, sample: int) -> None:
        """Offer the dimensions of a tensor; ``parameter``: it has no samples."""
        shape = tuple(shape)
        if (shape, parameter) == (self._shape, self._parameter):
            self._fit()
            return
        known = (len(shape), parameter) == (len(self._shape), self._parameter) and bool(self._shape)
        self._shape, self._parameter = shape, parameter
        names = _PARAMETER if parameter else _PICTURES if len(shape) >= 4 else _BATCH
        kept = (self.first.value(), self.second.value())
        start = -1 if parameter or len(shape) < 3 else sample
        self.first.offer(*names[0], shape[0] if len(shape) >= 3 else 0, kept[0] if known else start)
        self.second.offer(*names[1], shape[1] if len(shape) >= 4 else 0, kept[1] if known else -1)
        self._fit()

    def set_sample(self, sample: int) -> bool:
        """Show another sample of the batch, unless all are shown; whether it is another one."""
        before = self.first.value()
        if not self._parameter and len(self._shape) >= 3 and before >= 0:
            self.first.set_value(sample)
        return self.first.value() != before

    # ---- what is chosen ----

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
        """The choices that outlast a session; runs do not."""
        view = str(self.view.currentData())
        return {"view": "data" if view.startswith(RUN) else view, "range": self.range.mode, "share": self.range.share}

    def restore(self, saved: dict[str, Any]) -> None:
        """Take up what :meth:`save` returned."""
        if (place := self.view.findData(saved.get("view"))) >= 0:
            self.view.setCurrentIndex(place)
        self.range.set(saved.get("range"), saved.get("share"))

    # ---- the rest ----

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent | None) -> None:
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.FontChange:
            self._fit()

    def _fit(self) -> None:
        """Name range and dimensions shorter where that lets all controls stand in one row: the range first."""
        self.view.setMinimumHeight(self.range.sizeHint().height())  # a style gives a box less than a button
        steppers = [stepper for stepper in (self.first, self.second) if not stepper.isHidden()]
        others = [widget for widget in (self.view, self.slice) if not widget.isHidden()]
        room = self.width() - 16 - _SPACING * (len(steppers) + len(others))
        room -= sum(widget.sizeHint().width() for widget in others)

        def needed(short_range: bool, short_names: bool) -> int:
            return self.range.width_with(short_range) + sum(stepper.width_with(short_names) for stepper in steppers)

        ways = ((False, False), (True, False), (True, True))
        short_range, short_names = next((way for way in ways if needed(*way) <= room), ways[-1])
        self.range.set_short(short_range)
        for stepper in steppers:
            stepper.set_short(short_names)
        self._keep_height()

    def _keep_height(self) -> None:
        """Rows that were needed once stay while width and text size are the same: below them nothing jumps when a step
        shows a tensor of fewer dimensions.
        """
        measured = (self.width(), self.fontMetrics().height())
        kept = self.minimumHeight() if measured == self._measured else 0
        self._measured = measured
        if (layout := self.layout()) is not None:
            layout.invalidate()
            self.setMinimumHeight(max(kept, layout.heightForWidth(self.width())))

    def _add(self, text: str, key: str, tip: str) -> None:
        self.view.addItem(text, key)
        self.view.setItemData(self.view.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)

    def _describe(self) -> None:
        self.view.setToolTip(str(self.view.currentData(Qt.ItemDataRole.ToolTipRole) or ""))

    def _first_changed(self, value: int) -> None:
        if not self._parameter and value >= 0:
            self.sample_chosen.emit(value)
        self.part_chosen.emit()
