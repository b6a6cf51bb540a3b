"""Normalisations on the GPU: batch norm over columns (N, C) or maps (N, C, M), layer norm (R, D), group norm (N, C, M).

Arguments as on the CPU (:mod:`engine.kernels.cpu.norm`). One block of threads for each channel, row or group of one
sample. Sums are taken in float64 of values less the first one, so that a large mean costs no digits of the variance.
"""

from __future__ import annotations

from numba import float64

from engine.kernels.cuda.blocks import THREADS, block_sum
from engine.kernels.cuda.launch import cuda, device_function, launch, math, one_each


@device_function
def _factor(w, c):
    return float64(w[c]) if w.size > 0 else float64(1)


@device_function
def _summand(b, c):
    return float64(b[c]) if b.size > 0 else float64(0)


@device_function
def _spread(total, square, count):
    offset = total / count
    variance = square / count - offset * offset
    # Rounding may not make it negative; NaN stays.
    return float64(0) if variance < 0 else variance


# ---- batch norm: x (N, C, M) ----


@cuda.jit
def _batch_forward(y, mean, rstd, variance, x, w, b, eps, training):
    shared = cuda.shared.array(THREADS, float64)
    c = cuda.blockIdx.x
    length = x.shape[2]
    count = x.shape[0] * length
    if training:
        near = float64(x[0, c, 0])
        total = float64(0)
        square = float64(0)
        for place in range(cuda.threadIdx.x, count, cuda.blockDim.x):
            shifted = float64(x[place // length, c, place % length]) - near
            total += shifted
            square += shifted * shifted
        total = block_sum(shared, total)
        square = block_sum(shared, square)
        spread = _spread(total, square, count)
        if cuda.threadIdx.x == 0:
            variance[c] = spread
            mean[c] = near + total / count
            rstd[c] = 1.0 / math.sqrt(spread + eps)
        cuda.syncthreads()
    centre = mean[c]
    scale = float64(rstd[c]) * _factor(w, c)
    shift = _summand(b, c)
    for place in range(cuda.threadIdx.x, count, cuda.blockDim.x):
        n = place // length
        m = place % length
        y[n, c, m] = (x[n, c, m] - centre) * scale + shift


@cuda.jit
def _batch_backward(dx, dw, db, dy, x, mean, rstd, w, training):
    shared = cuda.shared.array(THREADS, float64)
    c = cuda.blockIdx.x
    length = x.shape[2]
    count = x.shape[0] * length
    centre = float64(mean[c])
    inverse = float64(rstd[c])
    total = float64(0)
    product = float64(0)
    for place in range(cuda.threadIdx.x, count, cuda.blockDim.x):
        n = place // length
        m = place % length
        gradient = float64(dy[n, c, m])
        total += gradient
        product += gradient * (float64(x[n, c, m]) - centre)
    total = block_sum(shared, total)
    product = block_sum(shared, product)
    if cuda.threadIdx.x == 0:
        dw[c] = product * inverse
        db[c] = total
    if dx.size > 0:
        slope = inverse * _factor(w, c)
        tilt = float64(0)
        average = float64(0)
        if training:
            tilt = -inverse * inverse * product / count
            average = total / count
        for place in range(cuda.threadIdx.x, count, cuda.blockDim.x):
            n = place // length
            m = place % length
            dx[n, c, m] = slope * ((dy[n, c, m] - average) + tilt * (x[n, c, m] - centre))


def batch_norm_maps_forward(y, mean, rstd, variance, x, w, b, eps, training) -> None:
    if x.size:
        launch(_batch_forward, x.shape[1], THREADS, y, mean, rstd, variance, x, w, b, eps, training)


def batch_norm_maps_backward(dx, dw, db, dy, x, mean, rstd, w, training) -> None:
    if x.size:
        launch(_batch_backward, x.shape[1], THREADS, dx, dw, db, dy, x, mean, rstd, w, training)


def batch_norm_columns_forward(y, mean, rstd, variance, x, w, b, eps, training) -> None:
    batch_norm_maps_forward(y[..., None], mean, rstd, variance, x[..., None], w, b, eps, training)


def batch_norm_columns_backward(dx, dw, db, dy, x, mean, rstd, w, training) -> None:
    batch_norm_maps_backward(dx[..., None], dw, db, dy[..., None], x[..., None], mean, rstd, w, training)


@cuda.jit
def _blend(running, batch, factor, momentum):
    c = cuda.grid(1)
    if c < running.size:
        running[c] = (1 - momentum) * running[c] + momentum * (batch[c] * factor)


def blend(running, batch, factor, momentum) -> None:
    """running = (1 - momentum) running + momentum factor batch"""
    if running.size:
        launch(_blend, *one_each(running.size), running, batch, factor, momentum)


@cuda.jit
def _reciprocal_root(rstd, variance, eps):
    c = cuda.grid(1)
    if c < rstd.size:
        rstd[c] = 1.0 / math.sqrt(float64(variance[c]) + eps)


def reciprocal_root(rstd, variance, eps) -> None:
    """rstd = 1 / √(variance + eps)"""
    if rstd.size:
        launch(_reciprocal_root, *one_each(rstd.size), rstd, variance, eps)


# ---- layer norm: x (R, D) ----


@cuda.jit
def _layer_forward(y, mean, rstd, x, w, b, eps):
    shared = cuda.shared.array(THREADS, float64)
    r = cuda.blockIdx.x
    near = float64(x[r, 0])
    total = float64(0)
    square = float64(0)
    for d in range(cuda.threadIdx.x, x.shape[1], cuda.blockDim.x):
        shifted = float64(x[r, d]) - near
        total += shifted
        square += shifted * shifted
    total = block_sum(shared, total)
    square = block_sum(shared, square)
    centre = near + total / x.shape[1]
    inverse = 1.0 / math.sqrt(_spread(total, square, x.shape[1]) + eps)
    if cuda.threadIdx.x == 0:
        mean[r] = centre
        rstd[r] = inverse
    for d in range(cuda.threadIdx.x, x.shape[1], cuda.blockDim.x):
        y[r, d] = (x[r, d] - centre) * inverse * _factor(w, d) + _summand(b, d)


@cuda.jit
def _layer_backward_input(dx, dy, x, mean, rstd, w):
    shared = cuda.shared.array(THREADS, float64)
    r = cuda.blockIdx.x
    centre = float64(mean[r])
    inverse = float64(rstd[r])
    total = float64(0)
    product = float64(0)
    for d in range(cuda.threadIdx.x, x.shape[1], cuda.blockDim.x):
        gradient = dy[r, d] * _factor(w, d)
        total += gradient
        product += gradient * (float64(x[r, d]) - centre)
    total = block_sum(shared, total) / x.shape[1]
    product = block_sum(shared, product) / x.shape[1]
    for d in range(cuda.threadIdx.x, x.shape[1], cuda.blockDim.x):
        dx[r, d] = inverse * ((dy[r, d] * _factor(w, d) - total) - inverse * inverse * product * (x[r, d] - centre))


@cuda.jit
def _layer_backward_affine(dw, db, dy, x, mean, rstd):
    # One thread for each feature: neighbouring threads read neighbours of a row.
    d = cuda.grid(1)
    if d < x.shape[1]:
        total = float64(0)
        product = float64(0)
        for r in range(x.shape[0]):
            total += dy[r, d]
            product += float64(dy[r, d]) * (float64(x[r, d]) - mean[r]) * rstd[r]
        dw[d] = product
        db[d] = total


def layer_norm_forward(y, mean, rstd, x, w, b, eps) -> None:
    if x.size:
        launch(_layer_forward, x.shape[0], THREADS, y, mean, rstd, x, w, b, eps)


def layer_norm_backward_input(dx, dy, x, mean, rstd, w) -> None:
    if dx.size:
        launch(_layer_backward_input, x.shape[0], THREADS, dx, dy, x, mean, rstd, w)


def layer_norm_backward_affine(dw, db, dy, x, mean, rstd) -> None:
    if x.shape[1]:
        launch(_layer_backward_affine, -(-x.shape[1] // THREADS), THREADS, dw, db, dy, x, mean, rstd)


# ---- group norm: x (N, C, M), mean and rstd (N, G) ----


@cuda.jit
def _group_forward(y, mean, rstd, x, w, b, eps):
    shared = cuda.shared.array(THREADS, float64)
    groups = mean.shape[1]
    n = cuda.blockIdx.x // groups
    g = cuda.blockIdx.x % groups
    channels = x.shape[1] // groups
    length = x.shape[2]
    count = channels * length
    near = float64(x[n, g * channels, 0])
    total = float64(0)
    square = float64(0)
    for place in range(cuda.threadIdx.x, count, cuda.blockDim.x):
        shifted = float64(x[n, g * channels + place // length, place % length]) - near
        total += shifted
        square += shifted * shifted
    total = block_sum(shared, total)
    square = block_sum(shared, square)
    centre = near + total / count
    inverse = 1.0 / math.sqrt(_spread(total, square, count) + eps)
    if cuda.threadIdx.x == 0:
        mean[n, g] = centre
        rstd[n, g] = inverse
    for place in range(cuda.threadIdx.x, count, cuda.blockDim.x):
        c = g * channels + place // length
        m = place % length
        y[n, c, m] = (x[n, c, m] - centre) * inverse * _factor(w, c) + _summand(b, c)


@cuda.jit
def _group_backward_input(dx, dy, x, mean, rstd, w):
    shared = cuda.shared.array(THREADS, float64)
    groups = mean.shape[1]
    n = cuda.blockIdx.x // groups
    g = cuda.blockIdx.x % groups
    channels = x.shape[1] // groups
    length = x.shape[2]
    count = channels * length
    centre = float64(mean[n, g])
    inverse = float64(rstd[n, g])
    total = float64(0)
    product = float64(0)
    for place in range(cuda.threadIdx.x, count, cuda.blockDim.x):
        c = g * channels + place // length
        m = place % length
        gradient = dy[n, c, m] * _factor(w, c)
        total += gradient
        product += gradient * (float64(x[n, c, m]) - centre)
    total = block_sum(shared, total) / count
    product = block_sum(shared, product) / count
    for place in range(cuda.threadIdx.x, count, cuda.blockDim.x):
        c = g * channels + place // length
        m = place % length
        tilt = inverse * inverse * product * (x[n, c, m] - centre)
        dx[n, c, m] = inverse * ((dy[n, c, m] * _factor(w, c) - total) - tilt)


@cuda.jit
def _group_backward_affine(dw, db, dy, x, mean, rstd):
    shared = cuda.shared.array(THREADS, float64)
    c = cuda.blockIdx.x
    g = c // (x.shape[1] // mean.shape[1])
    length = x.shape[2]
    total = float64(0)
    product = float64(0)
    for place in range(cuda.threadIdx.x, x.shape[0] * length, cuda.blockDim.x):
        n = place // length
        m = place % length
        total += dy[n, c, m]
        product += float64(dy[n, c, m]) * (float64(x[n, c, m]) - mean[n, g]) * rstd[n, g]
    total = block_sum(shared, total)
    product = block_sum(shared, product)
    if cuda.threadIdx.x == 0:
        dw[c] = product
        db[c] = total


def group_norm_forward(y, mean, rstd, x, w, b, eps) -> None:
    if x.size:
        launch(_group_forward, mean.size, THREADS, y, mean, rstd, x, w, b, eps)


def group_norm_backward_input(dx, dy, x, mean, rstd, w) -> None:
    if dx.size:
        launch(_group_backward_input, mean.size, THREADS, dx, dy, x, mean, rstd, w)


def group_norm_backward_affine(dw, db, dy, x, mean, rstd) -> None:
    if x.size:
        launch(_group_backward_affine, x.shape[1], THREADS, dw, db, dy, x, mean, rstd)
