"""``ThreadView``: the grid of blocks of a launch on a GPU, the block of an element enlarged, and its thread in there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from PyQt6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QBrush, QFontMetricsF, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF, QResizeEvent
from PyQt6.QtWidgets import QSizePolicy, QToolTip, QWidget

from gui.theme import Theme, with_alpha
from gui.thread_grid import ThreadGrid

#: Sides of a cell, and the height of all threads, at most, at 100 % text; the height of the beam from the grid to its
#: enlarged block.
_BLOCK, _THREAD, _THREADS, _BEAM = 18, 14, 128, 16

#: Room beside the cells for a ring, and for the dots where an axis goes on.
_MARGIN, _DOTS = 3, 14


class ThreadView(QWidget):
    """The figure alone; its words are :class:`gui.thread_grid.ThreadGrid`'s."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.grid: ThreadGrid | None = None
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Blocks and threads")
        self.apply_theme(theme)

    def show_launch(self, launch: Mapping[str, Any]) -> None:
        """Show the launch of an explained element."""
        self.grid = ThreadGrid(launch)
        told = (self.grid.title, *self.grid.grid_text, self.grid.block_text)
        self.setAccessibleDescription(". ".join(told))
        self._fit()

    def apply_theme(self, theme: Theme) -> None:
        """Take on colours and fonts."""
        self._theme = theme
        self._fit()

    # ---- layout ----

    def _fit(self) -> None:
        self.updateGeometry()
        self.update()

    def resizeEvent(self, a0: QResizeEvent | None) -> None:
        super().resizeEvent(a0)
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        return QSize(self._theme.space(240), round(self.block_area().bottom()) + _MARGIN + 1)

    def minimumSizeHint(self) -> QSize:
        return QSize(1, self.sizeHint().height())

    def _line(self) -> int:
        return math.ceil(QFontMetricsF(self._theme.text_font("small")).height()) + 4

    def grid_area(self) -> QRectF:
        """Where the blocks are drawn, all cells together."""
        if self.grid is None:
            return QRectF()
        left = _DOTS if self.grid.columns.cut[0] else _MARGIN
        room = self.width() - left - (_DOTS if self.grid.columns.cut[1] else _MARGIN)
        side = min(self._theme.space(_BLOCK), max(2, room // self.grid.columns.count))
        top = self._line() * len(self.grid.grid_text) + _MARGIN
        return QRectF(left, top, side * self.grid.columns.count, side * self.grid.rows.count)

    def block_area(self) -> QRectF:
        """Where the threads are drawn."""
        if self.grid is None:
            return QRectF()
        rooms = (self.width() - 2 * _MARGIN) // self.grid.wide, self._theme.space(_THREADS) // self.grid.high
        side = min(self._theme.space(_THREAD), max(2, min(rooms)))
        top = self.grid_area().bottom() + self._theme.space(_BEAM) + self._line() + _MARGIN
        return QRectF(_MARGIN, top, side * self.grid.wide, side * self.grid.high)

    def block_cell(self) -> QRectF:
        """The cell of the element's block in the grid."""
        grid, area = self.grid, self.grid_area()
        assert grid is not None
        side = area.width() / grid.columns.count
        column, row = grid.block[0] - grid.columns.first, grid.block[1] - grid.rows.first
        return QRectF(area.left() + column * side, area.top() + row * side, side, side)

    def thread_cell(self, row: int, column: int) -> QRectF:
        """The cell of a thread in its block."""
        area = self.block_area()
        side = area.width() / (self.grid.wide if self.grid is not None else 1)
        return QRectF(area.left() + column * side, area.top() + row * side, side, side)

    # ---- drawing ----

    def paintEvent(self, a0: QPaintEvent | None) -> None:
        if self.grid is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._draw_beam(painter)
        self._draw_words(painter)
        self._draw_blocks(painter, self.grid)
        self._draw_threads(painter, self.grid)

    def _draw_words(self, painter: QPainter) -> None:
        assert self.grid is not None
        painter.setFont(self._theme.text_font("small"))
        painter.setPen(self._theme.muted)
        metrics = QFontMetricsF(painter.font())
        lines = [(text, k * self._line()) for k, text in enumerate(self.grid.grid_text)]
        for text, top in (*lines, (self.grid.block_text, self.block_area().top() - self._line() - _MARGIN)):
            area = QRectF(0, top, self.width(), self._line())
            painter.drawText(area, _LEFT, metrics.elidedText(text, Qt.TextElideMode.ElideRight, area.width()))

    def _draw_beam(self, painter: QPainter) -> None:
        """From the block's cell down to the block enlarged."""
        small, large = self.block_cell(), self.block_area()
        beam = QPolygonF([small.bottomLeft(), small.bottomRight(), large.topRight(), large.topLeft()])
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(with_alpha(self._theme.accent, 0.10))
        painter.drawPolygon(beam)

    def _draw_blocks(self, painter: QPainter, grid: ThreadGrid) -> None:
        area, here = self.grid_area(), self.block_cell()
        side = here.width()
        for row in range(grid.rows.count):
            for column in range(grid.columns.count):
                cell = QRectF(area.left() + column * side, area.top() + row * side, side, side)
                painter.fillRect(_inside(cell), with_alpha(self._theme.ink, 0.14))
        self._ring(painter, here)
        painter.setPen(self._theme.muted)
        middle = QRectF(0, here.top(), _DOTS - 2, side)
        (left, right), (above, below) = grid.columns.cut, grid.rows.cut
        if left:
            painter.drawText(middle, _CENTER, "…")
        if right:
            painter.drawText(middle.translated(area.right() + 2, 0), _CENTER, "…")
        pen = QPen(self._theme.muted, 1, Qt.PenStyle.DotLine)
        painter.setPen(pen)
        for cut, y in ((above, area.top() - 1.5), (below, area.bottom() + 1.5)):
            if cut:
                painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))

    def _draw_threads(self, painter: QPainter, grid: ThreadGrid) -> None:
        busy, idle = with_alpha(self._theme.ink, 0.14), QBrush(with_alpha(self._theme.muted, 0.7), _HATCHING)
        for row in range(grid.high):
            for column in range(grid.wide):
                if grid.exists(row, column):
                    cell = _inside(self.thread_cell(row, column))
                    painter.fillRect(cell, idle if grid.element_at(row, column) is None else busy)
        self._ring(painter, self.thread_cell(*grid.cell()))

    def _ring(self, painter: QPainter, cell: QRectF) -> None:
        painter.fillRect(_inside(cell), self._theme.accent)
        painter.setPen(QPen(self._theme.selection, 2 if cell.width() >= 6 else 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(cell)

    # ---- the mouse ----

    def mouseMoveEvent(self, a0: QMouseEvent | None) -> None:
        if a0 is not None:
            QToolTip.showText(a0.globalPosition().toPoint(), self.tip_at(a0.position()), self)

    def tip_at(self, place: QPointF) -> str:
        """What is told of the cell under the mouse."""
        if self.grid is None:
            return ""
        area, blocks = self.block_area(), self.grid_area()
        if area.contains(place):
            side = area.width() / self.grid.wide
            row, column = int((place.y() - area.top()) // side), int((place.x() - area.left()) // side)
            inside = row < self.grid.high and column < self.grid.wide
            return self.grid.tip(row, column) if inside else ""
        if blocks.contains(place):
            side = self.block_cell().width()
            x = self.grid.columns.first + int((place.x() - blocks.left()) // side)
            y = self.grid.rows.first + int((place.y() - blocks.top()) // side)
            return f"blockIdx {self.grid.point((x, y, self.grid.block[2]))}"
        return ""

    def leaveEvent(self, a0: QEvent | None) -> None:
        QToolTip.hideText()


def _inside(cell: QRectF) -> QRectF:
    """A cell without the gap to its neighbours."""
    gap = 1 if cell.width() >= 6 else 0.5
    return cell.adjusted(gap, gap, -gap, -gap)


_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
_CENTER = int(Qt.AlignmentFlag.AlignCenter)
_HATCHING = Qt.BrushStyle.BDiagPattern
