"""Anything that is a product of matrices whose elements lie somewhere: version 3 of :mod:`engine.kernels.cuda.matmul`.

A block of threads computes a tile of HIGH x WIDE elements of y, and each thread TALL x BROAD of them, which it keeps in
registers. The block walks along the sum in steps of DEPTH terms. For a step every thread brings a few elements of both
matrices to shared memory, all of the same k: it asks for them before it multiplies those of the step before, so that
the way from memory is hidden behind the arithmetic.

Arrays are flat here, unlike in other kernels: the place of an element is the sum of one number that follows from its
row or column, found once for each thread, and one that follows from k, found once for each step. A kernel that indexed
four dimensions would spend several times as many instructions on finding elements as on multiplying them.

Every element of y has one owner, who adds its terms in the order of k.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import complex128, float32, float64, int32, int64, uint32, uint64

from engine.device import gate
from engine.errors import ShapeError
from engine.kernels.cuda.launch import cuda, device_function, jit, launch, smaller
from engine.kernels.cuda.tile_shapes import DEPTH, Shape, shape_for, threads_of, tiles

REALS = {"float32": float32, "float64": float64}

#: Rows, columns and terms at most: what is left of 32 bits when a tile and a step have been added (:func:`natural`). Places
#: in memory have 64.
LARGEST = (1 << 31) - 1

#: Registers of a thread with float32 at most: two blocks of square tiles share a multiprocessor's 65536. Of float64 it
#: needs twice as many. The simulator knows no such limit.
_LIMITS: dict[Any, dict[str, Any]] = {} if gate.simulated() else {float32: {"max_registers": 128}}


class Operand(NamedTuple):
    """Where the matrices lie, of which ``z`` is the number; device functions.

    Attributes:
        across: (z, i, g) → (place, u, v): what follows from the row i, of the right matrix from the column.
        along: (z, k, g) → (place, u, v): what follows from k.
        read: (array, place, u, v, g) → the element, of the sums of both.
    """

    across: Callable
    along: Callable
    read: Callable


class Result(NamedTuple):
    """Where the products lie; device functions.

    Attributes:
        row: (z, part, i, g) → place.
        column: (z, j, g) → place, to be added to the row's.
        bias: (bias, z, i, j, g) → what is added to the sum where ``bias`` has a size.
    """

    row: Callable
    column: Callable
    bias: Callable


@device_function
def natural(number):
    """A number from 0 to 2³² - 1, of which the compiler learns that it is one: sums of such stay cheap indices."""
    return int64(uint32(number))


@device_function
def divided(a, b):
    """Quotient and remainder of whole numbers from 0 to 2³² - 1: a GPU divides those several times faster than 64 bits."""
    quotient = int64(uint32(a) // uint32(b))
    return quotient, a - quotient * b


@device_function
def at(array, place, u, v, g):
    """The element at a place that is known to be inside. Of an unsigned place Numba does not ask whether it is negative."""
    return array[uint64(place)]


def register_tile(real: Any, shape: Shape, left: Operand, right: Operand, result: Result) -> Any:
    """The kernel of one element type, tile, pair of operands and way to write.

    Args:
        real: Numba's float type.
        shape: of the tiles.
        left: (rows, inner).
        right: (inner, columns).
        result: (rows, columns).

    Returns:
        The kernel (y, a, b, bias, rows, columns, inner, parts, dense_a, dense_b, g) of flat arrays. Its blocks are
        numbered along x alone, of which CUDA allows 2³¹ - 1 where it allows 65535 along y and z: tiles of a row of
        tiles, rows of tiles, parts, products. The terms of a product are cut into ``parts``, each with a result of its
        own (a long sum with few results would leave the GPU idle). Neighbouring threads read a along k where
        ``dense_a`` is true, else along i; b along k where ``dense_b`` is true, else along j. ``g`` is a tuple of whole
        numbers for the functions.
    """
    high, wide, tall, broad = shape
    across_threads, down_threads = wide // broad, high // tall
    # Threads with the same k, and elements of one step that each of them brings.
    lanes = threads_of(shape) // DEPTH
    slots_a, slots_b = high // lanes, wide // lanes
    # Rows of shared memory begin in different banks, and at multiples of 16 bytes, which one instruction reads at once:
    # a thread's rows of the tile are neighbours, up to four. (Its columns lie apart, so that a warp writes neighbours.)
    element = np.dtype(str(real))
    row_a, row_b = (high + 4) * element.itemsize // 16, wide + 4
    run = min(4, tall)
    stride = run * down_threads
    across_a, along_a, read_a = left
    across_b, along_b, read_b = right
    row_y, column_y, bias_of = result

    @device_function
    def multiply(sums, own_a, own_b, tile_a, tile_b, k, down, right_of):
        for p in range(tall):
            own_a[p] = tile_a[k, down * run + p // run * stride + p % run]
        for q in range(broad):
            own_b[q] = tile_b[k, right_of + q * across_threads]
        for p in range(tall):
            for q in range(broad):
                sums[p, q] += own_a[p] * own_b[q]

    @jit(**_LIMITS.get(real, {}))
    def kernel(y, a, b, bias, rows, columns, inner, parts, dense_a, dense_b, g):
        # Elements of 16 bytes are what makes the compiler align it so.
        tile_a = cuda.shared.array((DEPTH, row_a), complex128).view(element)
        tile_b = cuda.shared.array((DEPTH, row_b), real)
        place_a = cuda.local.array(slots_a, int64)
        place_b = cuda.local.array(slots_b, int64)
        place_y = cuda.local.array(broad, int64)
        corner_a = cuda.local.array((slots_a, 2), int32)
        corner_b = cuda.local.array((slots_b, 2), int32)
        next_a = cuda.local.array(slots_a, real)
        next_b = cuda.local.array(slots_b, real)
        own_a = cuda.local.array(tall, real)
        own_b = cuda.local.array(broad, real)
        sums = cuda.local.array((tall, broad), real)
        thread = natural(cuda.threadIdx.x)
        rest, tile_j = divided(cuda.blockIdx.x, (columns + wide - 1) // wide)
        rest, tile_i = divided(rest, (rows + high - 1) // high)
        z, part = divided(rest, parts)
        first_i = natural(tile_i) * high
        first_j = natural(tile_j) * wide
        down, right_of = thread // across_threads, thread % across_threads
        lane_a = natural(thread // DEPTH if dense_a else thread % lanes)
        lane_b = natural(thread // DEPTH if dense_b else thread % lanes)
        depth_a = natural(thread % DEPTH if dense_a else thread // lanes)
        depth_b = natural(thread % DEPTH if dense_b else thread // lanes)
        share = divided(inner + parts - 1, parts)[0]
        begin = part * share
        stop = natural(smaller(inner, begin + share))
        # Threads beyond the last row or column bring its elements once more; nothing comes of them.
        for s in range(slots_a):
            place_a[s], corner_a[s, 0], corner_a[s, 1] = across_a(z, smaller(first_i + lane_a + s * lanes, rows - 1), g)
        for s in range(slots_b):
            place_b[s], corner_b[s, 0], corner_b[s, 1] = across_b(z, smaller(first_j + lane_b + s * lanes, columns - 1), g)
        for p in range(tall):
            for q in range(broad):
                sums[p, q] = real(0)
        # The first round brings the first step's elements; each of the others also multiplies those brought before.
        for past in range(-DEPTH, share, DEPTH):
            k = natural(begin + past + DEPTH + depth_a)
            inside = k < stop
            place, u, v = along_a(z, k, g)
            for s in range(slots_a):
                next_a[s] = real(0)
                if inside:
                    next_a[s] = read_a(a, place_a[s] + place, corner_a[s, 0] + u, corner_a[s, 1] + v, g)
            k = natural(begin + past + DEPTH + depth_b)
            inside = k < stop
            place, u, v = along_b(z, k, g)
            for s in range(slots_b):
                next_b[s] = real(0)
                if inside:
                    next_b[s] = read_b(b, place_b[s] + place, corner_b[s, 0] + u, corner_b[s, 1] + v, g)
            if past >= 0:
                # Two at a time: the second's elements are on their way while the first's are multiplied.
                for k in range(0, DEPTH, 2):
                    multiply(sums, own_a, own_b, tile_a, tile_b, natural(k), down, right_of)
                    multiply(sums, own_a, own_b, tile_a, tile_b, natural(k + 1), down, right_of)
            cuda.syncthreads()
            for s in range(slots_a):
                tile_a[depth_a, lane_a + s * lanes] = next_a[s]
            for s in range(slots_b):
                tile_b[depth_b, lane_b + s * lanes] = next_b[s]
            cuda.syncthreads()
        for q in range(broad):
            place_y[q] = column_y(z, first_j + right_of + q * across_threads, g)
        for p in range(tall):
            i = first_i + down * run + p // run * stride + p % run
            place = row_y(z, part, i, g)
            for q in range(broad):
                j = first_j + right_of + q * across_threads
                if i < rows and j < columns:
                    total = sums[p, q]
                    if bias.size > 0:
                        total += bias_of(bias, z, i, j, g)
                    y[uint64(place + place_y[q])] = total

    return kernel


def tiled(left: Operand, right: Operand, result: Result) -> Callable:
    """The products of a pair of operands, as a function (y, a, b, bias, sizes, products, parts, dense, g).

    ``y``, ``a`` and ``b`` are C-contiguous arrays of one dtype, ``bias`` has one dimension and size 0 where there is none;
    ``sizes`` are rows, columns and inner, ``dense`` is (dense_a, dense_b): see :func:`register_tile`.

    Raises:
        ShapeError: one of the sizes exceeds :data:`LARGEST`.
    """

    @functools.cache
    def kernel(dtype: str, shape: Shape) -> Any:
        return register_tile(REALS[dtype], shape, left, right, result)

    def run(y, a, b, bias, sizes, products: int, parts: int, dense, g) -> None:
        shape = shape_for(sizes[0])
        if max(sizes) > LARGEST:
            raise ShapeError(
                f"cuda: a matrix product of {sizes[0]} rows, {sizes[1]} columns and {sizes[2]} terms is too large: "
                f"its kernel counts each with 32 bits, up to {LARGEST}; compute it in parts (tensor.split)"
            )
        blocks = tiles(*sizes[:2])[0] * products * parts
        flat = [array.reshape(-1) for array in (y, a, b)]
        launch(kernel(y.dtype.name, shape), blocks, threads_of(shape), *flat, bias, *sizes, parts, *dense, g)

    return run
