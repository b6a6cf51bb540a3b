"""Breakpoints of every kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.debug.requests.registry import handles
from engine.debug.server import RequestFailedError

if TYPE_CHECKING:
    from engine.debug.debuggee import Debuggee


@handles("setBreakpoints")
def _set_breakpoints(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    return _set(debuggee, "lines", arguments["source"]["path"], arguments["breakpoints"])


@handles("setOpBreakpoints")
def _set_op_breakpoints(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    return _set(debuggee, "ops", arguments["breakpoints"])


@handles("setModuleBreakpoints")
def _set_module_breakpoints(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    return _set(debuggee, "modules", arguments["breakpoints"])


@handles("setWatchpoints")
def _set_watchpoints(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    return _set(debuggee, "watchpoints", arguments["breakpoints"])


@handles("setExceptionBreakpoints")
def _set_exception_breakpoints(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    return _set(debuggee, "exceptions", arguments["filters"])


def _set(debuggee: Debuggee, kind: str, *arguments: Any) -> dict[str, Any]:
    try:
        found = getattr(debuggee.debugger.breakpoints, f"set_{kind}")(*arguments)
    except ValueError as error:
        raise RequestFailedError("badArguments", str(error)) from None
    debuggee.debugger.attention()
    return {"breakpoints": found} if kind != "exceptions" else {}
