"""Batch norm on the GPU: x (N, C) or (N, C, M); arguments as on the CPU (:mod:`engine.kernels.cpu.norm`).

A channel's elements are added up by one block of threads; where they are many, by several, each of which has a part
(:mod:`engine.kernels.cuda.parts`): a network's first layers have few channels of many elements. Sums are taken in float64 of
values less the first one, so that a large mean costs no digits of the variance; what is done to each element is done in the
dtype of the arrays, as on the CPU.
"""

from __future__ import annotations

import numpy as np
from numba import float64

from engine.device import empty
from engine.kernels.cuda.blocks import BLOCK_THREADS, block_sum, first_place_of, next_place, threads_for
from engine.kernels.cuda.launch import cuda, device_function, jit, launch, math, one_each
from engine.kernels.cuda.parts import parts_of

#: Elements of a part at least: a launch more is worth as much.
_PART = 2048



@device_function
def _factor(w, c):
    return float64(w[c]) if w.size > 0 else float64(1)


@device_function
def _summand(b, c):
    return float64(b[c]) if b.size > 0 else float64(0)


@device_function
def spread_of(total, square, count):
    """The variance of ``count`` numbers from the sums of what they are off a number near them, and of its squares."""
    offset = total / count
    variance = square / count - offset * offset
    # Rounding may not make it negative; NaN stays.
    return float64(0) if variance < 0 else variance


@device_function
def _sums(shared, x, c, part, parts):
    """Of a part of a channel: the sum of what its elements are off x[0, c, 0], and of the squares."""
    near = x[0, c, 0]
    total = float64(0)
    square = float64(0)
    n, m, samples, places = first_place_of(part, parts, x.shape[2])
    while n < x.shape[0]:
        shifted = float64(x[n, c, m] - near)
        total += shifted
        square += shifted * shifted
        n, m = next_place(n, m, samples, places, x.shape[2])
    return block_sum(shared, total), block_sum(shared, square)


@device_function
def _slopes(shared, dy, x, mean, c, part, parts):
    """Of a part of a channel: the sum of dy, and of dy times what x is off the mean."""
    centre = x.dtype.type(mean[c])
    total = float64(0)
    product = float64(0)
    n, m, samples, places = first_place_of(part, parts, x.shape[2])
    while n < x.shape[0]:
        gradient = float64(dy[n, c, m])
        total += gradient
        product += gradient * float64(x[n, c, m] - centre)
        n, m = next_place(n, m, samples, places, x.shape[2])
    return block_sum(shared, total), block_sum(shared, product)


@device_function
def _joined(shared, found, c):
    """The two sums over all parts of a channel; found (C, parts, 2)."""
    first = float64(0)
    second = float64(0)
    for part in range(cuda.threadIdx.x, found.shape[1], cuda.blockDim.x):
        first += found[c, part, 0]
        second += found[c, part, 1]
    return block_sum(shared, first), block_sum(shared, second)


# A block's number says the channel and the part.


@jit
def _part_sums(found, x, parts):
    shared = cuda.shared.array(BLOCK_THREADS, float64)
    c = cuda.blockIdx.x // parts
    part = cuda.blockIdx.x % parts
    total, square = _sums(shared, x, c, part, parts)
    if cuda.threadIdx.x == 0:
        found[c, part, 0] = total
        found[c, part, 1] = square


@jit
def _part_slopes(found, dy, x, mean, parts):
    shared = cuda.shared.array(BLOCK_THREADS, float64)
    c = cuda.blockIdx.x // parts
    part = cuda.blockIdx.x % parts
    total, product = _slopes(shared, dy, x, mean, c, part, parts)
    if cuda.threadIdx.x == 0:
        found[c, part, 0] = total
        found[c, part, 1] = product


@jit
def _batch_forward(y, mean, rstd, variance, x, w, b, eps, training, found, parts):
    shared = cuda.shared.array(BLOCK_THREADS, float64)
    c = cuda.blockIdx.x // parts
    part = cuda.blockIdx.x % parts
    count = x.shape[0] * x.shape[2]
    average, inverse = mean.dtype.type(0), rstd.dtype.type(0)
    if training:
        total, square = _joined(shared, found, c) if parts > 1 else _sums(shared, x, c, 0, 1)
        spread = spread_of(total, square, count)
        average = mean.dtype.type(x[0, c, 0] + total / count)
        inverse = rstd.dtype.type(1.0 / math.sqrt(spread + eps))
        if part == 0 and cuda.threadIdx.x == 0:
            variance[c] = spread
            mean[c] = average
            rstd[c] = inverse
    else:
        average, inverse = mean[c], rstd[c]
    real = x.dtype.type
    centre, scale, shift = real(average), real(float64(inverse) * _factor(w, c)), real(_summand(b, c))
    n, m, samples, places = first_place_of(part, parts, x.shape[2])
    while n < x.shape[0]:
        y[n, c, m] = (x[n, c, m] - centre) * scale + shift
        n, m = next_place(n, m, samples, places, x.shape[2])


@jit
def _batch_backward(dx, dw, db, dy, x, mean, rstd, w, training, found, parts):
    shared = cuda.shared.array(BLOCK_THREADS, float64)
    c = cuda.blockIdx.x // parts
    part = cuda.blockIdx.x % parts
    count = x.shape[0] * x.shape[2]
    real = x.dtype.type
    centre = real(mean[c])
    inverse = float64(rstd[c])
    total, product = _joined(shared, found, c) if parts > 1 else _slopes(shared, dy, x, mean, c, 0, 1)
    if part == 0 and cuda.threadIdx.x == 0:
        dw[c] = product * inverse
        db[c] = total
    if dx.size > 0:
        slope, tilt, average = real(inverse * _factor(w, c)), real(0), real(0)
        if training:
            tilt, average = real(-inverse * inverse * product / count), real(total / count)
        n, m, samples, places = first_place_of(part, parts, x.shape[2])
        while n < x.shape[0]:
            dx[n, c, m] = slope * ((dy[n, c, m] - average) + tilt * (x[n, c, m] - centre))
            n, m = next_place(n, m, samples, places, x.shape[2])


def _cut(x) -> tuple[int, int]:
    """Parts of a channel, and threads of a block."""
    count = x.size // x.shape[1]
    threads = threads_for(count)
    return parts_of(count, x.shape[1], threads, _PART), threads


def batch_norm_maps_forward(y, mean, rstd, variance, x, w, b, eps, training) -> None:
    if x.size:
        channels, (parts, threads) = x.shape[1], _cut(x)
        found = empty((channels, parts, 2), np.dtype(np.float64), x)
        if training and parts > 1:
            launch(_part_sums, channels * parts, threads, found, x, parts)
        launch(_batch_forward, channels * parts, threads, y, mean, rstd, variance, x, w, b, eps, training, found, parts)


def batch_norm_maps_backward(dx, dw, db, dy, x, mean, rstd, w, training) -> None:
    if x.size:
        channels, (parts, threads) = x.shape[1], _cut(x)
        found = empty((channels, parts, 2), np.dtype(np.float64), x)
        if parts > 1:
            launch(_part_slopes, channels * parts, threads, found, dy, x, mean, parts)
        launch(_batch_backward, channels * parts, threads, dx, dw, db, dy, x, mean, rstd, w, training, found, parts)


def batch_norm_columns_forward(y, mean, rstd, variance, x, w, b, eps, training) -> None:
    batch_norm_maps_forward(y[..., None], mean, rstd, variance, x[..., None], w, b, eps, training)


def batch_norm_columns_backward(dx, dw, db, dy, x, mean, rstd, w, training) -> None:
    batch_norm_maps_backward(dx[..., None], dw, db, dy[..., None], x[..., None], mean, rstd, w, training)


@jit
def _blend(running, batch, factor, momentum):
    c = cuda.grid(1)
    if c < running.size:
        running[c] = (1 - momentum) * running[c] + momentum * (batch[c] * factor)


def blend(running, batch, factor, momentum) -> None:
    """running = (1 - momentum) running + momentum factor batch"""
    if running.size:
        launch(_blend, *one_each(running.size), running, batch, factor, momentum)


@jit
def _reciprocal_root(rstd, variance, eps):
    c = cuda.grid(1)
    if c < rstd.size:
        rstd[c] = 1.0 / math.sqrt(float64(variance[c]) + eps)


def reciprocal_root(rstd, variance, eps) -> None:
    """rstd = 1 / √(variance + eps)"""
    if rstd.size:
        launch(_reciprocal_root, *one_each(rstd.size), rstd, variance, eps)
