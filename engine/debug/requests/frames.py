"""Frames, variables and expressions; and changes of the present."""

from __future__ import annotations

import builtins
import math
from types import FrameType
from typing import TYPE_CHECKING, Any

from engine.debug.breakpoints.code_lines import running_text
from engine.debug.edits import apply_edits
from engine.debug.events import Event
from engine.debug.requests.registry import handles
from engine.debug.server import RequestFailedError
from engine.debug.stops import describe
from engine.plural import plural

if TYPE_CHECKING:
    from engine.debug.debuggee import Debuggee


@handles("stackTrace")
def _stack_trace(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    at = debuggee.require_stop()
    if not debuggee.live:
        frames = [_frame(0, at.name if at.kind == "line" else describe(at), at.file, at.line)]
    else:
        assert debuggee.stop is not None
        frames = [
            _frame(i, f.f_code.co_name, f.f_code.co_filename, f.f_lineno) for i, f in enumerate(debuggee.stop.frames)
        ]
    start, levels = arguments.get("startFrame", 0), arguments.get("levels") or len(frames)
    return {"stackFrames": frames[start : start + levels], "totalFrames": len(frames)}


def _frame(id: int, name: str, file: str, line: int) -> dict[str, Any]:
    return {"id": id, "name": name, "source": {"path": file}, "line": line, "column": 1}


def frame_of(debuggee: Debuggee, number: int | None = None) -> FrameType | None:
    """The script's frame with that number (the innermost without one); None while the cursor is in the past.

    Raises:
        RequestFailedError: there is no such frame.
    """
    if debuggee.stop is None or not debuggee.live or not debuggee.stop.frames:
        return None
    frames = debuggee.stop.frames
    if not 0 <= (number or 0) < len(frames):
        there = plural(len(frames), "is 1 frame", f"are {len(frames)} frames")
        raise RequestFailedError("badArguments", f"frameId {number}: there {there}, from 0")
    return frames[number or 0]


def _present(debuggee: Debuggee, number: int | None) -> FrameType:
    frame = frame_of(debuggee, number)
    if frame is None:
        text = "variables are those of the present; here the cursor is in the past, where arrays of the events are known"
        raise RequestFailedError("failed", text)
    return frame


@handles("scopes")
def _scopes(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    debuggee.require_stop()
    return {"scopes": debuggee.variables.scopes(_present(debuggee, arguments["frameId"]))}


@handles("variables")
def _variables(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    start, count = arguments.get("start", 0), arguments.get("count")
    found = debuggee.variables.variables(arguments["variablesReference"], start, count, arguments.get("filter"))
    return {"variables": found}


@handles("evaluate")
def _evaluate(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    expression = arguments["expression"]
    at = debuggee.cursor
    if at is None:
        raise RequestFailedError("notStopped", "evaluate: the script runs; pause it first")
    context = arguments.get("context", "repl")
    frame = frame_of(debuggee, arguments.get("frameId"))
    if context == "repl" and is_statement(expression):
        frame = _present(debuggee, arguments.get("frameId"))
        _note(debuggee, at, expression)
    elif frame is None and debuggee.standing and not _is_known(debuggee, at, expression, context):
        text = "of the past only the event's arrays are kept; replay the run to here to see the script's variables"
        raise RequestFailedError("failed", f"{expression.strip()}: {text}")
    names = _further_names(debuggee, at, context)
    if context == "repl":
        debuggee.kept.clear()  # it may write into an array of NumPy's, which nobody hears of
    return debuggee.variables.evaluate(frame, expression, context, names, debuggee.overwriting, debuggee.standing)


def _is_known(debuggee: Debuggee, at: Event, expression: str, context: str) -> bool:
    """Whether an expression needs only names that there are in the past; one in the code is the script's."""
    return context != "hover" and names_of(expression) <= known_names(debuggee, at)


def _further_names(debuggee: Debuggee, at: Event, context: str) -> dict[str, Any]:
    """Names beside the script's: the arrays of the event at the cursor (y, dw ...) and the counters. None for "hover": what
    the mouse points at is a name of the script's, and another thing of that name would be taken for it.
    """
    if context == "hover":
        return {}
    names = debuggee.debugger.namespace(at, None)
    recorder = debuggee.debugger.recorder
    if not recorder.steps and math.isnan(recorder.last_loss) and names["loss"] is recorder.last_loss:
        del names["loss"]  # none has been computed yet, which is no NaN that somebody would have to look into
    return names


@handles("setVariable")
def _set_variable(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    debuggee.kept.clear()
    if debuggee.variables.is_scope(arguments["variablesReference"]):
        _note(debuggee, debuggee.require_stop(), f"{arguments['name']} = {arguments['value']}")
    return debuggee.variables.set_variable(
        arguments["variablesReference"], arguments["name"], arguments["value"], debuggee.overwriting
    )


@handles("setExpression")
def _set_expression(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    frame = _present(debuggee, arguments.get("frameId"))
    _note(debuggee, debuggee.require_stop(), f"{arguments['expression']} = {arguments['value']}")
    debuggee.kept.clear()
    return debuggee.variables.set_expression(frame, arguments["expression"], arguments["value"], debuggee.overwriting)


@handles("source")
def _source(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    if (text := running_text(arguments["path"])) is not None:
        return {"content": text}
    try:
        with open(arguments["path"], encoding="utf-8", errors="replace") as file:
            return {"content": file.read()}
    except OSError as error:
        raise RequestFailedError("failed", f"{arguments['path']}: {error.strerror}") from None


def names_of(expression: str) -> set[str]:
    """The names that an expression reads; none where it is no expression."""
    try:
        return set(compile(expression.strip(), "<expression>", "eval").co_names)
    except (SyntaxError, ValueError):
        return set()


def known_names(debuggee: Debuggee, at: Event) -> set[str]:
    """The names that an expression may use with the cursor in the past."""
    return {*debuggee.debugger.namespace(at, None), *dir(builtins)}


def is_statement(text: str) -> bool:
    """Whether ``text`` is no expression: then running it may change the script's state."""
    try:
        compile(text, "<text>", "eval")
    except SyntaxError:
        return True
    return False


def _note(debuggee: Debuggee, at: Event, code: str) -> None:
    """Remember that ``code`` was run here, so that a replay runs it too."""
    if debuggee.edit_log is not None:
        debuggee.edit_log.append(at.position, [{"kind": "exec", "code": code}])


@handles("edit")
def _edit(debuggee: Debuggee, arguments: dict[str, Any]) -> None:
    at = debuggee.require_stop()
    if not debuggee.live:
        raise RequestFailedError("failed", "the past cannot be changed in place; fork the run here")
    if debuggee.edit_log is not None:
        debuggee.edit_log.append(at.position, arguments["edits"])
    debuggee.kept.clear()
    apply_edits(arguments["edits"], at, frame_of(debuggee), debuggee.references)
