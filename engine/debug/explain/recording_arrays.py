"""Arrays that note which of their elements an element function reads."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from engine.debug.explain.operand import Operand
from engine.debug.explain.reading import ExplainError
from engine.debug.explain.traced import Tape, Traced

#: Reads of one element function before explaining it is given up: some seconds.
MAX_READS = 5_000_000


def plain(value: Any) -> Any:
    """One of NumPy's scalars as the Python number; anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def _indices(index: Any) -> tuple[int, ...]:
    if type(index) is not tuple:
        index = (index,)
    return tuple([i if type(i) is int else operator.index(i) for i in index])


def _shape(operand: Operand) -> tuple:
    """Extents as NumPy's integers: dividing by one that is 0 gives inf or NaN, and no exception."""
    return tuple(map(np.int64, operand.shape))


class TracedArray:
    """Hands out traced numbers, the same one whenever the same element is read."""

    def __init__(self, operand: Operand, tape: Tape) -> None:
        self.operand, self.shape = operand, _shape(operand)
        self._item, self.tape, self._count = operand.canonical.item, tape, tape.count
        self._nodes: dict[tuple[int, ...], Traced] = {}

    def __getitem__(self, index: Any) -> Traced:
        index = _indices(index)
        self._count()
        node = self._nodes.get(index)
        if node is None:
            node = self._nodes[index] = Traced(self.tape, "read", self.operand, index, self._item(*index))
        return node


class RecordingArray:
    """Hands out plain numbers (NumPy's float64 and int64, which never raise) and keeps what was read.

    Attributes:
        seen: index -> value of every element read, in the order of first reading.
        log: where given, a list that every read is appended to: (operand, index, value).
    """

    def __init__(self, operand: Operand, log: list | None = None) -> None:
        self.operand, self.shape = operand, _shape(operand)
        self.seen: dict[tuple[int, ...], Any] = {}
        self.log = log
        self._item, self._reads = operand.canonical.item, 0

    def __getitem__(self, index: Any) -> Any:
        index = _indices(index)
        value = self._item(*index)
        if type(value) is float:
            value = np.float64(value)
        elif type(value) is int:
            value = np.int64(value)
        if self.log is not None:
            self.log.append((self.operand, index, value))
        self.seen[index] = value
        self._reads += 1
        if self._reads > MAX_READS:
            raise ExplainError(f"this element reads {self.operand.name} more than {MAX_READS} times: too long to explain")
        return value
