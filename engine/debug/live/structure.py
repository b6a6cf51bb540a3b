"""The structure of a step: which ops run, in which order, under which names. Found once by watching a step closely."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any, NamedTuple

from engine.debug.events import Event
from engine.debug.history import History
from engine.debug.names import Names
from engine.debug.views import graph
from engine.debug.views.op_ids import op_id

#: Between these an op's place in a row is counted, as in the protocol's graph.
_BOUNDARIES = frozenset({"batch", "end_step", "epoch", "end_epoch"})

#: What an array is of: the kind of its event ("forward", "backward", "update"), and the node's or parameter's name.
Place = tuple[str, str]


class Op(NamedTuple):
    """An op that runs forward in the step: its node in the graph, and its class by name."""

    node: str
    name: str


class Structure:
    """Of one step.

    Args:
        events: of the step, in their order, as a :class:`~engine.debug.watching.Watcher` makes them.
        names: of modules and parameters.

    Attributes:
        ops: those that ran forward, in their order.
        graph: body of the protocol's ``graph``.
        events: the events, as of the protocol's ``events``.
        optimizer: whose step has ended it; None where that is not known.
    """

    def __init__(self, events: list[Event], names: Names) -> None:
        from engine.debug.requests.run import summary

        self.places = places(events)
        self.ops = [Op(self.places[e.seq][1], e.name) for e in events if e.kind == "forward"]
        self.graph = graph.from_events(events, names)
        self.events = [summary(event) for event in events]
        self.optimizer: Any = next((e.details.get("optimizer") for e in events if e.kind == "update"), None)


#: Events of the newest past that references may be to.
_MOST = 4000


def newest_places(history: History, upto: int | None = None) -> dict[int, Place]:
    """:func:`places` of the newest recorded steps; of those up to event ``upto``."""
    newest = (event for event in reversed(history) if upto is None or event.seq <= upto)
    events = list(islice(newest, _MOST))[::-1]
    whole = history.complete and bool(events) and events[0] is history.first
    start = 0 if whole else next((i for i, event in enumerate(events) if event.kind in _BOUNDARIES), len(events))
    return places(events[start:])


def places(events: Iterable[Event]) -> dict[int, Place]:
    """For each op event, by its number, what its arrays are of."""
    found: dict[int, Place] = {}
    # As in the graph: ops that are not on the tape take no names away from those that are.
    seen: tuple[dict[tuple[str, str], int], ...] = {}, {}
    nodes: dict[int, str] = {}
    for event in events:
        if event.kind in _BOUNDARIES:
            seen = {}, {}
        elif event.kind == "forward":
            beside = event.function is not None and event.function.seq < 0
            node = op_id(event.module, event.name, seen[beside]) + " without gradient" * beside
            found[event.seq] = "forward", node
            nodes[_tape_place(event)] = node
        elif event.kind == "backward":
            node = nodes.get(_tape_place(event))
            if node is not None:
                found[event.seq] = "backward", node
        elif event.kind == "update" and event.details.get("parameter"):
            found[event.seq] = "update", event.details["parameter"]
    return found


def _tape_place(event: Event) -> int:
    """The op's number on the tape, which forward and backward share."""
    return event.function.seq if event.function is not None else -1
