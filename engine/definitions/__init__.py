"""The maths of every op, once (see :mod:`engine.definitions.contract`).

``all_definitions()`` imports every family and returns its definitions by name. Each op's Function
(:mod:`engine.ops`) names the definitions of its outputs and gradients in ``Function.definitions``; its
attributes and operands carry the names of the definitions' arguments.
"""

from __future__ import annotations

import importlib
import pkgutil

from engine.definitions.contract import Definition, defines, registry

__all__ = ["Definition", "all_definitions", "defines", "registry"]


def all_definitions() -> dict[str, Definition]:
    """Every definition of the engine by name."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return registry()
