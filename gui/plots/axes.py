"""Ranges of axes, and where their ticks stand. No Qt."""

from __future__ import annotations

import math

import numpy as np

#: An axis of steps ends at one of these times a power of ten, so that it seldom moves while the run goes on.
_ROUND = (1.0, 1.2, 1.5, 1.8, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0)

#: Steps that an axis shows at least.
FEWEST_STEPS = 5

#: A range of values is kept while the values fill at least this share of it.
_FILLED = 0.45


def steps_range(first: float, last: float) -> tuple[float, float]:
    """The range of an axis of whole numbers for values from ``first`` to ``last``."""
    size = max(last, first + FEWEST_STEPS)
    power = 10.0 ** math.floor(math.log10(size)) if size > 0 else 1.0
    high = next((power * end for end in _ROUND if power * end >= size * (1 - 1e-9)), size)
    return (0.0 if first < 0.5 * high else first), high


def values_range(low: float, high: float, log: bool, ends: tuple[float, float]) -> tuple[float, float]:
    """The range of an axis for values from ``low`` to ``high``, with some air; for ``log`` in powers of ten.

    NaN for both means that there are no values.
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        return (-1.0, 0.0) if log else (0.0, 1.0) if math.isinf(ends[0]) else (ends[0], ends[1])
    if log:
        low, high = math.log10(low), math.log10(high)
        air = max(0.06 * (high - low), 0.05)
        return low - air, high + air
    air = 0.06 * (high - low) if high > low else 0.1 * abs(high) or 1.0
    if all(map(math.isfinite, ends)):
        # Of a scale with two ends a tenth is shown at least.
        air = max(air, (0.1 * (ends[1] - ends[0]) - (high - low)) / 2)
    return max(low - air, ends[0]), min(high + air, ends[1])


def kept_range(old: tuple[float, float] | None, new: tuple[float, float]) -> tuple[float, float]:
    """``old`` where it still suits what needs ``new``: nothing moves from step to step without a reason."""
    if old is None:
        return new
    inside = old[0] <= new[0] and new[1] <= old[1]
    return old if inside and new[1] - new[0] >= _FILLED * (old[1] - old[0]) else new


def tick_values(low: float, high: float, most: int, whole: bool = False) -> list[float]:
    """About ``most`` round numbers, at least 2, from ``low`` to ``high``, evenly apart; ``whole``: integers only."""
    for wanted in range(most, most + 8):
        found = _ticks(low, high, wanted, whole)
        if len(found) >= 2 or most < 1:
            return found
    return _ticks(low, high, most, whole)


def _ticks(low: float, high: float, most: int, whole: bool) -> list[float]:
    if not high > low or most < 1:
        return []
    rough = (high - low) / max(1, most)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * n for n in (1, 2, 5, 10) if power * n >= rough * (1 - 1e-9))
    if whole:
        step = max(1.0, round(step))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    # By way of text, so that 3 times a tenth is 0.3.
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    return [round(k * step, digits + 2) + 0.0 for k in range(first, last + 1)]


def power_ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers from 10**low to 10**high for a logarithmic axis, at most about ``most``."""
    decades = high - low
    if decades >= max(1, most) or decades >= 3:
        every = max(1, math.ceil(decades / max(1, most)))
        return [10.0**k for k in range(math.ceil(low), math.floor(high) + 1) if k % every == 0]
    factors: tuple[float, ...]
    for factors in ((1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 5), (1, 2, 5), (1, 3), (1,)):
        found = [f * 10.0**k for k in range(math.floor(low), math.ceil(high) + 1) for f in factors]
        found = [tick for tick in found if low <= math.log10(tick) <= high]
        if len(found) <= max(2, most):
            break
    if len(found) >= 2:
        return found
    return [tick for tick in tick_values(10.0**low, 10.0**high, max(2, most)) if tick > 0]


def tick_texts(ticks: list[float]) -> list[str]:
    """The numbers with as many digits as tell them apart, the same for all where they are of one size."""
    if not ticks:
        return []
    size = max(abs(tick) for tick in ticks)
    least = min((abs(tick) for tick in ticks if tick), default=1.0)
    if size >= 1e5 or (size and size < 1e-3) or least < 1e-4:
        return [_short(tick) for tick in ticks]
    gap = min(np.diff(ticks), default=size) if len(ticks) > 1 else size
    spread = size / least > 50 and least < 1
    if spread:
        return [format(tick, "g") for tick in ticks]
    digits = min(6, max(0, -math.floor(math.log10(gap) + 1e-9))) if gap > 0 else 3
    return [f"{tick:,.{digits}f}" for tick in ticks]


def _short(tick: float) -> str:
    if tick == 0:
        return "0"
    if abs(tick) >= 1e5 and tick == round(tick) and abs(tick) < 1e9 and tick % 1000 == 0:
        return f"{tick / 1000:,.0f}k"
    digits, _, power = f"{tick:.2e}".partition("e")
    return f"{digits.rstrip('0').rstrip('.')}e{int(power)}"
