"""The events that a process remembers, by number, as the timeline draws them. No Qt."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Any

import numpy as np

from gui.state import is_loss
from gui.steps import step_number

#: Codes of what an event is drawn as.
NOTHING, FORWARD, LOSS, BACKWARD, UPDATE, ALARM = range(6)
HUES = ("", "forward", "loss", "backward", "update", "alarm")

_CODES = {"forward": FORWARD, "backward": BACKWARD, "gradient": BACKWARD, "update": UPDATE, "exception": ALARM}

#: What is kept of an event, and in how many forgotten ones the room for them is given back.
_FIELDS = ("kind", "name", "module", "description", "file", "line", "epoch", "batch", "step")
_SLACK = 20_000


class Events:
    """Events by number, without gaps from ``first`` on.

    Attributes:
        first, last: numbers that the process remembers; None while nothing is known. next: the first not asked for.
        complete: whether it remembers everything from the start of the run.
        version: another one after each change.
        steps, batches, epochs: (number, text) of these marks. stops: numbers where the run has stood, in that order.
    """

    def __init__(self) -> None:
        self.version = 0
        self.clear()

    def clear(self) -> None:
        """Forget everything: another process, another run."""
        self.version += 1
        self.first: int | None = None
        self.last: int | None = None
        self.next = 0
        self.complete = True
        self.stops: dict[int, None] = {}
        self.steps: list[tuple[int, str]] = []
        self.batches: list[tuple[int, str]] = []
        self.epochs: list[tuple[int, str]] = []
        self._base = 0
        self._events: list[dict[str, Any]] = []
        self._positions: list[tuple[int, ...]] = []
        self._codes = np.zeros(1024, np.uint8)
        self._lines: dict[tuple[str, int], list[int]] = {}

    def get(self, seq: int | None) -> dict[str, Any] | None:
        """What is kept of an event that the process remembers."""
        if seq is None or self.first is None or not max(self.first, self._base) <= seq < self.next:
            return None
        place = seq - self._base
        return self._events[place] if place < len(self._events) else None

    def fits(self, stop: dict[str, Any]) -> bool:
        """Whether ``stop`` can belong to these events: its number then has the position known for it, or, behind them all,
        one that is not before theirs, as where another process has run up to a place before.
        """
        seq, position = stop.get("seq"), stop.get("position")
        if seq is None or position is None or not self._events:
            return True
        if seq >= self.next:
            return tuple(position) >= self._positions[-1]
        return self.get(seq) is None or tuple(position) == self._positions[seq - self._base]

    def visit(self, stop: dict[str, Any]) -> None:
        """Remember that the run has stood here, not only the cursor."""
        seq = stop.get("seq")
        if seq is not None and stop.get("live", True) and seq not in self.stops:
            self.stops[seq] = None
            self.version += 1

    def extend(self, body: dict[str, Any]) -> int:
        """Take in an answer to ``events``; returns how many were new."""
        fresh = [event for event in body["events"] if event["seq"] >= self.next]
        for event in fresh:
            if self._events and event["seq"] != self.next:
                self.clear()  # events were passed over while the script ran freely: one cannot go to those before
            self._add(event)
        before = self.first, self.complete
        if body.get("first") is not None:
            first = max(body["first"], self._base) if self._events else body["first"]
            self.first = first if self.first is None else max(self.first, first)
            self.last = max(self.next - 1, self.last or 0)
        # Of a long history only the newest part is asked for.
        asked = not self._events or body.get("first") is None or self._base <= body["first"]
        self.complete = bool(body.get("complete", True)) and asked
        if fresh or before != (self.first, self.complete):
            self.version += 1
            self._drop()
        return len(fresh)

    def _add(self, event: dict[str, Any]) -> None:
        seq, kind = event["seq"], event["kind"]
        if not self._events:
            self._base = seq
        self._events.append({name: event.get(name) for name in _FIELDS})
        self._positions.append(tuple(event["position"]))
        place = seq - self._base
        if place >= len(self._codes):
            self._codes = np.concatenate([self._codes, np.zeros(max(len(self._codes), place + 1), np.uint8)])
        code = _CODES.get(kind, NOTHING)
        self._codes[place] = LOSS if code == FORWARD and is_loss(event["name"]) else code
        if kind == "end_step":
            self.steps.append((seq, f"{event['step'] + 1:,}"))  # where one ends, the next begins
        elif kind == "batch" and event["name"] != "step":
            self.batches.append((seq, str(event["batch"] + 1)))
        elif kind == "epoch":
            self.epochs.append((seq, str(event["epoch"])))
        elif kind == "line" and event.get("file"):
            self._lines.setdefault((event["file"], event["line"]), []).append(seq)
        self.next = seq + 1

    def _drop(self) -> None:
        """Forget what the process has forgotten."""
        if self.first is None:
            return
        for name in ("steps", "batches", "epochs"):
            marks = getattr(self, name)
            if marks and marks[0][0] < self.first:
                setattr(self, name, marks[bisect_left(marks, (self.first, "")) :])
        gone = self.first - self._base
        if gone > _SLACK or gone >= len(self._events):
            gone = min(gone, len(self._events))
            del self._events[:gone], self._positions[:gone]
            self._codes = self._codes[gone:].copy() if gone < len(self._codes) else np.zeros(1024, np.uint8)
            self._base += gone
            self._lines = {
                key: kept for key, seqs in self._lines.items() if (kept := seqs[bisect_left(seqs, self._base) :])
            }
        self.stops = {seq: None for seq in self.stops if seq >= self.first}

    def drawn_near(self, seq: int, reach: int) -> int:
        """The nearest event that the lanes show at most ``reach`` away; ``seq`` itself where there is none."""
        found = np.flatnonzero(self.codes(seq - reach, seq + reach + 1) != NOTHING) - reach
        return seq + int(found[np.abs(found).argmin()]) if found.size else seq

    def codes(self, start: int, end: int) -> np.ndarray:
        """What the events ``start`` to ``end`` - 1 are drawn as; nothing where none is known."""
        found = np.zeros(max(0, end - start), np.uint8)
        low, high = max(start, self.first or 0, self._base), min(end, self.next)
        if high > low:
            found[low - start : high - start] = self._codes[low - self._base : high - self._base]
        return found

    def describe(self, seq: int) -> str:
        """One line about an event: in which step, what, in which module and phase."""
        event = self.get(seq)
        if event is None:
            return ""
        code = HUES[int(self._codes[seq - self._base])]
        # What the description says already would only take the room of what comes after it.
        said = event["description"]
        module = event["module"] if event["module"] and f'"{event["module"]}"' not in said else ""
        parts = [f"step {step_number(event):,}", said, f"module {module}" if module else "", "" if code in said else code]
        return " · ".join(part for part in (*parts, f"event {seq:,}") if part)

    def tip(self, seq: int) -> str:
        """The same in two lines, with epoch, batch and position."""
        event = self.get(seq)
        if event is None:
            return ""
        counted = [f"epoch {event['epoch']}"] if event["epoch"] else []
        counted += [f"batch {event['batch'] + 1}"] if (event["batch"] or 0) >= 0 and event["epoch"] else []
        place = ".".join(map(str, self._positions[seq - self._base]))
        return self.describe(seq) + "\n" + " · ".join([*counted, f"position {place}"])

    def at_line(self, file: str, line: int) -> list[int]:
        """Numbers of the events at which a line ran."""
        seqs = self._lines.get((file, line), [])
        return seqs[bisect_left(seqs, self.first or 0) :]

    def at_position(self, position: list[int]) -> int | None:
        """Number of the newest event not after a position; None where that lies outside."""
        if self.first is None or not self._positions:
            return None
        wanted = tuple(position)
        place = bisect_right(self._positions, wanted) - 1
        seq = self._base + place
        if place < 0 or seq < self.first:
            return None
        return seq if seq < self.next - 1 or self._positions[place] == wanted else None

    def of_step(self, step: int) -> int | None:
        """The last event of step number ``step`` (from 0); None where the step is not remembered."""
        low = bisect_left(self._events, step, key=lambda event: event["step"] or 0) + self._base
        high = bisect_right(self._events, step, key=lambda event: event["step"] or 0) + self._base
        return None if self.first is None or high <= max(low, self.first or 0) else high - 1

    def step_at(self, seq: int | None) -> int:
        """How many optimizer steps had ended at an event."""
        event = self.get(seq)
        return 0 if event is None else int(event["step"] or 0)

    def step_beside(self, seq: int, forward: bool) -> int | None:
        """The end of the next step after an event, or of the last one before it."""
        place = bisect_right(self.steps, (seq, "~")) if forward else bisect_left(self.steps, (seq, "")) - 1
        return self.steps[place][0] if 0 <= place < len(self.steps) else None

    def summary(self, stop: dict[str, Any]) -> str:
        """What the head says: where the cursor is in how much."""
        if self.first is None or stop.get("seq") is None:
            return ""
        where = "" if stop.get("live", True) else " · in the past"
        if self.next - 1 <= self.first:
            return "nothing has been computed yet" if self.first == 0 else f"event {self.first:,}{where}"
        return f"event {stop['seq']:,}{where} · kept: {self.first:,} to {self.next - 1:,}"


def forks(runs: list[dict[str, Any]], events: Events) -> list[tuple[int, str]]:
    """(number, name) where runs were forked from the current one."""
    current = next((run for run in runs if run.get("current")), None)
    if current is None:
        return []
    found = []
    for run in runs:
        position = run.get("forkedAt")
        related = run.get("parent") == current["number"] or run is current
        if position is not None and related:
            seq = events.at_position(list(position))
            if seq is not None:
                found.append((seq, str(run.get("name"))))
    return found


def hits(breakpoints: dict[str, list[dict[str, Any]]], events: Events) -> list[int]:
    """Numbers of the events at lines with a breakpoint that stops there; where it has a condition or counts hits, of those
    at which the run has stood.
    """
    found: set[int] = set()
    for path, points in breakpoints.items():
        for point in points:
            if point.get("line") is None or point.get("enabled") is False or point.get("logMessage"):
                continue
            seqs = events.at_line(path, point["line"])
            gated = point.get("condition") or point.get("hitCondition")
            found.update(seq for seq in seqs if not gated or seq in events.stops)
    return sorted(found)
