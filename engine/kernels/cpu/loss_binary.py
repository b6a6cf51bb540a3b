"""Binary cross-entropy on the CPU: flat x, target t (n), weights w and pw (n, or size 0 where absent).

As in loss_regression.py: ``*_reduced`` writes sum / divisor to y[0], the terms of fixed blocks summed in a fixed order;
``*_backward`` writes dy[0] / divisor times the derivative of each element's loss.
"""

import numpy as np
from numba import prange

from engine.kernels.cpu.sums import row_sum
from engine.kernels.cpu.vector_math import exp, log, log1p, sigmoid
from engine.kernels.jit import kernel, strict_helper

_BLOCK = 2048
_LOG_FLOOR = -100.0
_SPREAD_FLOOR = 1e-12


@strict_helper
def _at_least(value, floor):
    return floor if value < floor else value


@strict_helper
def _slice(array, block):
    return array[block * _BLOCK : (block + 1) * _BLOCK]


@kernel(fastmath=False)
def binary_cross_entropy_reduced(y, x, t, w, divisor):
    one, floor = x.dtype.type(1), x.dtype.type(_LOG_FLOOR)
    blocks = (x.size + _BLOCK - 1) // _BLOCK
    partial = np.empty(blocks)
    for block in prange(blocks):
        xs, ts, ws = _slice(x, block), _slice(t, block), _slice(w, block)
        terms = np.empty(xs.size, x.dtype)
        for i in range(xs.size):
            positive, negative = _at_least(log(xs[i]), floor), _at_least(log1p(-xs[i]), floor)
            loss = (ts[i] - one) * negative - ts[i] * positive
            if w.size > 0:
                loss = loss * ws[i]
            terms[i] = loss
        partial[block] = row_sum(terms)
    y[0] = row_sum(partial) / divisor


@kernel(fastmath=False)
def binary_cross_entropy_backward(dx, x, t, w, dy, divisor):
    real = dx.dtype.type
    one, floor, factor = real(1), real(_SPREAD_FLOOR), real(np.float64(dy[0]) / divisor)
    for i in prange(dx.size):
        slope = (x[i] - t[i]) / _at_least(x[i] * (one - x[i]), floor)
        if w.size > 0:
            slope = slope * w[i]
        dx[i] = slope * factor


@kernel(fastmath=False)
def binary_cross_entropy_with_logits_reduced(y, x, t, w, pw, divisor):
    zero, one = x.dtype.type(0), x.dtype.type(1)
    blocks = (x.size + _BLOCK - 1) // _BLOCK
    partial = np.empty(blocks)
    for block in prange(blocks):
        xs, ts, ws, pws = _slice(x, block), _slice(t, block), _slice(w, block), _slice(pw, block)
        terms = np.empty(xs.size, x.dtype)
        for i in range(xs.size):
            # -log(sigmoid(x))
            surprise = log1p(exp(-abs(xs[i]))) + (-xs[i] if xs[i] < zero else zero)
            if pw.size > 0:
                surprise = (one + (pws[i] - one) * ts[i]) * surprise
            loss = (one - ts[i]) * xs[i] + surprise
            if w.size > 0:
                loss = loss * ws[i]
            terms[i] = loss
        partial[block] = row_sum(terms)
    y[0] = row_sum(partial) / divisor


@kernel(fastmath=False)
def binary_cross_entropy_with_logits_backward(dx, x, t, w, pw, dy, divisor):
    one, factor = dx.dtype.type(1), dx.dtype.type(np.float64(dy[0]) / divisor)
    for i in prange(dx.size):
        s = sigmoid(x[i])
        slope = s - t[i]
        if pw.size > 0:
            slope = slope + (pw[i] - one) * t[i] * (s - one)
        if w.size > 0:
            slope = slope * w[i]
        dx[i] = slope * factor
