"""What a person sees in a picture of a widget: the hue of a phase, the line that is marked, the cursor of the timeline."""

from __future__ import annotations

import numpy as np
from PyQt6.QtCore import QPoint
from PyQt6.QtGui import QColor, QImage
from PyQt6.QtWidgets import QPlainTextEdit, QWidget

from tests.gui.sessions.user import User


def pixels(picture: QImage) -> np.ndarray:
    """(height, width, 3): red, green and blue of a picture."""
    bits = picture.constBits()
    assert bits is not None
    data = np.frombuffer(bits.asarray(picture.sizeInBytes()), np.uint8).reshape(picture.height(), -1, 4)
    return data[:, : picture.width(), 2::-1].astype(np.int16)


def has_hue(picture: np.ndarray, color: QColor, near: int = 6) -> np.ndarray:
    """Where a picture has a colour."""
    wanted = np.array([color.red(), color.green(), color.blue()], np.int16)
    return np.abs(picture - wanted).max(axis=2) <= near


def is_tinted(picture: np.ndarray, color: QColor, ground: QColor) -> np.ndarray:
    """Where a picture has a mixture of a colour with the ground, more than a trace of it."""
    base = np.array([ground.red(), ground.green(), ground.blue()], np.float32)
    wanted = np.array([color.red(), color.green(), color.blue()], np.float32) - base
    here = picture - base
    size = np.linalg.norm(here, axis=2)
    return (here @ wanted > 0.99 * size * np.linalg.norm(wanted)) & (size > 12)


def count_colors(picture: np.ndarray) -> int:
    """How many colours there are: a panel that shows nothing has few."""
    return len(np.unique(picture.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32)))


def marked_lines(user: User, hue: QColor) -> list[int]:
    """The lines of the script that the Code panel marks with this hue at their numbers."""
    panel = user.panel("Code")
    view = user.the(QPlainTextEdit, "Source of *", within=panel)
    gutter = user.the(QWidget, "Breakpoints and line numbers", within=panel)
    rows = np.flatnonzero(has_hue(pixels(user.picture(gutter))[:, -6:], hue).sum(axis=1) >= 3)
    return sorted({view.cursorForPosition(QPoint(0, int(row))).blockNumber() + 1 for row in rows[::2]})


def timeline_cursor(user: User) -> tuple[QWidget, int]:
    """The strip and the column at which its cursor stands."""
    strip = user.the(QWidget, "Timeline: *", within=user.panel("Timeline"))
    seen = has_hue(pixels(user.picture(strip)), user.theme.selection)
    columns = np.flatnonzero(seen.sum(axis=0) >= 0.35 * seen.shape[0])
    assert columns.size, "the timeline has no cursor"
    return strip, int(columns[columns.size // 2])
