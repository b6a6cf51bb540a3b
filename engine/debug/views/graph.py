"""The network as a graph: ops and inputs as nodes, the tensors between them as edges, and the tree of modules.

An op's input comes from the op that the tape says it comes from; where nothing was recorded (``no_grad``), from the
last op before that gave out the very same array. So a residual connection is an edge like any other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from engine import trace
from engine.debug.event_arrays import forward_arrays
from engine.debug.events import Event, Position, frozen
from engine.debug.memory import name_of
from engine.debug.names import Names
from engine.debug.views.graph_passes import is_cut, is_output, newest_pass, parts, under_way, with_ancestors
from engine.debug.views.graph_union import differs, signature, united
from engine.debug.views.modules import module_tree
from engine.debug.views.op_ids import OpIds, op_id
from engine.debug.views.undisturbed import undisturbed
from engine.function import Function
from engine.nn.module import Module
from engine.tensor import Tensor, enable_grad

#: Ops that a graph may have.
MOST_NODES = 2000


def from_events(events: Iterable[Event], names: Names | None = None) -> dict[str, Any]:
    """The graph of the newest complete pass among ``events`` (forward, then backward), or of the newest ops.

    Args:
        events: recorded events in their order.
        names: of the modules, for their tree.

    Returns:
        ``nodes``: for each op, in the order that they ran: ``id``, ``kind`` ("op", or "input" for tensors that no op
        made), ``op``, ``module`` (path), ``event`` (seq), ``outputs`` and ``parameters`` (name, shape, dtype; label for
        parameters), ``variable`` (of an input: what the script calls it, where it is trained), ``rank`` (the most edges
        from an input to it), ``main`` (whether the loss depends on it; always true where backward has not begun),
        ``requiresGrad`` (whether it is on the tape). Ids are the same in every pass that runs the same ops in the same
        modules, whatever else runs beside it under ``no_grad``.
        ``edges``: ``from``, ``to`` (ids), ``output``, ``input`` (the arrays' names there), ``shape``.
        ``modules``: the tree, see :func:`engine.debug.views.modules.module_tree`. ``signature``: a text that is
        equal for equal structures, whatever the batch size. ``complete``: whether the pass has come to its backward.
        ``truncated``: whether there were more than ``MOST_NODES`` ops. ``cut``: whether the events hold no whole
        pass, but begin in the middle of the run.

        Once the pass that follows has run an op that this one had not, its ops and edges are there too, and stand for
        those of the same ids. Until then its ops stand for theirs in size alone: what has run of a longer batch is longer.
    """
    events = list(events)
    return grown(whole(events, names), events, names)


class Built(NamedTuple):
    """A graph, and the numbers of the events that it was made of."""

    graph: dict[str, Any]
    made_of: tuple[Any, ...]


class Whole(NamedTuple):
    """A pass: its graph, without what has begun to run after it; its own ops; whether it has come to its backward."""

    built: Built
    ops: list[Event]
    complete: bool

    @property
    def graph(self) -> dict[str, Any]:
        return self.built.graph


def whole(events: list[Event], names: Names | None = None, before: Built | None = None) -> Whole:
    """The newest complete pass among ``events``, or the newest ops; ``before``: what was built last of the same run, which
    need not be built again of the same events.
    """
    own, roots, batch, complete = newest_pass(events)
    ops = with_ancestors(own, events, roots)
    begin = next((event.seq for event in reversed(events) if event.kind == "begin_backward"), None)
    made_of = begin, None if batch is None else batch.seq, [event.seq for event in ops]
    if before is not None and before.made_of == made_of:
        # Modules may have been made since, or set to evaluate.
        graph = {**before.graph, "modules": module_tree(names, {event.module for event in ops[:MOST_NODES]})}
    else:
        graph = _Builder(batch).build(ops[:MOST_NODES], roots, names, complete, len(ops) > MOST_NODES)
    return Whole(Built(graph, made_of), own, complete)


def grown(found: Whole, events: list[Event], names: Names | None = None) -> dict[str, Any]:
    """:func:`from_events` of ``events``, of which ``found`` is the newest complete pass: with what runs after it."""
    graph, newer = found.graph, under_way(events)[:MOST_NODES] if found.complete else []
    if newer and not shows(graph, newer):
        graph = united(graph, _Builder(None).build(newer, [], names, False, False))
    return {**graph, "cut": is_cut(events, found.ops, found.complete)}


def shows(graph: dict[str, Any], ops: list[Event]) -> bool:
    """Whether ``graph`` has all of these ops, in their sizes: then what has run anew need not be made into a graph."""
    shapes = {(edge["to"], edge["input"]): edge["shape"] for edge in graph["edges"]}
    for node in graph["nodes"]:
        shapes.update(((node["id"], output["name"]), output["shape"]) for output in node["outputs"])
    there, seen = {node["id"] for node in graph["nodes"]}, {}
    for event in ops:
        id = op_id(event.module, event.name, seen)
        if id not in there:
            return False
        for name, array in parts(event.arrays):
            if (shape := shapes.get((id, name))) is not None and differs(array.shape, shape):
                return False
    return True


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


class _Builder:
    """Links the ops of one pass. Nodes are numbers, by their order, until all are there; then they get their ids."""

    def __init__(self, batch: Event | None) -> None:
        self._batch = {id(array): name for name, array in parts(batch.arrays)} if batch is not None else {}
        self._nodes: list[dict[str, Any]] = []
        self._edges: list[dict[str, Any]] = []
        # id of an array -> (the node, name there), and seq of a Function -> (the node, outputs' names)
        self._by_array: dict[int, tuple[int, str]] = {}
        self._by_seq: dict[int, tuple[int, list[str]]] = {}

    def build(
        self, ops: list[Event], roots: list[np.ndarray], names: Names | None, complete: bool, truncated: bool
    ) -> dict[str, Any]:
        for event in ops:
            self._add(event)
        self._mark(roots)
        ids = self._ids()
        nodes = [{"id": ids[number], **node} for number, node in enumerate(self._nodes)]
        edges = [{**edge, "from": ids[edge["from"]], "to": ids[edge["to"]]} for edge in self._edges]
        return {
            "nodes": nodes,
            "edges": edges,
            "modules": module_tree(names, {event.module for event in ops}),
            "signature": signature(nodes, edges),
            "complete": complete,
            "truncated": truncated,
        }

    def _ids(self) -> list[str]:
        """What the nodes are called. Those on the tape are counted first: a validation pass before them, without gradient,
        runs the same ops in the same modules, and takes no name away from them. Of the inputs those that the loss depends
        on: what a print between two passes reads is none of theirs.
        """
        read = {edge["from"] for edge in self._edges if self._nodes[edge["to"]]["requiresGrad"]}
        on_tape = [node["requiresGrad"] or (not node["op"] and number in read) for number, node in enumerate(self._nodes)]
        seen: dict[tuple[str, str], int] = {}
        found = [""] * len(self._nodes)
        beside = [not node["op"] and not node["main"] for node in self._nodes]
        for number in sorted(range(len(self._nodes)), key=lambda number: (beside[number], not on_tape[number])):
            node = self._nodes[number]
            found[number] = op_id(node["module"], node["op"] or "input", seen)
        return found

    def _add(self, event: Event) -> None:
        function: Any = event.function
        outputs = [name for name in event.arrays if is_output(name, function)]
        given = {name: value for name, value in event.arrays.items() if name not in outputs}
        links = list(function.edges) if function.seq >= 0 else []
        parameters, sources = [], []
        for number, (name, array) in enumerate(parts(given)):
            link = links[number] if number < len(links) else None
            label = event.labels.get(name, "")
            if label and ("." in label or "w" in event.arrays):
                parameters.append({**_shape(name, array), "label": label})
            else:  # a weight in a variable of the script is one input of a product, as any other
                sources.append((*self._source(link, array, label), name, array))
        made = list(parts({name: event.arrays[name] for name in outputs}))
        node = len(self._nodes)
        self._nodes.append({
            "kind": "op", "op": event.name, "module": event.module, "event": event.seq,
            "rank": 1 + max((self._nodes[source]["rank"] for source, *_ in sources), default=-1),
            "outputs": [_shape(name, array) for name, array in made], "parameters": parameters, "main": True,
            "requiresGrad": function.seq >= 0,
        })  # fmt: skip
        for source, output, name, array in sources:
            self._edges.append({"from": source, "to": node, "output": output, "input": name, "shape": list(array.shape)})
        for name, array in made:
            self._by_array[id(array)] = (node, name)
        if function.seq >= 0:
            self._by_seq[function.seq] = (node, [name for name, _ in made])

    def _source(self, link: Any, array: np.ndarray, variable: str) -> tuple[int, str]:
        """Node and name there of what made an input, which may be called ``variable``."""
        if link is not None and link[1] >= 0:
            known = self._by_seq.get(link[0].seq)
            if known is not None:
                return known[0], known[1][link[1]] if link[1] < len(known[1]) else "y"
        found = self._by_array.get(id(array))
        if found is None:
            found = self._by_array[id(array)] = self._input(array, variable)
        return found

    def _input(self, array: np.ndarray, variable: str) -> tuple[int, str]:
        self._nodes.append({
            "kind": "input", "op": "", "module": "", "event": None, "rank": 0, "label": self._batch.get(id(array), ""),
            "outputs": [_shape("y", array)], "parameters": [], "main": True, "requiresGrad": False,
            "variable": variable,
        })  # fmt: skip
        return len(self._nodes) - 1, "y"

    def _mark(self, roots: list[np.ndarray]) -> None:
        """Set ``main`` to whether a root depends on the node, where roots are known."""
        reached = {self._by_array[id(root)][0] for root in roots if id(root) in self._by_array}
        if not reached:
            return
        sources: dict[int, list[int]] = {}
        for edge in self._edges:
            sources.setdefault(edge["to"], []).append(edge["from"])
        waiting = list(reached)
        while waiting:
            for source in sources.get(waiting.pop(), ()):
                if source not in reached:
                    reached.add(source)
                    waiting.append(source)
        for number, node in enumerate(self._nodes):
            node["main"] = number in reached


def _shape(name: str, array: np.ndarray) -> dict[str, Any]:
    return {"name": name, "shape": list(array.shape), "dtype": name_of(array.dtype)}
