"""Normalisations on the CPU: batch norm over columns (N, C) or maps (N, C, M), layer norm (R, D), group norm (N, C, M).

Sums are taken of values less a rough mean, so that a large mean costs no digits of the variance, and in a fixed order
(:mod:`engine.kernels.cpu.sums`). Each channel or row has one owner. Statistics (``mean``, ``rstd``, ``variance``) are
arrays of x's dtype. w and b are of size 0 where absent; dx is of size 0 where it is not wanted. Note that Numba's
``float(x)`` leaves a float32 what it is; ``np.float64(x)`` widens it.
"""

import numpy as np
from numba import prange

from engine.kernels.cpu.sums import moments, row_sum
from engine.kernels.jit import kernel, strict_helper

#: Channels that are summed side by side where neighbours in memory belong to different channels.
_COLUMNS = 64


@strict_helper
def _mean_of_row(row):
    """Mean of a row in its own dtype: near enough to the mean of all to be subtracted first."""
    return row.dtype.type(row_sum(row) / row.size)


@strict_helper
def _spread(total, square, count):
    """Variance from the sums of shifted values and of their squares; rounding may not make it negative."""
    offset = total / count
    variance = square / count - offset * offset
    return 0.0 if variance < 0.0 else variance


@strict_helper
def _factor(w, c):
    return np.float64(w[c]) if w.size > 0 else 1.0


@strict_helper
def _summand(b, c):
    return np.float64(b[c]) if b.size > 0 else 0.0


# ---- batch norm of maps: x (N, C, M) ----


@kernel(fastmath=False)
def batch_norm_maps_forward(y, mean, rstd, variance, x, w, b, eps, training):
    count = np.float64(x.shape[0] * x.shape[2])
    real = x.dtype.type
    for c in prange(x.shape[1]):
        if training:
            near = _mean_of_row(x[0, c])
            total = 0.0
            square = 0.0
            for n in range(x.shape[0]):
                of_row, square_of_row = moments(x[n, c], x[n, c], near, near)
                total += of_row
                square += square_of_row
            variance[c] = _spread(total, square, count)
            mean[c] = near + total / count
            rstd[c] = 1.0 / np.sqrt(_spread(total, square, count) + eps)
        centre, scale, shift = real(mean[c]), real(rstd[c] * _factor(w, c)), real(_summand(b, c))
        for n in range(x.shape[0]):
            for m in range(x.shape[2]):
                y[n, c, m] = (x[n, c, m] - centre) * scale + shift


@kernel(fastmath=False)
def batch_norm_maps_backward(dx, dw, db, dy, x, mean, rstd, w, training):
    count = np.float64(x.shape[0] * x.shape[2])
    real = x.dtype.type
    for c in prange(x.shape[1]):
        total = 0.0
        product = 0.0
        centre = real(mean[c])
        for n in range(x.shape[0]):
            of_row, product_of_row = moments(dy[n, c], x[n, c], real(0), centre)
            total += of_row
            product += product_of_row
        dw[c] = product * rstd[c]
        db[c] = total
        if dx.size > 0:
            slope = real(rstd[c] * _factor(w, c))
            tilt, average = real(0.0), real(0.0)
            if training:
                tilt = real(-rstd[c] * rstd[c] * product / count)
                average = real(total / count)
            for n in range(x.shape[0]):
                for m in range(x.shape[2]):
                    dx[n, c, m] = slope * ((dy[n, c, m] - average) + tilt * (x[n, c, m] - centre))


# ---- batch norm of columns: x (N, C) ----


@kernel(fastmath=False)
def batch_norm_columns_forward(y, mean, rstd, variance, x, w, b, eps, training):
    rows, columns = x.shape
    real = x.dtype.type
    for block in prange((columns + _COLUMNS - 1) // _COLUMNS):
        start = block * _COLUMNS
        width = min(_COLUMNS, columns - start)
        if training:
            total = np.zeros(_COLUMNS)
            square = np.zeros(_COLUMNS)
            for n in range(rows):
                for j in range(width):
                    shifted = np.float64(x[n, start + j]) - np.float64(x[0, start + j])
                    total[j] += shifted
                    square[j] += shifted * shifted
            for j in range(width):
                variance[start + j] = _spread(total[j], square[j], np.float64(rows))
                mean[start + j] = np.float64(x[0, start + j]) + total[j] / rows
                rstd[start + j] = 1.0 / np.sqrt(_spread(total[j], square[j], np.float64(rows)) + eps)
        centre = np.empty(_COLUMNS, x.dtype)
        scale = np.empty(_COLUMNS, x.dtype)
        shift = np.empty(_COLUMNS, x.dtype)
        for j in range(width):
            c = start + j
            centre[j] = real(mean[c])
            scale[j] = real(rstd[c] * _factor(w, c))
            shift[j] = real(_summand(b, c))
        for n in range(rows):
            for j in range(width):
                y[n, start + j] = (x[n, start + j] - centre[j]) * scale[j] + shift[j]


@kernel(fastmath=False)
def batch_norm_columns_backward(dx, dw, db, dy, x, mean, rstd, w, training):
    rows, columns = x.shape
    real = x.dtype.type
    for block in prange((columns + _COLUMNS - 1) // _COLUMNS):
        start = block * _COLUMNS
        width = min(_COLUMNS, columns - start)
        total = np.zeros(_COLUMNS)
        product = np.zeros(_COLUMNS)
        for n in range(rows):
            for j in range(width):
                gradient = np.float64(dy[n, start + j])
                total[j] += gradient
                product[j] += gradient * (np.float64(x[n, start + j]) - mean[start + j])
        slope = np.empty(_COLUMNS, x.dtype)
        tilt = np.zeros(_COLUMNS, x.dtype)
        average = np.zeros(_COLUMNS, x.dtype)
        centre = np.empty(_COLUMNS, x.dtype)
        for j in range(width):
            c = start + j
            dw[c] = product[j] * rstd[c]
            db[c] = total[j]
            slope[j], centre[j] = real(rstd[c] * _factor(w, c)), real(mean[c])
            if training:
                tilt[j] = real(-rstd[c] * rstd[c] * product[j] / rows)
                average[j] = real(total[j] / rows)
        if dx.size > 0:
            for n in range(rows):
                for j in range(width):
                    c = start + j
                    dx[n, c] = slope[j] * ((dy[n, c] - average[j]) + tilt[j] * (x[n, c] - centre[j]))


# ---- layer norm: x (R, D) ----


@kernel(fastmath=False)
def layer_norm_forward(y, mean, rstd, x, w, b, eps):
    rows, columns = x.shape
    real = x.dtype.type
    for r in prange(rows):
        near = _mean_of_row(x[r])
        total, square = moments(x[r], x[r], near, near)
        mean[r] = near + total / columns
        rstd[r] = 1.0 / np.sqrt(_spread(total, square, np.float64(columns)) + eps)
        centre, scale = real(mean[r]), real(rstd[r])
        if w.size > 0 and b.size > 0:
            for d in range(columns):
                y[r, d] = (x[r, d] - centre) * scale * w[d] + b[d]
        else:
            for d in range(columns):
                y[r, d] = (x[r, d] - centre) * scale
            if w.size > 0:
                for d in range(columns):
                    y[r, d] = y[r, d] * w[d]


@kernel(fastmath=False)
def layer_norm_backward_input(dx, dy, x, mean, rstd, w):
    rows, columns = x.shape
    real = x.dtype.type
    for r in prange(rows):
        slope, centre = real(rstd[r]), real(mean[r])
        if w.size > 0:
            for d in range(columns):
                dx[r, d] = dy[r, d] * w[d]
        else:
            for d in range(columns):
                dx[r, d] = dy[r, d]
        total, product = moments(dx[r], x[r], real(0), centre)
        tilt, average = real(-rstd[r] * rstd[r] * product / columns), real(total / columns)
        for d in range(columns):
            dx[r, d] = slope * ((dx[r, d] - average) + tilt * (x[r, d] - centre))


@kernel(fastmath=False)
def layer_norm_backward_affine(dw, db, dy, x, mean, rstd):
    rows, columns = x.shape
    for block in prange((columns + _COLUMNS - 1) // _COLUMNS):
        start = block * _COLUMNS
        width = min(_COLUMNS, columns - start)
        total = np.zeros(_COLUMNS)
        product = np.zeros(_COLUMNS)
        for r in range(rows):
            middle, scale = mean[r], rstd[r]
            for j in range(width):
                gradient = np.float64(dy[r, start + j])
                total[j] += gradient
                product[j] += gradient * ((np.float64(x[r, start + j]) - middle) * scale)
        for j in range(width):
            dw[start + j] = product[j]
            db[start + j] = total[j]


# ---- group norm: x (N, C, M), statistics (N, G) ----


@kernel(fastmath=False)
def group_norm_forward(y, mean, rstd, x, w, b, eps):
    groups = mean.shape[1]
    channels = x.shape[1] // groups
    count = np.float64(channels * x.shape[2])
    real = x.dtype.type
    for row in prange(mean.size):
        n, g = row // groups, row % groups
        near = _mean_of_row(x[n, g * channels])
        total = 0.0
        square = 0.0
        for c in range(g * channels, (g + 1) * channels):
            of_row, square_of_row = moments(x[n, c], x[n, c], near, near)
            total += of_row
            square += square_of_row
        mean[n, g] = near + total / count
        rstd[n, g] = 1.0 / np.sqrt(_spread(total, square, count) + eps)
        centre = real(mean[n, g])
        for c in range(g * channels, (g + 1) * channels):
            scale, shift = real(rstd[n, g] * _factor(w, c)), real(_summand(b, c))
            for m in range(x.shape[2]):
                y[n, c, m] = (x[n, c, m] - centre) * scale + shift


@kernel(fastmath=False)
def group_norm_backward_input(dx, dy, x, mean, rstd, w):
    groups = mean.shape[1]
    channels = x.shape[1] // groups
    count = np.float64(channels * x.shape[2])
    real = x.dtype.type
    for row in prange(mean.size):
        n, g = row // groups, row % groups
        centre, inverse = real(mean[n, g]), rstd[n, g]
        total = 0.0
        product = 0.0
        for c in range(g * channels, (g + 1) * channels):
            of_channel, product_of_channel = moments(dy[n, c], x[n, c], real(0), centre)
            total += of_channel * _factor(w, c)
            product += product_of_channel * _factor(w, c)
        slope = real(inverse)
        tilt, average = real(-inverse * inverse * product / count), real(total / count)
        for c in range(g * channels, (g + 1) * channels):
            factor = real(_factor(w, c))
            for m in range(x.shape[2]):
                dx[n, c, m] = slope * ((dy[n, c, m] * factor - average) + tilt * (x[n, c, m] - centre))


@kernel(fastmath=False)
def group_norm_backward_affine(dw, db, dy, x, mean, rstd):
    channels = x.shape[1] // mean.shape[1]
    real = x.dtype.type
    for c in prange(x.shape[1]):
        g = c // channels
        total = 0.0
        product = 0.0
        for n in range(x.shape[0]):
            of_row, product_of_row = moments(dy[n, c], x[n, c], real(0), real(mean[n, g]))
            total += of_row
            product += product_of_row * rstd[n, g]
        dw[c] = product
        db[c] = total
