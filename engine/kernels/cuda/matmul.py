"""Batches of matrix products on the GPU: y (B, M, N) = op(a) op(b) + bias, all C-contiguous.

Three versions, each with one idea more:

1. :func:`naive`: one thread an element. Every element of a is read N times from memory, every one of b M times.
2. :func:`shared_tile`: a block of TILE x TILE threads copies a tile of a and a tile of b to shared memory, and all of its
   threads read them there: memory is read TILE times less often.
3. :mod:`engine.kernels.cuda.register_tile`: a thread computes 8 x 8 elements and keeps them in registers. Of each tile it
   reads 16 numbers for 64 multiply-adds, where version 2 reads 2 for 1: now arithmetic is the limit, not shared memory.

:func:`product` chooses, and cuts sums of many terms into parts where tiles are few (:mod:`engine.kernels.cuda.parts`).
Every element of a part has one owner, who adds its terms in the order of k: the same in all versions.
"""

from __future__ import annotations

from engine.device import empty, gate
from engine.kernels.cuda.launch import cuda, device_function, jit, launch, smaller
from engine.kernels.cuda.parts import add_parts, parts_of
from engine.kernels.cuda.register_tile import REALS, Operand, Result, at, tiled
from engine.kernels.cuda.tile_shapes import tiles

TILE = 4 if gate.simulated() else 16

# The compiler takes no sums where it wants the shape of shared memory.
_ROW = TILE + 1

#: Elements of y below which blocks of version 3 would leave most of the GPU idle, and columns below which most of a tile.
_FEW, _NARROW = (64, 2) if gate.simulated() else (1 << 16, 32)

#: Products of one launch: as many blocks as CUDA allows along z.
_MOST = 3 if gate.simulated() else 65535

#: Terms of a part of a sum at least, and of a sum that is cut: of a shorter one less is saved than another launch costs.
_PART, _LONG = 128, 512


def _blocks(extent: int, side: int) -> int:
    """Blocks of ``side`` that cover ``extent``."""
    return (extent + side - 1) // side


@device_function
def element_a(a, n, i, k, transposed):
    return a[n, k, i] if transposed else a[n, i, k]


@device_function
def element_b(b, n, k, j, transposed):
    return b[n, j, k] if transposed else b[n, k, j]


@jit
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
    @jit
    def shared_tile(y, a, b, bias, parts, transpose_a, transpose_b):
        tile_a = cuda.shared.array((TILE, _ROW), real)
        tile_b = cuda.shared.array((TILE, _ROW), real)
        column = cuda.threadIdx.x
        row = cuda.threadIdx.y
        # y has the parts of a product one behind the other.
        n = cuda.blockIdx.z // parts
        first_i = cuda.blockIdx.x * TILE
        first_j = cuda.blockIdx.y * TILE
        inner = a.shape[1] if transpose_a else a.shape[2]
        # Whole tiles, also where a part ends.
        share = (inner + parts * TILE - 1) // (parts * TILE) * TILE
        begin = cuda.blockIdx.z % parts * share
        stop = smaller(inner, begin + share)
        total = real(0)
        for start in range(begin, stop, TILE):
            # Neighbouring threads read neighbours in memory: along k, or along i where a is stored transposed.
            i, k = (first_i + column, start + row) if transpose_a else (first_i + row, start + column)
            value = real(0)
            if i < y.shape[1] and k < stop:
                value = element_a(a, n, i, k, transpose_a)
            tile_a[i - first_i, k - start] = value
            j, k = (first_j + row, start + column) if transpose_b else (first_j + column, start + row)
            value = real(0)
            if j < y.shape[2] and k < stop:
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
            y[cuda.blockIdx.z, i, j] = total

    return shared_tile


# ---- version 3: g is the strides of (z, i, k) in a, of (z, j, k) in b, y's height and width, and parts ----


@device_function
def _row_a(z, i, g):
    return z * g[0] + i * g[1], 0, 0


@device_function
def _term_a(z, k, g):
    return k * g[2], 0, 0


@device_function
def _column_b(z, j, g):
    return z * g[3] + j * g[4], 0, 0


@device_function
def _term_b(z, k, g):
    return k * g[5], 0, 0


@device_function
def _row_y(z, part, i, g):
    return ((z * g[8] + part) * g[6] + i) * g[7]


@device_function
def _column_y(z, j, g):
    return j


@device_function
def _bias(bias, z, i, j, g):
    return bias[j]


shared_tile = {name: _shared_tile(real) for name, real in REALS.items()}
_tiled = tiled(Operand(_row_a, _term_a, at), Operand(_column_b, _term_b, at), Result(_row_y, _column_y, _bias))


def run_naive(y, a, b, bias, transpose_a, transpose_b) -> None:
    grid = (_blocks(y.shape[2], TILE), _blocks(y.shape[1], TILE), y.shape[0])
    launch(naive, grid, (TILE, TILE), y, a, b, bias, transpose_a, transpose_b)


# Of the tuned versions y has ``parts`` matrices for each product, one behind the other.


def run_shared_tile(y, a, b, bias, transpose_a, transpose_b, parts: int = 1) -> None:
    grid = (_blocks(y.shape[1], TILE), _blocks(y.shape[2], TILE), y.shape[0])
    launch(shared_tile[y.dtype.name], grid, (TILE, TILE), y, a, b, bias, parts, transpose_a, transpose_b)


def run_register_tile(y, a, b, bias, transpose_a, transpose_b, parts: int = 1) -> None:
    rows, columns = y.shape[1:]
    inner = a.shape[1] if transpose_a else a.shape[2]
    strides_a = (rows * inner, 1, rows) if transpose_a else (rows * inner, inner, 1)
    strides_b = (inner * columns, inner, 1) if transpose_b else (inner * columns, 1, columns)
    g = (*strides_a, *strides_b, rows, columns, parts)
    _tiled(y, a, b, bias, (rows, columns, inner), a.shape[0], parts, (not transpose_a, transpose_b), g)


def product(y, a, b, bias, transpose_a: bool, transpose_b: bool) -> None:
    """y[n, i, j] = Σ_k op(a)[n, i, k]·op(b)[n, k, j] + bias[j]; ``bias`` has size 0 where it is absent."""
    if not y.size:
        return
    products, rows, columns = y.shape
    large = y.size >= _FEW and columns >= _NARROW
    run, blocks = run_shared_tile, _blocks(rows, TILE) * _blocks(columns, TILE)
    threads = TILE * TILE
    if large:
        run, (blocks, threads) = run_register_tile, tiles(rows, columns)
    inner = a.shape[1] if transpose_a else a.shape[2]
    parts = parts_of(inner, blocks * products, threads, _PART) if inner >= _LONG else 1
    if parts > 1:
        several = empty((products * parts, rows, columns), y.dtype, y)
        run(several, a, b, bias[:0], bool(transpose_a), bool(transpose_b), parts)
        add_parts(y.reshape(products, -1), several.reshape(products, parts, -1), bias)
        return
    if products <= _MOST:
        run(y, a, b, bias, bool(transpose_a), bool(transpose_b))
        return
    for n in range(0, products, _MOST):
        some = slice(n, n + _MOST)
        run(y[some], a[some], b[some], bias, bool(transpose_a), bool(transpose_b))


def matmul(y, a, b, transpose_a, transpose_b) -> None:
    """y[n, i, j] = Σ_k a[n, i, k]·b[n, k, j]; with ``transpose_a`` a is stored as (B, K, M), with ``transpose_b`` b as
    (B, N, K)."""
    product(y, a, b, empty((0,), y.dtype, y), transpose_a, transpose_b)
