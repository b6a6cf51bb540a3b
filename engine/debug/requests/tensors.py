"""Numbers of tensors, and why they have their values."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.debug.edits import edited_inputs, was_edited
from engine.debug.events import Event
from engine.debug.explain.element import ExplainError, explain, explainable
from engine.debug.explain.kernel_step import ElementSteps
from engine.debug.explain.recording_arrays import plain
from engine.debug.references import Found
from engine.debug.requests.frames import frame_of
from engine.debug.requests.registry import handles
from engine.debug.server import RequestFailedError
from engine.debug.views import arrays

if TYPE_CHECKING:
    from engine.debug.debuggee import Debuggee


def find(debuggee: Debuggee, arguments: dict[str, Any]) -> Found:
    """The array that a request's ``reference`` means."""
    at = debuggee.cursor
    if at is None:
        raise RequestFailedError("notStopped", "the script has not been stopped yet; pause it first")
    reference = arguments["reference"]
    standing = debuggee.stop.frames[0] if debuggee.stop is not None and debuggee.stop.frames else None
    return debuggee.references.find(reference, at, frame_of(debuggee, reference.get("frameId")), standing)


@handles("tensor")
def _tensor(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    found = find(debuggee, arguments)
    if arguments.get("shapeOnly"):
        return {"shape": list(found.array.shape), "dtype": str(found.array.dtype), **_origin(debuggee, found, False)}
    rows, columns = (arguments.get("maxShape") or (256, 256))[:2]
    slice, transform = arguments.get("slice"), arguments.get("transform")
    result = _kept(debuggee, found, ("view", repr(slice), rows, columns, transform),
                   lambda: arrays.view(found.array, slice, (rows, columns), transform))  # fmt: skip
    if transform is None and result["selected"] == result["shape"] and result["shown"] == result["shape"][:-2]:
        _kept(debuggee, found, _ENDS, lambda: result["range"] or arrays.NO_ENDS)
    return {**result, **_origin(debuggee, found, arguments.get("describe", True))}


#: The question for the least and the greatest element of all.
_ENDS = ("ends",)


def _kept(debuggee: Debuggee, found: Found, question: tuple, make: Callable[[], Any]) -> Any:
    """What ``make()`` returns, or did at this stop: of arrays that events hold, which change only by what is told."""
    event = found.event
    if event is None or not debuggee.standing or debuggee.debugger.history.get(event.seq) is not event:
        return make()
    return debuggee.kept.of(found.array, question, make)


@handles("tensors")
def _tensors(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    found = []
    for one in arguments["tensors"]:
        try:
            found.append(_tensor(debuggee, {**one, "describe": False}))
        except (RequestFailedError, ValueError, IndexError) as error:
            found.append({"error": str(error)})
    return {"tensors": found}


@handles("histogram")
def _histogram(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    found = find(debuggee, arguments)
    bins, ends = arguments.get("bins", 64), arguments.get("range")
    if ends is None and type(found.array) is np.ndarray:
        ends = _kept(debuggee, found, _ENDS, lambda: arrays.ends(found.array))
    counted = _kept(debuggee, found, ("histogram", bins, repr(ends)), lambda: arrays.histogram(found.array, bins, ends))
    return {**counted, **_origin(debuggee, found, arguments.get("describe", True))}


def _origin(debuggee: Debuggee, found: Found, describe: bool = True) -> dict[str, Any]:
    event = found.event
    described = {}
    if describe:
        described["description"] = _kept(debuggee, found, ("description",), lambda: arrays.describe(found.array))
    made = {"event": None, "step": None} if event is None else {"event": event.seq, "step": event.step}
    return {**described, **made, "name": found.name}


@handles("explain")
def _explain(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    found = find(debuggee, arguments)
    event, name = _explained(found)
    index = _index(arguments["index"])
    try:
        explanation = explain(event, name, index)
    except ExplainError as error:
        raise RequestFailedError("failed", str(error)) from None
    limit, order = arguments.get("limit", 1000), arguments.get("order", "read")
    # What was set by hand is no fault of the kernel's.
    changed = {
        "edited": was_edited(event, name, index), "editedInputs": edited_inputs(event, name),
        "now": _changed_since(found, index, explanation.actual),
    }  # fmt: skip
    place = {"event": event.seq, "step": event.step, "position": list(event.position)}
    return {**explanation.to_json(limit, order), **place, **changed}


def _changed_since(found: Found, index: tuple[int, ...], computed: Any) -> Any:
    """The element of a tensor of the present where it is not any more what its op ``computed``, else None."""
    if found.tensor is None or not isinstance(found.array, np.ndarray):
        return None
    now = plain(found.array[index])
    return None if now == computed or (now != now and computed != computed) else now


@handles("elementSteps")
def _element_steps(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    event, name = _explained(find(debuggee, arguments))
    try:
        steps = ElementSteps(event, name, _index(arguments["index"]))
    except ExplainError as error:
        raise RequestFailedError("failed", str(error)) from None
    start, count = arguments.get("start", 0), arguments.get("count", 200)
    shown = [steps.at(i) for i in range(start, min(start + count, len(steps)))]
    return {
        "steps": shown, "count": len(steps), "source": steps.source, "file": steps.file, "truncated": steps.truncated,
        "launch": steps.launch,
    }  # fmt: skip


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
