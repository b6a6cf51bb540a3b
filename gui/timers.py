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


#: Milliseconds from one text to the next while the script runs: pictures may change faster, but nobody can read faster.
READABLE = 300

#: The same of what only counts on.
COUNTING = 500


class Paced:
    """:meth:`call` calls ``does`` at once, but no more often than every so many milliseconds; the last time is made up
    for."""

    def __init__(self, parent: QObject, milliseconds: int, does: Callable[[], object]) -> None:
        self._does = does
        self._behind = False
        self._rest = single_shot(parent, milliseconds, self._catch_up)

    def call(self, at_once: bool = False) -> None:
        """Now, or later; ``at_once``: now in any case."""
        self._behind = not at_once and self._rest.isActive()
        if not self._behind:
            if not at_once:
                self._rest.start()
            self._does()

    def _catch_up(self) -> None:
        if self._behind:
            self.call()
