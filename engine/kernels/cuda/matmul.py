"""Batches of matrix products on the GPU: y (B, M, N) = op(a) op(b) + bias, all C-contiguous.

Three versions, each with one idea more:

1. :func:`naive`: one thread an element. Every element of a is read N times from memory, every one of b M times.
2. :func:`shared_tile`: a block of TILE x TILE threads copies a tile of a and a tile of b to shared memory, and all of its
   threads read them there: memory is read TILE times less often.
3. :func:`register_tile`: a thread computes WORK x WORK elements and keeps them in registers. Of each tile it reads
   2 WORK numbers for WORK² multiply-adds, where version 2 reads 2 for 1: now arithmetic is the limit, not shared memory.

:func:`product` chooses. Every element has one owner, who adds its terms in the order of k: the same in all versions.
"""

from __future__ import annotations

from numba import float32, float64

from engine.device import empty, gate
from engine.kernels.cuda.launch import cuda, device_function, launch

TILE = 4 if gate.simulated() else 16
#: Side of the tile of y that one block of version 3 computes, its depth, and the side of a thread's own tile.
SIDE, DEPTH, WORK = (8, 4, 4) if gate.simulated() else (128, 8, 8)

#: Elements of y below which blocks of version 3 would leave most of the GPU idle.
_FEW = 64 if gate.simulated() else 1 << 16


@device_function
def element_a(a, n, i, k, transposed):
    return a[n, k, i] if transposed else a[n, i, k]


@device_function
def element_b(b, n, k, j, transposed):
    return b[n, j, k] if transposed else b[n, k, j]


@cuda.jit
def naive(y, a, b, bias, transpose_a, transpose_b):
    j, i = cuda.grid(2)
    n = cuda.blockIdx.z
    if i < y.shape[1] and j < y.shape[2]:
        inner = a.shape[1] if transpose_a else a.shape[2]
        total = y.dtype.type(0)
        for k in range(inner):
            total += element_a(a, n, i, k, transpose_a) * element_b(b, n, k, j, transpose_b)
        if bias.size > 0:
            total += bias[j]
        y[n, i, j] = total


def _shared_tile(real):
    @cuda.jit
    def shared_tile(y, a, b, bias, transpose_a, transpose_b):
        tile_a = cuda.shared.array((TILE, TILE + 1), real)
        tile_b = cuda.shared.array((TILE, TILE + 1), real)
        column = cuda.threadIdx.x
        row = cuda.threadIdx.y
        n = cuda.blockIdx.z
        first_i = cuda.blockIdx.y * TILE
        first_j = cuda.blockIdx.x * TILE
        inner = a.shape[1] if transpose_a else a.shape[2]
        total = real(0)
        for start in range(0, inner, TILE):
            # Neighbouring threads read neighbours in memory: along k, or along i where a is stored transposed.
            i, k = (first_i + column, start + row) if transpose_a else (first_i + row, start + column)
            value = real(0)
            if i < y.shape[1] and k < inner:
                value = element_a(a, n, i, k, transpose_a)
            tile_a[i - first_i, k - start] = value
            j, k = (first_j + row, start + column) if transpose_b else (first_j + column, start + row)
            value = real(0)
            if j < y.shape[2] and k < inner:
                value = element_b(b, n, k, j, transpose_b)
            tile_b[k - start, j - first_j] = value
            cuda.syncthreads()
            for k in range(TILE):
                total += tile_a[row, k] * tile_b[k, column]
            cuda.syncthreads()
        i = first_i + row
        j = first_j + column
        if i < y.shape[1] and j < y.shape[2]:
            if bias.size > 0:
                total += bias[j]
            y[n, i, j] = total

    return shared_tile


def _register_tile(real):
    threads = (SIDE // WORK) ** 2
    across = SIDE // WORK

    @cuda.jit
    def register_tile(y, a, b, bias, transpose_a, transpose_b):
        tile_a = cuda.shared.array((DEPTH, SIDE + 1), real)
        tile_b = cuda.shared.array((DEPTH, SIDE + 1), real)
        sums = cuda.local.array((WORK, WORK), real)
        own_a = cuda.local.array(WORK, real)
        own_b = cuda.local.array(WORK, real)
        thread = cuda.threadIdx.x
        row = thread // across
        column = thread % across
        n = cuda.blockIdx.z
        first_i = cuda.blockIdx.y * SIDE
        first_j = cuda.blockIdx.x * SIDE
        inner = a.shape[1] if transpose_a else a.shape[2]
        for p in range(WORK):
            for q in range(WORK):
                sums[p, q] = real(0)
        for start in range(0, inner, DEPTH):
            for place in range(thread, SIDE * DEPTH, threads):
                if transpose_a:
                    i = place % SIDE
                    k = place // SIDE
                else:
                    k = place % DEPTH
                    i = place // DEPTH
                value = real(0)
                if first_i + i < y.shape[1] and start + k < inner:
                    value = element_a(a, n, first_i + i, start + k, transpose_a)
                tile_a[k, i] = value
            for place in range(thread, SIDE * DEPTH, threads):
                if transpose_b:
                    k = place % DEPTH
                    j = place // DEPTH
                else:
                    j = place % SIDE
                    k = place // SIDE
                value = real(0)
                if first_j + j < y.shape[2] and start + k < inner:
                    value = element_b(b, n, start + k, first_j + j, transpose_b)
                tile_b[k, j] = value
            cuda.syncthreads()
            for k in range(DEPTH):
                # A thread's rows and columns lie ``across`` apart, so that a warp reads neighbours in shared memory.
                for p in range(WORK):
                    own_a[p] = tile_a[k, row + p * across]
                for q in range(WORK):
                    own_b[q] = tile_b[k, column + q * across]
                for p in range(WORK):
                    for q in range(WORK):
                        sums[p, q] += own_a[p] * own_b[q]
            cuda.syncthreads()
        for p in range(WORK):
            i = first_i + row + p * across
            if i < y.shape[1]:
                for q in range(WORK):
                    j = first_j + column + q * across
                    if j < y.shape[2]:
                        total = sums[p, q]
                        if bias.size > 0:
                            total += bias[j]
                        y[n, i, j] = total

    return register_tile


shared_tile = {"float32": _shared_tile(float32), "float64": _shared_tile(float64)}
register_tile = {"float32": _register_tile(float32), "float64": _register_tile(float64)}


def _blocks(extent: int, side: int) -> int:
    return (extent + side - 1) // side


def run_naive(y, a, b, bias, transpose_a, transpose_b) -> None:
    grid = (_blocks(y.shape[2], TILE), _blocks(y.shape[1], TILE), y.shape[0])
    launch(naive, grid, (TILE, TILE), y, a, b, bias, transpose_a, transpose_b)


def run_shared_tile(y, a, b, bias, transpose_a, transpose_b) -> None:
    grid = (_blocks(y.shape[2], TILE), _blocks(y.shape[1], TILE), y.shape[0])
    launch(shared_tile[y.dtype.name], grid, (TILE, TILE), y, a, b, bias, transpose_a, transpose_b)


def run_register_tile(y, a, b, bias, transpose_a, transpose_b) -> None:
    grid = (_blocks(y.shape[2], SIDE), _blocks(y.shape[1], SIDE), y.shape[0])
    launch(register_tile[y.dtype.name], grid, (SIDE // WORK) ** 2, y, a, b, bias, transpose_a, transpose_b)


def product(y, a, b, bias, transpose_a: bool, transpose_b: bool) -> None:
    """y[n, i, j] = Σ_k op(a)[n, i, k]·op(b)[n, k, j] + bias[j]; ``bias`` has size 0 where it is absent."""
    if not y.size:
        return
    run = run_register_tile if y.shape[1] * y.shape[2] * y.shape[0] >= _FEW else run_shared_tile
    run(y, a, b, bias, bool(transpose_a), bool(transpose_b))


def matmul(y, a, b, transpose_a, transpose_b) -> None:
    """y[n, i, j] = Σ_k a[n, i, k]·b[n, k, j]; with ``transpose_a`` a is stored as (B, K, M), with ``transpose_b`` b as
    (B, N, K)."""
    product(y, a, b, empty((0,), y.dtype, y), transpose_a, transpose_b)
