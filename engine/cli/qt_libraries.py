"""Qt's system libraries on Linux: which are missing, and the one command that brings them.

PyQt6's wheels contain Qt but not the libraries of the system that Qt stands on. Without those of the first group
``from PyQt6 import QtGui`` raises ImportError; without those of the second, QApplication aborts the process with no
Python exception, so that looking beforehand is the only way to say something useful. Package names are Debian's and
Ubuntu's.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable

#: Needed to load Qt at all, also without a display: library -> package.
LOADING = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libfontconfig.so.1": "libfontconfig1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libxkbcommon.so.0": "libxkbcommon0",
}

#: Needed for a window on X11 (Qt's platform "xcb"): library -> package.
WINDOW = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}

_PACKAGES = {**LOADING, **WINDOW}


def missing_qt_libraries(window: bool = True) -> list[str]:
    """Names of the system libraries that Qt needs and the dynamic linker does not find; empty but on Linux.

    Args:
        window: also look for those that only a window on X11 needs, not pictures drawn without a display.
    """
    if not sys.platform.startswith("linux"):
        return []
    return [library for library in (_PACKAGES if window else LOADING) if not _loads(library)]


def x_server_answers() -> bool:
    """Whether the X server that DISPLAY names takes a connection; True also where there is no way to ask it.

    Qt aborts the process where it does not.
    """
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connection_has_error.argtypes = xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)
    answers = not xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    return answers


def apt_line(missing: Iterable[str]) -> str:
    """The command that installs ``missing`` on Debian and Ubuntu; empty where nothing is missing."""
    return apt_install(_PACKAGES[library] for library in missing)


def apt_install(packages: Iterable[str]) -> str:
    """The command that installs Debian ``packages``; empty where there are none."""
    names = " ".join(packages)
    if not names:
        return ""
    sudo = "" if hasattr(os, "geteuid") and os.geteuid() == 0 else "sudo "
    return f"{sudo}apt-get update && {sudo}apt-get install -y --no-install-recommends {names}"


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
