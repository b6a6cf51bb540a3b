"""The events that a process remembers, by number, as the timeline draws them. No Qt."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

import numpy as np

#: Codes of what an event is drawn as.
NOTHING, FORWARD, LOSS, BACKWARD, UPDATE, ALARM = range(6)
HUES = ("", "forward", "loss", "backward", "update", "alarm")

_CODES = {"forward": FORWARD, "backward": BACKWARD, "gradient": BACKWARD, "update": UPDATE, "exception": ALARM}

#: Parts of op names by which a loss is known.
_LOSSES = ("CrossEntropy", "Error", "Loss", "NLL", "Divergence", "Hinge")


class Events:
    """Events by number, without gaps from ``first`` on.

    Attributes:
        first, last: numbers that the process remembers; None while nothing is known. next: the first not asked for.
        complete: whether it remembers everything from the start of the run.
        codes: what each is drawn as, from number ``first`` on.
        steps, batches, epochs: (number, text) of these marks. stops: numbers where the run has stood.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything: another process, another run."""
        self.first: int | None = None
        self.last: int | None = None
        self.next = 0
        self.complete = True
        self.stops: list[int] = []
        self.steps: list[tuple[int, str]] = []
        self.batches: list[tuple[int, str]] = []
        self.epochs: list[tuple[int, str]] = []
        self._events: dict[int, dict[str, Any]] = {}
        self._codes = np.zeros(1024, np.uint8)
        self._base = 0

    def fits(self, stop: dict[str, Any]) -> bool:
        """Whether ``stop`` can belong to these events: its number then has the position known for it."""
        known = self._events.get(stop.get("seq"))  # type: ignore[arg-type]
        position = stop.get("position")
        return known is None or position is None or list(position) == list(known["position"])

    def visit(self, stop: dict[str, Any]) -> None:
        """Remember that the run has stood here, not only the cursor."""
        seq = stop.get("seq")
        if seq is not None and stop.get("live", True) and seq not in self.stops:
            self.stops.append(seq)

    def extend(self, body: dict[str, Any]) -> int:
        """Take in an answer to ``events``; returns how many were new."""
        fresh = 0
        for event in body["events"]:
            if event["seq"] >= self.next:
                self._add(event)
                fresh += 1
        if body.get("first") is not None:
            known = next(iter(self._events), body["first"])
            self.first = max(body["first"], known) if self.first is None else max(self.first, body["first"])
            self.last = max(self.next - 1, self.last or 0)
        self.complete = bool(body.get("complete", True))
        self._drop()
        return fresh

    def _add(self, event: dict[str, Any]) -> None:
        seq, kind = event["seq"], event["kind"]
        if not self._events:
            self._base = seq
        self._events[seq] = {name: event.get(name) for name in ("position", "kind", "description", "file", "line", "step")}
        place = seq - self._base
        if place >= len(self._codes):
            self._codes = np.concatenate([self._codes, np.zeros(max(len(self._codes), place + 1), np.uint8)])
        code = _CODES.get(kind, NOTHING)
        loss = any(part in event["name"] for part in _LOSSES)
        self._codes[place] = LOSS if code == FORWARD and loss else code
        if kind == "end_step":
            self.steps.append((seq, str(event["step"])))
        elif kind == "batch" and event["name"] != "step":
            self.batches.append((seq, str(event["batch"])))
        elif kind == "epoch":
            self.epochs.append((seq, str(event["epoch"])))
        self.next = seq + 1

    def _drop(self) -> None:
        """Forget what the process has forgotten."""
        if self.first is None or not self._events or next(iter(self._events)) >= self.first:
            return
        for seq in [seq for seq in self._events if seq < self.first]:
            del self._events[seq]
        for name in ("steps", "batches", "epochs"):
            marks = getattr(self, name)
            setattr(self, name, marks[bisect_left(marks, (self.first, "")) :])
        self.stops = [seq for seq in self.stops if seq >= self.first]

    def codes(self, start: int, end: int) -> np.ndarray:
        """What the events ``start`` to ``end`` - 1 are drawn as; nothing where none is known."""
        found = np.zeros(max(0, end - start), np.uint8)
        low, high = max(start, self.first or 0, self._base), min(end, self.next)
        if high > low:
            found[low - start : high - start] = self._codes[low - self._base : high - self._base]
        return found

    def describe(self, seq: int) -> str:
        """One line about an event."""
        event = self._events.get(seq)
        if event is None:
            return ""
        place = ".".join(map(str, event["position"]))
        return f"{event['description']}\nevent {seq} · step {event['step']} · position {place}"

    def line_of(self, seq: int) -> tuple[str | None, int | None]:
        event = self._events.get(seq) or {}
        return event.get("file"), event.get("line")

    def lines(self) -> list[tuple[int, str | None, int | None]]:
        """(number, file, line) of the lines that ran."""
        return [(seq, e["file"], e["line"]) for seq, e in self._events.items() if e["kind"] == "line"]

    def at_position(self, position: list[int]) -> int | None:
        """Number of the newest event not after a position; None where that lies outside."""
        found = [seq for seq, event in self._events.items() if list(event["position"]) <= list(position)]
        inside = found and max(found) < self.next - 1
        return max(found) if inside or (found and list(self._events[max(found)]["position"]) == list(position)) else None

    def earlier(self, share: float) -> list[int] | None:
        """A position before the first event that is remembered; None where there is none."""
        if self.complete or self.first is None or self.first not in self._events:
            return None
        tick = self._events[self.first]["position"][0]
        return [max(0, min(tick - 1, int(share * tick))), 0, 0] if tick > 0 else None

    def summary(self, stop: dict[str, Any]) -> str:
        """What the head says: where the cursor is in how much."""
        if self.first is None or stop.get("seq") is None:
            return ""
        where = "" if stop.get("live", True) else " · in the past"
        return f"event {stop['seq']:,} of {self.first:,} to {self.next - 1:,}{where}"


def forks(runs: list[dict[str, Any]], events: Events) -> list[tuple[int, str]]:
    """(number, name) where runs were forked from the current one."""
    current = next((run for run in runs if run.get("current")), None)
    if current is None:
        return []
    found = []
    for run in runs:
        position = run.get("forkedAt") or run.get("forked_at")
        related = run.get("parent") in (current.get("name"), current.get("number")) or run is current
        if position is not None and related:
            seq = events.at_position(list(position))
            if seq is not None:
                found.append((seq, str(run.get("name"))))
    return found


def hits(breakpoints: dict[str, list[dict[str, Any]]], events: Events) -> list[int]:
    """Numbers of the events at lines with a breakpoint."""
    wanted = {(path, point.get("line")) for path, points in breakpoints.items() for point in points}
    return [seq for seq, file, line in events.lines() if (file, line) in wanted] if wanted else []
