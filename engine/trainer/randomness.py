"""The random generators that a training run draws from, saved and restored together."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

import engine.random
from engine.errors import CheckpointError
from engine.random import Generator, cuda_generator, default_generator


def seed_everything(seed: int) -> int:
    """Seed the engine's default generators, Python's ``random`` and NumPy's global generator; returns the seed.

    Raises:
        ValueError: seed is not in [0, 2**32 - 1], the range that NumPy takes.
    """
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed_everything: seed must lie in [0, 2**32 - 1], got {seed}")
    engine.random.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)
    return seed


class Randomness:
    """The default generators, Python's and NumPy's global ones, and the own generators of data loaders."""

    def __init__(self, *loaders: Any) -> None:
        self._own: list[Generator] = []
        for loader in loaders:
            for holder in _holders(loader):
                generator = getattr(holder, "generator", None)
                known = generator is default_generator or any(generator is own for own in self._own)
                if isinstance(generator, Generator) and not known:
                    self._own.append(generator)

    def state(self) -> dict[str, Any]:
        """The states of all generators."""
        return {
            "default": default_generator.get_state(),
            "cuda": cuda_generator.get_state(),
            "python": random.getstate(),
            "numpy": np.random.get_state(),
            "loaders": [generator.get_state() for generator in self._own],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue where :meth:`state` was called.

        Raises:
            CheckpointError: the loaders have another number of own generators.
        """
        if len(state["loaders"]) != len(self._own):
            raise CheckpointError(
                f"fit: the checkpoint was written with {len(state['loaders'])} generators of data loaders, "
                f"now there are {len(self._own)}; resume with loaders that are made in the same way"
            )
        default_generator.set_state(state["default"])
        if "cuda" in state:  # which checkpoints of older versions lack
            cuda_generator.set_state(state["cuda"])
        random.setstate(state["python"])
        np.random.set_state(state["numpy"])
        for generator, own in zip(self._own, state["loaders"], strict=True):
            generator.set_state(own)


def _holders(loader: Any) -> list[Any]:
    batch_sampler = getattr(loader, "batch_sampler", None)
    return [loader, getattr(loader, "sampler", None), batch_sampler, getattr(batch_sampler, "sampler", None)]
