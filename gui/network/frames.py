"""What is painted around the numbers of a node: hairlines, numbers that are written, marks."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPen

from gui.network.glyphs import paint_alarm, short_number
from gui.network.rings import paint_lit, paint_ring
from gui.theme import with_alpha

if TYPE_CHECKING:
    from gui.network.items import NodeItem

#: Pixels on the screen from which feature maps have a line around each of them.
_TILES_FROM = 5


@lru_cache(maxsize=16)
def _hairline(ink: int, opacity: float, ratio: float) -> QPen:
    """One pixel wide whatever the zoom."""
    pen = QPen(with_alpha(QColor.fromRgba(ink), opacity), max(1, round(ratio)))
    pen.setCosmetic(True)
    return pen


def _begin_hairlines(painter: QPainter, item: NodeItem, opacity: float) -> None:
    device = painter.device()
    ratio = device.devicePixelRatioF() if device is not None else 1.0
    # Upright lines need no smoothing, which takes five times as long, and makes two grey pixels of one.
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(_hairline(item.theme.ink.rgba(), opacity, ratio))
    painter.setBrush(Qt.BrushStyle.NoBrush)


@lru_cache(maxsize=512)
def _tiles(columns: int, count: int, x: float, y: float, wide: float, high: float) -> list[QRectF]:
    """The frames of feature maps of that size; the same in every paint of a layout."""
    tile = QRectF(0, 0, wide, high).adjusted(0.5, 0.5, -0.5, -0.5)
    return [tile.translated(x + i % columns * wide, y + i // columns * high) for i in range(count)]


def paint_frame(painter: QPainter, item: NodeItem, part: str, zoom: float) -> None:
    """Hairlines around a part that is drawn as a picture, or around each of its feature maps, and an alarm."""
    box, content, form = item.rect(part), item.contents.get(part), item.place.form
    rows, columns = form.grid() if part == "values" and form.kind == "maps" and content is not None else (1, 1)
    wide, high = box.width() / columns, box.height() / rows
    if rows * columns > 1 and min(wide, high) * zoom >= _TILES_FROM:
        _begin_hairlines(painter, item, 0.16)
        count = min(form.shape[0], rows * columns)
        painter.drawRects(*_tiles(columns, count, box.x(), box.y(), wide, high))
    else:
        _begin_hairlines(painter, item, 0.22)
        painter.drawRect(box)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if content is not None and (content.nans or content.infs):
        worst = math.nan if content.nans else math.inf
        paint_alarm(painter, QPointF(box.right() - 7, box.top() + 7), 5, worst, item.theme.phase["alarm"])


def paint_number(painter: QPainter, item: NodeItem) -> None:
    """A single number in its box; what is said instead where there is none."""
    box, theme, content = item.rect("values"), item.theme, item.contents.get("values")
    if not item.place.form.loss:
        painter.setPen(QPen(with_alpha(theme.ink, 0.3), 1))
        painter.setBrush(theme.panel)
        painter.drawRoundedRect(box, 6, 6)
    painter.setFont(theme.code_font("body" if box.height() >= 20 else "small"))
    if content is None or not content.data.size:
        if item.note:
            painter.setFont(theme.text_font("small"))
            painter.setPen(theme.muted)
            painter.drawText(box.adjusted(-8, 0, 8, 0), Qt.AlignmentFlag.AlignCenter, item.note)
        return
    value = content.data.reshape(-1)[0]
    whole = np.issubdtype(content.data.dtype, np.integer)
    broken = not whole and not math.isfinite(float(value))
    painter.setPen(theme.phase_text["alarm"] if broken else theme.ink)
    text = str(int(value)) if whole else ("NaN" if math.isnan(value) else short_number(float(value)))
    painter.drawText(box.adjusted(-8, 0, 8, 0), Qt.AlignmentFlag.AlignCenter, text)


def paint_funnel(painter: QPainter, item: NodeItem, zoom: float) -> None:
    """The bar of an op that only gives numbers another shape."""
    painter.setPen(QPen(with_alpha(item.theme.ink, 0.4), 1 / zoom))
    painter.setBrush(with_alpha(item.theme.ink, 0.06))
    painter.drawRoundedRect(item.rect("values"), 4, 4)


def paint_marks(painter: QPainter, item: NodeItem, zoom: float) -> None:
    """What is selected, and what an explained number was computed from."""
    marks, theme = item.marks, item.theme
    if not (marks.lit or marks.selected or marks.picked is not None):
        return
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    paint_lit(painter, item, zoom)
    if marks.selected:
        painter.setPen(QPen(theme.selection, 2 / zoom))
        painter.drawRoundedRect(item.body().adjusted(-6, -5, 6, 5), 7, 7)
    if marks.picked is not None:
        painter.setPen(QPen(theme.selection, 2 / zoom))
        paint_ring(painter, item, *marks.picked, zoom, 2.0)
