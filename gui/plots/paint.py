"""Drawing plots: axes, curves, marks, and the lines of the cursor and the pointer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PyQt6.QtCore import QLineF, QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF

from gui.plots.area import Area
from gui.plots.series import Curve, value_text
from gui.theme import Theme, mixed, readable, with_alpha
from gui.widgets.layer import polygon

#: Colours of curves beside the accent, which the current run has: none of them is the hue of a phase.
#: The first differs from the accent, which is blue, also for who cannot tell red from green.
_COLORS = ("#8A6D3B", "#7B5EA7", "#4F7F94", "#76862B", "#9C4F6E", "#7F7F7F")

#: Dashes and gaps of lines, in pixels; the first is solid.
_DASHES = ((), (6.0, 3.0), (2.0, 3.0), (8.0, 3.0, 2.0, 3.0))

#: Share of the line above a plot that the names of those without room may take.
_OTHERS = 0.6

#: Dots of single values are drawn only where there are at most so many in a plot's width of pixels.
_ROOM_FOR_DOT = 7


@dataclass(frozen=True)
class Mark:
    """A mark at ``x``: what happened there, and whether it is an alarm."""

    x: float
    text: str
    alarm: bool = False


def color_of(style: int, theme: Theme) -> QColor:
    """The colour of a curve of a style; that of the current run is the accent."""
    if style == 0:
        return QColor(theme.accent)
    return readable(QColor(_COLORS[(style - 1) % len(_COLORS)]), [theme.panel], 3.0)


def pen_of(curve: Curve, theme: Theme) -> QPen:
    """The pen of a curve, one pixel wide. Runs differ without their colours: the second is dashed, the third dotted."""
    return _dashed(QPen(color_of(curve.style, theme), 1), curve)


def wide_pen_of(curve: Curve, theme: Theme) -> QPen:
    """The pen of a piece of a curve's line in a legend, with the dashes that the curve has."""
    return _dashed(QPen(color_of(curve.style, theme), 2), curve)


def _dashed(pen: QPen, curve: Curve) -> QPen:
    if pattern := _DASHES[(curve.style + curve.dash) % len(_DASHES)]:
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setDashPattern([part / pen.widthF() for part in pattern])
    return pen


def swatch(theme: Theme) -> int:
    """Pixels of a piece of a line in a legend: room for two dashes."""
    return theme.space(20)


def draw(
    painter: QPainter, areas: Sequence[Area], x_of: Callable[[np.ndarray], np.ndarray], ticks: list[tuple[float, str]],
    x_label: str, marks: Sequence[Mark], theme: Theme,
) -> None:
    """All plots without what follows the mouse."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    for area in areas:
        _values_axis(painter, area, theme)
    if areas:
        _steps_axis(painter, areas[-1].box, x_of, ticks, x_label, theme)
    _marks(painter, areas, x_of, marks, theme)
    for area in areas:
        painter.save()
        painter.setClipRect(area.box.adjusted(-4, -3, 4, 1))  # a ring at the upper end is seen
        for curve, (raw, smooth) in reversed(list(zip(area.plot.curves, area.lines))):
            _curve(painter, area, curve, raw, smooth, x_of, theme)
        painter.restore()


def _values_axis(painter: QPainter, area: Area, theme: Theme) -> None:
    font = theme.code_font("small")
    metrics = QFontMetricsF(font)
    painter.setFont(font)
    for value, text in area.ticks:
        y = round(float(area.y_of(np.array([value]))[0])) + 0.5
        painter.setPen(QPen(with_alpha(theme.ink, 0.10), 1))
        painter.drawLine(QLineF(area.box.left(), y, area.box.right(), y))
        painter.setPen(theme.muted)
        place = QRectF(0, y - metrics.height() / 2, area.box.left() - 6, metrics.height())
        painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
    if area.why:
        painter.setFont(theme.text_font("small"))
        painter.setPen(theme.muted)
        painter.drawText(area.box, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), area.why)
    painter.setPen(QPen(with_alpha(theme.ink, 0.35), 1))
    painter.drawLine(QLineF(area.box.left() + 0.5, area.box.top(), area.box.left() + 0.5, area.box.bottom()))
    painter.drawLine(QLineF(area.box.left(), area.box.bottom() + 0.5, area.box.right(), area.box.bottom() + 0.5))


def _steps_axis(
    painter: QPainter, box: QRectF, x_of: Callable[[np.ndarray], np.ndarray], ticks: list[tuple[float, str]],
    label: str, theme: Theme,
) -> None:
    font = theme.code_font("small")
    metrics = QFontMetricsF(font)
    small = theme.text_font("small")
    line = QRectF(box.left(), box.bottom() + 4, box.width() + 10, metrics.height())
    painter.setFont(small)
    painter.setPen(theme.muted)
    wide = QFontMetricsF(small).horizontalAdvance(label)
    painter.drawText(line, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, label)
    painter.setFont(font)
    for value, text in ticks:
        x = float(x_of(np.array([value]))[0])
        painter.setPen(QPen(with_alpha(theme.ink, 0.35), 1))
        painter.drawLine(QLineF(round(x) + 0.5, box.bottom(), round(x) + 0.5, box.bottom() + 4))
        half = metrics.horizontalAdvance(text) / 2
        if x + half < line.right() - wide - 6:
            painter.setPen(theme.muted)
            place = QRectF(x - half - 2, line.top(), 2 * half + 4, line.height())
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)


def _marks(
    painter: QPainter, areas: Sequence[Area], x_of: Callable[[np.ndarray], np.ndarray], marks: Sequence[Mark], theme: Theme
) -> None:
    if not areas:
        return
    first = areas[0].box
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for mark in marks:
        x = round(float(x_of(np.array([mark.x]))[0])) + 0.5
        if not first.left() <= x <= first.right() + 1:
            continue
        color = theme.phase["alarm"] if mark.alarm else theme.muted
        style = Qt.PenStyle.SolidLine if mark.alarm else Qt.PenStyle.DotLine
        painter.setPen(QPen(with_alpha(color, 0.7), 1, style))
        for area in areas:
            painter.drawLine(QLineF(x, area.box.top(), x, area.box.bottom()))
        painter.setPen(QPen(color, 1))
        painter.setBrush(color if mark.alarm else theme.panel)
        if mark.alarm:
            tip = first.top() + 7
            painter.drawPolygon(QPolygonF([QPointF(x, tip), QPointF(x - 4, tip - 7), QPointF(x + 4, tip - 7)]))
        else:
            painter.drawEllipse(QPointF(x, first.top() + 3), 3, 3)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _curve(
    painter: QPainter, area: Area, curve: Curve, raw: tuple, smooth: tuple | None,
    x_of: Callable[[np.ndarray], np.ndarray], theme: Theme,
) -> None:  # fmt: skip
    pen = pen_of(curve, theme)
    if smooth is not None:
        painter.setPen(QPen(mixed(pen.color(), theme.panel, 0.65), 1))
        _line(painter, x_of(raw[0]), area.y_of(raw[1]))
    x, y = smooth if smooth is not None else raw
    places, heights = x_of(x), area.y_of(y)
    painter.setPen(pen)
    _line(painter, places, heights)
    known = np.isfinite(heights)
    few = known.sum() * _ROOM_FOR_DOT <= area.box.width()
    # A value between gaps has no line.
    fenced = np.concatenate([[False], known, [False]])
    dots = known if curve.points and few else known & ~fenced[:-2] & ~fenced[2:]
    if not curve.hold and dots.any():
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(pen.color() if not curve.points else theme.panel)
        painter.setPen(QPen(pen.color(), 1.2))
        for place, height in zip(places[dots], heights[dots]):
            painter.drawEllipse(QPointF(place, height), 2.5, 2.5)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def _line(painter: QPainter, x: np.ndarray, y: np.ndarray) -> None:
    """A line through the points, with gaps where ``y`` is NaN."""
    known = np.isfinite(y)
    if not known.any():
        return
    # Far outside Qt's integer painter would wrap around.
    y = np.clip(y, -20_000, 20_000)
    breaks = np.flatnonzero(np.diff(known.astype(np.int8))) + 1
    for start, end in zip([0, *breaks], [*breaks, len(y)]):
        if known[start] and end - start > 1:
            painter.drawPolyline(polygon(x[start:end], y[start:end]))


def draw_lines(
    painter: QPainter, areas: Sequence[Area], cursor: float | None, pointer: float | None, theme: Theme
) -> None:
    """The cursor (a pixel's place, or None) through all plots, and the pointer."""
    for place, alpha, style in ((cursor, 0.75, Qt.PenStyle.SolidLine), (pointer, 0.45, Qt.PenStyle.DotLine)):
        if place is None or not areas or not areas[0].box.left() - 1 <= place <= areas[0].box.right() + 1:
            continue
        painter.setPen(QPen(with_alpha(theme.ink, alpha), 1, style))
        x = round(place) + 0.5
        for area in areas:
            painter.drawLine(QLineF(x, area.box.top(), x, area.box.bottom()))
        if place is cursor:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.selection)
            foot = areas[-1].box.bottom() + 1
            painter.drawPolygon(QPolygonF([QPointF(x, foot - 4), QPointF(x - 4, foot + 2), QPointF(x + 4, foot + 2)]))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def draw_titles(
    painter: QPainter, areas: Sequence[Area], at: float, exact: bool, theme: Theme, others: str = ""
) -> QRectF:
    """The line above each plot: what it shows, and the values at ``at`` (or up to there), each with a piece of its line.

    ``others``: the plots that have no room, which the last line names. Returns where.
    """
    named = QRectF()
    for area in areas:
        title = area.plot.title + (f", {area.plot.unit}" if area.plot.unit else "") + (", log" if area.plot.log else "")
        small = theme.text_font("small", bold=True)
        painter.setFont(small)
        painter.setPen(theme.ink)
        painter.drawText(area.title, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, title)
        left = area.title.left() + QFontMetricsF(small).horizontalAdvance(title) + 12
        if others and area is areas[-1]:
            # They come before the values, which the read-out says too.
            room = QRectF(left, area.title.top(), max(0.0, area.title.right() - left) * _OTHERS, area.title.height())
            named = _others(painter, room, others, theme)
            left = named.right() + 8
        _values(painter, area, left, at, exact, theme)
    return named


def _others(painter: QPainter, room: QRectF, others: str, theme: Theme) -> QRectF:
    """The names of plots that have no room, behind a sign that there is more."""
    font = theme.text_font("small")
    metrics = QFontMetricsF(font)
    text = metrics.elidedText(f"▸ {others}", Qt.TextElideMode.ElideRight, room.width())
    painter.setFont(font)
    painter.setPen(theme.accent)
    painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
    return QRectF(room.left(), room.top(), metrics.horizontalAdvance(text), room.height())


def _values(painter: QPainter, area: Area, left: float, at: float, exact: bool, theme: Theme) -> None:
    font = theme.code_font("small")
    metrics = QFontMetricsF(font)
    painter.setFont(font)
    right, apart = area.title.right(), theme.space(6)
    # A curve that is alone needs no sign; and before a number it might be read as a minus.
    sign = swatch(theme) if len(area.plot.curves) > 1 else 0
    for curve in area.plot.curves:
        text = value_text(curve, at, area.plot.unit, exact)
        if not text:
            continue
        wide = metrics.horizontalAdvance(text)
        if right - wide - sign - apart < left:
            break
        painter.setPen(theme.ink)
        place = QRectF(right - wide, area.title.top(), wide, area.title.height())
        painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
        if sign:
            painter.setPen(wide_pen_of(curve, theme))
            middle = area.title.center().y()
            painter.drawLine(QLineF(right - wide - apart - sign, middle, right - wide - apart, middle))
        right -= wide + apart + sign + theme.space(10)
