"""Batches, the network's graph and modules, and its answers over a plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.debug.requests.frames import frame_of
from engine.debug.requests.registry import handles
from engine.debug.server import RequestFailedError
from engine.debug.views import graph, grid, losses, samples
from engine.nn.module import Module

if TYPE_CHECKING:
    from engine.debug.debuggee import Debuggee


@handles("samples")
def _samples(debuggee: Debuggee, arguments: dict[str, Any]) -> dict[str, Any]:
    history = debuggee.debugger.history
    at = history.get(arguments["event"]) if "event" in arguments else debuggee.cursor
    before = [event for event in reversed(history) if at is None or event.seq <= at.seq]
    batch = next((event for event in before if event.kind == "batch" and event.arrays), None)
    loss = next((e for e in before if e.kind == "forward" and losses.is_loss(e)), None)
    if batch is None and loss is None:
        raise RequestFailedError("failed", "samples: the history holds no batch and no loss yet; step on")
    if batch is not None and loss is not None and loss.seq < batch.seq:
        loss = None  # that of the batch before
    parts = [] if batch is None else [value for value in batch.arrays.values() if isinstance(value, np.ndarray)]
    result = samples.batch_view(parts, loss, batch.details.get("samples") if batch is not None else None)
    return samples.page(result, arguments.get("start", 0), arguments.get("count"))


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
    return graph.from_events([e for e in history if at is None or e.seq <= at.seq], debuggee.debugger.names)


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
