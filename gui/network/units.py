"""A column of units on the canvas."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QImage, QPainter, QPen

from gui.network.circles import MINUS, REACH, Column, outline, picture
from gui.network.glyphs import bgra_of, ink_on, paint_alarm, quick_image, short_number, write_on
from gui.network.kept import Look, look_of
from gui.network.measuring import number_font
from gui.network.places import APART, READABLE
from gui.network.values import Content, colours, entries, palette
from gui.numbers import format_number

if TYPE_CHECKING:
    from gui.network.items import NodeItem

#: Pixels across from which a unit shows its number.
NUMBER_FROM = 38.0
#: Pixels across up to which a unit is a mere dot: nobody sees its outline, nor a minus in it.
_DOT = 7.5
#: Rows of the picture of a dot with the gaps around it, and pixels from dot to dot from which there are gaps.
_PARTS, _APART = 8, 3.0


def legible(zoom: float) -> bool:
    """Whether text that is as large as designed is written at a zoom."""
    return zoom >= READABLE - 1e-3


def paint_units(painter: QPainter, item: NodeItem, content: Content | None, zoom: float) -> None:
    """Draw the circles with their numbers, once they are large enough, or a minus in the negative ones."""
    theme, radius = item.theme, item.size.radius
    if 2 * radius * zoom <= _DOT:
        item.rough = False
        _paint_dots(painter, item, content, zoom)
        return
    numbers = 2 * radius * zoom >= NUMBER_FROM
    finite = content is None or not (content.nans or content.infs)
    if finite and not numbers and (look := look_of(painter)) is not None:
        _paint_circles(painter, item, content, look)
        return
    item.rough = False
    box = item.rect("values")
    x, y, high = box.center().x(), box.top(), box.height() / max(1, item.place.form.shape[0])
    fills, shown = _colours(item, content).tolist(), [] if content is None else content.data.reshape(-1).tolist()
    around, minus = outline(theme.ink.rgba()), QPen(theme.ink, MINUS)
    for unit in range(item.place.form.shape[0]):
        at = QPointF(x, y + (unit + 0.5) * high)
        known = unit < len(shown)
        color, ink = _fill(*fills[unit][:3]) if known else (theme.panel, theme.ink)
        painter.setPen(around)
        painter.setBrush(color)
        painter.drawEllipse(at, radius, radius)
        if not known:
            continue
        value = shown[unit]
        if not math.isfinite(value):
            paint_alarm(painter, at, radius * 0.5, value, theme.panel)
        elif numbers:
            inside = QRectF(at.x() - radius, at.y() - radius, 2 * radius, 2 * radius)
            write_on(painter, inside, format_number(float(value)), color, theme.code_font("small"))
        elif value < 0:
            if minus.color() != ink:
                minus.setColor(ink)
            painter.setPen(minus)
            painter.drawLine(QPointF(at.x() - radius * REACH, at.y()), QPointF(at.x() + radius * REACH, at.y()))


def _colours(item: NodeItem, content: Content | None) -> np.ndarray:
    """RGBA of the units whose numbers are known."""
    if content is None:
        return np.zeros((0, 4), np.uint8)
    alarm, finite = item.theme.phase["alarm"], not (content.nans or content.infs)
    values = np.asarray(content.data).reshape(-1)[: item.place.form.shape[0]]
    return colours(values, content.limit, item.theme.diverging, (alarm.red(), alarm.green(), alarm.blue()), finite)


def _paint_circles(painter: QPainter, item: NodeItem, content: Content | None, look: Look) -> None:
    """A column of circles, as one picture that is kept with its numbers."""
    radius, box, count = item.size.radius, item.rect("values"), item.place.form.shape[0]
    left, top = (box.center().x() - radius - 1) * look.zoom_x + look.dx, box.top() * look.zoom_y + look.dy
    x, y = math.floor(left), math.floor(top)
    column = Column(
        count, radius, box.height() / max(1, count), look.zoom_x, round(left - x, 3), round(top - y, 3), look.ratio,
        painter.opacity(), item.theme.ink.rgba(),
    )  # fmt: skip

    if item.rough and _paint_quickly(painter, item, content, column):
        return
    item.rough = False

    def made() -> QImage:
        rgba = _colours(item, content)
        rgb, negative = np.empty((count, 3), np.uint8), np.zeros(count, bool)
        rgb[:] = item.theme.panel.getRgb()[:3]
        rgb[: len(rgba)] = rgba[:, :3]
        if content is not None:
            negative[: len(rgba)] = np.asarray(content.data).reshape(-1)[:count] < 0
        return picture(column, rgb, negative)

    image = made() if content is None else content.kept("column", (column, item.theme), made)
    opacity = painter.opacity()
    painter.setOpacity(1.0)
    painter.setWorldMatrixEnabled(False)
    painter.drawImage(QPointF(x, y), image)
    painter.setWorldMatrixEnabled(True)
    painter.setOpacity(opacity)


def _paint_quickly(painter: QPainter, item: NodeItem, content: Content | None, column: Column) -> bool:
    """While the zoom changes: the circles of another zoom, stretched, or dots where there are none: those of another layout
    would reach out of the item. False where they are here as they should be.
    """
    known: tuple[tuple[Any, ...], QImage] | None = None if content is None else content.pictures.get("column")
    if known is None or not isinstance(key := known[0][0], Column) or known[0] != (key, item.theme) or key[:3] != column[:3]:
        _paint_dots(painter, item, content, column.zoom)
        return True
    if key == column:
        return False
    image = known[1]
    box = item.rect("values")
    left, top = box.center().x() - column.radius - 1 - key.shift_x / key.zoom, box.top() - key.shift_y / key.zoom
    wide, high = (pixels / key.ratio / key.zoom for pixels in (image.width(), image.height()))
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    opacity = painter.opacity()
    painter.setOpacity(1.0)
    painter.drawImage(QRectF(left, top, wide, high), image)
    painter.setOpacity(opacity)
    return True


def _paint_dots(painter: QPainter, item: NodeItem, content: Content | None, zoom: float) -> None:
    """A column of dots, as one picture: networks of dots have thousands of them."""
    units, radius, box = item.place.form.shape[0], item.size.radius, item.rect("values")
    high = box.height() / max(1, units)
    wide = _PARTS if high * zoom < _APART else min(_PARTS, max(1, round(_PARTS * 2 * radius / high)))
    first = (_PARTS - wide) // 2

    def made() -> QImage:
        dots = _dots(item, content)
        bgra = np.zeros((units, _PARTS), np.uint32)
        if len(dots) < units:
            bgra[:, first : first + wide] = _unknown(item.theme.ink.rgba())
        bgra[: len(dots), first : first + wide] = dots[:, None]
        return quick_image(bgra.view(np.uint8).reshape(-1, 1, 4))

    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
    place = QRectF(box.center().x() - radius, box.top(), 2 * radius, box.height())
    painter.drawImage(place, made() if content is None else content.kept("column", (units, wide, item.theme), made))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)


def _dots(item: NodeItem, content: Content | None) -> np.ndarray:
    """The pixels of the units whose numbers are known: blue, green, red and opacity in four bytes each."""
    if content is None:
        return np.zeros(0, np.uint32)
    alarm, finite = item.theme.phase["alarm"], not (content.nans or content.infs)
    values = content.data.reshape(-1)[: item.place.form.shape[0]]
    table = palette(bgra_of(item.theme.diverging), (alarm.blue(), alarm.green(), alarm.red()))
    return table.take(entries(values, content.limit, finite))


@lru_cache(maxsize=4)
def _unknown(ink: int) -> np.ndarray:
    """The pixel of a dot without a value, as of :func:`_dots`, the colours times the opacity."""
    color, share = QColor.fromRgba(ink), 0.18
    shades = [round(share * part) for part in (color.blue(), color.green(), color.red(), 255)]
    return np.array(shades, np.uint8).view(np.uint32)


@lru_cache(maxsize=1024)
def _fill(red: int, green: int, blue: int) -> tuple[QColor, QColor]:
    """A colour, and the ink that is written with on it."""
    color = QColor(red, green, blue)
    return color, ink_on(color)


def paint_beside(painter: QPainter, item: NodeItem, zoom: float) -> None:
    """Write the numbers of units that are too small for them at their side, where there is room."""
    numbers = 2 * item.size.radius * zoom >= NUMBER_FROM
    content = item.contents.get("values")
    if content is not None and item.place.numbers and not numbers and legible(zoom):
        _beside(painter, item, np.asarray(content.data, np.float64).reshape(-1))


def _beside(painter: QPainter, item: NodeItem, values: np.ndarray) -> None:
    """The numbers of the units, at their left or right."""
    painter.setFont(number_font(item.theme))
    painter.setPen(item.theme.ink)
    box, left = item.rect("values"), item.place.numbers == "left"
    content = item.contents.get("values")
    fractions = content is None or content.data.dtype.kind not in "iub"
    for unit, value in enumerate(values[: item.place.form.shape[0]]):
        y = item.center(unit).y()
        x = box.left() - item.place.beside if left else box.right() + APART
        where = QRectF(x, y - 20, item.place.beside - APART, 40)
        side = Qt.AlignmentFlag.AlignRight if left else Qt.AlignmentFlag.AlignLeft
        painter.drawText(where, side | Qt.AlignmentFlag.AlignVCenter, short_number(value) if fractions else str(int(value)))
