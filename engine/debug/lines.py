"""Lines of the user's files: which frames are theirs, and a tracer that counts the lines as they begin."""

from __future__ import annotations

import os
import site
import sys
import sysconfig
import threading
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

import engine
from engine.cache import cache_folder


def _foreign_folders() -> tuple[str, ...]:
    """Folders whose code is not the user's: the engine with the kernels it writes, Python's library, installed packages."""
    folders = {os.path.dirname(os.path.abspath(engine.__file__)), os.path.abspath(cache_folder())}
    folders.update(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    folders.update(site.getsitepackages() if hasattr(site, "getsitepackages") else ())
    folders.add(os.path.dirname(os.path.abspath(os.__file__)))
    folders.add(site.getusersitepackages())
    return tuple(os.path.join(folder, "") for folder in folders)


_FOREIGN = _foreign_folders()
_is_user: dict[str, bool] = {}


def is_user_file(path: str) -> bool:
    """Whether ``path`` is the user's own: no file of the engine or written by it, of Python or of a package."""
    known = _is_user.get(path)
    if known is None:
        # Code without a file (<frozen ...>, <string>) is nobody's, but for the cells of a notebook.
        own = not path.startswith("<") or path.startswith("<ipython")
        known = _is_user[path] = own and not os.path.abspath(path).startswith(_FOREIGN)
    return known


def user_frame(frame: FrameType | None) -> FrameType | None:
    """``frame``, or the innermost caller of it, that runs the user's code."""
    while frame is not None and not is_user_file(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def user_line(frame: FrameType | None) -> tuple[str, int]:
    """File and line of :func:`user_frame`; ``("", 0)`` where no code of the user's is at work."""
    frame = user_frame(frame)
    return ("", 0) if frame is None else (frame.f_code.co_filename, frame.f_lineno)


def user_frames(frame: FrameType | None) -> list[FrameType]:
    """The user's frames from ``frame`` outwards, innermost first."""
    frames = []
    while frame is not None:
        if is_user_file(frame.f_code.co_filename):
            frames.append(frame)
        frame = frame.f_back
    return frames


def depth_of(frame: FrameType | None) -> int:
    """How many of the user's frames are active in ``frame``."""
    return len(user_frames(frame))


class LineTracer:
    """Calls ``on_line(frame)`` before each line of the user's files.

    ``on_raise(frame, error)`` is called for each of the user's frames that an exception passes.
    """

    def __init__(
        self,
        on_line: Callable[[FrameType], None],
        on_raise: Callable[[FrameType, BaseException], None],
    ) -> None:
        self._on_line, self._on_raise = on_line, on_raise
        self.active = False
        self._thread = threading.get_ident()

    def start(self, frame: FrameType | None) -> None:
        """Trace from now on, also the frames from ``frame`` outwards that are running already."""
        self.active = True
        self._thread = threading.get_ident()
        for running in user_frames(frame):
            running.f_trace = self._local
        sys.settrace(self._global)

    def stop(self) -> None:
        """Trace no more."""
        self.active = False
        sys.settrace(None)

    def _global(self, frame: FrameType, event: str, argument: Any) -> Callable | None:
        if not self.active:
            return None
        # The C-level call comes for every function of the engine too: the test is one look into a dict.
        return self._local if _user_code(frame.f_code) else None

    def _local(self, frame: FrameType, event: str, argument: Any) -> Callable | None:
        if not self.active:
            return None
        if event == "line":
            self._on_line(frame)
        elif event == "exception":
            self._on_raise(frame, argument[1])
        return self._local


def _user_code(code: CodeType) -> bool:
    return is_user_file(code.co_filename)
