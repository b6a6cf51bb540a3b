"""The pool of GPU memory: blocks that nothing refers to any more are handed to the next array of their size.

Allocating on a GPU waits for everything that runs there, and freeing does so again; a training step allocates the same
sizes each time, so that after the first step the pool asks the driver for nothing. Kernels run in the order of their
launches, in one stream: a block that is handed out again is written after the last kernel that reads it.
"""

from __future__ import annotations

import sys
import weakref
from collections import Counter
from collections.abc import Callable
from typing import Any

from engine.device import gate
from engine.errors import OutOfMemoryError

#: Sizes up to here are rounded up to a multiple of 512 bytes, larger ones to an eighth of their power of two.
_SMALL = 1 << 20


class Loan:
    """One block, lent to all arrays on it; when the last of them is gone, the block returns to the pool."""

    __slots__ = ("__weakref__", "block", "what")

    def __init__(self, block: gate.Block, what: tuple) -> None:
        self.block = block
        #: Shape and dtype of the array that it was lent for: what an out-of-memory message lists.
        self.what = what

    def __del__(self) -> None:
        if pool is not None:
            pool.take_back(self)


class Pool:
    """Blocks by size.

    Attributes:
        allocated: bytes that arrays hold.
        reserved: bytes that the driver gave, in use or waiting.
        peak: the most that ``allocated`` has been.
        requests: how often the driver was asked; stands still in the steady state of a training.
    """

    def __init__(self) -> None:
        self.allocated = self.reserved = self.peak = self.requests = 0
        self._waiting: dict[int, list[gate.Block]] = {}
        self._held: Counter[tuple] = Counter()
        self._reliefs: list[weakref.WeakMethod] = []

    def on_pressure(self, relieve: Callable[[], None]) -> None:
        """Have the method ``relieve`` let go of arrays before an allocation is given up; it is referred to weakly."""
        self._reliefs = [known for known in self._reliefs if known() is not None]
        self._reliefs.append(weakref.WeakMethod(relieve))

    def lend(self, nbytes: int, what: tuple) -> Loan:
        """A block of at least ``nbytes``.

        Raises:
            OutOfMemoryError: when the device has no room, also not after everything that waits, and what ``on_pressure``
                was told of, was given back; it lists what holds memory.
        """
        size = rounded(nbytes)
        waiting = self._waiting.get(size)
        block = waiting.pop() if waiting else self._allocate(size, nbytes, what)
        self.allocated += size
        self.peak = max(self.peak, self.allocated)
        self._held[what] += 1
        return Loan(block, what)

    def _allocate(self, size: int, nbytes: int, what: tuple) -> gate.Block:
        self.requests += 1
        try:
            block = gate.allocate(size)
        except gate.OutOfMemory:
            for known in self._reliefs:
                relieve = known()
                if relieve is not None:
                    relieve()
            self.release()
            try:
                block = gate.allocate(size)
            except gate.OutOfMemory as error:
                raise OutOfMemoryError(self._complaint(nbytes, what)) from error
        self.reserved += size
        return block

    def take_back(self, loan: Loan) -> None:
        """A loan's last array is gone."""
        size = loan.block.nbytes
        self.allocated -= size
        self._held[loan.what] -= 1
        if not self._held[loan.what]:
            del self._held[loan.what]
        if not sys.is_finalizing():
            self._waiting.setdefault(size, []).append(loan.block)

    def release(self) -> None:
        """Give every waiting block back to the driver."""
        for size, blocks in self._waiting.items():
            self.reserved -= size * len(blocks)
        self._waiting.clear()

    def _complaint(self, nbytes: int, what: tuple) -> str:
        free, total = gate.memory_info()
        shape, dtype = what
        lines = [
            f"cuda: out of memory: an array of shape {shape} and dtype {dtype} needs {_size(nbytes)}, but of the device's "
            f"{_size(total)} only {_size(free)} are free; this process holds {_size(self.allocated)} in "
            f"{sum(self._held.values())} arrays. The largest:"
        ]
        lines += self._largest(8)
        lines.append("Use a smaller batch, or let go of tensors that are not needed (del, torch.no_grad() for evaluation)")
        return "\n".join(lines)

    def _largest(self, count: int) -> list[str]:
        ranked = sorted(self._held.items(), key=lambda held: -_bytes_of(held[0]) * held[1])
        return [
            f"  {number} of shape {shape}, dtype {dtype}: {_size(_bytes_of((shape, dtype)) * number)}"
            for (shape, dtype), number in ranked[:count]
        ]

    def summary(self) -> str:
        """A table of what holds memory."""
        head = f"{_size(self.allocated)} in {sum(self._held.values())} arrays, {_size(self.reserved)} from the driver"
        return "\n".join([head, *self._largest(40)])


def rounded(nbytes: int) -> int:
    """The size of the block that holds ``nbytes``: coarse enough that slightly different arrays share blocks."""
    if nbytes <= _SMALL:
        return max(512, (nbytes + 511) & ~511)
    grain = 1 << (nbytes.bit_length() - 4)
    return (nbytes + grain - 1) // grain * grain


def _bytes_of(what: tuple) -> int:
    shape, dtype = what
    n = dtype.itemsize
    for extent in shape:
        n *= extent
    return n


def _size(nbytes: float) -> str:
    for unit in ("bytes", "KiB", "MiB"):
        if nbytes < 1024:
            return f"{nbytes:.0f} {unit}" if unit == "bytes" else f"{nbytes:.1f} {unit}"
        nbytes /= 1024
    return f"{nbytes:.2f} GiB"


pool: Any = Pool()
