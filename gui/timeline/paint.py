"""How the timeline's strip is drawn: once what stands still, and over it the cursor."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from PyQt6.QtCore import QLineF, QPointF, QRectF, Qt
from PyQt6.QtGui import QBrush, QFont, QFontMetricsF, QPainter, QPainterPath, QPen, QPolygonF

from gui.network.glyphs import image_of
from gui.theme import Theme, with_alpha
from gui.timeline.marks import ALARM, BACKWARD, FORWARD, HUES, LOSS, UPDATE

if TYPE_CHECKING:
    from gui.timeline.strip import StripView

#: What each lane shows: its name, and the codes in it.
LANES = (("forward", (FORWARD, LOSS, ALARM)), ("backward", (BACKWARD,)), ("update", (UPDATE,)))

#: Rows of pixels that a lane is made of.
_ROWS = 3

#: Marks of stops that are drawn; the oldest are left out.
_MOST_STOPS = 2000


def ruler_height(theme: Theme) -> float:
    """Height of the line of epochs, batches and steps, and of the cursor's head below them."""
    return math.ceil(QFontMetricsF(theme.text_font("small")).height()) + 4.0


def marks_height(theme: Theme) -> float:
    """Height of the line of marks below the lanes."""
    return float(theme.space(11))


def gutter(theme: Theme) -> float:
    """Width of the lanes' names."""
    return _widest(theme.text_font("small").toString()) + 14.0


@lru_cache(maxsize=16)
def _widest(font: str) -> float:
    written = QFont()
    written.fromString(font)
    metrics = QFontMetricsF(written)
    return math.ceil(max(metrics.horizontalAdvance(name) for name, _ in LANES))


def least_height(theme: Theme) -> int:
    """The height below which the lanes' names would run into each other."""
    lane = max(float(theme.space(9)), QFontMetricsF(theme.text_font("small")).ascent())
    return math.ceil(ruler_height(theme) + marks_height(theme) + len(LANES) * lane) + 4


def lanes(strip: StripView) -> tuple[float, float]:
    """Top and bottom of the lanes."""
    top = ruler_height(strip.theme) + 2
    return top, max(top + 3 * len(LANES), strip.height() - marks_height(strip.theme) - 2)


def paint_strip(painter: QPainter, strip: StripView) -> None:
    """Everything but the cursor."""
    painter.fillRect(strip.rect(), strip.theme.panel)
    if strip.events.first is None:
        return
    top, bottom = lanes(strip)
    _names(painter, strip, top, bottom)
    _before(painter, strip, top, bottom)
    painter.save()
    painter.setClipRect(QRectF(strip.left(), 0, strip.width() - strip.left(), strip.height()))
    _ruler(painter, strip)
    _codes(painter, strip, top, bottom)
    _marks(painter, strip, top, bottom)
    painter.restore()


def _names(painter: QPainter, strip: StripView, top: float, bottom: float) -> None:
    font = strip.theme.text_font("small")
    painter.setFont(font)
    high = (bottom - top) / len(LANES)
    for lane, (name, _) in enumerate(LANES):
        painter.setPen(strip.theme.phase_text[name])
        # The names of low lanes may stand closer than their lines are high, but not over each other.
        place = QRectF(6, top + lane * high - 4, gutter(strip.theme) - 10, high + 8)
        painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, name)


def _before(painter: QPainter, strip: StripView, top: float, bottom: float) -> None:
    wide = strip.before()
    if not wide:
        return
    box = QRectF(gutter(strip.theme), 0, wide - 4, bottom)
    painter.fillRect(box, with_alpha(strip.theme.ink, 0.04))
    painter.fillRect(box, QBrush(with_alpha(strip.theme.ink, 0.10), Qt.BrushStyle.BDiagPattern))
    painter.setFont(strip.theme.text_font("small"))
    painter.setPen(strip.theme.muted)
    steps = strip.events.step_at(strip.events.first)
    which = f"steps 1 to {steps:,}:" if steps > 1 else "step 1:" if steps else "before this:"
    text = f"{which}\n{'replay to go there' if strip.replayable else 'not kept'}"
    painter.drawText(box.adjusted(2, 0, -2, 0), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text)


def _ruler(painter: QPainter, strip: StripView) -> None:
    """Epochs, and batches or steps, as many as have room."""
    font = strip.theme.text_font("small")
    painter.setFont(font)
    metrics = QFontMetricsF(font)
    base = metrics.ascent() + 1
    _, bottom = lanes(strip)
    taken: list[tuple[float, float]] = []
    start, span = strip.shown()
    # Over what lies ahead of a script that runs, no label is seen.
    end = strip.width() if strip.running is None else strip.x_of(start + span)
    for seq, text in strip.events.epochs:
        x = strip.x_of(seq)
        if strip.left() <= x <= end:
            label = f"epoch {text}"
            painter.setPen(strip.theme.ink)
            painter.drawLine(QLineF(x, 0, x, bottom))
            beyond = x + 3 + metrics.horizontalAdvance(label)
            if beyond < end and (not taken or x + 3 > taken[-1][1]):
                painter.drawText(QPointF(x + 3, base), label)
                taken.append((x, beyond + 9))
    marks, word = (strip.events.batches, "batch") if strip.events.batches else (strip.events.steps, "step")
    last = right = -1e9
    for seq, text in marks:
        if not start <= seq <= start + span:
            continue
        x = strip.x_of(seq)
        if x - last >= 3:
            last = x
            painter.setPen(QPen(with_alpha(strip.theme.ink, 0.22), 1))
            painter.drawLine(QLineF(x, base + 1, x, bottom))
        label = f"{word} {text}"
        beyond = x + 3 + metrics.horizontalAdvance(label)
        free = all(beyond + 9 < begin or x + 3 > over for begin, over in taken)
        if x + 3 > right and free and beyond < end:
            painter.setPen(strip.theme.muted)
            painter.drawText(QPointF(x + 3, base), label)
            right = beyond + 11


def _codes(painter: QPainter, strip: StripView, top: float, bottom: float) -> None:
    """Each column of pixels in the hue of its events; where one is of a whole batch, its loss leaves room for the forward
    pass.
    """
    left, (start, span) = strip.left(), strip.shown()
    wide = max(1, round(strip.x_of(start + span) - left))
    edges = start + np.arange(wide + 1) * (span / wide)
    low = math.floor(edges[0])
    codes = strip.events.codes(low, math.ceil(edges[-1]) + 1)
    places = np.floor(edges - low).astype(np.intp)
    ends = np.minimum(np.maximum(places[1:], places[:-1] + 1), len(codes))
    image = np.zeros((len(LANES), _ROWS, wide, 4), np.uint8)
    for lane, (_, kinds) in enumerate(LANES):
        for code in kinds:
            total = np.concatenate([[0], np.cumsum(codes == code)])
            color = strip.theme.phase[HUES[code]]
            here = total[ends] > total[places[:-1]]
            if code == LOSS:
                here = here & ((np.arange(_ROWS)[:, None] == _ROWS - 1) | (image[lane, 0, :, 3] == 0))
            image[lane][np.broadcast_to(here, image.shape[1:3])] = color.red(), color.green(), color.blue(), 255
    if wide / span >= 4:  # a gap between two events where there is room
        image[:, :, :-1][:, :, places[1:-1] != places[:-2]] = 0
    height = (bottom - top) / len(LANES)
    for lane in range(len(LANES)):
        painter.fillRect(QRectF(left, top + lane * height + 1, wide, height - 2), with_alpha(strip.theme.ink, 0.03))
        painter.drawImage(QRectF(left, top + lane * height + 1, wide, height - 2), image_of(image[lane]))
    painter.setPen(QPen(strip.theme.hairline, 1))
    painter.drawLine(QLineF(left, bottom + 0.5, strip.width(), bottom + 0.5))


def _marks(painter: QPainter, strip: StripView, top: float, bottom: float) -> None:
    """Below the lanes: stops as triangles, breakpoints as dots, findings as diamonds; forks through the lanes."""
    theme = strip.theme
    middle, size = (bottom + strip.height()) / 2, marks_height(theme) / 3
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(with_alpha(theme.ink, 0.5))
    stops = QPainterPath()  # at once: many beside each other get no darker where they overlap
    stops.setFillRule(Qt.FillRule.WindingFill)
    for x in _columns(strip, list(strip.events.stops)[-_MOST_STOPS:]):
        points = (x, middle - size), (x - size, middle + size), (x + size, middle + size), (x, middle - size)
        stops.addPolygon(QPolygonF([QPointF(*point) for point in points]))
    painter.drawPath(stops)
    painter.setBrush(theme.phase["alarm"])
    for x in _columns(strip, strip.hits):
        painter.drawEllipse(QPointF(x, middle), size * 0.9, size * 0.9)
    for x in _columns(strip, [seq for seq, _ in strip.alarms]):
        painter.setPen(QPen(with_alpha(theme.phase["alarm"], 0.8), 1))
        painter.drawLine(QLineF(round(x) + 0.5, top, round(x) + 0.5, bottom))
        painter.setPen(QPen(theme.panel, 1))
        points = (x, middle - 1.5 * size), (x + 1.3 * size, middle), (x, middle + 1.5 * size), (x - 1.3 * size, middle)
        painter.drawPolygon(QPolygonF([QPointF(*point) for point in points]))
    painter.setBrush(theme.panel)
    painter.setPen(QPen(theme.ink, 1.5))
    for x in _columns(strip, [seq for seq, _ in strip.forks]):
        painter.drawLine(QLineF(x, middle, x, top + 3))
        side = 1 if x + 10 < strip.width() else -1  # at the end the branch goes to the left, where it has room
        painter.drawLine(QLineF(x, top + 12, x + 6 * side, top + 6))
        painter.drawEllipse(QPointF(x, top + 3), 2.5, 2.5)
        painter.drawEllipse(QPointF(x + 7 * side, top + 5), 2.5, 2.5)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def _columns(strip: StripView, seqs: list[int]) -> list[float]:
    """Where marks at these events stand, one in a column of pixels."""
    start, span = strip.shown()
    places = {round(x): x for seq in seqs if start - 1 <= seq <= start + span for x in (column(strip, seq),)}
    return list(places.values())


def column(strip: StripView, seq: int) -> float:
    """The middle of an event's column."""
    return (strip.x_of(seq) + strip.x_of(seq + 1)) / 2


def paint_cursor(painter: QPainter, strip: StripView) -> None:
    """The cursor: a line with a head, dashed in the past; and the pointer before what is remembered."""
    theme, (top, bottom) = strip.theme, lanes(strip)
    if strip.far is not None and strip.before():
        painter.setPen(QPen(with_alpha(theme.ink, 0.7), 1, Qt.PenStyle.DotLine))
        x = round(strip.x_before(strip.far)) + 0.5
        painter.drawLine(QLineF(x, 0, x, bottom))
    if strip.cursor is None or strip.events.first is None:
        return
    x0, x1 = strip.x_of(strip.cursor), strip.x_of(strip.cursor + 1)
    x = round((x0 + x1) / 2)
    if not strip.left() - 6 <= x <= strip.width() + 6:
        return
    if x1 - x0 >= 6 and strip.events.next - 1 > strip.events.first:
        painter.setBrush(with_alpha(theme.ink, 0.08))
        painter.setPen(QPen(theme.selection, 1))
        painter.drawRect(QRectF(round(x0), top, round(x1 - x0) - 1, bottom - top - 1))
    style = Qt.PenStyle.SolidLine if strip.live else Qt.PenStyle.DashLine
    painter.setPen(QPen(theme.selection, 2, style))
    painter.drawLine(QLineF(x, top - 3, x, bottom))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.selection)
    painter.drawPolygon(QPolygonF([QPointF(x - 5, top - 6), QPointF(x + 5, top - 6), QPointF(x, top)]))
