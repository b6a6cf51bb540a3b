"""Statistics of many arrays in one launch, and histograms.

``summarize`` reads every element once (of parameters also the old values, where wanted). An array is cut into blocks
of ``BLOCK`` elements, whatever the number of threads, and the blocks' results are joined in their order: serial and
parallel forms give the same bits.

Within a block sums are of the array's dtype; blocks are joined in float64 by the formula of Chan, Golub and LeVeque
1983, "Algorithms for computing the sample variance". A block whose mean is large beside its standard deviation is
summed again about the mean, so that it costs no digits; a block whose sums are not finite, or whose squares would lose
digits, is computed again element by element in float64.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import prange

from engine.kernels.cpu import block_moments
from engine.kernels.cpu import prefetch as prefetching
from engine.kernels.cpu.block_moments import STRIDE
from engine.kernels.jit import called_helper, kernel, strict_helper

# Numba gives intrinsics a first argument of its own, which checkers of types take for one that is missing here.
address: Any = block_moments.address
change_of_block: Any = block_moments.change_of_block
element: Any = block_moments.element
moments_of_block: Any = block_moments.moments_of_block
prefetch: Any = prefetching.prefetch
rounded: Any = block_moments.rounded
shifted_moments: Any = block_moments.shifted_moments

#: Elements of a block: 32 KiB of float32, which stay in a core's first cache.
BLOCK = 8192

#: Arrays that one call of ``summarize`` takes; those that are missing have size 0.
ARRAYS = 16

#: Columns of the results.
FIELDS = (
    "count", "min", "max", "mean", "std", "norm", "zeros", "nans", "infs", "update_ratio", "dead", "saturated",
)

#: What ``summarize`` counts of an activation besides: nothing, units that are all zero, elements near a limit.
NONE, UNITS, SIGMOID, TANH = 0, 1, 2, 3

#: How near to a limit an output of sigmoid or tanh counts as saturated.
NEAR = 0.01

#: Columns of the table that says what each array is: where its old values begin (-1: nowhere), one of NONE ... TANH,
#: and for UNITS the number of units, and the elements of one in one sample.
TABLE = ("before", "kind", "units", "inner")

#: Below this magnitude squares lose digits in float32.
_TINY = 1e-15

#: mean² / variance from which a block is summed about its mean: sums about zero then lose about that factor.
_FAR = 16.0

# Columns of the blocks' results.
_MIN, _MAX, _SUM, _SQUARES, _ZEROS, _NANS, _INFS, _CHANGE, _NEAR, _SHIFT = range(10)


@strict_helper
def _fast_block(found, place, count, like):
    """Sums in the dtype of ``like``; False where they cannot be trusted."""
    low, high, total, squares, zeros = moments_of_block(place, count, like)
    whole = count - count % STRIDE
    for i in range(whole, count):
        x = element(place, i, like)
        low, high = min(low, x), max(high, x)
        total += x
        squares += x * x
        zeros += x == 0
    found[_MIN], found[_MAX], found[_SUM], found[_SQUARES] = low, high, total, squares
    found[_ZEROS], found[_NANS], found[_INFS], found[_SHIFT] = zeros, 0, 0, 0.0
    largest = max(-found[_MIN], found[_MAX])
    if not math.isfinite(found[_SUM] + found[_SQUARES]) or (largest < _TINY and zeros < count):
        return False
    mean = found[_SUM] / count
    if mean * mean * count * (1.0 + 1.0 / _FAR) >= found[_SQUARES] and zeros < count:
        shift = rounded(mean, like)
        total, squares = shifted_moments(place, count, shift)
        for i in range(whole, count):
            distance = element(place, i, like) - shift
            total += distance
            squares += distance * distance
        found[_SUM], found[_SQUARES], found[_SHIFT] = total, squares, shift
    return True


@strict_helper
def _careful_block(found, place, count, like):
    """The same over the finite elements alone, in float64."""
    low, high, total, squares = math.inf, -math.inf, 0.0, 0.0
    zeros = nans = infs = 0
    for i in range(count):
        x = np.float64(element(place, i, like))
        if math.isfinite(x):
            low, high = min(low, x), max(high, x)
            total += x
            zeros += x == 0
        elif math.isnan(x):
            nans += 1
        else:
            infs += 1
    mean = total / max(1, count - nans - infs)
    for i in range(count):
        x = np.float64(element(place, i, like))
        if math.isfinite(x):
            squares += (x - mean) ** 2
    found[_MIN], found[_MAX], found[_SUM], found[_SQUARES] = low, high, 0.0, squares
    found[_ZEROS], found[_NANS], found[_INFS], found[_SHIFT] = zeros, nans, infs, mean


@strict_helper
def _change(place, before, count, like):
    change = np.float64(change_of_block(place, before, count, like))
    for i in range(count - count % STRIDE, count):
        change += np.float64(element(place, i, like) - element(before, i, like)) ** 2
    return change


@strict_helper
def _near_limits(place, count, like, kind):
    """Elements of a sigmoid's or tanh's output that are within ``NEAR`` of a limit."""
    low, high = (NEAR, 1.0 - NEAR) if kind == SIGMOID else (NEAR - 1.0, 1.0 - NEAR)
    near = 0
    for i in range(count):
        x = element(place, i, like)
        near += (x <= low) | (x >= high)
    return near


@strict_helper
def _silent_units(place, size, units, inner, like):
    """Units (channels, features) of an output (batch, units, inner) whose elements are all zero."""
    silent = 0
    for unit in range(units):
        zero = True
        start = unit * inner
        while zero and start < size:
            for i in range(start, start + inner):
                if element(place, i, like) != 0:
                    zero = False
                    break
            start += units * inner
        silent += zero
    return silent


@strict_helper
def _join(row, found, size):
    """The row of an array from the results of its blocks."""
    count = 0.0
    mean = squares = norm = zeros = nans = infs = change = near = 0.0
    low, high = math.inf, -math.inf
    for b in range(found.shape[0]):
        part = found[b]
        finite = min(BLOCK, size - b * BLOCK) - part[_NANS] - part[_INFS]
        zeros += part[_ZEROS]
        nans += part[_NANS]
        infs += part[_INFS]
        change += part[_CHANGE]
        near += part[_NEAR]
        if finite == 0:
            continue
        low, high = min(low, part[_MIN]), max(high, part[_MAX])
        offset = part[_SUM] / finite
        own_mean = part[_SHIFT] + offset
        own_squares = max(0.0, part[_SQUARES] - part[_SUM] * offset)
        norm += own_squares + finite * own_mean * own_mean
        away = own_mean - mean
        total = count + finite
        mean += away * finite / total
        squares += own_squares + away * away * count * finite / total
        count = total
    row[0], row[1], row[2], row[3], row[4] = size, low, high, mean, math.sqrt(squares / count)
    row[5], row[6], row[7], row[8] = math.sqrt(norm), zeros, nans, infs
    if count == 0:
        row[1] = row[2] = row[3] = math.nan
    return change, near


@kernel(fastmath=False)
def summarize(results, at, first, before, table, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15):
    """The statistics of up to ``ARRAYS`` arrays.

    Args:
        results: (steps, arrays, len(FIELDS)) float64; rows ``first`` to ``first + ARRAYS`` of ``at`` are overwritten.
        before: 1-D, of the arrays' dtype: old values of parameters, for the update ratio
            ||new - old|| / ||new||; size 0 where none are wanted.
        table: (ARRAYS, len(TABLE)) int64.
        a0 ... a15: 1-D, C-contiguous, of one float dtype.
    """
    like = a0.dtype.type(0)
    arrays = (a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15)
    places, sizes = np.empty(ARRAYS, np.int64), np.empty(ARRAYS, np.int64)
    firsts = np.empty(ARRAYS + 1, np.int64)
    firsts[0] = 0
    for k in range(ARRAYS):
        places[k], sizes[k] = address(arrays[k]), arrays[k].size
        firsts[k + 1] = firsts[k] + (sizes[k] + BLOCK - 1) // BLOCK
    owners = np.empty(firsts[ARRAYS], np.int64)
    # Element by element: an assignment to a slice would be a parallel loop of its own.
    for k in range(ARRAYS):
        for b in range(firsts[k], firsts[k + 1]):
            owners[b] = k
    old, width = address(before), before.itemsize
    blocks = np.empty((owners.size, 10))
    for turn in prange(owners.size):
        # Backwards: what the optimizer has read last is still in the cache.
        b = owners.size - 1 - turn
        k = owners[b]
        start = (b - firsts[k]) * BLOCK
        count = min(BLOCK, sizes[k] - start)
        place, found = places[k] + start * width, blocks[b]
        if not _fast_block(found, place, count, like):
            _careful_block(found, place, count, like)
        found[_CHANGE] = found[_NEAR] = 0.0
        if table[k, 0] >= 0 and before.size > 0:
            found[_CHANGE] = _change(place, old + (table[k, 0] + start) * width, count, like)
        if table[k, 1] > UNITS:
            found[_NEAR] = _near_limits(place, count, like, table[k, 1])
    for k in range(ARRAYS):
        row = results[at, first + k]
        change, near = _join(row, blocks[firsts[k] : firsts[k + 1]], sizes[k])
        row[9] = math.sqrt(change) / row[5] if table[k, 0] >= 0 and before.size > 0 else math.nan
        row[10] = row[11] = math.nan
        if table[k, 1] == UNITS:
            row[10] = _silent_units(places[k], sizes[k], table[k, 2], table[k, 3], like) / table[k, 2]
        elif table[k, 1] > UNITS:
            row[11] = near / sizes[k]


#: Histograms have one bin for each power of two from 2^LOWEST to 2^(LOWEST + OCTAVES), on either side of zero.
LOWEST, OCTAVES = -32, 48


def edges() -> np.ndarray:
    """The 2·OCTAVES + 2 edges of the bins of ``histogram``; the outermost bins also hold what lies beyond."""
    powers = np.exp2(np.arange(LOWEST, LOWEST + OCTAVES + 1, dtype=np.float64))
    return np.concatenate([-powers[::-1], powers])


@kernel(fastmath=False)
def histogram(counts, a):
    """Count the finite elements of ``a`` by sign and power of two; NaN and infinities are not counted.

    Bin OCTAVES holds |x| < 2^LOWEST; bin OCTAVES + 1 + k holds 2^(LOWEST + k) <= x < 2^(LOWEST + k + 1); the bins
    below mirror them. Elements beyond the last edge are counted in the last bin.

    Args:
        counts: (2·OCTAVES + 1) int64, overwritten.
        a: 1-D float.
    """
    counts[:] = 0
    for i in range(a.size):
        x = np.float64(a[i])
        if math.isfinite(x):
            octave = min(math.frexp(x)[1] - LOWEST, OCTAVES) if x != 0 else 0
            octave = max(0, octave)
            counts[OCTAVES + octave if x > 0 else OCTAVES - octave] += 1


#: Elements whose bins are found at a time, and tables that count side by side: neighbours are often in the same bin, and
#: one table would wait for each sum before the next.
_CHUNK, _TABLES = 512, 4

#: Bins up to which float32 tells the bin of nearly every element.
_COARSE = 256


# Inlined, it would take twice as long for each element that comes from memory.
@called_helper
def _places(places, a, bins, low, high, scale, near):
    """The bin of each element of ``a``; that behind the last for those outside. Float32 ends and scale: in float32.

    False where some element is less than ``near`` bins from an edge: rounding may have put it on the wrong side.
    """
    none = low * 0
    doubtful = 0
    for i in range(a.size):
        x = a[i]
        inside = (x >= low) & (x <= high)
        place = (x - low) * scale if inside else none
        over = place - np.floor(place)
        doubtful += (place != 0) & ((over < near) | (over > 1 - near))
        places[i] = np.int32(place) if inside else bins
    return doubtful == 0


@kernel(fastmath=False)
def linear_histogram(counts, a, edges):
    """Count the elements between ``edges[0]`` and ``edges[-1]`` (both included) in bins of equal width.

    Args:
        counts: (bins) int64, overwritten. Bin k holds edges[k] <= x < edges[k + 1]; the last also its upper edge.
        a: 1-D float; elements outside, NaN and infinities are not counted.
        edges: (bins + 1) float64, equally spaced and ascending.
    """
    bins = counts.size
    low, high = edges[0], edges[bins]
    scale = bins / (high - low)
    # What edges and places may be wrong by, in bins; of three roundings to float32 each is wrong by 6e-8 at most.
    near = 1e-11 + 2e-15 * max(abs(low), abs(high)) * scale
    low32, high32, near32 = np.float32(low), np.float32(high), np.float32(near + 2.5e-7 * bins)
    # In float32 twice as many at a time, where its ends are these and hardly an element is too near to an edge for it.
    coarse = bins <= _COARSE and low32 == low and high32 == high and 1e-30 < high - low < 1e30
    places = np.empty(_CHUNK, np.uint32)
    tables = np.zeros((_TABLES, bins + 1), np.int64)
    for start in range(0, a.size, _CHUNK):
        part = a[start : start + _CHUNK]
        prefetch(a, start + _CHUNK, min(start + 2 * _CHUNK, a.size))
        found = coarse and _places(places, part, bins, low32, high32, np.float32(scale), near32)
        if found or _places(places, part, bins, low, high, scale, near):
            whole = part.size - part.size % _TABLES
            for i in range(0, whole, _TABLES):
                for t in range(_TABLES):
                    tables[t, places[i + t]] += 1
            for i in range(whole, part.size):
                tables[0, places[i]] += 1
            continue
        for i in range(part.size):
            x = np.float64(part[i])
            if x >= low and x <= high:
                k = min(np.int64((x - low) * scale), bins - 1)
                # The product is rounded: the edges decide.
                if x < edges[k]:
                    k -= 1
                elif k + 1 < bins and x >= edges[k + 1]:
                    k += 1
                tables[0, k] += 1
    for k in range(bins):
        counts[k] = tables[0, k] + tables[1, k] + tables[2, k] + tables[3, k]
