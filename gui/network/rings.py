"""Rings on the canvas: around the number that is selected, and around those that made the number which is explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QRect, QRectF, Qt
from PyQt6.QtGui import QPainter, QPainterPath, QPen, QRegion

from gui.network.where import box_of
from gui.theme import with_alpha

if TYPE_CHECKING:
    from gui.network.items import NodeItem

#: Pixels on the screen that a ring is wide at least: smaller ones would not be seen.
_LEAST = 6

#: Zoom, what was lit, what has a ring of its own, and the outline of all others in pixels.
Drawn = tuple[float, list, list[tuple[str, tuple[int, ...], float]], QPainterPath]


def paint_lit(painter: QPainter, item: NodeItem, zoom: float) -> None:
    """Thin rings whose opacity is the share; where rings would lie upon each other and hide the numbers, one around all."""
    marks = item.marks
    if not marks.lit:
        return
    if item.lit is None or item.lit[0] != zoom or item.lit[1] is not marks.lit:
        item.lit = zoom, marks.lit, *_sorted(item, marks.lit, zoom)
    _, _, rings, outline = item.lit
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for part, index, share in rings:
        painter.setPen(QPen(with_alpha(item.theme.selection, max(0.25, min(1.0, share))), 1 / zoom))
        paint_ring(painter, item, part, index, zoom, 1.0)
    if not outline.isEmpty():
        painter.save()
        painter.scale(1 / zoom, 1 / zoom)
        painter.setPen(QPen(item.theme.selection, 1))
        painter.drawPath(outline)
        painter.restore()


def _sorted(item: NodeItem, lit: list, zoom: float) -> tuple[list[tuple[str, tuple[int, ...], float]], QPainterPath]:
    """What is large enough for a ring of its own, and the outline of what is not."""
    rings, small = [], set()
    boxes = {part: item.rect(part).getRect() for part in ("values", "weight")}
    for part, index, share in lit:
        place = None if _is_unit(item, part, index) else box_of(item.place.form, part, index)
        left, top, wide, high = (zoom * side for side in boxes[part])
        if place is None or min(place[2] * wide, place[3] * high) >= _LEAST:
            rings.append((part, index, share))
        else:
            across, down = max(_LEAST, place[2] * wide), max(_LEAST, place[3] * high)
            x, y = left + (place[0] + place[2] / 2) * wide, top + (place[1] + place[3] / 2) * high
            small.add((round(x - across / 2), round(y - down / 2), round(across), round(down)))
    region = QRegion()
    for pixels in small:
        region += QRect(*pixels)
    outline = QPainterPath()
    outline.addRegion(region)
    return rings, outline.simplified()


def paint_ring(painter: QPainter, item: NodeItem, part: str, index: tuple[int, ...], zoom: float, width: float) -> None:
    """A ring around one number, with the painter's pen of ``width`` pixels."""
    cell = element_box(item, part, index)
    if _is_unit(item, part, index):
        radius = item.size.radius + 2.5 * width / zoom
        painter.drawEllipse(cell.center(), radius, radius)
    elif not cell.isEmpty():
        across, down = (max(0.0, _LEAST / zoom - side) / 2 for side in (cell.width(), cell.height()))
        painter.drawRect(cell.adjusted(-across, -down, across, down))


def element_box(item: NodeItem, part: str, index: tuple[int, ...]) -> QRectF:
    """Where one number of a node stands; empty where it has no place of its own."""
    if _is_unit(item, part, index):
        at, radius = item.center(index[0]), item.size.radius
        return QRectF(at.x() - radius, at.y() - radius, 2 * radius, 2 * radius)
    share, box = box_of(item.place.form, part, index), item.rect(part)
    if share is None or box.isEmpty():
        return QRectF()
    u, v, wide, high = share
    return QRectF(box.left() + u * box.width(), box.top() + v * box.height(), wide * box.width(), high * box.height())


def _is_unit(item: NodeItem, part: str, index: tuple[int, ...]) -> bool:
    return part == "values" and item.place.form.kind == "units" and len(index) == 1
