"""Linear layer on the GPU: x (N, I), w (O, I), b (O) or size 0, y (N, O); matrix products with the bias fused."""

from __future__ import annotations

import numpy as np

from engine.device import empty
from engine.kernels.cuda.matmul import product


def linear_forward(y, x, w, b) -> None:
    """y = x wᵀ + b"""
    product(y[None], x[None], w[None], b, False, True)


def linear_backward_input(dx, dy, w) -> None:
    """dx = dy w"""
    if not dy.size:
        dx.fill(0)
        return
    product(dx[None], dy[None], w[None], empty((0,), dx.dtype, dx), False, False)


def linear_backward_weight(dw, db, dy, x) -> None:
    """dw = dyᵀ x, db = Σ_n dy[n]; ``db`` may have size 0."""
    if not dy.size:
        dw.fill(0)
        db.fill(0)
        return
    product(dw[None], dy[None], x[None], empty((0,), dw.dtype, dw), True, False)
    if db.size:
        np.add.reduce(dy, axis=0, out=db)
