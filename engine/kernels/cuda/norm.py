"""Normalisations on the GPU: layer norm (R, D), group norm (N, C, M); batch norm is in
:mod:`engine.kernels.cuda.batch_norm`.

Arguments as on the CPU (:mod:`engine.kernels.cpu.norm`). One block of threads for each row or group of one sample. Sums
are taken in float64 of values less the first one, so that a large mean costs no digits of the variance; what is done to each
element is done in the dtype of the arrays, as on the CPU.
"""

from __future__ import annotations

from numba import float64

from engine.device import gate
from engine.kernels.cuda.batch_norm import (
    batch_norm_columns_backward,
    batch_norm_columns_forward,
    batch_norm_maps_backward,
    batch_norm_maps_forward,
    blend,
    reciprocal_root,
    spread_of,
)
from engine.kernels.cuda.blocks import BLOCK_THREADS, block_sum, first_place, next_place, threads_for
from engine.kernels.cuda.launch import cuda, device_function, jit, launch, math

__all__ = [
    "batch_norm_columns_backward", "batch_norm_columns_forward", "batch_norm_maps_backward", "batch_norm_maps_forward",
    "blend", "group_norm_backward_affine", "group_norm_backward_input", "group_norm_forward", "layer_norm_backward_affine",
    "layer_norm_backward_input", "layer_norm_forward", "reciprocal_root",
]  # fmt: skip

#: Features that a block of a layer norm's affine gradients has side by side (32 bytes of float32, what memory hands out at
#: once), and rows that it has at a time.
_FEATURES, _LANES = (2, 2) if gate.simulated() else (8, 32)


@device_function
def _weight(w, c, like):
    """The factor in the dtype of ``like``."""
    return w[c] if w.size > 0 else like.dtype.type(1)


# ---- layer norm: x (R, D) ----


@jit
def _layer_forward(y, mean, rstd, x, w, b, eps):
    shared = cuda.shared.array(BLOCK_THREADS, float64)
    r = cuda.blockIdx.x
    real = x.dtype.type
    near = x[r, 0]
    total = float64(0)
    square = float64(0)
    for d in range(cuda.threadIdx.x, x.shape[1], cuda.blockDim.x):
        shifted = float64(x[r, d] - near)
        total += shifted
        square += shifted * shifted
    total = block_sum(shared, total)
    square = block_sum(shared, square)
    centre = real(near + total / x.shape[1])
    scale = real(1.0 / math.sqrt(spread_of(total, square, x.shape[1]) + eps))
    if cuda.threadIdx.x == 0:
        mean[r] = centre
        rstd[r] = scale
    for d in range(cuda.threadIdx.x, x.shape[1], cuda.blockDim.x):
        value = (x[r, d] - centre) * scale * _weight(w, d, x)
        y[r, d] = value + b[d] if b.size > 0 else value


@jit
def _layer_backward_input(dx, dy, x, mean, rstd, w):
    shared = cuda.shared.array(BLOCK_THREADS, float64)
    r = cuda.blockIdx.x
    real = x.dtype.type
    centre = real(mean[r])
    inverse = float64(rstd[r])
    total = float64(0)
    product = float64(0)
    for d in range(cuda.threadIdx.x, x.shape[1], cuda.blockDim.x):
        gradient = float64(dy[r, d] * _weight(w, d, x))
        total += gradient
        product += gradient * float64(x[r, d] - centre)
    average = real(block_sum(shared, total) / x.shape[1])
    tilt = real(-inverse * inverse * block_sum(shared, product) / x.shape[1])
    slope = real(inverse)
    for d in range(cuda.threadIdx.x, x.shape[1], cuda.blockDim.x):
        dx[r, d] = slope * ((dy[r, d] * _weight(w, d, x) - average) + tilt * (x[r, d] - centre))


@jit
def _layer_backward_affine(dw, db, dy, x, mean, rstd):
    # Neighbouring threads read neighbours of a row; a thread has every LANES-th row.
    totals = cuda.shared.array((_LANES, _FEATURES), float64)
    products = cuda.shared.array((_LANES, _FEATURES), float64)
    lane = cuda.threadIdx.x // _FEATURES
    own = cuda.threadIdx.x % _FEATURES
    d = cuda.blockIdx.x * _FEATURES + own
    total = float64(0)
    product = float64(0)
    if d < x.shape[1]:
        for r in range(lane, x.shape[0], _LANES):
            total += dy[r, d]
            product += float64(dy[r, d]) * float64((x[r, d] - mean[r]) * rstd[r])
    totals[lane, own] = total
    products[lane, own] = product
    cuda.syncthreads()
    if lane == 0 and d < x.shape[1]:
        for other in range(1, _LANES):
            total += totals[other, own]
            product += products[other, own]
        dw[d] = product
        db[d] = total


def layer_norm_forward(y, mean, rstd, x, w, b, eps) -> None:
    if x.size:
        launch(_layer_forward, x.shape[0], threads_for(x.shape[1]), y, mean, rstd, x, w, b, eps)


def layer_norm_backward_input(dx, dy, x, mean, rstd, w) -> None:
    if dx.size:
        launch(_layer_backward_input, x.shape[0], threads_for(x.shape[1]), dx, dy, x, mean, rstd, w)


def layer_norm_backward_affine(dw, db, dy, x, mean, rstd) -> None:
    if x.shape[1]:
        blocks = -(-x.shape[1] // _FEATURES)
        launch(_layer_backward_affine, blocks, _FEATURES * _LANES, dw, db, dy, x, mean, rstd)


# ---- group norm: x (N, C, M), mean and rstd (N, G) ----


@jit
def _group_forward(y, mean, rstd, x, w, b, eps):
    shared = cuda.shared.array(BLOCK_THREADS, float64)
    groups = mean.shape[1]
    n = cuda.blockIdx.x // groups
    g = cuda.blockIdx.x % groups
    channels = x.shape[1] // groups
    length = x.shape[2]
    count = channels * length
    real = x.dtype.type
    near = x[n, g * channels, 0]
    total = float64(0)
    square = float64(0)
    k, m, steps, places = first_place(length)
    while k < channels:
        shifted = float64(x[n, g * channels + k, m] - near)
        total += shifted
        square += shifted * shifted
        k, m = next_place(k, m, steps, places, length)
    total = block_sum(shared, total)
    square = block_sum(shared, square)
    centre = real(near + total / count)
    scale = real(1.0 / math.sqrt(spread_of(total, square, count) + eps))
    if cuda.threadIdx.x == 0:
        mean[n, g] = centre
        rstd[n, g] = scale
    k, m, steps, places = first_place(length)
    while k < channels:
        c = g * channels + k
        value = (x[n, c, m] - centre) * scale * _weight(w, c, x)
        y[n, c, m] = value + b[c] if b.size > 0 else value
        k, m = next_place(k, m, steps, places, length)


@jit
def _group_backward_input(dx, dy, x, mean, rstd, w):
    shared = cuda.shared.array(BLOCK_THREADS, float64)
    groups = mean.shape[1]
    n = cuda.blockIdx.x // groups
    g = cuda.blockIdx.x % groups
    channels = x.shape[1] // groups
    length = x.shape[2]
    count = channels * length
    real = x.dtype.type
    centre = real(mean[n, g])
    inverse = float64(rstd[n, g])
    total = float64(0)
    product = float64(0)
    k, m, steps, places = first_place(length)
    while k < channels:
        c = g * channels + k
        gradient = float64(dy[n, c, m] * _weight(w, c, x))
        total += gradient
        product += gradient * float64(x[n, c, m] - centre)
        k, m = next_place(k, m, steps, places, length)
    average = real(block_sum(shared, total) / count)
    tilt = real(-inverse * inverse * block_sum(shared, product) / count)
    slope = real(inverse)
    k, m, steps, places = first_place(length)
    while k < channels:
        c = g * channels + k
        dx[n, c, m] = slope * ((dy[n, c, m] * _weight(w, c, x) - average) + tilt * (x[n, c, m] - centre))
        k, m = next_place(k, m, steps, places, length)


@jit
def _group_backward_affine(dw, db, dy, x, mean, rstd):
    shared = cuda.shared.array(BLOCK_THREADS, float64)
    c = cuda.blockIdx.x
    g = c // (x.shape[1] // mean.shape[1])
    length = x.shape[2]
    total = float64(0)
    product = float64(0)
    n, m, samples, places = first_place(length)
    while n < x.shape[0]:
        total += dy[n, c, m]
        product += float64(dy[n, c, m]) * float64((x[n, c, m] - mean[n, g]) * rstd[n, g])
        n, m = next_place(n, m, samples, places, length)
    total = block_sum(shared, total)
    product = block_sum(shared, product)
    if cuda.threadIdx.x == 0:
        dw[c] = product
        db[c] = total


def group_norm_forward(y, mean, rstd, x, w, b, eps) -> None:
    if x.size:
        launch(_group_forward, mean.size, threads_for(x.size // mean.size), y, mean, rstd, x, w, b, eps)


def group_norm_backward_input(dx, dy, x, mean, rstd, w) -> None:
    if dx.size:
        launch(_group_backward_input, mean.size, threads_for(x.size // mean.size), dx, dy, x, mean, rstd, w)


def group_norm_backward_affine(dw, db, dy, x, mean, rstd) -> None:
    if x.size:
        launch(_group_backward_affine, x.shape[1], threads_for(x.size // x.shape[1]), dw, db, dy, x, mean, rstd)
