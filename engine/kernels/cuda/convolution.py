"""Convolution on the GPU; arguments as on the CPU (:mod:`engine.kernels.cpu.convolution`)."""

from __future__ import annotations

import numpy as np

from engine.definitions import conv as definitions
from engine.kernels import derive

_forward = derive.cuda(definitions.conv2d_forward)
_backward_input = derive.cuda(definitions.conv2d_backward_input)
_backward_weight = derive.cuda(definitions.conv2d_backward_weight)


def conv2d_forward(y, x, w, b, stride, padding, dilation, groups) -> None:
    """y[n, o, p, q] = b[o] + Σ_c,i,j x[n, c, p·SH + i·DH - PH, q·SW + j·DW - PW]·w[o, c, i, j]"""
    _forward(y, x, w, b, stride, padding, dilation, groups)


def conv2d_backward_input(dx, dy, w, stride, padding, dilation, groups) -> None:
    """dx[n, c, h, v] = Σ_o,i,j dy[n, o, p, q]·w[o, c, i, j] over the outputs (p, q) whose window covers (h, v)"""
    _backward_input(dx, dy, w, stride, padding, dilation, groups)


def conv2d_backward_weight(dw, db, dy, x, stride, padding, dilation, groups) -> None:
    """dw[o, c, i, j] = Σ_n,p,q dy[n, o, p, q]·x[n, c, ...], db[o] = Σ_n,p,q dy[n, o, p, q]; ``db`` may have size 0."""
    _backward_weight(dw, dy, x, stride, padding, dilation, groups)
    if db.size:
        np.copyto(db, np.add.reduce(dy, axis=(0, 2, 3)))
