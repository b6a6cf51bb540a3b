"""The icons: lines on a grid of 16 units, 1.5 wide, drawn in the theme's ink. No files."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPen, QPixmap
from PyQt6.QtWidgets import QAbstractButton

from gui.theme import Theme, with_alpha

_WIDTH = 1.5

#: Strokes: "M x y", "L x y", "C ..." (cubic), "Z", "O x y r" (circle), "A x y r from sweep" (arc, degrees, 0 is right).
_STROKES: dict[str, str] = {
    "open": "M 2 12.5 L 2 3.5 L 6 3.5 L 7.5 5.5 L 13 5.5 L 13 7.5 M 2 12.5 L 4 7.5 L 15 7.5 L 13 12.5 Z",
    "home": "M 2 8 L 8 2.5 L 14 8 M 4 7 L 4 13.5 L 12 13.5 L 12 7",
    "restart": "A 8 8.5 5 60 300 M 10.5 1.5 L 10.5 4.7 L 7.3 4.9",
    "continue": "M 5 3 L 12.5 8 L 5 13 Z",
    "back": "M 11 3 L 3.5 8 L 11 13 Z",
    "reverse": "M 8 3.5 L 2 8 L 8 12.5 Z M 14 3.5 L 8 8 L 14 12.5 Z",
    "pause": "M 5.5 3 L 5.5 13 M 10.5 3 L 10.5 13",
    "stop": "M 4 4 L 12 4 L 12 12 L 4 12 Z",
    "over": "M 2 9 C 3 3.5 11 3 13 8 M 13.8 4.5 L 13.2 8.2 L 9.6 7.6 M 8 12.5 L 8.01 12.5",
    "into": "M 8 2 L 8 9 M 5 6.2 L 8 9.2 L 11 6.2 M 8 13 L 8.01 13",
    "out": "M 8 9.5 L 8 2.5 M 5 5.3 L 8 2.3 L 11 5.3 M 8 13 L 8.01 13",
    "compare": "M 2 12 L 5 8 L 8 10 L 14 3 M 2 8 L 6 5 L 9 6.5 L 14 11",
    "fork": "O 4 3.5 1.5 O 12 3.5 1.5 O 4 12.5 1.5 M 4 5 L 4 11 M 12 5 C 12 9 5 7 4.2 10",
    "breakpoint": "O 8 8 4",
    "attach": "M 6.5 9.5 L 9.5 6.5 M 7 5 L 9 3 C 11.5 0.8 15.2 4.5 13 7 L 11 9 M 9 11 L 7 13 C 4.5 15.2 0.8 11.5 3 9 L 5 7",
    "close": "M 4 4 L 12 12 M 12 4 L 4 12",
    "info": "O 8 8 6 M 8 7.5 L 8 11.5 M 8 4.8 L 8.01 4.8",
    "warning": "M 8 2 L 14.5 13.5 L 1.5 13.5 Z M 8 6.5 L 8 9.7 M 8 11.6 L 8.01 11.6",
    "error": "O 8 8 6 M 5.8 5.8 L 10.2 10.2 M 10.2 5.8 L 5.8 10.2",
    "save": "M 2.5 2.5 L 11 2.5 L 13.5 5 L 13.5 13.5 L 2.5 13.5 Z M 5 2.8 L 5 6 L 10 6 L 10 2.8 M 4.8 13.2 L 4.8 9.2 "
    "L 11.2 9.2 L 11.2 13.2",
    "export": "M 8 10 L 8 2 M 5 5 L 8 2 L 11 5 M 3 9.5 L 3 13.5 L 13 13.5 L 13 9.5",
    "theme": "O 8 8 5.5 M 8 2.5 L 8 13.5 M 10.5 3.6 L 10.5 12.4",
    "keyboard": "M 1.5 4 L 14.5 4 L 14.5 12 L 1.5 12 Z M 4 6.8 L 4.01 6.8 M 6.7 6.8 L 6.71 6.8 M 9.4 6.8 L 9.41 6.8 "
    "M 12 6.8 L 12.01 6.8 M 5 9.6 L 11 9.6",
    "larger": "M 1.5 13 L 5 4 L 8.5 13 M 2.7 10 L 7.3 10 M 12 5 L 12 11 M 9.5 8 L 14.5 8",
    "smaller": "M 1.5 13 L 5 4 L 8.5 13 M 2.7 10 L 7.3 10 M 9.5 8 L 14.5 8",
    "file": "M 4 1.5 L 9.5 1.5 L 12.5 4.5 L 12.5 14.5 L 4 14.5 Z M 9.2 1.8 L 9.2 4.8 L 12.2 4.8",
    "down": "M 3.5 6 L 8 10.5 L 12.5 6",
    "up": "M 3.5 10.5 L 8 6 L 12.5 10.5",
    "clear": "O 8 8 5.5 M 4.2 11.8 L 11.8 4.2",
    "chevron": "M 6 3.5 L 10.5 8 L 6 12.5",
    "check": "M 3 8.5 L 6.5 12 L 13 4.5",
    "dot": "O 8 8 2.8 O 8 8 2.1 O 8 8 1.4 O 8 8 0.7",
    "back-chevron": "M 10 3.5 L 5.5 8 L 10 12.5",
    "pin": "M 5.5 2 L 10.5 2 M 6.5 2 L 6.2 6.5 L 3.8 9.5 L 12.2 9.5 L 9.8 6.5 L 9.5 2 M 8 9.5 L 8 14.5",
    "speed": "A 8 10 6 0 180 M 8 10 L 11 6",
}

#: Icons that are drawn filled with their own colour of the theme.
_HUES: dict[str, Callable[[Theme], QColor]] = {
    "breakpoint": lambda theme: theme.phase["alarm"],
    "stop": lambda theme: theme.phase["alarm"],
    "warning": lambda theme: theme.phase_text["loss"],
    "error": lambda theme: theme.phase_text["alarm"],
}

NAMES = tuple(_STROKES)


#: Pixels of an icon, and up to how many points of text beside it.
_SIDES = ((16, 12.0), (20, 14.0), (24, 18.0), (32, 99.0))


def icon_side(points: float) -> int:
    """How large icons are beside text of ``points``."""
    return next(side for side, most in _SIDES if points <= most)


def icon(name: str, theme: Theme, color: QColor | None = None) -> QIcon:
    """The icon of that name at 16 to 32 pixels, also at twice the density, with a pale form for what is disabled."""
    ink = color or _HUES.get(name, lambda theme: theme.ink)(theme)
    result = QIcon()
    for size, _ in _SIDES:
        for ratio in (1.0, 2.0):
            for mode, pen in ((QIcon.Mode.Normal, ink), (QIcon.Mode.Disabled, with_alpha(theme.ink, 0.3))):
                result.addPixmap(pixmap(name, pen, size, ratio), mode)
    return result


def set_icon(button: QAbstractButton, name: str, theme: Theme) -> None:
    """Give a button an icon, as large as those of the toolbar."""
    side = icon_side(theme.point_size())
    button.setIcon(icon(name, theme))
    button.setIconSize(QSize(side, side))


def pixmap(name: str, color: QColor, size: int = 16, ratio: float = 1.0) -> QPixmap:
    """One picture of an icon, ``size`` pixels wide."""
    picture = QPixmap(round(size * ratio), round(size * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(size / 16, size / 16)
    pen = QPen(color, _WIDTH * 16 / max(size, 16))
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    painter.drawPath(path(name))
    painter.end()
    return picture


def path(name: str) -> QPainterPath:
    """The strokes of an icon."""
    result = QPainterPath()
    words = iter(_STROKES[name].split())
    for word in words:
        if word == "Z":
            result.closeSubpath()
            continue
        count = {"M": 2, "L": 2, "C": 6, "O": 3, "A": 5}[word]
        values = [float(next(words)) for _ in range(count)]
        if word == "M":
            result.moveTo(*values)
        elif word == "L":
            result.lineTo(*values)
        elif word == "C":
            result.cubicTo(*values)
        elif word == "O":
            result.addEllipse(QPointF(values[0], values[1]), values[2], values[2])
        else:
            x, y, radius, start, sweep = values
            box = QRectF(x - radius, y - radius, 2 * radius, 2 * radius)
            result.arcMoveTo(box, start)
            result.arcTo(box, start, sweep)
    return result
