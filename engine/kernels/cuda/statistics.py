"""Statistics of arrays on the GPU; names and columns as on the CPU (:mod:`engine.kernels.cpu.statistics`).

Every element is read once, of all arrays by one launch. An array is cut into parts by its size alone; a part is one block
of threads, which add in float64 and then together in shared memory, and so are the parts joined. No float is added
atomically, so that the same array gives the same bits. Only results travel to the CPU: one copy for each call.
"""

from __future__ import annotations

import numpy as np
from numba import float64

from engine.device import empty, gate
from engine.kernels.cpu.statistics import FIELDS, NEAR, SIGMOID, TANH, UNITS
from engine.kernels.cuda.blocks import BLOCK_THREADS, block_max, first_place, next_place
from engine.kernels.cuda.histogram import histogram, linear_histogram
from engine.kernels.cuda.launch import cuda, device_function, jit, larger, launch, math, smaller
from engine.kernels.cuda.many import FIRST, PLACES, SIZE, chunk_of, laid_out, lock, row_of

__all__ = ["histogram", "linear_histogram", "summarize"]

#: Elements of one part.
PART = 16 if gate.simulated() else 1 << 13

# Columns of the parts' results.
_COUNT, _LOW, _HIGH, _SUM, _SQUARES, _ZEROS, _NANS, _INFS, _CHANGE, _NEAR = range(10)
_COLUMNS = 10

# Columns of the table (:mod:`engine.kernels.cuda.many`), a row for each array: where it lies and where its old values lie
# (-1: they are not wanted), what it is, its units and how they lie, and the number of the first block for its units.
_X, _OLD, _KIND, _UNITS, _INNER, _FIRST_UNIT = range(PLACES, PLACES + 6)


@device_function
def _tree(shared):
    """Row 0 of ``shared`` becomes what all rows, one of each thread, are together."""
    thread = cuda.threadIdx.x
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


@jit
def _moments(found, memory, table):
    """A row of ``found`` for each part, a block of threads: sums over the finite elements about the first one, counts."""
    shared = cuda.shared.array((BLOCK_THREADS, _COLUMNS), float64)
    row = row_of(table, FIRST)
    start, stop = chunk_of(table, row, PART)
    x, old, kind = table[row, _X], table[row, _OLD], table[row, _KIND]
    # Of an element only what is summed is float64, of which most GPUs do 1/32 or 1/64 as many a second.
    real = memory.dtype.type
    zero, shift, edge, rest = real(0), memory[x], real(NEAR), real(1 - NEAR)
    if not math.isfinite(shift):
        shift = zero
    low, high = real(math.inf), real(-math.inf)
    total = squares = change = float64(0)
    count = zeros = nans = infs = near = 0
    for i in range(start + cuda.threadIdx.x, stop, cuda.blockDim.x):
        value = memory[x + i]
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
        if old >= 0:
            step = float64(value) - float64(memory[old + i])
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
    _tree(shared)
    for column in range(thread, _COLUMNS, cuda.blockDim.x):
        found[cuda.blockIdx.x, column] = shared[0, column]


@jit
def _silent_units(silent, memory, table):
    """1 for each unit that is zero in every sample: one block a unit; NaN is not zero."""
    shared = cuda.shared.array(BLOCK_THREADS, float64)
    row = row_of(table, _FIRST_UNIT)
    unit = cuda.blockIdx.x - table[row, _FIRST_UNIT]
    x, units, inner = table[row, _X], table[row, _UNITS], table[row, _INNER]
    speaks = float64(0)
    samples = table[row, SIZE] // (units * inner)
    n, m, further, places = first_place(inner)
    while n < samples:
        if memory[x + (n * units + unit) * inner + m] != 0:
            speaks = float64(1)
        n, m = next_place(n, m, further, places, inner)
    speaks = block_max(shared, speaks)
    if cuda.threadIdx.x == 0:
        silent[cuda.blockIdx.x] = 1 - int(speaks)


@jit
def _join(results, found, memory, table, silent):
    """The row of results of each array from its parts: one block an array."""
    shared = cuda.shared.array((BLOCK_THREADS, _COLUMNS), float64)
    thread = cuda.threadIdx.x
    row = cuda.blockIdx.x
    behind = table[row + 1, FIRST] if row + 1 < table.shape[0] else found.shape[0]
    for column in range(_COLUMNS):
        shared[thread, column] = 0
    shared[thread, _LOW] = math.inf
    shared[thread, _HIGH] = -math.inf
    for part in range(table[row, FIRST] + thread, behind, cuda.blockDim.x):
        for column in range(_COLUMNS):
            a = found[part, column]
            b = shared[thread, column]
            if column == _LOW:
                shared[thread, column] = smaller(a, b)
            elif column == _HIGH:
                shared[thread, column] = larger(a, b)
            else:
                shared[thread, column] = a + b
    _tree(shared)
    if thread > 0:
        return
    size, units = table[row, SIZE], table[row, _UNITS]
    first = float64(memory[table[row, _X]])
    shift = first if math.isfinite(first) else 0.0
    count, total, change = shared[0, _COUNT], shared[0, _SUM], shared[0, _CHANGE]
    offset = total / count if count > 0 else 0.0
    mean = shift + offset
    about = larger(0.0, shared[0, _SQUARES] - total * offset)
    norm = math.sqrt(about + count * mean * mean)
    results[row, 0] = size
    results[row, 1] = shared[0, _LOW] if count > 0 else math.nan
    results[row, 2] = shared[0, _HIGH] if count > 0 else math.nan
    results[row, 3] = mean if count > 0 else math.nan
    results[row, 4] = math.sqrt(about / count) if count > 0 else math.nan
    results[row, 5] = norm
    results[row, 6] = shared[0, _ZEROS]
    results[row, 7] = shared[0, _NANS]
    results[row, 8] = shared[0, _INFS]
    results[row, 9] = math.nan
    if table[row, _OLD] >= 0 and norm > 0:
        results[row, 9] = math.sqrt(change) / norm
    elif table[row, _OLD] >= 0:
        results[row, 9] = math.inf if change > 0 else math.nan
    results[row, 10] = math.nan
    if units > 0:
        number = 0
        for unit in range(table[row, _FIRST_UNIT], table[row, _FIRST_UNIT] + units):
            number += silent[unit]
        results[row, 10] = number / units
    results[row, 11] = shared[0, _NEAR] / size if table[row, _KIND] > UNITS else math.nan


def summarize(results, at, first, before, table, *arrays) -> None:
    """The statistics of arrays on the GPU, in three launches whatever their number.

    Args:
        results: (steps, arrays, len(FIELDS)) float64 on the CPU; of ``at``, a row for each array from ``first`` on is
            overwritten.
        before: 1-D on the GPU, of the arrays' dtype: old values of parameters; size 0 where none are wanted.
        table: (at least as many as arrays, len(TABLE)) int64 on the CPU.
        arrays: 1-D, C-contiguous, of one float dtype.
    """
    own = results[at, first : first + len(arrays)]
    own[:] = np.nan
    own[:, (0, 5, 6, 7, 8)] = 0
    filled = [k for k, x in enumerate(arrays) if x.size]
    if not filled:
        return
    rows, numbers, blocks = [], [], 0
    for k in filled:
        x = arrays[k]
        old, kind, units, inner = [int(number) for number in table[k]]
        units = units if kind == UNITS else 0
        rows.append((x, before[old : old + x.size] if old >= 0 and before.size > 0 else before[:0]))
        numbers.append((kind, units, max(1, inner), blocks))
        blocks += units
    like = arrays[filled[0]]
    there = empty((len(filled), len(FIELDS)), np.dtype(np.float64), like)
    silent = empty((blocks,), np.dtype(np.int64), like)
    with lock:
        memory, places, parts = laid_out(rows, PART, tuple(numbers))
        found = empty((parts, _COLUMNS), np.dtype(np.float64), like)
        launch(_moments, parts, BLOCK_THREADS, found, memory, places)
        launch(_silent_units, blocks, BLOCK_THREADS, silent, memory, places)
        launch(_join, len(filled), BLOCK_THREADS, there, found, memory, places, silent)
    own[filled] = there.host()
