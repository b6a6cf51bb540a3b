"""Functions of neural networks (``torch.nn.functional``): the ops of :mod:`engine.ops`, and what is composed of them."""

from __future__ import annotations

from typing import Any

from engine import ops
from engine.errors import MissingError

_FAMILIES = ("linear", "activation", "softmax", "loss", "norm", "dropout", "embedding", "conv", "pool", "upsample")


def __getattr__(name: str) -> Any:
    for family in _FAMILIES:
        module = getattr(ops, family, None)
        if not name.startswith("_") and hasattr(module, name):
            found = globals()[name] = getattr(module, name)
            return found
    raise MissingError(
        f"module 'engine.nn.functional' has no '{name}': this subset of PyTorch lacks torch.nn.functional.{name}"
    )
