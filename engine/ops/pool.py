"""Pooling over windows: maximum, average, adaptive average, in two dimensions (and one)."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from engine.definitions import pool as definitions
from engine.device import contiguous, empty
from engine.errors import DtypeError, ShapeError
from engine.function import Function, apply
from engine.kernels.cpu import pool2d as kernels
from engine.ops.conv import Setting, pair
from engine.ops.elementwise import refuse_non_tensors
from engine.tensor import Tensor


class _Planes(Function):
    """Ops on planes: (N, C, H, W); lower ranks stand for batches of one, and ``flat`` for a height of one."""

    stays_finite = True
    flat: bool

    def canonical(self, name: str, array: np.ndarray) -> np.ndarray:
        if name not in ("x", "y", "dx", "dy", "indices"):
            return array
        shape = (*array.shape[:-1], 1, array.shape[-1]) if self.flat else array.shape
        return array.reshape((1,) * (4 - len(shape)) + shape)


def _planes(array: np.ndarray, flat: bool) -> np.ndarray:
    """(planes, H, W) of an array (..., H, W), or of one (..., L) when ``flat``."""
    array = contiguous(array)
    if flat:
        return array.reshape(-1, 1, array.shape[-1])
    return array.reshape(-1, array.shape[-2], array.shape[-1])


class MaxPool2d(_Planes):
    """The largest pixel of every window."""

    definitions = {
        "y": definitions.max_pool2d_forward,
        "indices": definitions.max_pool2d_indices,
        "dx": definitions.max_pool2d_backward,
    }
    returns = ("y", "indices")

    def __init__(self, kernel_size, stride, padding, dilation, output, flat) -> None:
        self.kernel_size, self.stride, self.padding, self.dilation = kernel_size, stride, padding, dilation
        self.output, self.flat = output, flat

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        planes = _planes(x, self.flat)
        self.shape, self.size = x.shape, planes.shape[1:]
        shape = (planes.shape[0], *self.output)
        y, places = empty(shape, x.dtype, x), empty(shape, np.dtype(np.int32), x)
        kernels.max_pool2d_forward.sized(1.2 * y.size, y)(
            y, places, planes, self.kernel_size, self.stride, self.padding, self.dilation
        )
        self.places = places
        outer = x.shape[:-1] if self.flat else x.shape[:-2]
        final = (*outer, self.output[1]) if self.flat else (*outer, *self.output)
        return y.reshape(final), places.reshape(final)

    def backward(self, dy: np.ndarray, _indices: None = None) -> np.ndarray:
        dx = empty((dy.size // max(1, self.places[0].size) if dy.size else self._count(), *self.size), dy.dtype, dy)
        kernels.max_pool2d_backward.sized(0.7 * dx.size, dx)(
            dx, _planes(dy, self.flat), self.places, self.kernel_size, self.stride, self.padding, self.dilation
        )
        return dx.reshape(self.shape)

    def _count(self) -> int:
        return int(np.prod(self.shape)) // max(1, self.size[0] * self.size[1])


class AvgPool2d(_Planes):
    """The mean of every window; ``rows`` and ``columns`` hold where windows begin, end, and their divisors."""

    definitions = {"y": definitions.avg_pool2d_forward, "dx": definitions.avg_pool2d_backward}

    def __init__(self, rows: np.ndarray, columns: np.ndarray, flat: bool) -> None:
        self.rows, self.columns, self.flat = rows, columns, flat

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.shape = x.shape
        planes = _planes(x, self.flat)
        y = empty((planes.shape[0], len(self.rows), len(self.columns)), x.dtype, x)
        kernels.avg_pool2d_forward.sized(planes.size, y)(y, planes, self.rows, self.columns)
        if self.flat:
            return y.reshape(*x.shape[:-1], len(self.columns))
        return y.reshape(*x.shape[:-2], len(self.rows), len(self.columns))

    def backward(self, dy: np.ndarray) -> np.ndarray:
        planes = _planes(dy, self.flat)
        size = (1, self.shape[-1]) if self.flat else self.shape[-2:]
        dx = empty((planes.shape[0], *size), dy.dtype, dy)
        kernels.avg_pool2d_backward.sized(dx.size, dx)(dx, planes, self.rows, self.columns)
        return dx.reshape(self.shape)


def max_pool2d(
    input: Tensor,
    kernel_size: Setting,
    stride: Setting | None = None,
    padding: Setting = 0,
    dilation: Setting = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest pixel of every window.

    Args:
        input: (N, C, H, W) or (C, H, W) float.
        kernel_size: pixels, a number or a pair.
        stride: pixels, ``kernel_size`` when None.
        padding: pixels of -inf on each side, at most half the kernel size.
        dilation: distance between the pixels of a window.
        ceil_mode: keep windows that reach past the end.
        return_indices: return (values, h·W + v of each maximum) too.

    Returns:
        (N, C, OH, OW) with OH = (H + 2 PH - DH (KH - 1) - 1) // SH + 1 (rounded up with ``ceil_mode``).

    Raises:
        ShapeError, DtypeError: when operand and settings do not fit.
    """
    return _max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool1d(
    input: Tensor,
    kernel_size: Setting,
    stride: Setting | None = None,
    padding: Setting = 0,
    dilation: Setting = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest number of every window of (N, C, L) or (C, L); see :func:`max_pool2d`."""
    return _max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def _max_pool(op, rank, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices):
    _check(op, rank, input)
    kernel_size = pair(op, "kernel_size", kernel_size, rank, 1)
    stride = kernel_size if stride is None or stride == [] else pair(op, "stride", stride, rank, 1)
    padding, dilation = pair(op, "padding", padding, rank, 0), pair(op, "dilation", dilation, rank, 1)
    size = (1, input._array.shape[-1]) if rank == 1 else input._array.shape[-2:]
    output = tuple(
        _extent(op, size[d], kernel_size[d], stride[d], padding[d], dilation[d], ceil_mode) for d in (0, 1)
    )
    y, indices = apply(MaxPool2d(kernel_size, stride, padding, dilation, output, rank == 1), input)
    if not return_indices:
        return y
    indices._array = indices._array.astype(np.int64)
    return y, indices


def avg_pool2d(
    input: Tensor,
    kernel_size: Setting,
    stride: Setting | None = None,
    padding: Setting = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of every window.

    Args:
        input: (N, C, H, W) or (C, H, W) float.
        kernel_size, stride, padding, ceil_mode: as for :func:`max_pool2d`; padding counts as 0.
        count_include_pad: whether padding counts in the divisor.
        divisor_override: a divisor for every window.
    """
    return _avg_pool(
        "avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def avg_pool1d(
    input: Tensor,
    kernel_size: Setting,
    stride: Setting | None = None,
    padding: Setting = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of every window of (N, C, L) or (C, L); see :func:`avg_pool2d`."""
    return _avg_pool("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def _avg_pool(op, rank, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override):
    _check(op, rank, input)
    kernel_size = pair(op, "kernel_size", kernel_size, rank, 1)
    stride = kernel_size if stride is None or stride == [] else pair(op, "stride", stride, rank, 1)
    padding = pair(op, "padding", padding, rank, 0)
    if divisor_override is not None and divisor_override == 0:
        raise ShapeError(f"{op}: divisor must be not zero")
    size = (1, input._array.shape[-1]) if rank == 1 else input._array.shape[-2:]
    bounds = [
        _windows(op, size[d], kernel_size[d], stride[d], padding[d], ceil_mode, count_include_pad) for d in (0, 1)
    ]
    if divisor_override is not None:
        bounds = [b.copy() for b in bounds]
        bounds[0][:, 2], bounds[1][:, 2] = int(divisor_override), 1
    rows, columns = bounds
    return apply(AvgPool2d(rows, columns, rank == 1), input)


def adaptive_avg_pool2d(input, output_size) -> Tensor:
    """The means of windows that cut (N, C, H, W) into ``output_size`` rows and columns, as even as can be.

    Window p covers the rows from floor(p H / OH) to ceil((p + 1) H / OH). None keeps an extent.
    """
    return _adaptive_avg_pool("adaptive_avg_pool2d", 2, input, output_size)


def adaptive_avg_pool1d(input, output_size) -> Tensor:
    """The means of ``output_size`` windows of (N, C, L) or (C, L); see :func:`adaptive_avg_pool2d`."""
    return _adaptive_avg_pool("adaptive_avg_pool1d", 1, input, output_size)


def _adaptive_avg_pool(op, rank, input, output_size):
    _check(op, rank, input)
    size = (1, input._array.shape[-1]) if rank == 1 else input._array.shape[-2:]
    wanted = (output_size,) * rank if output_size is None or isinstance(output_size, int) else tuple(output_size)
    wanted = (1,) * (2 - len(wanted)) + wanted
    output = tuple(extent if want is None else int(want) for want, extent in zip(wanted, size, strict=True))
    if min(output) < 0:
        raise ShapeError(f"{op}: elements of output_size must be greater than or equal to 0, got {output_size!r}")
    rows, columns = (_adaptive_windows(size[d], output[d]) for d in (0, 1))
    return apply(AvgPool2d(rows, columns, rank == 1), input)


def _extent(op, size, kernel_size, stride, padding, dilation, ceil_mode) -> int:
    if padding > kernel_size // 2:
        raise ShapeError(
            f"{op}: pad should be at most half of effective kernel size, "
            f"but got pad={padding}, kernel_size={kernel_size}"
        )
    room = size + 2 * padding - dilation * (kernel_size - 1) - 1
    extent = (room + stride - 1 if ceil_mode else room) // stride + 1
    if ceil_mode and (extent - 1) * stride >= size + padding:
        extent -= 1
    if extent < 1:
        raise ShapeError(
            f"{op}: a window of {kernel_size} pixels (dilation {dilation}) does not fit into {size} pixels with "
            f"padding {padding}: Output size is too small"
        )
    return extent


@functools.lru_cache(maxsize=256)
def _windows(op, size, kernel_size, stride, padding, ceil_mode, count_include_pad) -> np.ndarray:
    bounds = []
    for p in range(_extent(op, size, kernel_size, stride, padding, 1, ceil_mode)):
        start = p * stride - padding
        stop = min(start + kernel_size, size + padding)
        first, last = max(0, start), min(stop, size)
        bounds.append((first, last, stop - start if count_include_pad else last - first))
    return np.array(bounds, np.int64)


@functools.lru_cache(maxsize=256)
def _adaptive_windows(size: int, output: int) -> np.ndarray:
    bounds = []
    for p in range(output):
        start, stop = p * size // output, -(-(p + 1) * size // output)
        bounds.append((start, stop, stop - start))
    return np.array(bounds, np.int64).reshape(-1, 3)


def _check(op: str, rank: int, input: Tensor) -> None:
    try:
        x = input._array
    except AttributeError:
        refuse_non_tensors(op, input=input)
        raise
    if x.ndim not in (rank + 1, rank + 2):
        raise ShapeError(f"{op}: expected {rank + 1}D or {rank + 2}D input, got input of shape {x.shape}")
    if x.dtype.kind != "f":
        raise DtypeError(f"{op}: expected a float input, got {input.dtype}")
    if 0 in x.shape[1:] and x.ndim == rank + 2:
        raise ShapeError(f"{op}: expected input with non-zero size for all but the batch dimension, got {x.shape}")


METHODS: dict = {}
FUNCTIONS = ("adaptive_avg_pool1d", "avg_pool1d", "max_pool1d", "max_pool2d")
