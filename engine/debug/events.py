"""What the debugger records: events, each at a position that every deterministic run of the script has again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from engine.function import Function

#: Levels of stepping, coarse to fine.
LEVELS = ("run", "epoch", "batch", "line", "module", "op", "element")


class Position(NamedTuple):
    """A place in a run.

    ``tick`` counts what even a free run notices: ops run forward, backward passes begun, optimizer steps begun and
    ended, passes over DataLoaders begun and ended, batches. ``line`` counts the lines of the user's files that began
    since that tick. ``fine`` counts the other events, which only a debugger that looks closely sees (ops run backward,
    updates, modules entered and left), since that line, or with ``line`` 0 since that tick.
    """

    tick: int
    line: int = 0
    fine: int = 0

    def __str__(self) -> str:
        return ".".join(map(str, self)).removesuffix(".0").removesuffix(".0")


#: Kinds of events, and the level that each belongs to.
KINDS = {
    "epoch": "epoch",  # a pass over a DataLoader begins
    "end_epoch": "epoch",
    "batch": "batch",  # a DataLoader hands out a batch; without a DataLoader, an optimizer step has ended
    "line": "line",  # a line of the user's files is about to run
    "enter": "module",
    "exit": "module",
    "forward": "op",  # an op has run
    "begin_backward": "batch",
    "backward": "op",  # an op's backward has run
    "end_backward": "batch",
    "gradient": "detail",  # a gradient was accumulated into .grad
    "begin_step": "batch",
    "update": "op",  # the optimizer has updated one parameter
    "end_step": "batch",
    "exception": "line",
    "end": "run",  # the script has ended
}


@dataclass(slots=True)
class Event:
    """One thing that happened. Arrays are kept as they were then: what is overwritten later is copied before.

    Attributes:
        seq: number of the event in this process, from 0.
        position: its place in the run.
        kind: a key of :data:`KINDS`.
        name: the op's name (``"Conv2d"``), the module's class, the optimizer's class, the function of a line.
        module: dotted path of the innermost module at work (``"features.0"``); ``""`` outside of modules. For a
            backward event the module that ran the op forward.
        file, line: the line of the user's files that is at work (for backward events that of the forward op
            under ``origin``).
        origin: for a backward event (file, line) of the op's forward.
        epoch: passes over the training DataLoader begun so far (0: none); batch: number of the batch in its pass
            (from 0), -1 before the first; step: optimizer steps ended so far.
        epochs, batches: how many there will be, of batches in this pass; None where nothing says it.
        function: the op (forward and backward events), frozen: its attributes are those it had then.
        arrays: by the names of the op's definitions. Forward: inputs and outputs. Backward: those too, where they
            were recorded, the gradients that arrived (``"dy"``) and those that went out (``"dx"``). Update: what the
            definitions of the optimizer take, before (``"w"``, ``"dw"``, ``"m"``), and what was written
            (``"w_new"``). Gradient: ``"grad"``, and ``"before"`` where there was one.
        labels: for arrays that are parameters or buffers: the array's name here -> ``"conv1.weight"``.
        details: kind-specific: update: ``definitions`` (result name -> Definition), ``parameters`` (numbers that
            they take), ``shape`` of the parameter; batch: ``loader``, ``samples`` (indices in the dataset or None);
            exception: ``error``.
        depth: how many modules are at work; for entering and leaving one, how many around it.
        frames: for a line, how many of the user's functions are at work.
    """

    seq: int
    position: Position
    kind: str
    name: str
    module: str = ""
    file: str = ""
    line: int = 0
    origin: tuple[str, int] | None = None
    epoch: int = 0
    batch: int = -1
    step: int = 0
    function: Function | None = None
    arrays: dict[str, np.ndarray | tuple] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    depth: int = 0
    frames: int = 0
    epochs: int | None = None
    batches: int | None = None

    @property
    def level(self) -> str:
        return KINDS[self.kind]

    @property
    def direction(self) -> str:
        """``"forward"``, ``"backward"`` or ``"update"`` for ops, else ``""``."""
        return {"forward": "forward", "backward": "backward", "gradient": "backward", "update": "update"}.get(self.kind, "")


def frozen(function: Function) -> Function:
    """A copy of ``function`` whose attributes stay when backward releases the original."""
    copy = object.__new__(type(function))
    copy.__dict__.update(function.__dict__)
    return copy
