"""The generator of random words, its state, and the default one."""

from __future__ import annotations

import math
import operator
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np

from engine.device import CPU, Device, tensor_device
from engine.errors import DeviceError, DtypeError

#: The seed of a generator that was not given one (PyTorch's ``default_rng_seed_val``).
DEFAULT_SEED = 67280421310721

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


class Generator:
    """A stream of random words with a state that can be saved: ``torch.Generator`` on the CPU.

    The words are those of the Mersenne Twister MT19937 with 32 bits (Matsumoto and Nishimura,
    "Mersenne Twister: a 623-dimensionally equidistributed uniform pseudo-random number generator",
    ACM TOMACS 8(1), 1998), initialised by their ``init_genrand`` from the low 32 bits of the seed,
    as in PyTorch's ``CPUGeneratorImpl``. A fresh generator has PyTorch's seed 67280421310721.

    Args:
        device: only ``"cpu"``.

    Raises:
        DeviceError: for any other device.
    """

    def __init__(self, device: str | Device = "cpu") -> None:
        self.device = CPU if device is None else tensor_device(device)
        self._bits = np.random.MT19937()
        #: Second number of the last Box-Muller pair, NaN where none waits; a kernel writes it.
        self.next_normal = np.array([math.nan])
        self.manual_seed(DEFAULT_SEED)

    def words(self, count: int) -> np.ndarray:
        """The next ``count`` words of 32 bits: uint64, shape (count,)."""
        return self._bits.random_raw(count)

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream that belongs to ``seed``; returns the generator itself.

        ``seed`` lies in [-2^63, 2^64 - 1]; a negative one means ``seed + 2^64``. Seeds that agree
        in their low 32 bits give the same stream.

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
        # RandomState is NumPy's public way to init_genrand; its own streams are not used.
        np.random.RandomState(self._bits).seed(self._seed & 0xFFFFFFFF)
        self.next_normal[0] = math.nan
        return self

    def seed(self) -> int:
        """Seed with 64 bits from the operating system's entropy; returns them."""
        self.manual_seed(secrets.randbits(64))
        return self._seed

    def initial_seed(self) -> int:
        """The seed that the current stream began with, in [0, 2^64 - 1]."""
        return self._seed

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
        """Continue where ``get_state`` was called, here or in PyTorch; returns self.

        Raises:
            DtypeError: state is not an array of uint8.
            RuntimeError: state has another size, or holds values that no generator can have.
        """
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
    if not isinstance(state, np.ndarray) or state.dtype != np.uint8:
        kind = state.dtype if isinstance(state, np.ndarray) else type(state).__name__
        raise DtypeError(f"set_state: the state must be an array of uint8, got {kind}")
    if state.size != _STATE.itemsize:
        raise RuntimeError(
            f"set_state: a state has {_STATE.itemsize} bytes, got an array of shape {state.shape}"
        )
    record = np.frombuffer(state.tobytes(), _STATE)[0]
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


#: The generator of every function that is not given one. Unlike PyTorch's it starts from the same
#: seed in each process, so that a run without ``manual_seed`` can be repeated; ``seed()`` differs.
default_generator = Generator()


def manual_seed(seed: int) -> Generator:
    """Seed the default generator with ``int(seed)`` and return it (``torch.manual_seed``)."""
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Seed the default generator with 64 bits of the system's entropy and return them."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the default generator's stream began with (``torch.initial_seed``)."""
    return default_generator.initial_seed()


def get_rng_state() -> np.ndarray:
    """State of the default generator: uint8, shape (5056,); see :meth:`Generator.get_state`."""
    return default_generator.get_state()


def set_rng_state(new_state: np.ndarray) -> None:
    """Set the state of the default generator; see :meth:`Generator.set_state`."""
    default_generator.set_state(new_state)


@contextmanager
def fork_rng(devices: Iterable | None = None, enabled: bool = True) -> Iterator[None]:
    """A ``with`` block after which the default generator is where it was before it.

    Raises:
        DeviceError: devices names GPUs, whose generators this engine does not have.
    """
    named = [] if devices is None else list(devices)
    if not enabled:
        yield
        return
    if named:
        raise DeviceError(
            f"fork_rng: devices must be empty, got {named}; only the CPU has a generator here"
        )
    state = default_generator.get_state()
    try:
        yield
    finally:
        default_generator.set_state(state)


def chosen(generator: Generator | None) -> Generator:
    """``generator``, or the default one.

    Raises:
        TypeError: it is something else.
    """
    if generator is None:
        return default_generator
    if not isinstance(generator, Generator):
        raise TypeError(f"generator must be a Generator or None, got {type(generator).__name__}")
    return generator
