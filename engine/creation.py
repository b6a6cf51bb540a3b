"""Tensors from data and from nothing: ``tensor``, ``zeros``, ``arange`` and so on. None of it is recorded.

Every function takes ``dtype``, ``device``, ``requires_grad`` and (without effect) ``pin_memory`` and
``layout``; ``out`` is not available. Tensors of random numbers are in :mod:`engine.random_tensors`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine import dtypes
from engine.device import Device, tensor_device
from engine.device import empty as empty_array
from engine.device import zeros as zeros_array
from engine.errors import DtypeError, GradientError, MissingError, ShapeError
from engine.tensor import Tensor, wrap

Shape = int | tuple[int, ...] | list[int]

_PYTHON_TYPES = {bool: dtypes.bool_, int: dtypes.int64, float: dtypes.float64}
_IGNORED = {"pin_memory", "layout", "memory_format"}


def numpy_dtype(op: str, dtype: Any, default: dtypes.dtype | None = None) -> np.dtype:
    """NumPy's dtype for an engine dtype, a Python type, or None (``default``, else the default float).

    Raises:
        DtypeError: for anything else.
    """
    if dtype is None:
        dtype = default or dtypes.get_default_dtype()
    elif not isinstance(dtype, dtypes.dtype):
        known = _PYTHON_TYPES.get(dtype) if isinstance(dtype, type) else None
        if known is None:
            raise DtypeError(f"{op}: dtype must be a torch.dtype, got {dtype!r}")
        dtype = known
    return dtype.numpy


def finish(op: str, array: np.ndarray, device: Any, requires_grad: bool, options: dict[str, Any]) -> Tensor:
    """The tensor around ``array``, after a look at the remaining options.

    Raises:
        MissingError: for ``out``.
        TypeError: for options that PyTorch does not have either.
        GradientError: when gradients are wanted of integers or bools.
    """
    if options:
        _check_options(op, options)
    if device is not None:
        tensor_device(device)
    result = wrap(array)
    if requires_grad:
        if array.dtype.kind != "f":
            raise GradientError(
                f"{op}: only Tensors of floating point dtype can require gradients, this one is {result.dtype}"
            )
        result._requires_grad = True
    return result


def _check_options(op: str, options: dict[str, Any]) -> None:
    if options.get("out") is not None:
        raise MissingError(f"{op}: out= is not available in this engine; assign the result instead")
    for name in options:
        if name != "out" and name not in _IGNORED:
            raise TypeError(f"{op}() got an unexpected keyword argument {name!r}")


def extents(op: str, size: tuple) -> tuple[int, ...]:
    """The shape of ``f(2, 3)``, ``f((2, 3))`` and ``f(size=(2, 3))``.

    Raises:
        TypeError: for extents that are not integers.
        ShapeError: for negative extents.
    """
    if len(size) == 1 and isinstance(size[0], (tuple, list)):
        size = tuple(size[0])
    for extent in size:
        if not isinstance(extent, (int, np.integer, Tensor)) or isinstance(extent, bool):
            raise TypeError(f"{op}(): sizes must be integers, got {type(extent).__name__} in {size}")
        if extent < 0:
            raise ShapeError(f"{op}: Trying to create tensor with negative dimension {extent}: {list(size)}")
    return tuple([int(extent) for extent in size])


# ---- from data ----


def from_data(op: str, data: Any, dtype: np.dtype | None) -> np.ndarray:
    """A fresh array of ``data``: a number, nested sequences, an array or a tensor.

    Raises:
        ValueError: when the sequences are ragged.
        TypeError: when they hold something else than numbers.
        DtypeError: when the engine has no such dtype.
    """
    if isinstance(data, Tensor):
        array = data._array
    elif isinstance(data, (np.ndarray, np.generic)):
        array = np.asarray(data)
    else:
        array = _from_sequence(op, data)
        if dtype is None and array.dtype == np.float64 and not _holds_arrays(data):
            dtype = dtypes.get_default_dtype().numpy
    if dtype is None:
        dtypes.from_numpy(array.dtype, f"{op}: the data")
        dtype = array.dtype
    with np.errstate(all="ignore"):
        return np.array(array, dtype=dtype, order="C")


def _from_sequence(op: str, data: Any) -> np.ndarray:
    try:
        array = np.array(_without_tensors(data))
    except ValueError:
        raise ValueError(f"{op}: {_ragged(data, 0) or 'the data has no regular shape'}") from None
    if array.dtype.kind not in "biuf":
        if array.dtype.kind == "O" and array.size and all(isinstance(v, int) for v in array.reshape(-1)):
            raise OverflowError(f"{op}: an integer does not fit int64")
        raise TypeError(f"{op}(): invalid data type {_first(data)!r}: expected numbers, or nested sequences of them")
    return array if array.size else array.astype(np.float64)


def _without_tensors(data: Any) -> Any:
    if isinstance(data, Tensor):
        return data._array
    if isinstance(data, (list, tuple)) and any(isinstance(v, (Tensor, list, tuple)) for v in data):
        return [_without_tensors(v) for v in data]
    return data


def _holds_arrays(data: Any) -> bool:
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return isinstance(data, (np.ndarray, np.generic, Tensor))


def _first(data: Any) -> str:
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return type(data).__name__


def _ragged(data: Any, depth: int) -> str | None:
    if not isinstance(data, (list, tuple)):
        return None
    lengths = [len(v) if isinstance(v, (list, tuple)) else None for v in data]
    for length in lengths:
        if length != lengths[0]:
            return f"expected sequence of length {lengths[0]} at dim {depth + 1} (got {length})"
    return next((found for v in data if (found := _ragged(v, depth + 1))), None)


def tensor(
    data: Any, *, dtype: Any = None, device: str | Device | None = None, requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor:
    """A new leaf with a copy of ``data``.

    Python floats give the default float, integers int64, bools bool; NumPy arrays and tensors keep their dtype.
    """
    wanted = None if dtype is None else numpy_dtype("tensor", dtype)
    return finish("tensor", from_data("tensor", data, wanted), device, requires_grad, {})


def as_tensor(data: Any, dtype: Any = None, device: str | Device | None = None) -> Tensor:
    """``data`` as a tensor: itself or sharing its memory where dtype and kind allow, else a copy."""
    tensor_device(device)
    wanted = None if dtype is None else numpy_dtype("as_tensor", dtype)
    if isinstance(data, Tensor):
        if wanted is None or data._array.dtype == wanted:
            return data
        return data.to(dtypes.from_numpy(wanted))
    if isinstance(data, np.ndarray) and (wanted is None or data.dtype == wanted):
        return from_numpy(data)
    return wrap(from_data("as_tensor", data, wanted))


def asarray(
    obj: Any, *, dtype: Any = None, device: str | Device | None = None, copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Like :func:`as_tensor`; ``copy=True`` always copies, ``copy=False`` never.

    Raises:
        ValueError: when ``copy=False`` and a copy would be needed.
    """
    result = wrap(from_data("asarray", obj, None if dtype is None else numpy_dtype("asarray", dtype))) \
        if copy else as_tensor(obj, dtype, device)
    source = obj._array if isinstance(obj, Tensor) else obj
    if copy is False and not (isinstance(source, np.ndarray) and np.shares_memory(source, result._array)):
        raise ValueError("asarray: can't alias the data without a copy; leave copy=None")
    if requires_grad:
        result.requires_grad = True
    return result


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A tensor that shares the memory of ``ndarray``.

    Raises:
        TypeError: when it is no array.
        DtypeError: when the engine has no such dtype.
        ValueError: for negative strides, which tensors do not have.
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    dtypes.from_numpy(ndarray.dtype, "from_numpy: the array")
    if any(stride < 0 for stride in ndarray.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are "
            "not currently supported. (You can probably work around this by making a copy of your array "
            "with array.copy().)"
        )
    return wrap(ndarray.view(np.ndarray))


# ---- constant ----


def zeros(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, **options: Any) -> Tensor:
    """Zeros; ``zeros(2, 3)`` or ``zeros((2, 3))``."""
    shape = extents("zeros", _size(size, options))
    array = zeros_array(shape, numpy_dtype("zeros", dtype))
    return finish("zeros", array, device, requires_grad, options)


def ones(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, **options: Any) -> Tensor:
    """Ones; ``ones(2, 3)`` or ``ones((2, 3))``."""
    shape = extents("ones", _size(size, options))
    return finish("ones", filled(shape, 1, numpy_dtype("ones", dtype)), device, requires_grad, options)


def empty(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, **options: Any) -> Tensor:
    """Arbitrary contents."""
    shape = extents("empty", _size(size, options))
    array = empty_array(shape, numpy_dtype("empty", dtype))
    return finish("empty", array, device, requires_grad, options)


def full(
    size: Shape, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False,
    **options: Any,
) -> Tensor:
    """``fill_value`` everywhere; its type gives the dtype."""
    fill_value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    wanted = numpy_dtype("full", dtype, dtypes.of_scalar(fill_value))
    shape = extents("full", (size,) if isinstance(size, int) else tuple(size))
    return finish("full", filled(shape, fill_value, wanted), device, requires_grad, options)


def filled(shape: tuple[int, ...], value: Any, dtype: np.dtype) -> np.ndarray:
    """An array of ``value``; integers wrap around."""
    array = empty_array(shape, dtype)
    array.fill(np.array(value).astype(dtype) if dtype.kind == "u" else value)
    return array


def _size(size: tuple, options: dict[str, Any]) -> tuple:
    return options.pop("size") if not size and "size" in options else size


def _like_shape(name: str, input: Any) -> tuple[int, ...]:
    if not isinstance(input, Tensor):
        raise TypeError(f"{name}(): argument 'input' must be Tensor, not {type(input).__name__}")
    return input._array.shape


def zeros_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **options: Any
) -> Tensor:
    """Zeros in the shape and dtype of ``input``."""
    shape = _like_shape("zeros_like", input)
    array = zeros_array(shape, numpy_dtype("zeros_like", dtype, input.dtype))
    return finish("zeros_like", array, device, requires_grad, options)


def ones_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **options: Any
) -> Tensor:
    """Ones in the shape and dtype of ``input``."""
    shape = _like_shape("ones_like", input)
    array = filled(shape, 1, numpy_dtype("ones_like", dtype, input.dtype))
    return finish("ones_like", array, device, requires_grad, options)


def empty_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **options: Any
) -> Tensor:
    """Arbitrary contents in the shape and dtype of ``input``."""
    shape = _like_shape("empty_like", input)
    array = empty_array(shape, numpy_dtype("empty_like", dtype, input.dtype))
    return finish("empty_like", array, device, requires_grad, options)


def full_like(
    input: Tensor, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False,
    **options: Any,
) -> Tensor:
    """``fill_value`` in the shape and dtype of ``input``."""
    shape = _like_shape("full_like", input)
    array = filled(shape, fill_value, numpy_dtype("full_like", dtype, input.dtype))
    return finish("full_like", array, device, requires_grad, options)


# ---- sequences ----


def arange(
    start: float, end: float | None = None, step: float = 1, *, dtype: Any = None, device: Any = None,
    requires_grad: bool = False, **options: Any,
) -> Tensor:
    """start, start + step, ... up to but without ``end``; integers give int64.

    Raises:
        ValueError: for a step of 0, or one that leads away from ``end``.
    """
    if end is None:
        start, end = 0, start
    start, end, step = [v.item() if isinstance(v, (Tensor, np.generic)) else v for v in (start, end, step)]
    if step == 0:
        raise ArangeError("step must be nonzero")
    if not all(map(math.isfinite, (start, end, step))):
        raise ArangeError(f"unsupported range: {start} -> {end}")
    if (end - start) * step < 0:
        raise ArangeError(
            f"upper bound and lower bound inconsistent with step sign: arange({start}, {end}, {step})"
        )
    whole = all(isinstance(v, int) for v in (start, end, step))
    count = -((start - end) // step) if whole else math.ceil((end - start) / step)
    wanted = numpy_dtype("arange", dtype, dtypes.int64 if whole else None)
    if whole or wanted.kind != "f":
        array = (int(start) + int(step) * np.arange(count, dtype=np.int64)).astype(wanted)
    else:
        array = (start + step * np.arange(count, dtype=np.float64)).astype(wanted)
    return finish("arange", array, device, requires_grad, options)


class ArangeError(RuntimeError, ValueError):
    """PyTorch raises a RuntimeError for a range that does not end."""


def linspace(
    start: float, end: float, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False,
    **options: Any,
) -> Tensor:
    """``steps`` numbers at equal distances from ``start`` to ``end``, both included."""
    wanted = numpy_dtype("linspace", dtype)
    return finish("linspace", _evenly("linspace", start, end, steps, wanted), device, requires_grad, options)


def logspace(
    start: float, end: float, steps: int, base: float = 10.0, *, dtype: Any = None, device: Any = None,
    requires_grad: bool = False, **options: Any,
) -> Tensor:
    """``base`` to the powers of ``linspace(start, end, steps)``."""
    wanted = numpy_dtype("logspace", dtype)
    real = wanted if wanted.kind == "f" else np.dtype(np.float64)
    exponents = _evenly("logspace", start, end, steps, real).astype(np.float64)
    return finish("logspace", np.power(float(base), exponents).astype(wanted), device, requires_grad, options)


def _evenly(op: str, start: Any, end: Any, steps: int, dtype: np.dtype) -> np.ndarray:
    if steps < 0:
        raise ShapeError(f"{op}: number of steps must be non-negative, got {steps}")
    start, end = float(start), float(end)
    if steps == 1:
        return np.array([start]).astype(dtype)
    real = dtype if dtype.kind == "f" else np.dtype(np.float64)
    # From both ends towards the middle with a step of the result's precision, rounded once, as PyTorch does.
    step = np.float64((real.type(end) - real.type(start)) / real.type(max(steps - 1, 1)))
    start, end = np.float64(real.type(start)), np.float64(real.type(end))
    position = np.arange(steps, dtype=np.float64)
    array = np.where(position < steps // 2, start + step * position, end - step * position[::-1])
    return array.astype(dtype)


def eye(
    n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False,
    **options: Any,
) -> Tensor:
    """The identity matrix (n, m)."""
    extents("eye", (n, n if m is None else m))
    return finish("eye", np.eye(n, m, dtype=numpy_dtype("eye", dtype)), device, requires_grad, options)


FUNCTIONS = (
    "arange", "as_tensor", "asarray", "empty", "empty_like", "eye", "from_numpy", "full", "full_like", "linspace",
    "logspace", "ones", "ones_like", "tensor", "zeros", "zeros_like",
)
