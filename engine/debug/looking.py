"""Requests that look: at frames and variables, tensors, explanations, curves, the past; and what changes the present."""

from __future__ import annotations

import builtins
import zlib
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.debug.edits import apply_edits
from engine.debug.events import Event
from engine.debug.explain.element import ExplainError, explain, explainable
from engine.debug.explain.kernel_step import ElementSteps
from engine.debug.references import Found
from engine.debug.server import RequestFailedError
from engine.debug.stops import describe, tensors
from engine.debug.views import arrays, graph, grid, losses, samples
from engine.nn.module import Module

if TYPE_CHECKING:
    from engine.debug.debuggee import Debuggee, Handler

HANDLERS: dict[str, Handler] = {}

#: Events that one answer may list.
MOST_EVENTS = 10_000


def handles(command: str) -> Callable[[Handler], Handler]:
    """Decorator: the function answers ``command``."""

    def register(handler: Handler) -> Handler:
        HANDLERS[command] = handler
        return handler

    return register


# ---- the run ----


@handles("status")
def _status(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    recorder = debuggee.recorder
    standing = debuggee.server is not None and debuggee.server.standing
    state = "ended" if debuggee.ended else "stopped" if standing else "running"
    stop = debuggee.stop if standing or debuggee.ended else None
    live = stop.event.position if stop is not None else (recorder.tick, 0, 0)
    cursor = debuggee.cursor.position if stop is not None and debuggee.cursor is not None else live
    return {
        "state": state, "position": list(live), "cursor": list(cursor), "epoch": recorder.epochs, "batch": recorder.batches,
        "step": recorder.steps, "loss": recorder.last_loss, "historyBytes": debuggee.debugger.history.bytes,
        "historyEvents": len(debuggee.debugger.history),
    }  # fmt: skip


@handles("threads")
def _threads(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"threads": [{"id": 1, "name": "training"}]}


@handles("events")
def _events(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    history = debuggee.debugger.history
    kinds = frozenset(arguments["kinds"]) if arguments.get("kinds") else None
    count = min(arguments.get("count", 100), MOST_EVENTS)
    start = arguments.get("from")
    found: list[Event] = []
    for event in history if start is not None else reversed(history):
        if len(found) >= count:
            break
        if (start is None or event.seq >= start) and (kinds is None or event.kind in kinds):
            found.append(event)
    if start is None:
        found.reverse()
    first, last = history.first, history.last
    return {
        "events": [_summary(event) for event in found],
        "first": first.seq if first else None,
        "last": last.seq if last else None,
        "complete": history.complete,
    }


def _summary(event: Event) -> dict[str, Any]:
    return {
        "seq": event.seq, "position": list(event.position), "kind": event.kind, "level": event.level, "name": event.name,
        "module": event.module or None, "direction": event.direction or None, "file": event.file or None,
        "line": event.line or None, "epoch": event.epoch, "batch": event.batch, "step": event.step,
        "description": describe(event), "tensors": tensors(event),
    }  # fmt: skip


@handles("curves")
def _curves(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    steps, losses = debuggee.recorder.curves(arguments.get("from", 0))
    return {"steps": steps, "losses": losses}


@handles("digest")
def _digest(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"digest": debuggee.recorder.digest(), "position": [debuggee.recorder.tick, 0, 0]}


@handles("flushRecording")
def _flush_recording(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    recorder = debuggee.recorder
    if recorder.recording is None:
        text = "this run is not recorded: only a run that was launched under the debugger can be replayed"
        raise RequestFailedError("failed", text)
    recorder.flush()
    at = debuggee.cursor
    position = list(at.position) if at is not None else [recorder.tick, 0, 0]
    return {"recording": str(recorder.recording.folder), "position": position}


@handles("checksums")
def _checksums(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    first, last = arguments.get("from", 0), arguments.get("to", 1 << 62)
    found = []
    for event in debuggee.debugger.history:
        if event.direction and first <= event.step <= last:
            sums = {name: _checksum(value) for name, value in event.arrays.items()}
            found.append({**_summary(event), "checksums": sums})
    return {"checksums": found[:MOST_EVENTS]}


def _checksum(value: Any) -> int:
    if type(value) is tuple:
        return zlib.crc32(b"".join(np.ascontiguousarray(part).tobytes() for part in value if part is not None))
    return zlib.crc32(np.ascontiguousarray(value).tobytes())


# ---- frames and variables ----


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
        raise RequestFailedError("badArguments", f"frameId {number}: there are {len(frames)} frames, from 0")
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
    elif frame is None and debuggee.standing and not names_of(expression) <= known_names(debuggee, at):
        text = "of the past only the event's arrays are kept; replay the run to here to see the script's variables"
        raise RequestFailedError("failed", f"{expression.strip()}: {text}")
    # The arrays of the event at the cursor have names too: y, dw ...
    names = debuggee.debugger.namespace(at, None)
    overwriting = debuggee.debugger.history.overwriting
    return debuggee.variables.evaluate(frame, expression, context, names, overwriting, debuggee.standing)


@handles("setVariable")
def _set_variable(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    overwriting = debuggee.debugger.history.overwriting
    if debuggee.variables.is_scope(arguments["variablesReference"]):
        _note(debuggee, debuggee.require_stop(), f"{arguments['name']} = {arguments['value']}")
    return debuggee.variables.set_variable(
        arguments["variablesReference"], arguments["name"], arguments["value"], overwriting
    )


@handles("setExpression")
def _set_expression(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    frame = _present(debuggee, arguments.get("frameId"))
    _note(debuggee, debuggee.require_stop(), f"{arguments['expression']} = {arguments['value']}")
    overwriting = debuggee.debugger.history.overwriting
    return debuggee.variables.set_expression(frame, arguments["expression"], arguments["value"], overwriting)


@handles("source")
def _source(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
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
    apply_edits(arguments["edits"], at, frame_of(debuggee), debuggee.references)


# ---- tensors ----


def find(debuggee: Debuggee, arguments: dict[str, Any]) -> Found:
    """The array that a request's ``reference`` means."""
    at = debuggee.cursor
    if at is None:
        raise RequestFailedError("notStopped", "the script has not been stopped yet; pause it first")
    reference = arguments["reference"]
    return debuggee.references.find(reference, at, frame_of(debuggee, reference.get("frameId")))


@handles("tensor")
def _tensor(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    found = find(debuggee, arguments)
    rows, columns = (arguments.get("maxShape") or (256, 256))[:2]
    result = arrays.view(found.array, arguments.get("slice"), (rows, columns), arguments.get("transform"))
    return {**result, **_origin(found)}


@handles("histogram")
def _histogram(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    found = find(debuggee, arguments)
    return {**arrays.histogram(found.array, arguments.get("bins", 64), arguments.get("range")), **_origin(found)}


def _origin(found: Found) -> dict[str, Any]:
    event = found.event
    described = arrays.describe(found.array)
    return {"description": described, "event": event.seq if event is not None else None, "name": found.name}


@handles("explain")
def _explain(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    found = find(debuggee, arguments)
    event, name = _explained(found)
    index = _index(arguments["index"])
    try:
        explanation = explain(event, name, index)
    except ExplainError as error:
        raise RequestFailedError("failed", str(error)) from None
    return {**explanation.to_json(limit=arguments.get("limit", 1000)), "event": event.seq, "position": list(event.position)}


@handles("elementSteps")
def _element_steps(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    event, name = _explained(find(debuggee, arguments))
    try:
        steps = ElementSteps(event, name, _index(arguments["index"]))
    except ExplainError as error:
        raise RequestFailedError("failed", str(error)) from None
    start, count = arguments.get("start", 0), arguments.get("count", 200)
    shown = [steps.at(i) for i in range(start, min(start + count, len(steps)))]
    return {"steps": shown, "count": len(steps), "source": steps.source, "file": steps.file, "truncated": steps.truncated}


def _explained(found: Found) -> tuple[Event, str]:
    event = found.event
    if event is None:
        text = f"{found.name}: no recorded event computed it; step over the op that does, then ask"
        raise RequestFailedError("failed", text)
    name = found.name
    if name not in explainable(event):
        known = ", ".join(explainable(event)) or "nothing"
        raise RequestFailedError("failed", f"{name}: {event.name} did not compute it here; it computed: {known}")
    return event, name


def _index(index: int | list[int]) -> tuple[int, ...]:
    return (index,) if isinstance(index, int) else tuple(index)


# ---- batches, networks, planes ----


@handles("samples")
def _samples(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    history = debuggee.debugger.history
    at = history.get(arguments["event"]) if "event" in arguments else debuggee.cursor
    before = [event for event in reversed(history) if at is None or event.seq <= at.seq]
    batch = next((event for event in before if event.kind == "batch" and event.arrays), None)
    loss = next((e for e in before if e.kind == "forward" and losses.is_loss(e)), None)
    if batch is None and loss is None:
        raise RequestFailedError("failed", "samples: the history holds no batch and no loss yet; step on")
    if batch is not None and loss is not None and loss.seq < batch.seq:
        loss = None  # that of the batch before
    parts = [] if batch is None else [value for value in batch.arrays.values() if isinstance(value, np.ndarray)]
    result = samples.batch_view(parts, loss, batch.details.get("samples") if batch is not None else None)
    return samples.page(result, arguments.get("start", 0), arguments.get("count"))


@handles("gridEvaluate")
def _grid_evaluate(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    model = debuggee.debugger.names.all_modules().get(arguments["model"])
    if model is None:
        frame = frame_of(debuggee)
        if frame is not None:
            model = {**frame.f_globals, **frame.f_locals}.get(arguments["model"])
    if not isinstance(model, Module):
        raise RequestFailedError("failed", f"{arguments['model']}: is no module that is known here")
    return grid.evaluate_grid(
        model, arguments["x"], arguments["y"], arguments.get("resolution", 100), base=arguments.get("inputs"),
        paths=debuggee.debugger.names.module,
    )  # fmt: skip


@handles("graph")
def _graph(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    history = debuggee.debugger.history
    at = history.get(arguments["event"]) if "event" in arguments else debuggee.cursor
    return graph.from_events([e for e in history if at is None or e.seq <= at.seq], debuggee.debugger.names)


@handles("modules")
def _modules(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    names = debuggee.debugger.names
    found = []
    for path, module in names.all_modules().items():
        own = [(names.tensor(p), p) for p in module.parameters(recurse=False)]
        found.append({
            "path": path, "class": type(module).__name__, "training": module.training,
            "parameters": [
                {"name": name, "shape": list(p.shape), "requiresGrad": p.requires_grad} for name, p in own
            ],
        })  # fmt: skip
    return {"modules": found}


# ---- statistics and diagnoses ----


@handles("statistics")
def _statistics(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    from engine.debug.statistics.observer import Statistics

    debugger = debuggee.debugger
    if arguments.get("enabled") and debuggee.statistics is None:
        debuggee.statistics = Statistics(
            tier=arguments.get("tier", "scalars"), every=arguments.get("every", 1), names=debugger.names.name_of
        )
        debugger.listen(debuggee.statistics, debuggee.listener_failed)
    elif arguments.get("enabled") is False and debuggee.statistics is not None:
        debugger.unlisten(debuggee.statistics)
        debuggee.statistics = None
    statistics = debuggee.statistics
    if statistics is None:
        return {"enabled": False}
    body: dict[str, Any] = {"enabled": True, "latest": statistics.latest()}
    if arguments.get("names"):
        field = arguments.get("field", "norm")
        series = {}
        for name in arguments["names"]:
            steps, values = statistics.series(name, field, arguments.get("from", 0), arguments.get("to"))
            series[name] = {"steps": steps, "values": values}
        body["series"] = series
    return body


@handles("diagnostics")
def _diagnostics(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    from engine.debug.diagnostics import Diagnostics

    debugger = debuggee.debugger
    if arguments.get("enabled") and debuggee.diagnostics is None:
        debuggee.diagnostics = Diagnostics(report=lambda finding: debuggee.send("diagnostic", finding.to_json()))
        debugger.listen(debuggee.diagnostics, debuggee.listener_failed)
    elif arguments.get("enabled") is False and debuggee.diagnostics is not None:
        debugger.unlisten(debuggee.diagnostics)
        debuggee.diagnostics = None
    if debuggee.diagnostics is None:
        return {"enabled": False, "findings": []}
    return {"enabled": True, "findings": [finding.to_json() for finding in debuggee.diagnostics.findings]}
