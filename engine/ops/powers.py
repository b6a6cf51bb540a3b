"""Powers: pow, square and their operators."""

from __future__ import annotations

import numpy as np

from engine.definitions import arithmetic as definitions
from engine.ops.division import overloaded
from engine.ops.elementwise import Binary, compute
from engine.tensor import Tensor


class Pow(Binary):
    """y = a to the power of b"""

    definitions = {
        "y": definitions.pow_forward, "da": definitions.pow_backward_a, "db": definitions.pow_backward_b,
    }
    saves_inputs = (0, 1)

    def forward(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        self.a, self.b = a, b
        self.y = y = power(a, b)
        self.shape = y.shape
        return y

    def backward(self, dy: np.ndarray) -> tuple:
        a, b = self.a, self.b
        da = db = None
        if self.needs[0]:
            da = compute(np.multiply, dy, compute(np.multiply, b, power(a, b - b.dtype.type(1))))
            if not b.all():
                da = np.where(b == 0, da.dtype.type(0), da)
        if self.needs[1]:
            db = compute(np.multiply, dy, compute(np.multiply, self.y, compute(np.log, a)))
            if not a.all():
                db = np.where((a == 0) & (b >= 0), db.dtype.type(0), db)
        return da, db


def power(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a to the power of b; small whole exponents by multiplication."""
    if b.ndim == 0 and a.dtype.kind == "f":
        if b == 2:
            return compute(np.multiply, a, a)
        if b == 1:
            return compute(np.positive, a)
        if b == 3:
            return compute(np.multiply, compute(np.multiply, a, a), a)
        if b == 0.5:
            return compute(np.sqrt, a)
        if b == -1:
            return compute(np.reciprocal, a)
    return compute(np.power, a, b)


# ---- public functions ----


def pow(input: Tensor | float, exponent: Tensor | float) -> Tensor:
    """y = input to the power of exponent.

    Raises:
        DtypeError: for an integer to a negative integer power.
    """
    return overloaded("pow", Pow(), input, exponent)


def rpow(input: Tensor, other: float | Tensor) -> Tensor:
    """y = other to the power of input: the reflected operator."""
    return pow(other, input)


def square(input: Tensor) -> Tensor:
    """y = input²"""
    return pow(input, 2)


METHODS = {"__pow__": pow, "__rpow__": rpow, "pow": pow, "square": square}
FUNCTIONS = ("pow", "square")
