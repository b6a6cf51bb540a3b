"""Parameter and Buffer: the tensors that a Module keeps."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine import dtypes, trace
from engine.errors import GradientError
from engine.tensor import Tensor, wrap


class Parameter(Tensor):
    """A tensor that a Module lists among its parameters as soon as it is assigned to an attribute.

    Args:
        data: the tensor whose memory the parameter shares; empty float32 when None.
        requires_grad: whether it is to be trained.

    Raises:
        TypeError: when ``data`` is not a tensor.
        GradientError: when ``requires_grad`` is wanted of an integer or bool tensor.
    """

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Parameter:
        return _adopt(cls, data, requires_grad)

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()

    def __deepcopy__(self, memo: dict) -> Parameter:
        copy = memo.get(id(self))
        if copy is None:
            copy = memo[id(self)] = _adopt(type(self), wrap(self._array.copy()), self._requires_grad)
            trace.made(copy)
        return copy


class Buffer(Tensor):
    """A tensor that a Module lists among its buffers as soon as it is assigned to an attribute.

    Args:
        data: the tensor whose memory the buffer shares.
        persistent: whether ``state_dict`` contains it.
    """

    persistent: bool

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Buffer:
        buffer = _adopt(cls, data, False)
        buffer.persistent = persistent
        return buffer

    def __deepcopy__(self, memo: dict) -> Buffer:
        copy: Any = super().__deepcopy__(memo)
        copy.persistent = self.persistent
        return copy


def _adopt(cls: type, data: Tensor | None, requires_grad: bool) -> Any:
    if data is None:
        array = np.empty((0,), dtypes.get_default_dtype().numpy)
    elif isinstance(data, Tensor):
        array = data._array
    else:
        raise TypeError(f"{cls.__name__}: data must be a Tensor, not {type(data).__name__}")
    if requires_grad and array.dtype.kind != "f":
        raise GradientError(
            f"{cls.__name__}: only Tensors of floating point dtype can require gradients, this one is "
            f"{dtypes.from_numpy(array.dtype)}; pass requires_grad=False"
        )
    tensor = object.__new__(cls)
    tensor._array = array
    if requires_grad:
        tensor._requires_grad = True
    return tensor
