"""Starting the window: ``run``."""

from __future__ import annotations

import logging
import signal
import sys
import traceback
from collections.abc import Sequence
from types import TracebackType
from typing import Any

#: Seconds after which Python gives up the interpreter to another thread: the window's must not wait for long.
_SWITCH = 0.001


def run(
    program: str | None = None,
    *,
    arguments: Sequence[str] = (),
    parameters: Sequence[str] = (),
    as_torch: bool = False,
    attach: tuple[str, int, str] | None = None,
) -> int:
    """Open the window and wait until it is closed.

    Args:
        program: a script to open, stopped at its first line; None shows the start page.
        arguments: of the script. parameters: ``NAME=VALUE`` for its parameters cell.
        as_torch: let ``import torch`` mean the engine in the script.
        attach: host, port and key of a process to join instead.

    Returns:
        The exit code.
    """
    from PyQt6.QtWidgets import QApplication

    from gui.timers import repeating

    sys.setswitchinterval(_SWITCH)
    app = QApplication.instance() or QApplication([sys.argv[0] if sys.argv else "nablascope"])
    assert isinstance(app, QApplication)
    app.setApplicationName("nablascope")
    app.setApplicationDisplayName("Nablascope")
    app.setStyle("Fusion")
    window = make_window()
    _catch_errors(window.context)
    signal.signal(signal.SIGINT, lambda *_: window.close())
    signal.signal(signal.SIGTERM, lambda *_: window.close())
    # Python sees a signal only when it gets to run.
    ticking = repeating(window, 250, lambda: None)
    ticking.start()
    window.show()
    if program is not None:
        window.open(program, tuple(parameters), as_torch, tuple(arguments))
    elif attach is not None:
        window.attach(*attach)
    code = app.exec()
    ticking.stop()
    return code


def make_window(settings: Any = None, link: Any = None) -> Any:
    """A window that is not shown yet. Needs a QApplication."""
    from gui.context import Context
    from gui.link import Link
    from gui.settings import Settings
    from gui.state import State
    from gui.theme import Theme
    from gui.window import Window

    settings = settings if settings is not None else Settings()
    return Window(Context(State(), link or Link(), Theme(), settings))


def _catch_errors(context: Any) -> None:
    """An error of ours is logged and told, and does not take the window with it, as PyQt would have it."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        logging.getLogger("gui").error("".join(traceback.format_exception(kind, error, trace)))
        context.say(f"Something in the window failed: {error!r}. The script is not affected; please report this.", "error")

    sys.excepthook = hook
