"""How far a run goes and where it computes: batches of a loader, epochs to come, device, threads, seed.

All of it is asked on the script's thread and noticed by nobody: lengths may run code of the user's.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any

import engine
from engine.debug.evaluation import quiet
from engine.nn.module import Module
from engine.random import default_generator
from engine.utils.data import IterableDataset

#: Names under which scripts keep how many epochs they train.
_EPOCHS = ("epochs", "num_epochs", "n_epochs", "max_epochs", "EPOCHS", "NUM_EPOCHS")

#: Names under which they keep what was parsed of the command line.
_PARSED = ("args", "opt", "config", "cfg")


def batch_count(loader: Any) -> int | None:
    """How many batches a pass over ``loader`` has; None where it cannot tell.

    The length of an IterableDataset is not asked for: DataLoaders hold it against what comes then.
    """
    return None if isinstance(loader.dataset, IterableDataset) else _length(loader)


def sample_count(loader: Any) -> int | None:
    """How many samples the dataset of ``loader`` has; None where it cannot tell."""
    return None if isinstance(loader.dataset, IterableDataset) else _length(loader.dataset)


def _length(of: Any) -> int | None:
    try:
        with quiet():
            return len(of)
    except Exception:  # whatever a sampler or dataset of the user's raises, it has no length
        return None


def epoch_count(frame: FrameType | None) -> int | None:
    """How many epochs the script that calls from ``frame`` trains; None where nothing there says it.

    A Trainer at work says it, else a variable with one of the usual names (``epochs``, ``args.epochs`` ...), looked for
    from ``frame`` outwards.
    """
    trainer = _trainer_class()
    while frame is not None:
        for names in (frame.f_locals, frame.f_globals):
            if trainer is not None and isinstance(names.get("trainer"), trainer):
                return names["trainer"].max_epochs
            if (found := _named(names)) is not None:
                return found
        frame = frame.f_back
    return None


def _trainer_class() -> type | None:
    module = sys.modules.get("engine.trainer.trainer")
    return getattr(module, "Trainer", None)


def _named(names: Mapping[str, Any]) -> int | None:
    parsed = [names[name] for name in _PARSED if name in names]
    for name in _EPOCHS:
        for value in (names.get(name), *(_attribute(holder, name) for holder in parsed)):
            if type(value) is int and value > 0:
                return value
    return None


def _attribute(holder: Any, name: str) -> Any:
    # Only what is simply there: a property would run the user's code.
    return vars(holder).get(name) if hasattr(holder, "__dict__") else None


def surroundings(optimizers: Sequence[Any], models: Sequence[Module] = ()) -> dict[str, Any]:
    """``{"device", "threads", "seed"}``: where the parameters lie that are trained (before the first step, or without
    one: those of the newest model that was called), how many threads parallel kernels of the calling thread have, and what
    the default generator was seeded with."""
    groups = optimizers[-1].param_groups if optimizers else ()
    trained = (parameter for group in groups for parameter in group["params"])
    called = (parameter for model in reversed(models) for parameter in model.parameters())
    parameter = next(itertools.chain(trained, called), None)
    return {
        "device": "cpu" if parameter is None else str(parameter.device),
        "threads": engine.get_num_threads(),
        "seed": default_generator.initial_seed(),
    }


def compiling() -> str | None:
    """The kernel that is being compiled now; None where none is."""
    jit = sys.modules.get("engine.kernels.jit")  # which takes half a second to import, and may not be needed
    return None if jit is None else jit.compile_progress.current


class Speed:
    """Steps per second over the last second.

    Args:
        clock: seconds that only grow.
    """

    #: Seconds that are looked back at, and seconds before there is anything to say.
    WINDOW, LEAST = 1.0, 0.25

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._marks: deque[tuple[float, int]] = deque()

    def of(self, steps: int) -> float | None:
        """``steps`` have ended by now: how many a second that is; None while it has been too short a time."""
        now, marks = self._clock(), self._marks
        marks.append((now, steps))
        while len(marks) > 2 and now - marks[1][0] >= self.WINDOW:
            marks.popleft()
        seconds = now - marks[0][0]
        return (steps - marks[0][1]) / seconds if seconds >= self.LEAST else None
