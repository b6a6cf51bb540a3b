"""Softmax and its logarithm on the CPU: rows of x (N, C) → y (N, C).

Rows are taken in blocks of about 1000 elements, so that the exponentials run through whole blocks in one loop even
where a row has ten elements only, and so that each block stays in the first-level cache between the passes.
"""

from numba import prange

from engine.kernels.cpu.sums import moments, row_sum
from engine.kernels.cpu.vector_math import exp, log, maximum
from engine.kernels.jit import kernel, strict_helper

_BLOCK = 1024


@strict_helper
def rows_per_block(columns):
    """How many rows of ``columns`` elements a block has."""
    return max(1, _BLOCK // max(1, columns))


@strict_helper
def exponentials(y, x, start, stop):
    """y = exp(x - largest of the row) for the rows from start to stop; a row with a NaN becomes NaN all over."""
    columns = x.shape[1]
    for n in range(start, stop):
        largest = maximum(x[n])
        for c in range(columns):
            y[n, c] = x[n, c] - largest
    # A slice from its beginning: an index that might be negative would keep the loop from being vectorised.
    flat = y.reshape(-1)[start * columns : stop * columns]
    for i in range(flat.size):
        flat[i] = exp(flat[i])


@kernel(fastmath=False)
def softmax_forward(y, x):
    rows, columns = x.shape
    height = rows_per_block(columns)
    for block in prange((rows + height - 1) // height):
        start, stop = block * height, min(rows, (block + 1) * height)
        exponentials(y, x, start, stop)
        for n in range(start, stop):
            inverse = x.dtype.type(1.0 / row_sum(y[n]))
            for c in range(columns):
                y[n, c] = y[n, c] * inverse


@kernel(fastmath=False)
def softmax_backward(dx, dy, y):
    rows, columns = y.shape
    zero = y.dtype.type(0)
    for n in prange(rows):
        total = y.dtype.type(moments(dy[n], y[n], zero, zero)[1])
        for c in range(columns):
            dx[n, c] = y[n, c] * (dy[n, c] - total)


@kernel(fastmath=False)
def log_softmax_forward(y, x):
    rows, columns = x.shape
    height = rows_per_block(columns)
    for block in prange((rows + height - 1) // height):
        start, stop = block * height, min(rows, (block + 1) * height)
        exponentials(y, x, start, stop)
        for n in range(start, stop):
            largest, logarithm = maximum(x[n]), log(x.dtype.type(row_sum(y[n])))
            for c in range(columns):
                y[n, c] = (x[n, c] - largest) - logarithm


@kernel(fastmath=False)
def log_softmax_backward(dx, dy, y):
    rows, columns = y.shape
    height = rows_per_block(columns)
    for block in prange((rows + height - 1) // height):
        start, stop = block * height, min(rows, (block + 1) * height)
        flat, powers = y.reshape(-1)[start * columns :], dx.reshape(-1)[start * columns : stop * columns]
        for i in range(powers.size):
            powers[i] = exp(flat[i])
        for n in range(start, stop):
            total = y.dtype.type(row_sum(dy[n]))
            for c in range(columns):
                dx[n, c] = dy[n, c] - dx[n, c] * total
