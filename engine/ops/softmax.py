"""Softmax and its logarithm along one dimension, each one op."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from engine import dtypes
from engine.definitions import softmax as formulas
from engine.device import contiguous, empty
from engine.errors import DtypeError
from engine.function import Function, apply
from engine.kernels.cpu import softmax as kernels
from engine.kernels.jit import Kernel
from engine.ops.dims import checked_dim
from engine.ops.elementwise import cast
from engine.tensor import Tensor

# Elementary operations an element, in the unit of engine.kernels.jit.PARALLEL_WORK.
_WORK = 1.0


class _AlongDim(Function):
    """Runs row kernels along dimension ``dim`` (counted from the front)."""

    stays_finite = True
    saves_output = True
    forward_kernel: Kernel
    backward_kernel: Kernel

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, x: np.ndarray) -> np.ndarray:
        rows = self._rows(x)
        y = empty(rows.shape, x.dtype, x)
        if y.size:
            self.forward_kernel.sized(y.size * _WORK, y)(y, rows)
        self.y = y = self._back(y, x.shape)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        y, dy = self._rows(self.y), self._rows(dy)
        dx = empty(y.shape, y.dtype, y)
        if y.size:
            self.backward_kernel.sized(y.size * _WORK, dx)(dx, dy, y)
        return self._back(dx, self.y.shape)

    def _rows(self, x: np.ndarray) -> np.ndarray:
        if x.ndim > 1 and self.dim != x.ndim - 1:
            x = np.moveaxis(x, self.dim, -1)
        x = contiguous(x)
        return x if x.ndim == 2 else x.reshape(-1, x.shape[-1] if x.ndim else 1) if x.size else x.reshape(0, 1)

    def _back(self, rows: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        if rows.shape == shape and self.dim == 1:
            return rows
        if self.dim >= len(shape) - 1 or not rows.size:
            return rows.reshape(shape)
        moved = shape[: self.dim] + shape[self.dim + 1 :] + shape[self.dim : self.dim + 1]
        return contiguous(np.moveaxis(rows.reshape(moved), -1, self.dim))

    def canonical(self, name: str, array: np.ndarray) -> np.ndarray:
        return self._rows(array)


class Softmax(_AlongDim):
    """y = exp(x) / Σ exp(x)"""

    definitions = {"y": formulas.softmax_forward, "dx": formulas.softmax_backward}
    forward_kernel, backward_kernel = kernels.softmax_forward, kernels.softmax_backward


class LogSoftmax(_AlongDim):
    """y = x - log(Σ exp(x))"""

    definitions = {"y": formulas.log_softmax_forward, "dx": formulas.log_softmax_backward}
    forward_kernel, backward_kernel = kernels.log_softmax_forward, kernels.log_softmax_backward


def _run(op: str, kind: type[_AlongDim], input: Tensor, dim: int | None, dtype: dtypes.dtype | None) -> Tensor:
    if not isinstance(input, Tensor):
        raise TypeError(f"{op}(): argument 'input' must be Tensor, not {type(input).__name__}")
    if dim is None:
        warnings.warn(
            f"Implicit dimension choice for {op} has been deprecated. Change the call to include dim=X as an argument.",
            stacklevel=3,
        )
        dim = 0 if input._array.ndim in (0, 1, 3) else 1
    if dtype is not None:
        input = cast(input, dtype.numpy)
    if input._array.dtype.kind != "f":
        raise DtypeError(f"{op}: input has dtype {input.dtype}; it must be float (give dtype=torch.float32)")
    return apply(kind(checked_dim(dim, input._array.ndim)), input)


def softmax(
    input: Tensor, dim: int | None = None, _stacklevel: Any = 3, dtype: dtypes.dtype | None = None
) -> Tensor:
    """exp(x) / Σ exp(x) along ``dim``; results are in (0, 1) and add up to 1.

    Args:
        input: float, any shape.
        dim: the dimension that the sum runs over; without it 0 or 1 is guessed, with a warning, as in PyTorch.
        dtype: convert to this dtype first. As ``torch.softmax`` does, it is also taken as the third argument.

    Raises:
        IndexError: no such dimension.
        DtypeError: the input is not float.
    """
    if isinstance(_stacklevel, dtypes.dtype):
        dtype = _stacklevel
    return _run("softmax", Softmax, input, dim, dtype)


def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: Any = 3, dtype: dtypes.dtype | None = None
) -> Tensor:
    """log(softmax(x)) along ``dim``, without overflow; arguments and errors as of :func:`softmax`."""
    if isinstance(_stacklevel, dtypes.dtype):
        dtype = _stacklevel
    return _run("log_softmax", LogSoftmax, input, dim, dtype)


def softmin(
    input: Tensor, dim: int | None = None, _stacklevel: Any = 3, dtype: dtypes.dtype | None = None
) -> Tensor:
    """softmax(-x); arguments and errors as of :func:`softmax`."""
    return softmax(-input, dim, _stacklevel, dtype)


METHODS = {"softmax": softmax, "log_softmax": log_softmax}
FUNCTIONS = ("log_softmax", "softmax")
