"""What a step is on each level: which of the events to come it stops at, and which of the past a step back goes to.

A step is a test of events, so it goes the same way through the recorded past as through what runs now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from engine.debug.events import Event, Position

Test = Callable[[Event], bool]

#: Kinds of events that a step over on a level stops at.
STOPS = {
    "epoch": frozenset({"epoch"}),
    "batch": frozenset({"batch"}),
    "line": frozenset({"line"}),
    "module": frozenset({"enter", "exit"}),
    "op": frozenset({"forward", "backward", "update"}),
}

#: A step on any level ends where one of these happens.
ALWAYS = frozenset({"exception", "end"})


@dataclass
class Plan:
    """When to stop next.

    Attributes:
        stops: the test of what comes; None lets the script run until a breakpoint stops it.
        reason: of the stop, in the words of the Debug Adapter Protocol.
        far: says, at each tick, whether what the plan waits for is still so far away that nothing need be watched
            closely.
    """

    stops: Test | None = None
    reason: str = "step"
    far: Callable[[], bool] | None = None


def running() -> Plan:
    """No stop but at breakpoints."""
    return Plan()


def pause() -> Plan:
    """The next thing that happens."""
    return Plan(lambda event: event.level != "detail", "pause")


def over(level: str, at: Event) -> Test:
    """The next stop on ``level`` that is not inside of what comes now."""
    if level == "line":
        depth = at.frames
        return lambda event: event.kind == "line" and event.frames <= depth
    if level == "module":
        module = at.module if at.direction in ("backward", "update") else None

        def ends(event: Event) -> bool:
            if event.kind == "exit":
                return event.depth <= at.depth
            # The way back and the update enter no modules: there a change of module is a step.
            return event.kind in ("backward", "update") and event.module != module

        return ends
    kinds = STOPS.get(level, frozenset())
    return lambda event: event.kind in kinds


def into(level: str) -> Test:
    """The next stop one level finer than ``level``."""
    kinds = {
        "run": STOPS["epoch"],
        "epoch": STOPS["batch"],
        "batch": STOPS["line"],
        "line": STOPS["line"] | STOPS["op"],
        "module": STOPS["module"] | STOPS["op"],
    }.get(level, STOPS["op"])
    return lambda event: event.kind in kinds


def out(level: str, at: Event) -> Test:
    """The end of what is at work around ``at``, one level coarser."""
    if level in ("op", "module"):
        if at.direction in ("backward", "update"):
            end = "end_backward" if at.direction == "backward" else "end_step"
            return lambda event: event.kind == end
        if at.depth:
            return lambda event: event.kind == "exit" and event.depth < at.depth
        return lambda event: event.kind == "line"
    if level == "line":
        return lambda event: event.kind == "line" and event.frames < at.frames
    kinds = STOPS["epoch"] if level == "batch" else frozenset()
    return lambda event: event.kind in kinds


def back(level: str, at: Event) -> Test:
    """Where a step back on ``level`` from ``at`` goes: the newest event before it that passes."""
    if level == "line":
        return lambda event: event.kind == "line" and (at.kind != "line" or event.frames <= at.frames)
    if level == "module":
        return lambda event: event.kind in STOPS["module"] and event.depth <= at.depth
    kinds = STOPS.get(level, frozenset())
    return lambda event: event.kind in kinds


def first(events: Iterable[Event], test: Test) -> Event | None:
    """The first of ``events`` that passes, or at which any step ends."""
    return next((event for event in events if test(event) or event.kind in ALWAYS), None)


def reaches(target: Position) -> Test:
    """``target``, or should it not come, what follows it."""
    return lambda event: event.position >= target
