"""With which code this process ends: Python tells that to nothing that runs at the exit. Standard library only."""

from __future__ import annotations

import ctypes
import gc
import sys
from typing import Any

from engine.script.program import exit_meaning

#: What the ``SystemExit`` that ends this process was given, in a list of one; empty while none does.
_given: list[Any] = []

_own = SystemExit.__dict__["code"]


def _code(request: SystemExit) -> Any:
    """``SystemExit.code``; the interpreter itself asks for it when nobody has caught the exception."""
    code = _own.__get__(request)
    try:
        sys._getframe(1)
    except ValueError:  # asked by no function of Python's: it is on its way out
        _given[:] = _given or [code]
    return code


def _exit(status: Any = None, /) -> None:
    """``sys.exit``, as it was. Before 3.12 Python's own makes no exception where nothing looks at it."""
    raise SystemExit(*status) if isinstance(status, tuple) else SystemExit() if status is None else SystemExit(status)


def watch_exit() -> None:
    """From now on :func:`exit_status` knows. Before Python 3.12 not of ``sys.exit(main())`` in whose ``main`` this is called
    first: Python has looked up the old ``sys.exit`` by then.
    """
    sys.exit = _exit
    # A subclass in the place of SystemExit would be caught neither by nor instead of what others have imported already,
    # and Python lets nobody set an attribute of its own types but in their dictionary.
    gc.get_referents(SystemExit.__dict__)[0]["code"] = property(_code, _own.__set__, _own.__delete__, _own.__doc__)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(SystemExit))


def note_exit(request: SystemExit) -> None:
    """``request`` has been caught, and this process ends as it asks for."""
    _given[:] = [request.code]


def exit_status() -> dict[str, Any]:
    """While this process ends: ``{"exitCode", "text"}``, the text where Python has written one to stderr; empty where it
    ends otherwise than by ``SystemExit``.
    """
    if not _given:
        return {}
    code, text = exit_meaning(_given[0])
    return {"exitCode": code} if text is None else {"exitCode": code, "text": text}
