"""Curves as numbers: smoothing, and what of them a row of pixels can show. No Qt."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gui.numbers import format_count, format_number

#: Values that are smoothed at once; 0.99 to this power is far from the end of float64.
_BLOCK = 512


@dataclass(frozen=True)
class Curve:
    """One curve.

    Attributes:
        name: what the legend calls it; curves of one name look the same in all plots.
        x, y: ascending places, and values; those that are not finite are gaps.
        style: which colour: 0 is that of the current run.
        dash: which kind of line; 0 is solid.
        points: values stand by themselves and get a dot each.
        hold: a value holds until the next one.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    style: int = 0
    dash: int = 0
    points: bool = False
    hold: bool = False


@dataclass(frozen=True)
class Plot:
    """Curves of one quantity over the common axis.

    Attributes:
        title: the quantity. unit: behind numbers in the read-out: "%", or "".
        log: logarithmic axis. ends: values that the axis does not leave.
        smooth: whether smoothing is for these.
    """

    title: str
    curves: list[Curve]
    unit: str = ""
    log: bool = False
    ends: tuple[float, float] = (-np.inf, np.inf)
    smooth: bool = True
    tip: str = field(default="", compare=False)


def ema(values: np.ndarray, decay: float) -> np.ndarray:
    """Exponential moving average s_t = decay · s_(t-1) + (1 - decay) · x_t, divided by the sum of its weights.

    Values that are not finite are left out; there the average stays NaN.
    """
    if decay <= 0 or not len(values):
        return values
    finite = np.isfinite(values)
    x = values[finite].astype(np.float64)
    sums = np.empty(len(x))
    powers = decay ** np.arange(1, _BLOCK + 1)
    last = 0.0
    for start in range(0, len(x), _BLOCK):
        part = x[start : start + _BLOCK]
        weights = powers[: len(part)]
        sums[start : start + len(part)] = block = weights * (last + np.cumsum((1 - decay) * part / weights))
        last = block[-1]
    totals = 1 - decay ** np.arange(1.0, len(x) + 1)
    smoothed = np.full(len(values), np.nan)
    smoothed[finite] = sums / totals
    return smoothed


def columns(x: np.ndarray, y: np.ndarray, low: float, high: float, wide: int) -> tuple[np.ndarray, np.ndarray]:
    """What ``wide`` columns of pixels from ``low`` to ``high`` show of a curve: all its points, or where there are more
    than two in a column the least and the greatest of each. One point beyond either end is kept, for the line to it.
    """
    first = max(0, int(np.searchsorted(x, low, "left")) - 1)
    last = min(len(x), int(np.searchsorted(x, high, "right")) + 1)
    x, y = x[first:last], y[first:last]
    if len(x) <= 2 * wide or wide < 2:
        return x, y
    edges = low + (high - low) / wide * np.arange(wide + 1)
    # Not np.unique, which imports numpy.ma when it is first called: 70 ms of the window's thread.
    starts = np.concatenate([[0], np.searchsorted(x, edges, "left"), [len(x)]])
    starts = starts[np.append(True, np.diff(starts) > 0)][:-1]
    safe = np.where(np.isfinite(y), y, np.nan)
    pairs = np.empty((len(starts), 2))
    pairs[:, 0] = np.fmin.reduceat(safe, starts)
    pairs[:, 1] = np.fmax.reduceat(safe, starts)
    # A column that ends higher than it began is drawn from its least value to its greatest.
    ends = np.append(starts[1:], len(x)) - 1
    falling = safe[ends] < safe[starts]
    pairs[falling] = pairs[falling, ::-1]
    return np.repeat(x[starts], 2), pairs.reshape(-1)


def held(x: np.ndarray, y: np.ndarray, until: float) -> tuple[np.ndarray, np.ndarray]:
    """The corners of a curve whose values hold until the next one, the last up to ``until``."""
    ends = np.append(x[1:], max(until, x[-1])) if len(x) else x
    return np.stack([x, ends], 1).reshape(-1), np.repeat(y, 2)


def value_at(curve: Curve, x: float, exact: bool = True) -> float | None:
    """The value at ``x``; None where the curve has none just there, or without ``exact`` none up to there."""
    place = int(np.searchsorted(curve.x, x, "right")) - 1
    if place < 0:
        return None
    return float(curve.y[place]) if curve.hold or not exact or curve.x[place] == x else None


def value_text(curve: Curve, x: float, unit: str = "", exact: bool = True) -> str:
    """:func:`value_at` in words, "" where there is none; ``56.25 % at 20`` for one of an earlier place than ``x``."""
    value = value_at(curve, x, exact)
    if value is None:
        return ""
    place = float(curve.x[int(np.searchsorted(curve.x, x, "right")) - 1])
    earlier = "" if curve.hold or place == x else f" at {format_count(place)}"
    return format_number(value) + (f" {unit}" if unit else "") + earlier


def nearest(curves: list[Curve], x: float) -> float | None:
    """The place nearest to ``x`` at which any of the curves has a value."""
    found: list[float] = []
    for curve in curves:
        if len(curve.x):
            k = int(np.searchsorted(curve.x, x))
            found += [float(curve.x[i]) for i in (k - 1, k) if 0 <= i < len(curve.x)]
    return min(found, key=lambda place: abs(place - x), default=None)


def beside(curves: list[Curve], x: float, forward: bool) -> float | None:
    """The next place after ``x``, or the last one before it, at which any of the curves has a value."""
    found: list[float] = []
    for curve in curves:
        k = int(np.searchsorted(curve.x, x, "right")) if forward else int(np.searchsorted(curve.x, x, "left")) - 1
        if 0 <= k < len(curve.x):
            found.append(float(curve.x[k]))
    return (min if forward else max)(found, default=None)
