"""Where findings stand on the timeline: at the event at which the engine says that they show. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gui.timeline.marks import Events

#: Asks the engine: ``ask(slot, command, arguments, then, otherwise)``.
Ask = Callable[[str, str, dict[str, Any], Callable[[dict[str, Any]], object], Callable[[str], object]], object]


class Alarms:
    """Args:
        changed: is called when another place has become known.
    """

    def __init__(self, events: Events, ask: Ask, changed: Callable[[], object]) -> None:
        self._events, self._ask, self._changed = events, ask, changed
        #: By finding: its event (None: the history has none), and how far the events went then.
        self._found: dict[tuple, tuple[int | None, int]] = {}
        self._awaited: set[tuple] = set()

    def clear(self) -> None:
        """Other events have these numbers now."""
        self._found.clear()
        self._awaited.clear()

    def places(self, findings: list[dict[str, Any]]) -> list[tuple[int, str]]:
        """(number, title) of the findings whose steps are remembered; without an event there it is the step's last one."""
        found = []
        for finding in findings:
            place = finding.get("place") or {}
            last = None if place.get("step") is None else self._events.of_step(int(place["step"]))
            if last is None:
                continue
            key = (finding.get("id"), *sorted(place.items()))
            seq, known = self._found.get(key, (None, -1))
            if seq is None and (known < 0 or (known <= last and known != self._events.next)):
                self._look_for(key, finding)
                seq, known = self._found.get(key, (seq, known))
            if known >= 0:
                found.append((last if seq is None else seq, str(finding.get("title", ""))))
        return found

    def _look_for(self, key: tuple, finding: dict[str, Any]) -> None:
        if key in self._awaited:
            return
        self._awaited.add(key)
        upto = self._events.next

        def take(seq: int | None) -> None:
            if key in self._awaited:
                self._awaited.discard(key)
                self._found[key] = seq, upto
                self._changed()

        answered = lambda body: take(body["event"])  # noqa: E731
        self._ask(f"finding {key}", "locateFinding", {"finding": finding}, answered, lambda _: take(None))
