"""Sums of the blocks of a matrix, with its least and greatest element: how a large matrix is made small in one reading."""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import kernel, strict_helper

#: Columns that are summed at a time: three rows of so many float32 stay in a core's own caches.
_WIDTH = 4096

#: Rows that are summed in the matrix's dtype before float64 goes on: more of them would cost float32 digits.
_DEPTH = 64


@strict_helper
def _less(so_far, x):
    """The smaller one; ``so_far`` where x is NaN."""
    return x if x < so_far else so_far


@strict_helper
def _more(so_far, x):
    return x if x > so_far else so_far


@kernel(fastmath=False)
def block_sums(sums, ends, a, stride, columns, down, across):
    """Sums of blocks of ``down`` × ``across`` elements.

    Args:
        sums: (ceil(rows / down), ceil(columns / across)) float64, overwritten; the blocks at the lower and right edge are
            smaller where the sizes do not divide.
        ends: (2), of the dtype of ``a``, overwritten: the least and the greatest element, passing over NaN; infinity and
            -infinity where there is none. A NaN or an infinity shows in a sum.
        a: 1-D: the matrix's memory from its first to its last element.
        stride: elements from one row to the next.
        columns: of the matrix; it has ``(a.size - columns) // stride + 1`` rows.
    """
    rows = (a.size - columns) // stride + 1
    width = across * max(1, _WIDTH // across)
    ends[0], ends[1] = np.inf, -np.inf
    sums[:] = 0
    total, low, high = np.empty(width, a.dtype), np.empty(width, a.dtype), np.empty(width, a.dtype)
    for left in range(0, columns, width):
        count = min(width, columns - left)
        low[:] = np.inf
        high[:] = -np.inf
        for top in range(0, rows, down):
            bottom = min(rows, top + down)
            for first in range(top, bottom, _DEPTH):
                last = min(bottom, first + _DEPTH)
                # Four rows in one go: what they make is then read and written a quarter as often.
                fours = last - (last - first) % 4
                total[:] = 0
                for r in range(first, fours, 4):
                    start = r * stride + left
                    one = a[start : start + count]
                    two = a[start + stride : start + stride + count]
                    three = a[start + 2 * stride : start + 2 * stride + count]
                    four = a[start + 3 * stride : start + 3 * stride + count]
                    # Element by element, so that the loop becomes vector instructions with their meaning of NaN.
                    for j in range(count):
                        w, x, y, z = one[j], two[j], three[j], four[j]
                        total[j] += (w + x) + (y + z)
                        low[j] = _less(_less(_less(_less(low[j], w), x), y), z)
                        high[j] = _more(_more(_more(_more(high[j], w), x), y), z)
                for r in range(fours, last):
                    row = a[r * stride + left : r * stride + left + count]
                    for j in range(count):
                        total[j] += row[j]
                        low[j] = _less(low[j], row[j])
                        high[j] = _more(high[j], row[j])
                for place in range(0, count, across):
                    joined = 0.0
                    for x in total[place : min(count, place + across)]:
                        joined += x
                    sums[top // down, (left + place) // across] += joined
        for j in range(count):
            ends[0] = min(ends[0], low[j])
            ends[1] = max(ends[1], high[j])
