"""What all elementwise ops share: silent arithmetic, promotion and broadcasting of operands; casts and copies.

Elementwise Functions work on arrays that NumPy broadcasts. An operand that requires grad is expanded to the result's
shape by a recorded op beforehand, so that a gradient always has the shape of its operand.
"""

from __future__ import annotations

import contextvars
import functools
from typing import Any

import numpy as np

from engine import dtypes
from engine.definitions import arithmetic as definitions
from engine.device import POOLED_FROM, empty
from engine.errors import DtypeError, ShapeError
from engine.function import Function, apply
from engine.tensor import Tensor, wrap

# Infinities and NaN are results here, not warnings. Setting that costs microseconds a call with np.errstate;
# running in a copied context costs a tenth of one, and leaves the script's own settings alone.
_silent = contextvars.Context()
_silent.run(np.seterr, all="ignore")
_fork = _silent.copy

NUMBERS = (int, float, np.bool_, np.integer, np.floating)


def silently(function: Any, *arguments: Any, **options: Any) -> Any:
    """``function(*arguments)`` without NumPy's warnings about overflow, division by zero and invalid values."""
    return _fork().run(function, *arguments, **options)


def silent(method: Any) -> Any:
    """Decorator: run a method (mostly a backward of several NumPy calls) silently."""

    @functools.wraps(method)
    def silently_called(*arguments: Any) -> Any:
        return _fork().run(method, *arguments)

    return silently_called


def compute(ufunc: Any, *arrays: np.ndarray) -> np.ndarray:
    """``ufunc(*arrays)`` silently; large results of the first array's dtype lie in the pool."""
    first = arrays[0]
    if first.nbytes < POOLED_FROM and arrays[-1].nbytes < POOLED_FROM:
        result = _fork().run(ufunc, *arrays)
        # Of arrays without dimensions NumPy makes a scalar, which is no array to whoever looks at a gradient.
        return np.asarray(result) if isinstance(result, np.generic) else result
    shape = first.shape
    for array in arrays:
        if array.shape != shape:
            shape = np.broadcast_shapes(*[a.shape for a in arrays])
            break
    return _fork().run(ufunc, *arrays, out=empty(shape, first.dtype, first))


def flat(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """``array``, broadcast to ``shape``, in one dimension."""
    if array.shape != shape:
        array = np.broadcast_to(array, shape)
    return array.reshape(-1)


class Elementwise(Function):
    """An op on elements; ``overload`` is PyTorch's number in the name of ``grad_fn``."""

    overload = 0

    def __repr__(self) -> str:
        return f"<{self.name}Backward{self.overload}>"


class Unary(Elementwise):
    """An op on each element of one array."""

    def canonical(self, name: str, array: np.ndarray) -> np.ndarray:
        return array.reshape(-1)


class Binary(Elementwise):
    """An op on pairs of elements; ``shape`` is the result's."""

    shape: tuple[int, ...] = ()

    def canonical(self, name: str, array: np.ndarray) -> np.ndarray:
        return flat(array, self.shape)


class Cast(Unary):
    """y = x in another dtype."""

    definitions = {"y": definitions.cast_forward, "dx": definitions.cast_backward}
    name = "ToCopy"

    def __init__(self, dtype: np.dtype) -> None:
        self.dtype = dtype

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.source = x.dtype
        return convert(x, self.dtype)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return convert(dy, self.source)


class Clone(Unary):
    """y = x in memory of its own."""

    definitions = {"y": definitions.clone_forward, "dx": definitions.clone_backward}
    passes_gradient = True

    def forward(self, x: np.ndarray) -> np.ndarray:
        return copied(x)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return dy


def copied(x: np.ndarray) -> np.ndarray:
    """A C-contiguous copy."""
    copy = empty(x.shape, x.dtype, x)
    np.copyto(copy, x)
    return copy


def convert(x: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """A copy of ``x`` in ``dtype``; float to integer cuts off, anything but zero is True."""
    result = empty(x.shape, dtype, x)
    if dtype.kind == "u" and x.dtype.kind == "f":
        # Through int64, so that negative numbers wrap around as in PyTorch.
        x = silently(x.astype, np.int64)
    silently(np.copyto, result, x, casting="unsafe")
    return result


def cast(tensor: Tensor, dtype: np.dtype) -> Tensor:
    """``tensor`` in ``dtype`` (NumPy's): itself when it is so already, else a recorded copy."""
    if tensor._array.dtype == dtype:
        return tensor
    return apply(Cast(dtype), tensor)


# ---- operands ----


def as_float(input: Tensor) -> Tensor:
    """``input``, as the default float when it holds integers or bools."""
    return input if input._array.dtype.kind == "f" else cast(input, dtypes.get_default_dtype().numpy)


def number_error(op: str, argument: str, value: Any) -> TypeError:
    """The error for an operand that is neither a tensor nor a number."""
    return TypeError(f"{op}(): argument '{argument}' must be Tensor or Number, not {type(value).__name__}")


def scalar(value: Any, dtype: np.dtype) -> Tensor:
    """A Python number as a tensor without dimensions; integers wrap around as in PyTorch."""
    if dtype.kind == "u" and not 0 <= value <= 255:
        return wrap(np.array(value).astype(dtype))
    return wrap(np.array(value, dtype))


def common_dtype(*operands: Any) -> np.dtype:
    """PyTorch's result dtype of tensors and numbers, as NumPy's."""
    ranked = []
    for x in operands:
        if isinstance(x, Tensor):
            ranked.append((x.dtype, 1 if x._array.ndim else 0))
        else:
            ranked.append((dtypes.of_scalar(x), -1))
    return dtypes.result_type(ranked).numpy


def tensor_only(op: str, argument: str, value: Any) -> None:
    """Refuse a number where PyTorch wants a tensor."""
    if not isinstance(value, Tensor):
        raise TypeError(f"{op}(): argument '{argument}' must be Tensor, not {type(value).__name__}")


def refuse_non_tensors(op: str, **operands: Any) -> None:
    """Say which of ``operands`` is no tensor. For ops that find out by a missing attribute, which costs nothing."""
    for argument, value in operands.items():
        tensor_only(op, argument, value)


def pair(op: str, a: Any, b: Any, to_float: bool = False) -> tuple[Tensor, Tensor]:
    """Two operands (tensors or numbers) in their common dtype, broadcast where gradients need it.

    Args:
        to_float: integers become the default float (true division, arctangent).

    Raises:
        TypeError: for an operand that is neither a tensor nor a number.
        ShapeError: when the shapes do not broadcast.
    """
    if (type(b) is float or type(b) is int) and isinstance(a, Tensor):
        array = a._array
        if array.dtype.kind == "f":
            return a, wrap(np.array(b, array.dtype))
    for value, argument in ((a, "input"), (b, "other")):
        if not isinstance(value, (Tensor, *NUMBERS)):
            raise number_error(op, argument, value)
    dtype = common_dtype(a, b)
    if to_float and dtype.kind != "f":
        dtype = dtypes.get_default_dtype().numpy
    a = cast(a, dtype) if isinstance(a, Tensor) else scalar(a, dtype)
    b = cast(b, dtype) if isinstance(b, Tensor) else scalar(b, dtype)
    if a._array.shape != b._array.shape:
        a, b = broadcast(op, a, b)
    return a, b


def broadcast(op: str, *tensors: Tensor) -> tuple[Tensor, ...]:
    """Expand those ``tensors`` that require grad to the common shape; NumPy broadcasts the others.

    Raises:
        ShapeError: when the shapes do not broadcast.
    """
    shape = broadcast_shape(op, *tensors)
    return tuple([expand(t, shape) if t._requires_grad and t._array.shape != shape else t for t in tensors])


def expand(tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
    """``tensor`` broadcast to ``shape``, recorded."""
    from engine.ops.movement import expand_to

    return expand_to(tensor, shape)


def broadcast_shape(op: str, *tensors: Tensor) -> tuple[int, ...]:
    """The shape that ``tensors`` broadcast to.

    Raises:
        ShapeError: naming the first dimension that does not fit.
    """
    try:
        return np.broadcast_shapes(*[t._array.shape for t in tensors])
    except ValueError:
        shapes = " and ".join(str(t._array.shape) for t in tensors)
        raise ShapeError(
            f"{op}: shapes {shapes} do not broadcast; {_misfit(tensors)}"
            "aligned from the last dimension, extents must be equal or one of them 1"
        ) from None


def _misfit(tensors: tuple[Tensor, ...]) -> str:
    for back in range(1, 1 + max(t._array.ndim for t in tensors)):
        extents = [t._array.shape[-back] for t in tensors if t._array.ndim >= back]
        wide = sorted({e for e in extents if e != 1})
        if len(wide) > 1:
            return f"dimension {-back} has extents {' and '.join(map(str, wide))}; "
    return ""


# ---- conversions ----


def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """A copy in memory of its own, recorded."""
    return apply(Clone(), input)


def type_(input: Tensor, dtype: dtypes.dtype | str | None = None, non_blocking: bool = False) -> Tensor | str:
    """The legacy type name (``"torch.FloatTensor"``), or ``input`` in ``dtype``."""
    if dtype is None:
        return f"torch.{_LEGACY[input.dtype]}"
    if isinstance(dtype, str):
        name = dtype.removeprefix("torch.")
        found = [d for d, legacy in _LEGACY.items() if legacy == name]
        if not found:
            raise DtypeError(f"type: invalid type {dtype!r}; the engine knows {', '.join(_LEGACY.values())}")
        dtype = found[0]
    return cast(input, dtype.numpy)


_LEGACY = {
    dtypes.bool_: "BoolTensor",
    dtypes.uint8: "ByteTensor",
    dtypes.int64: "LongTensor",
    dtypes.float32: "FloatTensor",
    dtypes.float64: "DoubleTensor",
}


def type_as(input: Tensor, other: Tensor) -> Tensor:
    """``input`` in the dtype of ``other``."""
    return cast(input, other._array.dtype)


def _converter(dtype: dtypes.dtype) -> Any:
    def convert_to(input: Tensor) -> Tensor:
        return cast(input, dtype.numpy)

    convert_to.__doc__ = f"The tensor in {dtype.name}: itself when it is so already."
    return convert_to


METHODS = {
    "clone": clone,
    "type": type_,
    "type_as": type_as,
    "float": _converter(dtypes.float32),
    "double": _converter(dtypes.float64),
    "long": _converter(dtypes.int64),
    "bool": _converter(dtypes.bool_),
    "byte": _converter(dtypes.uint8),
}
FUNCTIONS = ("clone",)
