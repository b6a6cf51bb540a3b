"""Calls on the main thread wherever it is at work: between two bytecodes, without a signal that a script may want itself."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from types import FrameType

_Call = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)


class Interruption:
    """Has ``call(frame)`` called on the main thread, with the frame that is at work there; :meth:`send` asks for it.

    A thread that is inside of a call of C is reached when that returns. Python's documentation of
    ``Py_AddPendingCall`` says when a call is carried out.
    """

    def __init__(self, call: Callable[[FrameType | None], None]) -> None:
        def carry_out(_: int | None) -> int:
            call(sys._getframe(1))
            return 0

        self._pending = _Call(carry_out)  # it must live for as long as it may be called

    def send(self) -> bool:
        """Ask for the call, in any thread; False where too much is asked for already."""
        return ctypes.pythonapi.Py_AddPendingCall(self._pending, None) == 0
