"""How the timeline's strip is drawn."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QBrush, QFontMetricsF, QPainter, QPen, QPolygonF

from gui.network.glyphs import image_of
from gui.theme import with_alpha
from gui.timeline.marks import ALARM, BACKWARD, FORWARD, HUES, LOSS, UPDATE

if TYPE_CHECKING:
    from gui.timeline.strip import TimelineStrip


def paint_strip(painter: QPainter, strip: TimelineStrip) -> None:
    """Draw everything."""
    painter.fillRect(strip.rect(), strip.theme.panel)
    if strip.events.first is None:
        return
    _before(painter, strip)
    top, bottom = _rows(painter, strip), strip.height() - 6.0
    _codes(painter, strip, top, bottom)
    _marks(painter, strip, top, bottom)
    _cursor(painter, strip, top, bottom)


def _before(painter: QPainter, strip: TimelineStrip) -> None:
    left = strip.before()
    if not left:
        return
    box = QRectF(0, 0, left - 4, strip.height())
    painter.fillRect(box, with_alpha(strip.theme.ink, 0.05))
    painter.fillRect(box, QBrush(with_alpha(strip.theme.ink, 0.10), Qt.BrushStyle.BDiagPattern))
    painter.setFont(strip.theme.text_font("small"))
    painter.setPen(strip.theme.muted)
    painter.drawText(
        box.adjusted(4, 0, -4, 0), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, "replay to go there"
    )


def _rows(painter: QPainter, strip: TimelineStrip) -> float:
    """The ruler: epochs, batches or steps, as many as have room. Returns where the events begin."""
    font = strip.theme.text_font("small")
    painter.setFont(font)
    metrics = QFontMetricsF(font)
    high = metrics.height() + 4
    marks = strip.events.batches or strip.events.steps
    word = "batch" if strip.events.batches else "step"
    right = -1e9
    for seq, text in strip.events.epochs:
        x = strip.x_of(seq)
        if 0 <= x <= strip.width():
            label = f"epoch {text}"
            painter.setPen(strip.theme.ink)
            painter.drawText(QPointF(x + 3, metrics.ascent() + 3), label)
            right = x + metrics.horizontalAdvance(label) + 12
            painter.drawLine(QPointF(x, 0), QPointF(x, strip.height()))
    taken = [right]
    for number, (seq, text) in enumerate(marks):
        x = strip.x_of(seq)
        if x < strip.before() - 1 or x > strip.width():
            continue
        painter.setPen(QPen(with_alpha(strip.theme.ink, 0.30), 1))
        gap = strip.x_of(marks[number + 1][0]) - x if number + 1 < len(marks) else 100.0
        if gap >= 3:
            painter.drawLine(QPointF(x, high - 3), QPointF(x, strip.height() - 4))
        label = f"{word} {text}"
        if x + 3 > taken[-1]:
            painter.setPen(strip.theme.muted)
            painter.drawText(QPointF(x + 3, metrics.ascent() + 3), label)
            taken.append(x + metrics.horizontalAdvance(label) + 14)
    return high + 2


def _codes(painter: QPainter, strip: TimelineStrip, top: float, bottom: float) -> None:
    """Each column of pixels in the hue of its events: three lanes (forward with loss, backward, update)."""
    left, wide = strip.before(), max(1, round(strip.x_of(sum(strip.shown())) - strip.before()))
    start, span = strip.shown()
    edges = start + np.arange(wide + 1) * (span / wide)
    low = math.floor(edges[0])
    codes = strip.events.codes(low, math.ceil(edges[-1]) + 1)
    places = np.floor(edges - low).astype(np.intp)
    lanes = ((FORWARD, LOSS, ALARM), (BACKWARD,), (UPDATE,))
    image = np.zeros((len(lanes), wide, 4), np.uint8)
    for lane, kinds in enumerate(lanes):
        for code in kinds:
            total = np.concatenate([[0], np.cumsum(codes == code)])
            ends = np.maximum(places[1:], places[:-1] + 1)
            here = total[np.minimum(ends, len(codes))] > total[places[:-1]]
            color = strip.theme.phase[HUES[code]]
            image[lane, here] = color.red(), color.green(), color.blue(), 255
    if wide / span >= 4:  # a gap between two events where there is room
        image[:, :-1][:, places[1:-1] != places[:-2]] = 0
    height = (bottom - top) / len(lanes)
    for lane in range(len(lanes)):
        picture = image_of(image[lane : lane + 1])
        painter.drawImage(QRectF(left, top + lane * height + 1, wide, height - 2), picture)
    painter.setPen(QPen(strip.theme.hairline, 1))
    painter.drawLine(QPointF(left, bottom + 1), QPointF(strip.width(), bottom + 1))


def _marks(painter: QPainter, strip: TimelineStrip, top: float, bottom: float) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    seen: set[int] = set()
    for seq in strip.hits:
        x = column(strip, seq)
        if round(x) not in seen:
            seen.add(round(x))
            painter.setBrush(strip.theme.phase["alarm"])
            painter.drawEllipse(QPointF(x, bottom + 1), 3, 3)
    seen.clear()
    for seq in strip.events.stops[-2000:]:
        x = column(strip, seq)
        if round(x) not in seen:
            seen.add(round(x))
            painter.setBrush(with_alpha(strip.theme.ink, 0.55))
            painter.drawPolygon(QPolygonF([QPointF(x, bottom - 2), QPointF(x - 3, bottom + 4), QPointF(x + 3, bottom + 4)]))
    for seq, _name in strip.forks:
        x = column(strip, seq)
        painter.setPen(QPen(strip.theme.ink, 1.5))
        painter.drawLine(QPointF(x, bottom), QPointF(x, top + 6))
        painter.drawLine(QPointF(x, top + 12), QPointF(x + 6, top + 5))
        painter.setBrush(strip.theme.panel)
        painter.drawEllipse(QPointF(x, top + 4), 2.5, 2.5)
        painter.drawEllipse(QPointF(x + 7, top + 4), 2.5, 2.5)
        painter.setPen(Qt.PenStyle.NoPen)


def column(strip: TimelineStrip, seq: int) -> float:
    """The middle of an event's column."""
    return (strip.x_of(seq) + strip.x_of(seq + 1)) / 2


def _cursor(painter: QPainter, strip: TimelineStrip, top: float, bottom: float) -> None:
    if strip.cursor is None:
        return
    x0, x1 = strip.x_of(strip.cursor), strip.x_of(strip.cursor + 1)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    x = round((x0 + x1) / 2)
    if x1 - x0 >= 6:
        painter.setBrush(with_alpha(strip.theme.ink, 0.08))
        painter.setPen(QPen(strip.theme.selection, 1))
        painter.drawRect(QRectF(round(x0), top - 1, round(x1 - x0) - 1, bottom - top + 2))
    style = Qt.PenStyle.SolidLine if strip.live else Qt.PenStyle.DashLine
    painter.setPen(QPen(strip.theme.selection, 2, style))
    painter.drawLine(QPointF(x, top - 4), QPointF(x, bottom + 4))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(strip.theme.selection)
    painter.drawPolygon(QPolygonF([QPointF(x - 5, top - 7), QPointF(x + 5, top - 7), QPointF(x, top - 1)]))
