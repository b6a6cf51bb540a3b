"""The way out of the program: with Python's exit functions, and without those of PyQt and sip.

PyQt's goes through sip's list of all wrapped objects, and so does ``sip.delete`` of an application. sip leaves an entry of
it behind where C++ has destroyed an object of two bases (any widget) and another one has taken its place in memory: one
window in a hundred ended with a segmentation fault there, when all had been closed and saved.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

#: With what the process ends; None where that is left to who has called.
_code: int | None = None
#: What is done at the very last.
_last: Callable[[], object] | None = None


def come_before_qt() -> None:
    """Be called right before the exit functions of PyQt: to be done before anything else makes one.

    Functions are called in the order opposite to that in which they were registered, and PyQt registers when it is imported.
    """
    import PyQt6.QtCore  # noqa: F401

    atexit.unregister(_end)
    atexit.register(_end)


def end_with(code: int, last: Callable[[], object] | None = None) -> None:
    """Let the process, which is about to end, end with ``code``, without the exit functions of PyQt; ``last`` before it."""
    global _code, _last
    _code, _last = code, last


def take_apart(application: Any) -> None:
    """Destroy the ``QCoreApplication`` as the child of another object, as which C++ does it alone."""
    from PyQt6 import sip
    from PyQt6.QtCore import QObject

    owner = QObject()
    application.setParent(owner)
    sip.delete(owner)


def leave(code: int) -> NoReturn:
    """End now, leaving no folder behind."""
    end_with(code)
    atexit._run_exitfuncs()
    os._exit(code)  # where nobody has come before Qt


def _end() -> None:
    if _code is None:
        return
    if _last is not None:
        _last()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # nobody reads it any more, or there never was one
            stream.flush()
    os._exit(_code)
