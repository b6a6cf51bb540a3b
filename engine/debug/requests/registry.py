"""Which function answers which request."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.debug.debuggee import Debuggee

Handler = Callable[["Debuggee", dict[str, Any]], "dict[str, Any] | None"]

#: Filled by the modules of this package.
HANDLERS: dict[str, Handler] = {}


def handles(command: str) -> Callable[[Handler], Handler]:
    """Decorator: the function answers ``command``: (debuggee, arguments) -> the answer's body."""

    def register(handler: Handler) -> Handler:
        HANDLERS[command] = handler
        return handler

    return register
