"""Marks on the cells of a map whose numbers are not finite: crosses and arrows."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from PyQt6.QtGui import QColor, QPainter, QPen

from gui.theme import Theme
from gui.widgets.layer import draw_lines

#: Cells of at least so many pixels have marks of their own.
ALARMS = 6.0

#: Pixels from one mark to the next on cells that are smaller.
_ROOM = 9.0

#: x and y of the middles of the cells where a mask is true.
Middles = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def paint_non_finite(
    painter: QPainter, theme: Theme, part: np.ndarray, start: tuple[int, int], cell: tuple[float, float], middles: Middles
) -> None:
    """A cross on NaN and an arrow on infinity. Where cells are too small for them one of each few has a mark, in ink: their
    colour alone is much like that of the greatest numbers.

    Args:
        part: the numbers that are seen. start: row and column of the first. cell: width and height of a cell.
    """
    width, height = cell
    small = min(cell) < ALARMS
    side = 0.4 * ALARMS if small else 0.3 * min(width, height, 24.0)
    if small:
        part = _one_of_few(part, start, (math.ceil(_ROOM / height), math.ceil(_ROOM / width)))
    painter.setPen(QPen(theme.ink, 1.2) if small else QPen(QColor("white"), 1.6))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    x, y = middles(np.isnan(part))
    for s in (side, -side):
        draw_lines(painter, x - side, y - s, x + side, y + s)
    for value, end in ((math.inf, -1), (-math.inf, 1)):
        x, y = middles(part == value)
        tip = y + end * side
        draw_lines(painter, x, y - end * side, x, tip)
        for s in (-1, 1):
            draw_lines(painter, x + s * side * 0.6, tip - end * side * 0.6, x, tip)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def _one_of_few(part: np.ndarray, start: tuple[int, int], few: tuple[int, int]) -> np.ndarray:
    """``part`` with 0 for what is not finite, but for the first such number of each rectangle of ``few`` cells."""
    rows, columns = np.nonzero(~np.isfinite(part))
    # Rectangles of the map, not of what is seen of it: marks move with their cells.
    places = (start[0] + rows) // few[0] * (1 << 32) + (start[1] + columns) // few[1]
    _, first = np.unique(places, return_index=True)
    found = np.zeros(part.shape)
    found[rows[first], columns[first]] = part[rows[first], columns[first]]
    return found
