"""Division: div, floor_divide, remainder, fmod, reciprocal and their operators."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.definitions import arithmetic as definitions
from engine.definitions import maths
from engine.errors import DtypeError, GradientError
from engine.function import apply
from engine.ops.arithmetic import mul
from engine.ops.elementwise import NUMBERS, Binary, Unary, as_float, compute, pair
from engine.tensor import Tensor


class Div(Binary):
    """y = a / b"""

    definitions = {
        "y": definitions.div_forward, "da": definitions.div_backward_a, "db": definitions.div_backward_b,
    }
    saves_inputs = (0, 1)

    def forward(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        self.a, self.b = a, b
        y = compute(np.divide, a, b)
        self.shape = y.shape
        return y

    def backward(self, dy: np.ndarray) -> tuple:
        a, b = self.a, self.b
        da = db = None
        if self.needs[0]:
            da = compute(np.divide, dy, b)
        if self.needs[1]:
            slope = compute(np.divide, compute(np.divide, a, b), b)
            db = compute(np.multiply, compute(np.negative, dy), slope)
        return da, db


class DivFloor(Binary):
    """y = ⌊a / b⌋; its gradient is 0."""

    name = "Div"
    overload = 2
    definitions = {
        "y": definitions.div_floor_forward, "da": definitions.zero_gradient_a, "db": definitions.zero_gradient_b,
    }

    def forward(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        y = compute(np.floor_divide, a, b)
        if y.dtype.kind == "f":
            # NumPy gives NaN for infinity / b, PyTorch the plain quotient where b is 0.
            y = np.where(b == 0, compute(np.divide, a, b), y)
        self.shape = y.shape
        return y

    def backward(self, dy: np.ndarray) -> tuple:
        return np.zeros_like(dy), np.zeros_like(dy)


class FloorDivide(DivFloor):
    """y = ⌊a / b⌋ by the operator ``//``, which PyTorch does not differentiate."""

    name = "FloorDivide"
    definitions = {"y": definitions.div_floor_forward}

    def backward(self, dy: np.ndarray) -> tuple:
        raise GradientError(
            "derivative for floor_divide is not implemented, as in PyTorch; "
            "use div(a, b, rounding_mode='floor'), whose gradient is 0"
        )


class DivTrunc(DivFloor):
    """y = a / b, cut off towards 0; its gradient is 0."""

    name = "Div"

    definitions = DivFloor.definitions | {"y": definitions.div_trunc_forward}

    def forward(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        if a.dtype.kind == "f":
            y = compute(np.trunc, compute(np.divide, a, b))
        else:
            floored = compute(np.floor_divide, a, b)
            y = floored + ((floored < 0) & (floored * b != a)).astype(a.dtype)
        self.shape = y.shape
        return y


class Remainder(Binary):
    """y = a - b ⌊a / b⌋, with the sign of b."""

    definitions = {
        "y": definitions.remainder_forward, "da": definitions.pass_gradient_a,
        "db": definitions.remainder_backward_b,
    }
    saves_inputs = (0, 1)
    passes_gradient = True
    ufunc = np.remainder
    quotient = (np.floor,)

    def forward(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        self.a, self.b = a, b
        y = compute(self.ufunc, a, b)
        self.shape = y.shape
        return y

    def backward(self, dy: np.ndarray) -> tuple:
        if not self.needs[1]:
            return dy, None
        quotient = compute(self.quotient[0], compute(np.divide, self.a, self.b))
        return dy, compute(np.multiply, compute(np.negative, dy), quotient)


class Fmod(Remainder):
    """y = a - b trunc(a / b), with the sign of a."""

    definitions = Remainder.definitions | {"y": definitions.fmod_forward, "db": definitions.fmod_backward_b}
    ufunc = np.fmod
    quotient = (np.trunc,)


class Reciprocal(Unary):
    """y = 1 / x"""

    definitions = {"y": maths.reciprocal_forward, "dx": maths.reciprocal_backward}
    saves_output = True

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.y = compute(np.reciprocal, x)
        return self.y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return compute(np.multiply, compute(np.negative, dy), compute(np.multiply, self.y, self.y))


# ---- public functions ----


def div(input: Tensor | float, other: Tensor | float, *, rounding_mode: str | None = None) -> Tensor:
    """y = input / other; integers give the default float unless ``rounding_mode`` is ``"trunc"`` or ``"floor"``.

    Raises:
        ValueError: for any other rounding mode.
        ZeroDivisionError: for a rounded integer division by 0.
    """
    if rounding_mode is None:
        return apply(Div(), *pair("div", input, other, to_float=True))
    if rounding_mode not in ("floor", "trunc"):
        raise ValueError(
            "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found " + repr(rounding_mode)
        )
    a, b = _nonzero("div", *pair("div", input, other))
    return apply(DivFloor() if rounding_mode == "floor" else DivTrunc(), a, b)


def floor_divide(input: Tensor | float, other: Tensor | float) -> Tensor:
    """y = ⌊input / other⌋, in the operands' common dtype; not differentiable."""
    return apply(FloorDivide(), *_nonzero("floor_divide", *pair("floor_divide", input, other)))


def _nonzero(op: str, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    if b._array.dtype.kind == "b":
        raise DtypeError(f"{op}: not implemented for bool tensors; convert them")
    if b._array.dtype.kind in "iu" and not b._array.all():
        raise _IntegerDivision("ZeroDivisionError: integer division or remainder by 0")
    return a, b


class _IntegerDivision(ZeroDivisionError, RuntimeError):
    """PyTorch raises a RuntimeError here."""


def remainder(input: Tensor | float, other: Tensor | float) -> Tensor:
    """y = input modulo other, with the sign of ``other`` (Python's ``%``)."""
    return overloaded("remainder", Remainder(), input, other)


def fmod(input: Tensor | float, other: Tensor | float) -> Tensor:
    """y = input modulo other, with the sign of ``input`` (C's ``fmod``)."""
    return overloaded("fmod", Fmod(), input, other)


def overloaded(op: str, function: Binary, input: Any, other: Any) -> Tensor:
    """Apply an op that PyTorch has once for a number and once for a tensor as second operand."""
    a, b = pair(op, input, other)
    kind = b._array.dtype.kind
    if kind != "f":
        if op != "pow" or kind == "b":
            _nonzero(op, a, b)
        elif (b._array < 0).any():
            raise DtypeError("pow: Integers to negative integer powers are not allowed; convert the base to float")
    if isinstance(other, Tensor):
        function.overload = 1 if isinstance(input, Tensor) else 2
    return apply(function, a, b)


def reciprocal(input: Tensor) -> Tensor:
    """y = 1 / input; integers give the default float."""
    return apply(Reciprocal(), as_float(input))


def rdiv(input: Tensor, other: float | Tensor) -> Tensor:
    """y = other / input: the reflected operator, by the reciprocal as in PyTorch."""
    if not isinstance(other, (Tensor, *NUMBERS)):
        return NotImplemented
    return mul(reciprocal(input), other)


def rfloordiv(input: Tensor, other: float | Tensor) -> Tensor:
    """y = ⌊other / input⌋: the reflected operator."""
    return floor_divide(other, input)


def rremainder(input: Tensor, other: float | Tensor) -> Tensor:
    """y = other modulo input: the reflected operator."""
    return remainder(other, input)


divide, true_divide = div, div

METHODS = {
    "__truediv__": div, "__rtruediv__": rdiv, "__floordiv__": floor_divide, "__rfloordiv__": rfloordiv,
    "__mod__": remainder, "__rmod__": rremainder, "div": div, "divide": div, "true_divide": div,
    "floor_divide": floor_divide, "remainder": remainder, "fmod": fmod, "reciprocal": reciprocal,
}
FUNCTIONS = ("div", "divide", "floor_divide", "fmod", "reciprocal", "remainder", "true_divide")
