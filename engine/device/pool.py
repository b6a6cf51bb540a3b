"""The pool of GPU memory: blocks that nothing refers to any more are handed to the next array of their size.

Allocating on a GPU waits for everything that runs there, and freeing does so again; a training step allocates the same
sizes each time, so that after the first step the pool asks the driver for nothing. Kernels of one stream run in the
order of their launches: a block that is handed out again in the stream that it was allocated in is written after the last
kernel that reads it. So each stream has its own waiting blocks (as in PyTorch); a block that another stream uses too must
be told so (``record_stream``), and waits until that stream has done what was queued when the block's last array went.

Of the waiting blocks the one with the lowest address is handed out. So a step that asks for the same sizes in the same
order has every array where the step before had it, and what is kept about an array's place holds for it too
(:class:`engine.device.gate.Block`, :mod:`engine.kernels.cuda.many`).

Any thread may allocate, and an array may go at any moment, also in the middle of an allocation, when Python's garbage
collector finds it. So a loan that ends takes no lock: it is put at the end of a queue, and whoever next looks at the pool
works the queue off.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections import Counter, deque
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

from engine.device import gate
from engine.device.streams import Event, Stream, current, default_stream
from engine.errors import OutOfMemoryError

#: Sizes up to here are rounded up to a multiple of 512 bytes, larger ones to an eighth of their power of two.
_SMALL = 1 << 20


class Loan:
    """One block, lent to all arrays on it; when the last of them is gone, the block returns to the pool."""

    __slots__ = ("__weakref__", "block", "users", "what")

    def __init__(self, block: gate.Block, what: tuple) -> None:
        self.block = block
        #: Shape and dtype of the array that it was lent for: what an out-of-memory message lists.
        self.what = what
        #: Streams beside the block's own that use it.
        self.users: set[Stream] | None = None

    def record_stream(self, stream: Stream) -> None:
        """``stream`` uses the block too: it is not handed out again before what is queued there then is done."""
        if stream != (self.block.stream or default_stream()):
            self.users = {stream} if self.users is None else self.users | {stream}

    def __del__(self) -> None:
        if pool is not None:
            pool.take_back(self)


class Pool:
    """Blocks by stream and size.

    Attributes:
        reserved: bytes that the driver gave, in use or waiting.
        peak: the most that ``allocated`` has been.
        requests: how often the driver was asked; stands still in the steady state of a training.
    """

    def __init__(self) -> None:
        self._allocated = self.reserved = self.peak = self.requests = 0
        #: Held for everything below but the queue. Nothing is called under it that may want it, or wait for the GPU.
        self._lock = threading.RLock()
        #: Heaps of (address, block).
        self._waiting: dict[tuple[Stream | None, int], list[tuple[int, gate.Block]]] = {}
        #: Blocks that other streams may still use, with a mark in each of these streams.
        self._in_use: list[tuple[gate.Block, list[Event]]] = []
        self._held: Counter[tuple] = Counter()
        self._reliefs: list[weakref.WeakMethod] = []
        #: Loans that have ended: the block, what it was lent for, and the other streams that use it.
        self._ended: deque[tuple[gate.Block, tuple, set[Stream] | None]] = deque()

    @property
    def allocated(self) -> int:
        """Bytes that arrays hold."""
        with self._lock:
            self._collect()
            return self._allocated

    def on_pressure(self, relieve: Callable[[], None]) -> None:
        """Have the method ``relieve`` let go of arrays before an allocation is given up; it is referred to weakly."""
        with self._lock:
            self._reliefs = [known for known in self._reliefs if known() is not None]
            self._reliefs.append(weakref.WeakMethod(relieve))

    def lend(self, nbytes: int, what: tuple, fresh: bool = False) -> Loan:
        """A block of at least ``nbytes``; a ``fresh`` one is the driver's, so that the waiting blocks stay as they are.

        Raises:
            OutOfMemoryError: when the device has no room, also not after everything that waits, and what ``on_pressure``
                was told of, was given back; it lists what holds memory.
        """
        size = rounded(nbytes)
        with self._lock:
            self._collect()
            if self._in_use:
                self._settle()
            waiting = self._waiting.get((current.stream, size))
            block = heappop(waiting)[1] if waiting and not fresh else None
            if block is not None:
                self._note(size, what)
        if block is None:
            block = self._allocate(size, nbytes, what)
            with self._lock:
                self.requests += 1
                self.reserved += size
                self._note(size, what)
        return Loan(block, what)

    def _note(self, size: int, what: tuple) -> None:
        self._allocated += size
        self.peak = max(self.peak, self._allocated)
        self._held[what] += 1

    def _allocate(self, size: int, nbytes: int, what: tuple) -> gate.Block:
        try:
            block = gate.allocate(size)
        except gate.OutOfMemory:
            for known in list(self._reliefs):
                relieve = known()
                if relieve is not None:
                    relieve()
            self.release()
            try:
                block = gate.allocate(size)
            except gate.OutOfMemory:
                raise OutOfMemoryError(self._complaint(nbytes, what)) from None
        block.stream = current.stream
        return block

    def take_back(self, loan: Loan) -> None:
        """A loan's last array is gone."""
        if not sys.is_finalizing():
            self._ended.append((loan.block, loan.what, loan.users))

    def _collect(self) -> None:
        """Work off the queue of the loans that have ended."""
        while self._ended:
            block, what, users = self._ended.popleft()
            self._allocated -= block.nbytes
            self._held[what] -= 1
            if not self._held[what]:
                del self._held[what]
            if users:
                self._in_use.append((block, [stream.record_event() for stream in users]))
            else:
                self._put_back(block)

    def _put_back(self, block: gate.Block) -> None:
        heappush(self._waiting.setdefault((block.stream, block.nbytes), []), (block.address, block))

    def _settle(self) -> None:
        """Put back the blocks that other streams have done with."""
        in_use, self._in_use = self._in_use, []
        for block, marks in in_use:
            if all(mark.query() for mark in marks):
                self._put_back(block)
            else:
                self._in_use.append((block, marks))

    def release(self) -> None:
        """Give every waiting block back to the driver; those that other streams still use when these have done with them."""
        with self._lock:
            self._collect()
            in_use, self._in_use = self._in_use, []
            waiting, self._waiting = self._waiting, {}
            blocks = [block for heap in waiting.values() for _, block in heap] + [block for block, _ in in_use]
            self.reserved -= sum([block.nbytes for block in blocks])
        for _, marks in in_use:
            for mark in marks:
                mark.synchronize()

    def reset_peak(self) -> None:
        """Let ``peak`` begin anew."""
        with self._lock:
            self._collect()
            self.peak = self._allocated

    def _complaint(self, nbytes: int, what: tuple) -> str:
        free, total = gate.memory_info()
        shape, dtype = what
        allocated, held = self._holders()
        lines = [
            f"cuda: out of memory: an array of shape {shape} and dtype {dtype} needs {_size(nbytes)}, but of the device's "
            f"{_size(total)} only {_size(free)} are free; this process holds {_size(allocated)} in "
            f"{sum(held.values())} arrays. The largest:"
        ]
        lines += _largest(held, 8)
        lines.append("Use a smaller batch, or let go of tensors that are not needed (del, torch.no_grad() for evaluation)")
        return "\n".join(lines)

    def _holders(self) -> tuple[int, Counter[tuple]]:
        """Bytes that arrays hold, and how many of each shape and dtype there are."""
        with self._lock:
            self._collect()
            return self._allocated, self._held.copy()

    def summary(self) -> str:
        """A table of what holds memory."""
        allocated, held = self._holders()
        head = f"{_size(allocated)} in {sum(held.values())} arrays, {_size(self.reserved)} from the driver"
        return "\n".join([head, *_largest(held, 40)])


def _largest(held: Counter[tuple], count: int) -> list[str]:
    ranked = sorted(held.items(), key=lambda held: -_bytes_of(held[0]) * held[1])
    return [
        f"  {number} of shape {shape}, dtype {dtype}: {_size(_bytes_of((shape, dtype)) * number)}"
        for (shape, dtype), number in ranked[:count]
    ]


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
