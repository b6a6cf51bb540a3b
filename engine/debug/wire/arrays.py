"""Arrays as they travel, without NumPy, and the errors that whatever breaks the protocol raises. Standard library only."""

from __future__ import annotations

import math
import struct
from typing import Any

#: Bytes that the arrays of one message may take together.
MAX_ARRAYS = 256 * 1024**2
#: Dimensions of an array.
MAX_DIMENSIONS = 32

#: The dtypes that travel (NumPy's typestrs), with struct's code and the bytes of one element.
DTYPES = {
    "|b1": ("?", 1), "|i1": ("b", 1), "|u1": ("B", 1),
    "<i2": ("h", 2), "<u2": ("H", 2), "<f2": ("e", 2),
    "<i4": ("i", 4), "<u4": ("I", 4), "<f4": ("f", 4),
    "<i8": ("q", 8), "<u8": ("Q", 8), "<f8": ("d", 8),
}  # fmt: skip


class ProtocolError(Exception):
    """A message breaks the protocol; ``id`` is the error id of a response that says so."""

    id = "badMessage"


class TooLargeError(ProtocolError):
    """A message is larger than the limits allow."""

    id = "tooLarge"


class Array:
    """The contents of an n-dimensional array, without NumPy: ``dtype`` (a key of :data:`DTYPES`), ``shape``, ``data``.

    ``data`` is a memoryview of the bytes in C order, little-endian. Raises ProtocolError where the three do not fit.
    """

    __slots__ = ("data", "dtype", "shape")

    def __init__(self, dtype: str, shape: tuple[int, ...] | list[int], data: Any) -> None:
        size = bytes_of(dtype, shape)
        view = memoryview(data)
        if view.nbytes != size:
            raise ProtocolError(f"an array of dtype {dtype} and shape {list(shape)} has {size} bytes, not {view.nbytes}")
        self.dtype = dtype
        self.shape = tuple(shape)
        self.data = flat(view)

    def numpy(self) -> Any:
        """The array as a NumPy array on the same memory, read-only where the bytes are (as those received are)."""
        import numpy

        return numpy.ndarray(self.shape, self.dtype, self.data if self.data.nbytes else b"")

    def tolist(self) -> Any:
        """Nested lists of Python numbers; a number for shape ``()``. Needs no NumPy."""
        count = math.prod(self.shape)
        values: list = list(struct.unpack(f"<{count}{DTYPES[self.dtype][0]}", self.data))
        if not self.shape:
            return values[0]
        for rows, columns in _row_counts(self.shape):
            values = [values[i * columns : (i + 1) * columns] for i in range(rows)]
        return values

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Array):
            return NotImplemented
        return (self.dtype, self.shape, self.data) == (other.dtype, other.shape, other.data)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Array({self.dtype!r}, {self.shape}, {self.data.nbytes} bytes)"


def _row_counts(shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """How to fold a flat list: (how many rows, how long) for each dimension but the first, the last one first."""
    return [(math.prod(shape[:axis]), shape[axis]) for axis in range(len(shape) - 1, 0, -1)]


def flat(view: memoryview) -> memoryview:
    """The bytes of ``view`` in C order; no copy where they lie so already."""
    if not view.nbytes:
        return memoryview(b"")
    return view.cast("B") if view.c_contiguous else memoryview(view.tobytes())


def bytes_of(dtype: Any, shape: Any) -> int:
    """Bytes of an array; raises ProtocolError for a dtype that does not travel or a shape that is none."""
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise ProtocolError(f"dtype {str(dtype)[:40]!r} does not travel; those that do: {', '.join(DTYPES)}")
    if not isinstance(shape, (list, tuple)) or len(shape) > MAX_DIMENSIONS:
        raise ProtocolError(f"the shape of an array must be a list of at most {MAX_DIMENSIONS} sizes")
    if not all(type(n) is int and 0 <= n <= MAX_ARRAYS for n in shape):
        raise ProtocolError(f"the sizes of an array must be integers from 0 to {MAX_ARRAYS}")
    # NumPy overflows on the product of the other sizes even where one of them is 0.
    if math.prod(n or 1 for n in shape) * DTYPES[dtype][1] > MAX_ARRAYS:
        raise TooLargeError(f"an array of {dtype} with shape {list(shape)} exceeds {MAX_ARRAYS} bytes")
    return math.prod(shape) * DTYPES[dtype][1]
