"""Which line of the user's script is at work: the innermost frame outside the engine and the libraries."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path
from types import FrameType

_ENGINE = str(Path(__file__).parents[2])
_FOLDERS = tuple(
    {
        os.path.realpath(folder) + os.sep
        for folder in (_ENGINE, *(sysconfig.get_path(n) for n in ("stdlib", "platstdlib", "purelib", "platlib")))
    }
)

#: For each file name seen so far, whether it belongs to a library.
_known: dict[str, bool] = {}


def is_library(file: str) -> bool:
    """Whether ``file`` is part of the engine, the standard library or an installed package."""
    known = _known.get(file)
    if known is None:
        known = _known[file] = file.startswith("<frozen") or os.path.realpath(file).startswith(_FOLDERS)
    return known


def script_line(frame: FrameType | None = None) -> tuple[str, int]:
    """File and line of the innermost frame of the user's, at or outside ``frame``; ``("", 0)`` without one."""
    if frame is None:
        frame = sys._getframe(1)
    known = _known
    while frame is not None:
        file = frame.f_code.co_filename
        inside = known.get(file)
        if inside is None:
            inside = is_library(file)
        if not inside:
            return file, frame.f_lineno
        frame = frame.f_back
    return "", 0
