"""Embedding on the GPU: indices t (R), table (V, D), gradients dy (R, D) → dw (V, D)."""

from __future__ import annotations

import math

from engine.kernels.cuda.launch import ELEMENT_THREADS, cuda, jit, launch, one_each
from engine.kernels.cuda.loss_classification import first_bad_label
from engine.kernels.cuda.segments import add_rows


def first_bad_index(found, t, size, number) -> None:
    """found = number, place and value of the first index outside [0, size), where found[0] is 0."""
    # The label to ignore is a number that nobody uses.
    first_bad_label(found, t, size, -(1 << 63), number)


@jit
def _embedding_forward(y, t, w):
    place = cuda.grid(1)
    if place < y.size:
        r = place // y.shape[1]
        d = place % y.shape[1]
        # The error of an index outside the table is told later: until then nothing is read there.
        y[r, d] = w[t[r], d] if t[r] >= 0 and t[r] < w.shape[0] else math.nan


def embedding_forward(y, t, w) -> None:
    """y[r, d] = w[t[r], d]"""
    if y.size:
        launch(_embedding_forward, *one_each(y.size, ELEMENT_THREADS), y, t, w)


def embedding_backward(dw, dy, t, padding_idx) -> None:
    """dw[v, d] = Σ_{r: t[r] = v} dy[r, d]; 0 for v = padding_idx"""
    if dw.size:
        dw.fill(0)
        add_rows(dw[None], dy[None], t, padding_idx)
