"""How a heat map is painted: cells, lines between them, numbers in them, marks, and the scale beside it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPen

from gui.theme import Theme, contrasts, with_alpha
from gui.widgets.layer import draw_lines, lines_of
from gui.widgets.non_finite import paint_non_finite
from gui.widgets.value_scale import ValueScale

#: Cells of at least so many pixels at 100 % have numbers in them, lines around them, marks for minus.
NUMBERS = (30.0, 14.0)
LINES = 10.0
MARKS = 9.0


@dataclass
class Picture:
    """What is shown: numbers, and where they lie in the map.

    Attributes:
        data: (rows, columns), one number for each block of elements.
        scale: the colours.
        top, left: the element that the first number begins at.
        block: elements, down and across, that one number stands for.
        tile: rows and columns between two lines of an atlas; None for a matrix.
        note: what the scale is: "own scale", "scale shared by the maps".
        image: the numbers as colours.
        tiles: how many tiles an atlas has; places behind the last have no numbers. None: as many as there is room for.
        tints: what the colours stand for where that is not the data: shares of each map's own range.
        finite: whether any number is, so that a scale says something; whole: whether all are.
    """

    data: np.ndarray
    scale: ValueScale
    top: int = 0
    left: int = 0
    block: tuple[int, int] = (1, 1)
    tile: tuple[int, int] | None = None
    note: str = "own scale"
    image: QImage | None = None
    tints: np.ndarray | None = None
    tiles: int | None = None
    finite: bool = True
    whole: bool = False

    @property
    def tinted(self) -> np.ndarray:
        """What the colours stand for."""
        return self.data if self.tints is None else self.tints


def paint_cells(painter: QPainter, picture: Picture, origin: tuple[float, float], cell: tuple[float, float]) -> None:
    """The numbers as areas of colour; ``origin`` is where element (0, 0) begins, ``cell`` the size of an element."""
    assert picture.image is not None
    rows, columns = picture.data.shape
    x = origin[0] + picture.left * cell[0]
    y = origin[1] + picture.top * cell[1]
    size = (columns * picture.block[1] * cell[0], rows * picture.block[0] * cell[1])
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
    painter.drawImage(QRectF(x, y, *size), picture.image, QRectF(0, 0, columns, rows))


class CellPainter:
    """Paints what lies on the cells of ``picture`` that can be seen.

    Args:
        seen: first and last + 1 of the rows, then of the columns, in elements.
    """

    def __init__(
        self, painter: QPainter, picture: Picture, theme: Theme, origin: tuple[float, float],
        cell: tuple[float, float], seen: tuple[int, int, int, int],
    ) -> None:  # fmt: skip
        self.painter, self.picture, self.theme = painter, picture, theme
        (down, across), (rows, columns) = picture.block, picture.data.shape
        self.width, self.height = cell[0] * across, cell[1] * down
        self.x0, self.y0 = origin[0] + picture.left * cell[0], origin[1] + picture.top * cell[1]
        top, bottom, left, right = (end - start for end, start in zip(seen, [picture.top] * 2 + [picture.left] * 2))
        self.rows = range(max(0, top // down), min(rows, -(-bottom // down)))
        self.columns = range(max(0, left // across), min(columns, -(-right // across)))

    def paint(self) -> None:
        """Lines, then marks or numbers, as far as cells are large enough."""
        unit = self.theme.point_size() / 10.0
        if not self.rows or not self.columns:
            return
        if min(self.width, self.height) >= LINES:
            self._lines(1, 1, with_alpha(self.theme.ink, 0.10))
        if self.picture.tile is not None:
            tile, block = self.picture.tile, self.picture.block
            self._lines(tile[0] // block[0] or 1, tile[1] // block[1] or 1, with_alpha(self.theme.ink, 0.35))
        numbers = self.width >= NUMBERS[0] * unit and self.height >= NUMBERS[1] * unit
        part = self.picture.data[self.rows.start : self.rows.stop, self.columns.start : self.columns.stop]
        if not self.picture.whole and part.dtype.kind == "f" and not np.isfinite(part).all():
            start = self.rows.start, self.columns.start
            paint_non_finite(self.painter, self.theme, part, start, (self.width, self.height), self._middles)
        if numbers:
            self._numbers(part)
        elif min(self.width, self.height) >= MARKS:
            self._minus(part)

    def _lines(self, down: int, across: int, color: QColor) -> None:
        x0, x1 = self._x(self.columns.start), self._x(self.columns.stop)
        y0, y1 = self._y(self.rows.start), self._y(self.rows.stop)
        self.painter.setPen(QPen(color, 1))
        self.painter.drawLines(_grid(self.x0, self.width, self.columns, across, y0, y1, False))
        self.painter.drawLines(_grid(self.y0, self.height, self.rows, down, x0, x1, True))

    def _x(self, column: Any) -> Any:
        return self.x0 + column * self.width

    def _y(self, row: Any) -> Any:
        return self.y0 + row * self.height

    def _middles(self, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """x and y of the middles of the cells where ``mask`` (of the part that is seen) is true."""
        x, y = _all_middles(self.x0, self.width, self.columns, self.y0, self.height, self.rows)
        return x[mask], y[mask]

    def _minus(self, part: np.ndarray) -> None:
        """A stroke across cells that are negative: the sign without colour."""
        if self.picture.scale.sequential:
            return
        side = min(self.width, self.height, 20.0) * 0.22
        with np.errstate(invalid="ignore"):
            mask = part < 0 if self.picture.whole else np.isfinite(part) & (part < 0)
        x, y = self._middles(mask)
        y = np.rint(y)
        self.painter.setPen(QPen(with_alpha(self.theme.ink, 0.55), 1))
        draw_lines(self.painter, x - side, y, x + side, y)

    def _numbers(self, part: np.ndarray) -> None:
        font = self.theme.code_font("small")
        self.painter.setFont(font)
        wide = QFontMetricsF(font).horizontalAdvance("0")
        write = number_writer(part, int((self.width - 4) / wide))
        inks = _inks(self.theme, self.picture.scale.sequential)
        rows, columns = self.rows, self.columns
        entries = self.picture.scale.entries(self.picture.tinted[rows.start : rows.stop, columns.start : columns.stop])
        finite = np.isfinite(part) if part.dtype.kind == "f" else np.ones(part.shape, bool)
        finite &= self._filled()
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        # All numbers have as many places behind the point: aligned at the right they are aligned at the point.
        texts = {(i, j): write(part[i, j].item()) for i, j in np.argwhere(finite)}
        room = (self.width - wide * max(map(len, texts.values()), default=0)) / 2
        for (i, j), text in texts.items():
            self.painter.setPen(inks[entries[i, j]])
            place = QRectF(self._x(self.columns.start + j), self._y(self.rows.start + i), self.width - room, self.height)
            self.painter.drawText(place, flags, text)

    def _filled(self) -> np.ndarray:
        """For each cell of the part that is seen whether there is a number: behind an atlas' last tile there is none."""
        picture, rows, columns = self.picture, np.array(self.rows), np.array(self.columns)
        if picture.tile is None or picture.tiles is None:
            return np.ones((len(rows), len(columns)), bool)
        (height, width), (down, across) = picture.tile, picture.block
        rows, columns = (picture.top // down + rows) * down // height, (picture.left // across + columns) * across // width
        in_row = -(-(picture.left + picture.data.shape[1] * across) // width)
        return rows[:, None] * in_row + columns < picture.tiles


@lru_cache(maxsize=4)
def _all_middles(x0: float, width: float, columns: range, y0: float, height: float, rows: range) -> tuple[np.ndarray, ...]:
    """x and y of the middles of cells, each (rows, columns)."""
    x = x0 + (np.arange(columns.start, columns.stop) + 0.5) * width
    y = y0 + (np.arange(rows.start, rows.stop) + 0.5) * height
    return tuple(np.broadcast_arrays(x, y[:, None]))


@lru_cache(maxsize=16)
def _grid(first: float, step: float, cells: range, every: int, start: float, end: float, across: bool) -> Any:
    """The lines before each so manieth of ``cells`` and after the last, from ``start`` to ``end``."""
    at = np.rint(first + step * np.arange(-(-cells.start // every) * every, cells.stop + 1, every))
    return lines_of(len(at), start, at, end, at) if across else lines_of(len(at), at, start, at, end)


def number_writer(values: np.ndarray, most: int) -> Callable[[float], str]:
    """A function that writes each of ``values`` in at most about ``most`` characters, with equally many decimals."""
    if values.dtype.kind in "iub":
        return lambda x: str(int(x)) if len(str(int(x))) <= most else f"{x:.{max(0, min(3, most - 6))}e}".replace("e+", "e")
    finite = np.abs(values[np.isfinite(values)])
    size = float(finite.max()) if finite.size else 0.0
    if size and not 1e-3 <= size < 1e5:
        digits = max(0, min(3, most - 7))
        return lambda x: "0" if x == 0 else f"{x:.{digits}e}".replace("e-0", "e-").replace("e+0", "e")
    before = max(1, math.floor(math.log10(size)) + 1 if size else 1)
    # Where there is little room numbers below 1 do without the zero before the point.
    bare = size < 0.995 and most < 6
    decimals = max(0, min(4 - before if size >= 1 else 4, most - 2 - (0 if bare else before)))

    def write(x: float) -> str:
        if x == 0:
            return "0"  # exactly, unlike what is rounded to it
        text = f"{x:.{decimals}f}"
        text = text[1:] if text.startswith("-0") and not text.strip("-0.") else text
        return text.replace("0.", ".", 1) if bare and decimals else text

    return write


@lru_cache(maxsize=8)
def _inks(theme: Theme, sequential: bool) -> list[QColor]:
    """For each entry of a theme's table of colours the ink that reads on it."""
    table = theme.sequential if sequential else theme.diverging
    dark = contrasts(theme.ink, table) >= contrasts(theme.panel, table)
    return [theme.ink if ink else theme.panel for ink in dark.tolist()]


def paint_ring(painter: QPainter, place: QRectF, color: QColor, width: float) -> None:
    """A ring around a cell, outside of it where the cell is small."""
    grow = width / 2 if min(place.width(), place.height()) < 8 else -width / 2
    ring = place.adjusted(-grow, -grow, grow, grow)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(color, width))
    painter.drawRect(ring)


def paint_axis(
    painter: QPainter, theme: Theme, numbers: range, step: float, start: float, fixed: float, vertical: bool
) -> None:
    """The indices of rows (``vertical``) or columns beside the map, as many as find room."""
    font = theme.code_font("small")
    painter.setFont(font)
    painter.setPen(theme.muted)
    metrics = QFontMetricsF(font)
    room = metrics.height() if vertical else metrics.horizontalAdvance(str(numbers.stop)) + 10
    every = next((n for k in range(9) for n in (10**k, 2 * 10**k, 5 * 10**k) if n * step >= room), 1)
    for number in range(-(-numbers.start // every) * every, numbers.stop, every):
        middle = start + (number + 0.5) * step
        if vertical:
            place = QRectF(0, middle - 10, fixed - 5, 20)
            painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, str(number))
        else:
            place = QRectF(middle - 40, 0, 80, fixed - 2)
            painter.drawText(place, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom, str(number))
