"""Tensors from data: ``tensor``, ``as_tensor``, ``asarray``, ``from_numpy``; and what all makers of tensors share."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine import dtypes, trace
from engine.device import CPU, Device, on_host, tensor_device
from engine.errors import DtypeError, GradientError, MissingError
from engine.kernels.placing import placed
from engine.tensor import Tensor, wrap

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
    result = wrap(placed(array, tensor_device(device)))
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


def from_data(op: str, data: Any, dtype: np.dtype | None) -> np.ndarray:
    """A fresh array of ``data``: a number, nested sequences, an array or a tensor.

    Raises:
        ValueError: when the sequences are ragged.
        TypeError: when they hold something else than numbers.
        DtypeError: when the engine has no such dtype.
    """
    if isinstance(data, Tensor):
        array = on_host(data._array)
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
        return on_host(data._array)
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
    wanted = None if dtype is None else numpy_dtype("as_tensor", dtype)
    if isinstance(data, Tensor):
        return data.to(device=device, dtype=None if wanted is None else dtypes.from_numpy(wanted))
    if device is not None and tensor_device(device) != CPU:
        return tensor(data, dtype=dtype, device=device)
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
    return wrap(trace.sharing(ndarray.view(np.ndarray)))
