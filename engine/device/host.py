"""Memory for arrays on the CPU.

A pool: the buffer of a large array that nothing refers to any more is handed to the next array of that size. A
training step allocates the same sizes again and again; without the pool the operating system would take the pages back
after each use and map them anew, zeroed, one page fault for every 4 KiB.
"""

from __future__ import annotations

import numpy as np

#: Smaller arrays come from NumPy directly: the C library's heap reuses them without page faults.
POOLED_FROM = 1 << 15

_ALIGNMENT = 64


class _Raw(np.ndarray):
    """A buffer of the pool. A type of its own, so that NumPy does not shorten an array's base past its block."""


class _Block(np.ndarray):
    """The loan of one buffer: base of every array on it; when the last of them is gone, the buffer returns."""

    def __del__(self) -> None:
        raw = self.base
        if raw is not None and pool is not None:
            pool.take_back(raw)


class Pool:
    """Buffers by size. ``limit`` bounds the bytes that wait unused."""

    def __init__(self, limit: int = 1 << 30) -> None:
        self.limit = limit
        self.unused_bytes = 0
        self._unused: dict[int, list[np.ndarray]] = {}

    def empty(self, shape: tuple[int, ...], dtype: np.dtype, nbytes: int) -> np.ndarray:
        """A C-contiguous array with arbitrary contents, aligned to 64 bytes."""
        size = (nbytes + 4095) & ~4095
        waiting = self._unused.get(size)
        if waiting:
            raw = waiting.pop()
            self.unused_bytes -= size
        else:
            raw = _aligned(size)
        return np.ndarray(shape, dtype, raw.view(_Block))

    def take_back(self, raw: np.ndarray) -> None:
        """A block's last array is gone."""
        size = raw.size
        if self.unused_bytes + size <= self.limit:
            self._unused.setdefault(size, []).append(raw)
            self.unused_bytes += size

    def release(self) -> None:
        """Give every waiting buffer back to the operating system."""
        self._unused.clear()
        self.unused_bytes = 0


def _aligned(size: int) -> np.ndarray:
    buffer = np.empty(size + _ALIGNMENT, np.uint8)
    start = -buffer.ctypes.data % _ALIGNMENT
    return buffer[start : start + size].view(_Raw)


pool = Pool()


def empty(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array with arbitrary contents, from the pool where it is large."""
    nbytes = dtype.itemsize
    for extent in shape:
        nbytes *= extent
    if nbytes < POOLED_FROM:
        return np.empty(shape, dtype)
    return pool.empty(shape, dtype, nbytes)
