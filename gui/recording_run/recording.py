"""One recording: a journey whose pictures go to a writer."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PyQt6.QtCore import QObject, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QImage, QPainter

from gui.context import Context
from gui.recording_run.journey import Journey, Route
from gui.recording_run.writer import Writer
from gui.timers import repeating
from gui.work import Posts

#: Milliseconds between two tries to tell a writer that is busy that no more pictures come.
_AGAIN = 20


class Picture(NamedTuple):
    """What is pictured: its size, and ``draw(painter)`` in that size."""

    size: QSize
    draw: Callable[[QPainter], object]


class Recording(QObject):
    """Records a run to a file; the window must not be used meanwhile.

    Signals:
        moved(done, total): see :class:`~gui.recording_run.journey.Journey`.
        writing(note): all pictures are taken, what is left is encoded, and the way back has begun; ``note`` says why
            there are fewer than were wanted.
        ended(problem): it stands where it began, and the file is written; or why nothing was written ("cancelled").
    """

    moved = pyqtSignal(int, int)
    writing = pyqtSignal(str)
    ended = pyqtSignal(str)

    def __init__(
        self, context: Context, picture: Picture, route: Route, path: str | os.PathLike[str], kind: str, rate: int,
        width: int, parent: QObject | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._picture = picture
        self._size = even(QSize(width, round(picture.size.height() * width / max(picture.size.width(), 1))))
        self._posts = Posts(self)
        self._journey = Journey(context, route, self._take, self)
        self._journey.moved.connect(self.moved)
        self._journey.arrived.connect(self._arrived)
        self._journey.returned.connect(self._returned)
        self._writer = Writer(path, kind, rate, lambda problem: self._posts.post(lambda: self._written(problem)))
        self._telling = repeating(self, _AGAIN, self._tell)
        self._home = False
        self._problem: str | None = None

    def begin(self) -> None:
        """Set off."""
        self._journey.begin()

    def cancel(self) -> None:
        """Write nothing, and go back."""
        self._telling.stop()
        self._writer.cancel()
        self._journey.stop()

    def close(self) -> None:
        """End the thread; for when the window closes."""
        self._telling.stop()
        self._journey.abandon()
        self._writer.cancel()
        self._posts.close()

    def _take(self) -> bool:
        if self._writer.full and not self._writer.ended:
            return False
        self._writer.put(pixels(self._draw()))
        if self._writer.ended:
            self._journey.stop()
        return True

    def _draw(self) -> QImage:
        image = QImage(self._size, QImage.Format.Format_RGB888)
        image.fill(Qt.GlobalColor.white)
        scale = self._size.width() / max(self._picture.size.width(), 1)
        painter = QPainter(image)
        painter.setRenderHints(QPainter.RenderHint.SmoothPixmapTransform | QPainter.RenderHint.TextAntialiasing)
        painter.scale(scale, scale)
        self._picture.draw(painter)
        painter.end()
        return image

    def _arrived(self, note: str) -> None:
        self.writing.emit(note)
        self._telling.start()
        self._tell()

    def _tell(self) -> None:
        if self._writer.finish():
            self._telling.stop()

    def _written(self, problem: str) -> None:
        self._problem = problem
        self._journey.stop()
        self._end()

    def _returned(self) -> None:
        self._home = True
        self._end()

    def _end(self) -> None:
        if self._home and self._problem is not None:
            self._writer.join(5.0)
            self.ended.emit(self._problem)


def even(size: QSize) -> QSize:
    """A size that video can have: even numbers of pixels."""
    return QSize(max(size.width() & ~1, 2), max(size.height() & ~1, 2))


def pixels(image: QImage) -> np.ndarray:
    """A picture of format RGB888 as an array (height, width, 3)."""
    bits = image.constBits()
    assert bits is not None
    bits.setsize(image.sizeInBytes())
    lines = np.array(bits, np.uint8).reshape(image.height(), image.bytesPerLine())
    return lines[:, : 3 * image.width()].reshape(image.height(), image.width(), 3)
