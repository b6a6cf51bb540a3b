"""Which of the recorded ops make up a pass: forward, then backward."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from engine.debug.events import Event
from engine.debug.memory import ARRAYS

#: Ops of earlier passes that a pass may go back to.
MOST_ANCESTORS = 2000

#: Events between which a pass lies.
_BOUNDARIES = frozenset({"batch", "end_step", "epoch", "end_epoch"})

#: Events of a backward pass.
_BACKWARD = frozenset({"begin_backward", "backward", "end_backward"})


def newest_pass(events: list[Event]) -> tuple[list[Event], list[np.ndarray], Event | None, bool]:
    """(forward events, arrays where backward began, the batch's event or None, whether backward has begun).

    The pass ends where the newest backward began and reaches back to the batch, epoch or optimizer step before it. Where
    there is none, because the script updates its weights by hand, it begins behind the backward pass before, with the
    first op that is on the tape.
    """
    begins = [i for i, event in enumerate(events) if event.kind == "begin_backward"]
    end = begins[-1] if begins else len(events)
    start = next((i for i in range(end - 1, -1, -1) if events[i].kind in _BOUNDARIES), -1)
    if not begins:
        # Standing at the boundary itself: what lies before it is the newest.
        while start == end - 1 and start >= 0:
            end = start
            start = next((i for i in range(end - 1, -1, -1) if events[i].kind in _BOUNDARIES), -1)
    if start < 0:
        start = _by_hand(events, end)
    ops = [event for event in events[start + 1 : end] if event.kind == "forward" and event.function is not None]
    if not begins and end < len(events) and not any(event.module or _is_taped(event) for event in ops):
        ops = []  # what a dataset did to make the first batch is no network
    batch = events[start] if start >= 0 and events[start].kind == "batch" else None
    return ops, [array for i in begins[-1:] for array in arrays_of(events[i].arrays)], batch, bool(begins)


def _by_hand(events: list[Event], end: int) -> int:
    """Number of the event before the pass that ends at ``end``, where nothing but its ops tell where it begins."""
    behind = next((i for i in range(end - 1, -1, -1) if events[i].kind in _BACKWARD), -1)
    taped = (i for i in range(behind + 1, end) if _is_taped(events[i]))
    return next(taped, behind + 1) - 1


def _is_taped(event: Event) -> bool:
    return event.kind == "forward" and event.function is not None and event.function.seq >= 0


def with_ancestors(ops: list[Event], events: list[Event], roots: list[np.ndarray]) -> list[Event]:
    """``ops`` and those of earlier passes that the tape says they come from: a generator's, before its critic's step.

    Where ``roots`` are known only what these depend on is followed: an op that prints an element of the last prediction
    does not make the pass before it a part of this one.
    """
    known = {event.function.seq for event in ops if event.function is not None}
    waiting = _missing(_behind(ops, roots), known)
    if not waiting:
        return ops
    earlier = {e.function.seq: e for e in events if e.kind == "forward" and e.function is not None and e.function.seq >= 0}
    found: list[Event] = []
    while waiting and len(found) < MOST_ANCESTORS:
        several = [earlier[seq] for seq in waiting if seq in earlier]
        known.update(waiting)
        found += several
        waiting = _missing(several, known)
    return sorted([*found, *ops], key=lambda event: event.seq)


def _behind(ops: list[Event], roots: list[np.ndarray]) -> list[Event]:
    """Those of ``ops`` that the tape says ``roots`` depend on; all where none of them made a root."""
    made = {id(root) for root in roots}
    read: set[int] = set()
    found = []
    for event in reversed(ops):
        function = event.function
        if function is None or function.seq < 0:
            continue
        outputs = {name: value for name, value in event.arrays.items() if is_output(name, function)}
        if function.seq in read or any(id(array) in made for array in arrays_of(outputs)):
            found.append(event)
            read.update(link[0].seq for link in function.edges if link is not None and link[1] >= 0)
    return found or ops


def _missing(ops: list[Event], known: set[int]) -> set[int]:
    links = (link for event in ops if event.function is not None for link in event.function.edges)
    return {link[0].seq for link in links if link is not None and link[1] >= 0} - known


def is_cut(events: list[Event], ops: list[Event], complete: bool) -> bool:
    """Whether the events do not hold a whole pass, but begin in the middle of the run."""
    if not events or events[0].seq == 0:
        return False
    bounds = _BOUNDARIES if any(event.kind in _BOUNDARIES for event in events) else _BACKWARD
    return not complete or not any(event.kind in bounds and event.seq < ops[0].seq for event in events if ops)


def under_way(events: list[Event]) -> list[Event]:
    """The ops of a pass that has begun after the newest backward, as far as a loss may come to depend on them.

    These are on the tape, give out fractions, and run in a module or are read by such an op: a script that prints an
    element of a weight runs ops, too.
    """
    found: list[Event] = []
    read: set[int] = set()
    for event in reversed(events):
        if event.kind in _BOUNDARIES:
            return found[::-1]
        if event.kind == "begin_backward":
            return []
        function = event.function
        if event.kind != "forward" or function is None or function.seq < 0 or not _is_smooth(event):
            continue
        if event.module or function.seq in read:
            found.append(event)
            read.update(link[0].seq for link in function.edges if link is not None and link[1] >= 0)
    return []


def _is_smooth(event: Event) -> bool:
    """Whether an op gives out numbers that a loss can depend on."""
    made = (value for name, value in event.arrays.items() if name == "y" or is_numbered_output(name))
    return any(isinstance(value, ARRAYS) and value.dtype.kind in "fc" for value in made)


def arrays_of(named: dict[str, Any]) -> Iterator[np.ndarray]:
    for _, array in parts(named):
        yield array


def parts(named: dict[str, Any]) -> Iterator[tuple[str, np.ndarray]]:
    for name, value in named.items():
        if isinstance(value, ARRAYS):
            yield name, value
        elif isinstance(value, tuple):
            yield from ((f"{name}[{i}]", part) for i, part in enumerate(value) if isinstance(part, ARRAYS))


def is_output(name: str, function: Any) -> bool:
    """Whether an array of a forward event is something that its function gives out."""
    return name in function.returns or is_numbered_output(name)


def is_numbered_output(name: str) -> bool:
    return name[:1] == "y" and name[1:].isdecimal()
