"""Arithmetic that gives inf and NaN where Python raises, as kernels do (IEEE 754), and derivatives of every operation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def divided(a: Any, b: Any) -> float:
    """a / b; inf or NaN where b is 0."""
    return a / b if b else float(np.float64(a) / np.float64(b))


def remainder(a: Any, b: Any) -> float:
    """a % b; NaN where b is 0."""
    return a % b if b else math.nan


def power(a: Any, b: Any) -> Any:
    """a ** b; NaN for a negative base and a fraction, inf where it overflows."""
    if isinstance(a, int) and isinstance(b, int) and b >= 0:
        return a**b
    return float(np.float64(a) ** np.float64(b))


def floored(function: Any, value: Any) -> Any:
    """``function`` (floor, ceil, trunc) of ``value``; inf and NaN stay what they are."""
    return function(value) if math.isfinite(value) else value


#: d f(x) / dx from x and y = f(x).
_DERIVATIVES = {
    "neg": lambda x, y: -1.0,
    "abs": lambda x, y: float(np.sign(x)),
    "exp": lambda x, y: y,
    "expm1": lambda x, y: y + 1.0,
    "log": lambda x, y: divided(1.0, x),
    "log1p": lambda x, y: divided(1.0, 1.0 + x),
    "sqrt": lambda x, y: divided(0.5, y),
    "erf": lambda x, y: 2.0 / math.sqrt(math.pi) * math.exp(-min(x * x, 745.0)),
    "sin": lambda x, y: math.cos(x) if math.isfinite(x) else math.nan,
    "cos": lambda x, y: -math.sin(x) if math.isfinite(x) else math.nan,
    "tan": lambda x, y: 1.0 + y * y,
    "asin": lambda x, y: divided(1.0, float(np.sqrt(1.0 - x * x))),
    "acos": lambda x, y: -divided(1.0, float(np.sqrt(1.0 - x * x))),
    "atan": lambda x, y: 1.0 / (1.0 + x * x),
    "sinh": lambda x, y: float(np.cosh(x)),
    "cosh": lambda x, y: float(np.sinh(x)),
    "tanh": lambda x, y: 1.0 - y * y,
    "floor": lambda x, y: 0.0,
    "ceil": lambda x, y: 0.0,
    "trunc": lambda x, y: 0.0,
}


def partials(op: str, a: Any, b: Any, y: Any) -> tuple[float, float]:
    """Derivatives of ``y``, which is ``op`` of ``a`` and ``b``, with respect to these (0 for one that it has not).

    Raises:
        NotImplementedError: for a function of ``math`` that no definition has used yet.
    """
    if op == "+":
        return 1.0, 1.0
    if op == "*":
        return b, a
    if op == "-":
        return 1.0, -1.0
    if op == "/":
        return divided(1.0, b), -divided(y, b)
    if op == "**":
        return b * power(a, b - 1) if b else 0.0, y * math.log(a) if a > 0 else 0.0
    if op == "%":
        return 1.0, -floored(math.floor, divided(a, b))
    if op == "atan2":
        return divided(b, a * a + b * b), -divided(a, a * a + b * b)
    if op not in _DERIVATIVES:
        raise NotImplementedError(f"explain knows no derivative of math.{op}")
    return _DERIVATIVES[op](a, y), 0.0
