"""Sums on the CPU: x (rows, columns) of float32 or float64, totals in float64.

Every total has one owner, and its terms are added in an order that follows from the shape alone.
"""

from numba import prange

from engine.kernels.jit import kernel

_COLUMNS = 512


@kernel(fastmath=False)
def sum_rows(y, x):
    """y[k] = Σ_r x[k, r], in eight interleaved partial sums."""
    columns = x.shape[1]
    whole = columns - columns % 8
    for k in prange(x.shape[0]):
        a = b = c = d = e = f = g = h = 0.0
        for r in range(0, whole, 8):
            a += x[k, r]
            b += x[k, r + 1]
            c += x[k, r + 2]
            d += x[k, r + 3]
            e += x[k, r + 4]
            f += x[k, r + 5]
            g += x[k, r + 6]
            h += x[k, r + 7]
        for r in range(whole, columns):
            a += x[k, r]
        y[k] = ((a + b) + (c + d)) + ((e + f) + (g + h))


@kernel(fastmath=False)
def sum_columns(y, x):
    """y[k] = Σ_r x[r, k]"""
    rows, columns = x.shape
    for block in prange((columns + _COLUMNS - 1) // _COLUMNS):
        start = block * _COLUMNS
        stop = min(columns, start + _COLUMNS)
        for k in range(start, stop):
            y[k] = 0.0
        for r in range(rows):
            for k in range(start, stop):
                y[k] += x[r, k]
