"""Linear layer on the CPU: x (N, I), w (O, I), b (O) or size 0, y (N, O).

Each product is cut into column blocks whose number follows from the sizes alone, never from the thread count;
each block is one single-threaded BLAS call.
"""

from numba import prange

from engine.kernels.cpu.blas import gemm
from engine.kernels.jit import helper, kernel


@helper
def column_block(columns, work):
    """Width of the blocks that ``columns`` are cut into: at most 8 of them, a multiple of a vector's 16 floats."""
    blocks = min(8, max(1, work // 800_000))
    width = (columns + blocks - 1) // blocks
    return max(1, min(columns, (width + 15) // 16 * 16))


@kernel
def linear_forward(y, x, w, b):
    """y[n, o] = Σ_i x[n, i]·w[o, i] + b[o]"""
    rows, inner = x.shape
    columns = w.shape[0]
    width = column_block(columns, rows * inner * columns)
    for block in prange((columns + width - 1) // width):
        start = block * width
        stop = min(columns, start + width)
        beta = 0.0
        if b.size > 0:
            beta = 1.0
            for n in range(rows):
                for o in range(start, stop):
                    y[n, o] = b[o]
        gemm(False, True, rows, stop - start, inner, x, 0, inner, w, start * inner, inner,
             beta, y, start, columns)


@kernel
def linear_backward_input(dx, dy, w):
    """dx[n, i] = Σ_o dy[n, o]·w[o, i]"""
    inner, columns = w.shape
    rows = dy.shape[0]
    width = column_block(columns, rows * inner * columns)
    for block in prange((columns + width - 1) // width):
        start = block * width
        stop = min(columns, start + width)
        gemm(False, False, rows, stop - start, inner, dy, 0, inner, w, start, columns,
             0.0, dx, start, columns)


@kernel
def linear_backward_weight(dw, db, dy, x):
    """dw[o, i] = Σ_n dy[n, o]·x[n, i] and db[o] = Σ_n dy[n, o]; db may have size 0"""
    inner, rows = dy.shape
    columns = x.shape[1]
    width = column_block(columns, rows * inner * columns)
    for block in prange((columns + width - 1) // width):
        start = block * width
        stop = min(columns, start + width)
        gemm(True, False, rows, stop - start, inner, dy, 0, rows, x, start, columns,
             0.0, dw, start, columns)
    for o in range(db.size):
        db[o] = 0
    for n in range(inner):
        for o in range(db.size):
            db[o] += dy[n, o]
