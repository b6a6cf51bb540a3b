"""Nablascope's engine: a strict subset of PyTorch; ``import engine as torch`` runs the same script.

Names are handed on when they are first used: ``import engine`` alone loads neither NumPy nor Numba, so that
what only needs a submodule of plain Python starts at once. What PyTorch has and the engine does not raises
:class:`~engine.errors.MissingError`, which names it.
"""

from __future__ import annotations

import importlib.util
import math
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for tools; __getattr__ gives them every other name as Any
    from engine import accelerator as accelerator
    from engine import autograd as autograd
    from engine import backends as backends
    from engine import cuda as cuda
    from engine import nn as nn
    from engine import optim as optim
    from engine import random as random
    from engine import utils as utils
    from engine.creation import tensor as tensor
    from engine.device import Device as device  # noqa: F401
    from engine.dtypes import dtype as dtype
    from engine.dtypes import float32 as float32
    from engine.dtypes import float64 as float64
    from engine.dtypes import get_default_dtype as get_default_dtype
    from engine.dtypes import int64 as int64
    from engine.dtypes import set_default_dtype as set_default_dtype
    from engine.dtypes import uint8 as uint8
    from engine.random import Generator as Generator
    from engine.random import manual_seed as manual_seed
    from engine.tensor import Size as Size
    from engine.tensor import Tensor as Tensor
    from engine.tensor import enable_grad as enable_grad
    from engine.tensor import inference_mode as inference_mode
    from engine.tensor import is_grad_enabled as is_grad_enabled
    from engine.tensor import no_grad as no_grad
    from engine.tensor import set_grad_enabled as set_grad_enabled

__version__ = "0.1.0"

# Where each name comes from; "name=other" is another name there.
_SOURCES = {
    "engine.tensor": (
        "Tensor Size no_grad enable_grad set_grad_enabled is_grad_enabled inference_mode"
    ),
    "engine.dtypes": (
        "dtype float32 float64 int64 uint8 float=float32 double=float64 long=int64 bool=bool_ "
        "get_default_dtype set_default_dtype promote_types"
    ),
    "engine.device": "device=Device",
    "engine.random": "Generator default_generator manual_seed seed initial_seed",
    "engine.settings": (
        "get_rng_state set_rng_state get_num_threads set_num_threads use_deterministic_algorithms "
        "are_deterministic_algorithms_enabled get_default_device set_default_device "
        "get_float32_matmul_precision set_float32_matmul_precision compile"
    ),
    "engine.inspection": "is_tensor is_floating_point is_complex numel typename",
    "engine.limits": "finfo iinfo",
    "engine.nn.composed": "cosine_similarity pairwise_distance prelu",
    "engine.printing": "set_printoptions",
    "engine.autograd.anomaly": "is_anomaly_enabled is_anomaly_check_nan_enabled",
    "engine.checkpoint": "save load",
}

_HOME = {
    name.partition("=")[0]: (module, name.rpartition("=")[2])
    for module, names in _SOURCES.items()
    for name in names.split()
}

_CONSTANTS = {
    "inf": math.inf,
    "nan": math.nan,
    "pi": math.pi,
    "e": math.e,
    "newaxis": None,
    "strided": "torch.strided",
    "contiguous_format": "torch.contiguous_format",
    "preserve_format": "torch.preserve_format",
}

_SUBMODULES = ("accelerator", "autograd", "backends", "cuda", "linalg", "nn", "optim", "random", "utils")

#: Files of the engine whose name PyTorch gives to a function or a class.
_NOT_SUBMODULES = frozenset({"tensor", "device"})


class _Package(types.ModuleType):
    """The type of this package.

    After importing ``engine/tensor.py`` Python binds the module as attribute ``tensor`` of its package, where
    ``engine.tensor`` must go on being PyTorch's function. The module stays reachable by every form of import.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _NOT_SUBMODULES and isinstance(value, types.ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module 'engine' has no attribute '{name}'")
    value = _find(name)
    globals()[name] = value
    return value


def _find(name: str) -> Any:
    if name in _HOME:
        module, original = _HOME[name]
        if name == "Tensor":
            _function_tables()  # gives it its methods
        return getattr(importlib.import_module(module), original)
    if name in _CONSTANTS:
        return _CONSTANTS[name]
    if name not in _NOT_SUBMODULES and importlib.util.find_spec(f"{__name__}.{name}") is not None:
        return importlib.import_module(f"{__name__}.{name}")
    if not name.startswith("_"):
        for table in _function_tables():
            if name in table:
                return table[name]
    from engine.errors import MissingError

    raise MissingError(f"module 'engine' has no '{name}': this subset of PyTorch lacks torch.{name}")


def _function_tables() -> list[dict[str, Any]]:
    """The functions of tensors: the ops, and those that make tensors."""
    tables = [importlib.import_module("engine.ops").functions]
    for path in ("engine.creation", "engine.random_tensors"):
        module = importlib.import_module(path)
        tables.append({name: getattr(module, name) for name in module.FUNCTIONS})
    return tables


def __dir__() -> list[str]:
    functions = [name for table in _function_tables() for name in table]
    return sorted({*_HOME, *_CONSTANTS, *_SUBMODULES, *functions, "__version__"})
