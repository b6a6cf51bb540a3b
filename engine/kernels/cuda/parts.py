"""Long sums with few results: cut into parts, which blocks of threads take side by side, and the parts added.

A product of matrices with few rows and columns, or the gradient of a small convolution's filters, has fewer tiles than a
GPU has multiprocessors: most of it would idle while a few blocks walk along the sum. How many parts there are follows from
the sizes alone, and they are added in their order, so that the same product has the same bits on every GPU.
"""

from __future__ import annotations

from numba import float64

from engine.device import gate
from engine.device.cuda_array import CudaArray
from engine.kernels.cuda.launch import cuda, jit, launch

#: Threads that the largest GPUs run at once of kernels that need 128 registers each: 512 on each of an H200's 132
#: multiprocessors (its 65536 registers).
BUSY = 132 * 512

#: Results that a block works on side by side, so that neighbouring threads read neighbours, and threads for each of them.
_COLUMNS, _LANES = (4, 2) if gate.simulated() else (32, 8)


def parts_of(terms: int, blocks: int, threads: int, least: int) -> int:
    """How many parts of at least ``least`` terms let ``blocks`` blocks of ``threads`` threads fill a GPU, once."""
    return max(1, min(terms // least, BUSY // (blocks * threads)))


@jit
def _add_parts(y, parts, bias):
    # y (B, C), parts (B, P, C); a thread adds every LANES-th part, and the first one what its neighbours have.
    shared = cuda.shared.array((_LANES, _COLUMNS), float64)
    lane = cuda.threadIdx.x // _COLUMNS
    own = cuda.threadIdx.x % _COLUMNS
    place = cuda.blockIdx.x * _COLUMNS + own
    b = place // y.shape[1]
    c = place % y.shape[1]
    total = float64(0)
    if place < y.size:
        for part in range(lane, parts.shape[1], _LANES):
            total += parts[b, part, c]
    shared[lane, own] = total
    cuda.syncthreads()
    if lane == 0 and place < y.size:
        for other in range(1, _LANES):
            total += shared[other, own]
        if bias.size > 0:
            total += bias[c % bias.size]
        y[b, c] = total


def add_parts(y: CudaArray, parts: CudaArray, bias: CudaArray) -> None:
    """y[b, c] = Σ_p parts[b, p, c] + bias[c mod its size], in float64; ``bias`` has size 0 where it is absent."""
    if y.size:
        launch(_add_parts, -(-y.size // _COLUMNS), _COLUMNS * _LANES, y, parts, bias)
