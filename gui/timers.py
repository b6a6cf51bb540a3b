"""Timers in one line."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QObject, QTimer


def single_shot(parent: QObject, milliseconds: int, call: Callable[[], object]) -> QTimer:
    """A timer that calls once, so long after it is started; starting it again begins anew."""
    timer = repeating(parent, milliseconds, call)
    timer.setSingleShot(True)
    return timer


def repeating(parent: QObject, milliseconds: int, call: Callable[[], object]) -> QTimer:
    """A timer that calls every so often while it is started."""
    timer = QTimer(parent)
    timer.setInterval(milliseconds)
    timer.timeout.connect(call)
    return timer
