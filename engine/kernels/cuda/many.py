"""One launch for many arrays: what an optimiser, clipping and zeroing do to every parameter.

A launch costs the CPU more than the GPU needs for a small array, and every array among its arguments costs again. So
these kernels are given the GPU's memory as one array and a table that says where in it the arrays are, a row for each
group of arrays of one size (a parameter, its gradient, its state): the number of its first block of threads, the size,
and the place of each array's first element, -1 where it is absent. A block looks its row up and works on CHUNK elements.

The table of a group is kept: in the steady state of a training arrays lie where they lay a step or two before.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import float64

from engine.device import gate
from engine.device.cuda_array import CudaArray, empty, kept_from_host
from engine.device.streams import current
from engine.kernels.cuda.blocks import BLOCK_THREADS, block_sum
from engine.kernels.cuda.launch import cuda, device_function, jit, launch, math

#: Elements that one block of threads works on.
CHUNK = 16 if gate.simulated() else 1024

#: Columns of the table before the places.
FIRST, SIZE, PLACES = 0, 1, 2


class Layout(NamedTuple):
    """Where arrays lie: the table, its blocks of threads, which array lies lowest, and the elements from its first on."""

    table: CudaArray
    blocks: int
    lowest: int
    count: int


#: The layouts that are kept, by stream, dtype, addresses and sizes; the first is the oldest.
_layouts: dict[tuple, Layout] = {}
#: Held from looking a layout up to the launch: another thread may give its table to another layout.
lock = threading.RLock()
_MOST_LAYOUTS = 64


@device_function
def row_of(table, column):
    """The row that this block works on: the last one whose first block, in ``column``, does not lie behind it."""
    low = 0
    high = table.shape[0]
    while high - low > 1:
        middle = (low + high) // 2
        if table[middle, column] <= cuda.blockIdx.x:
            low = middle
        else:
            high = middle
    return low


@device_function
def chunk_of(table, row, chunk):
    """Where this block's chunk of ``row`` begins and ends."""
    start = (cuda.blockIdx.x - table[row, FIRST]) * chunk
    stop = start + chunk
    return start, stop if stop < table[row, SIZE] else table[row, SIZE]


def laid_out(
    rows: Sequence[tuple[CudaArray, ...]], chunk: int = CHUNK, numbers: tuple[tuple[int, ...], ...] = ()
) -> tuple[Any, CudaArray, int]:
    """The GPU's memory as an array, the table, and the number of blocks for ``rows`` of contiguous arrays of one dtype.

    ``numbers``, for each row as many, stand behind the places; to be called with :data:`lock` held until the launch.
    """
    arrays = [array for row in rows for array in row]
    addresses = tuple([array.address if array.size else -1 for array in arrays])
    sizes = tuple([row[0].size for row in rows])
    key = (current.stream, arrays[0].dtype, addresses, sizes, chunk, numbers)
    known = _layouts.get(key)
    if known is None:
        known = _layouts[key] = _layout(addresses, sizes, arrays[0].itemsize, chunk, numbers)
    first = arrays[known.lowest]
    block = first.loan.block
    return gate.memory(block, first.address - block.address, first.dtype, known.count), known.table, known.blocks


def _layout(addresses: tuple[int, ...], sizes: tuple[int, ...], itemsize: int, chunk: int, numbers: tuple) -> Layout:
    lowest = min((address, k) for k, address in enumerate(addresses) if address >= 0)[1]
    base = addresses[lowest]
    width = len(addresses) // len(sizes)
    places = np.array([(address - base) // itemsize if address >= 0 else -1 for address in addresses], np.int64)
    chunks = np.array([-(-size // chunk) for size in sizes], np.int64)
    table = np.empty((len(sizes), PLACES + width + (len(numbers[0]) if numbers else 0)), np.int64)
    table[:, FIRST] = np.cumsum(chunks) - chunks
    table[:, SIZE] = sizes
    table[:, PLACES : PLACES + width] = places.reshape(len(sizes), width)
    if numbers:
        table[:, PLACES + width :] = numbers
    return Layout(_put(table), int(chunks.sum()), lowest, int(places.max()) + max(sizes))


def _put(table: np.ndarray) -> CudaArray:
    """``table`` on the GPU; where enough layouts are kept, over that of the oldest."""
    if len(_layouts) >= _MOST_LAYOUTS:
        oldest = next(iter(_layouts))
        there = _layouts.pop(oldest).table
        if oldest[0] == current.stream and there.shape == table.shape:
            there.put(table)
            return there
    return kept_from_host(table)


def over(kernel: Any, rows: Sequence[tuple[CudaArray, ...]], *arguments: Any) -> None:
    """Launch ``kernel(memory, table, *arguments)`` over ``rows``: tuples of contiguous arrays of one size and dtype.

    An array of size 0 is absent; rows of absent arrays are left out.
    """
    rows = [row for row in rows if row[0].size]
    if rows:
        with lock:
            memory, table, blocks = laid_out(rows)
            launch(kernel, blocks, _THREADS, memory, table, *arguments)


#: Threads of a block.
_THREADS = 4 if gate.simulated() else 256


@jit
def _fill(memory, table, value):
    row = row_of(table, FIRST)
    start, stop = chunk_of(table, row, CHUNK)
    x = table[row, PLACES]
    for i in range(start + cuda.threadIdx.x, stop, cuda.blockDim.x):
        memory[x + i] = value


def fill(arrays: Sequence[CudaArray], value: float) -> None:
    """Overwrite all elements of ``arrays``."""
    over(_fill, [(array.reshape(-1),) for array in arrays], value)


@jit
def _squares(memory, table, parts):
    shared = cuda.shared.array(BLOCK_THREADS, float64)
    row = row_of(table, FIRST)
    start, stop = chunk_of(table, row, CHUNK)
    x = table[row, PLACES]
    total = float64(0)
    for i in range(start + cuda.threadIdx.x, stop, cuda.blockDim.x):
        value = float64(memory[x + i])
        total += value * value
    total = block_sum(shared, total)
    if cuda.threadIdx.x == 0:
        parts[cuda.blockIdx.x] = total


@jit
def _roots(y, table, parts):
    shared = cuda.shared.array(BLOCK_THREADS, float64)
    row = cuda.blockIdx.x
    stop = table[row + 1, FIRST] if row + 1 < table.shape[0] else parts.size
    total = float64(0)
    for part in range(table[row, FIRST] + cuda.threadIdx.x, stop, cuda.blockDim.x):
        total += parts[part]
    total = block_sum(shared, total)
    if cuda.threadIdx.x == 0:
        y[row] = math.sqrt(total)


def norms(y: CudaArray, arrays: Sequence[CudaArray]) -> None:
    """y[k] = √Σ x², over the elements x of ``arrays[k]``, none of them empty; what is added in which order follows from
    its size alone."""
    rows = [(array.reshape(-1),) for array in arrays]
    with lock:
        memory, table, blocks = laid_out(rows)
        parts = empty((blocks,), np.float64)
        launch(_squares, blocks, BLOCK_THREADS, memory, table, parts)
        launch(_roots, len(rows), BLOCK_THREADS, y, table, parts)


@jit
def _clip(memory, table, total, max_norm, least):
    row = row_of(table, FIRST)
    start, stop = chunk_of(table, row, CHUNK)
    x = table[row, PLACES]
    factor = max_norm / (total[0] + least)
    # A comparison with NaN is false, so that it stays.
    if factor > 1:
        factor = total.dtype.type(1)
    for i in range(start + cuda.threadIdx.x, stop, cuda.blockDim.x):
        memory[x + i] = memory[x + i] * factor


def clip(arrays: Sequence[CudaArray], total: CudaArray, max_norm: float) -> None:
    """Multiply every array by max_norm / (total + 1e-6) where that is less than 1, in the arrays' precision."""
    real = total.dtype.type
    over(_clip, [(array.reshape(-1),) for array in arrays], total.reshape(1), real(max_norm), real(1e-6))
