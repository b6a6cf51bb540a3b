"""``HeatCanvas``: a matrix of numbers as colours, down to the single number; :mod:`gui.widgets.heat_map` adds mouse and
keys."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
from PyQt6.QtCore import QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QFontMetrics, QFontMetricsF, QPainter, QPaintEvent, QResizeEvent
from PyQt6.QtWidgets import QSizePolicy, QWidget

from gui.numbers import plural
from gui.theme import Theme, with_alpha
from gui.widgets.heat_paint import CellPainter, Picture, paint_axis, paint_cells, paint_ring
from gui.widgets.heat_scale import paint_scale, scale_texts
from gui.widgets.layer import Layer
from gui.widgets.map_view import CELL, MapView
from gui.widgets.value_scale import ValueScale, finite_in


class HeatCanvas(QWidget):
    """Draws the numbers that it is given; rows and columns are those of the whole map, of which they may be a part.

    Zoom and place stay until another size comes.

    Signals:
        view_changed(): zoom, place or size are others.
    """

    view_changed = pyqtSignal()

    #: Whether the columns, and the rows, of an atlas's tiles are an index each.
    tiles_are_numbered: tuple[bool, bool] = (True, True)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = MapView()
        self._frame = Layer()
        self._widest: tuple[QFontMetricsF, ValueScale, float] | None = None
        self._indices: tuple[QFontMetricsF, int, float] | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.picture: Picture | None = None
        self.selected: tuple[int, int] | None = None
        self.shares: list[tuple[int, int, float]] = []
        self.unit = "dimensionless"
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Heat map")
        self.apply_theme(theme)

    def sizeHint(self) -> QSize:
        return QSize(340, 240)

    def apply_theme(self, theme: Theme) -> None:
        """Take on another theme."""
        self.theme = theme
        self._metrics = QFontMetricsF(theme.code_font("small"))
        self.view.unit = theme.point_size() / 10.0
        self.setMinimumSize(120, theme.space(60))
        if self.picture is not None:
            tinted = self.picture.tinted
            self.picture.image = self.picture.scale.image(tinted, finite_in(tinted), theme)
        self._fit()
        self.update()

    # ---- what is shown ----

    def show_numbers(
        self, data: np.ndarray, scale: ValueScale, *, size: tuple[int, int] | None = None, at: tuple[int, int] = (0, 0),
        block: tuple[int, int] = (1, 1), square: bool = False, tile: tuple[int, int] | None = None, note: str = "own scale",
        unit: str = "dimensionless", tints: np.ndarray | None = None, tiles: int | None = None,
    ) -> None:  # fmt: skip
        """Show ``data`` (rows, columns).

        Args:
            scale: the colours.
            size: rows and columns of the whole map; those of ``data`` by default. Another size than before, or another
                shape of cells, shows everything again.
            at: the element where the data begin; block: elements that a number stands for.
            square: cells are square, as in pictures; tile: elements between two lines of an atlas.
            note: says whether the scale is the map's own or shared; unit: of the scale's numbers.
            tints: what the colours stand for, where that is not the data. tiles: how many tiles an atlas has.
        """
        rows, columns = size or (data.shape[0] * block[0], data.shape[1] * block[1])
        if (rows, columns, square) != (self.view.rows, self.view.columns, self.view.square):
            self.view.rows, self.view.columns, self.view.square = max(1, rows), max(1, columns), square
            self.view.reset()
        self.unit = unit
        known = finite_in(data)
        image = scale.image(data, known, self.theme) if tints is None else scale.image(tints, finite_in(tints), self.theme)
        some = known is None or bool(known.any())
        self.picture = Picture(data, scale, *at, block, tile, note, image, tints, tiles, some, known is None)
        self._fit()
        self.update()

    def clear(self) -> None:
        """Show nothing."""
        self.picture, self.selected, self.shares = None, None, []
        self.update()

    def mark(self, selected: tuple[int, int] | None, shares: Sequence[tuple[int, int, float]] = ()) -> None:
        """Ring a cell, and thinly those (row, column, share) that made the number explained; share is from 0 to 1."""
        if (selected, list(shares)) != (self.selected, self.shares):
            self.selected, self.shares = selected, list(shares)
            cell = f"row {selected[0]}, column {selected[1]} is selected" if selected else ""
            many = len(self.shares)
            made = f"{many} {plural(many, 'number')} made the one that is explained" if many else ""
            self.setAccessibleDescription("; ".join(filter(None, (cell, made))))
            self.update()

    def value_at(self, row: int, column: int) -> tuple[float, tuple[int, int]] | None:
        """The number drawn at a cell and the block that it stands for; None where nothing is drawn."""
        picture = self.picture
        if picture is None:
            return None
        i, j = (row - picture.top) // picture.block[0], (column - picture.left) // picture.block[1]
        if not (0 <= i < picture.data.shape[0] and 0 <= j < picture.data.shape[1]):
            return None
        return picture.data[i, j].item(), picture.block

    def pixels(self) -> tuple[int, int]:
        """Rows and columns of pixels that the map has: more numbers than these cannot be seen."""
        area = self._area()
        return max(1, int(area.height())), max(1, int(area.width()))

    def reset_view(self) -> None:
        """Show everything."""
        self.view.reset()
        self._moved()

    def cell_rect(self, row: int, column: int) -> QRectF:
        """Where a cell lies in the widget."""
        (left, top), (width, height), area = self.view.origin, self.view.cell, self._area()
        return QRectF(area.left() + left + column * width, area.top() + top + row * height, width, height)

    # ---- painting ----

    def _area(self) -> QRectF:
        metrics = self._metrics
        tile = (self.picture.tile if self.picture is not None else None) or (1, 1)
        last = max(0, self.view.rows // tile[0] - 1)
        # While the script runs this is asked for many times a second.
        if self._indices is None or self._indices[0] is not metrics or self._indices[1] != last:
            self._indices = metrics, last, 12 + metrics.horizontalAdvance(str(last))
        left = self._indices[2]
        line = metrics.height() + 4
        right = 10 if self._is_low() else self._scale_width()
        return QRectF(left, line, max(1, self.width() - left - right), max(1, self.height() - 2 * line))

    def _is_low(self) -> bool:
        """Whether there is room below the map for its scale: then the map has the whole width."""
        if self.view.square or self.picture is None:
            return False
        line = self._metrics.height() + 4
        below = 3 * line + self.theme.space(8) + 16
        return self.view.rows * CELL[1] * self.view.unit + below <= self.height()

    def _scale_width(self) -> float:
        if self.picture is None:
            return 60.0
        # While the script runs it is asked for many times a second, and seldom another one.
        scale, metrics = self.picture.scale, self._metrics
        if self._widest is None or self._widest[0] is not metrics or self._widest[1] != scale:
            texts = max(metrics.horizontalAdvance(text) for text in (*scale_texts(scale), "-0.0000"))
            self._widest = metrics, scale, 12 + self.theme.space(10) + 8 + texts + 4
        return self._widest[2]

    def _fit(self) -> None:
        area = self._area()
        self.view.width, self.view.height = area.width(), area.height()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        if self.picture is not None:
            self._paint(painter, self.picture)
        else:
            painter.fillRect(self.rect(), self.theme.panel)
        painter.end()

    def _paint(self, painter: QPainter, picture: Picture) -> None:
        view, area = self.view, self._area()
        origin = (area.left() + view.origin[0], area.top() + view.origin[1])
        seen, cell = view.visible(), view.cell
        key = (
            picture.scale, picture.finite, picture.note, picture.block, picture.tile, self.tiles_are_numbered, self.unit,
            origin, cell, seen, view.rows, view.columns, view.square, self.theme,
        )  # fmt: skip
        self._frame.paint(painter, self.size(), self.theme.panel, key, lambda own: self._paint_frame(own, picture, area))
        painter.save()
        painter.setClipRect(area.adjusted(0, 0, 1, 1))
        paint_cells(painter, picture, origin, cell)
        CellPainter(painter, picture, self.theme, origin, cell, seen).paint()
        for row, column, share in self.shares:
            color = with_alpha(self.theme.selection, 0.2 + 0.8 * min(share, 1.0))
            paint_ring(painter, self.cell_rect(row, column), color, 1)
        if self.selected is not None:
            paint_ring(painter, self._block_rect(*self.selected), self.theme.selection, 2)
        painter.restore()
        if self.hasFocus():
            painter.setPen(with_alpha(self.theme.accent, 0.6))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def _paint_frame(self, painter: QPainter, picture: Picture, area: QRectF) -> None:
        """What stands around the cells: indices, scale, caption."""
        painter.fillRect(self.rect(), self.theme.panel)
        view = self.view
        origin = (area.left() + view.origin[0], area.top() + view.origin[1])
        seen, cell = view.visible(), view.cell
        tile = picture.tile or (1, 1)
        for vertical, size, first, last, offset, fixed in (
            (False, cell[0] * tile[1], seen[2] // tile[1], -(-seen[3] // tile[1]), origin[0], area.top()),
            (True, cell[1] * tile[0], seen[0] // tile[0], -(-seen[1] // tile[0]), origin[1], area.left()),
        ):
            if picture.tile is None or self.tiles_are_numbered[int(vertical)]:
                paint_axis(painter, self.theme, range(first, last), size, offset, fixed, vertical)
        right, below = min(area.width(), cell[0] * view.columns), min(area.height(), cell[1] * view.rows)
        lying = self._is_low()
        room = QRectF(area.left() + right + 12, area.top(), self._scale_width() - 12, area.height())
        if lying:
            room = QRectF(area.left(), area.top() + below + 12, max(right, self.theme.space(160)), area.height())
        if not picture.finite:
            return self._caption(painter, "no finite number, so no scale", area.top() + below + 4)
        paint_scale(painter, self.theme, picture.scale, room, lying)
        line = self._metrics.height()
        scale = self.theme.space(8) + line + 12 if lying else min(area.height(), self.theme.space(200) + line)
        parts = [picture.note, self.unit]
        if picture.block != (1, 1):
            parts.insert(0, f"each cell the mean of {picture.block[0]} × {picture.block[1]}")
        self._caption(painter, " · ".join(parts), area.top() + (below + scale if lying else max(below, scale)) + 4)

    def _caption(self, painter: QPainter, words: str, top: float) -> None:
        """What the scale is, right below the map and its scale."""
        painter.setFont(self.theme.text_font("small"))
        painter.setPen(self.theme.muted)
        metrics = painter.fontMetrics()
        words = shortened(words, metrics, self.width() - 16)
        left = max(8.0, min(self._area().left(), self.width() - 8.0 - metrics.horizontalAdvance(words)))
        place = QRectF(left, min(top, self.height() - 1 - metrics.height()), self.width() - 8 - left, metrics.height())
        text = metrics.elidedText(words, Qt.TextElideMode.ElideRight, math.ceil(place.width()))
        painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)

    def _block_rect(self, row: int, column: int) -> QRectF:
        picture = self.picture
        if picture is None or picture.block == (1, 1):
            return self.cell_rect(row, column)
        (down, across), (width, height) = picture.block, self.view.cell
        row, column = row - (row - picture.top) % down, column - (column - picture.left) % across
        place = self.cell_rect(row, column)
        return QRectF(place.left(), place.top(), width * across, height * down)

    def _moved(self) -> None:
        self.update()
        self.view_changed.emit()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._fit()
        self.view_changed.emit()


def shortened(words: str, metrics: QFontMetrics, room: int) -> str:
    """What a caption can do without, as far as it has to: by whom a scale is shared, then that numbers have no unit."""
    for long, short in (("scale shared by (the maps|tensors)", "shared scale"), (" · dimensionless$", "")):
        if metrics.horizontalAdvance(words) > room:
            words = re.sub(long, short, words)
    return words
