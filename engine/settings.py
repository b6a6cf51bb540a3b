"""Settings of the process: threads, determinism, the random generator's state; and ``compile``, which is not needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine import random
from engine.device import Device
from engine.device import get_default_device as _default_device
from engine.device import set_default_device as _set_default_device
from engine.tensor import Tensor, wrap

_deterministic = False
_matmul_precision = "highest"


def get_rng_state() -> Tensor:
    """The state of the CPU's default generator as a uint8 tensor; the GPU's is in :mod:`engine.cuda`."""
    return wrap(random.get_rng_state())


def set_rng_state(new_state: Tensor) -> None:
    """Set the state of the CPU's default generator to what :func:`get_rng_state` returned."""
    random.set_rng_state(new_state._array)


def get_num_threads() -> int:
    """The number of threads that parallel kernels run on."""
    import numba

    return numba.get_num_threads()


def set_num_threads(num: int) -> None:
    """Let parallel kernels run on ``num`` threads, at most as many as the processor has.

    Raises:
        RuntimeError: when ``num`` is not positive.
    """
    import numba
    from numba.core import config

    if isinstance(num, bool) or not isinstance(num, int):
        raise TypeError(f"set_num_threads expects an int, but got {type(num).__name__}")
    if num < 1:
        raise RuntimeError("set_num_threads expects a positive integer")
    launched: int = config.NUMBA_NUM_THREADS  # pyright: ignore[reportAttributeAccessIssue]
    numba.set_num_threads(min(num, launched))


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Accepted for PyTorch's sake: every algorithm of the engine is deterministic whatever is set here."""
    global _deterministic
    _deterministic = bool(mode)


def are_deterministic_algorithms_enabled() -> bool:
    """What :func:`use_deterministic_algorithms` was last told; False at first."""
    return _deterministic


def get_default_device() -> Device:
    """The device that tensors are made on where nothing else is asked for; at first the CPU."""
    return _default_device()


def set_default_device(device: str | Device | None) -> None:
    """Make tensors on ``device`` where nothing else is asked for; None: on the CPU.

    Raises:
        DeviceError: for a device that is not there.
    """
    _set_default_device(device)


def get_float32_matmul_precision() -> str:
    """What :func:`set_float32_matmul_precision` was last told; "highest" at first."""
    return _matmul_precision


def set_float32_matmul_precision(precision: str) -> None:
    """Accepted for PyTorch's sake: products of float32 matrices always have full precision, which each setting allows.

    Args:
        precision: "highest", "high" or "medium".
    """
    global _matmul_precision
    if precision not in ("highest", "high", "medium"):
        raise RuntimeError(f"float32 matmul precision must be 'highest', 'high' or 'medium', got {precision!r}")
    _matmul_precision = precision


def compile(model: Callable | None = None, **options: Any) -> Any:
    """``model`` unchanged: the engine is eager, and its kernels are compiled already.

    Like PyTorch's it also works as a decorator with options, which have no effect.
    """
    return model if model is not None else lambda function: function
