"""Angles and hyperbolic functions of one element. Integers become the default float."""

from __future__ import annotations

import numpy as np

from engine.definitions import trigonometry
from engine.function import apply
from engine.ops.elementwise import Binary, compute, pair, tensor_only
from engine.ops.maths import OfInput, OfOutput, forms, over, times, unary
from engine.tensor import Tensor


class Sin(OfInput):
    """y = sin x"""

    definitions = forms(trigonometry, "sin")
    ufunc = np.sin

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return times(dy, compute(np.cos, self.x))


class Cos(OfInput):
    """y = cos x"""

    definitions = forms(trigonometry, "cos")
    ufunc = np.cos

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return times(compute(np.negative, dy), compute(np.sin, self.x))


class Tan(OfOutput):
    """y = tan x"""

    definitions = forms(trigonometry, "tan")
    ufunc = np.tan

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return times(dy, compute(np.add, times(self.y, self.y), dy.dtype.type(1)))


class Sinh(OfInput):
    """y = sinh x"""

    definitions = forms(trigonometry, "sinh")
    ufunc = np.sinh

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return times(dy, compute(np.cosh, self.x))


class Cosh(OfInput):
    """y = cosh x"""

    definitions = forms(trigonometry, "cosh")
    ufunc = np.cosh

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return times(dy, compute(np.sinh, self.x))


class Asin(OfInput):
    """y = arcsin x"""

    definitions = forms(trigonometry, "asin")
    ufunc = np.arcsin
    sign = 1.0

    def backward(self, dy: np.ndarray) -> np.ndarray:
        rest = compute(np.subtract, dy.dtype.type(1), times(self.x, self.x))
        return over(times(dy, dy.dtype.type(self.sign)), compute(np.sqrt, rest))


class Acos(Asin):
    """y = arccos x"""

    definitions = forms(trigonometry, "acos")
    ufunc = np.arccos
    sign = -1.0


class Atan(OfInput):
    """y = arctan x"""

    definitions = forms(trigonometry, "atan")
    ufunc = np.arctan

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return over(dy, compute(np.add, times(self.x, self.x), dy.dtype.type(1)))


class Atan2(Binary):
    """y = the angle of the point (b, a)"""

    definitions = {
        "y": trigonometry.atan2_forward, "da": trigonometry.atan2_backward_a, "db": trigonometry.atan2_backward_b,
    }
    saves_inputs = (0, 1)

    def forward(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        self.a, self.b = a, b
        y = compute(np.arctan2, a, b)
        self.shape = y.shape
        return y

    def backward(self, dy: np.ndarray) -> tuple:
        a, b = self.a, self.b
        square = compute(np.add, times(a, a), times(b, b))
        shared = np.where(square == 0, dy.dtype.type(0), over(dy, square))
        da = times(shared, b) if self.needs[0] else None
        db = times(shared, compute(np.negative, a)) if self.needs[1] else None
        return da, db


# ---- public functions ----

sin, cos, tan, sinh, cosh = unary(Sin), unary(Cos), unary(Tan), unary(Sinh), unary(Cosh)
asin, acos, atan = unary(Asin), unary(Acos), unary(Atan)


def atan2(input: Tensor, other: Tensor) -> Tensor:
    """The angle of the point (other, input), between -π and π."""
    tensor_only("atan2", "other", other)
    return apply(Atan2(), *pair("atan2", input, other, to_float=True))


arcsin, arccos, arctan, arctan2 = asin, acos, atan, atan2

METHODS = {
    "sin": sin, "cos": cos, "tan": tan, "sinh": sinh, "cosh": cosh, "asin": asin, "acos": acos, "atan": atan,
    "atan2": atan2, "arcsin": asin, "arccos": acos, "arctan": atan, "arctan2": atan2,
}
FUNCTIONS = tuple(METHODS)
