"""Arithmetic: add, sub, mul, neg, abs, sign and their operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine import dtypes
from engine.definitions import arithmetic as definitions
from engine.errors import DtypeError
from engine.function import apply
from engine.ops.elementwise import Binary, Unary, common_dtype, compute, pair
from engine.tensor import Tensor


class Add(Binary):
    """y = a + b"""

    stays_finite = True
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

    stays_finite = True
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

    overload = 1


class Mul(Binary):
    """y = a b"""

    stays_finite = True
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


class Neg(Unary):
    """y = -x"""

    stays_finite = True
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
        return compute(np.multiply, dy, signs(self.x))


def signs(x: np.ndarray) -> np.ndarray:
    """1, 0 or -1 in the dtype of ``x``; 0 for NaN, as in PyTorch."""
    return np.subtract(x > 0, x < 0, dtype=x.dtype)


class Sign(Unary):
    """y = the sign of x; its gradient is 0."""

    definitions = {"y": definitions.sign_forward, "dx": definitions.zero_gradient}

    def forward(self, x: np.ndarray) -> np.ndarray:
        return x.copy() if x.dtype.kind == "b" else signs(x)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return np.zeros_like(dy)


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
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        x, y = a._array, b._array
        if x.dtype is y.dtype and x.shape == y.shape and x.dtype.kind != "b":
            return apply(function, a, b)
    for x in (a, b):
        if isinstance(x, bool) or (isinstance(x, Tensor) and x._array.dtype.kind == "b"):
            raise DtypeError(
                "sub: subtraction with a bool tensor is not supported; "
                "use ~ or logical_not() to invert a mask, ^ or logical_xor() for the difference"
            )
    return apply(function, *pair("sub", a, b))


def mul(input: Tensor | float, other: Tensor | float) -> Tensor:
    """y = input · other"""
    return _mul(input, other)


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


def result_type(tensor1: Tensor | float, tensor2: Tensor | float) -> Any:
    """The dtype that arithmetic of the two operands has."""
    return dtypes.from_numpy(common_dtype(tensor1, tensor2))


subtract, multiply, negative, absolute = sub, mul, neg, abs

METHODS = {
    "__add__": _add, "__radd__": _add, "__sub__": sub, "__rsub__": rsub, "__mul__": _mul, "__rmul__": _mul,
    "__neg__": neg, "__pos__": positive, "__abs__": abs,
    "add": add, "sub": sub, "subtract": sub, "mul": mul, "multiply": mul, "neg": neg, "negative": neg,
    "positive": positive, "abs": abs, "absolute": abs, "sign": sign,
}
FUNCTIONS = (
    "abs", "absolute", "add", "mul", "multiply", "neg", "negative", "positive", "result_type", "rsub", "sign", "sub",
    "subtract",
)
