"""Watchpoints on the values of any array: NaN and infinity, and limits of its statistics."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.debug.breakpoints.watch_base import (
    Batch,
    Finding,
    TensorPattern,
    Watchpoint,
    candidates,
    parts,
    place_text,
    produced,
    received,
    tensor_text,
)
from engine.debug.events import Event
from engine.debug.memory import on_cpu
from engine.debug.squares import sum_of_squares
from engine.debug.statistics.observer import Summary, summarize
from engine.plural import plural

_OPS = frozenset({"forward", "backward", "gradient", "update"})


class NonFinite(Watchpoint):
    """NaN or infinity (``"nan-inf"``), or only one of them, in anything that an op writes.

    It stops at the op that made the first one. What merely passes it on in the same step is not reported again; an
    op that makes a new one is.
    """

    events = _OPS
    _tests = {
        "nan-inf": lambda array: ~np.isfinite(array),
        "nan": np.isnan,
        "inf": np.isinf,
    }

    def __init__(self, kind: str, pattern: TensorPattern | None) -> None:
        self.kind = kind
        self._pattern = pattern
        self._test: Callable[[np.ndarray], np.ndarray] = self._tests[kind]
        self._seen_in: tuple | None = None

    def check(self, event: Event, batch: Batch) -> Finding | None:
        found = self._first(event)
        if found is None:
            return None
        source = self._source(event)
        step = (event.epoch, event.batch, event.step)
        if self._seen_in == step and (source or event.kind == "gradient"):
            return None
        self._seen_in = step
        return self._found(event, batch, *found, source)

    def recall(self, event: Event) -> Finding | None:
        # Which came first in its step is not known any more, but what made one without having been given one is.
        found = None if event.kind == "gradient" else self._first(event)
        return None if found is None or self._source(event) else self._found(event, Batch(), *found, "")

    def _first(self, event: Event) -> tuple[str, np.ndarray] | None:
        for name, array in candidates(event, self._pattern):
            if array.dtype.kind == "f" and not math.isfinite(squares(array)) and self._test(array).any():
                return name, array
        return None

    def _found(self, event: Event, batch: Batch, name: str, array: np.ndarray, source: str) -> Finding:
        array = on_cpu(array)
        bad = self._test(array)
        index = first_true(bad)
        place = batch.place(event, name, array, index)
        count = int(np.count_nonzero(bad))
        extent = f": first{place_text(place)}; {count} of {array.size} {plural(array.size, 'element')}" if index else ""
        if source:
            made = f"it came in through {source}"
        elif event.kind == "gradient":
            made = "the gradients added here are not recorded"
        else:
            made = "none of the op's inputs has any: it was made here"
        text = f"{_named(array[index])} in {tensor_text(event, name)}{extent}; {made}"
        return Finding(text, name, **place)

    def _source(self, event: Event) -> str:
        """The first input that has what is looked for, in words; ``""`` where none has."""
        inputs = received(event)
        if event.kind == "backward":
            made = {name for name, _ in produced(event)}
            inputs += [p for n, value in event.arrays.items() for p in parts(n, value) if p[0] not in made]
        for name, array in inputs:
            if array.dtype.kind == "f" and self._test(array).any():
                return tensor_text(event, name)
        return ""


def squares(array: np.ndarray) -> float:
    """Σ x²: finite only where every element is; infinite also where the sum overflows. The quickest look at them all."""
    if array.flags.c_contiguous:
        flat = array.reshape(-1)
    else:
        # A broadcast dimension repeats what one of its positions holds.
        flat = array[tuple([slice(0, 1) if s == 0 else slice(None) for s in array.strides])]
        flat = flat.ravel(order="K") if isinstance(flat, np.ndarray) else flat.ravel()
    with np.errstate(all="ignore"):
        return sum_of_squares(flat)


def first_true(mask: np.ndarray) -> tuple[int, ...]:
    """The index of the first element that is true, in row-major order."""
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(mask)), mask.shape))


def _named(value: Any) -> str:
    if np.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


_MEASURES: dict[str, Callable[[Summary], float]] = {
    "max": lambda s: s.max,
    "min": lambda s: s.min,
    "mean": lambda s: s.mean,
    "std": lambda s: s.std,
    "range": lambda s: s.max - s.min,
}


class Limit(Watchpoint):
    """Maximum, minimum, mean, standard deviation (divisor n) or range of an array above or below a threshold.

    Without ``tensor`` every array that an op writes is looked at. NaN and infinite elements are left out;
    integers and booleans are not looked at.
    """

    events = _OPS

    def __init__(self, kind: str, pattern: TensorPattern | None, threshold: float) -> None:
        self.kind = kind
        self._name, _, self._side = kind.partition("-")
        self._pattern, self._threshold = pattern, threshold

    def check(self, event: Event, batch: Batch) -> Finding | None:
        for name, array in candidates(event, self._pattern):
            if array.dtype.kind != "f" or not array.size:
                continue
            value = _MEASURES[self._name](summarize(array))
            if beyond(value, self._side, self._threshold):
                return self._found(event, batch, name, array, value)
        return None

    def _found(self, event: Event, batch: Batch, name: str, array: np.ndarray, value: float) -> Finding:
        place: dict[str, Any] = {}
        where = ""
        if self._name in ("max", "min"):
            place = batch.place(event, name, array, first_true(on_cpu(array == array.dtype.type(value))))
            where = place_text(place)
        text = tensor_text(event, name)
        sentence = f"The {self._name} of {text} is {value:.6g}{where}, {self._side} {self._threshold:g}"
        return Finding(sentence, name, **place)


def beyond(value: float, side: str, threshold: float) -> bool:
    """Whether ``value`` is above or below (``side``) the threshold; NaN is neither."""
    return value > threshold if side == "above" else value < threshold
