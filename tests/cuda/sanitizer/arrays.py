"""Arrays as kernels see them under the checker: every element that is read or written is looked at first."""

from __future__ import annotations

import operator
import sys
from types import FrameType
from typing import Any, Protocol

import numpy as np

from tests.cuda.sanitizer.faults import Fault, Faults, place
from tests.cuda.sanitizer.log import ATOMIC, READ, WRITE, Log


class Space(Protocol):
    """Where arrays lie."""

    def touch(self, array: Watched, address: int, kind: int, frame: FrameType) -> None:
        """An element of ``array`` is about to be read (READ), written (WRITE), or both (ATOMIC)."""


class Watched:
    """A NumPy array whose elements one by one are read and written, with CUDA's rules for indices.

    A GPU asks of no index whether it is inside, and of an unsigned one not whether it was meant to count from the end:
    an index outside, or a negative one, is a fault.
    """

    __slots__ = ("address", "data", "dtype", "itemsize", "name", "ndim", "shape", "size", "space", "strides")

    def __init__(self, data: np.ndarray, space: Space, name: str) -> None:
        self.data, self.space, self.name = data, space, name
        self.shape, self.strides, self.dtype, self.ndim = data.shape, data.strides, data.dtype, data.ndim
        self.size, self.itemsize = data.size, data.itemsize
        self.address = data.__array_interface__["data"][0]

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> Any:
        frame = sys._getframe(1)
        index = index if type(index) is tuple else (index,)
        address = self._address_of(index, frame)
        if len(index) < self.ndim:
            return Watched(self.data[index], self.space, self.name)
        self.space.touch(self, address, READ, frame)
        return self.data[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        frame = sys._getframe(1)
        index = index if type(index) is tuple else (index,)
        address = self._address_of(index, frame)
        if len(index) < self.ndim:
            raise TypeError(f"{self.name}: the checker knows kernels that write single elements")
        self.space.touch(self, address, WRITE, frame)
        self.data[index] = value

    def add(self, index: Any, value: Any, frame: FrameType) -> Any:
        """``atomicAdd``"""
        index = index if type(index) is tuple else (index,)
        self.space.touch(self, self._address_of(index, frame), ATOMIC, frame)
        before = self.data[index]
        self.data[index] += value
        return before

    def view(self, dtype: Any) -> Watched:
        # A GPU refuses an element at an address that is no multiple of its size; arrays begin at one of their own.
        if np.dtype(dtype).itemsize > self.itemsize:
            frame = sys._getframe(1)
            text = f"{self.name}, of elements of {self.itemsize} bytes, is viewed as {np.dtype(dtype)} at {where(frame)}"
            raise Faults([Fault("alignment", frame.f_code.co_name, text)])
        return Watched(self.data.view(dtype), self.space, self.name)

    def _address_of(self, index: tuple, frame: FrameType) -> int:
        address = self.address
        for i, extent, stride in zip(index, self.shape, self.strides, strict=False):
            if not 0 <= i < extent:
                self._outside(index, frame)
            address += operator.index(i) * stride
        if len(index) > self.ndim:
            self._outside(index, frame)
        return address

    def _outside(self, index: tuple, frame: FrameType) -> None:
        numbers = ", ".join(str(i) for i in index)
        code = frame.f_code
        raise Faults([Fault("bounds", code.co_name, f"{self.name}[{numbers}] of shape {self.shape} at {where(frame)}")])


def where(frame: FrameType) -> str:
    """The line that ``frame`` is at."""
    return place(frame.f_code, frame.f_lineno)


class Shared:
    """The shared memory of one block: garbage when the block begins."""

    def __init__(self, machine: Any) -> None:
        self.machine = machine
        self.log = Log()
        self.arrays: dict[tuple, Watched] = {}
        self.written: set[int] = set()

    def array(self, shape: Any, dtype: Any, frame: FrameType) -> Watched:
        """The array of the line that asks for it: the same for all threads, as in Numba's simulator."""
        line = (frame.f_code, frame.f_lineno)
        if line not in self.arrays:
            name = f"the shared array of line {frame.f_lineno}"
            self.arrays[line] = Watched(garbage(shape, dtype), self, name)
        return self.arrays[line]

    def touch(self, array: Watched, address: int, kind: int, frame: FrameType) -> None:
        if kind == WRITE:
            self.written.add(address)
        elif address not in self.written:
            self.machine.fault("uninitialised", f"{array.name} is read at {where(frame)} where nothing has been written")
        self.log.note(address, kind, self.machine.turn, frame)

    def name_of(self, address: int) -> str:
        """The array that ``address`` lies in, and which of its elements is there."""
        for array in self.arrays.values():
            if 0 <= address - array.address < array.data.nbytes:
                return f"byte {address - array.address} of {array.name}"
        raise LookupError(address)


class Local:
    """The memory of one thread's own array."""

    def __init__(self, machine: Any) -> None:
        self.machine = machine
        self.written: set[int] = set()

    def touch(self, array: Watched, address: int, kind: int, frame: FrameType) -> None:
        if kind == WRITE:
            self.written.add(address)
        elif address not in self.written:
            self.machine.fault("uninitialised", f"{array.name} is read at {where(frame)} where nothing has been written")


def garbage(shape: Any, dtype: Any) -> np.ndarray:
    """What memory holds that nobody has written: every bit set, which is NaN, or -1."""
    array = np.empty(shape, dtype)
    array.reshape(-1).view(np.uint8).fill(255)
    return array
