"""``Gutter``: the strip left of source, with breakpoints, line numbers, and the mark of where the script stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QEvent, QPointF, QRect, QSize, Qt
from PyQt6.QtGui import QColor, QContextMenuEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF, QRegion
from PyQt6.QtWidgets import QWidget

from gui.theme import Theme, with_alpha

if TYPE_CHECKING:
    from gui.widgets.code_view import CodeView


@dataclass(frozen=True)
class Mark:
    """A marked line: ``solid`` where the script stands, otherwise hollow (where a backward op comes from)."""

    line: int
    color: QColor
    solid: bool = True


class Gutter(QWidget):
    """The strip left of the text: breakpoints, line numbers, the mark of where the script stands."""

    def __init__(self, view: CodeView) -> None:
        super().__init__(view)
        # It paints all of itself: what lies under it need not be.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent, True)
        self._view = view
        self._hovered: int | None = None
        self.setMouseTracking(True)
        self.setAccessibleName("Breakpoints and line numbers")
        self.setToolTip("Click: breakpoint on this line (F9). Right click: condition, hit count, log point.")

    def wanted_width(self) -> int:
        """Pixels for a breakpoint, the longest line number and the mark."""
        digits = max(3, len(str(max(self._view.numbers, default=self._view.blockCount()))))
        return self._dot_width() + self._view.fontMetrics().horizontalAdvance("9") * digits + 14

    def sizeHint(self) -> QSize:
        return QSize(self.wanted_width(), 0)

    def _dot_width(self) -> int:
        return self._view.fontMetrics().height() + 2

    def paintEvent(self, a0: QPaintEvent | None) -> None:
        view, theme = self._view, self._view.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        region = a0.region() if a0 is not None else QRegion(self.rect())
        box = region.boundingRect()
        painter.fillRect(box, theme.panel)
        painter.setFont(view.font())
        metrics = view.fontMetrics()
        digit, ascent = metrics.horizontalAdvance("9"), metrics.ascent()
        marks = {mark.line: mark for mark in reversed(view.marks)}
        block = view.firstVisibleBlock()
        while block.isValid():
            rect = view.blockBoundingGeometry(block).translated(view.contentOffset())
            if rect.top() > box.bottom() or (rect.bottom() > self.height() + 1 and rect.top() > 0):
                break
            if rect.bottom() < box.top():
                block = block.next()
                continue
            line = view.line_of(block.blockNumber())
            area = QRect(0, round(rect.top()), self.width(), round(rect.height()))
            # Of two lines that are marked anew, those between them need not be written again.
            if line and region.intersects(area):
                self._draw_line(painter, line, area, marks.get(line), digit, ascent)
            block = block.next()

    def _draw_line(
        self, painter: QPainter, line: int, area: QRect, mark: Mark | None, digit: int, ascent: int
    ) -> None:
        theme = self._view.theme
        if mark is not None:
            painter.fillRect(area, tint(mark))
            bar = QRect(area.right() - 3, area.top(), 3, area.height())
            if mark.solid:
                painter.fillRect(bar, mark.color)
            else:
                painter.setPen(QPen(mark.color, 1, Qt.PenStyle.DotLine))
                painter.drawLine(bar.right(), bar.top(), bar.right(), bar.bottom())
        painter.setPen(theme.ink if mark is not None and mark.solid else theme.muted)
        text = str(line)
        painter.drawText(area.right() - 8 - digit * len(text), area.top() + ascent, text)
        dot = QRect(area.left(), area.top(), self._dot_width(), area.height())
        if line in self._view.breakpoints:
            draw_breakpoint(painter, dot, self._view.breakpoints[line], theme)
        elif line == self._hovered and self._view.shows_breakpoints:
            painter.setOpacity(0.35)
            draw_breakpoint(painter, dot, {}, theme)
            painter.setOpacity(1.0)

    # ---- the mouse ----

    def _line(self, event: QMouseEvent) -> int | None:
        return self._view.line_at(round(event.position().y()))

    def mouseMoveEvent(self, a0: QMouseEvent | None) -> None:
        line = self._line(a0) if a0 is not None else None
        if line != self._hovered:
            self._hovered = line
            self.update()

    def leaveEvent(self, a0: QEvent | None) -> None:
        self._hovered = None
        self.update()

    def mousePressEvent(self, a0: QMouseEvent | None) -> None:
        line = self._line(a0) if a0 is not None else None
        if a0 is None or line is None or not self._view.shows_breakpoints:
            return
        if a0.button() == Qt.MouseButton.LeftButton:
            self._view.breakpoint_toggled.emit(line)

    def contextMenuEvent(self, a0: QContextMenuEvent | None) -> None:
        line = self._view.line_at(a0.y()) if a0 is not None else None
        if a0 is None or line is None or not self._view.shows_breakpoints:
            super().contextMenuEvent(a0)
            return
        a0.accept()  # else the panel's own menu would open over this one
        self._view.line_menu_wanted.emit(line, a0.globalPos())


def draw_breakpoint(painter: QPainter, area: QRect, breakpoint: Mapping[str, Any], theme: Theme) -> None:
    """A disc; a diamond for a log point; with a bar for one with a condition; hollow where it cannot be hit or is off."""
    size = min(area.width(), area.height()) * 0.52
    center = QPointF(area.center()) + QPointF(0.5, 0.5)
    color = theme.phase["alarm"]
    off = breakpoint.get("enabled") is False or breakpoint.get("verified") is False
    painter.setPen(QPen(theme.muted if off else color, 1.5))
    painter.setBrush(Qt.BrushStyle.NoBrush if off else color)
    if breakpoint.get("logMessage"):
        half = size * 0.6
        corners = [QPointF(0, -half), QPointF(half, 0), QPointF(0, half), QPointF(-half, 0)]
        painter.drawPolygon(QPolygonF([center + corner for corner in corners]))
    else:
        painter.drawEllipse(center, size / 2, size / 2)
    if breakpoint.get("condition") or breakpoint.get("hitCondition"):
        painter.setPen(QPen(theme.muted if off else theme.panel, 1.5))
        for up in (-1, 1):
            y = center.y() + up * size * 0.13
            painter.drawLine(QPointF(center.x() - size * 0.25, y), QPointF(center.x() + size * 0.25, y))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def tint(mark: Mark) -> QColor:
    """The background of a marked line."""
    return with_alpha(mark.color, 0.20 if mark.solid else 0.07)
