"""Watchpoints on how training goes: gradients, updates, units that are dead or saturated, the loss, single weights."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from engine.debug.breakpoints.watch_base import (
    Batch,
    Finding,
    TensorPattern,
    Watchpoint,
    label_of,
    op_text,
    parts,
    place_text,
    shaped,
    tensor_text,
)
from engine.debug.breakpoints.watch_values import beyond, first_true
from engine.debug.events import Event
from engine.debug.memory import ARRAYS, on_cpu
from engine.debug.squares import euclidean_norm
from engine.debug.statistics.observer import summarize
from engine.plural import plural

#: How close to a limit of sigmoid or tanh counts as saturated.
SATURATED = 0.01

#: Losses that the running mean of "loss-rise" is over, unless told otherwise.
WINDOW = 10


def _parameter(event: Event) -> str:
    label = label_of(event, "grad") if event.kind == "gradient" else label_of(event, "w_new")
    return label.removesuffix(".grad") or "a parameter without a name"


class GradientNorm(Watchpoint):
    """‖gradient‖ of one parameter above or below a threshold; infinite where an element is.

    *Above* is looked at as soon as a gradient has been accumulated into ``.grad``; *below* when the optimizer uses
    it, for a sum that is not complete may be small. ``tensor`` is a pattern of parameter names.
    """

    def __init__(self, kind: str, pattern: TensorPattern | None, threshold: float) -> None:
        self.kind = kind
        self._side = kind.rpartition("-")[2]
        self._pattern, self._threshold = pattern, threshold
        self._kind, self._array = ("gradient", "grad") if self._side == "above" else ("update", "dw")
        self.events = frozenset({self._kind})

    def check(self, event: Event, batch: Batch) -> Finding | None:
        gradient = event.arrays.get(self._array)
        if not isinstance(gradient, ARRAYS) or event.kind != self._kind or not _means(self._pattern, event):
            return None
        summary = summarize(gradient)
        norm = math.inf if summary.infs else math.nan if summary.nans else summary.norm
        if not beyond(norm, self._side, self._threshold):
            return None
        return Finding(
            f"The norm of the gradient of {_parameter(event)} is {norm:.6g}, {self._side} {self._threshold:g}", self._array
        )


class UpdateRatio(Watchpoint):
    """‖w_new - w‖ / ‖w‖ of one update above or below a threshold; parameters that are all zero have no ratio."""

    events = frozenset({"update"})

    def __init__(self, kind: str, pattern: TensorPattern | None, threshold: float) -> None:
        self.kind = kind
        self._side = kind.rpartition("-")[2]
        self._pattern, self._threshold = pattern, threshold

    def check(self, event: Event, batch: Batch) -> Finding | None:
        w, w_new = event.arrays.get("w"), event.arrays.get("w_new")
        if not isinstance(w, ARRAYS) or not isinstance(w_new, ARRAYS) or not _means(self._pattern, event):
            return None
        size = euclidean_norm(w.astype(np.float64))
        if not size:
            return None
        change = euclidean_norm(w_new.astype(np.float64) - w)
        if not beyond(change / size, self._side, self._threshold):
            return None
        return Finding(
            f"{op_text(event)} changes it by {change / size:.4g} of its norm "
            f"(‖Δw‖ = {change:.4g}, ‖w‖ = {size:.4g}), {self._side} {self._threshold:g}", "w_new"
        )


def _means(pattern: TensorPattern | None, event: Event) -> bool:
    return pattern is None or pattern.fits_label(_parameter(event))


class DeadUnits(Watchpoint):
    """Share of a ReLU's units that are zero for every sample (and position) of the batch above a threshold.

    Units are channels (dimension 1), after a Linear layer its features (the last dimension).
    """

    kind = "dead-units-above"
    events = frozenset({"forward"})

    def __init__(self, kind: str, pattern: TensorPattern | None, threshold: float) -> None:
        self._pattern, self._threshold = pattern, threshold

    def check(self, event: Event, batch: Batch) -> Finding | None:
        y = event.arrays.get("y")
        if event.name != "Relu" or not isinstance(y, ARRAYS) or not y.size or not _fits(self._pattern, event):
            return None
        unit = y.ndim - 1 if y.ndim < 3 or _behind_linear(event) else 1
        alive = (y != 0).any(axis=tuple(i for i in range(y.ndim) if i != unit)) if y.ndim > 1 else y != 0
        alive = np.atleast_1d(on_cpu(alive))
        dead = alive.size - int(np.count_nonzero(alive))
        if not dead / alive.size > self._threshold:
            return None
        first = int(np.argmin(alive))
        index = tuple(first if i == unit else 0 for i in range(y.ndim))
        over = f" for {'all ' if len(y) > 1 else ''}{len(y)} {plural(len(y), 'sample')}" if y.ndim > 1 else ""
        return Finding(
            f"{dead} of {alive.size} {plural(alive.size, 'unit')} of {tensor_text(event, 'y')} {plural(dead, 'is', 'are')} "
            f"zero{over}: {100 * dead / alive.size:.3g} %, above {100 * self._threshold:.3g} %; "
            f"the first is unit {first}", "y", index
        )


def _behind_linear(event: Event) -> bool:
    edge = next(iter(getattr(event.function, "edges", ())), None)
    return edge is not None and type(edge[0]).__name__ == "Linear"


def _fits(pattern: TensorPattern | None, event: Event) -> bool:
    return pattern is None or pattern.fits_array(event, "y")


class Saturation(Watchpoint):
    """Share of a sigmoid's or tanh's outputs that lie within 0.01 of a limit (0, 1; -1, 1) above a threshold."""

    kind = "saturation-above"
    events = frozenset({"forward"})

    def __init__(self, kind: str, pattern: TensorPattern | None, threshold: float) -> None:
        self._pattern, self._threshold = pattern, threshold

    def check(self, event: Event, batch: Batch) -> Finding | None:
        y = event.arrays.get("y")
        low = {"Sigmoid": 0.0, "Tanh": -1.0}.get(event.name)
        if low is None or not isinstance(y, ARRAYS) or not y.size or not _fits(self._pattern, event):
            return None
        saturated = on_cpu((y <= low + SATURATED) | (y >= 1.0 - SATURATED))
        count = int(np.count_nonzero(saturated))
        if not count / y.size > self._threshold:
            return None
        place = batch.place(event, "y", y, first_true(saturated))
        return Finding(
            f"{count} of {y.size} {plural(y.size, 'element')} of {tensor_text(event, 'y')} {plural(count, 'is', 'are')} "
            f"within {SATURATED} of {low:g} or 1: {100 * count / y.size:.3g} %, above {100 * self._threshold:.3g} %; "
            f"the first{place_text(place)}", "y", **place
        )


class LossRise(Watchpoint):
    """The loss is more than ``threshold`` times the mean of the ``window`` losses before it, or NaN.

    A loss is a scalar at which ``backward`` begins. Losses of different lines of the script are kept apart. Around a
    mean m that is not positive the limit is m + (threshold - 1)·|m|.
    """

    kind = "loss-rise"
    events = frozenset({"begin_backward"})

    def __init__(self, threshold: float, window: int = WINDOW) -> None:
        self._threshold, self._window = threshold, window
        self._past: dict[tuple[str, int], deque[float]] = {}

    def check(self, event: Event, batch: Batch) -> Finding | None:
        array = next((a for _, a in parts("loss", event.arrays.get("loss"))), None)
        if array is None or array.size != 1:
            return None
        loss = float(array.reshape(-1)[0])
        past = self._past.setdefault((event.file, event.line), deque(maxlen=self._window))
        mean = sum(past) / len(past) if past else math.nan
        full = len(past) == self._window
        if math.isfinite(loss):
            past.append(loss)
        if math.isnan(loss):
            return Finding("The loss is NaN" + (f" after {mean:.6g} on average" if len(past) else ""), "loss")
        if not full or loss <= mean + (self._threshold - 1) * abs(mean):
            return None
        times = f", {loss / mean:.3g} times as much" if mean > 0 else ""
        return Finding(
            f"The loss rose to {loss:.6g}; the mean of the last {self._window} was {mean:.6g}{times} "
            f"(limit: {self._threshold:g} times)", "loss"
        )

    def recall(self, event: Event) -> Finding | None:
        return None  # the losses before it are not known any more


class WeightCrosses(Watchpoint):
    """One element of a parameter passes a threshold in one update, in either direction."""

    kind = "weight-crosses"
    events = frozenset({"update"})

    def __init__(self, pattern: TensorPattern, threshold: float, index: tuple[int, ...]) -> None:
        self._pattern, self._threshold, self._index = pattern, threshold, index

    def check(self, event: Event, batch: Batch) -> Finding | None:
        w, w_new = event.arrays.get("w"), event.arrays.get("w_new")
        if not isinstance(w, ARRAYS) or not isinstance(w_new, ARRAYS) or not _means(self._pattern, event):
            return None
        w, w_new = shaped(event, w), shaped(event, w_new)
        index = self._index
        if len(index) != w.ndim or any(i >= extent for i, extent in zip(index, w.shape, strict=True)):
            raise ValueError(
                f"weight-crosses: {_parameter(event)} has shape {w.shape}, so there is no element {list(index)}"
            )
        before, after = float(w[index]), float(w_new[index])
        if math.isnan(after) or (before < self._threshold) == (after < self._threshold):
            return None
        sentence = (
            f"{_parameter(event)}{list(index)} crosses {self._threshold:g}: it was {before:.6g} and is {after:.6g} "
            f"after {op_text(event)}"
        )
        return Finding(sentence, "w_new", index)
