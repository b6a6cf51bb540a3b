"""Softmax and its logarithm on the GPU: rows of x (N, C) → y (N, C), one block of threads a row.

Sums are taken in float64, as on the CPU.
"""

from __future__ import annotations

from numba import float64

from engine.kernels.cuda.blocks import THREADS, block_max, block_sum
from engine.kernels.cuda.launch import cuda, device_function, launch, math


@device_function
def row_max(shared, x, n):
    """The largest element of row n; NaN if there is one."""
    largest = float64(-math.inf)
    for c in range(cuda.threadIdx.x, x.shape[1], cuda.blockDim.x):
        value = float64(x[n, c])
        if not value <= largest:
            largest = value
            if value != value:
                break
    return block_max(shared, largest)


@cuda.jit
def _softmax_forward(y, x):
    shared = cuda.shared.array(THREADS, float64)
    n = cuda.blockIdx.x
    largest = row_max(shared, x, n)
    total = float64(0)
    for c in range(cuda.threadIdx.x, x.shape[1], cuda.blockDim.x):
        value = math.exp(float64(x[n, c]) - largest)
        y[n, c] = value
        total += value
    inverse = 1.0 / block_sum(shared, total)
    for c in range(cuda.threadIdx.x, x.shape[1], cuda.blockDim.x):
        y[n, c] = y[n, c] * inverse


@cuda.jit
def _softmax_backward(dx, dy, y):
    shared = cuda.shared.array(THREADS, float64)
    n = cuda.blockIdx.x
    total = float64(0)
    for c in range(cuda.threadIdx.x, y.shape[1], cuda.blockDim.x):
        total += float64(dy[n, c]) * float64(y[n, c])
    total = block_sum(shared, total)
    for c in range(cuda.threadIdx.x, y.shape[1], cuda.blockDim.x):
        dx[n, c] = y[n, c] * (dy[n, c] - total)


@cuda.jit
def _log_softmax_forward(y, x):
    shared = cuda.shared.array(THREADS, float64)
    n = cuda.blockIdx.x
    largest = row_max(shared, x, n)
    total = float64(0)
    for c in range(cuda.threadIdx.x, x.shape[1], cuda.blockDim.x):
        total += math.exp(float64(x[n, c]) - largest)
    logarithm = math.log(block_sum(shared, total))
    for c in range(cuda.threadIdx.x, x.shape[1], cuda.blockDim.x):
        y[n, c] = (float64(x[n, c]) - largest) - logarithm


@cuda.jit
def _log_softmax_backward(dx, dy, y):
    shared = cuda.shared.array(THREADS, float64)
    n = cuda.blockIdx.x
    total = float64(0)
    for c in range(cuda.threadIdx.x, y.shape[1], cuda.blockDim.x):
        total += float64(dy[n, c])
    total = block_sum(shared, total)
    for c in range(cuda.threadIdx.x, y.shape[1], cuda.blockDim.x):
        dx[n, c] = dy[n, c] - math.exp(float64(y[n, c])) * total


def softmax_forward(y, x) -> None:
    if y.size:
        launch(_softmax_forward, x.shape[0], THREADS, y, x)


def softmax_backward(dx, dy, y) -> None:
    if dx.size:
        launch(_softmax_backward, y.shape[0], THREADS, dx, dy, y)


def log_softmax_forward(y, x) -> None:
    if y.size:
        launch(_log_softmax_forward, x.shape[0], THREADS, y, x)


def log_softmax_backward(dx, dy, y) -> None:
    if dx.size:
        launch(_log_softmax_backward, y.shape[0], THREADS, dx, dy, y)
