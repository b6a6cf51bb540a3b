"""Parts of the canvas that are drawn once and kept as pictures: words take longer than numbers."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

from PyQt6.QtCore import QPointF, QRectF, QSize
from PyQt6.QtGui import QColor, QPaintEngine, QPainter, QPixmap, QTransform

from gui.widgets.layer import drawn

#: Bytes of pictures that are kept, those that were wanted last; and of the largest one.
_MOST_BYTES = 12 << 20
_LARGEST = 256 << 10

_RASTER = QPaintEngine.Type.Raster

#: A picture, and where it stands.
Placed = tuple[QPointF, QPixmap]

#: New pictures in one paint: while the zoom changes, nothing is painted twice.
_AT_ONCE = 40

_pictures: OrderedDict[Hashable, QPixmap] = OrderedDict()
_bytes = 0
_left = _AT_ONCE


def begin_paint() -> None:
    """Another paint begins: some more pictures may be made."""
    global _left
    _left = _AT_ONCE


class Look(NamedTuple):
    """How a painter shows the scene: zoom, shift, pixels of the screen for each of its own."""

    zoom_x: float
    zoom_y: float
    dx: float
    dy: float
    ratio: float


def look_of(painter: QPainter) -> Look | None:
    """How ``painter`` shows the scene; None where pictures would not do: it draws vectors (SVG), or turns."""
    engine, device = painter.paintEngine(), painter.device()
    if engine is None or device is None or engine.type() != _RASTER:
        return None
    shown = painter.worldTransform()
    if shown.m12() or shown.m21():
        return None
    return Look(shown.m11(), shown.m22(), shown.dx(), shown.dy(), device.devicePixelRatioF())


def kept(look: Look, box: QRectF, key: Hashable, draw: Callable[[QPainter], object]) -> Placed | None:
    """What ``draw(painter)`` paints inside of ``box``, as a picture; None where that is too large, because little of it can
    be seen, and where too many have been made in this paint. ``key`` says all that it depends on, but for ``look``.
    """
    global _left
    left, top = box.x() * look.zoom_x + look.dx, box.y() * look.zoom_y + look.dy
    x, y = math.floor(left), math.floor(top)
    whole = key, box.width(), box.height(), look.zoom_x, look.zoom_y, round(left - x, 3), round(top - y, 3), look.ratio
    picture = _pictures.get(whole)
    if picture is not None:
        _pictures.move_to_end(whole)
        return QPointF(x, y), picture
    wide = math.ceil((math.ceil(left - x + box.width() * look.zoom_x) + 1) * look.ratio)
    high = math.ceil((math.ceil(top - y + box.height() * look.zoom_y) + 1) * look.ratio)
    if 4 * wide * high > _LARGEST or not _left:
        return None
    _left -= 1

    def placed(painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setTransform(QTransform(look.zoom_x, 0, 0, look.zoom_y, look.dx - x, look.dy - y), True)
        draw(painter)

    picture = drawn(QSize(wide, high), look.ratio, QColor(0, 0, 0, 0), placed)
    _keep(whole, picture)
    return QPointF(x, y), picture


def put(painter: QPainter, several: Sequence[Placed]) -> None:
    """Paint pictures of :func:`kept` for the look of ``painter``."""
    if not several:
        return
    painter.setWorldMatrixEnabled(False)
    for place, picture in several:
        painter.drawPixmap(place, picture)
    painter.setWorldMatrixEnabled(True)


def _keep(key: Hashable, picture: QPixmap) -> None:
    global _bytes
    _pictures[key] = picture
    _bytes += _size(picture)
    while _bytes > _MOST_BYTES:
        _bytes -= _size(_pictures.popitem(last=False)[1])


def _size(picture: QPixmap) -> int:
    return 4 * picture.width() * picture.height()
