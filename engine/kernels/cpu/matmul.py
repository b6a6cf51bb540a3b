"""Batches of matrix products on the CPU: y (B, M, N) = op(a) op(b), all C-contiguous, float32 or float64.

Each product is cut into column blocks whose number follows from the sizes alone, never from the thread count;
each block is one single-threaded BLAS call.
"""

from numba import prange

from engine.kernels.cpu.blas import gemm
from engine.kernels.jit import helper, kernel


@helper
def blocks_of(columns, batch, work):
    """How many blocks the ``columns`` of one product are cut into: 1 where the batch itself gives enough."""
    return max(1, min(8 // batch, work // 800_000, columns // 16))


@kernel
def matmul(y, a, b, transpose_a, transpose_b):
    """y[n, i, j] = Σ_k a[n, i, k]·b[n, k, j]

    With ``transpose_a`` a is stored as (B, K, M), with ``transpose_b`` b as (B, N, K).
    """
    batch, rows, columns = y.shape
    if transpose_a:
        inner = a.shape[1]
    else:
        inner = a.shape[2]
    blocks = blocks_of(columns, batch, rows * columns * inner)
    width = (columns + blocks - 1) // blocks
    for task in prange(batch * blocks):
        n = task // blocks
        start = (task % blocks) * width
        stop = min(columns, start + width)
        if start < stop:
            b_start = n * inner * columns
            if transpose_b:
                b_start += start * inner
            else:
                b_start += start
            gemm(
                transpose_a, transpose_b, rows, stop - start, inner,
                a, n * rows * inner, rows if transpose_a else inner,
                b, b_start, inner if transpose_b else columns,
                0.0, y, n * rows * columns + start, columns,
            )
