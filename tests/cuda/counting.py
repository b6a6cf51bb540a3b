"""Counts what a step asks of the GPU: launches, copies, waiting, and memory from the driver."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from engine.device import copies, gate
from engine.kernels.cuda import launch

#: Where each is asked for, and the word for it.
COUNTED = {
    (copies, "to_device"): "copies",
    (copies, "start_to_device"): "copies",
    (copies, "to_host"): "reads",
    (copies, "synchronize"): "reads",
    (gate, "allocate"): "allocations",
}

#: Steps after which arrays lie where those of the step before lay.
STEADY = 5


def counted(step: Callable[[], Any]) -> Counter[str]:
    """What one ``step`` asks for in the steady state: ``launches`` and the words of ``COUNTED``, and each kernel's name."""
    # What others left in cycles would come back to the pool in between, and arrays would lie elsewhere.
    gc.collect()
    for _ in range(STEADY):
        step()
    found: Counter[str] = Counter()
    with pytest.MonkeyPatch.context() as patch:
        for (module, name), word in COUNTED.items():
            patch.setattr(module, name, _noting(getattr(module, name), found, word))
        patch.setattr(launch, "configured", _noting_launches(launch.configured, found))
        step()
    return found


def _noting(function: Callable[..., Any], found: Counter[str], word: str) -> Callable[..., Any]:
    def run(*arguments: Any) -> Any:
        found[word] += 1
        return function(*arguments)

    return run


def _noting_launches(configured: Callable[..., Any], found: Counter[str]) -> Callable[..., Any]:
    def run(kernel: Any, *places: Any) -> Any:
        found["launches"] += 1
        found[kernel.__name__] += 1
        return configured(kernel, *places)

    return run
