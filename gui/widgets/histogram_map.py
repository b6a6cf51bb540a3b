"""``HistogramMap``: the histograms of a tensor over the steps as a picture: a column a step, a row a power of two."""

from __future__ import annotations

import math

import numpy as np
from PyQt6.QtCore import QEvent, QLineF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QFontMetricsF, QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QSizePolicy, QWidget

from gui.numbers import format_number, plural
from gui.plots.axes import tick_values
from gui.theme import Theme, with_alpha

#: Rows that are shown at least.
_FEWEST_ROWS = 6

#: Share of the elements that the bin about zero takes in.
_MIDDLE = 0.005


class HistogramMap(QWidget):
    """Negative numbers below, positive above, the smallest in the middle; the darker, the more elements.

    Signals:
        read(text): what stands under the mouse; "": nothing.
    """

    read = pyqtSignal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.title = ""
        self.cursor_at: float | None = None
        self._steps = np.zeros(0, np.int64)
        self._shares = np.zeros((0, 0))
        self._counts = np.zeros((0, 0), np.int64)
        self._edges = np.zeros(0)
        self._image: QImage | None = None
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Histogram over steps")

    def sizeHint(self) -> QSize:
        return QSize(300, self.theme.space(160))

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self.theme.space(88))

    # ---- what is shown ----

    def show_histograms(self, title: str, steps: np.ndarray, counts: np.ndarray, edges: np.ndarray) -> None:
        """Show counts (n, bins) of ``steps`` (n) between ``edges`` (bins + 1); empty bins at the ends are left out."""
        self.title, self._steps = title, steps
        filled = np.flatnonzero(counts.sum(axis=0)) if len(counts) else np.zeros(0, int)
        if len(filled):
            low, high = int(filled[0]), int(filled[-1]) + 1
            while high - low < _FEWEST_ROWS and (low > 0 or high < counts.shape[1]):
                low, high = max(0, low - 1), min(counts.shape[1], high + 1)
            self._counts, self._edges = _without_middle(counts[:, low:high].astype(np.int64), edges[low : high + 1])
            self._shares = self._counts / np.maximum(1, counts.sum(axis=1, dtype=np.int64))[:, None]
        else:
            self._counts, self._shares, self._edges = np.zeros((0, 0), np.int64), np.zeros((0, 0)), np.zeros(0)
        self._image = None
        count = len(steps)
        last = f"{title}: histograms of {count} {plural(count, 'step')}, to step {steps[-1]}" if count else ""
        self.setAccessibleDescription(last)
        self.update()

    def set_cursor(self, x: float | None) -> None:
        """A line at the current step, or none."""
        if x != self.cursor_at:
            self.cursor_at = x
            self.update()

    def apply_theme(self, theme: Theme) -> None:
        """Take on another theme."""
        self.theme, self._image = theme, None
        self.updateGeometry()
        self.update()

    # ---- geometry ----

    def _box(self) -> QRectF:
        small = QFontMetricsF(self.theme.code_font("small"))
        left = max([small.horizontalAdvance(_edge_text(edge)) for edge in self._edges], default=0.0) + 12
        top, below = QFontMetricsF(self.theme.text_font("small")).height() + 6, small.height() + 8
        return QRectF(left, top, max(1.0, self.width() - left - 12), max(1.0, self.height() - top - below))

    def _span(self) -> tuple[float, float]:
        first, last = (float(self._steps[0]), float(self._steps[-1])) if len(self._steps) else (0.0, 0.0)
        return first, last + (float(np.diff(self._steps[-2:])[0]) if len(self._steps) > 1 else 1.0)

    def x_of(self, step: float) -> float:
        """Where a step's column begins."""
        box, (first, last) = self._box(), self._span()
        return box.left() + (step - first) / (last - first) * box.width()

    def _y(self, row: float) -> float:
        """The lower edge of a row of bins."""
        box = self._box()
        return box.bottom() - row / max(1, self._counts.shape[1]) * box.height()

    # ---- painting ----

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.theme.panel)
        if self._counts.size:
            box = self._box()
            self._paint_columns(painter, box)
            self._paint_axes(painter, box)
            if self.cursor_at is not None and self._span()[0] <= self.cursor_at <= self._span()[1]:
                painter.setPen(QPen(with_alpha(self.theme.ink, 0.75), 1))
                x = round(self.x_of(self.cursor_at)) + 0.5
                painter.drawLine(QLineF(x, box.top(), x, box.bottom()))
        painter.end()

    def _paint_columns(self, painter: QPainter, box: QRectF) -> None:
        """A column of pixels shows the histogram of the newest step that is not after it."""
        if self._image is None or self._image.width() != max(1, round(box.width())):
            wide = max(1, round(box.width()))
            first, last = self._span()
            steps = first + (np.arange(wide) + 0.5) / wide * (last - first)
            columns = np.clip(np.searchsorted(self._steps, steps, "right") - 1, 0, len(self._steps) - 1)
            # The root shows small shares beside large ones.
            shares = np.sqrt(self._shares[columns] / max(self._shares.max(), 1e-12)).T[::-1]
            table = self.theme.sequential[:, :3].copy()
            if abs(int(table[0].sum()) - _brightness(self.theme)) > abs(int(table[-1].sum()) - _brightness(self.theme)):
                table = table[::-1]  # nothing is the background, in every theme
            rgb = np.ascontiguousarray(table[np.rint(shares * 255).astype(np.intp)])
            image = QImage(rgb.tobytes(), wide, rgb.shape[0], 3 * wide, QImage.Format.Format_RGB888)
            self._image = image.copy()
        painter.drawImage(box, self._image)

    def _paint_axes(self, painter: QPainter, box: QRectF) -> None:
        theme = self.theme
        font, small = theme.code_font("small"), QFontMetricsF(theme.code_font("small"))
        painter.setFont(theme.text_font("small", bold=True))
        painter.setPen(theme.ink)
        head = QRectF(box.left(), 2, box.width(), box.top() - 4)
        share = f"share of elements, 0 to {100 * self._shares.max():.0f} %"
        painter.drawText(head, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, self.title)
        wide = QFontMetricsF(painter.font()).horizontalAdvance(self.title)
        painter.setFont(theme.text_font("small"))
        painter.setPen(theme.muted)
        if wide + QFontMetricsF(painter.font()).horizontalAdvance(share) + 12 < box.width():
            painter.drawText(head, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, share)
        painter.setFont(font)
        last = math.inf
        for row, edge in enumerate(self._edges):
            y = self._y(row)
            if last - y >= small.height() * 1.4 and y - small.height() / 2 > 0:
                last = y
                place = QRectF(0, y - small.height() / 2, box.left() - 6, small.height())
                painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, _edge_text(edge))
        painter.setPen(QPen(with_alpha(theme.ink, 0.35), 1))
        painter.drawRect(box.adjusted(-0.5, -0.5, 0.5, 0.5))
        painter.setPen(theme.muted)
        label = QRectF(box.left(), box.bottom() + 4, box.width() + 10, small.height())
        painter.setFont(theme.text_font("small"))
        painter.drawText(label, Qt.AlignmentFlag.AlignRight, "step")
        end = label.right() - QFontMetricsF(painter.font()).horizontalAdvance("step") - 6
        painter.setFont(font)
        for tick in tick_values(*self._span(), max(2, int(box.width() / 70)), whole=True):
            text, x = f"{tick:,.0f}", self.x_of(tick)
            half = small.horizontalAdvance(text) / 2
            if x + half < end:
                place = QRectF(x - half - 2, label.top(), 2 * half + 4, label.height())
                painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)

    # ---- reading ----

    def text_at(self, x: float, y: float) -> str:
        """What stands at a pixel: the step, the bin, and how many elements are in it."""
        box = self._box()
        if not self._counts.size or not box.contains(x, y):
            return ""
        first, last = self._span()
        step = first + (x - box.left()) / box.width() * (last - first)
        at = int(np.clip(np.searchsorted(self._steps, step, "right") - 1, 0, len(self._steps) - 1))
        row = int(min(self._counts.shape[1] - 1, (box.bottom() - y) / box.height() * self._counts.shape[1]))
        bounds = f"{format_number(float(self._edges[row]))} to {format_number(float(self._edges[row + 1]))}"
        share = 100 * self._shares[at, row]
        count = int(self._counts[at, row])
        return f"step {self._steps[at]:,}   {bounds}: {count:,} {plural(count, 'element')}, {share:.1f} %"

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        if event is not None:
            self.read.emit(self.text_at(event.position().x(), event.position().y()))

    def leaveEvent(self, event: QEvent | None) -> None:
        self.read.emit("")


def _without_middle(counts: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The bins about zero that hold next to nothing as one bin: they would take most of the room."""
    totals = counts.sum(axis=0)
    allowed = _MIDDLE * totals.sum()
    border = 0.0
    for size in np.unique(np.abs(edges)):
        inside = (edges[:-1] >= -size) & (edges[1:] <= size)
        if totals[inside].sum() > allowed:
            break
        border = size
    inside = np.flatnonzero((edges[:-1] >= -border) & (edges[1:] <= border))
    if len(inside) < 2:
        return counts, edges
    first, last = int(inside[0]), int(inside[-1]) + 1
    middle = counts[:, first:last].sum(axis=1, keepdims=True)
    return np.concatenate([counts[:, :first], middle, counts[:, last:]], 1), np.delete(edges, np.arange(first + 1, last))


def _brightness(theme: Theme) -> int:
    return theme.panel.red() + theme.panel.green() + theme.panel.blue()


def _edge_text(edge: float) -> str:
    """A power of two: short."""
    size = abs(edge)
    if 0.01 <= size < 1e4:
        return f"{edge:.3g}"
    return f"{edge:.0e}".replace("e-0", "e-").replace("e+0", "e")
