"""Convolution on the CPU: chooses the kernel for the sizes at hand and lends it scratch memory.

x (N, C, H, W), w (O, C/groups, KH, KW), b (O) or size 0, y (N, O, OH, OW); all C-contiguous, of one float dtype.
Stride 1 without groups runs on vector blocks (:mod:`engine.kernels.cpu.conv2d_dense`), everything else on im2col
(:mod:`engine.kernels.cpu.conv2d_windows`).
"""

from __future__ import annotations

import functools
from types import ModuleType

import numpy as np

from engine.device import empty
from engine.kernels.cpu import conv2d_dense as dense
from engine.kernels.cpu import conv2d_windows as windows
from engine.kernels.cpu.simd import FILTERS, GRADIENT_FILTERS, GRADIENT_TAPS
from engine.kernels.jit import MULTIPLY_ADD

Pair = tuple[int, int]


def on_gpu() -> ModuleType:
    """The same functions for arrays on the GPU."""
    from engine.kernels.cuda import convolution

    return convolution


def conv2d_forward(y, x, w, b, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> None:
    """y[n, o, p, q] = b[o] + Σ_c,i,j x[n, c, p·SH + i·DH - PH, q·SW + j·DW - PW]·w[o, c, i, j]"""
    if type(y) is not np.ndarray:
        on_gpu().conv2d_forward(y, x, w, b, stride, padding, dilation, groups)
        return
    if not y.size:
        return
    if stride == (1, 1) and groups == 1:
        _correlate(y, x, w, b, padding, dilation, False)
        return
    rows, columns = _columns(y, w)
    kernel = windows.windows_forward.sized(y.size * w[0].size * MULTIPLY_ADD)
    kernel(y, columns, x, w, b, rows, stride, padding, dilation, groups)


def conv2d_backward_input(dx, dy, w, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> None:
    """dx[n, c, h, v] = Σ_o,i,j dy[n, o, p, q]·w[o, c, i, j] over the outputs (p, q) whose window covers (h, v)"""
    if type(dx) is not np.ndarray:
        on_gpu().conv2d_backward_input(dx, dy, w, stride, padding, dilation, groups)
        return
    if not dx.size:
        return
    if not dy.size:
        dx.fill(0)
        return
    reach = (dilation[0] * (w.shape[2] - 1) - padding[0], dilation[1] * (w.shape[3] - 1) - padding[1])
    if stride == (1, 1) and groups == 1 and min(reach) >= 0:
        _correlate(dx, dy, w, np.empty((0,), dx.dtype), reach, dilation, True)
        return
    rows, columns = _columns(dy, w)
    kernel = windows.windows_backward_input.sized(dy.size * w[0].size * MULTIPLY_ADD)
    kernel(dx, columns, dy, w, rows, stride, padding, dilation, groups)


def conv2d_backward_weight(dw, db, dy, x, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> None:
    """dw[o, c, i, j] = Σ_n,p,q dy[n, o, p, q]·x[n, c, p·SH + i·DH - PH, q·SW + j·DW - PW], db[o] = Σ_n,p,q dy[n, o, p, q]

    ``db`` may have size 0.
    """
    if type(dw) is not np.ndarray:
        on_gpu().conv2d_backward_weight(dw, db, dy, x, stride, padding, dilation, groups)
        return
    if not dy.size:
        dw.fill(0)
        db.fill(0)
        return
    work = dy.size * dw[0].size * MULTIPLY_ADD
    if stride != (1, 1) or groups != 1:
        rows, columns = _columns(dy, dw)
        parts = empty((columns.shape[0], dw.size), dw.dtype)
        kernel = windows.windows_backward_weight.sized(work)
        kernel(dw, db, parts, columns, dy, x, rows, stride, padding, dilation, groups)
        return
    samples, filters, rows, _ = dy.shape
    channels, height, pitch, offsets = _picture(x, dw.shape[2:], padding, dilation, GRADIENT_TAPS)
    teams = dense.teams(samples)
    room = channels * height * pitch + dense.SLACK
    blocks = dense.round_up(filters, GRADIENT_FILTERS)
    run = blocks * dense.run_length(rows, pitch)
    together = min(dense.together(room + run), -(-samples // teams))
    kernel = dense.correlate_backward_weight.sized(work)
    kernel(
        dw, db, dy, x, offsets,
        empty((teams, blocks * offsets.size), dw.dtype), empty((teams, filters), dw.dtype),
        empty((teams, together, room), dw.dtype), empty((teams, together, run), dw.dtype), padding,
    )


def _correlate(y, x, w, b, padding: Pair, dilation: Pair, turned: bool) -> None:
    samples, filters, rows, _ = y.shape
    channels, height, pitch, offsets = _picture(x, w.shape[2:], padding, dilation, 1)
    packed = empty((dense.round_up(filters, FILTERS) * offsets.size,), w.dtype)
    dense.pack_filters(packed, w, turned)
    teams = dense.teams(samples)
    pictures = empty((teams, channels * height * pitch + dense.SLACK), x.dtype)
    runs = empty((teams, FILTERS * dense.run_length(rows, pitch)), x.dtype)
    kernel = dense.correlate.sized(y.size * offsets.size * MULTIPLY_ADD)
    kernel(y, x, packed, offsets, b, pictures, runs, padding)


def _picture(x, kernel_size: Pair, padding: Pair, dilation: Pair, unit: int):
    channels, height, width = x.shape[1], x.shape[2] + 2 * padding[0], x.shape[3] + 2 * padding[1]
    return channels, height, width, _offsets(channels, height, width, tuple(kernel_size), dilation, unit)


@functools.lru_cache(maxsize=256)
def _offsets(channels: int, height: int, pitch: int, kernel_size: Pair, dilation: Pair, unit: int) -> np.ndarray:
    """Where window position (c, i, j) lies in a padded picture; zeros up to a multiple of ``unit``."""
    c, i, j = np.ogrid[:channels, : kernel_size[0], : kernel_size[1]]
    places = (c * height * pitch + i * dilation[0] * pitch + j * dilation[1]).reshape(-1)
    offsets = np.zeros(dense.round_up(places.size, unit), np.int64)
    offsets[: places.size] = places
    return offsets


def _columns(y, w) -> tuple[int, np.ndarray]:
    """Rows of a tile of im2col, and scratch for its columns."""
    window = w[0].size
    rows = windows.tile_rows(window, y.shape[2], y.shape[3])
    return rows, empty((windows.teams(y.shape[0]), window * rows * y.shape[3]), y.dtype)
