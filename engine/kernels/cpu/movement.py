"""Adding rows to rows that an index names: y (A, J, C), v (A, I, C), index (I) with 0 <= index[i] < J.

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
def index_add(y, v, index):
    """y[a, j, c] += Σ_{i: index[i] = j} v[a, i, c]. Unlike other kernels it adds to what ``y`` holds."""
    outer, _, columns = y.shape
    if columns == 1:
        for a in range(outer):
            for i in range(index.shape[0]):
                y[a, index[i], 0] += v[a, i, 0]
        return
    width = column_width(columns)
    for block in prange((columns + width - 1) // width):
        start = block * width
        stop = min(columns, start + width)
        for a in range(outer):
            for i in range(index.shape[0]):
                j = index[i]
                for c in range(start, stop):
                    y[a, j, c] += v[a, i, c]
