"""``torch.cuda``: the GPU that the engine can use, its memory, and waiting for it.

One GPU: device 0 of those that the environment variable CUDA_VISIBLE_DEVICES leaves visible. Kernels run in the order of
their launches, in one stream (others: :func:`stream`), while Python goes on; reading a value (``item()``, ``cpu()``) waits
for them.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Any, NamedTuple

from engine.device import Device, copies, gate
from engine.device.streams import Event, Stream, StreamContext, current_stream, default_stream, set_stream, stream
from engine.errors import DeviceError, MissingError, OutOfMemoryError
from engine.random import cuda_generator
from engine.tensor import Tensor, wrap

__all__ = [
    "DeviceProperties", "Event", "OutOfMemoryError", "Stream", "StreamContext", "current_device", "current_stream",
    "default_stream", "device", "device_count", "empty_cache", "get_device_capability", "get_device_name",
    "get_device_properties", "get_rng_state", "get_rng_state_all", "init", "initial_seed", "is_available", "is_initialized",
    "manual_seed", "manual_seed_all", "max_memory_allocated", "mem_get_info", "memory_allocated", "memory_reserved",
    "memory_summary", "reset_peak_memory_stats", "seed", "seed_all", "set_device", "set_rng_state", "set_rng_state_all",
    "set_stream", "stream", "synchronize",
]  # fmt: skip


def _pool() -> Any:
    from engine.device.pool import pool

    return pool


def _checked(device: Any) -> None:
    gate.require()
    index = Device(device).index if isinstance(device, (str, Device)) else device
    if index not in (None, 0):
        raise DeviceError(f"cuda: this engine uses one GPU, number 0; device {device!r} was asked for")


def is_available() -> bool:
    """Whether tensors can be moved to a GPU."""
    return gate.missing() is None


def is_initialized() -> bool:
    """Whether an array has been put on the GPU."""
    return bool(_pool().requests)


def init() -> None:
    """Connect to the GPU, which the first array does otherwise.

    Raises:
        DeviceError: where there is none, saying what is missing.
    """
    gate.require()


def device_count() -> int:
    """The number of GPUs; the engine uses the first one."""
    return gate.device_count()


def current_device() -> int:
    """0: the GPU that is used."""
    _checked(None)
    return 0


def set_device(device: Any) -> None:
    """Nothing, for device 0.

    Raises:
        DeviceError: for another one.
    """
    _checked(device)


def get_device_name(device: Any = None) -> str:
    """What the GPU calls itself."""
    _checked(device)
    return gate.device_name()


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """The compute capability, such as (9, 0)."""
    _checked(device)
    return gate.compute_capability()


class DeviceProperties(NamedTuple):
    """What :func:`get_device_properties` gives; memory in bytes."""

    name: str
    major: int
    minor: int
    total_memory: int


def get_device_properties(device: Any = None) -> DeviceProperties:
    """Name, compute capability and memory of the GPU."""
    _checked(device)
    return DeviceProperties(gate.device_name(), *gate.compute_capability(), gate.memory_info()[1])


def synchronize(device: Any = None) -> None:
    """Wait until every kernel that was launched has ended."""
    _checked(device)
    copies.synchronize()
    if is_initialized():
        from engine.device.cuda_array import waited

        waited(everywhere=True)


# ---- memory, in bytes ----


def memory_allocated(device: Any = None) -> int:
    """What arrays hold now."""
    return _pool().allocated


def max_memory_allocated(device: Any = None) -> int:
    """The most that arrays held at once."""
    return _pool().peak


def reset_peak_memory_stats(device: Any = None) -> None:
    """Let :func:`max_memory_allocated` begin anew."""
    _pool().reset_peak()


def memory_reserved(device: Any = None) -> int:
    """What the driver gave: in use, or waiting in the pool."""
    return _pool().reserved


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Free and total bytes of the GPU, for all processes."""
    _checked(device)
    return gate.memory_info()


def empty_cache() -> None:
    """Give what waits in the pool back to the driver."""
    _pool().release()


def memory_summary(device: Any = None, abbreviated: bool = False) -> str:
    """A table of what holds memory: the largest kinds of arrays first."""
    return _pool().summary()


# ---- random numbers that are drawn on the GPU; engine.manual_seed seeds their generator too ----


def manual_seed(seed: int) -> None:
    """Seed the GPU's default generator, whether there is a GPU or not."""
    cuda_generator.manual_seed(int(seed))


def manual_seed_all(seed: int) -> None:
    """The same as :func:`manual_seed`, as there is one GPU."""
    manual_seed(seed)


def seed() -> None:
    """Seed the GPU's default generator with 64 bits of the system's entropy."""
    cuda_generator.seed()


def seed_all() -> None:
    """The same as :func:`seed`, as there is one GPU."""
    seed()


def initial_seed() -> int:
    """The seed that the GPU's default stream began with."""
    _checked(None)
    return cuda_generator.initial_seed()


def get_rng_state(device: Any = None) -> Tensor:
    """The state of the GPU's default generator: uint8, shape (16,), on the CPU; seed and offset, as in PyTorch."""
    _checked(device)
    return wrap(cuda_generator.get_state())


def get_rng_state_all() -> list[Tensor]:
    """:func:`get_rng_state` of every GPU: one state, none without a GPU."""
    return [get_rng_state()] if is_available() else []


def set_rng_state(new_state: Tensor, device: Any = None) -> None:
    """Set the state of the GPU's default generator to what :func:`get_rng_state` returned."""
    _checked(device)
    cuda_generator.set_state(new_state._array)


def set_rng_state_all(new_states: Iterable[Tensor]) -> None:
    """:func:`set_rng_state` for every GPU, with what :func:`get_rng_state_all` returned."""
    for number, state in enumerate(new_states):
        set_rng_state(state, number)


class device:
    """Context manager that PyTorch has for choosing among GPUs; here there is one."""

    def __init__(self, device: Any) -> None:
        _checked(device)

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None


def __getattr__(name: str) -> Any:
    raise MissingError(f"module 'engine.cuda' has no '{name}': this subset of PyTorch lacks torch.cuda.{name}")
