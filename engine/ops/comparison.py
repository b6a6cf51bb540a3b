"""Comparisons, logic and bits: results without gradient, mostly bool."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from engine.device import as_array
from engine.errors import DtypeError, ShapeError
from engine.function import Function, apply
from engine.ops.elementwise import NUMBERS, broadcast_shape, pair, silently, tensor_only
from engine.tensor import Tensor


class Comparison(Function):
    """y = ufunc(a, b), or ufunc(x): bool or integer, so that nothing is differentiated. Subclasses give ``ufunc``."""

    may_wait = True
    ufunc: ClassVar[Any] = None

    def forward(self, a: np.ndarray, b: np.ndarray | None = None) -> np.ndarray:
        if b is None:
            return as_array(silently(self.ufunc, a))
        return as_array(silently(self.ufunc, a, b))

    def backward(self, dy: np.ndarray) -> tuple:
        return None, None


class IsClose(Comparison):
    """y = |a - b| <= atol + rtol |b|, or a = b"""

    def __init__(self, rtol: float, atol: float, equal_nan: bool) -> None:
        self.rtol, self.atol, self.equal_nan = rtol, atol, equal_nan

    def ufunc(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """The comparison; differences in float64."""
        if a.dtype.kind == "b":
            return a == b
        wide = b.astype(np.float64)
        near = np.isfinite(wide) & (np.absolute(a - wide) <= self.atol + np.absolute(self.rtol * wide))
        return near | (a == b) | ((a != a) & (b != b) if self.equal_nan else False)


def _kind(name: str, ufunc: Any) -> type[Comparison]:
    return type(name, (Comparison,), {"ufunc": ufunc, "__doc__": f"{name}: {getattr(ufunc, '__name__', name)}"})


def _compare(op: str, name: str, ufunc: np.ufunc) -> Callable[[Any, Any], Tensor]:
    kind = _kind(name, ufunc)

    def compare(input: Tensor | float, other: Tensor | float) -> Tensor:
        if isinstance(other, Tensor) and isinstance(input, Tensor):
            a, b = input._array, other._array
            if a.dtype is b.dtype and a.shape == b.shape:
                return apply(kind(), input, other)
        elif op.startswith("logical"):
            tensor_only(op, "other", other)
        return apply(kind(), *_detached_pair(op, input, other))

    compare.__name__ = compare.__qualname__ = op
    compare.__doc__ = f"{ufunc.__name__.replace('_', ' ')}, element by element; bool."
    return compare


def _detached_pair(op: str, a: Any, b: Any) -> tuple[Tensor, Tensor]:
    # Nothing is differentiated: detached operands spare the recorded casts and expansions.
    a, b = (x.detach() if isinstance(x, Tensor) and x._requires_grad else x for x in (a, b))
    a, b = pair(op, a, b)
    broadcast_shape(op, a, b)
    return a, b


eq, ne = _compare("eq", "Eq", np.equal), _compare("ne", "Ne", np.not_equal)
lt, le = _compare("lt", "Lt", np.less), _compare("le", "Le", np.less_equal)
gt, ge = _compare("gt", "Gt", np.greater), _compare("ge", "Ge", np.greater_equal)
logical_and = _compare("logical_and", "LogicalAnd", np.logical_and)
logical_or = _compare("logical_or", "LogicalOr", np.logical_or)
logical_xor = _compare("logical_xor", "LogicalXor", np.logical_xor)


def _equality(compare: Callable) -> Callable[[Any, Any], Any]:
    def operator(input: Tensor, other: Any) -> Any:
        return compare(input, other) if isinstance(other, (Tensor, *NUMBERS)) else NotImplemented

    return operator


def _bitwise(op: str, name: str, ufunc: np.ufunc) -> Callable[[Any, Any], Tensor]:
    kind = _kind(name, ufunc)

    def bitwise(input: Tensor | int, other: Tensor | int) -> Tensor:
        a, b = _detached_pair(op, input, other)
        if a._array.dtype.kind == "f" or ("shift" in op and a._array.dtype.kind == "b"):
            raise DtypeError(f"{op}: not implemented for {a.dtype}; the operands must be integers")
        return apply(kind(), a, b)

    bitwise.__name__ = bitwise.__qualname__ = op
    bitwise.__doc__ = f"{ufunc.__name__.replace('_', ' ')} of integers or bools."
    return bitwise


bitwise_and = _bitwise("bitwise_and", "BitwiseAnd", np.bitwise_and)
bitwise_or = _bitwise("bitwise_or", "BitwiseOr", np.bitwise_or)
bitwise_xor = _bitwise("bitwise_xor", "BitwiseXor", np.bitwise_xor)
_left = _bitwise("bitwise_left_shift", "BitwiseLeftShift", np.left_shift)
_right = _bitwise("bitwise_right_shift", "BitwiseRightShift", np.right_shift)


def bitwise_left_shift(input: Tensor, other: Tensor | int) -> Tensor:
    """``input << other`` of integers."""
    return _left(input, other)


def bitwise_right_shift(input: Tensor, other: Tensor | int) -> Tensor:
    """``input >> other`` of integers."""
    return _right(input, other)


_Not, _Invert = _kind("LogicalNot", np.logical_not), _kind("BitwiseNot", np.invert)
_IsNan, _IsInf, _IsFinite = _kind("IsNan", np.isnan), _kind("IsInf", np.isinf), _kind("IsFinite", np.isfinite)


def logical_not(input: Tensor) -> Tensor:
    """True where ``input`` is zero or False."""
    return apply(_Not(), input)


def bitwise_not(input: Tensor) -> Tensor:
    """``~input`` of integers or bools."""
    if input._array.dtype.kind == "f":
        raise DtypeError(f"bitwise_not: not implemented for {input.dtype}; the operand must be integers or bools")
    return apply(_Invert(), input)


def isnan(input: Tensor) -> Tensor:
    """True where ``input`` is not a number."""
    return apply(_IsNan(), input)


def isinf(input: Tensor) -> Tensor:
    """True where ``input`` is infinite."""
    return apply(_IsInf(), input)


def isfinite(input: Tensor) -> Tensor:
    """True where ``input`` is neither infinite nor NaN."""
    return apply(_IsFinite(), input)


def isclose(
    input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> Tensor:
    """|input - other| <= atol + rtol · |other|; infinities are close to themselves only.

    Raises:
        DtypeError: when the dtypes differ.
    """
    a, b = input._array, other._array
    if a.dtype != b.dtype:
        raise DtypeError(f"isclose: {input.dtype} did not match {other.dtype}; cast one of them")
    broadcast_shape("isclose", input, other)

    return apply(IsClose(rtol, atol, equal_nan), input, other)


def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> bool:
    """Whether all elements are close; see :func:`isclose`."""
    return bool(isclose(input, other, rtol, atol, equal_nan)._array.all())


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether shapes and all elements are equal.

    Raises:
        DtypeError: when the dtypes differ.
    """
    a, b = input._array, other._array
    if a.dtype != b.dtype:
        raise DtypeError(f"equal: expected the same dtype, got {input.dtype} and {other.dtype}")
    return a.shape == b.shape and bool((a == b).all())


def is_nonzero(input: Tensor) -> bool:
    """Whether the single element is not zero.

    Raises:
        ShapeError: for more or fewer elements.
    """
    if input._array.size != 1:
        raise ShapeError(f"is_nonzero: Boolean value of Tensor with {input._array.size} values is ambiguous")
    return bool(input)


def _reflected(op: Callable) -> Callable[[Tensor, Any], Tensor]:
    return lambda input, other: op(other, input)


METHODS = {
    "__eq__": _equality(eq), "__ne__": _equality(ne), "__lt__": lt, "__le__": le, "__gt__": gt, "__ge__": ge,
    "__and__": bitwise_and, "__or__": bitwise_or, "__xor__": bitwise_xor, "__invert__": bitwise_not,
    "__rand__": bitwise_and, "__ror__": bitwise_or, "__rxor__": bitwise_xor,
    "__lshift__": bitwise_left_shift, "__rshift__": bitwise_right_shift,
    "__rlshift__": _reflected(bitwise_left_shift), "__rrshift__": _reflected(bitwise_right_shift),
    "eq": eq, "ne": ne, "not_equal": ne, "lt": lt, "less": lt, "le": le, "less_equal": le, "gt": gt, "greater": gt,
    "ge": ge, "greater_equal": ge, "logical_and": logical_and, "logical_or": logical_or,
    "logical_xor": logical_xor, "logical_not": logical_not, "bitwise_and": bitwise_and, "bitwise_or": bitwise_or,
    "bitwise_xor": bitwise_xor, "bitwise_not": bitwise_not, "bitwise_left_shift": bitwise_left_shift,
    "bitwise_right_shift": bitwise_right_shift, "isnan": isnan, "isinf": isinf, "isfinite": isfinite,
    "isclose": isclose, "allclose": allclose, "equal": equal, "is_nonzero": is_nonzero,
}
not_equal, less, less_equal, greater, greater_equal = ne, lt, le, gt, ge
FUNCTIONS = tuple(name for name in METHODS if not name.startswith("__"))
