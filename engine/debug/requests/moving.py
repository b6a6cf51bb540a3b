"""Stepping and running, forwards and back, on every level."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.debug import stepping
from engine.debug.events import LEVELS, Event, Position
from engine.debug.explain.element import explainable
from engine.debug.explain.kernel_step import ElementSteps
from engine.debug.replay.tape import BATCH, BEGIN_EPOCH, END_STEP
from engine.debug.requests.registry import handles
from engine.debug.server import RequestFailedError

if TYPE_CHECKING:
    from engine.debug.debuggee import Debuggee

# ---- forwards ----


@handles("continue")
def _continue(debuggee: Debuggee, arguments: dict[str, Any]) -> None:
    at = debuggee.require_stop()
    debuggee.element = None
    if not debuggee.live:
        hit = next((event for event in _after(debuggee, at) if debuggee.debugger.would_stop(event)), None)
        if hit is not None:
            debuggee.place_at_breakpoint(hit)
            return
        if debuggee.stop is not None and debuggee.ended:
            debuggee.place(debuggee.stop.event, "end")
            return
    debuggee.go(stepping.running())


@handles("next")
def _next(debuggee: Debuggee, arguments: dict[str, Any]) -> None:
    at, level = debuggee.require_stop(), _level(debuggee, arguments)
    if level == "element":
        _step_element(debuggee, at, 1)
        return
    _forward(debuggee, at, stepping.over(level, at))


@handles("stepIn")
def _step_in(debuggee: Debuggee, arguments: dict[str, Any]) -> None:
    at, level = debuggee.require_stop(), _level(debuggee, arguments)
    if level == "element":
        _step_element(debuggee, at, 1)
    elif arguments.get("tensor") or (level == "op" and at.direction):
        _enter_element(debuggee, at, arguments)
    else:
        _forward(debuggee, at, stepping.into(level))


@handles("stepOut")
def _step_out(debuggee: Debuggee, arguments: dict[str, Any]) -> None:
    at, level = debuggee.require_stop(), _level(debuggee, arguments)
    if debuggee.element is not None:
        debuggee.place(at, "step")
        return
    _forward(debuggee, at, stepping.out(level, at))


@handles("runTo")
def _run_to(debuggee: Debuggee, arguments: dict[str, Any]) -> None:
    at, recorder = debuggee.require_stop(), debuggee.recorder
    given = [name for name in ("line", "condition", "batch", "epoch", "step", "position") if name in arguments]
    if len(given) != 1:
        text = f"runTo: give exactly one of line, condition, batch, epoch, step, position; got {given}"
        raise RequestFailedError("badArguments", text)
    what, value = given[0], arguments[given[0]]
    far: Callable[[], bool] | None = None
    if what == "line":
        path = os.path.realpath((arguments.get("source") or {}).get("path") or at.file)
        test: stepping.Test = lambda event: (  # noqa: E731
            event.kind == "line" and event.line == value and os.path.realpath(event.file) == path
        )
    elif what == "condition":
        test = debuggee.debugger.condition(value)
    elif what in ("step", "epoch") and value <= (recorder.steps if what == "step" else recorder.epochs):
        raise RequestFailedError("failed", f"runTo: {what} {value} has been reached already; go back to it")
    elif what == "step":
        test, far = (lambda event: event.step >= value), (lambda: recorder.steps < value - 1)
    elif what == "epoch":
        test, far = (lambda event: event.kind == "batch" and event.epoch >= value), (lambda: recorder.epochs < value)
    elif what == "batch":
        test = lambda event: event.kind == "batch" and event.batch == value  # noqa: E731
    else:
        target = Position(*value)
        test, far = stepping.reaches(target), (lambda: recorder.tick < target.tick - 1)
    _forward(debuggee, at, test, "goto", far)


def _forward(
    debuggee: Debuggee, at: Event, test: stepping.Test, reason: str = "step", far: Callable[[], bool] | None = None
) -> None:
    """To the next event that passes: in the recorded past while the cursor is there, else as the script runs on."""
    debuggee.element = None
    found = stepping.first(_after(debuggee, at), test)
    if found is not None:
        debuggee.place(found, reason)
    elif debuggee.ended:
        raise RequestFailedError("failed", "the script has ended; go back, fork, or restart it")
    else:
        debuggee.go(stepping.Plan(test, reason, far))


# ---- back ----


@handles("stepBack")
def _step_back(debuggee: Debuggee, arguments: dict[str, Any]) -> None:
    at, level = debuggee.require_stop(), _level(debuggee, arguments)
    if level == "element":
        _step_element(debuggee, at, -1)
        return
    debuggee.element = None
    _backward(debuggee, at, stepping.back(level, at), "step", level)


@handles("reverseContinue")
def _reverse_continue(debuggee: Debuggee, arguments: dict[str, Any]) -> None:
    at = debuggee.require_stop()
    debuggee.element = None
    _backward(debuggee, at, debuggee.debugger.would_stop, "breakpoint", "run", breakpoints=True)


def _backward(debuggee: Debuggee, at: Event, test: stepping.Test, reason: str, level: str, **more: Any) -> None:
    history = debuggee.debugger.history
    found = next((event for event in reversed(history) if event.seq < at.seq and test(event)), None)
    if found is None and history.complete and history.first is not None:
        found, reason = history.first, "entry"
    elif found is not None and reason == "breakpoint":
        debuggee.place_at_breakpoint(found)
        return
    if found is None:
        text = "that lies before the events that this process remembers; a replay goes there"
        known = None if more else _taped(debuggee, at, level)
        place = {"before": list(at.position)} if known is None else {"at": list(known)}
        raise RequestFailedError("beyondHistory", text, level=level, **place, **more)
    debuggee.place(found, reason)


def _taped(debuggee: Debuggee, at: Event, level: str) -> Position | None:
    """Where the tape, which knows passes and batches, says that a step back on ``level`` goes; None for finer levels."""
    codes = np.frombuffer(debuggee.recorder.tape.codes, np.uint32)[: at.position.tick - 1]
    if level == "epoch":
        ticks, fine = np.flatnonzero(codes == BEGIN_EPOCH), 0
    elif level == "batch" and (debuggee.recorder.batches >= 0 or not len(codes)):
        ticks, fine = np.flatnonzero(codes == BATCH), 0
    elif level == "batch":
        # Without a DataLoader the event after the end of a step ends a batch.
        ticks, fine = np.flatnonzero(codes == END_STEP), 1
    else:
        return None
    return Position(int(ticks[-1]) + 1, 0, fine) if len(ticks) else None


@handles("goto")
def _goto(debuggee: Debuggee, arguments: dict[str, Any]) -> None:
    debuggee.require_stop()
    history = debuggee.debugger.history
    if "seq" in arguments:
        found = history.get(arguments["seq"])
        if found is None:
            raise RequestFailedError("failed", f"goto: event {arguments['seq']} is not in the history")
    elif "position" in arguments:
        target = Position(*arguments["position"])
        last = history.last
        if last is not None and target > last.position:
            raise RequestFailedError("failed", f"goto: {target} has not happened yet; use runTo")
        first = history.first
        if first is None or target < first.position:
            text = "that lies before the events that this process remembers; a replay goes there"
            raise RequestFailedError("beyondHistory", text, at=list(target), level="op")
        found = next(event for event in history if event.position >= target)
    else:
        raise RequestFailedError("badArguments", "goto: give a position or a seq")
    debuggee.place(found, "goto")


def _after(debuggee: Debuggee, at: Event) -> list[Event]:
    """Recorded events after the cursor, up to where the script stands."""
    history = debuggee.debugger.history
    first = history.first
    if debuggee.live or first is None:
        return []
    return list(itertools.islice(history, at.seq - first.seq + 1, None))


# ---- elements ----


def _enter_element(debuggee: Debuggee, at: Event, arguments: dict[str, Any]) -> None:
    known = explainable(at)
    name = arguments.get("tensor") or next(iter(known), None)
    if name is None:
        raise RequestFailedError("failed", f"{at.name}: has no definition to step through")
    index = arguments.get("index")
    index = [0] * len(known.get(name, ())) if index is None else [index] if isinstance(index, int) else index
    steps = ElementSteps(at, name, tuple(index))
    debuggee.place(at, "step", (steps, 0), tensor=name, index=list(index))


def _step_element(debuggee: Debuggee, at: Event, by: int) -> None:
    if debuggee.element is None:
        _enter_element(debuggee, at, {})
        return
    steps, here = debuggee.element
    there = here + by
    element = (steps, there) if 0 <= there < len(steps) else None
    debuggee.place(at, "step", element, tensor=steps.name, index=list(steps.index))


def _level(debuggee: Debuggee, arguments: dict[str, Any]) -> str:
    """The level that a step is of: the one given, or that of where the cursor is."""
    level = arguments.get("granularity")
    if level is not None:
        return level
    if debuggee.element is not None:
        return "element"
    here = debuggee.require_stop().level
    return here if here in LEVELS else "op"
