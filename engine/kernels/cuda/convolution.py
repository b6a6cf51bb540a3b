"""Convolution on the GPU; arguments as on the CPU (:mod:`engine.kernels.cpu.convolution`).

Each of the three is a matrix product whose operands are read where they lie (implicit GEMM): no patches are copied out.

* forward: filters x pixels of y, summed over the taps of a filter: y[o, (n p q)] = Σ_(c i j) w[o, (c i j)]·x[...]
* backward to the input: channels x pixels of x, summed over (o i j).
* backward to the weight: filters x taps, summed over the pixels of y; that sum is long and its results are few, so
  that it is cut into parts (:mod:`engine.kernels.cuda.parts`).

Where x[n, c, h, v] lies is a sum: a pixel of y says n and the corner of its window, a tap (c i j) the way from there.
"""

from __future__ import annotations

import numpy as np
from numba import int32, int64

from engine.device import empty
from engine.kernels.cuda.launch import device_function
from engine.kernels.cuda.parts import add_parts, parts_of
from engine.kernels.cuda.register_tile import Operand, Result, at, divided, tiled
from engine.kernels.cuda.tile_shapes import tiles

#: Terms of one part of a weight gradient's sum at least.
_PART = 256

# Places in the tuple of sizes and settings; C and O are channels and filters of one group, N those of all groups.
_SH, _SW, _PH, _PW, _DH, _DW, _KH, _KW, _OH, _OW, _H, _W, _C, _O, _NC, _NO = range(16)


def _settings(x_shape, w_shape, y_shape, stride, padding, dilation, groups: int) -> tuple[int, ...]:
    """Stride, padding, dilation, sizes of the window and of y's and x's pictures, channels and filters."""
    sizes = (*w_shape[2:], *y_shape[2:], *x_shape[2:])
    channels = (x_shape[1] // groups, w_shape[0] // groups, x_shape[1], w_shape[0])
    return tuple([int(n) for n in (*stride, *padding, *dilation, *sizes, *channels)])


@device_function
def _inside(place, extent):
    # 32 bits: a comparison of 64 is four instructions.
    return int32(place) >= 0 and int32(place) < int32(extent)


# ---- x, by pixel of y and by tap; z is the group ----


@device_function
def _window(z, place, g):
    """Where the window of a pixel of y begins, which may be in the padding."""
    n, spot = divided(place, g[_OH] * g[_OW])
    p, q = divided(spot, g[_OW])
    h = p * g[_SH] - g[_PH]
    v = q * g[_SW] - g[_PW]
    return (n * g[_NC] * g[_H] + h) * g[_W] + v, h, v


@device_function
def _tap(z, k, g):
    """How far from there tap k lies, in the channels of group z."""
    c, tap = divided(k, g[_KH] * g[_KW])
    i, j = divided(tap, g[_KW])
    h = i * g[_DH]
    v = j * g[_DW]
    return ((z * g[_C] + c) * g[_H] + h) * g[_W] + v, h, v


@device_function
def _pixel(x, place, h, v, g):
    """An element of x; 0 in the padding."""
    return at(x, place, h, v, g) if _inside(h, g[_H]) and _inside(v, g[_W]) else x.dtype.type(0)


# ---- forward ----


@device_function
def _filter(z, o, g):
    return (z * g[_O] + o) * g[_C] * g[_KH] * g[_KW], 0, 0


@device_function
def _term(z, k, g):
    return k, 0, 0


@device_function
def _row_of_y(z, part, o, g):
    return (z * g[_O] + o) * g[_OH] * g[_OW]


@device_function
def _pixel_of_y(z, place, g):
    n, spot = divided(place, g[_OH] * g[_OW])
    return n * g[_NO] * g[_OH] * g[_OW] + spot


@device_function
def _bias(bias, z, o, place, g):
    return bias[z * g[_O] + o]


# ---- backward to the input ----


@device_function
def _channel_of_filters(z, c, g):
    return c * g[_KH] * g[_KW], 0, 0


@device_function
def _tap_of_filter(z, k, g):
    taps = g[_KH] * g[_KW]
    o, tap = divided(k, taps)
    return (z * g[_O] + o) * g[_C] * taps + tap, 0, 0


@device_function
def _target(z, place, g):
    """The pixel of x, counted from where the first window begins."""
    n, spot = divided(place, g[_H] * g[_W])
    h, v = divided(spot, g[_W])
    return n * g[_NO] * g[_OH] * g[_OW], h + g[_PH], v + g[_PW]


@device_function
def _back(z, k, g):
    """From there to the beginning of the window whose tap k lies on it, for filter o of group z."""
    o, tap = divided(k, g[_KH] * g[_KW])
    i, j = divided(tap, g[_KW])
    return (z * g[_O] + o) * g[_OH] * g[_OW], -i * g[_DH], -j * g[_DW]


@device_function
def _window_number(distance, stride):
    """Which window begins so far from the first one, and how far that one is missed. Few strides are not 1."""
    if stride == 1:
        return int64(distance), int64(0)
    return divided(distance, stride)


@device_function
def _source(dy, place, h, v, g):
    """The gradient of the output whose window begins at (h, v); 0 where none does."""
    zero = dy.dtype.type(0)
    if int32(h) < 0 or int32(v) < 0:
        return zero
    p, above = _window_number(h, g[_SH])
    q, left = _window_number(v, g[_SW])
    if above != 0 or left != 0 or not _inside(p, g[_OH]) or not _inside(q, g[_OW]):
        return zero
    return at(dy, place + p * g[_OW] + q, h, v, g)


@device_function
def _row_of_x(z, part, c, g):
    return (z * g[_C] + c) * g[_H] * g[_W]


@device_function
def _pixel_of_x(z, place, g):
    n, spot = divided(place, g[_H] * g[_W])
    return n * g[_NC] * g[_H] * g[_W] + spot


# ---- backward to the weight ----


@device_function
def _filter_of_y(z, o, g):
    return (z * g[_O] + o) * g[_OH] * g[_OW], 0, 0


@device_function
def _gradient(z, place, g):
    return _pixel_of_y(z, place, g), 0, 0


@device_function
def _filter_of_part(z, part, o, g):
    return ((part * g[_NO]) + z * g[_O] + o) * g[_C] * g[_KH] * g[_KW]


@device_function
def _tap_of_part(z, tap, g):
    return tap


_forward = tiled(
    Operand(_filter, _term, at), Operand(_window, _tap, _pixel), Result(_row_of_y, _pixel_of_y, _bias)
)
_to_input = tiled(
    Operand(_channel_of_filters, _tap_of_filter, at), Operand(_target, _back, _source), Result(_row_of_x, _pixel_of_x, _bias)
)
_to_weight = tiled(
    Operand(_filter_of_y, _gradient, at), Operand(_tap, _window, _pixel), Result(_filter_of_part, _tap_of_part, _bias)
)


def conv2d_forward(y, x, w, b, stride, padding, dilation, groups) -> None:
    """y[n, o, p, q] = b[o] + Σ_c,i,j x[n, c, p·SH + i·DH - PH, q·SW + j·DW - PW]·w[o, c, i, j]"""
    if not y.size:
        return
    g = _settings(x.shape, w.shape, y.shape, stride, padding, dilation, groups)
    sizes = (w.shape[0] // groups, y.size // y.shape[1], w.shape[1] * w.shape[2] * w.shape[3])
    _forward(y, w, x, b, sizes, groups, 1, (True, False), g)


def conv2d_backward_input(dx, dy, w, stride, padding, dilation, groups) -> None:
    """dx[n, c, h, v] = Σ_o,i,j dy[n, o, p, q]·w[o, c, i, j] over the outputs (p, q) whose window covers (h, v)"""
    if not dy.size or not dx.size:
        dx.fill(0)
        return
    g = _settings(dx.shape, w.shape, dy.shape, stride, padding, dilation, groups)
    sizes = (w.shape[1], dx.size // dx.shape[1], w.shape[0] // groups * w.shape[2] * w.shape[3])
    _to_input(dx, w, dy, empty((0,), dx.dtype, dx), sizes, groups, 1, (True, False), g)


def conv2d_backward_weight(dw, db, dy, x, stride, padding, dilation, groups) -> None:
    """dw[o, c, i, j] = Σ_n,p,q dy[n, o, p, q]·x[n, c, ...], db[o] = Σ_n,p,q dy[n, o, p, q]; ``db`` may have size 0."""
    if not dy.size or not dw.size:
        dw.fill(0)
        db.fill(0)
        return
    inner = dy.size // dy.shape[1]
    g = _settings(x.shape, dw.shape, dy.shape, stride, padding, dilation, groups)
    sizes = (dw.shape[0] // groups, dw.size // dw.shape[0], inner)
    blocks, threads = tiles(*sizes[:2])
    number = parts_of(inner, blocks * groups, threads, _PART)
    parts = dw.reshape(1, 1, -1) if number == 1 else empty((1, number, dw.size), dw.dtype, dw)
    nothing = empty((0,), dw.dtype, dw)
    _to_weight(parts, dy, x, nothing, sizes, groups, number, (True, True), g)
    if number > 1:
        add_parts(dw.reshape(1, -1), parts, nothing)
    if db.size:
        np.add.reduce(dy, axis=(0, 2, 3), out=db)
