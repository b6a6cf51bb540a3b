"""A thread that encodes pictures as they come, so that neither the window nor the memory has to hold them."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from contextlib import suppress

import numpy as np

from gui.exporting_files import NotWritten, explained, whole_file
from gui.recording_run.encoders import open_encoder

#: Pictures that may wait to be encoded.
_WAITING = 3


class Writer:
    """Writes a GIF or MP4 as a whole or not at all.

    Args:
        path: of the file; kind: "gif" or "mp4"; rate: pictures a second.
        done: called, in the thread, when it has ended: with "" or with why nothing was written.
    """

    def __init__(self, path: str | os.PathLike[str], kind: str, rate: int, done: Callable[[str], object]) -> None:
        self._path, self._kind, self._rate, self._done = path, kind, rate, done
        self._pictures: queue.Queue[np.ndarray | None] = queue.Queue(_WAITING)
        self._cancelled = False
        self._ended = False
        self._thread = threading.Thread(target=self._run, daemon=True, name="recording")
        self._thread.start()

    @property
    def full(self) -> bool:
        """Whether it has to encode first before it can take more."""
        return self._pictures.full()

    @property
    def ended(self) -> bool:
        """Whether it takes no more: it has finished, failed or was cancelled."""
        return self._ended

    def put(self, picture: np.ndarray) -> None:
        """One more picture (height, width, 3); only while it is not full."""
        if not self._ended:
            self._pictures.put_nowait(picture)

    def finish(self) -> bool:
        """No more pictures come; False while it is full and has to be told again."""
        try:
            self._pictures.put_nowait(None)
        except queue.Full:
            return self._ended
        return True

    def cancel(self) -> None:
        """Write nothing, and wait until the thread has ended."""
        self._cancelled = True
        while self._thread.is_alive():
            with suppress(queue.Full):
                self._pictures.put_nowait(None)
            self._thread.join(0.02)

    def join(self, timeout: float) -> None:
        """Wait until the thread has ended."""
        self._thread.join(timeout)

    def _run(self) -> None:
        problem = ""
        try:
            with whole_file(self._path) as part:
                self._encode(part)
        except _CancelledError:
            problem = "cancelled"
        except NotWritten as error:
            problem = str(error)
        except Exception as error:  # of an encoder: told, not lost with the thread
            problem = explained(OSError(0, f"{type(error).__name__}: {error}"), self._path)
        self._ended = True
        self._done(problem)

    def _encode(self, part: os.PathLike[str]) -> None:
        encoder = open_encoder(self._kind, part, self._rate)
        try:
            while (picture := self._pictures.get()) is not None and not self._cancelled:
                encoder.add(picture)
            if self._cancelled:
                raise _CancelledError
            encoder.finish()
        except BaseException:
            encoder.abandon()
            raise


class _CancelledError(Exception):
    """Nobody wants the file any more."""
