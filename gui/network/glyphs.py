"""Small marks and texts on the canvas: NaN and infinity, numbers, and the ink that reads on a colour."""

from __future__ import annotations

import math

import numpy as np
from PyQt6 import sip
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QFont, QImage, QPainter, QPen

from gui.numbers import format_number


def paint_alarm(painter: QPainter, at: QPointF, arm: float, value: float, color: QColor) -> None:
    """A cross for NaN, an arrow up for infinity, down for minus infinity."""
    x, y, end = at.x(), at.y(), -arm if value > 0 else arm
    painter.setPen(QPen(color, 2))
    if math.isnan(value):
        painter.drawLine(QPointF(x - arm, y - arm), QPointF(x + arm, y + arm))
        painter.drawLine(QPointF(x - arm, y + arm), QPointF(x + arm, y - arm))
    else:
        painter.drawLine(QPointF(x, y - end), QPointF(x, y + end))
        painter.drawLine(QPointF(x, y + end), QPointF(x - arm * 0.6, y + end * 0.3))
        painter.drawLine(QPointF(x, y + end), QPointF(x + arm * 0.6, y + end * 0.3))


def write_on(painter: QPainter, box: QRectF, text: str, background: QColor, font: QFont) -> None:
    """Write ``text`` into ``box``, made small enough for its width."""
    font.setPointSizeF(font.pointSizeF() * min(1.0, 0.84 * box.width() / (6.6 * max(5, len(text)))))
    painter.setFont(font)
    painter.setPen(ink_on(background))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def image_of(rgba: np.ndarray) -> QImage:
    """An RGBA picture (rows, columns, 4) of uint8 as Qt's, with pixels of its own."""
    data = np.ascontiguousarray(rgba, np.uint8)
    rows, columns = data.shape[:2]
    return QImage(data.tobytes(), columns, rows, 4 * columns, QImage.Format.Format_RGBA8888).copy()


def quick_image(bgra: np.ndarray) -> QImage:
    """A picture (rows, columns, 4) of uint8 as Qt's: blue, green, red and an opacity of 0 or 255, in which order Qt draws
    fastest. Its pixels are those of the array, which must not change any more.
    """
    if bgra.dtype != np.uint8 or bgra.strides[1:] != (4, 1):
        bgra = np.ascontiguousarray(bgra, np.uint8)
    rows, columns = bgra.shape[:2]
    where, wide = bgra.__array_interface__["data"][0], bgra.strides[0]
    image = QImage(sip.voidptr(where), columns, rows, wide, QImage.Format.Format_ARGB32_Premultiplied)  # type: ignore[call-overload]
    image.pixels = bgra  # type: ignore[attr-defined]  # they live as long as the image
    return image


_swapped: dict[int, tuple[np.ndarray, np.ndarray]] = {}


def bgra_of(table: np.ndarray) -> np.ndarray:
    """A table of colours (256, 4), red first, with blue first; made once for each table."""
    found = _swapped.get(id(table))
    if found is None or found[0] is not table:
        if len(_swapped) > 16:
            _swapped.clear()
        _swapped[id(table)] = found = table, np.ascontiguousarray(table[:, [2, 1, 0, 3]])
    return found[1]


def short_number(value: float) -> str:
    """A number in at most three digits: for a caption; the hint shows it whole."""
    value = float(value)
    if not math.isfinite(value):
        return format_number(value)
    if value == 0:
        return "0"
    if 1e-3 <= abs(value) < 1e4:
        return f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"
    return f"{value:.1e}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")


def ink_on(color: QColor) -> QColor:
    """Black or white, whatever reads better."""
    bright = 0.299 * color.red() + 0.587 * color.green() + 0.114 * color.blue()
    return QColor("#101418") if bright > 128 else QColor("#FFFFFF")
