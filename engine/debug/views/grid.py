"""A network over a plane of inputs: the decision boundary of its output, and what every unit answers to.

One forward pass over all points of a grid yields the outputs of all ops. The run notices nothing of it: modes, running
statistics, random streams, the observer and the user's hooks are as before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from engine import nn, trace
from engine.debug.memory import on_cpu
from engine.debug.views.op_ids import OpIds
from engine.debug.views.undisturbed import undisturbed
from engine.device import CPU, Device
from engine.function import Function
from engine.kernels.placing import placed
from engine.nn.module import Module
from engine.plural import plural
from engine.tensor import Tensor, wrap

#: Points along each side, units of an op that are kept, and numbers in an answer.
MOST_POINTS = 512
MOST_UNITS = 64
MOST_NUMBERS = 1 << 23

#: Numbers of the inputs that go through the network at once.
_CHUNK = 1 << 20


def evaluate_grid(
    model: Module,
    x_range: Sequence[float],
    y_range: Sequence[float],
    resolution: int | Sequence[int] = 100,
    base: Any = None,
    dims: Sequence[int] = (0, 1),
    unit: tuple[str, int | Sequence[int]] | None = None,
    units: bool = True,
    paths: Callable[[Module], str] | None = None,
) -> dict[str, Any]:
    """The outputs of ``model``, and of every op in it, over a plane of inputs.

    Args:
        x_range, y_range: [from, to] of the two inputs; both ends are points of the grid.
        resolution: points along each, or (along x, along y).
        base: the input that is varied: an array or tensor of one sample's shape. Zeros for the first linear layer's
            inputs by default.
        dims: positions in the flattened base of the inputs that x and y replace.
        unit: only this unit: (id of the op or path of the module, index of the unit: an int, or for feature maps (c, h, w)).
        units: whether to keep the units of the ops within.
        paths: what the modules are called, so that ids are those of the graph (``Names.module``).

    Returns:
        ``x``, ``y``: the points' coordinates, float32. ``output``: (U, Y, X) float32, what the model returns at
        each point (its first tensor), row y, column x; None where each sample has more than ``MOST_UNITS`` numbers.
        ``layers``: a list of ``id``, ``module``, ``op``, ``count`` (of units) and ``values`` (U, Y, X), one for each op
        that gives at most ``MOST_UNITS`` numbers for each point, in the order that they run. With ``unit`` only
        ``unit``: (Y, X).

    Raises:
        ValueError: an argument that does not fit, or a unit that the network does not have.
    """
    across, down = _resolution(resolution)
    xs, ys = _points("x_range", x_range, across), _points("y_range", y_range, down)
    sample = _sample(model, base)
    first, second = _dims(dims, sample)
    count = across * down
    points = np.empty((count, sample.size), sample.dtype)
    points[:] = sample.reshape(1, -1)
    points[:, first] = np.tile(xs, down)
    points[:, second] = np.repeat(ys, across)
    points = points.reshape(count, *sample.shape)
    rows = max(1, _CHUNK // sample.size)
    device = _device(model)
    taken: list[_Recorder] = []
    with undisturbed(model):
        for start in range(0, count, rows):
            recorder = _Recorder(OpIds(model, paths), unit, units and unit is None)
            taken.append(recorder)
            recorder.run(model, wrap(placed(points[start : start + rows], device)))
    coordinates = {"x": xs.astype(np.float32), "y": ys.astype(np.float32)}
    if unit is not None:
        if taken[0].unit is None:
            known = ", ".join(taken[0].seen) or "none"
            raise ValueError(f"evaluate_grid: nothing is called {unit[0]!r}; there are: {known}")
        values = np.concatenate([recorder.unit for recorder in taken if recorder.unit is not None])
        return {**coordinates, "unit": values.reshape(down, across)}
    output = _plane([r.output for r in taken], down, across) if taken[0].output is not None else None
    return {**coordinates, "output": output, "layers": _layers(taken, down, across)}


class _Recorder(trace.Observer):
    """Keeps the outputs of a pass's ops that are vectors, one of them for each point."""

    watches = frozenset({"forward", "module"})

    def __init__(self, ids: OpIds, unit: tuple[str, Any] | None, units: bool) -> None:
        self._wanted, self._units = unit, units
        self._ids = ids
        self._points = 0
        #: (id, module, op, values) of the ops, and their ids alone.
        self.layers: list[tuple[str, str, str, np.ndarray]] = []
        self.seen: list[str] = []
        self.unit: np.ndarray | None = None
        self.output: np.ndarray | None = None

    def run(self, model: Module, points: Tensor) -> None:
        """One pass."""
        self._points = len(points)
        trace.set_observer(self)
        try:
            result = model(points)
        finally:
            trace.set_observer(None)
        while isinstance(result, (tuple, list)) and result:
            result = result[0]
        if isinstance(result, Tensor):
            self.output = self._vectors(result._array)

    def enter_module(self, module: Any, inputs: tuple) -> None:
        self._ids.enter(module)

    def exit_module(self, module: Any, outputs: Any) -> None:
        path = self._ids.leave(module)
        if self._wanted is not None and isinstance(outputs, Tensor):
            self._take(path, outputs._array)

    def after_forward(self, function: Function, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> None:
        name = self._ids.next(function.name)
        array = outputs[0]._array
        if self._wanted is not None:
            self._take(name, array)
        elif self._units and not function.is_view:
            vectors = self._vectors(array)
            if vectors is not None:
                self.layers.append((name, self._ids.path, function.name, vectors))

    def _take(self, name: str, array: np.ndarray) -> None:
        self.seen.append(name)
        if self._wanted is None or name != self._wanted[0] or array.ndim == 0 or len(array) != self._points:
            return
        index = self._wanted[1]
        place = tuple(index) if isinstance(index, Sequence) else (index,)
        shape = array.shape[1:]
        # An index of one number into feature maps counts through them all.
        flat = array.reshape(len(array), -1) if len(place) == 1 else array
        extents = flat.shape[1:]
        if len(place) != len(extents) or not all(-n <= i < n for i, n in zip(place, extents)):
            raise ValueError(f"evaluate_grid: {name!r} has no unit {list(place)}; the shape of its units is {list(shape)}")
        self.unit = on_cpu(flat[(slice(None), *place)]).astype(np.float32)

    def _vectors(self, array: np.ndarray) -> np.ndarray | None:
        if array.ndim == 0 or len(array) != self._points or array.dtype.kind not in "fiub":
            return None
        if array.size > MOST_UNITS * len(array):
            return None
        return on_cpu(array).reshape(len(array), -1)


def _plane(parts: Sequence[np.ndarray | None], down: int, across: int) -> np.ndarray:
    """(points, U) in parts as (U, Y, X)."""
    units = parts[0].shape[1] if parts[0] is not None else 0
    out = np.empty((units, down * across), np.float32)
    at = 0
    for part in parts:
        if part is not None:
            out[:, at : at + len(part)] = part.T
            at += len(part)
    return out.reshape(units, down, across)


def _layers(taken: list[_Recorder], down: int, across: int) -> list[dict[str, Any]]:
    layers, room = [], MOST_NUMBERS
    for number, (name, path, op, vectors) in enumerate(taken[0].layers):
        room -= vectors.shape[1] * down * across
        if room < 0 or any(number >= len(r.layers) or r.layers[number][0] != name for r in taken):
            break
        values = _plane([r.layers[number][3] for r in taken], down, across)
        layers.append({"id": name, "module": path, "op": op, "count": len(values), "values": values})
    return layers


def _resolution(resolution: int | Sequence[int]) -> tuple[int, int]:
    pair = (resolution, resolution) if isinstance(resolution, (int, np.integer)) else tuple(resolution)
    if len(pair) != 2 or not all(isinstance(n, (int, np.integer)) and 1 <= n <= MOST_POINTS for n in pair):
        raise ValueError(f"evaluate_grid: resolution must be one or two numbers from 1 to {MOST_POINTS}, got {resolution!r}")
    return int(pair[0]), int(pair[1])


def _points(name: str, ends: Sequence[float], count: int) -> np.ndarray:
    pair = tuple(ends)
    if len(pair) != 2 or not all(np.isfinite(float(end)) for end in pair):
        raise ValueError(f"evaluate_grid: {name} must be two finite numbers, got {ends!r}")
    return np.linspace(float(pair[0]), float(pair[1]), count)


def _device(model: Module) -> Device:
    """Where the model computes: where its first parameter or buffer lies."""
    state = next(model.parameters(), None)
    state = next(model.buffers(), None) if state is None else state
    return CPU if state is None else state.device


def _sample(model: Module, base: Any) -> np.ndarray:
    """The input to vary, in the dtype of the model's parameters."""
    dtype = next((p._array.dtype for p in model.parameters() if p._array.dtype.kind == "f"), np.dtype(np.float32))
    if base is not None:
        array = on_cpu(base._array) if isinstance(base, Tensor) else np.asarray(base)
        return array.astype(dtype)
    for module in model.modules():
        if isinstance(module, nn.Linear):
            return np.zeros(module.in_features, dtype)
    raise ValueError("evaluate_grid: the model has no linear layer that says how many inputs it takes; give base")


def _dims(dims: Sequence[int], sample: np.ndarray) -> tuple[int, int]:
    pair = tuple(dims)
    if len(pair) != 2 or pair[0] == pair[1] or not all(0 <= d < sample.size for d in pair):
        raise ValueError(
            f"evaluate_grid: dims must be two different positions from 0 to {sample.size - 1} (an input has "
            f"{sample.size} {plural(sample.size, 'number')}), got {dims!r}"
        )
    return int(pair[0]), int(pair[1])
