"""In-place ops: the memory changes, and the tensor's history goes on from the op that changed it.

An in-place op runs as the op out of place, on a stand-in for the tensor; then the result is written into the
tensor's memory, and where it was recorded the tensor takes over the result's place in the graph.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine import dtypes, trace
from engine.definitions import arithmetic as definitions
from engine.device import empty
from engine.errors import DtypeError, ShapeError
from engine.function import apply
from engine.ops import arithmetic, comparison, division, maths, matmul, powers, selection, trigonometry
from engine.ops.elementwise import (
    Binary,
    Unary,
    broadcast_shape,
    cast,
    expand,
    number_error,
    silently,
)
from engine.ops.in_place import check_in_place, stand_in, take_over
from engine.tensor import Tensor, grad_mode, wrap


class Fill(Unary):
    """y = ``value`` everywhere"""

    overload = 2
    definitions = {"y": definitions.fill_forward, "dx": definitions.zero_gradient}

    def __init__(self, value: float) -> None:
        self.value = value

    def forward(self, x: np.ndarray) -> np.ndarray:
        return np.full_like(x, self.value)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return np.zeros_like(dy)


class Zero(Fill):
    """y = 0 everywhere"""

    overload = 0


class Copy(Binary):
    """y = b in place of x"""

    definitions = {
        "y": definitions.copy_forward, "dx": definitions.zero_gradient, "db": definitions.copy_backward_b,
    }
    passes_gradient = True

    def forward(self, x: np.ndarray, b: np.ndarray) -> np.ndarray:
        self.shape = x.shape
        y = empty(x.shape, b.dtype, x)
        np.copyto(y, b)
        return y

    def backward(self, dy: np.ndarray) -> tuple:
        return np.zeros_like(dy), dy

    def __repr__(self) -> str:
        return "<CopyBackwards>"


def replace(tensor: Tensor, name: str, op: Callable[..., Tensor], arguments: tuple, options: dict) -> Tensor:
    """Give ``tensor`` the elements (and the history) of ``op(tensor, *arguments, **options)``.

    Raises:
        InPlaceError: for leaves and views that require grad, values that require grad written into views, and
            memory that several elements share.
        ShapeError, DtypeError: when the result fits neither shape nor kind of dtype.
    """
    operands = (*arguments, *options.values())
    check_in_place(tensor, name, operands)
    recorded = grad_mode.enabled and any(isinstance(x, Tensor) and x._requires_grad for x in (tensor, *operands))
    # A copy, because the op may save it and the memory changes afterwards.
    source = stand_in(tensor, tensor._array.copy()) if recorded else tensor
    result = op(source, *arguments, **options)
    _check_result(tensor, result, name)
    result = cast(result, tensor._array.dtype)
    return take_over(tensor, result, result._function or name)


def _check_result(tensor: Tensor, result: Tensor, name: str) -> None:
    array = tensor._array
    if result._array.shape != array.shape:
        raise ShapeError(
            f"{name}: output with shape {list(array.shape)} doesn't match the broadcast shape "
            f"{list(result._array.shape)}; an in-place op cannot change the shape"
        )
    if result.dtype.category > tensor.dtype.category:
        raise DtypeError(
            f"{name}: result type {result.dtype} can't be cast to the desired output type {tensor.dtype}; "
            "use the out-of-place form"
        )


def in_place(name: str, op: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The in-place method ``name`` of ``op``."""

    def method(input: Tensor, *arguments: Any, **options: Any) -> Tensor:
        return replace(input, name, op, arguments, options)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"In-place form of :func:`{name.rstrip('_')}`."
    return method


def _arithmetic(name: str, op: Callable[..., Tensor], ufunc: np.ufunc) -> Callable[..., Tensor]:
    """The same, computed directly in the tensor's memory where nothing is recorded and nobody looks."""

    def method(input: Tensor, other: Any, **options: Any) -> Tensor:
        array = input._array
        if (
            not options
            and trace.on_change is None and trace.on_forward is None
            and array.dtype.kind == "f"
            and array.flags.writeable
            and not (grad_mode.enabled and (input._requires_grad or getattr(other, "_requires_grad", False)))
        ):
            value = other._array if isinstance(other, Tensor) else other
            # A tensor on the CPU with dimensions does not fit one on the GPU: the op tells so.
            if type(value) is float or (type(value) is np.ndarray and value.dtype is array.dtype and (
                    (value.shape == array.shape and type(array) is np.ndarray) or value.ndim == 0)):
                silently(ufunc, array, value, out=array)
                input._bump()
                return input
        return replace(input, name, op, (other,), options)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"In-place form of :func:`{name.rstrip('_')}`."
    return method


def fill_(input: Tensor, value: float | Tensor) -> Tensor:
    """Make every element ``value``: a number or a tensor without dimensions.

    Raises:
        ShapeError: when the value has dimensions.
        DtypeError: for a number of a higher kind than the tensor holds.
    """
    if isinstance(value, Tensor):
        if value._array.ndim:
            raise ShapeError(
                f"fill_ only supports 0-dimension value tensor but got tensor with {value._array.ndim} dimensions"
            )
        return copy_(input, value)
    dtypes.of_scalar(value)
    return replace(input, "fill_", lambda x: apply(Fill(_fitted(value, x)), x), (), {})


def _fitted(value: float, x: Tensor) -> Any:
    return np.array(value).astype(x._array.dtype).item()


def zero_(input: Tensor) -> Tensor:
    """Make every element 0."""
    return replace(input, "zero_", lambda x: apply(Zero(0), x), (), {})


def copy_(input: Tensor, src: Tensor, non_blocking: bool = False) -> Tensor:
    """Overwrite the elements with those of ``src``, broadcast and cast.

    Raises:
        ShapeError: when ``src`` does not broadcast to the tensor's shape.
    """
    if not isinstance(src, Tensor):
        raise number_error("copy_", "other", src)
    if broadcast_shape("copy_", input, src) != input._array.shape:
        raise ShapeError(f"copy_: src of shape {src._array.shape} does not broadcast to {input._array.shape}")
    src = cast(src, input._array.dtype)
    if src._requires_grad and src._array.shape != input._array.shape:
        src = expand(src, input._array.shape)
    return replace(input, "copy_", lambda x, b: apply(Copy(), x, b), (src,), {})


def fill_with(input: Tensor, values: np.ndarray, name: str) -> Tensor:
    """Overwrite the elements with ``values`` of the same shape (random numbers)."""
    return replace(input, name, lambda x: apply(Copy(), x, wrap(values)), (), {})


_add_ = _arithmetic("add_", arithmetic.add, np.add)
_sub_ = _arithmetic("sub_", arithmetic.sub, np.subtract)
_mul_ = _arithmetic("mul_", arithmetic.mul, np.multiply)
_div_ = _arithmetic("div_", division.div, np.divide)

_SOURCES = {
    arithmetic: ("neg", "negative", "abs", "absolute", "sign"),
    division: ("remainder", "fmod", "floor_divide", "reciprocal"),
    powers: ("pow", "square"),
    maths: (
        "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "rsqrt", "erf", "floor", "ceil", "round",
        "trunc", "frac",
    ),
    trigonometry: ("sin", "cos", "tan", "sinh", "cosh", "asin", "acos", "atan", "atan2"),
    selection: ("clamp", "clip", "clamp_min", "clamp_max", "lerp", "addcmul", "addcdiv"),
    comparison: (
        "logical_and", "logical_or", "logical_xor", "logical_not", "bitwise_and", "bitwise_or", "bitwise_xor",
        "bitwise_not", "bitwise_left_shift", "bitwise_right_shift",
    ),
    matmul: ("addmm", "baddbmm", "addmv"),
}

METHODS: dict[str, Callable[..., Tensor]] = {
    f"{name}_": in_place(f"{name}_", getattr(module, name))
    for module, names in _SOURCES.items()
    for name in names
}
METHODS |= {
    "add_": _add_, "sub_": _sub_, "subtract_": _sub_, "mul_": _mul_, "multiply_": _mul_, "div_": _div_,
    "divide_": _div_, "true_divide_": _div_, "fill_": fill_, "zero_": zero_, "copy_": copy_,
    "__iadd__": _add_, "__isub__": _sub_, "__imul__": _mul_, "__itruediv__": _div_,
    "__ifloordiv__": METHODS["floor_divide_"], "__imod__": METHODS["remainder_"], "__ipow__": METHODS["pow_"],
    "__iand__": METHODS["bitwise_and_"], "__ior__": METHODS["bitwise_or_"], "__ixor__": METHODS["bitwise_xor_"],
    "__ilshift__": METHODS["bitwise_left_shift_"], "__irshift__": METHODS["bitwise_right_shift_"],
}
FUNCTIONS = ()
