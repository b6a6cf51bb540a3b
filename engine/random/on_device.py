"""Random numbers drawn on a GPU, each array by one launch of a kernel (:mod:`engine.kernels.cuda.random`).

Arguments are checked by the functions of the same names that draw on the CPU too. No kernel, and no Numba, is imported
before the first draw.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.random.philox import Philox


def uniform(shape: tuple[int, ...], dtype: np.dtype, low: float, high: float, generator: Philox) -> Any:
    """On [low, high), both rounded to dtype."""
    low, high = dtype.type(low), dtype.type(high)
    limit = float(high)
    if dtype == np.float32:
        # Numbers are computed in float64: from the middle between high and its neighbour on they round to high.
        limit = (limit + float(np.nextafter(high, dtype.type(-np.inf)))) / 2
    return _drawn(f"uniform_{dtype}", shape, dtype, generator, float(low), float(high), limit)


def normal(shape: tuple[int, ...], dtype: np.dtype, mean: float, std: float, generator: Philox) -> Any:
    """With the given mean and standard deviation."""
    return _drawn(f"normal_{dtype}", shape, dtype, generator, float(mean), float(std))


def exponential(shape: tuple[int, ...], dtype: np.dtype, lambd: float, generator: Philox) -> Any:
    """With rate lambd."""
    return _drawn(f"exponential_{dtype}", shape, dtype, generator, float(lambd))


def integers(shape: tuple[int, ...], dtype: np.dtype, low: int, span: int, wide: bool, generator: Philox) -> Any:
    """From low to low + span - 1; ``wide``: of two words."""
    low, span = int(low), int(span)
    if wide:
        return _drawn("wide_integers", shape, dtype, generator, low, span >> 32, span & 0xFFFFFFFF)
    return _drawn("integers", shape, dtype, generator, low, span)


def bernoulli(shape: tuple[int, ...], dtype: np.dtype, p: float, generator: Philox) -> Any:
    """Ones with probability p, to within 2^-33."""
    return _drawn("bernoulli", shape, dtype, generator, threshold(p))


def bernoulli_each(p: Any, dtype: np.dtype, generator: Philox) -> Any:
    """Ones with the probabilities p, in the shape of p."""
    return _drawn("bernoulli_each", p.shape, dtype, generator, reads=(p.reshape(-1),))


def dropout_mask(shape: tuple[int, ...], dtype: np.dtype, p: float, generator: Philox) -> Any:
    """0 with probability p, else 1 / (1 - p); 0 < p < 1."""
    return _drawn("dropout_mask", shape, dtype, generator, threshold(1.0 - p), 1.0 / (1.0 - p))


def threshold(p: float) -> int:
    """The number of words w of 32 bits whose (w + ½) / 2^32 is below p."""
    return math.ceil(float(p) * 2.0**32 - 0.5)


def _drawn(
    kernel: str, shape: tuple[int, ...], dtype: np.dtype, generator: Philox, *parameters: Any, reads: tuple = ()
) -> Any:
    from engine.device.cuda_array import empty

    out = empty(shape, dtype)
    if out.size:
        from engine.kernels.cuda import random as kernels

        getattr(kernels, kernel)(out.reshape(-1), *reads, *generator.take(), *parameters)
    return out
