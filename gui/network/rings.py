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
    rings, small = [], QRegion()
    for part, index, share in lit:
        cell = None if _is_unit(item, part, index) else _cell(item, part, index)
        if cell is None or min(cell.width(), cell.height()) * zoom >= _LEAST:
            rings.append((part, index, share))
        else:
            small += _pixels(_grown(cell, zoom), zoom)
    outline = QPainterPath()
    outline.addRegion(small)
    return rings, outline.simplified()


def paint_ring(painter: QPainter, item: NodeItem, part: str, index: tuple[int, ...], zoom: float, width: float) -> None:
    """A ring around one number, with the painter's pen of ``width`` pixels."""
    if _is_unit(item, part, index):
        radius = item.size.radius + 2.5 * width / zoom
        painter.drawEllipse(item.center(index[0]), radius, radius)
    elif (cell := _cell(item, part, index)) is not None:
        painter.drawRect(_grown(cell, zoom))


def _is_unit(item: NodeItem, part: str, index: tuple[int, ...]) -> bool:
    return part == "values" and item.place.form.kind == "units" and len(index) == 1


def _cell(item: NodeItem, part: str, index: tuple[int, ...]) -> QRectF | None:
    share, box = box_of(item.place.form, part, index), item.rect(part)
    if share is None or box.isEmpty():
        return None
    u, v, wide, high = share
    return QRectF(box.left() + u * box.width(), box.top() + v * box.height(), wide * box.width(), high * box.height())


def _grown(cell: QRectF, zoom: float) -> QRectF:
    """As large as a ring is at least."""
    across, down = (max(0.0, _LEAST / zoom - side) / 2 for side in (cell.width(), cell.height()))
    return cell.adjusted(-across, -down, across, down)


def _pixels(box: QRectF, zoom: float) -> QRect:
    return QRectF(box.x() * zoom, box.y() * zoom, box.width() * zoom, box.height() * zoom).toAlignedRect()
