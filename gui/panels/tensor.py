"""The Tensor panel: the numbers of what is selected, as a map, as a histogram, and in figures."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import partial
from typing import Any

from PyQt6.QtCore import QPoint
from PyQt6.QtWidgets import QLabel, QVBoxLayout, QWidget

from gui.context import Context
from gui.numbers import format_shape
from gui.panels.panel import Panel
from gui.panels.tensor_actions import TensorActions
from gui.panels.tensor_controls import TensorControls
from gui.panels.tensor_source import Source, Subject, resolve, subject_of
from gui.panels.tensor_view import Shown, as_array, exact, plan, shown, statistics_of, statistics_text
from gui.state import Selection
from gui.theme import Theme
from gui.timers import single_shot
from gui.widgets.controls import tool_button
from gui.widgets.heat_map import HeatMap
from gui.widgets.histogram_plot import HistogramPlot
from gui.widgets.value_scale import ValueScale, scale_for

#: Scales that are kept, one for each tensor and view.
_MOST_SCALES = 256

#: Milliseconds from zooming or resizing to asking for other numbers.
_DETAIL = 60

#: Pixels of height at 100 % that the panel needs for the histogram, and for the statistics.
_ROOM_FOR_ALL, _ROOM_FOR_STATISTICS = 330, 250

#: Bins of the histogram.
_BINS = 64


class TensorPanel(Panel):
    """Shows what is selected, or what the op at the stop is about."""

    key, title, area = "tensor", "Tensor", "right"
    empty_text = "Stop at an op, or select a tensor in the network or the variables; its numbers show here."

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.controls = TensorControls()
        self.map = HeatMap(self.theme)
        self.histogram = HistogramPlot(self.theme)
        self.read_out = _label("Element under the mouse, or selected")
        self.statistics = _label("Statistics of the whole tensor")
        self.statistics.setWordWrap(True)
        self.message = _label("Why there are no numbers")
        self.message.setWordWrap(True)
        tip = "Go on showing this tensor when something else is selected"
        self.keep = tool_button("Keep", "Keep this tensor", tip, checkable=True)
        self.more = tool_button("⋯", "More about this tensor", "Copy, save, slice, fit the colours")
        self.head.add_control(self.keep)
        self.head.add_control(self.more)
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, 0, 4)
        layout.setSpacing(2)
        for widget in (self.controls, self.message, self.map, self.read_out, self.histogram, self.statistics):
            layout.addWidget(widget, int(widget is self.map))
        self.set_content(content)
        self.subject = Subject()
        self.source = Source()
        self.shown: Shown | None = None
        self._scales: dict[tuple[str, str], ValueScale] = {}
        self._asked: tuple[Any, ...] = ()
        self._wanted: tuple[Any, ...] = ()
        self.actions_ = TensorActions(self)
        self._detail = single_shot(self, _DETAIL, self._look_closer)
        self._connect()
        self.state.subscribe("contributors", self._mark)

    def _connect(self) -> None:
        self.controls.view_chosen.connect(self._resolve)
        self.controls.part_chosen.connect(self._fetch)
        self.controls.range_chosen.connect(self.fit_scale)
        self.controls.sample_chosen.connect(lambda sample: self.state.reselect(sample=sample))
        self.map.clicked.connect(self.select)
        self.map.double_clicked.connect(self.actions_.edit)
        self.map.hovered.connect(self._hover)
        self.map.view_changed.connect(self._detail.start)
        self.map.menu_wanted.connect(lambda place: self.actions_.menu().popup(place))
        self.histogram.read.connect(lambda text: self._read(text) if text else self._hover(-1, -1))
        self.keep.toggled.connect(lambda kept: None if kept else self.show_selection(self.state.selection))
        self.more.clicked.connect(lambda: self.actions_.menu().popup(self.more.mapToGlobal(QPoint(0, self.more.height()))))

    # ---- what is shown ----

    def show_stop(self, stop: dict[str, Any] | None) -> None:
        if stop is None:
            return
        if self.keep.isChecked():
            self._follow_kept(stop)
        else:
            self._show(self.state.selection, stop)

    def show_selection(self, selection: Selection) -> None:
        stop = self.state.stop
        if stop is None:
            return
        if selection.reference is not None and selection.reference in self.source.references:
            self.controls.set_sample(selection.sample)
            self._fetch()
        elif not self.keep.isChecked():
            self._show(selection, stop)
        self._mark()

    def _show(self, selection: Selection, stop: dict[str, Any]) -> None:
        subject = subject_of(selection, stop)
        if subject is None:
            if self.shown is None:
                self.show_empty("Nothing was computed here. Step on to an op (F11), or select a tensor.")
            return
        self.show_content()
        if subject != self.subject or subject.reference.get("event") is None or self.source.problem:
            self.subject = subject
            self._wanted = ()
        self._resolve()

    def _follow_kept(self, stop: dict[str, Any]) -> None:
        """A kept tensor is shown anew where its op runs again."""
        reference = self.subject.reference
        if "expression" not in reference:
            subject = subject_of(Selection(event=stop.get("seq"), name=reference.get("name")), stop)
            if subject is None or subject.title != self.subject.title:
                return
            self.subject = subject
        self._wanted = ()
        self._resolve()

    def _resolve(self) -> None:
        """Find the arrays that the view needs, then fetch them."""
        if not self.subject.reference:
            return

        def found(source: Source) -> None:
            self.source = source
            if source.problem:
                self._refuse(source.problem)
            else:
                self._fetch()

        view = self.controls.view.currentData()
        resolve(self.subject, view, (self.state.stop or {}).get("seq"), partial(self._ask_slot, "source"), found)

    def _ask_slot(self, slot: str, command: str, arguments: dict[str, Any], then: Any) -> None:
        self.ask(slot, command, arguments, then, self._refuse)

    def _refuse(self, text: str) -> None:
        self.message.setText(text)
        self.message.show()
        for widget in (self.map, self.read_out, self.histogram, self.statistics):
            widget.hide()
        self.shown = None
        self._asked = self._wanted = ()
        self.head.set_subject(self.subject.title)

    def _fetch(self) -> None:
        """Ask for the numbers of the part that is chosen, as many as the map has pixels."""
        if not self.source.references or self.source.problem:
            return
        shape = self._known_shape()
        if shape is None:
            probe = {"reference": self.source.references[0], "maxShape": [1, 1]}
            self._ask_slot("shape", "tensor", probe, lambda body: self._ask_numbers(tuple(body["shape"])))
        else:
            self._ask_numbers(shape)

    def _known_shape(self) -> tuple[int, ...] | None:
        reference, stop = self.source.references[0], self.state.stop or {}
        if reference.get("event") == stop.get("seq"):
            for tensor in stop.get("tensors") or ():
                if tensor["name"] == reference["name"]:
                    return tuple(tensor["shape"])
        return None

    def _ask_numbers(self, shape: tuple[int, ...], region: tuple[int, int, int, int] | None = None) -> None:
        self.controls.set_tensor(shape, self._is_parameter(), self.state.selection.sample)
        try:
            cut = self.controls.cut(shape)
        except ValueError as error:
            self.head.set_problem(f"slice: {error}")
            return
        self.head.set_problem("")
        made = plan(cut, self.map.pixels(), region)
        references = self.source.references
        asked = (json.dumps(references), made, (self.state.stop or {}).get("revision"), id(self.state.stop))
        if asked == self._wanted:
            return
        self._wanted = asked
        answers: dict[int, dict[str, Any]] = {}

        def answered(place: int, body: dict[str, Any]) -> None:
            answers[place] = body
            if len(answers) == len(references) and self._wanted == asked:
                self._asked = asked
                self._show_numbers(shown([answers[i] for i in range(len(references))], made), answers[0])

        for place, reference in enumerate(references):
            self._ask_slot(f"numbers {place}", "tensor", made.arguments(reference), partial(answered, place))
        if len(references) == 1 and region is None:
            arguments = {"reference": references[0], "bins": _BINS}
            self.ask("histogram", "histogram", arguments, self._show_histogram, lambda text: self.histogram.clear())

    def _is_parameter(self) -> bool:
        name = (self.source.references[0].get("name") or "").removeprefix("d").partition("_")[0]
        return bool(self.subject.label) or name in ("w", "b", "m", "v")

    # ---- the answers ----

    def _show_numbers(self, view: Shown, answer: dict[str, Any]) -> None:
        self.shown = view
        self.message.hide()
        for widget in (self.map, self.read_out):
            widget.show()
        self._fit_in()
        title = self.source.title
        self.head.set_subject(f"{title}  {format_shape(view.shape)}  {view.dtype}")
        self.head.subject.setToolTip(f"{title}, shape ({', '.join(map(str, view.shape))}), {view.dtype}")
        self._draw(view)
        if len(self.source.references) > 1:
            self._show_difference(view)
        else:
            self._write(answer["description"])
        self._mark()

    def _fit_in(self) -> None:
        """Where there is little room the map has it: the histogram goes first, then the statistics."""
        view, height = self.shown, self.height()
        if view is not None:
            self.histogram.setVisible(math.prod(view.shape) > 1 and height >= self.theme.space(_ROOM_FOR_ALL))
            self.statistics.setVisible(height >= self.theme.space(_ROOM_FOR_STATISTICS))

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._fit_in()

    def _draw(self, view: Shown, fit: bool = False) -> None:
        mode = self.controls.range.currentData()
        key = (f"{self.source.title} {view.plan.cut.selected}", f"{self.controls.view.currentData()} {mode} {view.block}")
        kept = None if fit else self._scales.get(key)
        # Means of blocks are smaller than what they are of; their scale is that of what is seen.
        scale = scale_for(view.data, view.ends if view.block == (1, 1) else None, mode, kept)
        if len(self._scales) >= _MOST_SCALES:
            self._scales.clear()
        self._scales[key] = scale
        layout = view.plan.layout
        in_rows = bool(layout.lead) and layout.across >= layout.lead[-1]
        self.map.tiles_are_numbered = (in_rows, in_rows and layout.down > 1)
        self.map.show_numbers(
            view.data, scale, size=view.size, at=view.start, block=(1, 1) if view.tiled else view.block,
            square=view.square, tile=view.tile, note=view.note,
        )  # fmt: skip

    def _show_difference(self, view: Shown) -> None:
        import numpy as np

        values = statistics_of(view.data)
        self._write(values, "" if view.complete else "of what is shown: ")
        finite = view.data[np.isfinite(view.data)]
        if finite.size and finite.min() < finite.max():
            self.histogram.show_counts(*np.histogram(finite, _BINS))
        else:
            self.histogram.clear()

    def _show_histogram(self, body: dict[str, Any]) -> None:
        if len(self.source.references) == 1:
            self.histogram.show_counts(as_array(body["counts"]), as_array(body["edges"]))

    def _write(self, values: dict[str, Any], before: str = "") -> None:
        muted, alarm = self.theme.muted.name(), self.theme.phase_text["alarm"].name()
        self._statistics = (values, before)
        self.statistics.setText(before + statistics_text(values, muted, alarm))

    def _look_closer(self) -> None:
        """After zooming: ask for the part that is seen where a number stands for several elements, or did."""
        view = self.shown
        if view is None or self.isHidden():
            return
        if view.tiled or not self._asked:
            self._fetch()
            return
        if view.block == (1, 1) and view.plan.region is None:
            return
        top, bottom, left, right = self.map.view.visible()
        everything = (top, bottom, left, right) == (0, self.map.view.rows, 0, self.map.view.columns)
        self._ask_numbers(view.shape, None if everything or bottom <= top or right <= left else (top, bottom, left, right))

    # ---- the selected element ----

    def select(self, row: int, column: int) -> None:
        """Select the element of a cell, for the whole window."""
        index = self.shown.index(row, column) if self.shown is not None else None
        if index is None:
            return
        selection, reference = self.state.selection, self.source.references[0]
        if selection.reference in self.source.references:
            self.state.update(selection=replace(selection, index=index))
        else:
            self.state.update(selection=Selection(
                event=reference.get("event"), name=reference.get("name"), expression=reference.get("expression"),
                index=index, sample=selection.sample, module=selection.module, label=self.source.title,
            ))  # fmt: skip

    def _mark(self) -> None:
        """Ring the selected element, and what made the number that is explained."""
        view, selection = self.shown, self.state.selection
        if view is None or not self.source.references:
            return
        cell = None
        if selection.reference in self.source.references and selection.index is not None:
            cell = view.cell(selection.index)
        self.map.mark(cell, self._shares(view, selection))
        number = view.number(*cell) if cell is not None else None
        self.histogram.mark(float(number) if number is not None and view.block == (1, 1) else None)
        self._hover(-1, -1)

    def _shares(self, view: Shown, selection: Selection) -> list[tuple[int, int, float]]:
        reference = self.source.references[0]
        names = {self.subject.label, reference.get("expression")} - {"", None}
        here = [
            c for c in self.state.contributors
            if c.get("label") in names
            or (c.get("tensor") == reference.get("name") and reference.get("event") == c.get("event", selection.event))
        ]  # fmt: skip
        most = max((abs(c.get("share") or 0.0) for c in here), default=0.0) or 1.0
        cells = [(view.cell(tuple(c["index"])), abs(c.get("share") or 0.0) / most) for c in here]
        return [(*cell, share) for cell, share in cells if cell is not None]

    def _hover(self, row: int, column: int) -> None:
        view = self.shown
        if view is None:
            self._read("")
            return
        cell = (row, column) if row >= 0 else self.map.selected
        self._read(self.text_at(*cell) if cell is not None else "Point at a number to read it")

    def text_at(self, row: int, column: int) -> str:
        """Index and exact value of a cell, or what it is the mean of."""
        view = self.shown
        index = view.index(row, column) if view is not None else None
        if view is None or index is None:
            return ""
        number = view.number(row, column)
        place = f"[{', '.join(map(str, index))}]" if index else ""
        if number is None:
            return f"{place}: not fetched yet"
        if view.block != (1, 1):
            return f"mean of {view.block[0]} × {view.block[1]} from {place} = {exact(number)}; zoom in for single numbers"
        return f"{place} = {exact(number)}"

    def _read(self, text: str) -> None:
        self.read_out.setText(text)

    @property
    def label(self) -> str:
        """The name of the parameter, or of its gradient, that is shown; "" where it is neither."""
        label, reference = self.subject.label, self.source.references[0] if self.source.references else {}
        return str(reference.get("expression", label)) if label else ""

    def fit_scale(self) -> None:
        """Find the range of colours anew."""
        if self.shown is not None:
            self._draw(self.shown, fit=True)

    # ---- theme and settings ----

    def apply_theme(self, theme: Theme) -> None:
        self.map.apply_theme(theme)
        self.histogram.apply_theme(theme)
        for label in (self.read_out, self.statistics):
            label.setFont(theme.code_font("small"))
        self.message.setFont(theme.text_font())
        if self.shown is not None:
            self._write(*self._statistics)
            self._fit_in()

    def save(self) -> dict[str, Any]:
        return self.controls.save()

    def restore(self, saved: dict[str, Any]) -> None:
        self.controls.restore(saved)


def _label(name: str) -> QLabel:
    label = QLabel()
    label.setAccessibleName(name)
    label.setContentsMargins(8, 0, 8, 0)
    label.setMinimumWidth(1)
    return label


PANEL = TensorPanel
