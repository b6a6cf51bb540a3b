"""Embedding on the GPU: indices t (R), table (V, D), gradients dy (R, D) → dw (V, D)."""

from __future__ import annotations

from engine.definitions import embedding as definitions
from engine.kernels import derive
from engine.kernels.cuda.launch import THREADS, cuda, launch, one_each
from engine.kernels.cuda.loss_classification import first_bad_label

embedding_forward = derive.cuda(definitions.embedding_forward)


def first_bad_index(found, t, size) -> None:
    """found[0] = position of the first index outside [0, size), or -1."""
    # The label to ignore is a number that nobody uses.
    first_bad_label(found, t, size, -(1 << 63))


@cuda.jit
def _embedding_backward(dw, dy, t, padding_idx):
    # One thread for each column, which adds the rows in their order: the sum does not depend on the launch.
    d = cuda.grid(1)
    if d < dw.shape[1]:
        for r in range(t.size):
            if t[r] != padding_idx:
                dw[t[r], d] += dy[r, d]


def embedding_backward(dw, dy, t, padding_idx) -> None:
    dw.fill(0)
    if dw.size:
        launch(_embedding_backward, *one_each(dw.shape[1], THREADS), dw, dy, t, padding_idx)
