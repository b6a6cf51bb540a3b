"""``torch.backends``: flags that scripts set. The engine has one backend, so none of them changes a result."""

from __future__ import annotations

from typing import Any

from engine.backends import cuda, cudnn, mkldnn, mps
from engine.errors import MissingError

__all__ = ["cuda", "cudnn", "mkldnn", "mps"]


def __getattr__(name: str) -> Any:
    raise MissingError(f"module 'engine.backends' has no '{name}': this subset of PyTorch lacks torch.backends.{name}")
