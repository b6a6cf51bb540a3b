"""Adding rows to rows that an index names, on the GPU: y (A, J, C), v (A, I, C), index (I)."""

from __future__ import annotations

from engine.kernels.cuda.segments import add_rows


def index_add(y, v, index) -> None:
    """y[a, j, c] += Σ_{i: index[i] = j} v[a, i, c]. Unlike other kernels it adds to what ``y`` holds."""
    add_rows(y, v, index)
