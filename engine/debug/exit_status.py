"""How this process ends by ``sys.exit``: Python tells that to nothing that runs at the exit."""

from __future__ import annotations

import sys
import threading
from typing import Any

from engine.script.program import exit_meaning

#: What was given to the ``sys.exit`` that ends this process, in a list of one; empty while none does.
_given: list[Any] = []


class _Exit(SystemExit):
    """``SystemExit``, which notes when the interpreter itself asks for its code: then nobody has caught it."""

    @property
    def code(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        try:
            sys._getframe(1)
        except ValueError:  # asked by no function of Python's: it is on its way out
            _given[:] = [self._code]
        return self._code

    @code.setter
    def code(self, code: Any) -> None:
        self._code = code


# What is printed of it names what the script knows.
_Exit.__name__ = _Exit.__qualname__ = "SystemExit"
_Exit.__module__ = "builtins"


def _exit(status: Any = None, /) -> None:
    """``sys.exit``, as it was."""
    if threading.current_thread() is not threading.main_thread():
        raise SystemExit(status)  # it ends a thread, and not this process
    # As from Python's own, a tuple is the arguments.
    request = _Exit(*status) if isinstance(status, tuple) else _Exit() if status is None else _Exit(status)
    request.code = request.args[0] if len(request.args) == 1 else request.args or None
    raise request


def watch_exit() -> None:
    """From now on :func:`exit_status` knows. Not of ``sys.exit(main())`` in whose ``main`` this is called first: Python has
    looked up the old ``sys.exit`` by then.
    """
    sys.exit = _exit


def note_exit(request: SystemExit) -> None:
    """``request`` has been caught, and this process ends as it asks for."""
    _given[:] = [request.code]


def exit_status() -> dict[str, Any]:
    """While this process ends: ``{"exitCode", "text"}``, the text where ``sys.exit`` was given one; empty where it ends
    in another way, also by ``raise SystemExit``.
    """
    if not _given:
        return {}
    code, text = exit_meaning(_given[0])
    return {"exitCode": code} if text is None else {"exitCode": code, "text": text}
