"""Which recorded event holds the newest values of each node, up to any place in the run. No Qt.

Fed with the answers of the protocol's ``events``. Ops are found again by the same ids as in the protocol's ``graph``:
module, op and how often it has run in the pass; the backward of an op by going through its runs in reverse.

A pass lies between two batches or steps of an optimizer. Of a script that has neither, it begins behind the backward
pass before, with the first op that is on the tape.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from typing import Any

#: The kinds that are asked for.
KINDS = ["forward", "backward", "update", "batch", "epoch", "end_epoch", "end_step", "begin_backward"]
_BOUNDARIES = frozenset({"batch", "end_step", "epoch", "end_epoch"})


class EventLog:
    """The events of one process, by what they computed.

    Attributes:
        next: number of the first event that is not known yet.
        first: number of the first event that is known, of those that were asked for; None while none is.
        complete: whether there is none before it.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything: another run, or another process stands for it."""
        self.next = 0
        self.first: int | None = None
        self.complete = False
        self._positions: dict[int, list[int]] = {}
        self._found: dict[tuple[str, str], list[int]] = {}
        self._node_of: dict[int, str] = {}
        self._directions: list[int] = []
        self._direction_of: list[str] = []
        self._begins: list[int] = []
        self._passes: list[int] = []
        self._seen: dict[tuple[str, str], int] = {}
        self._runs: dict[tuple[str, str], list[tuple[str, tuple | None]]] = {}
        self._open: dict[tuple[str, str], list[tuple[str, tuple | None]]] = {}
        # The forward event, by the number that an op's forward and backward share; its backward events.
        self._functions: dict[int, int] = {}
        self._backward: dict[int, list[int]] = {}
        self._of_graph: dict[tuple[str, str], list[tuple[str, tuple | None]]] = {}
        self._gap = False
        #: Whether a batch or a step was seen; and whether the ops on the tape that follow begin a pass without one.
        self._bounded, self._begins_anew = False, True

    def fits(self, stop: dict[str, Any]) -> bool:
        """Whether ``stop`` can belong to the events that are known: its number then has the position known for it."""
        seq, position = stop.get("seq"), stop.get("position")
        known = self._positions.get(seq) if seq is not None else None
        return known is None or position is None or list(position) == known

    def has_ops(self, first: int) -> bool:
        """Whether an op from number ``first`` on is known."""
        return bool(self._directions) and self._directions[-1] >= first

    def extend(self, events: list[dict[str, Any]], first: int = 0) -> None:
        """Take in further events, in their order; ``first``: number of the oldest that is to be had."""
        if first > self.next:
            # The beginning of the pass is not known: ops are found by the graph alone.
            self._seen, self._runs, self._gap = {}, {}, True
        for event in events:
            if event["seq"] < self.next:
                continue
            self.next = event["seq"] + 1
            self.first = event["seq"] if self.first is None else self.first
            self._positions[event["seq"]] = list(event["position"])
            self._add(event)

    def _add(self, event: dict[str, Any]) -> None:
        kind, seq = event["kind"], event["seq"]
        if kind in ("forward", "backward", "update"):
            self._directions.append(seq)
            self._direction_of.append(kind)
            self._begins_anew |= kind == "backward"
        if kind in _BOUNDARIES:
            self._begin_pass(seq)
            self._bounded = True
        elif kind == "begin_backward":
            self._begins.append(seq)
            self._open = {key: list(runs) for key, runs in (self._of_graph if self._gap else self._runs).items()}
        elif kind == "forward":
            if self._begins_anew and not self._bounded and event.get("function") is not None:
                self._begin_pass(seq - 1)
            key = (event["module"] or "", event["name"])
            node = _numbered(key, self._seen)
            if event.get("function") is not None:
                self._functions[event["function"]] = seq
            self._runs.setdefault(key, []).append((node, _shape(event, "y")))
            self._note("forward", node, seq)
        elif kind == "backward" and event.get("function") in self._functions:
            forward = self._functions[event["function"]]
            self._backward.setdefault(forward, []).append(seq)
            self._note("backward", self._node_of[forward], seq)
        elif kind == "backward":
            runs = self._open.get((event["module"] or "", event["name"]), [])
            shape = _shape(event, "y")
            while runs:
                node, known = runs.pop()
                if shape is None or known == shape:
                    self._note("backward", node, seq)
                    break
        elif kind == "update":
            label = next((t.get("label") for t in event["tensors"] if t["name"] == "w"), None)
            if label:
                self._note("update", label, seq)

    def _begin_pass(self, at: int) -> None:
        """A pass begins behind event ``at``."""
        self._passes.append(at)
        self._seen, self._runs, self._gap = {}, {}, False
        self._begins_anew = False

    def bind(self, graph: dict[str, Any]) -> None:
        """Take over what ``graph`` calls its ops: one that an earlier pass has run may be numbered otherwise here."""
        self._of_graph = {}
        for node in graph["nodes"]:
            if node["kind"] != "op":
                continue
            shape = next((tuple(output["shape"]) for output in node["outputs"]), None)
            self._of_graph.setdefault((node["module"] or "", node["op"]), []).append((node["id"], shape))
            if node["event"] in self._node_of and self._node_of[node["event"]] != node["id"]:
                self._rename("forward", node["event"], node["id"])
                for seq in self._backward.get(node["event"], ()):
                    self._rename("backward", seq, node["id"])

    def _rename(self, what: str, seq: int, name: str) -> None:
        noted = self._found.get((what, self._node_of[seq]), [])
        if seq not in noted:
            return  # known as something else: two nodes of a graph may stand for one event
        noted.remove(seq)
        insort(self._found.setdefault((what, name), []), seq)
        self._node_of[seq] = name

    def _note(self, what: str, of: str, seq: int) -> None:
        self._found.setdefault((what, of), []).append(seq)
        self._node_of[seq] = of

    def newest(self, what: str, of: str, at: int) -> int | None:
        """Number of the newest "forward" or "backward" of a node, or "update" of a parameter, not after ``at``."""
        seqs = self._found.get((what, of), [])
        place = bisect_right(seqs, at)
        return seqs[place - 1] if place else None

    def node_of(self, seq: int | None) -> str | None:
        """The node (or for an update the parameter) that an event belongs to."""
        return None if seq is None else self._node_of.get(seq)

    def newest_direction(self, at: int) -> str:
        """Whether the newest op up to ``at`` was "forward", "backward" or "update"; "" before the first."""
        place = bisect_right(self._directions, at)
        return self._direction_of[place - 1] if place else ""

    def begun(self, at: int) -> int | None:
        """Number of the newest backward pass's beginning not after ``at``."""
        place = bisect_right(self._begins, at)
        return self._begins[place - 1] if place else None

    def pass_start(self, at: int) -> int:
        """Number of the boundary (batch, step, epoch) that the pass of ``at`` begins with; -1 before the first."""
        place = bisect_right(self._passes, at)
        # Standing at the boundary itself, or at an optimizer's, what lies before it is the pass.
        while place and self._passes[place - 1] == at:
            place, at = place - 1, at - 1
        return self._passes[place - 1] if place else -1


def _numbered(key: tuple[str, str], seen: dict[tuple[str, str], int]) -> str:
    seen[key] = seen.get(key, 0) + 1
    module, op = key
    name = f"{module}/{op}" if module else op
    return name if seen[key] == 1 else f"{name}#{seen[key]}"


def _shape(event: dict[str, Any], name: str) -> tuple | None:
    return next((tuple(t["shape"]) for t in event["tensors"] if t["name"] == name), None)
