"""``HistogramPlot``: how often which numbers occur."""

from __future__ import annotations

import numpy as np
from PyQt6.QtCore import QLineF, QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QFontMetricsF, QMouseEvent, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QSizePolicy, QWidget

from gui.numbers import format_count, format_number, plural, trimmed
from gui.theme import Theme, with_alpha


class HistogramPlot(QWidget):
    """Bars over equally wide bins, with the ends of the range, zero and the selected element's number marked.

    Signals:
        read(text): what the bar under the mouse says; "" beside the bars.
    """

    read = pyqtSignal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        # It paints all of itself: what lies under it need not be.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent, True)
        self.counts = np.zeros(0, np.int64)
        self.edges = np.zeros(0)
        self.value: float | None = None
        self.logarithmic = False
        #: Whether the numbers that are counted are integers.
        self.whole = False
        self._hovered = -1
        self.setMouseTracking(True)
        self.setMinimumHeight(48)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Histogram of the tensor's elements")
        self.apply_theme(theme)

    def sizeHint(self) -> QSize:
        return QSize(320, self.theme.space(72))

    def apply_theme(self, theme: Theme) -> None:
        """Take on another theme."""
        self.theme = theme
        self.setFixedHeight(theme.space(72))
        self.update()

    def show_counts(self, counts: np.ndarray, edges: np.ndarray) -> None:
        """Show counts between edges (one more)."""
        self.counts, self.edges = np.asarray(counts), np.asarray(edges, np.float64)
        self.update()

    def clear(self) -> None:
        """Show nothing."""
        self.counts, self.edges = np.zeros(0, np.int64), np.zeros(0)
        self.update()

    def mark(self, value: float | None) -> None:
        """Mark a number, or none."""
        if value != self.value:
            self.value = value
            self.update()

    def _area(self) -> QRectF:
        below = QFontMetricsF(self.theme.code_font("small")).height() + 4
        return QRectF(8, 4, max(1.0, self.width() - 16.0), max(1.0, self.height() - 4 - below))

    def _x(self, value: float) -> float:
        area, (low, high) = self._area(), (self.edges[0], self.edges[-1])
        return area.left() + area.width() * float((value - low) / (high - low))

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.theme.panel)
        if self.counts.size and self.counts.max() > 0:
            self._paint(painter)
        painter.end()

    def _paint(self, painter: QPainter) -> None:
        area, theme = self._area(), self.theme
        heights = np.log1p(self.counts) if self.logarithmic else self.counts.astype(np.float64)
        heights = heights * (area.height() / heights.max())
        wide = area.width() / len(self.counts)
        left, bottom, thick, color = area.left(), area.bottom(), max(wide - 1, 1.0), with_alpha(theme.muted, 0.6)
        for k, (count, height) in enumerate(zip(self.counts.tolist(), np.maximum(heights, 1.0).tolist())):
            if count:
                bar = QRectF(left + k * wide, bottom - height, thick, height)
                painter.fillRect(bar, theme.ink if k == self._hovered else color)
        painter.setPen(QPen(theme.hairline, 1))
        painter.drawLine(QLineF(area.left(), area.bottom(), area.right(), area.bottom()))
        self._labels(painter, area)
        if self.value is not None and self.edges[0] <= self.value <= self.edges[-1]:
            x = round(self._x(self.value))
            painter.setPen(QPen(theme.selection, 2))
            painter.drawLine(QLineF(x, area.top(), x, area.bottom()))

    def _labels(self, painter: QPainter, area: QRectF) -> None:
        theme, low, high = self.theme, float(self.edges[0]), float(self.edges[-1])
        font = theme.code_font("small")
        painter.setFont(font)
        painter.setPen(theme.muted)
        metrics = QFontMetricsF(font)
        place = QRectF(area.left(), area.bottom() + 2, area.width(), metrics.height())
        texts = [self._text(low), self._text(high)]
        painter.drawText(place, Qt.AlignmentFlag.AlignLeft, texts[0])
        painter.drawText(place, Qt.AlignmentFlag.AlignRight, texts[1])
        x = self._x(0.0) if low < 0 < high else -1.0
        ends = [metrics.horizontalAdvance(text) + 12 for text in texts]
        if area.left() + ends[0] < x < area.right() - ends[1]:
            painter.drawText(QRectF(x - 20, place.top(), 40, place.height()), Qt.AlignmentFlag.AlignHCenter, "0")
            painter.setPen(QPen(with_alpha(theme.ink, 0.4), 1, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(round(x), area.top()), QPointF(round(x), area.bottom()))

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        assert event is not None
        area = self._area()
        k = int((event.position().x() - area.left()) // (area.width() / max(1, self.counts.size)))
        self._hover(k if 0 <= k < self.counts.size else -1)

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        self.logarithmic = not self.logarithmic
        self.update()

    def leaveEvent(self, event: object) -> None:
        self._hover(-1)

    def _text(self, edge: float) -> str:
        return trimmed(format_number(edge)) if self.whole and edge.is_integer() else format_number(edge)

    def _hover(self, k: int) -> None:
        if k == self._hovered:
            return
        self._hovered = k
        self.update()
        if k < 0:
            self.read.emit("")
            return
        count, share = int(self.counts[k]), self.counts[k] / max(1, self.counts.sum())
        between = f"{self._text(float(self.edges[k]))} to {self._text(float(self.edges[k + 1]))}"
        self.read.emit(f"{between}: {format_count(count)} {plural(count, 'element')}, {share:.1%}")
