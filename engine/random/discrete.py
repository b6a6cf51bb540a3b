"""Arrays of independent random integers, and of zeros and ones.

Elements are drawn in C order. Algorithms: PyTorch 2.13, ``ATen/core/TransformationHelper.h`` and
``ATen/core/DistributionsHelper.h``. On a GPU the numbers are those of :mod:`engine.definitions.random`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from engine.device import CPU, Device, device_of, empty, is_array
from engine.errors import DtypeError, ShapeError
from engine.random import on_device
from engine.random.default import chosen
from engine.random.fill import Shape, checked_shape, fill, floating, kernels
from engine.random.generator import Generator
from engine.random.mersenne_twister import MersenneTwister

#: From this range on a random integer takes 64 bits instead of 32.
_WIDE_RANGE = 1 << 28

_STEP_24 = np.float32(2.0**-24)
_STEP_53 = 2.0**-53
_MASK_24 = np.uint64((1 << 24) - 1)
_MASK_53 = np.uint64((1 << 53) - 1)

# Least and greatest integer up to which a dtype holds every integer.
_INTEGER_RANGE = {
    np.dtype(bool): (0, 1),
    np.dtype(np.uint8): (0, 2**8 - 1),
    np.dtype(np.int8): (-(2**7), 2**7 - 1),
    np.dtype(np.int16): (-(2**15), 2**15 - 1),
    np.dtype(np.int32): (-(2**31), 2**31 - 1),
    np.dtype(np.int64): (-(2**63), 2**63 - 1),
    np.dtype(np.float32): (-(2**24), 2**24),
    np.dtype(np.float64): (-(2**53), 2**53),
}


def integers(
    low: int,
    high: int,
    shape: Shape,
    dtype: DTypeLike = np.int64,
    generator: Generator | None = None,
    device: Device = CPU,
) -> Any:
    """Integers from low to high - 1 (``torch.randint``, ``Tensor.random_(low, high)``).

    ``low + word % (high - low)``; from a range of 2^28 on with a number of 64 bits (two words,
    first one high). All of int64: the 64 bits as they are.

    Raises:
        RuntimeError: low >= high, or dtype cannot hold all the integers.
        DeviceError: the generator is one of another device than ``device``, where the array is to lie.
    """
    shape, dtype = checked_shape("integers", shape), np.dtype(dtype)
    stream = chosen(generator, device)
    if not low < high:
        raise RuntimeError(f"integers: low must be less than high, got low={low}, high={high}")
    least, most = _integer_range("integers", dtype)
    if low < least or high - 1 > most:
        raise RuntimeError(
            f"integers: {low} .. {high - 1} do not fit {dtype}, which holds {least} .. {most}"
        )
    span = high - low
    wide = span >= _WIDE_RANGE
    if device != CPU:
        return on_device.integers(shape, dtype, low, span, wide, stream)
    n = math.prod(shape)
    raw = _pairs(stream, n) if wide else stream.words(n)
    if span < 2**64:
        raw %= np.uint64(span)
        # Modulo 2^64, which leaves the right int64 whatever the sign of low.
        raw += np.uint64(low % 2**64)
    return raw.view(np.int64).reshape(shape).astype(dtype, copy=False)


def random_full(
    shape: Shape, dtype: DTypeLike = np.int64, generator: Generator | None = None, device: Device = CPU
) -> Any:
    """What ``Tensor.random_()`` gives: integers from 0 to the greatest that dtype holds.

    For float32 and float64 the greatest is 2^24 and 2^53, up to which they hold every integer.
    64-bit dtypes take two words to a number, the others one.
    """
    shape, dtype = checked_shape("random_full", shape), np.dtype(dtype)
    stream = chosen(generator, device)
    most = _integer_range("random_full", dtype)[1]
    wide = dtype.itemsize == 8
    if device != CPU:
        return on_device.integers(shape, dtype, 0, most + 1, wide, stream)
    n = math.prod(shape)
    raw = _pairs(stream, n) if wide else stream.words(n)
    raw %= np.uint64(most + 1)
    return raw.reshape(shape).astype(dtype)


def bernoulli(
    p: float | Any,
    shape: Shape | None = None,
    dtype: DTypeLike | None = None,
    generator: Generator | None = None,
    device: Device = CPU,
) -> Any:
    """Ones with probability p, else zeros: ``1 if u < p else 0``.

    A number p: u has 53 bits (``Tensor.bernoulli_(p)``, which PyTorch 2.13 computes without MKL's
    generator). An array p: u is of p's dtype, float32 or float64 (``torch.bernoulli``,
    ``Tensor.bernoulli_(tensor)``); p is broadcast to ``shape``, by default p's own.

    Args:
        dtype: of the result; by default float32, or p's.
        device: where the array is to lie, for a number p; it lies where an array p does.

    Raises:
        DtypeError: p is an array of another dtype than float32 and float64.
        RuntimeError: p is not in [0, 1].
        DeviceError: the generator is one of another device.
    """
    if is_array(p):
        return _bernoulli_each(p, shape, dtype, chosen(generator, device_of(p)))
    stream = chosen(generator, device)
    if shape is None:
        raise TypeError("bernoulli: shape is needed where p is a number")
    if not 0.0 <= p <= 1.0:
        raise RuntimeError(f"bernoulli: p must be in [0, 1], got {p}")
    shape, dtype = checked_shape("bernoulli", shape), np.dtype(np.float32 if dtype is None else dtype)
    if device != CPU:
        return on_device.bernoulli(shape, dtype, p, stream)
    out = empty(shape, dtype)
    fill(out.reshape(-1), 2, stream, kernels().bernoulli.serial, float(p))
    return out


def _bernoulli_each(
    p: Any, shape: Shape | None, dtype: DTypeLike | None, generator: Any
) -> Any:
    floating("bernoulli", p.dtype)
    if not ((p >= 0) & (p <= 1)).all():
        raise RuntimeError(
            f"bernoulli: p must be in [0, 1], got values from {p.min()} to {p.max()}"
        )
    try:
        p = np.broadcast_to(p, p.shape if shape is None else checked_shape("bernoulli", shape))
    except ValueError:
        raise ShapeError(
            f"bernoulli: p of shape {p.shape} cannot be broadcast to shape {shape}"
        ) from None
    if device_of(p) != CPU:
        return on_device.bernoulli_each(p, p.dtype if dtype is None else np.dtype(dtype), generator)
    if p.dtype == np.float32:
        u = (generator.words(p.size) & _MASK_24).astype(np.float32) * _STEP_24
    else:
        u = (_pairs(generator, p.size) & _MASK_53) * _STEP_53
    return (u.reshape(p.shape) < p).astype(p.dtype if dtype is None else dtype)


def _pairs(generator: MersenneTwister, count: int) -> np.ndarray:
    """``count`` numbers of 64 bits, each of two words of which the first is the high half."""
    raw = generator.words(2 * count)
    pairs = raw[0::2] << np.uint64(32)
    pairs |= raw[1::2]
    return pairs


def _integer_range(op: str, dtype: np.dtype) -> tuple[int, int]:
    if dtype not in _INTEGER_RANGE:
        raise DtypeError(
            f"{op}: dtype must be one of {', '.join(map(str, _INTEGER_RANGE))}, got {dtype}"
        )
    return _INTEGER_RANGE[dtype]
