"""A hash of everything that a run goes on from: equal hashes at equal positions mean equal states."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.debug.replay.living import live_tensors
from engine.random import get_all_states
from engine.tensor import Tensor

if TYPE_CHECKING:
    from engine.debug.replay.recorder import Recorder


def optimized(recorder: Recorder) -> Iterator[tuple[str, Tensor]]:
    """Parameters (``"p0.3"``), gradients (``"g0.3"``) and state (``"s0.3.exp_avg"``) of all optimizers that have made
    a step, in the order of first steps: number of the optimizer, number of the parameter."""
    for number, optimizer in enumerate(recorder.optimizers):
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        for i, p in enumerate(parameters):
            yield f"p{number}.{i}", p
            if p._grad is not None:
                yield f"g{number}.{i}", p._grad
            # get(): asking a defaultdict would make an entry.
            for name, value in (optimizer.state.get(p) or {}).items():
                if isinstance(value, Tensor):
                    yield f"s{number}.{i}.{name}", value


def digest_of(recorder: Recorder) -> str:
    """A hash of all parameters and optimizer state, running statistics, and the default random streams.

    Gradients do not count: the next step makes new ones.
    """
    state = hashlib.blake2b(digest_size=16)
    for key, tensor in optimized(recorder):
        if not key.startswith("g"):
            _add(state, key, tensor._array)
    # What only a cycle keeps alive would make the hash depend on when the collector ran last.
    gc.collect()
    buffers = {t._made: t for t in live_tensors() if "_is_buffer" in t.__dict__}
    for number in sorted(buffers, reverse=True):
        _add(state, str(number), buffers[number]._array)
    for stream in get_all_states():
        state.update(stream.tobytes())
    return state.hexdigest()


def _add(state: Any, key: str, array: np.ndarray) -> None:
    state.update(f"{key} {array.shape} {array.dtype.str};".encode())
    state.update(array.tobytes())
