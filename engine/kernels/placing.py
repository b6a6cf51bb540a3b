"""Bringing an array to a device; what one launch does to many arrays there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.device import CPU, Device, empty, on_host


def placed(array: Any, device: Device, wait: bool = True) -> Any:
    """``array`` on ``device``: itself where it lies there already, else a copy.

    Without ``wait`` Python goes on while a pinned array is copied to a GPU.
    """
    if device == CPU:
        return on_host(array)
    if not isinstance(array, np.ndarray):
        return array
    # Kernels are imported with the first array that needs them: numba.cuda takes its time.
    from engine.kernels import cuda

    return cuda.from_host(array, wait)


# For the GPU a launch is dear: see :mod:`engine.kernels.cuda.many`.


def fill_many(arrays: Sequence[Any], value: float) -> None:
    """Overwrite all elements of ``arrays``, contiguous and on the GPU."""
    from engine.kernels.cuda import many

    for alike in _by_dtype(arrays):
        many.fill(alike, value)


def norms_of_many(arrays: Sequence[Any]) -> Any:
    """√Σ x² over each of ``arrays``, contiguous, not empty, of one dtype and on the GPU: an array of their dtype."""
    from engine.kernels.cuda import many

    y = empty((len(arrays),), arrays[0].dtype, arrays[0])
    many.norms(y, arrays)
    return y


def clip_many(arrays: Sequence[Any], total: Any, max_norm: float) -> None:
    """Multiply ``arrays``, contiguous and on the GPU, by max_norm / (total + 1e-6) where that is less than 1, in place."""
    from engine.kernels.cuda import many

    for alike in _by_dtype(arrays):
        many.clip(alike, total, max_norm)


def blend(running: Any, batch: Any, factor: float, momentum: float) -> None:
    """running = (1 - momentum) running + momentum factor batch, in place: a running average of arrays of one shape."""
    if isinstance(running, np.ndarray):
        running[...] = (1.0 - momentum) * running + momentum * (batch if factor == 1.0 else batch * factor)
        return
    from engine.kernels.cuda import norm

    norm.blend(running, batch, factor, momentum)


def reciprocal_root(variance: Any, eps: float) -> Any:
    """1 / √(variance + eps), computed in float64."""
    if isinstance(variance, np.ndarray):
        return (1.0 / np.sqrt(variance.astype(np.float64) + eps)).astype(variance.dtype)
    from engine.kernels.cuda import norm

    rstd = empty(variance.shape, variance.dtype, variance)
    norm.reciprocal_root(rstd, variance, eps)
    return rstd


def _by_dtype(arrays: Sequence[Any]) -> list[list[Any]]:
    alike: dict[Any, list[Any]] = {}
    for array in arrays:
        alike.setdefault(array.dtype, []).append(array)
    return list(alike.values())
