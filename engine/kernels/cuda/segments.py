"""Adding rows to rows that an index names: many threads, and sums in an order that follows from the index alone.

Threads that added atomically would add in another order each time, and one thread for each column would walk all rows.
So the positions in the index are sorted by what it names there, and by position where that is equal: the rows that go to
one row lie together then, in their order. The sorted positions are cut into windows, and a block of threads adds up those
of one window: what belongs to a row that begins in the window goes to that row, what belongs to one that began in a
window before is put aside, and added in the order of the windows.

Sorting is Batcher's bitonic sort (1968): runs that ascend and descend in turn are merged by comparing elements that lie a
distance apart, then half as far apart, and so on; every comparison of a round is another thread's.
"""

from __future__ import annotations

import numpy as np
from numba import int64

from engine.device import gate
from engine.device.cuda_array import CudaArray, empty
from engine.kernels.cuda.blocks import BLOCK_THREADS, threads_for
from engine.kernels.cuda.launch import cuda, device_function, jit, launch, one_each, smaller

#: Keys that a block sorts in shared memory: two for each thread.
_KEYS = 2 * BLOCK_THREADS

#: Sorted positions that one block adds up.
_WINDOW = 4 if gate.simulated() else 64

#: A key is row * _ROW + position; positions without a row come last.
_ROW = 1 << 32
_NOWHERE = (1 << 31) - 1


@device_function
def _exchange(keys, low, high, ascending):
    a = keys[low]
    b = keys[high]
    if (a > b) == ascending:
        keys[low] = b
        keys[high] = a


@device_function
def _merge(shared, first, length, stride):
    """The rounds of a merge of runs of ``length`` keys from distance ``stride`` on, all of them within the block's keys."""
    # All are powers of two: a remainder is what the lower bits say, and every second run has a bit of its own.
    while stride > 0:
        low = 2 * cuda.threadIdx.x - (cuda.threadIdx.x & (stride - 1))
        _exchange(shared, low, low + stride, (first + low) & length == 0)
        cuda.syncthreads()
        stride //= 2


@jit
def _sort_in_blocks(keys, index, rows, ignored):
    shared = cuda.shared.array(_KEYS, int64)
    first = cuda.blockIdx.x * _KEYS
    for k in range(cuda.threadIdx.x, _KEYS, cuda.blockDim.x):
        i = first + k
        row = int64(_NOWHERE)
        if i < index.size and index[i] >= 0 and index[i] < rows and index[i] != ignored:
            row = index[i]
        shared[k] = row * _ROW + i
    cuda.syncthreads()
    length = 2
    while length <= _KEYS:
        _merge(shared, first, length, length // 2)
        length *= 2
    for k in range(cuda.threadIdx.x, _KEYS, cuda.blockDim.x):
        keys[first + k] = shared[k]


@jit
def _merge_far(keys, length, stride):
    pair = cuda.grid(1)
    if pair < keys.size // 2:
        low = 2 * pair - (pair & (stride - 1))
        _exchange(keys, low, low + stride, low & length == 0)


@jit
def _merge_near(keys, length):
    shared = cuda.shared.array(_KEYS, int64)
    first = cuda.blockIdx.x * _KEYS
    for k in range(cuda.threadIdx.x, _KEYS, cuda.blockDim.x):
        shared[k] = keys[first + k]
    cuda.syncthreads()
    _merge(shared, first, length, _KEYS // 2)
    for k in range(cuda.threadIdx.x, _KEYS, cuda.blockDim.x):
        keys[first + k] = shared[k]


def sorted_positions(index: CudaArray, rows: int, ignored: int = -1) -> CudaArray:
    """Keys row * 2³² + position of all positions in ``index`` (I), ascending; then others up to a power of two.

    Where ``index`` names ``ignored`` or nothing in [0, rows), the row is 2³¹ - 1.
    """
    count = max(_KEYS, 1 << max(0, index.size - 1).bit_length())
    keys = empty((count,), np.int64)
    launch(_sort_in_blocks, count // _KEYS, BLOCK_THREADS, keys, index, rows, ignored)
    length = 2 * _KEYS
    while length <= count:
        stride = length // 2
        while stride >= _KEYS:
            launch(_merge_far, *one_each(count // 2), keys, length, stride)
            stride //= 2
        launch(_merge_near, count // _KEYS, BLOCK_THREADS, keys, length)
        length *= 2
    return keys


@device_function
def _row(keys, place):
    """The row that sorted position ``place`` goes to; -1 in front of the first."""
    return keys[place] // _ROW if place >= 0 else int64(-1)


@device_function
def _store(y, aside, total, row, began_before, a, c):
    if began_before:
        aside[cuda.blockIdx.x, a, c] = total
    else:
        y[a, row, c] = total


@jit
def _add_windows(y, aside, v, keys, count):
    # y (A, J, C), aside (windows, A, C), v (A, I, C)
    first = cuda.blockIdx.x * _WINDOW
    stop = smaller(first + _WINDOW, count)
    before = _row(keys, first - 1)
    for place in range(cuda.threadIdx.x, y.shape[0] * y.shape[2], cuda.blockDim.x):
        a = place // y.shape[2]
        c = place % y.shape[2]
        own = before
        total = y.dtype.type(0)
        for k in range(first, stop):
            row = _row(keys, k)
            if row == _NOWHERE:
                break
            if row != own:
                _store(y, aside, total, own, own == before, a, c)
                own = row
                total = y[a, row, c]
            total += v[a, keys[k] % _ROW, c]
        _store(y, aside, total, own, own == before, a, c)


@jit
def _add_rest(y, aside, keys):
    # The block of the first window that a row reaches from the window before adds what that and all later ones put aside.
    window = cuda.blockIdx.x + 1
    row = _row(keys, window * _WINDOW)
    first = _row(keys, window * _WINDOW - 1) == row and _row(keys, (window - 1) * _WINDOW - 1) != row
    if row == _NOWHERE or not first:
        return
    for place in range(cuda.threadIdx.x, y.shape[0] * y.shape[2], cuda.blockDim.x):
        a = place // y.shape[2]
        c = place % y.shape[2]
        total = y[a, row, c]
        k = window
        while k < aside.shape[0] and _row(keys, k * _WINDOW) == row:
            total += aside[k, a, c]
            k += 1
        y[a, row, c] = total


def add_rows(y: CudaArray, v: CudaArray, index: CudaArray, ignored: int = -1) -> None:
    """y[a, j, c] += Σ_{i: index[i] = j} v[a, i, c] for y (A, J, C), v (A, I, C), index (I); contiguous.

    Positions where ``index`` names ``ignored`` or no row are left out.
    """
    columns = y.shape[0] * y.shape[2]
    if not columns or not index.size or not y.shape[1]:
        return
    keys = sorted_positions(index, y.shape[1], ignored)
    windows = -(-index.size // _WINDOW)
    aside = empty((windows, y.shape[0], y.shape[2]), y.dtype)
    threads = threads_for(columns)
    launch(_add_windows, windows, threads, y, aside, v, keys, index.size)
    launch(_add_rest, windows - 1, threads, y, aside, keys)
