"""Losses over classes on the CPU: x (R, C), labels t (R) or probabilities t (R, C), class weights w (C) or size 0.

The forward kernels write p, the softmax of x, and the loss of each row; ``totals[0]`` becomes the sum of the losses and
``totals[1]`` the sum of the labels' weights, both in float64 in the order of the rows. ``y[0]`` becomes the loss:
``totals[0] / totals[1]`` where ``mean`` is true (NaN where the weights' sum is 0, as in PyTorch), else ``totals[0]``. The
backward kernels take dy (R or 1), for each row or for all of them, and divide it by ``totals[1]`` where ``mean`` is true.
"""

import numpy as np
from numba import prange

from engine.kernels.cpu.softmax import exponentials, rows_per_block
from engine.kernels.cpu.sums import moments, row_sum
from engine.kernels.cpu.vector_math import log, maximum
from engine.kernels.jit import kernel, strict_helper


@kernel(fastmath=False)
def first_bad_label(found, t, classes, ignore_index, number):
    """found = number, place and value of the first label that is neither a class nor ignore_index, where found[0] is 0."""
    for n in range(t.size):
        if (t[n] < 0 or t[n] >= classes) and t[n] != ignore_index:
            if found[0] == 0:
                found[0], found[1], found[2] = number, n, t[n]
            break


@strict_helper
def _reduced(totals, mean):
    if not mean:
        return totals[0]
    return totals[0] / totals[1] if totals[1] != 0.0 else np.nan


@strict_helper
def _of_row(dy, totals, mean, n):
    arriving = np.float64(dy[n] if dy.size > 1 else dy[0])
    if mean:
        arriving = arriving / totals[1] if totals[1] != 0.0 else np.nan
    return dy.dtype.type(arriving)


@strict_helper
def _normalise(p, n):
    """Divide row n of the exponentials p by their sum, which is returned."""
    total = row_sum(p[n])
    inverse = p.dtype.type(1.0 / total)
    for c in range(p.shape[1]):
        p[n, c] = p[n, c] * inverse
    return total


@strict_helper
def _label_loss(x, t, w, smoothing, n, logarithm):
    label = t[n]
    weight = 1.0
    if w.size > 0:
        weight = np.float64(w[label])
    loss = (1.0 - smoothing) * weight * (logarithm - x[n, label])
    if smoothing > 0.0:
        real = x.dtype.type
        of_row, weighted = moments(x[n], w if w.size > 0 else x[n], real(logarithm), real(0))
        loss -= smoothing / x.shape[1] * (weighted if w.size > 0 else of_row)
    return loss


@kernel(fastmath=False)
def cross_entropy_forward(y, losses, p, totals, x, t, w, ignore_index, smoothing, mean):
    rows, columns = x.shape
    height = rows_per_block(columns)
    for block in prange((rows + height - 1) // height):
        start, stop = block * height, min(rows, (block + 1) * height)
        exponentials(p, x, start, stop)
        for n in range(start, stop):
            total = _normalise(p, n)
            losses[n] = 0.0
            if t[n] != ignore_index:
                logarithm = np.float64(maximum(x[n])) + np.float64(log(total))
                losses[n] = _label_loss(x, t, w, smoothing, n, logarithm)
    totals[0] = 0.0
    totals[1] = 0.0
    for n in range(rows):
        if t[n] != ignore_index:
            totals[0] += losses[n]
            totals[1] += w[t[n]] if w.size > 0 else 1.0
    y[0] = _reduced(totals, mean)


@kernel(fastmath=False)
def cross_entropy_backward(dx, p, t, w, dy, totals, ignore_index, smoothing, mean):
    rows, columns = p.shape
    real = p.dtype.type
    total = row_sum(w) if w.size > 0 else np.float64(columns)
    for n in prange(rows):
        factor = np.float64(_of_row(dy, totals, mean, n))
        if t[n] == ignore_index:
            for c in range(columns):
                dx[n, c] = 0
        else:
            hit = factor * (1.0 - smoothing)
            if w.size > 0:
                hit *= w[t[n]]
            even = factor * smoothing / columns
            slope = real(hit + even * total)
            for c in range(columns):
                dx[n, c] = p[n, c] * slope
            if smoothing > 0.0:
                for c in range(columns):
                    dx[n, c] = dx[n, c] - real(even * w[c] if w.size > 0 else even)
            dx[n, t[n]] -= real(hit)


@kernel(fastmath=False)
def soft_cross_entropy_forward(y, losses, p, totals, x, t, w, smoothing, mean):
    rows, columns = x.shape
    height = rows_per_block(columns)
    even = smoothing / columns
    real = x.dtype.type
    for block in prange((rows + height - 1) // height):
        start, stop = block * height, min(rows, (block + 1) * height)
        exponentials(p, x, start, stop)
        for n in range(start, stop):
            logarithm = np.float64(maximum(x[n])) + np.float64(log(_normalise(p, n)))
            loss = 0.0
            if w.size > 0:
                for c in range(columns):
                    loss += ((1.0 - smoothing) * t[n, c] + even) * (logarithm - x[n, c]) * w[c]
            else:
                of_row, weighted = moments(x[n], t[n], real(logarithm), real(0))
                loss = -(1.0 - smoothing) * weighted
                if smoothing > 0.0:
                    loss -= even * of_row
            losses[n] = loss
    totals[0] = 0.0
    totals[1] = np.float64(rows)
    for n in range(rows):
        totals[0] += losses[n]
    y[0] = _reduced(totals, mean)


@kernel(fastmath=False)
def soft_cross_entropy_backward(dx, p, t, w, dy, totals, smoothing, mean):
    rows, columns = p.shape
    real = p.dtype.type
    even = smoothing / columns
    for n in prange(rows):
        factor = np.float64(_of_row(dy, totals, mean, n))
        if w.size > 0:
            total = (1.0 - smoothing) * moments(t[n], w, real(0), real(0))[1] + even * row_sum(w)
        else:
            total = (1.0 - smoothing) * row_sum(t[n]) + smoothing
        slope = real(factor * total)
        for c in range(columns):
            own = ((1.0 - smoothing) * t[n, c] + even) * factor
            dx[n, c] = p[n, c] * slope - real(own * w[c] if w.size > 0 else own)


@kernel(fastmath=False)
def nll_loss_forward(y, losses, totals, x, t, w, ignore_index, mean):
    totals[0] = 0.0
    totals[1] = 0.0
    for n in range(x.shape[0]):
        losses[n] = 0.0
        if t[n] != ignore_index:
            weight = np.float64(w[t[n]]) if w.size > 0 else 1.0
            losses[n] = -weight * x[n, t[n]]
            totals[0] += losses[n]
            totals[1] += weight
    y[0] = _reduced(totals, mean)


@kernel(fastmath=False)
def nll_loss_backward(dx, t, w, dy, totals, ignore_index, mean):
    for n in range(dx.shape[0]):
        for c in range(dx.shape[1]):
            dx[n, c] = 0
        if t[n] != ignore_index:
            weight = np.float64(w[t[n]]) if w.size > 0 else 1.0
            dx[n, t[n]] = -weight * _of_row(dy, totals, mean, n)
