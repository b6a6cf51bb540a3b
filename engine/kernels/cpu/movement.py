"""Adding rows to the rows they were taken from: x (A, J, C), y (A, I, C), index (I) with 0 <= index[i] < J.

Each thread owns a block of columns and walks the rows in their order, so that the sums do not depend on the
thread count.
"""

from numba import prange

from engine.kernels.jit import helper, kernel


@helper
def column_width(columns):
    """Width of the blocks of columns: at most 8 of them, a multiple of a vector's 16 floats."""
    return ((columns + 7) // 8 + 15) // 16 * 16


@kernel
def index_backward(dx, dy, index):
    """dx[a, j, c] = Σ_{i: index[i] = j} dy[a, i, c]"""
    outer, rows, columns = dx.shape
    width = column_width(columns)
    for block in prange((columns + width - 1) // width):
        start = block * width
        stop = min(columns, start + width)
        for a in range(outer):
            for j in range(rows):
                for c in range(start, stop):
                    dx[a, j, c] = 0.0
            for i in range(index.shape[0]):
                j = index[i]
                for c in range(start, stop):
                    dx[a, j, c] += dy[a, i, c]
