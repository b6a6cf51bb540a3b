"""The generator of a GPU: it counts draws; every number follows from seed, count and place in the draw."""

from __future__ import annotations

import struct

import numpy as np

from engine.definitions.random import words
from engine.device import CUDA
from engine.random.generator import Generator, state_bytes
from engine.random.mersenne_twister import MersenneTwister

_STATE = struct.Struct("<Qq")

#: Words of a block that one draw may use: what cuRAND's offset, and so PyTorch's, grows by at each.
_DRAW = 4


class Philox(Generator):
    """Philox4x32-10: ``torch.Generator("cuda")``.

    Its state is the seed and an offset, which :meth:`take` moves on by 4; the words come from
    :func:`engine.definitions.random.words`. It needs no GPU itself.
    """

    device = CUDA

    def _begin(self) -> None:
        self._offset = 0

    def take(self) -> tuple[int, int]:
        """Seed and offset of the next draw, both in the range of int64, as kernels take them."""
        offset = self._offset
        self._offset = offset + _DRAW
        return (self._seed if self._seed < 2**63 else self._seed - 2**64), offset

    def stream(self) -> MersenneTwister:
        """A generator on the CPU for one draw that is made there: seeded with the first word of the next draw."""
        generator = MersenneTwister()
        generator.manual_seed(words(*self.take(), 0)[0])
        return generator

    def get_state(self) -> np.ndarray:
        """Everything that later numbers depend on: uint8, shape (16,).

        The layout is that of PyTorch's byte tensor: seed and offset, little-endian uint64 and int64.
        """
        return np.frombuffer(_STATE.pack(self._seed, self._offset), np.uint8).copy()

    def set_state(self, state: np.ndarray) -> Generator:
        seed, offset = _STATE.unpack(state_bytes(state, _STATE.size))
        if offset < 0 or offset % _DRAW:
            raise RuntimeError(f"set_state: the offset must be a multiple of {_DRAW} and not negative, got {offset}")
        self._seed, self._offset = seed, offset
        return self
