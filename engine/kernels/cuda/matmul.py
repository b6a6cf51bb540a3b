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


def _blocks(extent: int, side: int) -> int:
    """Blocks of ``side`` that cover ``extent``."""
    return (extent + side - 1) // side


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


def register_tile(real, element_a, element_b, put):
    """Version 3, for anything that is a matrix product of what two functions read.

    Args:
        real: Numba's float type.
        element_a: device function (a, z, i, k, g) of element (i, k) of the left matrix.
        element_b: device function (b, z, k, j, g) of element (k, j) of the right one.
        put: device function (y, z, i, j, total, bias, g) that writes element (i, j).

    Returns:
        The kernel (y, a, b, bias, rows, columns, inner, parts, along, across, g): blocks (columns, rows, products times
        parts) of ``(SIDE // WORK)²`` threads. The terms of a product are cut into ``parts`` (a long sum with few
        results would leave the GPU idle), whose number ``z % parts`` the functions find in z. Neighbouring threads read
        a along k where ``along`` is true, else along i, and b along j where ``across`` is true, else along k. ``g`` is
        a tuple of whole numbers for the three functions.
    """
    threads = (SIDE // WORK) ** 2
    apart = SIDE // WORK

    @cuda.jit
    def kernel(y, a, b, bias, rows, columns, inner, parts, along, across, g):
        tile_a = cuda.shared.array((DEPTH, SIDE + 1), real)
        tile_b = cuda.shared.array((DEPTH, SIDE + 1), real)
        sums = cuda.local.array((WORK, WORK), real)
        own_a = cuda.local.array(WORK, real)
        own_b = cuda.local.array(WORK, real)
        thread = cuda.threadIdx.x
        row = thread // apart
        column = thread % apart
        z = cuda.blockIdx.z
        first_i = cuda.blockIdx.y * SIDE
        first_j = cuda.blockIdx.x * SIDE
        share = (inner + parts - 1) // parts
        begin = z % parts * share
        stop = min(inner, begin + share)
        for p in range(WORK):
            for q in range(WORK):
                sums[p, q] = real(0)
        for start in range(begin, stop, DEPTH):
            for place in range(thread, SIDE * DEPTH, threads):
                if along:
                    k = place % DEPTH
                    i = place // DEPTH
                else:
                    i = place % SIDE
                    k = place // SIDE
                value = real(0)
                if first_i + i < rows and start + k < stop:
                    value = element_a(a, z, first_i + i, start + k, g)
                tile_a[k, i] = value
            for place in range(thread, SIDE * DEPTH, threads):
                if across:
                    j = place % SIDE
                    k = place // SIDE
                else:
                    k = place % DEPTH
                    j = place // DEPTH
                value = real(0)
                if first_j + j < columns and start + k < stop:
                    value = element_b(b, z, start + k, first_j + j, g)
                tile_b[k, j] = value
            cuda.syncthreads()
            for k in range(DEPTH):
                # A thread's rows and columns lie ``apart``, so that a warp reads neighbours in shared memory.
                for p in range(WORK):
                    own_a[p] = tile_a[k, row + p * apart]
                for q in range(WORK):
                    own_b[q] = tile_b[k, column + q * apart]
                for p in range(WORK):
                    for q in range(WORK):
                        sums[p, q] += own_a[p] * own_b[q]
            cuda.syncthreads()
        for p in range(WORK):
            i = first_i + row + p * apart
            if i < rows:
                for q in range(WORK):
                    j = first_j + column + q * apart
                    if j < columns:
                        put(y, z, i, j, sums[p, q], bias, g)

    return kernel


def run_tiles(kernel, y, a, b, bias, sizes, products, parts, along, across, g) -> None:
    """Launch a kernel of :func:`register_tile`; ``sizes`` are rows, columns and inner."""
    grid = (_blocks(sizes[1], SIDE), _blocks(sizes[0], SIDE), products * parts)
    launch(kernel, grid, (SIDE // WORK) ** 2, y, a, b, bias, *sizes, parts, along, across, g)


@device_function
def _matrix_a(a, z, i, k, g):
    return element_a(a, z, i, k, g[0] != 0)


@device_function
def _matrix_b(b, z, k, j, g):
    return element_b(b, z, k, j, g[1] != 0)


@device_function
def _with_bias(y, z, i, j, total, bias, g):
    if bias.size > 0:
        total += bias[j]
    y[z, i, j] = total


shared_tile = {"float32": _shared_tile(float32), "float64": _shared_tile(float64)}
matrix_tile = {
    name: register_tile(real, _matrix_a, _matrix_b, _with_bias)
    for name, real in (("float32", float32), ("float64", float64))
}


def run_naive(y, a, b, bias, transpose_a, transpose_b) -> None:
    grid = (_blocks(y.shape[2], TILE), _blocks(y.shape[1], TILE), y.shape[0])
    launch(naive, grid, (TILE, TILE), y, a, b, bias, transpose_a, transpose_b)


def run_shared_tile(y, a, b, bias, transpose_a, transpose_b) -> None:
    grid = (_blocks(y.shape[2], TILE), _blocks(y.shape[1], TILE), y.shape[0])
    launch(shared_tile[y.dtype.name], grid, (TILE, TILE), y, a, b, bias, transpose_a, transpose_b)


def run_register_tile(y, a, b, bias, transpose_a, transpose_b) -> None:
    inner = a.shape[1] if transpose_a else a.shape[2]
    g = (int(transpose_a), int(transpose_b))
    run_tiles(
        matrix_tile[y.dtype.name], y, a, b, bias, (y.shape[1], y.shape[2], inner), y.shape[0], 1,
        not transpose_a, not transpose_b, g,
    )  # fmt: skip


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
