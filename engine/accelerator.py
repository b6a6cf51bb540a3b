"""``torch.accelerator`` on a machine without one."""

from __future__ import annotations

from typing import Any

from engine.errors import MissingError


def is_available() -> bool:
    """False."""
    return False


def device_count() -> int:
    """0."""
    return 0


def current_accelerator(check_available: bool = False) -> None:
    """None: there is no accelerator."""
    return None


def __getattr__(name: str) -> Any:
    raise MissingError(
        f"module 'engine.accelerator' has no '{name}': this subset of PyTorch lacks torch.accelerator.{name}"
    )
