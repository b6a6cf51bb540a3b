"""The same array in another run: the event that computed it there at the same place, or in the same step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

#: Events that are asked for at once, and how often more are asked for.
PAGE, PAGES = 2000, 50

#: Kinds of events whose arrays have a counterpart.
KINDS = ("forward", "backward", "update")

_GONE = "its history does not reach back to there; switch to it and go back to that step"

Event = Mapping[str, Any]


class Ask(Protocol):
    """Asks the engine; ``run``: another run than the current one."""

    def __call__(
        self, command: str, arguments: dict[str, Any], then: Callable[[dict[str, Any]], object], run: int | None = None
    ) -> object: ...


def same_op(a: Event, b: Event) -> bool:
    """Whether two events are of one op, module and kind."""
    return all(a[key] == b[key] for key in ("kind", "name", "module"))


def has(event: Event, name: str, label: str | None) -> bool:
    """Whether an event has an array of that name that belongs to that parameter (None: to none)."""
    return any(tensor["name"] == name and tensor.get("label") == label for tensor in event["tensors"])


def label_in(event: Event, name: str) -> str | None:
    """The parameter that the array ``name`` of an event is."""
    return next((tensor.get("label") for tensor in event["tensors"] if tensor["name"] == name), None)


def counterpart(own: Event, mine: Sequence[Event], theirs: Sequence[Event], name: str) -> Event | None:
    """Which of the events ``theirs`` of another run is what ``own``, one of ``mine``, is in this one.

    That is the one at the same position; where the runs do not go the same way (other parameters), the one that comes at
    the same turn among the events of its op in the same step.
    """
    label = label_in(own, name)

    def alike(event: Event) -> bool:
        return same_op(event, own) and event["step"] == own["step"] and has(event, name, label)

    candidates = [event for event in theirs if alike(event)]
    for event in candidates:
        if list(event["position"]) == list(own["position"]):
            return event
    before = sum(alike(event) and event["seq"] < own["seq"] for event in mine)
    return candidates[before] if before < len(candidates) else None


def events_of_step(
    step: int, kinds: Sequence[str], ask: Ask, then: Callable[[list[Event], str], object], run: int | None = None
) -> None:
    """The events of a step, oldest first; ``then`` gets them, and where there are none, why."""
    gathered: list[Event] = []
    pages = 0

    def answered(body: dict[str, Any]) -> None:
        nonlocal pages
        pages += 1
        events = body["events"]
        last = events[-1]["step"] if events else 0
        gathered.extend(event for event in events if event["step"] == step)
        if pages == 1 and (not events or last < step):
            then([], f"it has come to step {last + 1:,}; switch to it and run it to step {step + 1:,}")
        elif pages == 1 and len(events) == PAGE and events[0]["step"] >= step:
            gathered.clear()
            more(body["first"])  # the newest events lie behind that step
        elif pages > 1 and len(events) == PAGE and last <= step and pages < PAGES:
            more(events[-1]["seq"] + 1)
        else:
            then(gathered, "" if gathered else _GONE)

    def more(start: int) -> None:
        ask("events", {"kinds": list(kinds), "count": PAGE, "from": start}, answered, run)

    ask("events", {"kinds": list(kinds), "count": PAGE}, answered, run)


def find(
    own: Event, name: str, run: int, ask: Ask, found: Callable[[Event], object], missing: Callable[[str], object]
) -> None:
    """Look for the counterpart of array ``name`` of event ``own`` in ``run``; ``missing`` is told why there is none."""

    def with_mine(mine: list[Event], _why: str) -> None:
        def with_theirs(theirs: list[Event], why: str) -> None:
            event = counterpart(own, mine, theirs, name)
            if event is not None:
                found(event)
            else:
                what = f"{own['kind']} of {own['name']}"
                if theirs and list(theirs[-1]["position"]) < list(own["position"]):
                    why = f"it has not come to this {what} yet; switch to it and step on"
                missing(why or f"it has no {what} in step {own['step'] + 1:,} that is the same one")

        events_of_step(own["step"], (own["kind"],), ask, with_theirs, run)

    events_of_step(own["step"], (own["kind"],), ask, with_mine)
