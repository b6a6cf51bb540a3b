"""Arrays of independent random numbers from continuous distributions.

On the CPU every function draws the words of its elements in C order, so that the result for a shape
is that for its number of elements, reshaped. Big arrays are made block by block, which keeps the
words in the processor's cache; the blocks do not change the numbers. Algorithms: PyTorch 2.13,
``ATen/core/TransformationHelper.h``, ``ATen/core/DistributionsHelper.h`` and
``ATen/native/cpu/DistributionTemplates.h``. On a GPU the numbers are those of
:mod:`engine.definitions.random`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from engine.device import CPU, Device, empty
from engine.errors import DtypeError, ShapeError
from engine.random import on_device
from engine.random.default import chosen
from engine.random.generator import Generator
from engine.random.mersenne_twister import MersenneTwister

Shape = int | Sequence[int]

_GREATEST = {np.dtype(t): float(np.finfo(t).max) for t in (np.float32, np.float64)}

#: Words drawn at a time, a multiple of 32: 512 KiB.
_BLOCK = 1 << 16


@functools.cache
def kernels() -> ModuleType:
    """The kernels, imported at first use, because importing Numba takes a second."""
    from engine.kernels.cpu import random

    return random


def checked_shape(op: str, shape: Shape) -> tuple[int, ...]:
    """``shape`` as a tuple of extents that are not negative."""
    extents = (int(shape),) if isinstance(shape, (int, np.integer)) else tuple(map(int, shape))
    if any(extent < 0 for extent in extents):
        raise ShapeError(f"{op}: no extent of a shape can be negative, got {extents}")
    return extents


def floating(op: str, dtype: DTypeLike) -> np.dtype:
    """``dtype`` as np.dtype, float32 or float64."""
    dtype = np.dtype(dtype)
    if dtype not in _GREATEST:
        raise DtypeError(f"{op}: dtype must be float32 or float64, got {dtype}")
    return dtype


def fill(out: np.ndarray, words: int, generator: MersenneTwister, kernel: Callable, *arguments) -> None:
    """Run ``kernel(out, raw, *arguments)`` over ``out`` in blocks; ``words`` to an element."""
    step = _BLOCK // words
    for start in range(0, out.shape[0], step):
        piece = out[start : start + step]
        kernel(piece, generator.words(words * piece.shape[0]), *arguments)


def uniform(
    shape: Shape,
    dtype: DTypeLike = np.float32,
    low: float = 0.0,
    high: float = 1.0,
    generator: Generator | None = None,
    device: Device = CPU,
) -> Any:
    """Numbers from the uniform distribution on [low, high) (``Tensor.uniform_``, ``torch.rand``).

    ``low + (high - low) u``, where u is the low 24 bits of one word over 2^24 (float32), or the low
    53 bits of two words over 2^53 (float64, first word high). That is on the CPU, as below.

    Args:
        device: where the array is to lie; the generator must be one of it, and by default is its default one.

    Raises:
        DtypeError: dtype is not float32 or float64.
        RuntimeError: low > high, or the bounds or their distance are not finite in dtype.
        DeviceError: the generator is one of another device.
    """
    shape, dtype = checked_shape("uniform", shape), floating("uniform", dtype)
    stream = chosen(generator, device)
    if not low <= high:
        raise RuntimeError(
            f"uniform: low must not be greater than high, got low={low}, high={high}"
        )
    if max(-low, high, high - low) > _GREATEST[dtype]:
        raise RuntimeError(
            f"uniform: low={low}, high={high} or high - low exceeds the greatest {dtype}"
        )
    if device != CPU:
        return on_device.uniform(shape, dtype, low, high, stream)
    out = empty(shape, dtype)
    words = dtype.itemsize // 4
    kernel = (kernels().uniform_float32 if words == 1 else kernels().uniform_float64).serial
    fill(out.reshape(-1), words, stream, kernel, dtype.type(low), dtype.type(high))
    return out


def normal(
    shape: Shape,
    dtype: DTypeLike = np.float32,
    mean: float = 0.0,
    std: float = 1.0,
    generator: Generator | None = None,
    device: Device = CPU,
) -> Any:
    """Numbers from the normal distribution (``Tensor.normal_``, ``torch.randn``).

    The method is that of Box and Muller.

    16 elements and more: in groups of 16 uniforms, u[j] and u[j + 8] give ``r cos t`` and
    ``r sin t`` with ``r = sqrt(-2 log(1 - u[j]))``, ``t = 2 pi u[j + 8]``. If 16 does not divide
    the size, 16 further uniforms are drawn after all others, and the last 16 elements are computed
    anew from them.

    Fewer elements: in float64, a pair of uniforms (v, w) gives two numbers, with
    ``r = sqrt(-2 log(1 - w))`` and ``t = 2 pi v``; ``r sin t`` waits in the generator for the next
    call with fewer than 16 elements.

    Raises:
        DtypeError: dtype is not float32 or float64.
        RuntimeError: std < 0.
        DeviceError: the generator is one of another device.
    """
    shape, dtype = checked_shape("normal", shape), floating("normal", dtype)
    stream = chosen(generator, device)
    if not std >= 0.0:
        raise RuntimeError(f"normal: std must be >= 0, got {std}")
    if device != CPU:
        return on_device.normal(shape, dtype, mean, std, stream)
    out = empty(shape, dtype)
    flat = out.reshape(-1)
    n = flat.shape[0]
    if n < 16:
        waiting = 0 if math.isnan(stream.next_normal[0]) else 1
        raw = stream.words(4 * ((n - waiting + 1) // 2))
        kernels().normal_few.serial(flat, raw, stream.next_normal, float(mean), float(std))
        return out
    words = dtype.itemsize // 4
    kernel = (kernels().normal_float32 if words == 1 else kernels().normal_float64).serial
    mean, std = dtype.type(mean), dtype.type(std)
    rest = n % 16
    fill(flat[: n - rest], words, stream, kernel, mean, std)
    if rest:
        stream.words(words * rest)
        fill(flat[n - 16 :], words, stream, kernel, mean, std)
    return out


def exponential(
    shape: Shape,
    dtype: DTypeLike = np.float32,
    lambd: float = 1.0,
    generator: Generator | None = None,
    device: Device = CPU,
) -> Any:
    """Numbers from the exponential distribution (``Tensor.exponential_``).

    ``-log(1 - u) / lambd``, computed in float64 for both dtypes.

    Raises:
        DtypeError: dtype is not float32 or float64.
        RuntimeError: lambd <= 0.
        DeviceError: the generator is one of another device.
    """
    shape, dtype = checked_shape("exponential", shape), floating("exponential", dtype)
    stream = chosen(generator, device)
    if not lambd > 0.0:
        raise RuntimeError(f"exponential: lambd must be > 0, got {lambd}")
    if device != CPU:
        return on_device.exponential(shape, dtype, lambd, stream)
    out = empty(shape, dtype)
    fill(out.reshape(-1), 2, stream, kernels().exponential.serial, float(lambd))
    return out
