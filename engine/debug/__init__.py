"""The debugger: step, stop, look, go back, fork. It knows no screen; a terminal and a window are clients of it.

In a script: ``engine.debug.listen()``, ``wait_for_client()`` and ``breakpoint()`` let a client attach; a script that is
started with ``nablascope debug FILE`` needs none of them. Names are handed on when they are first used, so that a client
can import :mod:`engine.debug.protocol` without loading NumPy's or Numba's weight.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.debug.listening import breakpoint as breakpoint
    from engine.debug.listening import is_client_connected as is_client_connected
    from engine.debug.listening import listen as listen
    from engine.debug.listening import wait_for_client as wait_for_client

_HOME = {
    "listen": "engine.debug.listening",
    "wait_for_client": "engine.debug.listening",
    "breakpoint": "engine.debug.listening",
    "is_client_connected": "engine.debug.listening",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value
