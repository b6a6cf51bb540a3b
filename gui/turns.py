"""``Turns``: work that is too long for one turn of Qt's loop, carried out a part at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator

from PyQt6.QtCore import QObject

from gui.timers import repeating

#: Seconds for which parts are carried out before keys are answered and the window is painted.
_WHILE = 0.004


class Turns(QObject):
    """Carries out ``work``, a generator that yields after each of its parts, from Qt's loop; ``ended()`` is called when
    nothing is left to do, also because a part has failed.
    """

    def __init__(self, parent: QObject, work: Generator[object], ended: Callable[[], object] = lambda: None) -> None:
        super().__init__(parent)
        self._work, self._ended = work, ended
        #: Whether nothing is left to do.
        self.done = False
        self._timer = repeating(self, 0, self._go_on)
        self._timer.start()

    def finish(self) -> None:
        """Carry out all that is left now."""
        self._carry_out(None)

    def stop(self) -> None:
        """Leave undone what is left."""
        self._end()
        self._work.close()

    def _go_on(self) -> None:
        self._carry_out(time.monotonic() + _WHILE)

    def _carry_out(self, end: float | None) -> None:
        try:
            for _ in self._work:
                if end is not None and time.monotonic() > end:
                    return
        except BaseException:
            self._end()
            raise
        self._end()

    def _end(self) -> None:
        if not self.done:
            self.done = True
            self._timer.stop()
            self._ended()
