"""What the checker finds: one line for each fault, and the error that carries them."""

from __future__ import annotations

from pathlib import Path
from types import CodeType
from typing import NamedTuple


class Fault(NamedTuple):
    """A fault in a kernel or in how the engine treats the GPU's memory.

    Attributes:
        kind: ``race``, ``uninitialised``, ``bounds``, ``divergence``, ``alignment``, ``freed``, ``streams`` or ``launch``.
        kernel: its name, or what the CPU was about.
        text: which array, element, threads and lines.
    """

    kind: str
    kernel: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.kernel}: {self.text}"


class Faults(AssertionError):
    """What is wrong with a launch or a copy."""

    def __init__(self, found: list[Fault]) -> None:
        super().__init__("\n".join(map(str, found)))
        self.found = found


#: Every fault since the list was last cleared: an error may be caught on its way to the test.
FOUND: list[Fault] = []


def report(found: list[Fault]) -> None:
    """Raise what was found, if anything was.

    Raises:
        Faults: with one line for each.
    """
    if found:
        FOUND.extend(found)
        raise Faults(found)


def place(code: CodeType, line: int) -> str:
    """A line of a kernel in words."""
    return f"{Path(code.co_filename).name}:{line}"
