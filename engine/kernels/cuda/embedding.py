"""Embedding on the GPU: indices t (R), table (V, D), gradients dy (R, D) → dw (V, D)."""

from __future__ import annotations

import math

from engine.kernels.cuda.launch import ELEMENT_THREADS, cuda, launch, one_each
from engine.kernels.cuda.loss_classification import first_bad_label


def first_bad_index(found, t, size, number) -> None:
    """found = number, place and value of the first index outside [0, size), where found[0] is 0."""
    # The label to ignore is a number that nobody uses.
    first_bad_label(found, t, size, -(1 << 63), number)


@cuda.jit
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


@cuda.jit
def _embedding_backward(dw, dy, t, padding_idx):
    # One thread for each column, which adds the rows in their order: the sum does not depend on the launch.
    d = cuda.grid(1)
    if d < dw.shape[1]:
        for v in range(dw.shape[0]):
            dw[v, d] = 0
        for r in range(t.size):
            if t[r] != padding_idx and t[r] >= 0 and t[r] < dw.shape[0]:
                dw[t[r], d] += dy[r, d]


def embedding_backward(dw, dy, t, padding_idx) -> None:
    if dw.size:
        launch(_embedding_backward, *one_each(dw.shape[1], ELEMENT_THREADS), dw, dy, t, padding_idx)
