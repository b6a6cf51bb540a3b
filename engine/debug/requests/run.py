"""The run as a whole: where it is, what has happened, its curves and its digest; pausing and ending it."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.debug.environment import describe_environment
from engine.debug.events import Event
from engine.debug.memory import on_cpu
from engine.debug.requests.registry import handles
from engine.debug.server import RequestFailedError
from engine.debug.stops import describe, tensors
from engine.debug.views.curves import curves, tick_of

if TYPE_CHECKING:
    from engine.debug.debuggee import Debuggee

#: Events that one answer may list.
MOST_EVENTS = 10_000


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
        "historyEvents": len(debuggee.debugger.history), "historyBudget": debuggee.debugger.history.budget,
        "epochs": recorder.epoch_count, "batches": recorder.batch_count, **debuggee.place_of_work,
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
        "events": [summary(event) for event in found],
        "first": first.seq if first else None,
        "last": last.seq if last else None,
        "complete": history.complete,
    }


def summary(event: Event) -> dict[str, Any]:
    """An event as the protocol's ``events`` tells it."""
    return {
        "seq": event.seq, "position": list(event.position), "kind": event.kind, "level": event.level, "name": event.name,
        "module": event.module or None, "direction": event.direction or None, "file": event.file or None,
        "line": event.line or None, "epoch": event.epoch, "batch": event.batch, "step": event.step,
        "description": describe(event), "tensors": tensors(event),
        "function": event.function.seq if event.function is not None and event.function.seq >= 0 else None,
    }  # fmt: skip


@handles("curves")
def _curves(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    return curves(debuggee.recorder.tape, arguments.get("from", 0), arguments.get("step", 0))


@handles("locate")
def _locate(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    tick = tick_of(debuggee.recorder.tape, arguments["step"], arguments.get("what", "step"))
    return {"position": None if tick is None else [tick, 0, 0], "steps": debuggee.recorder.steps}


@handles("digest")
def _digest(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"digest": debuggee.recorder.digest(), "position": [debuggee.recorder.tick, 0, 0]}


@handles("flushRecording")
def _flush_recording(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    recorder = debuggee.recorder
    if recorder.recording is None:
        text = "this run is not recorded: only a run that was launched under the debugger can be replayed"
        raise RequestFailedError("failed", text)
    try:
        recorder.flush()
    except OSError as error:
        text = f"the tape of this run cannot be written to {recorder.recording.folder} ({error.strerror or error})"
        raise RequestFailedError("failed", text) from None
    at = debuggee.cursor
    position = list(at.position) if at is not None else [recorder.tick, 0, 0]
    return {"recording": str(recorder.recording.folder), "position": position}


@handles("environment")
def _environment(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    return describe_environment()


@handles("checksums")
def _checksums(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    first, last = arguments.get("from", 0), arguments.get("to", 1 << 62)
    found = []
    for event in debuggee.debugger.history:
        if event.direction and first <= event.step <= last:
            sums = {name: _checksum(value) for name, value in event.arrays.items()}
            found.append({**summary(event), "checksums": sums})
    return {"checksums": found[:MOST_EVENTS]}


def _checksum(value: Any) -> int:
    if type(value) is tuple:
        return zlib.crc32(b"".join(np.ascontiguousarray(on_cpu(part)).tobytes() for part in value if part is not None))
    return zlib.crc32(np.ascontiguousarray(on_cpu(value)).tobytes())


@handles("configurationDone")
def _configuration_done(debuggee: Debuggee, arguments: dict[str, Any]) -> None:
    debuggee.configure()


@handles("pause")
def _pause(debuggee: Debuggee, arguments: dict[str, Any]) -> None:
    debuggee.pause()


@handles("terminate")
def _terminate(debuggee: Debuggee, arguments: dict[str, Any]) -> None:
    debuggee.finish(terminate=True)


@handles("disconnect")
def _disconnect(debuggee: Debuggee, arguments: dict[str, Any]) -> None:
    debuggee.finish(terminate=arguments.get("terminateDebuggee", debuggee.launched))
