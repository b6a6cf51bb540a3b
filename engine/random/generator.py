"""What a generator of random numbers is: one stream, with a seed and a state."""

from __future__ import annotations

import operator
import secrets
from typing import Any, TypeVar

import numpy as np

from engine.device import CPU, Device, tensor_device
from engine.errors import DtypeError

_Kind = TypeVar("_Kind", bound="Generator")

#: The seed of a generator that was not given one (PyTorch's ``default_rng_seed_val``).
DEFAULT_SEED = 67280421310721


class Generator:
    """A stream of random numbers with a state that can be saved: ``torch.Generator``.

    On the CPU it is a :class:`~engine.random.mersenne_twister.MersenneTwister`, on a GPU a
    :class:`~engine.random.philox.Philox`; after the same seed they give different numbers. A fresh generator has
    PyTorch's seed 67280421310721.

    Args:
        device: where the numbers are wanted that it draws; None: on the CPU.

    Raises:
        DeviceError: for a GPU that is not there.
    """

    device: Device

    def __new__(cls: type[_Kind], device: str | Device | None = None) -> _Kind:
        kind: Any = cls
        if cls is Generator:
            from engine.random.mersenne_twister import MersenneTwister
            from engine.random.philox import Philox

            kind = MersenneTwister if device is None or tensor_device(device) == CPU else Philox
        return object.__new__(kind)

    def __init__(self, device: str | Device | None = None) -> None:
        self.manual_seed(DEFAULT_SEED)

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream that belongs to ``seed``; returns the generator itself.

        ``seed`` lies in [-2^63, 2^64 - 1]; a negative one means ``seed + 2^64``.

        Raises:
            RuntimeError: seed is not an integer.
            ValueError: seed is out of range.
        """
        try:
            if isinstance(seed, bool):
                raise TypeError
            number = operator.index(seed)
        except TypeError:
            raise RuntimeError(
                f"manual_seed: expected an integer, got {type(seed).__name__} {seed!r}"
            ) from None
        if not -(2**63) <= number < 2**64:
            raise ValueError(f"manual_seed: seed must lie in [-2**63, 2**64 - 1], got {number}")
        self._seed = number % 2**64
        self._begin()
        return self

    def _begin(self) -> None:
        """Go to the beginning of the stream of ``_seed``."""
        raise NotImplementedError

    def seed(self) -> int:
        """Seed with 64 bits from the operating system's entropy; returns them."""
        self.manual_seed(secrets.randbits(64))
        return self._seed

    def initial_seed(self) -> int:
        """The seed that the current stream began with, in [0, 2^64 - 1]."""
        return self._seed

    def get_state(self) -> np.ndarray:
        """Everything that later numbers depend on: uint8, one dimension."""
        raise NotImplementedError

    def set_state(self, state: np.ndarray) -> Generator:
        """Continue where ``get_state`` was called, here or in PyTorch; returns self.

        Raises:
            DtypeError: state is not an array of uint8.
            RuntimeError: state has another size, or holds values that no such generator can have.
        """
        raise NotImplementedError


def state_bytes(state: np.ndarray, size: int) -> bytes:
    """The bytes of a state, checked to be ``size`` of them.

    Raises:
        DtypeError: state is not an array of uint8.
        RuntimeError: it has another size.
    """
    if not isinstance(state, np.ndarray) or state.dtype != np.uint8:
        kind = state.dtype if isinstance(state, np.ndarray) else type(state).__name__
        raise DtypeError(f"set_state: the state must be an array of uint8, got {kind}")
    if state.size != size:
        raise RuntimeError(f"set_state: a state has {size} bytes, got an array of shape {state.shape}")
    return state.tobytes()
