"""Statistics of arrays on the GPU, and histograms; names and columns as on the CPU (:mod:`engine.kernels.cpu.statistics`).

Every element is read once. An array is cut into parts by its size alone; a part is one block of threads, which add in
float64 and then together in shared memory, and one thread joins the parts in their order. No float is added
atomically, so that the same array gives the same bits; the histograms' counts are integers, whose order does not
matter. Only results travel to the CPU: one copy for each call.
"""

from __future__ import annotations

import numpy as np
from numba import float64

from engine.device import empty, gate, zeros
from engine.kernels.cpu.statistics import FIELDS, LOWEST, NEAR, OCTAVES, SIGMOID, TANH, UNITS
from engine.kernels.cuda.blocks import BLOCK_THREADS, block_max, first_place, next_place, threads_for
from engine.kernels.cuda.launch import cuda, jit, larger, launch, math, one_each, smaller

#: Elements of one part at least, and parts of one array at most.
PART = 16 if gate.simulated() else 1 << 13
PARTS = 256

# Columns of the parts' results.
_COUNT, _LOW, _HIGH, _SUM, _SQUARES, _ZEROS, _NANS, _INFS, _CHANGE, _NEAR = range(10)
_COLUMNS = 10


@jit
def _moments(found, k, x, before, kind):
    """A row of ``found[k]`` for each part: sums over the finite elements about x[0], and counts."""
    shared = cuda.shared.array((BLOCK_THREADS, _COLUMNS), float64)
    # Of an element only what is summed is float64, of which most GPUs do 1/32 or 1/64 as many a second.
    real = x.dtype.type
    zero, shift, edge, rest = real(0), x[0], real(NEAR), real(1 - NEAR)
    if not math.isfinite(shift):
        shift = zero
    low, high = real(math.inf), real(-math.inf)
    total = squares = change = float64(0)
    count = zeros = nans = infs = near = 0
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        value = x[i]
        if math.isfinite(value):
            count += 1
            low = smaller(low, value)
            high = larger(high, value)
            shifted = float64(value) - float64(shift)
            total += shifted
            squares += shifted * shifted
            zeros += 1 if value == zero else 0
        elif value != value:
            nans += 1
        else:
            infs += 1
        if before.size > 0:
            step = float64(value) - float64(before[i])
            change += step * step
        if (kind == SIGMOID and (value <= edge or value >= rest)) or (kind == TANH and abs(value) >= rest):
            near += 1
    thread = cuda.threadIdx.x
    shared[thread, _COUNT] = count
    shared[thread, _LOW] = low
    shared[thread, _HIGH] = high
    shared[thread, _SUM] = total
    shared[thread, _SQUARES] = squares
    shared[thread, _ZEROS] = zeros
    shared[thread, _NANS] = nans
    shared[thread, _INFS] = infs
    shared[thread, _CHANGE] = change
    shared[thread, _NEAR] = near
    cuda.syncthreads()
    half = cuda.blockDim.x // 2
    while half > 0:
        if thread < half:
            for column in range(_COLUMNS):
                a = shared[thread, column]
                b = shared[thread + half, column]
                if column == _LOW:
                    shared[thread, column] = smaller(a, b)
                elif column == _HIGH:
                    shared[thread, column] = larger(a, b)
                else:
                    shared[thread, column] = a + b
        cuda.syncthreads()
        half //= 2
    if thread == 0:
        for column in range(_COLUMNS):
            found[k, cuda.blockIdx.x, column] = shared[0, column]


@jit
def _silent_units(silent, x, units, inner):
    """silent[u] = 1 where unit u is zero in every sample: one block a unit; NaN is not zero."""
    shared = cuda.shared.array(BLOCK_THREADS, float64)
    unit = cuda.blockIdx.x
    speaks = float64(0)
    samples = x.size // (units * inner)
    n, m, further, places = first_place(inner)
    while n < samples:
        if x[(n * units + unit) * inner + m] != 0:
            speaks = float64(1)
        n, m = next_place(n, m, further, places, inner)
    speaks = block_max(shared, speaks)
    if cuda.threadIdx.x == 0:
        silent[unit] = 1 - int(speaks)


@jit
def _join(row, found, k, parts, x, changes, kind, silent):
    """The row of results of array k from its parts."""
    if cuda.grid(1) > 0:
        return
    first = float64(x[0])
    shift = first if math.isfinite(first) else 0.0
    low = float64(math.inf)
    high = float64(-math.inf)
    count = total = squares = zeros = nans = infs = change = near = float64(0)
    for b in range(parts):
        part = found[k, b]
        low = smaller(low, part[_LOW])
        high = larger(high, part[_HIGH])
        count += part[_COUNT]
        total += part[_SUM]
        squares += part[_SQUARES]
        zeros += part[_ZEROS]
        nans += part[_NANS]
        infs += part[_INFS]
        change += part[_CHANGE]
        near += part[_NEAR]
    offset = total / count if count > 0 else 0.0
    mean = shift + offset
    about = larger(0.0, squares - total * offset)
    norm = math.sqrt(about + count * mean * mean)
    row[0] = x.size
    row[1] = low if count > 0 else math.nan
    row[2] = high if count > 0 else math.nan
    row[3] = mean if count > 0 else math.nan
    row[4] = math.sqrt(about / count) if count > 0 else math.nan
    row[5] = norm
    row[6] = zeros
    row[7] = nans
    row[8] = infs
    row[9] = math.nan
    if changes and norm > 0:
        row[9] = math.sqrt(change) / norm
    elif changes:
        row[9] = math.inf if change > 0 else math.nan
    row[10] = math.nan
    if silent.size > 0:
        number = 0
        for unit in range(silent.size):
            number += silent[unit]
        row[10] = number / silent.size
    row[11] = near / x.size if kind > UNITS else math.nan


def summarize(results, at, first, before, table, *arrays) -> None:
    """The statistics of arrays on the GPU.

    Args:
        results: (steps, arrays, len(FIELDS)) float64 on the CPU; of ``at``, a row for each array from ``first`` on is
            overwritten.
        before: 1-D on the GPU: old values of parameters; size 0 where none are wanted.
        table: (at least as many as arrays, len(TABLE)) int64 on the CPU.
        arrays: 1-D, C-contiguous, float.
    """
    own = results[at, first : first + len(arrays)]
    own[:] = np.nan
    own[:, (0, 5, 6, 7, 8)] = 0
    filled = [k for k, x in enumerate(arrays) if x.size]
    if not filled:
        return
    like = arrays[filled[0]]
    rows = zeros((len(arrays), len(FIELDS)), np.dtype(np.float64), like)
    found = empty((len(arrays), PARTS, _COLUMNS), np.dtype(np.float64), like)
    nothing, no_units = before[:0], empty((0,), np.dtype(np.int64), like)
    for k in filled:
        x = arrays[k]
        old, kind, units, inner = [int(number) for number in table[k]]
        changes = old >= 0 and before.size > 0
        silent = no_units
        if kind == UNITS and units > 0:
            silent = empty((units,), np.dtype(np.int64), like)
            launch(_silent_units, units, threads_for(x.size // units), silent, x, units, max(1, inner))
        parts = min(PARTS, -(-x.size // PART))
        launch(_moments, parts, threads_for(x.size), found, k, x, before[old : old + x.size] if changes else nothing, kind)
        launch(_join, 1, 1, rows[k], found, k, parts, x, changes, kind, silent)
    own[filled] = rows.host()[filled]


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
