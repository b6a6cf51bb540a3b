"""Arithmetic: add, sub, mul, div, remainder, fmod, pow, neg, abs, sign, reciprocal and their operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.definitions import arithmetic as definitions
from engine.definitions import maths
from engine.errors import DtypeError
from engine.function import apply
from engine.ops.elementwise import NUMBERS, Binary, Unary, common_dtype, compute, pair
from engine.tensor import Tensor

_FLOOR = np.floor_divide


class Add(Binary):
    """y = a + b"""

    definitions = {
        "y": definitions.add_forward, "da": definitions.pass_gradient_a, "db": definitions.pass_gradient_b,
    }
    passes_gradient = True

    def forward(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        y = compute(np.add, a, b)
        self.shape = y.shape
        return y

    def backward(self, dy: np.ndarray) -> tuple:
        return dy, dy


class Sub(Binary):
    """y = a - b"""

    definitions = {
        "y": definitions.sub_forward, "da": definitions.pass_gradient_a, "db": definitions.negate_gradient_b,
    }
    passes_gradient = True

    def forward(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        y = compute(np.subtract, a, b)
        self.shape = y.shape
        return y

    def backward(self, dy: np.ndarray) -> tuple:
        return dy, compute(np.negative, dy) if self.needs[1] else None


class Rsub(Sub):
    """A number or tensor minus the operand: the reflected operator."""

    def __repr__(self) -> str:
        return "<RsubBackward1>"


class Mul(Binary):
    """y = a b"""

    definitions = {
        "y": definitions.mul_forward, "da": definitions.mul_backward_a, "db": definitions.mul_backward_b,
    }
    saves_inputs = (0, 1)

    def forward(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        self.a, self.b = a, b
        y = compute(np.multiply, a, b)
        self.shape = y.shape
        return y

    def backward(self, dy: np.ndarray) -> tuple:
        needs = self.needs
        return (
            compute(np.multiply, dy, self.b) if needs[0] else None,
            compute(np.multiply, dy, self.a) if needs[1] else None,
        )


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
    definitions = {
        "y": definitions.div_floor_forward, "da": definitions.zero_gradient_a, "db": definitions.zero_gradient_b,
    }

    def forward(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        y = compute(_FLOOR, a, b)
        if y.dtype.kind == "f":
            # NumPy gives NaN for infinity / b, PyTorch the plain quotient where b is 0.
            y = np.where(b == 0, compute(np.divide, a, b), y)
        self.shape = y.shape
        return y

    def backward(self, dy: np.ndarray) -> tuple:
        return np.zeros_like(dy), np.zeros_like(dy)


class DivTrunc(DivFloor):
    """y = a / b, cut off towards 0; its gradient is 0."""

    definitions = DivFloor.definitions | {"y": definitions.div_trunc_forward}

    def forward(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        if a.dtype.kind == "f":
            y = compute(np.trunc, compute(np.divide, a, b))
        else:
            floored = compute(_FLOOR, a, b)
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


class Pow(Binary):
    """y = a to the power of b"""

    definitions = {
        "y": definitions.pow_forward, "da": definitions.pow_backward_a, "db": definitions.pow_backward_b,
    }
    saves_inputs = (0, 1)
    overload = 0

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

    def __repr__(self) -> str:
        return f"<PowBackward{self.overload}>"


class Pow1(Pow):
    """The same with a tensor as exponent; PyTorch counts it as another op."""

    name = "Pow"
    overload = 1


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


class Neg(Unary):
    """y = -x"""

    definitions = {"y": definitions.neg_forward, "dx": definitions.neg_backward}

    def forward(self, x: np.ndarray) -> np.ndarray:
        return compute(np.negative, x)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return compute(np.negative, dy)


class Abs(Unary):
    """y = |x|"""

    definitions = {"y": definitions.abs_forward, "dx": definitions.abs_backward}
    saves_inputs = (0,)

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.x = x
        return compute(np.absolute, x)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return compute(np.multiply, dy, compute(np.sign, self.x))


class Sign(Unary):
    """y = the sign of x; its gradient is 0."""

    definitions = {"y": definitions.sign_forward, "dx": definitions.zero_gradient}

    def forward(self, x: np.ndarray) -> np.ndarray:
        return x.copy() if x.dtype.kind == "b" else compute(np.sign, x)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return np.zeros_like(dy)


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


def _binary(name: str, kind: type) -> Callable[[Any, Any], Tensor]:
    def op(input: Any, other: Any) -> Tensor:
        if isinstance(input, Tensor) and isinstance(other, Tensor):
            a, b = input._array, other._array
            if a.dtype is b.dtype and a.shape == b.shape:
                return apply(kind(), input, other)
        return apply(kind(), *pair(name, input, other))

    op.__name__ = name
    return op


_add = _binary("add", Add)
_mul = _binary("mul", Mul)
_remainder = _binary("remainder", Remainder)
_fmod = _binary("fmod", Fmod)


def add(input: Tensor | float, other: Tensor | float, *, alpha: float = 1) -> Tensor:
    """y = input + alpha · other"""
    if alpha == 1:
        return _add(input, other)
    return _add(input, mul(other, alpha))


def sub(input: Tensor | float, other: Tensor | float, *, alpha: float = 1) -> Tensor:
    """y = input - alpha · other

    Raises:
        DtypeError: for bool operands; use ``^`` or ``logical_xor`` for these.
    """
    return _difference(Sub(), input, other if alpha == 1 else mul(other, alpha))


def rsub(input: Tensor, other: Tensor | float, *, alpha: float = 1) -> Tensor:
    """y = other - alpha · input"""
    return _difference(Rsub(), other, input if alpha == 1 else mul(input, alpha))


def _difference(function: Sub, a: Any, b: Any) -> Tensor:
    a, b = pair("sub", a, b)
    if a._array.dtype.kind == "b":
        raise DtypeError("sub: subtraction of two bool tensors is not supported; use the ^ or logical_xor() operator")
    return apply(function, a, b)


def mul(input: Tensor | float, other: Tensor | float) -> Tensor:
    """y = input · other"""
    return _mul(input, other)


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
    a, b = _nonzero(*pair("div", input, other))
    return apply(DivFloor() if rounding_mode == "floor" else DivTrunc(), a, b)


def floor_divide(input: Tensor | float, other: Tensor | float) -> Tensor:
    """y = ⌊input / other⌋, in the operands' common dtype."""
    return div(input, other, rounding_mode="floor")


def _nonzero(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    if b._array.dtype.kind in "iu" and not b._array.all():
        raise _IntegerDivision("ZeroDivisionError: integer division or remainder by 0")
    return a, b


class _IntegerDivision(ZeroDivisionError, RuntimeError):
    """PyTorch raises a RuntimeError here."""


def remainder(input: Tensor | float, other: Tensor | float) -> Tensor:
    """y = input modulo other, with the sign of ``other`` (Python's ``%``)."""
    return apply(Remainder(), *_nonzero(*pair("remainder", input, other)))


def fmod(input: Tensor | float, other: Tensor | float) -> Tensor:
    """y = input modulo other, with the sign of ``input`` (C's ``fmod``)."""
    return apply(Fmod(), *_nonzero(*pair("fmod", input, other)))


def pow(input: Tensor | float, exponent: Tensor | float) -> Tensor:
    """y = input to the power of exponent.

    Raises:
        DtypeError: for an integer to a negative integer power.
    """
    a, b = pair("pow", input, exponent)
    if b._array.dtype.kind in "iu" and (b._array < 0).any():
        raise DtypeError("pow: Integers to negative integer powers are not allowed; convert the base to float")
    if not isinstance(exponent, Tensor):
        return apply(Pow(), a, b)
    return apply(Pow1(), a, b)


def rpow(input: Tensor, other: float | Tensor) -> Tensor:
    """y = other to the power of input: the reflected operator."""
    return pow(other, input)


def neg(input: Tensor) -> Tensor:
    """y = -input

    Raises:
        DtypeError: for a bool tensor; use ``~`` or ``logical_not``.
    """
    if input._array.dtype.kind == "b":
        raise DtypeError("neg: negation of a bool tensor is not supported; use the ~ or logical_not() operator")
    return apply(Neg(), input)


def positive(input: Tensor) -> Tensor:
    """The tensor itself."""
    if input._array.dtype.kind == "b":
        raise DtypeError("positive: The + operator, on a bool tensor, is not supported")
    return input


def abs(input: Tensor) -> Tensor:
    """y = the absolute value"""
    if input._array.dtype.kind == "b":
        raise DtypeError("abs: not implemented for bool tensors")
    return apply(Abs(), input)


def sign(input: Tensor) -> Tensor:
    """y = 1, 0 or -1"""
    return apply(Sign(), input)


def reciprocal(input: Tensor) -> Tensor:
    """y = 1 / input; integers give the default float."""
    from engine.ops.maths import as_float

    return apply(Reciprocal(), as_float(input))


def square(input: Tensor) -> Tensor:
    """y = input²"""
    return pow(input, 2)


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


def result_type(tensor1: Tensor | float, tensor2: Tensor | float) -> Any:
    """The dtype that arithmetic of the two operands has."""
    from engine import dtypes

    return dtypes.from_numpy(common_dtype(tensor1, tensor2))


subtract, multiply, divide, true_divide, negative, absolute = sub, mul, div, div, neg, abs

METHODS = {
    "__add__": _add, "__radd__": _add, "__sub__": sub, "__rsub__": rsub, "__mul__": _mul, "__rmul__": _mul,
    "__truediv__": div, "__rtruediv__": rdiv, "__floordiv__": floor_divide, "__rfloordiv__": rfloordiv,
    "__mod__": remainder, "__rmod__": rremainder, "__pow__": pow, "__rpow__": rpow,
    "__neg__": neg, "__pos__": positive, "__abs__": abs,
    "add": add, "sub": sub, "subtract": sub, "mul": mul, "multiply": mul, "div": div, "divide": div,
    "true_divide": div, "floor_divide": floor_divide, "remainder": remainder, "fmod": fmod, "pow": pow,
    "neg": neg, "negative": neg, "positive": positive, "abs": abs, "absolute": abs, "sign": sign,
    "reciprocal": reciprocal, "square": square,
}
FUNCTIONS = (
    "abs", "absolute", "add", "div", "divide", "floor_divide", "fmod", "mul", "multiply", "neg", "negative",
    "positive", "pow", "reciprocal", "remainder", "result_type", "rsub", "sign", "square", "sub", "subtract",
    "true_divide",
)
