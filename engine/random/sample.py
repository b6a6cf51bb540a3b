"""Shuffles, weighted draws, truncated normal numbers and dropout masks."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from engine.device import CPU, Device, device_of, empty, full, on_host
from engine.errors import DtypeError, ShapeError
from engine.kernels.placing import placed
from engine.random import on_device
from engine.random.default import chosen, chosen_on_cpu
from engine.random.discrete import bernoulli
from engine.random.fill import (
    Shape,
    checked_shape,
    exponential,
    kernels,
    normal,
    uniform,
)
from engine.random.generator import Generator

#: PyTorch shuffles longer sequences by another algorithm (``randperm_cpu``).
_LONGEST_PERMUTATION = (2**32 - 1) // 20

_MOST_CATEGORIES = 1 << 24


def permutation(n: int, generator: Generator | None = None, device: Device = CPU) -> np.ndarray:
    """The integers 0 .. n-1 in random order (``torch.randperm``): int64, shape (n,).

    It is drawn on the CPU, also for a GPU (``device``): there from a stream that the next draw of the GPU's generator
    seeds, so that its numbers are not PyTorch's.

    Fisher and Yates' shuffle from the front: for i = 0 .. n-2, element i changes places with
    element ``i + word % (n - i)``.

    Raises:
        ShapeError: n is negative.
        RuntimeError: n is 214748364 or more; PyTorch has another algorithm for such n.
        DeviceError: the generator is one of another device.
    """
    (n,) = checked_shape("permutation", n)
    if n >= _LONGEST_PERMUTATION:
        raise RuntimeError(f"permutation: n must be less than {_LONGEST_PERMUTATION}, got {n}")
    out = empty((n,), np.dtype(np.int64))
    kernels().permutation.serial(out, chosen_on_cpu(generator, device).words(max(n - 1, 0)))
    return out


def multinomial(
    weights: Any,
    num_samples: int,
    replacement: bool = False,
    generator: Generator | None = None,
) -> np.ndarray:
    """Indices drawn with probabilities proportional to ``weights`` (``torch.multinomial``): int64.

    Without replacement, or for one sample: the indices of the ``num_samples`` greatest quotients
    ``w[i] / e[i]`` in descending order, with e exponentially distributed (Efraimidis and Spirakis,
    "Weighted random sampling with a reservoir", 2006). With replacement: the first index at which
    the normalised running sum reaches u, by bisection.

    Equal quotients come in ascending order of their indices, where PyTorch's order depends on its
    C++ library: those of zero weights, which are drawn only where nothing else is left, and in
    float32 a few in 100,000 by chance.

    Args:
        weights: (categories,) or (rows, categories), float32 or float64, each >= 0, each row with a
            sum > 0. Those on a GPU are copied to the CPU, and drawn from as for :func:`permutation`.

    Returns:
        (num_samples,) or (rows, num_samples), on the CPU.

    Raises:
        ShapeError: weights is not 1-d or 2-d.
        DtypeError: weights are not floating.
        RuntimeError: num_samples or the weights are out of range.
        DeviceError: the generator is one of another device than the weights.
    """
    device, weights = device_of(weights), on_host(weights)
    _check_weights(weights, num_samples, replacement)
    stream = chosen_on_cpu(generator, device)
    rows = weights.reshape(-1, weights.shape[-1])
    if replacement and num_samples > 1:
        drawn = _draw_with_replacement(rows, num_samples, stream)
    else:
        drawn = _draw_greatest(rows, num_samples, stream)
    return np.ascontiguousarray(drawn.reshape((*weights.shape[:-1], num_samples)), np.int64)


def _check_weights(weights: np.ndarray, num_samples: int, replacement: bool) -> None:
    if weights.ndim not in (1, 2):
        raise ShapeError(
            f"multinomial: weights must have 1 or 2 dimensions, got shape {weights.shape}"
        )
    if weights.dtype not in (np.float32, np.float64):
        raise DtypeError(f"multinomial: weights must be float32 or float64, got {weights.dtype}")
    categories = weights.shape[-1]
    if num_samples <= 0:
        raise RuntimeError(f"multinomial: num_samples must be positive, got {num_samples}")
    if categories == 0:
        raise RuntimeError(
            f"multinomial: weights of shape {weights.shape} have no categories to draw from"
        )
    if not replacement and num_samples > categories:
        raise RuntimeError(
            f"multinomial: cannot draw {num_samples} of {categories} without replacement"
        )
    if categories > _MOST_CATEGORIES:
        raise RuntimeError(f"multinomial: at most 2**24 categories, got {categories}")
    if not ((weights >= 0) & np.isfinite(weights)).all():
        wrong = weights[~((weights >= 0) & np.isfinite(weights))][0]
        raise RuntimeError(f"multinomial: weights must be finite and >= 0, got {wrong}")
    if (weights.reshape(-1, categories).max(axis=1) == 0).any():
        raise RuntimeError(
            "multinomial: the weights of each distribution must have a sum > 0, got 0"
        )


def _draw_with_replacement(rows: np.ndarray, num_samples: int, generator: Generator) -> np.ndarray:
    drawn = np.empty((rows.shape[0], num_samples), np.int64)
    for row, out in zip(rows, drawn, strict=True):
        running = np.cumsum(row, dtype=row.dtype)
        running /= running[-1]
        running[-1] = 1
        u = uniform(num_samples, np.float64, generator=generator)
        out[:] = np.searchsorted(running.astype(np.float64), u, side="left")
    return drawn


def _draw_greatest(rows: np.ndarray, num_samples: int, generator: Generator) -> np.ndarray:
    keys = rows / exponential(rows.shape, rows.dtype, generator=generator)
    if num_samples == 1:
        return keys.argmax(axis=1)
    return np.argsort(-keys, axis=1, kind="stable")[:, :num_samples]


def dropout_mask(
    shape: Shape,
    p: float = 0.5,
    dtype: DTypeLike = np.float32,
    generator: Generator | None = None,
    device: Device = CPU,
) -> Any:
    """The factors of dropout in training: 0 with probability p, else 1 / (1 - p).

    As in ``torch.nn.functional.dropout``: ``bernoulli(1 - p) / (1 - p)``. For p = 0 and p = 1, and
    for no elements, nothing is drawn.

    Raises:
        ValueError: p is not in [0, 1].
        DeviceError: the generator is one of another device than ``device``, where the array is to lie.
    """
    stream = chosen(generator, device)
    shape, dtype = checked_shape("dropout", shape), np.dtype(dtype)
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout: p must be in [0, 1], got {p}")
    if p in (0.0, 1.0):
        return placed(full(shape, 1.0 - p, dtype), device)
    if device != CPU:
        return on_device.dropout_mask(shape, dtype, p, stream)
    mask = bernoulli(1.0 - p, shape, dtype, stream)
    mask /= dtype.type(1.0 - p)
    return mask


def trunc_normal(
    shape: Shape,
    dtype: DTypeLike = np.float32,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
    device: Device = CPU,
) -> Any:
    """Normal numbers that lie in [a, b], by rejection (``torch.nn.init.trunc_normal_``).

    If more than 0.3 of the normal distribution lies in [a, b], candidates are normal and those
    outside are rejected. Otherwise candidates x are uniform on [a, b) and accepted with the
    probability ``f(x) / max f``, f the normal density: where ``log u <= log f(x) - log max f``.
    Each round draws for all elements, accepted ones too.

    Raises:
        DtypeError, RuntimeError, DeviceError: as :func:`normal` and :func:`uniform`.
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            f"trunc_normal: mean {mean} is more than 2 std ({std}) from [{a}, {b}]; "
            "the distribution of the values may be incorrect",
            stacklevel=2,
        )
    inside = 0.5 * (
        math.erf((b - mean) / std / math.sqrt(2)) - math.erf((a - mean) / std / math.sqrt(2))
    )
    shape, dtype = checked_shape("trunc_normal", shape), np.dtype(dtype)
    if inside > 0.3:
        low, high = dtype.type(a), dtype.type(b)
        out = normal(shape, dtype, mean, std, generator, device)
        while (outside := (out < low) | (out > high)).any():
            np.copyto(out, normal(shape, dtype, mean, std, generator, device), where=outside)
        return out
    mode = max(a, min(mean, b))
    log_peak = dtype.type(-0.5 * ((mode - mean) / std) ** 2)

    def rejected(candidates: Any) -> Any:
        z = (candidates - dtype.type(mean)) / dtype.type(std)
        log_density = dtype.type(-0.5) * z**2 - log_peak
        with np.errstate(divide="ignore"):
            return np.log(uniform(shape, dtype, generator=generator, device=device)) > log_density

    out = uniform(shape, dtype, a, b, generator, device)
    pending = rejected(out)
    while pending.any():
        candidates = uniform(shape, dtype, a, b, generator, device)
        np.copyto(out, candidates, where=pending)
        pending &= rejected(candidates)
    return out
