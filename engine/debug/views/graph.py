"""The network as a graph: ops and inputs as nodes, the tensors between them as edges, and the tree of modules.

An op's input comes from the op that the tape says it comes from; where nothing was recorded (``no_grad``), from the
last op before that gave out the very same array. So a residual connection is an edge like any other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from engine import trace
from engine.debug.event_arrays import forward_arrays
from engine.debug.events import Event, Position, frozen
from engine.debug.names import Names
from engine.debug.views.modules import module_tree
from engine.debug.views.op_ids import OpIds, op_id
from engine.debug.views.undisturbed import undisturbed
from engine.function import Function
from engine.nn.module import Module
from engine.tensor import Tensor, enable_grad

#: Ops that a graph may have.
MOST_NODES = 2000

#: Events between which a pass lies.
_BOUNDARIES = frozenset({"batch", "end_step", "epoch", "end_epoch"})


def from_events(events: Iterable[Event], names: Names | None = None) -> dict[str, Any]:
    """The graph of the newest complete pass among ``events`` (forward, then backward), or of the newest ops.

    Args:
        events: recorded events in their order.
        names: of the modules, for their tree.

    Returns:
        ``nodes``: for each op, in the order that they ran: ``id``, ``kind`` ("op", or "input" for tensors that no op
        made), ``op``, ``module`` (path), ``event`` (seq), ``outputs`` and ``parameters`` (name, shape, dtype; label for
        parameters), ``rank`` (the most edges from an input to it), ``main`` (whether the loss depends on it; always
        true where backward has not begun). Ids are the same in every pass that runs the same ops in the same modules.
        ``edges``: ``from``, ``to`` (ids), ``output``, ``input`` (the arrays' names there), ``shape``.
        ``modules``: the tree, see :func:`engine.debug.views.modules.module_tree`. ``signature``: a text that is
        equal for equal structures, whatever the batch size. ``complete``: whether the pass has come to its backward.
        ``truncated``: whether there were more than ``MOST_NODES`` ops.
    """
    ops, roots, batch, complete = newest_pass(list(events))
    return _Builder(batch).build(ops[:MOST_NODES], roots, names, complete, len(ops) > MOST_NODES)


def record(model: Module, *inputs: Any, names: Names | None = None) -> dict[str, Any]:
    """The graph of one forward pass of ``model``, run for it beside the run, as of :func:`from_events`."""
    if names is None:
        names = Names()
        names.learn(model, {})
    recorder = _Recorder(model, names)
    with undisturbed(model), enable_grad():
        trace.set_observer(recorder)
        try:
            model(*inputs)
        finally:
            trace.set_observer(None)
    ops = recorder.events
    return _Builder(None).build(ops[:MOST_NODES], [], names, True, len(ops) > MOST_NODES)


class _Recorder(trace.Observer):
    """Makes forward events."""

    watches = frozenset({"forward", "module"})

    def __init__(self, model: Module, names: Names) -> None:
        self._names, self._ids = names, OpIds(model, names.module)
        self.events: list[Event] = []

    def enter_module(self, module: Any, inputs: tuple) -> None:
        self._ids.enter(module)

    def exit_module(self, module: Any, outputs: Any) -> None:
        self._ids.leave(module)

    def after_forward(self, function: Function, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> None:
        arrays, labels = forward_arrays(function, inputs, outputs, self._names)
        self.events.append(Event(
            len(self.events), Position(0), "forward", function.name, self._ids.path, function=frozen(function),
            arrays=arrays, labels=labels,
        ))  # fmt: skip


def newest_pass(events: list[Event]) -> tuple[list[Event], list[np.ndarray], Event | None, bool]:
    """(forward events, arrays where backward began, the batch's event or None, whether backward has begun).

    The pass ends where the newest backward began and reaches back to the batch, epoch or optimizer step before it.
    """
    begins = [i for i, event in enumerate(events) if event.kind == "begin_backward"]
    end = begins[-1] if begins else len(events)
    start = next((i for i in range(end - 1, -1, -1) if events[i].kind in _BOUNDARIES), -1)
    if not begins:
        # Standing at the boundary itself: what lies before it is the newest.
        while start == end - 1 and start >= 0:
            end = start
            start = next((i for i in range(end - 1, -1, -1) if events[i].kind in _BOUNDARIES), -1)
    ops = [event for event in events[start + 1 : end] if event.kind == "forward" and event.function is not None]
    batch = events[start] if start >= 0 and events[start].kind == "batch" else None
    return ops, [array for i in begins[-1:] for array in _arrays(events[i].arrays)], batch, bool(begins)


def _arrays(named: dict[str, Any]) -> Iterator[np.ndarray]:
    for _, array in _parts(named):
        yield array


def _parts(named: dict[str, Any]) -> Iterator[tuple[str, np.ndarray]]:
    for name, value in named.items():
        if isinstance(value, np.ndarray):
            yield name, value
        elif isinstance(value, tuple):
            yield from ((f"{name}[{i}]", part) for i, part in enumerate(value) if isinstance(part, np.ndarray))


class _Builder:
    """Links the ops of one pass."""

    def __init__(self, batch: Event | None) -> None:
        self._batch = {id(array): name for name, array in _parts(batch.arrays)} if batch is not None else {}
        self._seen: dict[tuple[str, str], int] = {}
        self.nodes: list[dict[str, Any]] = []
        self.edges: list[dict[str, Any]] = []
        # id of an array -> (id of the node, name there), and seq of a Function -> (id of the node, outputs' names)
        self._by_array: dict[int, tuple[str, str]] = {}
        self._by_seq: dict[int, tuple[str, list[str]]] = {}
        self._ranks: dict[str, int] = {}

    def build(
        self, ops: list[Event], roots: list[np.ndarray], names: Names | None, complete: bool, truncated: bool
    ) -> dict[str, Any]:
        for event in ops:
            self._add(event)
        self._mark(roots)
        return {
            "nodes": self.nodes,
            "edges": self.edges,
            "modules": module_tree(names, {event.module for event in ops}),
            "signature": self._signature(),
            "complete": complete,
            "truncated": truncated,
        }

    def _add(self, event: Event) -> None:
        function: Any = event.function
        node = op_id(event.module, event.name, self._seen)
        outputs = [name for name in event.arrays if name in function.returns or _is_numbered_output(name)]
        given = {name: value for name, value in event.arrays.items() if name not in outputs}
        links = list(function.edges) if function.seq >= 0 else []
        parameters, rank = [], 0
        for number, (name, array) in enumerate(_parts(given)):
            link = links[number] if number < len(links) else None
            if name in event.labels:
                parameters.append({**_shape(name, array), "label": event.labels[name]})
                continue
            source, output = self._source(link, array)
            self.edges.append({"from": source, "to": node, "output": output, "input": name, "shape": list(array.shape)})
            rank = max(rank, self._ranks[source] + 1)
        made = list(_parts({name: event.arrays[name] for name in outputs}))
        for name, array in made:
            self._by_array[id(array)] = (node, name)
        if function.seq >= 0:
            self._by_seq[function.seq] = (node, [name for name, _ in made])
        self._ranks[node] = rank
        self.nodes.append({
            "id": node, "kind": "op", "op": event.name, "module": event.module, "event": event.seq, "rank": rank,
            "outputs": [_shape(name, array) for name, array in made], "parameters": parameters, "main": True,
        })  # fmt: skip

    def _source(self, link: Any, array: np.ndarray) -> tuple[str, str]:
        """Node and name there of what made an input."""
        if link is not None and link[1] >= 0:
            known = self._by_seq.get(link[0].seq)
            if known is not None:
                return known[0], known[1][link[1]] if link[1] < len(known[1]) else "y"
        found = self._by_array.get(id(array))
        if found is None:
            found = self._by_array[id(array)] = self._input(array)
        return found

    def _input(self, array: np.ndarray) -> tuple[str, str]:
        label = self._batch.get(id(array), "")
        node = op_id("", "input", self._seen)
        self._ranks[node] = 0
        self.nodes.append({
            "id": node, "kind": "input", "op": "", "module": "", "event": None, "rank": 0, "label": label,
            "outputs": [_shape("y", array)], "parameters": [], "main": True,
        })  # fmt: skip
        return node, "y"

    def _mark(self, roots: list[np.ndarray]) -> None:
        """Set ``main`` to whether a root depends on the node, where roots are known."""
        reached = {self._by_array[id(root)][0] for root in roots if id(root) in self._by_array}
        if not reached:
            return
        sources: dict[str, list[str]] = {}
        for edge in self.edges:
            sources.setdefault(edge["to"], []).append(edge["from"])
        waiting = list(reached)
        while waiting:
            for source in sources.get(waiting.pop(), ()):
                if source not in reached:
                    reached.add(source)
                    waiting.append(source)
        for node in self.nodes:
            node["main"] = node["id"] in reached

    def _signature(self) -> str:
        # Without the first extents: the last batch of an epoch is smaller.
        nodes = [
            (n["id"], [o["shape"][1:] for o in n["outputs"]], [(p["label"], p["shape"]) for p in n["parameters"]])
            for n in self.nodes
        ]
        edges = [(e["from"], e["output"], e["to"], e["input"]) for e in self.edges]
        return hashlib.blake2b(json.dumps([nodes, edges]).encode(), digest_size=16).hexdigest()


def _is_numbered_output(name: str) -> bool:
    return name[:1] == "y" and name[1:].isdecimal()


def _shape(name: str, array: np.ndarray) -> dict[str, Any]:
    return {"name": name, "shape": list(array.shape), "dtype": str(array.dtype)}
