"""``LinePlot``: curves over steps, with a legend above them, a read-out, a cursor and marks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph as pg
from PyQt6.QtCore import QEvent, QObject, QPointF, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gui.numbers import format_number
from gui.theme import Theme, mixed, readable, with_alpha
from gui.widgets.flow_layout import FlowLayout
from gui.widgets.value_scale import rounded_up

#: Colours of curves beside the accent, which the current one has: none of them is the hue of a phase.
_COLORS = ("#7B5EA7", "#8A6D3B", "#4F7F94", "#76862B", "#9C4F6E", "#7F7F7F")

_DASHES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine, Qt.PenStyle.DashDotLine)

#: Dashes cost much with many points; such curves are drawn solid.
_MOST_DASHED = 2000


@dataclass(frozen=True)
class Mark:
    """A mark at ``x``: what happened there, and whether it is an alarm."""

    x: float
    text: str
    alarm: bool = False


def smoothed(values: np.ndarray, window: int) -> np.ndarray:
    """The mean of the last ``window`` values at each place, without those that are not finite; NaN where none is."""
    if window <= 1 or not len(values):
        return values
    finite = np.isfinite(values)
    sums = np.concatenate([[0.0], np.cumsum(np.where(finite, values, 0.0))])
    counts = np.concatenate([[0], np.cumsum(finite)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(0, ends - window)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (sums[ends] - sums[starts]) / (counts[ends] - counts[starts])


class LinePlot(QWidget):
    """Curves of width 1. Wheel and drag zoom and move; double-click shows everything again, and so it stays.

    Signals:
        chosen(x): a place was clicked.
    """

    chosen = pyqtSignal(float)

    def __init__(self, theme: Theme, x_label: str = "step", y_label: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._x_label, self._y_label, self._y_drawn = x_label, y_label, True
        self._curves: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self._drawn: dict[str, tuple[Any, Any]] = {}
        self._marks: list[Mark] = []
        self._lines: list[pg.InfiniteLine] = []
        self._current = ""
        self._window, self._log = 1, False
        self.legend = QWidget()
        self.legend.setAccessibleName("Legend")
        self._legend_layout = FlowLayout(self.legend, spacing=12, margins=(8, 2, 8, 2))
        self.read_out = QLabel()
        self.read_out.setAccessibleName("Read-out of the curves")
        self.read_out.setContentsMargins(8, 0, 8, 2)
        self.read_out.setMinimumWidth(1)
        self.plot: Any = pg.PlotWidget(axisItems={"left": _ValueAxis("left")})
        self.plot.setAccessibleName("Curves")
        self.plot.hideButtons()
        self.plot.setMenuEnabled(False)
        self.plot.setFrameShape(pg.QtWidgets.QFrame.Shape.NoFrame)
        self._item: Any = self.plot.getPlotItem()
        self._item.setClipToView(True)
        self._item.setDownsampling(auto=True, mode="peak")
        self._item.getViewBox().setDefaultPadding(0.03)
        self._cursor = pg.InfiniteLine(angle=90, movable=False)
        self._pointer = pg.InfiniteLine(angle=90, movable=False)
        for line in (self._cursor, self._pointer):
            line.hide()
            self._item.addItem(line, ignoreBounds=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for widget in (self.legend, self.plot, self.read_out):
            layout.addWidget(widget, int(widget is self.plot))
        self.plot.scene().sigMouseMoved.connect(self._hover)
        self.plot.scene().sigMouseClicked.connect(self._click)
        self.plot.viewport().installEventFilter(self)
        self.apply_theme(theme)

    # ---- what is shown ----

    def show_curves(self, curves: Mapping[str, tuple[np.ndarray, np.ndarray]], current: str = "") -> None:
        """Show (x, y) by name; ``current`` is drawn in the accent's colour, above the others; "": none is."""
        self._curves = {name: (np.asarray(x, float), np.asarray(y, float)) for name, (x, y) in curves.items()}
        self._current = current
        for name in [name for name in self._drawn if name not in self._curves]:
            for item in self._drawn.pop(name):
                self._item.removeItem(item)
        self._draw()

    def set_log(self, log: bool) -> None:
        """Logarithmic y axis; what is not above 0 is left out."""
        if log != self._log:
            self._log = log
            self._item.setLogMode(x=False, y=log)
            self._draw()
            self.show_all()

    def set_smoothing(self, window: int) -> None:
        """Draw the mean of the last ``window`` values, and the values themselves faintly; 1: only the values."""
        if window != self._window:
            self._window = window
            self._draw()

    def set_y_label(self, text: str, drawn: bool = True) -> None:
        """What the y axis shows; not ``drawn`` where something near the plot says it."""
        self._y_label, self._y_drawn = text, drawn
        self._label_axes()

    def set_cursor(self, x: float | None) -> None:
        """A line at the current step, or none."""
        self._cursor.setVisible(x is not None)
        if x is not None:
            self._cursor.setValue(x)

    def set_marks(self, marks: Sequence[Mark]) -> None:
        """Short lines with a text in the read-out."""
        if list(marks) == self._marks:
            return
        self._marks = list(marks)
        for line in self._lines:
            self._item.removeItem(line)
        self._lines = []
        for mark in self._marks:
            line = pg.InfiniteLine(mark.x, angle=90, movable=False, span=(0, 1) if mark.alarm else (0, 0.06))
            if mark.alarm:
                line.addMarker("v", 1.0, 9)
            self._item.addItem(line, ignoreBounds=True)
            self._lines.append(line)
        self._color_marks()

    def show_all(self) -> None:
        """Show everything, also what is yet to come."""
        # What lies outside of the view is clipped, and unknown to the automatic range: first look at all of it.
        ends = [(x[0], x[-1]) for x, _ in self._curves.values() if len(x)]
        if ends:
            self._item.setXRange(min(first for first, _ in ends), max(last for _, last in ends))
        self._item.enableAutoRange()

    def color(self, name: str) -> QColor:
        """The colour of a curve."""
        if name == self._current:
            return QColor(self.theme.accent)
        others = [other for other in self._curves if other != self._current]
        color = QColor(_COLORS[others.index(name) % len(_COLORS)] if name in others else _COLORS[-1])
        return readable(color, self.theme.panel, 3.0)

    # ---- drawing ----

    def apply_theme(self, theme: Theme) -> None:
        """Take on another theme."""
        self.theme = theme
        self.plot.setBackground(theme.panel)
        font = theme.code_font("small")
        for side in ("left", "bottom"):
            axis = self._item.getAxis(side)
            axis.setPen(pg.mkPen(with_alpha(theme.ink, 0.35), width=1))
            axis.setTextPen(pg.mkPen(theme.muted))
            axis.setTickFont(font)
            axis.enableAutoSIPrefix(False)
            axis.setStyle(tickLength=-4, tickTextOffset=4, hideOverlappingLabels=True)
            axis.label.setFont(theme.text_font("small"))
        self._label_axes()
        self._item.showGrid(x=False, y=True, alpha=0.12)
        self._cursor.setPen(pg.mkPen(with_alpha(theme.ink, 0.7), width=1))
        self._pointer.setPen(pg.mkPen(with_alpha(theme.ink, 0.35), width=1, style=Qt.PenStyle.DotLine))
        self.read_out.setFont(font)
        self._color_marks()
        self._draw()

    def _label_axes(self) -> None:
        self._item.setLabel("bottom", self._x_label)
        self._item.getAxis("left").showLabel(self._y_drawn)
        if self._y_drawn:
            self._item.setLabel("left", self._y_label)
        lines = [QFontMetricsF(font).height() for font in (self.theme.code_font("small"), self.theme.text_font("small"))]
        self._item.getAxis("bottom").setHeight(round(sum(lines)) + 4)

    def _color_marks(self) -> None:
        for mark, line in zip(self._marks, self._lines):
            color = self.theme.phase["alarm"] if mark.alarm else self.theme.muted
            line.setPen(pg.mkPen(color, width=1))

    def _draw(self) -> None:
        for number, (name, (x, y)) in enumerate(self._curves.items()):
            if name not in self._drawn:
                pair = (pg.PlotDataItem(connect="finite"), pg.PlotDataItem(connect="finite"))
                for item in pair:
                    self._item.addItem(item)
                self._drawn[name] = pair
            faint, main = self._drawn[name]
            color = self.color(name)
            dash = Qt.PenStyle.SolidLine if name == self._current or len(x) > _MOST_DASHED else _DASHES[number % 4]
            main.setZValue(2 if name == self._current else 1)
            main.setData(x, self._visible(smoothed(y, self._window)), pen=pg.mkPen(color, width=1, style=dash))
            few = np.isfinite(y).sum() <= 1
            main.setSymbol("o" if few else None)
            main.setSymbolSize(5)
            main.setSymbolBrush(color)
            main.setSymbolPen(None)
            faint.setVisible(self._window > 1)
            if self._window > 1:
                faint.setData(x, self._visible(y), pen=pg.mkPen(mixed(color, self.theme.panel, 0.65), width=1))
        self._write_legend()
        self._say("")

    def _visible(self, y: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            return np.where(np.isfinite(y) & ((y > 0) | (not self._log)), y, np.nan)

    def _write_legend(self) -> None:
        wanted = list(self._curves)
        while (item := self._legend_layout.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.setParent(None)
                widget.deleteLater()
        for number, name in enumerate(wanted):
            dash = Qt.PenStyle.SolidLine if name == self._current else _DASHES[number % 4]
            entry = _Entry(name, self.color(name), dash, self.theme, bold=name == self._current and len(wanted) > 1)
            self._legend_layout.addWidget(entry)
            entry.show()
        self.legend.setVisible(len(wanted) > 1)
        self.legend.updateGeometry()

    # ---- reading ----

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.Leave:
            self._pointer.hide()
            self._say("")
        return False

    def _at(self, place: QPointF) -> float | None:
        box = self._item.getViewBox()
        return box.mapSceneToView(place).x() if box.sceneBoundingRect().contains(place) else None

    def _hover(self, place: QPointF) -> None:
        x = self._at(place)
        if x is None or not self._curves:
            self._pointer.hide()
            self._say("")
            return
        nearest = self._nearest(x)
        if nearest is not None:
            self._pointer.setValue(nearest)
            self._pointer.show()
            self._say(self.text_at(nearest))

    def _nearest(self, x: float) -> float | None:
        """The x of the point of any curve that is nearest."""
        places = [xs[_closest(xs, x)] for xs, _ in self._curves.values() if len(xs)]
        return float(min(places, key=lambda place: abs(place - x))) if places else None

    def text_at(self, x: float) -> str:
        """What the curves say at ``x``."""
        parts = [f"{self._x_label} {x:.0f}"]
        for name, (xs, ys) in self._curves.items():
            if len(xs) and xs[k := _closest(xs, x)] == x:
                value = format_number(float(ys[k])) if np.isfinite(ys[k]) else str(ys[k])
                parts.append(f"{name} {value}" if len(self._curves) > 1 else f"{self._y_label} {value}")
        low, high = self._item.getViewBox().viewRange()[0]
        near = [mark.text for mark in self._marks if abs(mark.x - x) <= (high - low) * 0.01]
        return "   ".join(parts + near[:2])

    def _say(self, text: str) -> None:
        if not text:
            name = self._current or next(iter(self._curves), "")
            x, y = self._curves.get(name, (np.zeros(0), np.zeros(0)))
            what = name if len(self._curves) > 1 else self._y_label
            text = f"{self._x_label} {x[-1]:.0f}   {what} {format_number(float(y[-1]))}" if len(x) else ""
        self.read_out.setText(text)

    def _click(self, event: object) -> None:
        if event.double():  # type: ignore[attr-defined]
            self.show_all()
        elif event.button() == Qt.MouseButton.LeftButton:  # type: ignore[attr-defined]
            x = self._at(event.scenePos())  # type: ignore[attr-defined]
            if x is not None and (nearest := self._nearest(x)) is not None:
                self.chosen.emit(nearest)


def _closest(xs: np.ndarray, x: float) -> int:
    k = int(np.searchsorted(xs, x))
    return min(range(max(0, k - 1), min(len(xs), k + 1)), key=lambda i: abs(xs[i] - x))


class _ValueAxis(pg.AxisItem):
    """An axis whose logarithmic ticks stand at 1, 2 and 5 times powers of ten, at powers only where there are many."""

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list:
        if not self.logMode:
            return super().tickValues(minVal, maxVal, size)
        low, high = sorted((minVal, maxVal))
        decades = range(math.floor(low), math.ceil(high) + 1)
        every = max(1, round((high - low) * 24 / max(size, 1)))
        factors = (1, 2, 5) if size / max(high - low, 1e-9) >= 80 else (1,)
        ticks = [k + math.log10(f) for k in decades for f in factors if k % every == 0]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) > 1:
            return [(1.0, ticks)]
        first, last = 10.0**low, 10.0**high
        step = rounded_up((last - first) / 4)
        ends = range(math.ceil(first / step), math.floor(last / step) + 1)
        return [(0.0, [math.log10(k * step) for k in ends if k > 0])]

    def tickStrings(self, values: list, scale: float, spacing: float) -> list[str]:
        if not self.logMode:
            return super().tickStrings(values, scale, spacing)
        return [f"{10.0**value:.3g}".replace("e-0", "e-").replace("e+0", "e") for value in values]


class _Entry(QWidget):
    """A name with a piece of its line."""

    def __init__(self, name: str, color: QColor, dash: Qt.PenStyle, theme: Theme, bold: bool) -> None:
        super().__init__()
        self._pen = QPen(color, 2, dash)
        label = QLabel(name)
        label.setFont(theme.text_font("small", bold=bold))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(24, 0, 0, 0)
        layout.addWidget(label)
        self.setAccessibleName(f"Legend: {name}")

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setPen(self._pen)
        painter.drawLine(0, self.height() // 2, 18, self.height() // 2)
        painter.end()
