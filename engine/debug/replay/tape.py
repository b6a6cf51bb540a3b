"""What happened in a run, tick by tick, compact enough to keep all of it."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

import numpy as np

#: Codes of ticks that are no ops; ops begin at FIRST_OP.
BACKWARD, BEGIN_STEP, END_STEP, BEGIN_EPOCH, BATCH, END_EPOCH = range(1, 7)
FIRST_OP = 16

NAMES = {
    BACKWARD: "backward",
    BEGIN_STEP: "a step of an optimizer",
    END_STEP: "the end of a step of an optimizer",
    BEGIN_EPOCH: "a pass over a DataLoader",
    BATCH: "a batch of a DataLoader",
    END_EPOCH: "the end of a pass over a DataLoader",
}

#: Kinds of rows of ``Tape.measures``, and how many numbers a row has.
TRAINING, EVALUATION, RATE, GRADIENT, EPOCH = range(5)
MEASURE = 7

#: Shape, name of the dtype, and strides in bytes.
Described = tuple[tuple[int, ...], str, tuple[int, ...]]
Kind = tuple[str, tuple[Described, ...], bool]


class Tape:
    """The record of one run.

    Attributes:
        codes: for each tick, from 1 on, what it was: one of the codes above, or ``FIRST_OP`` + a number in ``kinds``.
        kinds: what an op was: (name, ((shape, dtype, strides) of each output ...), whether it returned a tuple).
        losses: for each backward the element that it began at, NaN where it was not a single one.
        loss_steps: for each of these, how many optimizer steps had ended.
        reads: the values that were read out of tensors, as :mod:`engine.debug.replay.values` keeps them.
        read_ticks: the tick at each of them.
        measures: rows of ``MEASURE`` numbers, in the order of their ticks: tick, kind (``TRAINING`` ...), optimizer steps
            that had ended, value, and what depends on the kind. Loss of a pass that was trained on, or of an evaluation:
            value: the mean loss; terms that it is the mean of; how many predictions were right (-1: not counted);
            number in ``sites``. Learning rate, from this step on: 0, -1, number of the optimizer * 256 + group. Norm of
            the gradients: 0, -1, number of the optimizer. Epoch: value: its number, from 1; the step is its first.
        sites: the places where the script evaluates: a DataLoader's name, or "name of the targets:line:line of the call".
        files: what the engine wrote and removed: (tick, path, name of the copy that the recording keeps); the name
            is "" where none is kept, None where the file was removed.
    """

    def __init__(self) -> None:
        self.codes = array("I")
        self.kinds: list[Kind] = []
        self.losses = array("d")
        self.loss_steps = array("Q")
        self.reads: list[Any] = []
        self.read_ticks = array("Q")
        self.measures = array("d")
        self.sites: list[str] = []
        self.files: list[tuple[int, str, str | None]] = []
        self._numbers: dict[tuple, int] = {}

    @property
    def ticks(self) -> int:
        """The last tick on the tape."""
        return len(self.codes)

    def code_of(self, name: str, outputs: tuple[Described, ...], returns_tuple: bool) -> int:
        """The code of ops called ``name`` with such outputs; a new one where there is none yet."""
        if len(self._numbers) != len(self.kinds):
            self._numbers = {kind: number for number, kind in enumerate(self.kinds)}
        kind = (name, outputs, returns_tuple)
        number = self._numbers.get(kind)
        if number is None:
            number = self._numbers[kind] = len(self.kinds)
            self.kinds.append(kind)
        return FIRST_OP + number

    def name(self, code: int) -> str:
        """What a tick of ``code`` is, for messages."""
        if code < FIRST_OP:
            return NAMES[code]
        name, outputs, _ = self.kinds[code - FIRST_OP]
        return f"{name} with output " + ", ".join(str(shape) for shape, _, _ in outputs)

    def step_ticks(self) -> np.ndarray:
        """The ticks at which optimizer steps ended, ascending."""
        return np.flatnonzero(np.array(self.codes, np.uint32) == END_STEP) + 1

    def files_at(self, tick: int) -> dict[str, str | None]:
        """The files that the run had written or removed by ``tick``, each with the newest of its entries."""
        return {path: kept for when, path, kept in self.files if when <= tick}

    def cut(self, tick: int, losses: int, reads: int) -> None:
        """Forget everything after ``tick``, and all but so many losses and reads."""
        del self.codes[tick:], self.losses[losses:], self.loss_steps[losses:]
        del self.reads[reads:], self.read_ticks[reads:]
        del self.measures[MEASURE * bisect_right(_Ticks(self.measures), tick) :]
        self.files = [entry for entry in self.files if entry[0] <= tick]


class _Ticks(Sequence):
    """The ticks of the rows of ``Tape.measures``."""

    def __init__(self, measures: array) -> None:
        self._measures = measures

    def __len__(self) -> int:
        return len(self._measures) // MEASURE

    def __getitem__(self, row: Any) -> Any:
        return self._measures[MEASURE * row]
