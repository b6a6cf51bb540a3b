"""The default generator of each device, and what PyTorch does to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from engine.device import CPU, Device
from engine.errors import DeviceError
from engine.random.generator import Generator
from engine.random.mersenne_twister import MersenneTwister
from engine.random.philox import Philox

#: The generator of every function that is not given one. Unlike PyTorch's it starts from the same
#: seed in each process, so that a run without ``manual_seed`` can be repeated; ``seed()`` differs.
default_generator = MersenneTwister()

#: The same for what is drawn on a GPU. It is there, and is seeded, whether there is a GPU or not.
cuda_generator = Philox()


def manual_seed(seed: int) -> Generator:
    """Seed the default generators of all devices with ``int(seed)``; returns the CPU's (``torch.manual_seed``)."""
    cuda_generator.manual_seed(int(seed))
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Seed the default generators with 64 bits of the system's entropy and return them."""
    drawn = default_generator.seed()
    cuda_generator.manual_seed(drawn)
    return drawn


def initial_seed() -> int:
    """The seed that the CPU's default stream began with (``torch.initial_seed``)."""
    return default_generator.initial_seed()


def get_rng_state() -> np.ndarray:
    """State of the CPU's default generator: uint8, shape (5056,); see :meth:`MersenneTwister.get_state`."""
    return default_generator.get_state()


def set_rng_state(new_state: np.ndarray) -> None:
    """Set the state of the CPU's default generator; see :meth:`Generator.set_state`."""
    default_generator.set_state(new_state)


def get_all_states() -> tuple[np.ndarray, ...]:
    """The states of the default generators of all devices: where the engine's random numbers stand."""
    return default_generator.get_state(), cuda_generator.get_state()


def set_all_states(states: Sequence[np.ndarray]) -> None:
    """Continue where :func:`get_all_states` was called."""
    for generator, state in zip((default_generator, cuda_generator), states, strict=True):
        generator.set_state(state)


@contextmanager
def fork_rng(devices: Iterable | None = None, enabled: bool = True, device_type: str = "cuda") -> Iterator[None]:
    """A ``with`` block after which the default generators are where they were before it.

    Args:
        devices: the GPUs whose generator counts, as numbers or names; by default all, which is one. The CPU's
            always does.

    Raises:
        DeviceError: devices names another GPU than number 0.
    """
    if not enabled:
        yield
        return
    covers_gpu = devices is None
    for device in () if devices is None else devices:
        index = device if isinstance(device, int) else Device(device).index
        if index not in (None, 0):
            raise DeviceError(f"fork_rng: this engine uses one GPU, number 0; devices has {device!r}")
        covers_gpu = True
    states = get_all_states()
    try:
        yield
    finally:
        default_generator.set_state(states[0])
        if covers_gpu:
            cuda_generator.set_state(states[1])


def chosen(generator: Generator | None, device: Device = CPU) -> Any:
    """``generator``, or the default one of ``device``.

    Raises:
        TypeError: it is something else.
        DeviceError: it is one of another device.
    """
    if generator is None:
        return default_generator if device.type == "cpu" else cuda_generator
    if not isinstance(generator, Generator):
        raise TypeError(f"generator must be a Generator or None, got {type(generator).__name__}")
    if generator.device.type != device.type:
        raise DeviceError(
            f"Expected a '{device.type}' device type for generator but found '{generator.device.type}'; "
            f"make it with Generator(device='{device.type}')"
        )
    return generator


def chosen_on_cpu(generator: Generator | None, device: Device) -> MersenneTwister:
    """What draws on the CPU what is wanted on ``device``: of a GPU's generator a stream that follows from it."""
    found = chosen(generator, device)
    return found.stream() if isinstance(found, Philox) else found
