"""Helpers around training; `engine.utils.data` mirrors `torch.utils.data`."""

from __future__ import annotations

import importlib
from types import ModuleType

__all__ = ["data"]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    from engine.errors import MissingError

    raise MissingError(f"engine.utils has no {name!r}; it has: {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
