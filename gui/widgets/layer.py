"""What makes painting thirty times a second cheap: pictures of what seldom changes, and many lines in one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from PyQt6 import sip
from PyQt6.QtCore import QLineF, QPointF, QSize
from PyQt6.QtGui import QColor, QPaintEngine, QPainter, QPixmap, QPolygonF

_DOUBLE = 8


class Layer:
    """A picture of what lies at the bottom of a widget and seldom changes."""

    def __init__(self) -> None:
        self._key: Any = None
        self._picture = QPixmap()

    def forget(self) -> None:
        """Draw it anew when it is wanted next."""
        self._key = None

    def paint(self, painter: QPainter, size: QSize, ground: QColor, key: Any, draw: Callable[[QPainter], object]) -> None:
        """Paint what ``draw(painter)`` paints on ``ground``; it is called where ``key`` is not equal to the one before.

        Where the painter has no pixels (SVG) it is called every time, for lines shall stay lines and text text.
        """
        engine = painter.paintEngine()
        if engine is None or engine.type() != QPaintEngine.Type.Raster:
            draw(painter)
            return
        ratio = painter.deviceTransform().m11()
        wanted = (size, ratio, ground, key)
        if self._key is None or wanted != self._key:
            self._picture = drawn(size * ratio, ratio, ground, draw)
            self._key = wanted
        painter.drawPixmap(0, 0, self._picture)


def drawn(pixels: QSize, ratio: float, ground: QColor, draw: Callable[[QPainter], object]) -> QPixmap:
    """A picture of so many ``pixels``, ``ratio`` of them to each of the widget's, with what ``draw(painter)`` paints on
    ``ground``. Where that is opaque the picture is, and is copied; else it has to be blended, which takes longer.
    """
    picture = QPixmap(pixels)
    picture.setDevicePixelRatio(ratio)
    picture.fill(ground)
    painter = QPainter(picture)
    draw(painter)
    painter.end()
    return picture


def lines_of(count: int, x1: Any, y1: Any, x2: Any, y2: Any) -> Any:
    """``count`` lines from (x1, y1) to (x2, y2), arrays or numbers that all share, for QPainter.drawLines."""
    lines: Any = sip.array(QLineF, count)  # type: ignore[attr-defined]
    memory = np.frombuffer(sip.voidptr(lines, 4 * _DOUBLE * count), np.float64).reshape(count, 4)  # type: ignore[call-overload]
    memory[:, 0], memory[:, 1], memory[:, 2], memory[:, 3] = x1, y1, x2, y2
    return lines


def draw_lines(painter: QPainter, x1: Any, y1: Any, x2: Any, y2: Any) -> None:
    """Lines from (x1, y1) to (x2, y2): arrays, or numbers that all share; of x1 and x2 one is an array."""
    count = max(np.size(x1), np.size(x2))
    if count:
        painter.drawLines(lines_of(count, x1, y1, x2, y2))


def polygon(x: np.ndarray, y: np.ndarray) -> QPolygonF:
    """The points (x, y)."""
    points = QPolygonF()
    if len(x):
        points.fill(QPointF(), len(x))
        data: Any = points.data()  # type: ignore[attr-defined]
        data.setsize(2 * _DOUBLE * len(x))
        memory = np.frombuffer(data, np.float64).reshape(len(x), 2)
        memory[:, 0], memory[:, 1] = x, y
    return points
