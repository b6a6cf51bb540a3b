"""Softmax and its logarithm on the GPU: rows of x (N, C) → y (N, C), one block of threads a row.

Sums are taken in float64, all else in the dtype of the arrays, as on the CPU.
"""

from __future__ import annotations

from numba import float64

from engine.kernels.cuda.blocks import BLOCK_THREADS, block_max, block_sum, threads_for
from engine.kernels.cuda.launch import cuda, device_function, jit, launch, math


@device_function
def row_max(shared, x, n):
    """The largest element of row n; NaN if there is one."""
    largest = x.dtype.type(-math.inf)
    for c in range(cuda.threadIdx.x, x.shape[1], cuda.blockDim.x):
        value = x[n, c]
        if not value <= largest:
            largest = value
            if value != value:
                break
    return x.dtype.type(block_max(shared, largest))


@jit
def _softmax_forward(y, x):
    shared = cuda.shared.array(BLOCK_THREADS, float64)
    n = cuda.blockIdx.x
    largest = row_max(shared, x, n)
    total = float64(0)
    for c in range(cuda.threadIdx.x, x.shape[1], cuda.blockDim.x):
        value = math.exp(x[n, c] - largest)
        y[n, c] = value
        total += value
    inverse = x.dtype.type(1.0 / block_sum(shared, total))
    for c in range(cuda.threadIdx.x, x.shape[1], cuda.blockDim.x):
        y[n, c] = y[n, c] * inverse


@jit
def _softmax_backward(dx, dy, y):
    shared = cuda.shared.array(BLOCK_THREADS, float64)
    n = cuda.blockIdx.x
    total = float64(0)
    for c in range(cuda.threadIdx.x, y.shape[1], cuda.blockDim.x):
        total += float64(dy[n, c]) * float64(y[n, c])
    average = y.dtype.type(block_sum(shared, total))
    for c in range(cuda.threadIdx.x, y.shape[1], cuda.blockDim.x):
        dx[n, c] = y[n, c] * (dy[n, c] - average)


@jit
def _log_softmax_forward(y, x):
    shared = cuda.shared.array(BLOCK_THREADS, float64)
    n = cuda.blockIdx.x
    largest = row_max(shared, x, n)
    total = float64(0)
    for c in range(cuda.threadIdx.x, x.shape[1], cuda.blockDim.x):
        total += math.exp(x[n, c] - largest)
    logarithm = math.log(x.dtype.type(block_sum(shared, total)))
    for c in range(cuda.threadIdx.x, x.shape[1], cuda.blockDim.x):
        y[n, c] = (x[n, c] - largest) - logarithm


@jit
def _log_softmax_backward(dx, dy, y):
    shared = cuda.shared.array(BLOCK_THREADS, float64)
    n = cuda.blockIdx.x
    total = float64(0)
    for c in range(cuda.threadIdx.x, y.shape[1], cuda.blockDim.x):
        total += dy[n, c]
    sum_of_row = y.dtype.type(block_sum(shared, total))
    for c in range(cuda.threadIdx.x, y.shape[1], cuda.blockDim.x):
        dx[n, c] = dy[n, c] - math.exp(y[n, c]) * sum_of_row


def softmax_forward(y, x) -> None:
    if y.size:
        launch(_softmax_forward, x.shape[0], threads_for(x.shape[1]), y, x)


def softmax_backward(dx, dy, y) -> None:
    if dx.size:
        launch(_softmax_backward, y.shape[0], threads_for(y.shape[1]), dx, dy, y)


def log_softmax_forward(y, x) -> None:
    if y.size:
        launch(_log_softmax_forward, x.shape[0], threads_for(x.shape[1]), y, x)


def log_softmax_backward(dx, dy, y) -> None:
    if dx.size:
        launch(_log_softmax_backward, y.shape[0], threads_for(y.shape[1]), dx, dy, y)
