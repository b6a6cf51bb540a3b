"""What the losses of numbers share on the GPU: elements from the definition, then their sum; and the gradient."""

from __future__ import annotations

import numpy as np

from engine.definitions.contract import Definition
from engine.device.cuda_array import empty
from engine.kernels import derive
from engine.kernels.cuda.reduce import reduce


def reduced(element: Definition):
    """Kernel (y, x, t, *parameters, divisor): y[0] = Σ element / divisor, summed in float64."""
    compute = derive.cuda(element)

    def run(y, x, t, *parameters) -> None:
        *parameters, divisor = parameters
        losses = empty(x.shape, x.dtype)
        compute(losses, x, t, *parameters)
        reduce(np.add, losses, dtype=np.float64, out=y.reshape(()), divisor=divisor)

    return run


def gradient(backward: Definition):
    """Kernel (dx, x, t, *parameters, dy, divisor): dy[0] / divisor times the derivative of each element's loss."""
    compute = derive.cuda(backward)

    def run(dx, x, t, *parameters) -> None:
        *parameters, dy, divisor = parameters
        compute(dx, np.broadcast_to(dy, dx.shape), x, t, *parameters, divisor)

    return run
