"""Ready-made data breakpoints: a table of kinds, and making one from what the client sends.

A specification is ``{"kind", "tensor"?, "threshold"?, "index"?, "window"?}``. ``tensor`` is a pattern, see
:class:`~engine.debug.breakpoints.watch_base.TensorPattern`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from engine.debug.breakpoints.watch_base import TensorPattern, Watchpoint
from engine.debug.breakpoints.watch_training import (
    WINDOW,
    DeadUnits,
    GradientNorm,
    LossRise,
    Saturation,
    UpdateRatio,
    WeightCrosses,
)
from engine.debug.breakpoints.watch_values import Limit, NonFinite


class Kind(NamedTuple):
    """One kind of watchpoint.

    Attributes:
        make: from kind and checked values.
        label: what it waits for, in words.
        needs: keys that a specification must have; takes: further ones that it may have.
        low, high: range of the threshold.
    """

    make: Callable[[str, Mapping[str, Any]], Watchpoint]
    label: str
    needs: tuple[str, ...] = ("threshold",)
    takes: tuple[str, ...] = ("tensor",)
    low: float = -math.inf
    high: float = math.inf


def _with_limit(watch: Callable[..., Watchpoint]) -> Callable[[str, Mapping[str, Any]], Watchpoint]:
    return lambda kind, given: watch(kind, given.get("tensor"), given["threshold"])


def _kinds() -> dict[str, Kind]:
    def non_finite(kind: str, given: Mapping[str, Any]) -> Watchpoint:
        return NonFinite(kind, given.get("tensor"))

    def loss_rise(kind: str, given: Mapping[str, Any]) -> Watchpoint:
        return LossRise(given["threshold"], given.get("window", WINDOW))

    def crosses(kind: str, given: Mapping[str, Any]) -> Watchpoint:
        return WeightCrosses(given["tensor"], given["threshold"], given["index"])

    table = {
        "nan-inf": Kind(non_finite, "NaN or infinity in anything that an op writes", ()),
        "nan": Kind(non_finite, "NaN in anything that an op writes", ()),
        "inf": Kind(non_finite, "infinity in anything that an op writes", ()),
    }
    statistics = {
        "max": "maximum of a tensor",
        "min": "minimum of a tensor",
        "mean": "mean of a tensor",
        "std": "standard deviation of a tensor",
        "range": "maximum minus minimum of a tensor",
    }
    for side in ("above", "below"):
        for name, words in statistics.items():
            low = 0.0 if name in ("std", "range") else -math.inf
            table[f"{name}-{side}"] = Kind(_with_limit(Limit), f"{words} {side} a threshold", low=low)
        table[f"gradient-norm-{side}"] = Kind(
            _with_limit(GradientNorm), f"norm of a parameter's gradient {side} a threshold", low=0.0
        )
        table[f"update-ratio-{side}"] = Kind(
            _with_limit(UpdateRatio), f"norm of an update over norm of the parameter {side} a threshold", low=0.0
        )
    table["dead-units-above"] = Kind(
        _with_limit(DeadUnits), "share of a ReLU's units that are zero over the batch", low=0.0, high=1.0
    )
    table["saturation-above"] = Kind(
        _with_limit(Saturation), "share of a sigmoid's or tanh's outputs near their limits", low=0.0, high=1.0
    )
    table["loss-rise"] = Kind(
        loss_rise, "loss above threshold times the mean of the last losses", takes=("window",), low=1.0
    )
    table["weight-crosses"] = Kind(
        crosses, "one weight passes a threshold", needs=("tensor", "threshold", "index"), takes=()
    )
    return table


#: Every kind by name.
KINDS = _kinds()

#: Keys that belong to the breakpoint, not to what it watches.
_SHARED = frozenset({"kind", "condition", "hitCondition", "logMessage"})


def describe_kinds() -> list[dict[str, Any]]:
    """The kinds for a client's menu: name, label, keys needed and taken, and the threshold's range (None: no limit)."""
    return [
        {
            "kind": name,
            "label": kind.label,
            "needs": list(kind.needs),
            "takes": list(kind.takes),
            "low": kind.low if math.isfinite(kind.low) else None,
            "high": kind.high if math.isfinite(kind.high) else None,
        }
        for name, kind in KINDS.items()
    ]


def make_watchpoint(specification: Mapping[str, Any]) -> Watchpoint:
    """The watchpoint that a client's ``specification`` describes.

    Raises:
        ValueError: the kind is unknown, a key is missing, or a value is out of range; the message names it.
    """
    name = specification.get("kind")
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None or not isinstance(name, str):
        raise ValueError(f"there is no watchpoint {name!r}; there are {', '.join(KINDS)}")
    given = {key: value for key, value in specification.items() if key not in _SHARED and value is not None}
    allowed = kind.needs + kind.takes
    for key in given:
        if key not in allowed:
            raise ValueError(f"{name} takes {_listed(allowed)}, not {key}")
    for key in kind.needs:
        if key not in given:
            raise ValueError(f"{name} needs {_listed(kind.needs)}; {key} is missing")
    return kind.make(name, {key: _checked(name, kind, key, value) for key, value in given.items()})


def _listed(keys: tuple[str, ...]) -> str:
    return " and ".join([", ".join(keys[:-1]), keys[-1]]) if len(keys) > 1 else (keys[0] if keys else "no keys")


def _checked(name: str, kind: Kind, key: str, value: Any) -> Any:
    if key == "threshold":
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
            raise ValueError(f"{name}: threshold must be a finite number, not {value!r}")
        if not kind.low <= value <= kind.high:
            most = "" if kind.high == math.inf else f" and at most {kind.high:g}"
            raise ValueError(f"{name}: threshold must be at least {kind.low:g}{most}, not {value!r}")
        return float(value)
    if key == "tensor":
        if not isinstance(value, str) or not value:
            raise ValueError(f"{name}: tensor must be a pattern such as 'conv1.weight' or '*.weight', not {value!r}")
        return TensorPattern(value)
    if key == "window":
        if not _is_count(value) or value < 1:
            raise ValueError(f"{name}: window must be a number of steps from 1 on, not {value!r}")
        return value
    parts = [value] if _is_count(value) else value
    if not isinstance(parts, (list, tuple)) or not all(_is_count(part) for part in parts):
        raise ValueError(f"{name}: index must be a list of integers from 0 on, such as [3, 7], not {value!r}")
    return tuple(parts)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
