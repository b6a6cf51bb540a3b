"""Questions about objects that PyTorch has as functions of ``torch``."""

from __future__ import annotations

from typing import Any

from engine.tensor import Tensor


def is_tensor(obj: Any) -> bool:
    """Whether ``obj`` is a tensor."""
    return isinstance(obj, Tensor)


def is_floating_point(input: Tensor) -> bool:
    """Whether the dtype is float32 or float64."""
    return input.is_floating_point()


def is_complex(input: Tensor) -> bool:
    """False: the engine has no complex dtype."""
    return input.is_complex()


def numel(input: Tensor) -> int:
    """The number of elements."""
    return input.numel()


def typename(obj: Any) -> str:
    """The type as PyTorch's messages name it: ``torch.FloatTensor``, ``int``, ``package.Class``."""
    from engine.nn.module import type_name

    return type_name(obj)
