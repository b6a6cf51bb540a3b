"""Adding rows to rows that an index names, on the GPU: y (A, J, C), v (A, I, C), index (I)."""

from __future__ import annotations

from engine.kernels.cuda.launch import ELEMENT_THREADS, cuda, launch, one_each


@cuda.jit
def _index_add(y, v, index):
    # One thread for each (a, c), which adds in the order of the index.
    place = cuda.grid(1)
    if place < y.shape[0] * y.shape[2]:
        a = place // y.shape[2]
        c = place % y.shape[2]
        for i in range(index.size):
            y[a, index[i], c] += v[a, i, c]


def index_add(y, v, index) -> None:
    """y[a, j, c] += Σ_{i: index[i] = j} v[a, i, c]. Unlike other kernels it adds to what ``y`` holds."""
    columns = y.shape[0] * y.shape[2]
    if columns:
        launch(_index_add, *one_each(columns, ELEMENT_THREADS), y, v, index)
