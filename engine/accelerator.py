"""``torch.accelerator``: the GPU, where there is one."""

from __future__ import annotations

from typing import Any

from engine import cuda
from engine.device import CUDA, Device
from engine.errors import MissingError


def is_available() -> bool:
    """Whether there is an accelerator that can be used."""
    return cuda.is_available()


def device_count() -> int:
    """The number of accelerators."""
    return cuda.device_count()


def current_accelerator(check_available: bool = False) -> Device | None:
    """``device(type='cuda')``; None where there is none."""
    return Device(CUDA.type) if cuda.is_available() else None


def synchronize(device: Any = None) -> None:
    """Wait until every kernel that was launched has ended."""
    cuda.synchronize(device)


def __getattr__(name: str) -> Any:
    raise MissingError(
        f"module 'engine.accelerator' has no '{name}': this subset of PyTorch lacks torch.accelerator.{name}"
    )
