"""What the losses of numbers share on the GPU: elements from the definition, then their sum; and the gradient."""

from __future__ import annotations

import numpy as np

from engine.definitions.contract import Definition
from engine.device.cuda_array import empty
from engine.kernels import derive


def reduced(element: Definition):
    """Kernel (y, x, t, *parameters, divisor): y[0] = Σ element / divisor, summed in float64."""
    compute = derive.cuda(element)

    def run(y, x, t, *parameters) -> None:
        *parameters, divisor = parameters
        losses = empty(x.shape, x.dtype)
        compute(losses, x, t, *parameters)
        total = np.add.reduce(losses, dtype=np.float64)
        np.copyto(y, (total / divisor).reshape(y.shape), casting="unsafe")

    return run


def gradient(backward: Definition):
    """Kernel (dx, x, t, *parameters, scale): scale times the derivative of each element's loss."""
    compute = derive.cuda(backward)

    def run(dx, x, t, *parameters) -> None:
        *parameters, scale = parameters
        if dx.size:
            dy = empty((1,), dx.dtype)
            dy.fill(scale)
            compute(dx, np.broadcast_to(dy, dx.shape), x, t, *parameters, 1.0)

    return run
