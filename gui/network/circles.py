"""A column of units as one picture: to draw circles one by one takes ten times as long, and each step has other colours."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PyQt6.QtCore import QLineF, QPointF, Qt
from PyQt6.QtGui import QColor, QImage, QPainter, QPen, QTransform

from gui.network.glyphs import ink_on, quick_image
from gui.theme import with_alpha

#: Widths of the line around a unit, and of the minus in it; the half length of that, in radii.
_LINE, MINUS, REACH = 1.1, 1.4, 0.4
#: Opacity of the line around a unit.
_FIRM = 0.55


class Column(NamedTuple):
    """Circles one below the other, on the screen: how many, radius and distance in the scene, zoom, how far the first
    one's box is from a whole pixel, pixels of the screen for each of the painter's, opacity, and the ink of their lines.
    """

    count: int
    radius: float
    pitch: float
    zoom: float
    shift_x: float
    shift_y: float
    ratio: float
    opacity: float
    ink: int


class _Masks(NamedTuple):
    """By pixel (columns, rows), for NumPy is quick along many: the share of a unit's colour, what the lines add to it (3,
    columns, rows; blue first), the share of the ink of a minus, and the opacity without it; by row, which unit stands there.
    """

    fill: np.ndarray
    line: np.ndarray
    minus: np.ndarray
    alpha: np.ndarray
    unit: np.ndarray


def outline(ink: int) -> QPen:
    """Of the line around a unit."""
    return QPen(with_alpha(QColor.fromRgba(ink), _FIRM), _LINE)


def picture(column: Column, rgb: np.ndarray, negative: np.ndarray) -> QImage:
    """The units of ``column`` in colours ``rgb`` (units, 3; uint8), with a minus where ``negative`` (units,) is true: what
    circles and lines that are painted one over the other look like.
    """
    masks = _masks(column)
    bgr = np.ascontiguousarray(rgb.T[::-1], np.float32)
    shown = bgr.take(masks.unit, 1)[:, None] * masks.fill
    shown += masks.line
    alpha = masks.alpha
    if negative.any():
        share = masks.minus * negative.take(masks.unit)
        shown += share * (_inks(bgr).take(masks.unit, 1)[:, None] - shown)
        alpha = alpha + share * (1 - alpha)
    pixels = np.empty((*alpha.shape[::-1], 4), np.uint8)
    np.add(shown, 0.5, out=pixels[..., :3].T, casting="unsafe")
    np.add(255 * alpha, 0.5, out=pixels[..., 3].T, casting="unsafe")
    image = quick_image(pixels)
    image.setDevicePixelRatio(column.ratio)
    return image


def _inks(bgr: np.ndarray) -> np.ndarray:
    """What is written with on these colours, as :func:`gui.network.glyphs.ink_on` says."""
    dark, light = (np.array(ink_on(QColor(name)).getRgb()[2::-1], np.float32)[:, None] for name in ("white", "black"))
    return np.where(np.array([0.114, 0.587, 0.299], np.float32) @ bgr > 128, dark, light)


@lru_cache(maxsize=128)
def _masks(column: Column) -> _Masks:
    """Depends on the layout and the zoom alone."""
    count, radius, pitch, zoom, shift_x, shift_y, ratio, opacity, ink = column
    wide = math.ceil((shift_x + (2 * radius + 2) * zoom) * ratio) + 1
    high = math.ceil((shift_y + count * pitch * zoom) * ratio) + 1
    middles = [QPointF(radius + 1, (unit + 0.5) * pitch) for unit in range(count)]
    reach = QPointF(REACH * radius, 0)

    def drawn(pen: QPen | Qt.PenStyle, brush: Qt.GlobalColor, draw: Callable[[QPainter], object]) -> np.ndarray:
        """How much of each pixel is drawn, (columns, rows)."""
        image = QImage(wide, high, QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(0)
        image.setDevicePixelRatio(ratio)
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setTransform(QTransform(zoom, 0, 0, zoom, shift_x, shift_y), True)
        painter.setPen(pen)
        painter.setBrush(brush)
        draw(painter)
        painter.end()
        bits = image.constBits()
        assert bits is not None
        pixels = np.frombuffer(bits.asstring(4 * wide * high), np.uint8).reshape(high, wide, 4)
        return np.ascontiguousarray(pixels[..., 3].T) / np.float32(255)

    def circles(painter: QPainter) -> None:
        for at in middles:
            painter.drawEllipse(at, radius, radius)

    white, none = Qt.GlobalColor.white, Qt.GlobalColor.transparent
    inside = np.float32(opacity) * drawn(Qt.PenStyle.NoPen, white, circles)
    around = np.float32(opacity * _FIRM) * drawn(QPen(white, _LINE), none, circles)
    dashes = [QLineF(at - reach, at + reach) for at in middles]
    minus = drawn(QPen(white, MINUS), none, lambda painter: painter.drawLines(*dashes))
    lines = around * np.array(QColor.fromRgba(ink).getRgb()[2::-1], np.float32)[:, None, None]
    rows = ((np.arange(high) + 0.5) / ratio - shift_y) / (zoom * pitch)
    unit = np.clip(rows.astype(int), 0, count - 1)
    fill = inside * (1 - around)
    return _Masks(fill, lines, np.float32(opacity) * minus, around + fill, unit)
