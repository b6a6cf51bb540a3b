"""A small picture for each sample, drawn in the colours of the theme."""

from __future__ import annotations

import math
from collections.abc import Callable

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPainterPath, QPen, QPixmap, QPolygonF

from gui.theme import Theme, mixed

_SIDE = 72.0

#: A "5" of 8 x 8 pixels with 16 levels of grey, as in the digits of the UCI repository.
_DIGIT = ("03bdddc0", "0ad88873", "0cc10000", "0debba20", "04422ad2", "00000bd1", "03522dd0", "04cddd60")


def thumbnail(name: str, theme: Theme, ratio: float = 1.0) -> QPixmap:
    """The picture of the sample ``name``, 72 pixels a side at 100 % text."""
    side = theme.space(int(_SIDE))
    picture = QPixmap(round(side * ratio), round(side * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(side / _SIDE, side / _SIDE)
    clip = QPainterPath()
    clip.addRoundedRect(QRectF(0, 0, _SIDE, _SIDE), 5, 5)
    painter.setClipPath(clip)
    painter.fillRect(QRectF(0, 0, _SIDE, _SIDE), theme.paper)
    _PICTURES.get(name, _network)(painter, theme)
    painter.end()
    return picture


def _value(theme: Theme, share: float) -> QColor:
    """A colour of the diverging map, share -1 to 1."""
    red, green, blue, _ = (int(v) for v in theme.diverging[128 + round(127 * share)])
    return QColor(red, green, blue)


def _layers(painter: QPainter, theme: Theme, sizes: tuple[int, ...], radius: float) -> None:
    columns = [
        [QPointF(12 + 48 * i / (len(sizes) - 1), 36 + (j - (n - 1) / 2) * 56 / max(sizes)) for j in range(n)]
        for i, n in enumerate(sizes)
    ]
    for i, (left, right) in enumerate(zip(columns, columns[1:])):
        for j, a in enumerate(left):
            for k, b in enumerate(right):
                painter.setPen(QPen(_value(theme, math.sin(3.7 * i + 2.3 * j + 1.9 * k)), 1.0))
                painter.drawLine(a, b)
    painter.setPen(QPen(theme.ink, 1.0))
    painter.setBrush(theme.panel)
    for column in columns:
        for point in column:
            painter.drawEllipse(point, radius, radius)


def _network(painter: QPainter, theme: Theme) -> None:
    _layers(painter, theme, (3, 5, 2), 3.5)


def _two_points(painter: QPainter, theme: Theme) -> None:
    _layers(painter, theme, (2, 8, 1), 3.0)


def _points(painter: QPainter, points: list[tuple[float, float]], fill: QColor, line: QColor, radius: float = 3.0) -> None:
    painter.setPen(QPen(line, 1.0))
    painter.setBrush(fill)
    for x, y in points:
        painter.drawEllipse(QPointF(x, y), radius, radius)


def _xor(painter: QPainter, theme: Theme) -> None:
    for i in range(24):
        for j in range(24):
            x, y = (i - 11.5) / 12, (j - 11.5) / 12
            painter.fillRect(QRectF(3 * i, 3 * j, 3.2, 3.2), _value(theme, 0.8 * math.tanh(-4 * x * y)))
    _points(painter, [(16, 16), (56, 56)], theme.panel, theme.ink, 4.5)
    _points(painter, [(56, 16), (16, 56)], theme.ink, theme.ink, 4.5)


def _regression(painter: QPainter, theme: Theme) -> None:
    painter.setPen(QPen(theme.phase["forward"], 2.0))
    painter.drawLine(QPointF(6, 62), QPointF(66, 10))
    noise = [5, -6, 3, -2, 7, -5, 1, -7, 6, -3, 4]
    _points(painter, [(9 + 5.4 * i, 59.4 - 4.68 * i + noise[i]) for i in range(11)], theme.panel, theme.ink, 2.5)


def _curve(painter: QPainter, color: QColor, points: list[tuple[float, float]]) -> None:
    path = QPainterPath(QPointF(*points[0]))
    for x, y in points[1:]:
        path.lineTo(x, y)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(color, 2.0))
    painter.drawPath(path)


def _overfitting(painter: QPainter, theme: Theme) -> None:
    painter.setPen(QPen(mixed(theme.paper, theme.ink, 0.35), 1.0))
    painter.drawPolyline(QPolygonF([QPointF(8, 8), QPointF(8, 62), QPointF(66, 62)]))
    xs = [i / 40 for i in range(41)]
    _curve(painter, theme.phase["forward"], [(10 + 54 * x, 58 - 44 * math.exp(-4 * x)) for x in xs])
    _curve(painter, theme.phase["loss"], [(10 + 54 * x, 50 - 36 * math.exp(-6 * x) - 26 * x * x) for x in xs])


def _digits(painter: QPainter, theme: Theme) -> None:
    for j, row in enumerate(_DIGIT):
        for i, level in enumerate(row):
            red, green, blue, _ = (int(v) for v in theme.sequential[int(level, 16) * 17])
            painter.fillRect(QRectF(8 + 7 * i, 8 + 7 * j, 6.5, 6.5), QColor(red, green, blue))


def _shirt(painter: QPainter, theme: Theme, box: QRectF, color: QColor) -> None:
    outline = [(0.3, 0.1), (0.42, 0.16), (0.58, 0.16), (0.7, 0.1), (0.98, 0.32), (0.86, 0.5), (0.74, 0.42), (0.74, 0.95),
               (0.26, 0.95), (0.26, 0.42), (0.14, 0.5), (0.02, 0.32)]  # fmt: skip
    path = QPainterPath()
    for i, (x, y) in enumerate(outline):
        point = QPointF(box.x() + x * box.width(), box.y() + y * box.height())
        if i:
            path.lineTo(point)
        else:
            path.moveTo(point)
    path.closeSubpath()
    painter.fillPath(path, color)


def _fashion_mlp(painter: QPainter, theme: Theme) -> None:
    _shirt(painter, theme, QRectF(10, 8, 52, 56), mixed(theme.paper, theme.ink, 0.55))
    for i in range(6):
        painter.fillRect(QRectF(21 + 5 * i, 24 + (i % 3) * 10, 4, 4), theme.paper)


def _fashion_cnn(painter: QPainter, theme: Theme) -> None:
    for i, (x, y, side) in enumerate(((6, 14, 44), (28, 10, 24), (33, 24, 24), (38, 38, 24))):
        box = QRectF(x, y, side, side)
        painter.fillRect(box, mixed(theme.paper, theme.panel, 0.9))
        color = mixed(theme.paper, theme.ink, 0.55) if i == 0 else _value(theme, (0.7, -0.75, 0.5)[i - 1])
        _shirt(painter, theme, box.adjusted(2, 2, -2, -2), color)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(mixed(theme.paper, theme.ink, 0.4), 1.0))
        painter.drawRect(box)


_PICTURES: dict[str, Callable[[QPainter, Theme], None]] = {
    "two_points": _two_points, "xor": _xor, "linear_regression": _regression, "overfitting": _overfitting,
    "digits_mlp": _digits, "fashion_mlp": _fashion_mlp, "fashion_cnn": _fashion_cnn,
}  # fmt: skip
