"""A column of units on the canvas."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QBrush, QColor, QPainter, QPen

from gui.network.glyphs import ink_on, paint_alarm, short_number, write_on
from gui.network.measuring import number_font
from gui.network.values import Content, colours
from gui.numbers import format_number
from gui.theme import with_alpha

if TYPE_CHECKING:
    from gui.network.items import NodeItem

#: Points on the screen from which text is drawn, and pixels across from which a unit shows its number.
_LEGIBLE = 4.6
NUMBER_FROM = 38.0


def legible(points: float, zoom: float) -> bool:
    """Whether text of so many points is drawn at a zoom."""
    return points * zoom >= _LEGIBLE


def paint_units(painter: QPainter, item: NodeItem, content: Content | None, zoom: float) -> None:
    """Draw the circles with their numbers, once they are large enough, or a minus in the negative ones."""
    theme, radius = item.theme, item.size.radius
    values = np.zeros(0) if content is None else np.asarray(content.data, np.float64).reshape(-1)
    alarm = theme.phase["alarm"]
    limit = 1.0 if content is None else content.limit
    fills = colours(values, limit, theme.diverging, (alarm.red(), alarm.green(), alarm.blue()))
    numbers = 2 * radius * zoom >= NUMBER_FROM
    for unit in range(item.place.form.shape[0]):
        at = item.center(unit)
        known = unit < len(values)
        color = QColor(*map(int, fills[unit][:3])) if known else theme.panel
        painter.setPen(QPen(with_alpha(theme.ink, 0.55), 1.1))
        painter.setBrush(QBrush(color))
        painter.drawEllipse(at, radius, radius)
        if not known:
            continue
        value = values[unit]
        if not math.isfinite(value):
            paint_alarm(painter, at, radius * 0.5, math.isnan(value), theme.panel)
        elif numbers:
            box = QRectF(at.x() - radius, at.y() - radius, 2 * radius, 2 * radius)
            write_on(painter, box, format_number(value), color, theme.code_font("small"))
        elif value < 0:
            painter.setPen(QPen(ink_on(color), 1.4))
            painter.drawLine(QPointF(at.x() - radius * 0.4, at.y()), QPointF(at.x() + radius * 0.4, at.y()))
    if item.place.numbers and not numbers and legible(number_font(theme).pointSizeF(), zoom):
        _beside(painter, item, values)


def _beside(painter: QPainter, item: NodeItem, values: np.ndarray) -> None:
    """The numbers of the units, at their left or right."""
    painter.setFont(number_font(item.theme))
    painter.setPen(item.theme.ink)
    box, left = item.rect("values"), item.place.numbers == "left"
    content = item.contents.get("values")
    fractions = content is None or content.data.dtype.kind not in "iub"
    for unit, value in enumerate(values[: item.place.form.shape[0]]):
        y = item.center(unit).y()
        x = box.left() - item.place.beside if left else box.right() + 4
        where = QRectF(x, y - 20, item.place.beside - 4, 40)
        side = Qt.AlignmentFlag.AlignRight if left else Qt.AlignmentFlag.AlignLeft
        painter.drawText(where, side | Qt.AlignmentFlag.AlignVCenter, short_number(value) if fractions else str(int(value)))
