"""Convolution on the GPU; arguments as on the CPU (:mod:`engine.kernels.cpu.convolution`).

Each of the three is a matrix product whose operands are read where they lie (implicit GEMM): no patches are copied out.

* forward: filters x pixels of y, summed over the taps of a filter: y[o, (n p q)] = Σ_(c i j) w[o, (c i j)]·x[...]
* backward to the input: channels x pixels of x, summed over (o i j).
* backward to the weight: filters x taps, summed over the pixels of y; that sum is long and its results are few, so
  that it is cut into parts, whose number follows from the sizes alone, and the parts are added in their order.
"""

from __future__ import annotations

import numpy as np
from numba import float32, float64

from engine.device import empty
from engine.kernels.cuda.launch import device_function
from engine.kernels.cuda.matmul import register_tile, run_tiles

#: Terms of one part of a weight gradient's sum.
_PART = 1 << 12

# Places in the tuple of sizes and settings.
_SH, _SW, _PH, _PW, _DH, _DW, _KH, _KW, _OH, _OW, _C, _O, _PARTS = range(13)


def _settings(x_shape, w_shape, y_shape, stride, padding, dilation, groups: int, parts: int = 1) -> tuple[int, ...]:
    """Stride, padding, dilation, size of the window, size of y's pictures, channels and filters of one group."""
    sizes = (*w_shape[2:], *y_shape[2:], x_shape[1] // groups, w_shape[0] // groups, parts)
    return tuple([int(n) for n in (*stride, *padding, *dilation, *sizes)])


@device_function
def _pixel(x, n, channel, h, v):
    """x[n, channel, h, v]; 0 in the padding."""
    if h < 0 or h >= x.shape[2] or v < 0 or v >= x.shape[3]:
        return x.dtype.type(0)
    return x[n, channel, h, v]


# ---- forward: z is the group ----


@device_function
def _filter(w, z, o, k, g):
    taps = g[_KH] * g[_KW]
    tap = k % taps
    return w[z * g[_O] + o, k // taps, tap // g[_KW], tap % g[_KW]]


@device_function
def _patch(x, z, k, place, g):
    taps = g[_KH] * g[_KW]
    tap = k % taps
    size = g[_OH] * g[_OW]
    spot = place % size
    h = spot // g[_OW] * g[_SH] + tap // g[_KW] * g[_DH] - g[_PH]
    v = spot % g[_OW] * g[_SW] + tap % g[_KW] * g[_DW] - g[_PW]
    return _pixel(x, place // size, z * g[_C] + k // taps, h, v)


@device_function
def _put_output(y, z, o, place, total, bias, g):
    size = g[_OH] * g[_OW]
    spot = place % size
    channel = z * g[_O] + o
    if bias.size > 0:
        total += bias[channel]
    y[place // size, channel, spot // g[_OW], spot % g[_OW]] = total


# ---- backward to the input: z is the group ----


@device_function
def _turned_filter(w, z, c, k, g):
    taps = g[_KH] * g[_KW]
    tap = k % taps
    return w[z * g[_O] + k // taps, c, tap // g[_KW], tap % g[_KW]]


@device_function
def _source(dy, z, k, place, g):
    """The gradient of the output whose tap k lies on pixel ``place`` of x; 0 where there is none.

    The last two of ``g`` are x's height and width.
    """
    taps = g[_KH] * g[_KW]
    tap = k % taps
    height, width = g[_PARTS + 1], g[_PARTS + 2]
    spot = place % (height * width)
    above = spot // width + g[_PH] - tap // g[_KW] * g[_DH]
    left = spot % width + g[_PW] - tap % g[_KW] * g[_DW]
    if above < 0 or left < 0 or above % g[_SH] != 0 or left % g[_SW] != 0:
        return dy.dtype.type(0)
    return _pixel(dy, place // (height * width), z * g[_O] + k // taps, above // g[_SH], left // g[_SW])


@device_function
def _put_input(dx, z, c, place, total, bias, g):
    height, width = g[_PARTS + 1], g[_PARTS + 2]
    spot = place % (height * width)
    dx[place // (height * width), z * g[_C] + c, spot // width, spot % width] = total


# ---- backward to the weight: z is group times parts plus part ----


@device_function
def _gradient(dy, z, o, k, g):
    size = g[_OH] * g[_OW]
    spot = k % size
    return dy[k // size, z // g[_PARTS] * g[_O] + o, spot // g[_OW], spot % g[_OW]]


@device_function
def _turned_patch(x, z, k, tap, g):
    return _patch(x, z // g[_PARTS], tap, k, g)


@device_function
def _put_part(parts, z, o, tap, total, bias, g):
    parts[z % g[_PARTS], z // g[_PARTS] * g[_O] + o, tap] = total


_REALS = {"float32": float32, "float64": float64}
_forward = {name: register_tile(real, _filter, _patch, _put_output) for name, real in _REALS.items()}
_to_input = {name: register_tile(real, _turned_filter, _source, _put_input) for name, real in _REALS.items()}
_to_weight = {name: register_tile(real, _gradient, _turned_patch, _put_part) for name, real in _REALS.items()}


def conv2d_forward(y, x, w, b, stride, padding, dilation, groups) -> None:
    """y[n, o, p, q] = b[o] + Σ_c,i,j x[n, c, p·SH + i·DH - PH, q·SW + j·DW - PW]·w[o, c, i, j]"""
    if not y.size:
        return
    g = _settings(x.shape, w.shape, y.shape, stride, padding, dilation, groups)
    sizes = (w.shape[0] // groups, y.size // y.shape[1], w.shape[1] * w.shape[2] * w.shape[3])
    run_tiles(_forward[y.dtype.name], y, w, x, b, sizes, groups, 1, True, True, g)


def conv2d_backward_input(dx, dy, w, stride, padding, dilation, groups) -> None:
    """dx[n, c, h, v] = Σ_o,i,j dy[n, o, p, q]·w[o, c, i, j] over the outputs (p, q) whose window covers (h, v)"""
    if not dy.size or not dx.size:
        dx.fill(0)
        return
    g = (*_settings(dx.shape, w.shape, dy.shape, stride, padding, dilation, groups), dx.shape[2], dx.shape[3])
    sizes = (w.shape[1], dx.size // dx.shape[1], w.shape[0] // groups * w.shape[2] * w.shape[3])
    absent = empty((0,), dx.dtype, dx)
    run_tiles(_to_input[dx.dtype.name], dx, w, dy, absent, sizes, groups, 1, True, True, g)


def conv2d_backward_weight(dw, db, dy, x, stride, padding, dilation, groups) -> None:
    """dw[o, c, i, j] = Σ_n,p,q dy[n, o, p, q]·x[n, c, ...], db[o] = Σ_n,p,q dy[n, o, p, q]; ``db`` may have size 0."""
    if not dy.size or not dw.size:
        dw.fill(0)
        db.fill(0)
        return
    inner = dy.size // dy.shape[1]
    number = -(-inner // _PART)
    g = _settings(x.shape, dw.shape, dy.shape, stride, padding, dilation, groups, number)
    sizes = (dw.shape[0] // groups, dw.size // dw.shape[0], inner)
    flat = dw.reshape(dw.shape[0], sizes[1])
    parts = flat[None] if number == 1 else empty((number, *flat.shape), dw.dtype, dw)
    absent = empty((0,), dw.dtype, dw)
    run_tiles(_to_weight[dw.dtype.name], parts, dy, x, absent, sizes, groups, number, True, False, g)
    if number > 1:
        np.add.reduce(parts, axis=0, out=flat)
    if db.size:
        np.add.reduce(dy, axis=(0, 2, 3), out=db)
