"""``torch.cuda`` on a machine without CUDA, which is how this version of the engine sees every machine."""

from __future__ import annotations

from typing import Any

from engine.device import tensor_device
from engine.errors import MissingError

# What asks for a device that must be there.
_NEEDS_DEVICE = frozenset(
    {
        "Event",
        "Stream",
        "current_device",
        "current_stream",
        "get_device_capability",
        "get_device_name",
        "get_device_properties",
        "get_rng_state",
        "init",
        "mem_get_info",
        "set_device",
        "set_rng_state",
        "synchronize",
    }
)


def is_available() -> bool:
    """False."""
    return False


def is_initialized() -> bool:
    """False."""
    return False


def device_count() -> int:
    """0."""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing: there is no generator on a GPU."""


def manual_seed_all(seed: int) -> None:
    """Nothing: there is no generator on a GPU."""


def empty_cache() -> None:
    """Nothing: there is no memory on a GPU."""


def _refuse(*args: Any, **kwargs: Any) -> None:
    tensor_device("cuda")


def __getattr__(name: str) -> Any:
    if name in _NEEDS_DEVICE:
        return _refuse
    raise MissingError(f"module 'engine.cuda' has no '{name}': this subset of PyTorch lacks torch.cuda.{name}")
