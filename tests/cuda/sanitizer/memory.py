"""The GPU's memory: which bytes an array has, which of them have been written, and which operations used them."""

from __future__ import annotations

import bisect
import weakref
from types import FrameType
from typing import Any

import numpy as np
from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

from tests.cuda.sanitizer.arrays import Watched, where
from tests.cuda.sanitizer.faults import Fault, report
from tests.cuda.sanitizer.log import READ, WRITE
from tests.cuda.sanitizer.order import Clock, Order, Stamp


class Region:
    """What is known about one block of the pool.

    Attributes:
        extent: bytes that the array has that the block is lent to; a block is larger. 0: nobody has it.
        written: for each byte whether it was written since then.
        used: the last operation of each stream that wrote (True) or read (False), with the lowest and highest byte.
    """

    def __init__(self, start: int, nbytes: int) -> None:
        self.start, self.stop = start, start + nbytes
        self.extent = 0
        self.written = bytearray(nbytes)
        self.used: dict[tuple[int, bool], tuple[Stamp, int, int]] = {}

    def lend(self, nbytes: int) -> None:
        self.extent = nbytes
        self.written = bytearray(self.stop - self.start)

    def fill(self, start: int, nbytes: int) -> None:
        """The bytes have been written."""
        self.written[start - self.start : start - self.start + nbytes] = b"\1" * nbytes


class Memory:
    """All blocks, by address."""

    def __init__(self) -> None:
        self.order = Order()
        #: Copies that nobody has waited for: pinned memory, what was in it, and the operation.
        self._under_way: list[tuple[np.ndarray, np.ndarray, Stamp]] = []
        self._starts: list[int] = []
        self._regions: dict[int, Region] = {}

    def allocated(self, memory: np.ndarray) -> Region:
        start = memory.__array_interface__["data"][0]
        bisect.insort(self._starts, start)
        region = self._regions[start] = Region(start, memory.nbytes)
        weakref.finalize(memory, self._gone, start).atexit = False
        return region

    def _gone(self, start: int) -> None:
        self._starts.remove(start)
        del self._regions[start]

    def region_at(self, address: int) -> Region | None:
        k = bisect.bisect_right(self._starts, address) - 1
        if k < 0:
            return None
        region = self._regions[self._starts[k]]
        return region if address < region.stop else None

    # ---- operations as a whole ----

    def use(self, region: Region, stamp: Stamp, writes: bool, low: int, high: int) -> list[Fault]:
        """An operation of a stream used the bytes from ``low`` to ``high``: what other streams did comes before it."""
        found = []
        for (stream, wrote), (before, a, b) in region.used.items():
            if (writes or wrote) and a < high and low < b and not self.order.before(before, stamp.stream):
                what = f"{_verb(writes)} memory that {before.what} {_verb(wrote)} in stream {stream:#x}"
                where = f"in stream {stamp.stream:#x}, which was not made to wait"
                found.append(Fault("streams", stamp.what, f"{what}, {where}"))
        _, a, b = region.used.get((stamp.stream, writes), (stamp, low, high))
        region.used[stamp.stream, writes] = stamp, min(a, low), max(b, high)
        return found

    def started(self, raw: Any, host: np.ndarray, stream: int) -> None:
        """A copy from pinned memory that the CPU does not wait for."""
        stamp = self.copied(raw, stream, True)
        if stamp is not None:
            self._under_way.append((host, host.copy(), stamp))

    def host_waited(self, clock: Clock) -> None:
        """The CPU knows that what ``clock`` names is done; until then it must not have changed what was being copied."""
        self.order.host_waited(clock)
        ended = [copy for copy in self._under_way if self.order.host.get(copy[2].stream, 0) >= copy[2].number]
        self._under_way = [copy for copy in self._under_way if not any(copy is done for done in ended)]
        changed = [stamp for host, before, stamp in ended if host.tobytes() != before.tobytes()]
        report([Fault("streams", stamp.what, "pinned memory was changed before the copy had ended") for stamp in changed])

    def copied(self, raw: Any, stream: int, to_device: bool) -> Stamp | None:
        """A copy between the CPU and the whole of ``raw``, contiguous."""
        if not isinstance(raw, FakeCUDAArray):
            # A test's own.
            return None
        array = raw._ary
        start = array.__array_interface__["data"][0]
        region = self.region_at(start)
        if region is None or not array.nbytes:
            return None
        what = "a copy from the CPU" if to_device else "a copy to the CPU"
        offset = start - region.start
        found = []
        if offset + array.nbytes > region.extent:
            found.append(Fault("freed", what, f"bytes {offset} to {offset + array.nbytes} of an array of {region.extent}"))
        if to_device:
            region.fill(start, array.nbytes)
        elif not all(region.written[offset : offset + array.nbytes]):
            found.append(Fault("uninitialised", what, f"of shape {array.shape}, of which not all has been written"))
        stamp = self.order.queued(stream, what)
        found += self.use(region, stamp, to_device, start, start + array.nbytes)
        report(found)
        return stamp


def _verb(writes: bool) -> str:
    return "writes" if writes else "reads"


class Global:
    """The GPU's memory as one launch sees it."""

    def __init__(self, machine: Any, memory: Memory) -> None:
        self.machine, self.memory = machine, memory
        self.names: dict[int, str] = {}

    def watched(self, data: np.ndarray, name: str) -> Watched:
        return Watched(data, self, name)

    def touch(self, array: Watched, address: int, kind: int, frame: FrameType) -> None:
        region = self.memory.region_at(address)
        if region is None or address - region.start + array.itemsize > region.extent:
            self._astray(array, address, region, frame)
            return
        offset = address - region.start
        if offset % array.itemsize:
            self.machine.fault("alignment", f"{array.name} at {where(frame)}: {array.itemsize} bytes at byte {offset}")
        if kind != WRITE and not region.written[offset]:
            self.machine.fault("uninitialised", f"{array.name} is read at {where(frame)} where nothing has been written")
        if kind != READ:
            region.fill(address, array.itemsize)
        self.names[address] = array.name
        self.machine.log.note(address, kind, self.machine.turn, frame)

    def _astray(self, array: Watched, address: int, region: Region | None, frame: FrameType) -> None:
        if region is not None and not region.extent:
            self.machine.fault("freed", f"{array.name} at {where(frame)}: nobody has this memory any more")
        else:
            which = "in no array"
            if region is not None:
                which = f"at byte {address - region.start} of an array that has {region.extent}"
            self.machine.fault("bounds", f"{array.name} at {where(frame)} lies {which}")

    def used(self, stamp: Stamp) -> list[Fault]:
        """The launch is over: what it read and wrote, in the order of streams."""
        ranges: dict[tuple[int, bool], tuple[Region, int, int]] = {}
        for address, cell in self.machine.log.cells.items():
            region = self.memory.region_at(address)
            if region is None:
                continue
            writes = any(key & 3 for key in cell)
            _, low, high = ranges.get((region.start, writes), (region, address, address))
            ranges[region.start, writes] = region, min(low, address), max(high, address + 1)
        found: list[Fault] = []
        for (_, writes), (region, low, high) in ranges.items():
            found += self.memory.use(region, stamp, writes, low, high)
        return found
