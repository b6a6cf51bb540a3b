"""Samples of two numbers as points of the plane: hue and shape by label, a cross where the prediction is wrong."""

from __future__ import annotations

import numpy as np
from PyQt6.QtCore import QEvent, QPointF, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QFontMetricsF, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPen
from PyQt6.QtWidgets import QToolTip, QWidget

from gui.data.batch import Batch
from gui.theme import Theme, with_alpha


class PointsPlot(QWidget):
    """Signals: chosen(i): position in the batch of the point that was clicked; opened(i): double-clicked, or Enter."""

    chosen = pyqtSignal(int)
    opened = pyqtSignal(int)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.batch: Batch | None = None
        self.sample = 0
        self._range: tuple[float, float, float, float] | None = None
        self.setMouseTracking(True)
        self.setMinimumSize(120, 100)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Samples of the batch as points: arrow keys choose the next, Enter changes its label")

    def show_batch(self, batch: Batch | None) -> None:
        """Show these points; the axes only grow, so that nothing jumps from batch to batch."""
        if batch is not None and batch.inputs is not None and len(batch.inputs):
            low, high = np.nanmin(batch.inputs, axis=0), np.nanmax(batch.inputs, axis=0)
            pad = np.maximum(0.08 * (high - low), 1e-6)
            wanted = [low[0] - pad[0], high[0] + pad[0], low[1] - pad[1], high[1] + pad[1]]
            old = self._range
            if old is not None and old[0] <= low[0] and old[1] >= high[0] and old[2] <= low[1] and old[3] >= high[1]:
                wanted = list(old)
            self._range = tuple(float(x) for x in wanted)  # type: ignore[assignment]
        self.batch = batch
        self.update()

    def clear(self) -> None:
        """Show nothing; the axes are made anew for the next batch."""
        self._range = None
        self.show_batch(None)

    def show_sample(self, sample: int) -> None:
        self.sample = sample
        self.update()

    def apply_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.update()

    def _field(self) -> QRectF:
        metrics = QFontMetricsF(self.theme.code_font("small"))
        return QRectF(self.rect()).adjusted(metrics.horizontalAdvance("-0.000") + 10, 12, -16, -metrics.height() - 14)

    def at(self, i: int) -> QPointF:
        """Where a sample is drawn."""
        assert self.batch is not None and self.batch.inputs is not None and self._range is not None
        x0, x1, y0, y1 = self._range
        field, (x, y) = self._field(), self.batch.inputs[i].astype(float)
        return QPointF(
            field.left() + (x - x0) / (x1 - x0) * field.width(), field.bottom() - (y - y0) / (y1 - y0) * field.height()
        )

    def paintEvent(self, event: object) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.theme.panel)
        if self.batch is None or self.batch.inputs is None or self._range is None:
            return
        self._paint_axes(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for i in range(len(self.batch.inputs)):
            if np.isfinite(self.batch.inputs[i]).all():
                self._paint_point(painter, i)

    def _paint_axes(self, painter: QPainter) -> None:
        field, theme = self._field(), self.theme
        assert self._range is not None
        painter.setPen(QPen(theme.hairline, 1))
        painter.drawRect(field)
        x0, x1, y0, y1 = self._range
        painter.setFont(theme.code_font("small"))
        painter.setPen(theme.muted)
        high = QFontMetricsF(painter.font()).height()
        below = QRectF(field.left(), field.bottom() + 3, field.width(), high)
        ends = [_end(x0), _end(x1)]
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, ends[0])
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, ends[1])
        wide = QFontMetricsF(painter.font()).horizontalAdvance
        if 2 * max(map(wide, ends)) + wide("x[0]") + 16 <= field.width():
            painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, "x[0]")
        for text, y in (
            (_end(y1), field.top()),
            (_end(y0), field.bottom() - high),
            ("x[1]", field.center().y() - high / 2),
        ):
            painter.drawText(QRectF(0, y, field.left() - 6, high), Qt.AlignmentFlag.AlignRight, text)
        painter.setPen(QPen(with_alpha(theme.ink, 0.2), 1))
        if x0 < 0 < x1:
            x = field.left() - x0 / (x1 - x0) * field.width()
            painter.drawLine(QPointF(x, field.top()), QPointF(x, field.bottom()))
        if y0 < 0 < y1:
            y = field.bottom() + y0 / (y1 - y0) * field.height()
            painter.drawLine(QPointF(field.left(), y), QPointF(field.right(), y))

    def _paint_point(self, painter: QPainter, i: int) -> None:
        assert self.batch is not None
        at, theme = self.at(i), self.theme
        label = self.batch.labels[i] if self.batch.labels is not None and i < len(self.batch.labels) else None
        number = int(np.asarray(label).reshape(-1)[0]) if label is not None and np.size(label) == 1 else 0
        wrong = self.batch.right(i) is False
        painter.setPen(QPen(theme.phase["alarm"] if wrong else with_alpha(theme.ink, 0.6), 2 if wrong else 1))
        painter.setBrush(self._hue(number))
        if number % 2:
            painter.drawRect(QRectF(at.x() - 5, at.y() - 5, 10, 10))
        else:
            painter.drawEllipse(at, 5.5, 5.5)
        if wrong:
            for sign in (-1, 1):
                painter.drawLine(QPointF(at.x() - 4, at.y() - 4 * sign), QPointF(at.x() + 4, at.y() + 4 * sign))
        if len(self.batch.inputs) <= 24:  # type: ignore[arg-type]
            painter.setFont(theme.code_font("small"))
            painter.setPen(theme.phase_text["alarm"] if wrong else theme.ink)
            text = self.batch.verdict(i)
            metrics = QFontMetricsF(painter.font())
            wide, high = metrics.horizontalAdvance(text), metrics.ascent()
            left = at.x() + 14 if at.x() + 18 + wide < self._field().right() else at.x() - 14 - wide
            # An axis through a 0 makes another sign of it.
            painter.fillRect(QRectF(left - 1, at.y() + 5 - high, wide + 2, high), theme.panel)
            painter.drawText(QPointF(left, at.y() + 4), text)
        if i == self.sample:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.selection, 2))
            painter.drawEllipse(at, 10, 10)

    def _hue(self, label: int) -> QColor:
        """Two classes have the two ends of the diverging map; more of them other hues of equal lightness."""
        if label in (0, 1):
            return QColor(*map(int, self.theme.diverging[26 if label == 0 else 230][:3]))
        return QColor.fromHsv((label * 67) % 360, 150, 210 if self.theme.dark else 190)

    def nearest(self, x: float, y: float) -> int | None:
        """The point within 12 pixels."""
        if self.batch is None or self.batch.inputs is None or not len(self.batch.inputs):
            return None
        apart = [(self.at(i).x() - x) ** 2 + (self.at(i).y() - y) ** 2 for i in range(len(self.batch.inputs))]
        best = int(np.nanargmin(apart)) if np.isfinite(apart).any() else 0
        return best if apart[best] <= 144 else None

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            found = self.nearest(event.position().x(), event.position().y())
            if found is not None:
                self.chosen.emit(found)

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            found = self.nearest(event.position().x(), event.position().y())
            if found is not None:
                self.opened.emit(found)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is None:
            return
        ways = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}
        count = len(self.batch.inputs) if self.batch is not None and self.batch.inputs is not None else 0
        if event.key() in ways and self.sample < count:
            found = self._next(*ways[Qt.Key(event.key())])
            if found is not None:
                self.chosen.emit(found)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.sample < count:
            self.opened.emit(self.sample)
        else:
            super().keyPressEvent(event)

    def _next(self, across: int, down: int) -> int | None:
        """The nearest point in a direction from the one that is chosen."""
        assert self.batch is not None and self.batch.inputs is not None
        here = self.at(self.sample)
        best: tuple[float, int] | None = None
        for i in range(len(self.batch.inputs)):
            way = self.at(i) - here
            along = way.x() * across + way.y() * down
            aside = abs(way.y() * across) + abs(way.x() * down)
            if along > 0.5 and along >= 0.5 * aside and (best is None or along + 3 * aside < best[0]):
                best = along + 3 * aside, i
        return best[1] if best is not None else None

    def event(self, event: QEvent | None) -> bool:
        if isinstance(event, QHelpEvent) and self.batch is not None:
            found = self.nearest(event.pos().x(), event.pos().y())
            QToolTip.showText(event.globalPos(), self.batch.describe(found) if found is not None else "", self)
            return True
        return super().event(event)


def _end(value: float) -> str:
    """An end of an axis in at most six letters, for numbers of a usual size."""
    return f"{value:.3g}" if abs(value) >= 0.0995 or not value else f"{value:.1g}"
