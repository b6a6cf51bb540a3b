"""Starting the window: ``run``."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from gui.leaving import come_before_qt, end_with, leave, take_apart

#: Seconds after which Python gives up the interpreter to another thread: the window's must not wait for long.
_SWITCH = 0.001

#: How Qt says that its display is gone, before it ends the process.
_NO_DISPLAY = ("The X11 connection broke", "The Wayland connection broke")

#: The application: it must be there until the last window has been taken apart, or Qt crashes on the way out.
_kept: list[Any] = []


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
        The exit code: 0, or 128 and its number after a signal; 1, at once, where the display goes.
    """
    set_up()
    from PyQt6.QtWidgets import QApplication

    from gui.saved_sessions.archive import SUFFIX
    from gui.screens import show_whole

    app = QApplication.instance() or QApplication([sys.argv[0] if sys.argv else "nablascope"])
    assert isinstance(app, QApplication)
    _kept.append(app)
    app.setApplicationName("nablascope")
    app.setApplicationDisplayName("Nablascope")
    app.setStyle("Fusion")
    window = make_window()
    collect_garbage(window)
    window.errors.install()
    ending = Ending(window)
    ending.install()
    if attach is not None or (program is not None and os.path.isfile(program) and not program.lower().endswith(SUFFIX)):
        window.show_nothing()  # rather than the start page for a moment
    show_whole(window)
    if program is not None:
        window.open(program, tuple(parameters), as_torch, tuple(arguments))
    elif attach is not None:
        window.attach(*attach)
    code = app.exec()
    return ending.code or code


def main(*given: Any, **more: Any) -> int:
    """As :func:`run`, for a program that does nothing else: the process ends with the code that is returned."""
    code = run(*given, **more)
    # As PyQt would do: with the application what was copied is handed to the desktop, which keeps it.
    end_with(code, lambda: take_apart(_kept[-1]))
    return code


def set_up() -> None:
    """What holds for the whole process, before Qt begins to paint."""
    sys.setswitchinterval(_SWITCH)
    come_before_qt()
    # Qt would paint each larger picture in two threads, and wait for the other one, on whose core the engine trains.
    os.environ.setdefault("QT_NO_GUI_THREADPOOL", "1")


def collect_garbage(window: Any) -> None:
    """Have garbage collected in the window's thread from now on, when nothing goes on in it."""
    from gui.garbage import Garbage

    link, state = window.context.link, window.context.state
    Garbage(window, lambda: link.quiet and not state.running, lambda: window.workspace is not None)


class Ending:
    """Ends the window when it is told to by a signal, and when its display is gone.

    Attributes:
        code: the exit code that a signal asks for; 0 where none has come.
    """

    def __init__(self, window: Any) -> None:
        self.code = 0
        self._window = window

    def install(self) -> None:
        """Listen to SIGINT (Ctrl+C), SIGTERM and SIGHUP, and to what Qt says of the display."""
        from PyQt6.QtCore import qInstallMessageHandler

        from gui.timers import repeating

        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._signalled)
        # Python sees a signal only when it gets to run.
        repeating(self._window, 250, lambda: None).start()
        qInstallMessageHandler(self._said)

    def _signalled(self, number: int, _frame: object) -> None:
        from PyQt6.QtCore import QTimer
        from PyQt6.QtWidgets import QApplication

        if self.code:
            # Once more: there is no patience for whatever is being waited for.
            leave(128 + number)
        self.code = 128 + number

        def end() -> None:
            # Also where a dialog is open, which has an event loop of its own.
            QApplication.closeAllWindows()
            QApplication.exit(self.code)

        QTimer.singleShot(0, end)

    def _said(self, kind: object, _context: object, text: str | None) -> None:
        """What Qt has to say goes to stderr; after the loss of its display it would end the process there and then."""
        if not (text or "").startswith(_NO_DISPLAY):
            print(text, file=sys.stderr)
            return
        script = "; the script is ended" if self._window.context.link.moving or self._window.context.link.active else ""
        print(f"nablascope: the display is gone, and the window with it{script}. ({text})", file=sys.stderr)
        try:
            self._window.keep()
            if kept := self._window.saving.kept:
                print(f"nablascope: where it stood is kept: {kept}", file=sys.stderr)
            elif kept is None:
                print("nablascope: where it stood is not kept: its engine process did not answer", file=sys.stderr)
        except Exception as error:  # what a panel says of itself may need the display: the rest must end all the same
            print(f"nablascope: where it stood could not be kept: {error!r}", file=sys.stderr)
        self._window.context.link.close(4.0)
        leave(1)  # the rest of Qt's way out would wait for a display that is not there


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
