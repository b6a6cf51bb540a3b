"""Histograms of arrays on the GPU; names as on the CPU (:mod:`engine.kernels.cpu.statistics`).

Counts are whole numbers, which threads may add atomically: their order does not matter.
"""

from __future__ import annotations

import numpy as np
from numba import float64

from engine.device import empty, zeros
from engine.kernels.cpu.statistics import LOWEST, OCTAVES
from engine.kernels.cuda.launch import cuda, jit, larger, launch, math, one_each, smaller


@jit
def _histogram(counts, a):
    i = cuda.grid(1)
    if i < a.size:
        x = float64(a[i])
        if math.isfinite(x):
            octave = 0
            if x != 0:
                octave = larger(0, smaller(math.frexp(x)[1] - LOWEST, OCTAVES))
            cuda.atomic.add(counts, OCTAVES + octave if x > 0 else OCTAVES - octave, 1)


@jit
def _linear_histogram(counts, a, edges):
    i = cuda.grid(1)
    if i < a.size:
        x = float64(a[i])
        bins = counts.size
        low = edges[0]
        high = edges[bins]
        if x >= low and x <= high:
            k = smaller(int((x - low) * (bins / (high - low))), bins - 1)
            # The product is rounded: the edges decide.
            if x < edges[k]:
                k -= 1
            elif k + 1 < bins and x >= edges[k + 1]:
                k += 1
            cuda.atomic.add(counts, k, 1)


def histogram(counts, a) -> None:
    """Count the finite elements of ``a`` (1-D, on the GPU) by sign and power of two into ``counts`` (on the CPU)."""
    _counted(counts, a, _histogram)


def linear_histogram(counts, a, edges) -> None:
    """Count the elements of ``a`` (1-D, on the GPU) in bins of equal width between ``edges``, both on the CPU."""
    there = empty(edges.shape, edges.dtype, a)
    there.put(edges)
    _counted(counts, a, _linear_histogram, there)


def _counted(counts, a, kernel, *arguments) -> None:
    there = zeros(counts.shape, np.dtype(np.int64), a)
    if a.size:
        launch(kernel, *one_each(a.size), there, a, *arguments)
    counts[:] = there.host()
