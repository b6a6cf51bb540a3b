"""With which exit code this process is about to end, for a client that did not start it and cannot ask the system.

When Python runs what is registered with ``atexit``, the ``SystemExit`` that led there is gone. So ``sys.exit`` raises one
that notices when the interpreter asks for its code, which it does without any Python code at work; who catches it does so
from Python code. The same holds of ``exit`` and ``quit``; and ``os._exit`` says it before it ends the process at once. Not
known are an exit code that the script raises by itself (``raise SystemExit(3)``) and a signal, which is not outlived.
"""

from __future__ import annotations

import _sitebuiltins
import os
import sys
import threading
from collections.abc import Callable
from typing import Any, NoReturn


class Ending:
    """Notices how the process ends, from its making on.

    Args:
        at_once: called where the process ends without Python's own end, before it does.

    Attributes:
        code: the exit code, 0 to 255; None while none is known. text: what ``sys.exit`` was given to print; "" for none.
    """

    def __init__(self, at_once: Callable[[], None]) -> None:
        self.code: int | None = None
        self.text = ""
        self._at_once = at_once
        self._process = os.getpid()
        self._os_exit = os._exit
        sys.exit, os._exit = self._exit, self._end
        _sitebuiltins.SystemExit = self._raised  # type: ignore[attr-defined]  # what exit() and quit() raise

    @property
    def here(self) -> bool:
        """Whether this is the process that this was made in, and no fork of it."""
        return os.getpid() == self._process

    def _exit(self, status: Any = None, /) -> NoReturn:
        raise self._raised(status)

    def _raised(self, status: Any = None, /) -> SystemExit:
        # In a thread it ends that thread only, which wants no class but this one.
        kind = _noticing(self) if threading.current_thread() is threading.main_thread() else SystemExit
        return kind() if status is None else kind(status)

    def _end(self, status: int) -> NoReturn:
        if self.here:
            self.code = int(status) & 0xFF
            self._at_once()
        self._os_exit(status)

    def take(self, status: Any) -> None:
        """The interpreter ends the process with ``status``, as ``sys.exit`` was given it."""
        if status is None or isinstance(status, int):
            self.code = (status or 0) & 0xFF
        else:
            self.code, self.text = 1, str(status)


def _noticing(ending: Ending) -> type[SystemExit]:
    class Exit(SystemExit):
        @property
        def code(self) -> Any:  # type: ignore[override]
            status = SystemExit.code.__get__(self)  # type: ignore[attr-defined]
            if sys._getframe().f_back is None:
                ending.take(status)
            return status

        @code.setter
        def code(self, status: Any) -> None:
            SystemExit.code.__set__(self, status)  # type: ignore[attr-defined]

    Exit.__name__ = Exit.__qualname__ = "SystemExit"
    Exit.__module__ = "builtins"
    return Exit
