"""``Variable``, PyTorch's name for a tensor before version 0.4."""

from __future__ import annotations

from engine.tensor import Tensor


class _VariableType(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=_VariableType):
    """``Variable(data)`` is a tensor on the memory of ``data``; every tensor is an instance."""

    def __new__(cls, data: Tensor, requires_grad: bool = False) -> Tensor:
        return data.detach().requires_grad_(requires_grad)
