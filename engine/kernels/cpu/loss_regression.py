"""Losses of numbers on the CPU: flat x (n) and target t (n).

``*_reduced(y, x, t, ..., divisor)`` writes sum / divisor to y[0]. The terms of fixed blocks are summed in a fixed order,
so that the sum does not depend on the thread count. Blocks are slices, since an index that might be negative would keep
the loop from being vectorised. ``*_backward(dx, x, t, ..., dy, divisor)`` writes dy[0] / divisor times the derivative of
each element's loss.
"""

import numpy as np
from numba import prange

from engine.kernels.cpu.sums import row_sum
from engine.kernels.jit import kernel, strict_helper

_BLOCK = 4096


@strict_helper
def _smoothed(difference, beta, half):
    size = abs(difference)
    return half * size * size / beta if size < beta else size - half * beta


@strict_helper
def _huber(difference, delta, half):
    size = abs(difference)
    return half * size * size if size <= delta else delta * (size - half * delta)


@strict_helper
def _clamp(value, limit):
    raised = -limit if value < -limit else value
    return limit if raised > limit else raised


@kernel(fastmath=False)
def mse_loss_reduced(y, x, t, divisor):
    blocks = (x.size + _BLOCK - 1) // _BLOCK
    partial = np.empty(blocks)
    for block in prange(blocks):
        xs, ts = x[block * _BLOCK : (block + 1) * _BLOCK], t[block * _BLOCK : (block + 1) * _BLOCK]
        terms = np.empty(xs.size, x.dtype)
        for i in range(xs.size):
            difference = xs[i] - ts[i]
            terms[i] = difference * difference
        partial[block] = row_sum(terms)
    y[0] = row_sum(partial) / divisor


@kernel(fastmath=False)
def mse_loss_backward(dx, x, t, dy, divisor):
    factor = dx.dtype.type(2.0 * np.float64(dy[0]) / divisor)
    for i in prange(dx.size):
        dx[i] = factor * (x[i] - t[i])


@kernel(fastmath=False)
def l1_loss_reduced(y, x, t, divisor):
    blocks = (x.size + _BLOCK - 1) // _BLOCK
    partial = np.empty(blocks)
    for block in prange(blocks):
        xs, ts = x[block * _BLOCK : (block + 1) * _BLOCK], t[block * _BLOCK : (block + 1) * _BLOCK]
        terms = np.empty(xs.size, x.dtype)
        for i in range(xs.size):
            terms[i] = abs(xs[i] - ts[i])
        partial[block] = row_sum(terms)
    y[0] = row_sum(partial) / divisor


@kernel(fastmath=False)
def l1_loss_backward(dx, x, t, dy, divisor):
    real, scale = dx.dtype.type, np.float64(dy[0]) / divisor
    zero, positive, negative = real(0), real(scale), real(-scale)
    for i in prange(dx.size):
        difference = x[i] - t[i]
        below = negative if difference < zero else zero
        dx[i] = positive if difference > zero else below


@kernel(fastmath=False)
def smooth_l1_loss_reduced(y, x, t, beta, divisor):
    limit, half = x.dtype.type(beta), x.dtype.type(0.5)
    blocks = (x.size + _BLOCK - 1) // _BLOCK
    partial = np.empty(blocks)
    for block in prange(blocks):
        xs, ts = x[block * _BLOCK : (block + 1) * _BLOCK], t[block * _BLOCK : (block + 1) * _BLOCK]
        terms = np.empty(xs.size, x.dtype)
        for i in range(xs.size):
            terms[i] = _smoothed(xs[i] - ts[i], limit, half)
        partial[block] = row_sum(terms)
    y[0] = row_sum(partial) / divisor


@kernel(fastmath=False)
def smooth_l1_loss_backward(dx, x, t, beta, dy, divisor):
    real = dx.dtype.type
    inverse, one, factor = real(1.0 / beta), real(1), real(np.float64(dy[0]) / divisor)
    for i in prange(dx.size):
        dx[i] = factor * _clamp((x[i] - t[i]) * inverse, one)


@kernel(fastmath=False)
def huber_loss_reduced(y, x, t, delta, divisor):
    limit, half = x.dtype.type(delta), x.dtype.type(0.5)
    blocks = (x.size + _BLOCK - 1) // _BLOCK
    partial = np.empty(blocks)
    for block in prange(blocks):
        xs, ts = x[block * _BLOCK : (block + 1) * _BLOCK], t[block * _BLOCK : (block + 1) * _BLOCK]
        terms = np.empty(xs.size, x.dtype)
        for i in range(xs.size):
            terms[i] = _huber(xs[i] - ts[i], limit, half)
        partial[block] = row_sum(terms)
    y[0] = row_sum(partial) / divisor


@kernel(fastmath=False)
def huber_loss_backward(dx, x, t, delta, dy, divisor):
    real = dx.dtype.type
    limit, factor = real(delta), real(np.float64(dy[0]) / divisor)
    for i in prange(dx.size):
        dx[i] = factor * _clamp(x[i] - t[i], limit)
