"""The curves of runs: what the engine has sent joined with what comes after it, per step or per epoch. No Qt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

#: Quantities in the order in which they are shown, each with the unit behind its numbers.
QUANTITIES = {"loss": "", "accuracy": "%", "learning rate": "", "gradient norm": ""}

#: Whose values are known at single places only, and whose hold until the next one.
_RATE = "learning rate"


class Series(NamedTuple):
    """One curve of a run.

    Attributes:
        quantity, name: "accuracy" of "train", of "validation" ...
        x, y: steps (or epochs), from 1 on, and values; accuracy in percent. An evaluation stands at the step before it.
        points: single values, of evaluations. hold: each holds until the next.
    """

    quantity: str
    name: str
    x: np.ndarray
    y: np.ndarray
    points: bool = False
    hold: bool = False


def joined(
    curve: Mapping[str, Any] | None, measured: Mapping[str, Any] | None, body: Mapping[str, Any], start: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The curve and the measures of a run, after the answer ``body`` to ``curves`` from step ``start`` on.

    Returns:
        ``{"steps", "losses"}``, and ``{"series": {(quantity, name): (steps, values, counts)}, "evaluations": names of the
        places of evaluation, "epochs": (n, 2)}``.
    """
    old = curve or {}
    both = {key: _cut(old.get("steps"), old.get(key), body[key].numpy(), start) for key in ("steps", "losses")}
    # Where the script has evaluated at another place, those before may have got longer names.
    names = body.get("evaluations", ())
    renamed = dict(zip((measured or {}).get("evaluations", ()), names, strict=False))
    before = (measured or {}).get("series", {})
    series = {(quantity, renamed.get(name, name)): one for (quantity, name), one in before.items()}
    fresh = {(one["quantity"], one["name"]): one for one in body.get("series", ())}
    for key in {*series, *fresh}:
        new = fresh.get(key)
        parts = [new[name].numpy() for name in ("steps", "values", "counts")] if new else [np.zeros(0)] * 3
        known = series.get(key, (None, None, None))
        series[key] = tuple([_cut(known[0], known[i], parts[i], start) for i in range(3)])
    epochs = body["epochs"].numpy() if "epochs" in body else np.zeros((0, 2), np.int64)
    begun = (measured or {}).get("epochs")
    if begun is not None and start:
        epochs = np.concatenate([begun[begun[:, 1] < start], epochs])
    return both, {"series": series, "evaluations": list(names), "epochs": epochs}


def measures_equal(a: Mapping[str, Any] | None, b: Mapping[str, Any]) -> bool:
    """Whether nothing new was measured."""
    if a is None or a["series"].keys() != b["series"].keys() or len(a["epochs"]) != len(b["epochs"]):
        return False
    pairs = [(a["series"][key], b["series"][key]) for key in b["series"]]
    return all(len(x[0]) == len(y[0]) and np.array_equal(x[1][-1:], y[1][-1:], equal_nan=True) for x, y in pairs)


def _cut(steps: np.ndarray | None, values: np.ndarray | None, new: np.ndarray, start: int) -> np.ndarray:
    """``values`` before the step ``start``, and ``new`` behind them."""
    if steps is None or values is None or not start:
        return new
    return np.concatenate([values[: int(np.searchsorted(steps, start))], new])


def series_of(curve: Mapping[str, Any] | None, measured: Mapping[str, Any] | None, per_epoch: bool = False) -> list[Series]:
    """All curves of a run, those of the training first."""
    found = []
    if curve is not None and len(curve["steps"]):
        found.append(Series("loss", "train", np.asarray(curve["steps"], float), np.asarray(curve["losses"], float)))
    counts: dict[tuple[str, str], np.ndarray] = {}
    for (quantity, name), (steps, values, counted) in (measured or {}).get("series", {}).items():
        if len(steps):
            scale = 100.0 if quantity == "accuracy" else 1.0
            evaluated = name.startswith(("validation", "evaluation"))
            found.append(Series(quantity, name, steps.astype(float), values * scale, evaluated, quantity == _RATE))
            counts[quantity, name] = counted
    found.sort(key=lambda one: (list(QUANTITIES).index(one.quantity), one.points, one.name != "train", one.name))
    epochs = (measured or {}).get("epochs")
    if per_epoch and epochs is not None and len(epochs):
        return [_per_epoch(one, counts.get((one.quantity, one.name)), epochs) for one in found]
    # The engine says how many steps had ended: of what a step computes that is one less than its number.
    return [one if one.points else one._replace(x=one.x + 1) for one in found]


def epoch_at(measured: Mapping[str, Any] | None, step: float) -> int | None:
    """The epoch to which step number ``step`` (from 1) belongs; None where the script has no epochs."""
    epochs = (measured or {}).get("epochs")
    if epochs is None or not len(epochs):
        return None
    place = int(np.searchsorted(epochs[:, 1], step - 1, "right")) - 1
    return int(epochs[max(0, place), 0])


def end_of(measured: Mapping[str, Any] | None, epoch: float, last: int) -> int:
    """How many steps have ended when ``epoch`` has; ``last`` where it has not ended yet."""
    epochs = (measured or {}).get("epochs")
    if epochs is None:
        return last
    later = epochs[epochs[:, 0] > epoch]
    return int(later[0, 1]) if len(later) else last


def _per_epoch(one: Series, counts: np.ndarray | None, epochs: np.ndarray) -> Series:
    """A value an epoch: of evaluations and rates the last one, else the mean (of accuracy over all predictions)."""
    # An evaluation, and what a step has ended with, belong to the step before.
    places = np.searchsorted(epochs[:, 1], one.x - (1 if one.points else 0), "right") - 1
    numbers = np.where(places >= 0, epochs[np.maximum(places, 0), 0], 0)
    found, first = np.unique(numbers, return_index=True)
    last = np.append(first[1:], len(numbers)) - 1
    if one.points:
        return one._replace(x=found.astype(float), y=one.y[last])
    if one.hold:
        # A rate holds over epochs in which it does not change.
        ends = np.append(epochs[1:, 1], np.inf)
        at = np.searchsorted(one.x, ends, "left") - 1
        return one._replace(x=epochs[at >= 0, 0].astype(float), y=one.y[at[at >= 0]], hold=False)
    weights = np.ones(len(one.y)) if counts is None or one.quantity != "accuracy" else counts.astype(float)
    sums, totals = np.add.reduceat(one.y * weights, first), np.add.reduceat(weights, first)
    return one._replace(x=found.astype(float), y=sums / totals)
