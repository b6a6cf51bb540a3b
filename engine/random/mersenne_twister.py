"""The generator of the CPU: the words of PyTorch's Mersenne Twister."""

from __future__ import annotations

import math

import numpy as np

from engine.device import CPU, Device
from engine.random.generator import Generator, state_bytes

_WORDS = 624

# The layout of the byte tensor that torch.get_rng_state() returns for the CPU.
_STATE = np.dtype(
    [
        ("seed", "<u8"),
        ("left", "<i4"),
        ("seeded", "<i4"),
        ("next", "<u8"),
        ("words", "<u8", _WORDS),
        ("unused_x", "<f8"),
        ("normal", "<f8"),
        ("unused_rho", "<f8"),
        ("has_normal", "<i4"),
        ("padding", "<i4"),
        ("unused_float", "<f4"),
        ("has_float", "<i4"),
    ]
)


class MersenneTwister(Generator):
    """A stream of random words of 32 bits: ``torch.Generator("cpu")``.

    The words are those of MT19937 (Matsumoto and Nishimura, "Mersenne Twister: a 623-dimensionally equidistributed
    uniform pseudo-random number generator", ACM TOMACS 8(1), 1998), initialised by their ``init_genrand`` from the low
    32 bits of the seed, as in PyTorch's ``CPUGeneratorImpl``: seeds that agree in these give the same stream.
    """

    device = CPU

    def __init__(self, device: str | Device | None = None) -> None:
        self._bits = np.random.MT19937()
        #: Second number of the last Box-Muller pair, NaN where none waits; a kernel writes it.
        self.next_normal = np.array([math.nan])
        super().__init__()

    def words(self, count: int) -> np.ndarray:
        """The next ``count`` words of 32 bits: uint64, shape (count,)."""
        return self._bits.random_raw(count)

    def _begin(self) -> None:
        # RandomState is NumPy's public way to init_genrand; its own streams are not used.
        np.random.RandomState(self._bits).seed(self._seed & 0xFFFFFFFF)
        self.next_normal[0] = math.nan

    def get_state(self) -> np.ndarray:
        """Everything that later numbers depend on: uint8, shape (5056,).

        The layout is that of PyTorch's byte tensor, so that a state can be carried between the two:
        seed, words left + 1, a flag, index of the next word (little-endian int64, int32, int32,
        int64), the 624 words of the twister as uint64, three float64 of which the second is the
        waiting normal number, a flag that says whether it is there, and 12 bytes that the CPU does
        not use.
        """
        twister = self._bits.state["state"]
        record = np.zeros((), _STATE)
        record["seed"] = self._seed
        record["left"] = _WORDS + 1 - twister["pos"]
        record["seeded"] = 1
        record["next"] = twister["pos"]
        record["words"] = twister["key"]
        if not math.isnan(self.next_normal[0]):
            record["normal"] = self.next_normal[0]
            record["has_normal"] = 1
        return np.frombuffer(record.tobytes(), np.uint8).copy()

    def set_state(self, state: np.ndarray) -> Generator:
        record = _checked(state)
        left = int(record["left"])
        # One word "left" means none: the next call makes 624 new ones, whatever "next" says.
        position = _WORDS if left == 1 else int(record["next"])
        words = record["words"].astype(np.uint32)
        self._bits.state = {"bit_generator": "MT19937", "state": {"key": words, "pos": position}}
        self._seed = int(record["seed"])
        self.next_normal[0] = record["normal"] if record["has_normal"] else math.nan
        return self


def _checked(state: np.ndarray) -> np.ndarray:
    record = np.frombuffer(state_bytes(state, _STATE.itemsize), _STATE)[0]
    left, following, words = int(record["left"]), int(record["next"]), record["words"]
    wrong = None
    if record["seeded"] != 1:
        wrong = "it was never seeded"
    elif not 1 <= left <= _WORDS or (left > 1 and left + following != _WORDS + 1):
        wrong = f"{left} words left and word {following} next do not fit together"
    elif words.max() >= 2**32 or not words.any():
        wrong = "its words are not 32-bit numbers of which at least one is not zero"
    elif record["has_normal"] and not math.isfinite(record["normal"]):
        wrong = f"the waiting normal number is {record['normal']}"
    if wrong:
        raise RuntimeError(f"set_state: not a state of the Mersenne Twister: {wrong}")
    return record
