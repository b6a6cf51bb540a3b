"""Which recorded event holds the newest values of each node, up to any place in the run. No Qt.

Fed with the answers of the protocol's ``events``. Ops are found again by the same ids as in the protocol's ``graph``:
module, op and how often it has run in the pass; the backward of an op by going through its runs in reverse. Where a pass
begins says :class:`~gui.network.passes.Passes`; what is not to be found by counting,
:class:`~gui.network.follower.Follower`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Set
from typing import Any

from gui.network.follower import Follower, Key, Shape, output_shape
from gui.network.passes import Passes

#: The kinds that are asked for.
KINDS = ["forward", "backward", "update", "batch", "epoch", "end_epoch", "end_step", "begin_backward"]
_BOUNDARIES = frozenset({"batch", "end_step", "epoch", "end_epoch"})


class EventLog:
    """The events of one process, by what they computed.

    Attributes:
        next: number of the first event that is not known yet.
        first: number of the first event that is known, of those that were asked for; None while none is.
        complete: whether there is none before it.
        passes: where passes begin.
    """

    def __init__(self) -> None:
        self._follower = Follower()
        self.clear()

    def clear(self) -> None:
        """Forget everything: another run, or another process stands for it."""
        self.next = 0
        self.first: int | None = None
        self.complete = False
        self.passes = Passes()
        self._positions: dict[int, list[int]] = {}
        self._found: dict[tuple[str, str], list[int]] = {}
        self._node_of: dict[int, str] = {}
        self._step_of: dict[int, int] = {}
        self._samples_of: dict[int, int] = {}
        self._directions: list[int] = []
        self._direction_of: list[str] = []
        self._begins: list[int] = []
        self._batches: list[int] = []
        self._arrays: list[dict[str, tuple[int, ...]]] = []
        self._seen: dict[Key, int] = {}
        self._runs: dict[Key, list[tuple[str, Shape]]] = {}
        self._open: dict[Key, list[tuple[str, Shape]]] = {}
        # The forward event, by the number that an op's forward and backward share; its backward events.
        self._functions: dict[int, int] = {}
        self._backward: dict[int, list[int]] = {}
        self._of_graph: dict[Key, list[tuple[str, Shape]]] = {}
        self._gap = False
        #: The graph that was bound last, where all of its events were known by then.
        self._bound: dict[str, Any] | None = None
        self._follower.restart()

    def fits(self, stop: dict[str, Any]) -> bool:
        """Whether ``stop`` can belong to the events that are known: its number then has the position known for it."""
        seq, position = stop.get("seq"), stop.get("position")
        known = self._positions.get(seq) if seq is not None else None
        return known is None or position is None or list(position) == known

    def has_ops(self, first: int, nodes: Set[str]) -> bool:
        """Whether an op of one of ``nodes``, or an update, is known from number ``first`` on."""
        place = bisect_left(self._directions, first)
        known = zip(self._directions[place:], self._direction_of[place:])
        return any(direction == "update" or self._node_of.get(seq, "") in nodes for seq, direction in known)

    # ---- taking in ----

    def extend(self, events: list[dict[str, Any]], first: int = 0) -> None:
        """Take in further events, in their order; ``first``: number of the oldest that is to be had."""
        if first > self.next:
            # The beginning of the pass is not known: ops are found by the graph alone.
            self._seen, self._runs, self._gap = {}, {}, True
            self._follower.restart()
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
            self._step_of[seq] = event["step"]
        if kind in _BOUNDARIES:
            self.passes.bound(seq)
            self._count_anew()
            self._follower.restart()
            if kind == "batch":
                self._batches.append(seq)
                self._arrays.append({tensor["name"]: tuple(tensor["shape"]) for tensor in event["tensors"]})
        elif kind == "begin_backward":
            self._begins.append(seq)
            self._open = {key: list(runs) for key, runs in (self._of_graph if self._gap else self._runs).items()}
        elif kind == "forward":
            self._add_forward(event)
        elif kind == "backward":
            self.passes.went_back()
            self._add_backward(event)
        elif kind == "update":
            label = next((t.get("label") for t in event["tensors"] if t["name"] == "w"), None)
            if label:
                self._note("update", label, seq)

    def _add_forward(self, event: dict[str, Any]) -> None:
        seq, key, shape = event["seq"], (event["module"] or "", event["name"]), output_shape(event["tensors"])
        on_tape = event.get("function", seq) is not None
        whole = next((tensor["shape"] for tensor in event["tensors"] if tensor["name"] == "y"), ())
        if whole:
            self._samples_of[seq] = whole[0]
        if not on_tape:
            node, begins = self._follower.node(key, shape, False)
            if node is not None:
                self.passes.forward_without(seq, node, begins)
                self._note("forward", node.id, seq)
            return
        if self.passes.forward(seq):
            self._count_anew()
        followed = self._follower.node(key, shape, True)[0] if self._gap else None
        if not self._gap:
            self._follower.restart()
        node_id = followed.id if followed is not None else _numbered(key, self._seen)
        if event.get("function") is not None:
            self._functions[event["function"]] = seq
        self._runs.setdefault(key, []).append((node_id, shape))
        self._note("forward", node_id, seq)

    def _add_backward(self, event: dict[str, Any]) -> None:
        if event.get("function") in self._functions:
            forward = self._functions[event["function"]]
            self._backward.setdefault(forward, []).append(event["seq"])
            self._note("backward", self._node_of[forward], event["seq"])
            return
        runs, shape = self._open.get((event["module"] or "", event["name"]), []), output_shape(event["tensors"])
        while runs:
            node, known = runs.pop()
            if shape is None or known == shape:
                self._note("backward", node, event["seq"])
                break

    def _count_anew(self) -> None:
        """A pass begins."""
        self._seen, self._runs, self._gap = {}, {}, False

    def bind(self, graph: dict[str, Any]) -> None:
        """Take over what ``graph`` calls its ops: one that an earlier pass has run may be numbered otherwise here. Runs
        without gradient that its loss does not depend on are no ops of it.
        """
        if graph is self._bound:
            return
        self._bound = graph if all((node["event"] or 0) < self.next for node in graph["nodes"]) else None
        self._follower.bind(graph)
        self._of_graph = {}
        for node in graph["nodes"]:
            if node["kind"] != "op" or not (node.get("main", True) or node.get("requiresGrad", True)):
                continue
            self._of_graph.setdefault((node["module"] or "", node["op"]), []).append(
                (node["id"], output_shape(node["outputs"]))
            )
            if self._node_of.get(node["event"]) != node["id"] and node["event"] in self._positions:
                self._rename("forward", node["event"], node["id"])
                for seq in self._backward.get(node["event"], ()):
                    self._rename("backward", seq, node["id"])

    def _rename(self, what: str, seq: int, name: str) -> None:
        if seq in self._node_of:
            noted = self._found.get((what, self._node_of[seq]), [])
            if seq not in noted:
                return  # known as something else: two nodes of a graph may stand for one event
            noted.remove(seq)
        insort(self._found.setdefault((what, name), []), seq)
        self._node_of[seq] = name

    def _note(self, what: str, of: str, seq: int) -> None:
        self._found.setdefault((what, of), []).append(seq)
        self._node_of[seq] = of

    # ---- what is known ----

    def newest(self, what: str, of: str, at: int) -> int | None:
        """Number of the newest "forward" or "backward" of a node, or "update" of a parameter, not after ``at``."""
        seqs = self._found.get((what, of), [])
        place = bisect_right(seqs, at)
        return seqs[place - 1] if place else None

    def node_of(self, seq: int | None) -> str | None:
        """The node (or for an update the parameter) that an event belongs to."""
        return None if seq is None else self._node_of.get(seq)

    def step_of(self, seq: int) -> int | None:
        """Which step an op belongs to, the first being 1; None where it is not known."""
        step = self._step_of.get(seq)
        return None if step is None else step + 1

    def samples_of(self, seq: int) -> int | None:
        """The first extent of what an op has given out, running forward; None where it is not known or there is none."""
        return self._samples_of.get(seq)

    def newest_step(self, at: int) -> int | None:
        """As :meth:`step_of`, of the newest op up to ``at``."""
        place = bisect_right(self._directions, at)
        return self.step_of(self._directions[place - 1]) if place else None

    def newest_direction(self, at: int) -> str:
        """Whether the newest op up to ``at`` was "forward", "backward" or "update"; "" before the first."""
        place = bisect_right(self._directions, at)
        return self._direction_of[place - 1] if place else ""

    def begun(self, at: int) -> int | None:
        """Number of the newest backward pass's beginning not after ``at``."""
        place = bisect_right(self._begins, at)
        return self._begins[place - 1] if place else None

    def batch(self, at: int) -> tuple[int, dict[str, tuple[int, ...]]] | None:
        """The newest batch that was handed out not after ``at``: number of its event, shapes of its arrays by name."""
        place = bisect_right(self._batches, at)
        return (self._batches[place - 1], self._arrays[place - 1]) if place else None


def _numbered(key: Key, seen: dict[Key, int]) -> str:
    seen[key] = seen.get(key, 0) + 1
    module, op = key
    name = f"{module}/{op}" if module else op
    return name if seen[key] == 1 else f"{name}#{seen[key]}"
