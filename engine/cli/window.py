"""``nablascope`` and ``nablascope FILE``: whether a window can be opened here, and opening it.

The window is a program of its own (the package ``gui``), which the engine does not need; only these functions name it.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence

from engine.cli.qt_libraries import apt_line, missing_qt_libraries, x_server_answers

#: Exit codes: there can be no window here; the command line cannot be used.
FAILED = 1
USAGE_ERROR = 2

_WITHOUT = """Without a window:
  nablascope run FILE      trains as "python FILE" does
  nablascope debug FILE    steps through it at the terminal"""


def window_command(
    file: str | None, arguments: Sequence[str] = (), *, parameters: Sequence[str] = (), as_torch: bool = False
) -> int:
    """Open the window, on the script ``file`` if there is one; the exit code.

    Args:
        file, arguments, parameters, as_torch: as of :func:`engine.cli.run.run_command`.
    """
    if file is not None and not os.path.isfile(file):
        what = "is a folder; name a script in it" if os.path.isdir(file) else "no such file"
        print(f"nablascope: {file}: {what}", file=sys.stderr)
        return USAGE_ERROR
    if problem := window_problem():
        print(f"nablascope: {problem}\n\n{_WITHOUT}", file=sys.stderr)
        return FAILED
    from gui.app import main

    return main(file, arguments=arguments, parameters=parameters, as_torch=as_torch)


def attach_in_window(address: str, *, key_file: str | None = None) -> int:
    """Open the window on a process that called ``engine.debug.listen()``; arguments as of ``attach_command``."""
    from engine.cli.debug import expected, read_address, read_key

    place = read_address(address)
    if place is None:
        print(f"nablascope attach: {expected(address)}", file=sys.stderr)
        return USAGE_ERROR
    if problem := window_problem():
        print(f"nablascope: {problem}", file=sys.stderr)
        return FAILED
    try:
        key = read_key(key_file)
    except (OSError, EOFError) as error:
        print(f"nablascope attach: the key cannot be read: {error}", file=sys.stderr)
        return USAGE_ERROR
    from gui.app import main

    return main(attach=(*place, key))


def window_problem() -> str:
    """Why no window can be opened here, and what to do about it; "" where one can."""
    for module, name in (("gui", "nablascope"), ("PyQt6", "PyQt6"), ("pyqtgraph", "pyqtgraph")):
        if importlib.util.find_spec(module) is None:
            command = f"{sys.executable} -m pip install {name}"
            return f"the window needs {name}, which is not installed; install it with: {command}"
    platform, display = os.environ.get("QT_QPA_PLATFORM", ""), os.environ.get("DISPLAY")
    linux, wayland = sys.platform.startswith("linux"), os.environ.get("WAYLAND_DISPLAY")
    if missing := missing_qt_libraries(window=linux and platform in ("", "xcb") and not wayland):
        names = ", ".join(missing)
        return f"the window needs system libraries that are not installed: {names}\nInstall them: {apt_line(missing)}"
    if linux and not (platform or display or wayland):
        return "there is no display to open a window on (neither DISPLAY nor WAYLAND_DISPLAY is set)."
    if linux and display and not wayland and platform in ("", "xcb") and not x_server_answers():
        return f"the display {display} (DISPLAY) cannot be opened: nothing answers there, or it does not let you in."
    return ""
