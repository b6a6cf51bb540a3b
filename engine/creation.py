"""Tensors of constants and sequences: ``zeros``, ``full``, ``arange`` and so on. None of it is recorded.

Every function takes ``dtype``, ``device``, ``requires_grad`` and (without effect) ``pin_memory`` and
``layout``; ``out`` is not available. Tensors from data are in :mod:`engine.from_data`, those of random numbers in
:mod:`engine.random_tensors`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine import dtypes
from engine.device import empty as empty_array
from engine.device import zeros as zeros_array
from engine.errors import ShapeError
from engine.from_data import as_tensor, asarray, finish, from_numpy, numpy_dtype, tensor
from engine.tensor import Tensor

Shape = int | tuple[int, ...] | list[int]


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


# ---- constant ----


def zeros(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, **options: Any) -> Tensor:
    """Zeros; ``zeros(2, 3)`` or ``zeros((2, 3))``."""
    shape = extents("zeros", given_size(size, options))
    array = zeros_array(shape, numpy_dtype("zeros", dtype))
    return finish("zeros", array, device, requires_grad, options)


def ones(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, **options: Any) -> Tensor:
    """Ones; ``ones(2, 3)`` or ``ones((2, 3))``."""
    shape = extents("ones", given_size(size, options))
    return finish("ones", filled(shape, 1, numpy_dtype("ones", dtype)), device, requires_grad, options)


def empty(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, **options: Any) -> Tensor:
    """Arbitrary contents."""
    shape = extents("empty", given_size(size, options))
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


def given_size(size: tuple, options: dict[str, Any]) -> tuple:
    """The sizes, given one by one or as ``size=``."""
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
    return finish("zeros_like", array, input.device if device is None else device, requires_grad, options)


def ones_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **options: Any
) -> Tensor:
    """Ones in the shape and dtype of ``input``."""
    shape = _like_shape("ones_like", input)
    array = filled(shape, 1, numpy_dtype("ones_like", dtype, input.dtype))
    return finish("ones_like", array, input.device if device is None else device, requires_grad, options)


def empty_like(
    input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **options: Any
) -> Tensor:
    """Arbitrary contents in the shape and dtype of ``input``."""
    shape = _like_shape("empty_like", input)
    array = empty_array(shape, numpy_dtype("empty_like", dtype, input.dtype))
    return finish("empty_like", array, input.device if device is None else device, requires_grad, options)


def full_like(
    input: Tensor, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False,
    **options: Any,
) -> Tensor:
    """``fill_value`` in the shape and dtype of ``input``."""
    shape = _like_shape("full_like", input)
    array = filled(shape, fill_value, numpy_dtype("full_like", dtype, input.dtype))
    return finish("full_like", array, input.device if device is None else device, requires_grad, options)


# ---- sequences ----


def arange(
    start: float, end: float | None = None, step: float = 1, *, dtype: Any = None, device: Any = None,
    requires_grad: bool = False, **options: Any,
) -> Tensor:
    """start, start + step, ... up to but without ``end``; integers give int64.

    Raises:
        ValueError: for a step of 0, or one that leads away from ``end``.
    """
    first, last = (0, start) if end is None else (start, end)
    start, stop, step = [v.item() if isinstance(v, (Tensor, np.generic)) else v for v in (first, last, step)]
    if step == 0:
        raise ArangeError("step must be nonzero")
    if not all(map(math.isfinite, (start, stop, step))):
        raise ArangeError(f"unsupported range: {start} -> {stop}")
    if (stop - start) * step < 0:
        raise ArangeError(
            f"upper bound and lower bound inconsistent with step sign: arange({start}, {stop}, {step})"
        )
    whole = all(isinstance(v, int) for v in (start, stop, step))
    count = -((start - stop) // step) if whole else math.ceil((stop - start) / step)
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


__all__ = ["as_tensor", "asarray", "from_numpy", "tensor"]

FUNCTIONS = (
    "arange", "as_tensor", "asarray", "empty", "empty_like", "eye", "from_numpy", "full", "full_like", "linspace",
    "logspace", "ones", "ones_like", "tensor", "zeros", "zeros_like",
)
