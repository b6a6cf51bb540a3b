"""Which thread touched which element when, and which two of them race.

A *turn* is a thread's run between two barriers. Two accesses to one element race when at least one of them writes, they
are not both atomic, they are of different threads, and no barrier lies between them: a barrier orders the threads of
one block, nothing orders the blocks of one launch. Warps get no special treatment: that their threads run in step is
nothing that CUDA promises.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from types import FrameType
from typing import NamedTuple

from tests.cuda.sanitizer.faults import place

READ, WRITE, ATOMIC = range(3)
_WORDS = ("read", "written", "changed atomically")


class Turn(NamedTuple):
    """Who had it: block, thread of the block, and how many barriers the thread has passed."""

    block: tuple[int, int, int]
    thread: tuple[int, int, int]
    interval: int


class Log:
    """Accesses by address: turn and kind of access, with the place of the first such one in the kernel."""

    def __init__(self) -> None:
        self.cells: dict[int, dict[int, tuple]] = {}

    def note(self, address: int, kind: int, turn: int, frame: FrameType) -> None:
        cell = self.cells.get(address)
        if cell is None:
            cell = self.cells[address] = {}
        key = turn * 4 + kind
        if key not in cell:
            cell[key] = (frame.f_code, frame.f_lineno)

    def races(self, turns: list[Turn]) -> Iterable[tuple[int, str]]:
        """Address and description of each element that is raced for."""
        for address, cell in self.cells.items():
            if len(cell) > 1 and any(key & 3 for key in cell):
                for a, b in combinations(cell, 2):
                    if _race(a & 3, b & 3, turns[a >> 2], turns[b >> 2]):
                        yield address, " and ".join(_said(key, turns, cell) for key in (a, b))
                        break


def _race(kind_a: int, kind_b: int, a: Turn, b: Turn) -> bool:
    if kind_a == kind_b and kind_a != WRITE:
        return False
    if a.block != b.block:
        return True
    return a.thread != b.thread and a.interval == b.interval


def _said(key: int, turns: list[Turn], cell: dict[int, tuple]) -> str:
    turn = turns[key >> 2]
    return f"{_WORDS[key & 3]} by thread {turn.thread} of block {turn.block} at {place(*cell[key])}"
