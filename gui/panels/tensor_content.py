"""What stands below the head of the Tensor panel: choices, map, read-out, histogram, statistics; or why there are none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from PyQt6.QtWidgets import QVBoxLayout, QWidget

from gui.panels.panel import ElidedLabel
from gui.panels.tensor_controls import TensorControls
from gui.panels.tensor_numbers import BINS
from gui.panels.tensor_view import Shown, as_array, exact, statistics_of, statistics_text
from gui.theme import Theme
from gui.timers import READABLE, Paced
from gui.widgets.heat_map import HeatMap
from gui.widgets.hint import Hint
from gui.widgets.histogram_plot import HistogramPlot
from gui.widgets.rich_line import RichLine

#: Pixels of height at 100 % that are needed for the histogram, and for the statistics.
_ROOM_FOR_ALL, _ROOM_FOR_STATISTICS = 300, 220


class TensorContent(QWidget):
    """The widgets, and how they share the room."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.controls = TensorControls()
        self.map = HeatMap(theme)
        self.histogram = HistogramPlot(theme)
        self.read_out = ElidedLabel()
        self.read_out.setAccessibleName("Element under the mouse, or selected")
        self.read_out.setContentsMargins(8, 0, 8, 0)
        self.statistics = RichLine()
        self.statistics.setAccessibleName("Statistics of the whole tensor")
        self.message = Hint()
        self.message.setAccessibleName("Why there are no numbers")
        self.message.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 4)
        layout.setSpacing(2)
        for widget in (self.controls, self.message, self.map, self.read_out, self.histogram, self.statistics):
            layout.addWidget(widget, int(widget in (self.map, self.message)))
        layout.addStretch()
        self._shape: tuple[int, ...] | None = None
        self._written: tuple[dict[str, Any], str] | None = None
        self._trail = Paced(self, READABLE, self._write)

    def refuse(self, text: str) -> None:
        """Say why there is nothing, in the place of the numbers."""
        self._shape = None
        self.message.setText(text)
        self.message.show()
        self._keep_place(False)
        for widget in (self.map, self.read_out, self.histogram, self.statistics):
            widget.hide()

    def accept(self, shape: Sequence[int], whole: bool = False) -> None:
        """There are numbers, of a tensor of that shape; ``whole``: they are integers."""
        self.histogram.whole = whole
        if self._shape == tuple(shape):
            return
        self._shape = tuple(shape)
        self.message.hide()
        self.map.setVisible(0 not in self._shape)
        self.read_out.show()
        self.share_room()

    def share_room(self) -> None:
        """Where there is little room the map has it: the histogram goes first, then the statistics. The place of the
        histogram that a single number lacks stays: else the map would change its height from step to step."""
        if self._shape is not None:
            height = self.height()
            has_room = height >= self._theme.space(_ROOM_FOR_ALL)
            self._keep_place(has_room)
            self.histogram.setVisible(math.prod(self._shape) > 1 and has_room)
            self.statistics.setVisible(height >= self._theme.space(_ROOM_FOR_STATISTICS))

    def _keep_place(self, keep: bool) -> None:
        """Whether the histogram has its place also while it is hidden."""
        policy = self.histogram.sizePolicy()
        if policy.retainSizeWhenHidden() != keep:
            policy.setRetainSizeWhenHidden(keep)
            self.histogram.setSizePolicy(policy)

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self.share_room()

    # ---- figures ----

    def write(self, values: dict[str, Any], before: str = "", trailing: bool = False) -> None:
        """Show statistics, as the engine describes a tensor; ``before`` says of what, where not of all. ``trailing``: no
        more often than can be read.
        """
        self._written = values, before
        self._trail.call(at_once=not trailing)

    def _write(self) -> None:
        if self._written is None:
            return
        values, before = self._written
        muted, alarm = self._theme.muted.name(), self._theme.phase_text["alarm"].name()
        self.statistics.setText(before + statistics_text(values, muted, alarm, self.histogram.whole))

    def write_of(self, view: Shown) -> None:
        """Statistics and histogram of what the map shows, for a difference that the engine does not know."""
        self.write(statistics_of(view.data), "" if view.complete else "of what is shown: ")
        finite = view.data[np.isfinite(view.data)]
        if finite.size and finite.min() < finite.max():
            self.histogram.show_counts(*np.histogram(finite, BINS))
        else:
            self.histogram.clear()

    def show_histogram(self, body: dict[str, Any]) -> None:
        """Draw the counts of the whole tensor."""
        self.histogram.show_counts(as_array(body["counts"]), as_array(body["edges"]))

    def apply_theme(self, theme: Theme) -> None:
        """Take on colours and fonts."""
        self._theme = theme
        self.map.apply_theme(theme)
        self.histogram.apply_theme(theme)
        for label in (self.read_out, self.statistics):
            label.setFont(theme.code_font("small"))
            label.set_ground(theme.panel)
        self.message.apply_theme(theme)
        self._write()
        self.share_room()


def text_at(view: Shown, row: int, column: int) -> str:
    """Index and exact value of a cell, or what it is the mean of."""
    cell, (down, across) = ((row, column), view.block) if view.tiled or view.block == (1, 1) else view.meant(row, column)
    index = view.index(*cell)
    if index is None:
        return ""
    number = view.number(row, column)
    place = f"[{', '.join(map(str, index))}]" if index else ""
    if number is None:
        return f"{place}: not fetched yet"
    if view.block != (1, 1):
        return f"mean of {down} × {across} from {place} = {exact(number)}; zoom in for single numbers"
    return f"{place} = {exact(number)}".strip()
