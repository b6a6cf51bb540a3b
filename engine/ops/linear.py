"""Linear layer: one op, as the network's picture shows it."""

from __future__ import annotations

import numpy as np

from engine.definitions import linear as definitions
from engine.device import contiguous, empty
from engine.errors import DtypeError, ShapeError
from engine.function import Function, apply
from engine.kernels.cpu import linear as kernels
from engine.kernels.jit import MULTIPLY_ADD
from engine.ops.elementwise import refuse_non_tensors
from engine.tensor import Tensor


class Linear(Function):
    """y = x Wᵀ + b over the last dimension of x."""

    stays_finite = True
    definitions = {
        "y": definitions.linear_forward,
        "dx": definitions.linear_backward_input,
        "dw": definitions.linear_backward_weight,
        "db": definitions.linear_backward_bias,
    }
    saves_inputs = (0, 1)

    def forward(self, x: np.ndarray, w: np.ndarray, b: np.ndarray | None = None) -> np.ndarray:
        self.x, self.w = x2, w = _rows(x), contiguous(w)
        outputs, inputs = w.shape
        y = empty((x2.shape[0], outputs), x.dtype, x)
        if y.size:
            bias = empty((0,), x.dtype, x) if b is None else contiguous(b)
            kernels.linear_forward.sized(y.size * inputs * MULTIPLY_ADD, y)(y, x2, w, bias)
        self.shape = x.shape
        return y if x.ndim == 2 else y.reshape(*x.shape[:-1], outputs)

    def backward(self, dy: np.ndarray) -> tuple[np.ndarray | None, ...]:
        x, w, needs = self.x, self.w, self.needs
        dy = _rows(dy)
        work = dy.size * w.shape[1] * MULTIPLY_ADD
        dx = dw = db = None
        if needs[0]:
            dx = empty(x.shape, x.dtype, x)
            kernels.linear_backward_input.sized(work, dx)(dx, dy, w)
            if len(self.shape) != 2:
                dx = dx.reshape(self.shape)
        if needs[1] or (len(needs) > 2 and needs[2]):
            dw = empty(w.shape, w.dtype, w)
            db = empty((w.shape[0] if len(needs) > 2 else 0,), w.dtype, w)
            kernels.linear_backward_weight.sized(work, dw)(dw, db, dy, x)
        return dx, dw, db

    def canonical(self, name: str, array: np.ndarray) -> np.ndarray:
        return _rows(array) if name in ("x", "y", "dx", "dy") else array


def _rows(x: np.ndarray) -> np.ndarray:
    x = contiguous(x)
    return x if x.ndim == 2 else x.reshape(-1, x.shape[-1])


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y = x Wᵀ + b.

    Args:
        input: (*, I) float.
        weight: (O, I), of the same dtype.
        bias: (O) or None.

    Returns:
        (*, O).

    Raises:
        ShapeError, DtypeError: when the operands do not fit.
        TypeError: for an operand that is no tensor.
    """
    try:
        x, w = input._array, weight._array
    except AttributeError:
        refuse_non_tensors("linear", input=input, weight=weight)
        raise
    if w.ndim != 2 or x.ndim < 1 or x.shape[-1] != w.shape[1]:
        raise ShapeError(
            f"linear: x has {x.shape[-1] if x.ndim else 'no'} features (shape {x.shape}) but weight expects "
            f"{w.shape[-1] if w.ndim else 'a matrix'} (shape {w.shape}); x.shape[-1] must equal weight.shape[1]"
        )
    if x.dtype != w.dtype or x.dtype.kind != "f":
        raise DtypeError(f"linear: x is {input.dtype} and weight is {weight.dtype}; both must be the same float dtype")
    if bias is None:
        return apply(Linear(), input, weight)
    b = bias._array
    if b.shape != (w.shape[0],):
        raise ShapeError(f"linear: bias has shape {b.shape} but weight has {w.shape[0]} rows (shape {w.shape}); "
                         "bias.shape must be (weight.shape[0],)")
    if b.dtype != w.dtype:
        raise DtypeError(f"linear: bias is {bias.dtype} and weight is {weight.dtype}; they must be the same")
    return apply(Linear(), input, weight, bias)
