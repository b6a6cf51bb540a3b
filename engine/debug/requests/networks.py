"""Batches, the network's graph and modules, and its answers over a plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.debug.events import Event
from engine.debug.memory import ARRAYS
from engine.debug.requests.frames import frame_of
from engine.debug.requests.registry import handles
from engine.debug.server import RequestFailedError
from engine.debug.views import graph, grid, losses, samples
from engine.debug.views.class_names import class_names
from engine.debug.views.sources import source_of
from engine.nn.module import Module

if TYPE_CHECKING:
    from engine.debug.debuggee import Debuggee
    from engine.debug.names import Names


@handles("samples")
def _samples(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    batch, loss = _batch_and_loss(debuggee, arguments)
    if batch is None and loss is None:
        raise RequestFailedError("failed", "samples: the history holds no batch and no loss yet; step on")
    parts = [] if batch is None else [value for value in batch.arrays.values() if isinstance(value, ARRAYS)]
    result = samples.batch_view(parts, loss, batch.details.get("samples") if batch is not None else None)
    page = samples.page(result, arguments.get("start", 0), arguments.get("count"))
    return {**page, "names": _class_names(debuggee, batch, result), "pass": _pass_of(batch)}


@handles("labelsAt")
def _labels_at(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    batch, loss = _batch_and_loss(debuggee, arguments)
    arrays = [(n, v) for n, v in batch.arrays.items() if isinstance(v, ARRAYS)] if batch is not None else []
    if batch is not None and len(arrays) > 1:
        name, labels = arrays[-1]
        return {"labelsAt": {"event": batch.seq, "name": name, "shape": list(labels.shape)}}
    if loss is None or not isinstance(target := loss.arrays.get("t"), ARRAYS):
        return {"labelsAt": None}
    frames = debuggee.stop.frames if debuggee.stop is not None else []
    source = source_of(list(debuggee.debugger.history), loss, target, frames) or {"event": loss.seq, "name": "t"}
    return {"labelsAt": {**source, "shape": list(target.shape)}}


def _batch_and_loss(debuggee: Debuggee, arguments: dict[str, Any]) -> tuple[Event | None, Event | None]:
    """The batch that is at work at an event (the stop's without one), and the loss that was computed of it."""
    history = debuggee.debugger.history
    at = history.get(arguments["event"]) if "event" in arguments else debuggee.cursor
    before = [event for event in reversed(history) if at is None or event.seq <= at.seq]
    batch = next((event for event in before if event.kind == "batch" and event.arrays), None)
    loss = next((e for e in before if e.kind == "forward" and losses.is_loss(e)), None)
    if batch is not None and loss is not None and loss.seq < batch.seq:
        loss = None  # that of the batch before
    return batch, loss


def _class_names(debuggee: Debuggee, batch: Event | None, result: dict[str, Any]) -> list[str] | None:
    """What the classes are called; before the network has computed anything, by the labels alone."""
    loader = batch.details.get("loader") if batch is not None else None
    confusion, labels = result["confusion"], result["labels"]
    if confusion is not None:
        frame = frame_of(debuggee)
        return class_names(loader, {**frame.f_globals, **frame.f_locals} if frame is not None else {}, len(confusion))
    if result["predictions"] is not None or labels is None or labels.dtype.kind not in "iu" or not labels.size:
        return None
    # How many classes there are nobody has said: only the dataset's own names are its labels'.
    names = class_names(loader, {}, None)
    return names if names is not None and labels.min() >= 0 and labels.max() < len(names) else None


def _pass_of(batch: Event | None) -> dict[str, Any] | None:
    """Which batch it is."""
    if batch is None:
        return None
    return {"loader": batch.name, "epoch": batch.epoch, "batch": batch.details.get("index", batch.batch)}


@handles("gridEvaluate")
def _grid_evaluate(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    model = debuggee.debugger.names.all_modules().get(arguments["model"])
    if model is None:
        frame = frame_of(debuggee)
        if frame is not None:
            model = {**frame.f_globals, **frame.f_locals}.get(arguments["model"])
    if not isinstance(model, Module):
        raise RequestFailedError("failed", f"{arguments['model']}: is no module that is known here")
    return grid.evaluate_grid(
        model, arguments["x"], arguments["y"], arguments.get("resolution", 100), base=arguments.get("inputs"),
        paths=debuggee.debugger.names.module,
    )  # fmt: skip


@handles("graph")
def _graph(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    history = debuggee.debugger.history
    at = history.get(arguments["event"]) if "event" in arguments else debuggee.cursor
    events, names = list(history), debuggee.debugger.names
    if at is None:
        return graph.from_events(events, names)
    place = next((i for i, event in enumerate(events) if event.seq >= at.seq), len(events) - 1)
    body, holds = _first_pass(debuggee, events, place) or _newest_pass(debuggee, events, place)
    if "event" in arguments:
        return {**body, "holds": holds}
    return debuggee.graph_told.answer(body, arguments.get("unless"), holds=holds)


def _first_pass(debuggee: Debuggee, events: list[Event], place: int) -> tuple[dict[str, Any], list[int]] | None:
    """The graph of the first recorded pass that comes to its backward, for an event before that backward which runs none
    but its ops, and the events that it is of: a cursor that goes back keeps the whole network. None where there is no such
    pass, or it has not come yet.
    """
    names, begin = debuggee.debugger.names, next((i for i, e in enumerate(events) if e.kind == "begin_backward"), -1)
    if begin <= place:
        return None
    coming = _whole(debuggee, events[: begin + 1])
    if not graph.shows(coming.graph, graph.newest_pass(events[: place + 1])[0]):
        return None
    body, seq = graph.grown(coming, events[: begin + 1], names), events[place].seq
    started = bool(coming.ops) and coming.ops[0].seq <= seq
    return body, [coming.ops[0].seq, events[begin].seq - 1] if started else [seq, seq]


def _newest_pass(debuggee: Debuggee, events: list[Event], place: int) -> tuple[dict[str, Any], list[int]]:
    """The graph of the newest pass at an event, and the events that it is of."""
    names, whole = debuggee.debugger.names, _whole(debuggee, events[: place + 1])
    body = graph.grown(whole, events[: place + 1], names)
    return body, _holding(body, whole, events, place, names)


def _whole(debuggee: Debuggee, events: list[Event]) -> graph.Whole:
    whole = graph.whole(events, debuggee.debugger.names, debuggee.graph_built)
    debuggee.graph_built = whole.built
    return whole


def _holding(
    body: dict[str, Any], whole: graph.Whole, events: list[Event], place: int, names: Names
) -> list[int]:
    """First and last of the events around the one at ``place`` whose graph is ``body`` too, so that nobody asks again;
    ``whole``: the pass that it shows.

    Between two beginnings of backward the graph can only grow, by ops and to sizes that are in it at the end.
    """
    begins = [i for i, event in enumerate(events) if event.kind == "begin_backward"]
    before = [i for i in begins if i <= place]
    end = next((i for i in begins if i > place), len(events))
    if not before or (end > place + 1 and graph.grown(whole, events[:end], names) != body):
        return [events[place].seq] * 2
    return [events[before[-1]].seq, events[end - 1].seq]


@handles("modules")
def _modules(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    names = debuggee.debugger.names
    found = []
    for path, module in names.all_modules().items():
        own = [(names.tensor(p), p) for p in module.parameters(recurse=False)]
        found.append({
            "path": path, "class": type(module).__name__, "training": module.training,
            "parameters": [
                {"name": name, "shape": list(p.shape), "requiresGrad": p.requires_grad} for name, p in own
            ],
        })  # fmt: skip
    return {"modules": found}
