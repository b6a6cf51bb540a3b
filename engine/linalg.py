"""Linear algebra (``torch.linalg``): norms."""

from __future__ import annotations

from typing import Any

from engine.errors import MissingError
from engine.ops.reduction import linalg_norm as norm
from engine.ops.reduction import vector_norm

__all__ = ["norm", "vector_norm"]


def __getattr__(name: str) -> Any:
    raise MissingError(f"module 'engine.linalg' has no '{name}': this subset of PyTorch lacks torch.linalg.{name}")
