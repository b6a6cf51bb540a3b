"""``Garbage``: what refers to itself in circles is collected in the window's thread, at moments that suit it.

Left to itself Python collects in whichever thread has made the last object, most often the one that decodes what the
engine process says: for some 40 ms nothing else runs then, and widgets may be taken apart outside of their thread.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

from PyQt6.QtCore import QObject

from gui.timers import repeating

#: Milliseconds between looks, new objects from which the young are gone through, and after how many times all are: when
#: nothing goes on, and in any case.
_LOOK, _NEW, _IDLE, _ALWAYS = 200, 2_000, 20, 1_000


class Garbage(QObject):
    """Collects from now on, until it is destroyed or :meth:`stop` is called; Python itself does not meanwhile.

    Args:
        idle: whether nothing goes on.
        complete: whether what lives as long as the window is there: it is not gone through any more then.
    """

    def __init__(self, parent: QObject, idle: Callable[[], bool], complete: Callable[[], bool]) -> None:
        super().__init__(parent)
        self._idle, self._complete = idle, complete
        self._frozen = False
        self._rounds = 0
        gc.disable()
        self._timer = repeating(self, _LOOK, self.look)
        self._timer.start()
        self.destroyed.connect(gc.enable)

    def look(self) -> None:
        """Collect what is worth it now."""
        if gc.get_count()[0] >= _NEW:
            self._rounds += 1
            gc.collect(1)
        elif self._idle() and (self._rounds >= _IDLE or (not self._frozen and self._complete())):
            self._collect_all()
        if self._rounds >= _ALWAYS:
            self._collect_all()

    def _collect_all(self) -> None:
        self._rounds = 0
        gc.collect()
        if not self._frozen and self._complete():
            self._frozen = True
            gc.freeze()

    def stop(self) -> None:
        """Leave it to Python again."""
        self._timer.stop()
        gc.enable()
