"""Crosses and arrows over what is not finite in the picture of a part."""

from __future__ import annotations

import math

import numpy as np
from PyQt6.QtCore import QRectF
from PyQt6.QtGui import QPainter

from gui.network.values import Content
from gui.theme import Theme
from gui.widgets.non_finite import paint_non_finite


def note(content: Content, part: str, picture: np.ndarray, alarm: tuple[int, int, int]) -> None:
    """Keep with ``content`` which pixels of its picture are not finite numbers: those in the colour of alarms. They count as
    NaN, or as infinity where there is only that.
    """
    if not (content.nans or content.infs):
        return  # as nearly always, of many parts in each picture
    there = (picture[..., :3] == alarm).all(axis=2)
    value = math.nan if content.nans else -math.inf if np.isneginf(content.data).any() else math.inf
    content.pictures["not finite", part] = np.where(there, value, 0.0) if there.any() else None


def paint(painter: QPainter, theme: Theme, content: Content, part: str, box: QRectF, zoom: float) -> None:
    """Marks over the picture that fills ``box``, as large at every zoom."""
    marks = content.pictures.get(("not finite", part))
    if marks is None:
        return
    rows, columns = marks.shape
    wide, high = box.width() * zoom / columns, box.height() * zoom / rows

    def middles(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        down, across = np.nonzero(mask)
        return (across + 0.5) * wide, (down + 0.5) * high

    painter.save()
    painter.translate(box.topLeft())
    painter.scale(1 / zoom, 1 / zoom)
    paint_non_finite(painter, theme, marks, (0, 0), (wide, high), middles)
    painter.restore()
