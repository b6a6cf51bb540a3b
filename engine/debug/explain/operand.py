"""Arrays as definitions index them, and the way back to the tensors.

Definitions index arrays in a canonical layout (rows, flat arrays: :meth:`engine.function.Function.canonical`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


class Operand:
    """An array that a definition reads or computes, in canonical layout, and the tensor or tensors it stands for.

    Attributes:
        name: what the definition calls it.
        canonical: the array that the definition indexes.
        parts: (name, array in its own shape) of each tensor; several where an op takes them joined.
    """

    def __init__(self, name: str, arrays: Any, canonical: Callable[[str, Any], np.ndarray]) -> None:
        self.name = name
        self._canonical = canonical
        self._joined = isinstance(arrays, (tuple, list))
        if self._joined:
            self.parts = [(f"{name}[{i}]", part) for i, part in enumerate(arrays)]
        else:
            self.parts = [(name, arrays)]
        self.canonical = canonical(name, arrays)
        self.shape = self.canonical.shape

    def places(self, indices: np.ndarray) -> list[tuple[int, tuple[int, ...]]]:
        """(number of the part, index in its own shape) for each canonical index, a row of ``indices`` (R, ndim)."""
        flat = self._positions(tuple(indices.T))
        if not self._joined:
            return [(0, index) for index in _unravelled(flat, self.parts[0][1].shape)]
        sizes = [part.size for _, part in self.parts]
        numbers = np.searchsorted(np.cumsum(sizes), flat, side="right")
        starts = np.cumsum([0, *sizes])
        return [
            (int(number), _unravelled(np.array([position - starts[number]]), self.parts[number][1].shape)[0])
            for number, position in zip(numbers, flat, strict=True)
        ]

    def place(self, index: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
        """(number of the part, index in its own shape) for one canonical index."""
        return self.places(np.array([index], np.int64).reshape(1, len(index)))[0]

    def canonical_index(self, part: int, index: tuple[int, ...]) -> tuple[int, ...]:
        """Where the definition finds the element ``index`` of part number ``part``."""
        array = self.parts[part][1]
        position = int(np.ravel_multi_index(index, array.shape)) if index else 0
        if not self._joined and self._is_view() and self.canonical.flags.c_contiguous:
            return _unravelled(np.array([position]), self.shape)[0]
        position += sum(before.size for _, before in self.parts[:part])
        found = np.flatnonzero(self._map().reshape(-1) == position)[0]
        return _unravelled(np.array([found]), self.shape)[0]

    def _positions(self, indices: tuple[np.ndarray, ...]) -> np.ndarray:
        """Flat positions in the parts, one after the other, of canonical ``indices``."""
        if self._joined or not self._is_view():
            return np.broadcast_to(self._map()[indices], (len(indices[0]) if indices else 1,)).astype(np.int64)
        own = self.parts[0][1]
        offset = np.full(len(indices[0]) if indices else 1, _address(self.canonical) - _address(own), np.int64)
        for along, stride in zip(indices, self.canonical.strides, strict=True):
            offset += along * stride
        return offset // own.itemsize

    def _is_view(self) -> bool:
        """Whether an element's address tells its place: no copy was made, and the tensor lies in row-major order."""
        own = self.parts[0][1]
        return bool(own.size and own.flags.c_contiguous and np.may_share_memory(own, self.canonical))

    def _map(self) -> np.ndarray:
        """The canonical layout of the elements' numbers. Floats where the array holds floats: layouts ask for that."""
        numbers, start = [], 0
        for _, part in self.parts:
            dtype = np.float64 if part.dtype.kind == "f" else np.int64
            numbers.append(np.arange(start, start + part.size, dtype=dtype).reshape(part.shape))
            start += part.size
        return self._canonical(self.name, tuple(numbers) if self._joined else numbers[0])


def _address(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


def _unravelled(flat: np.ndarray, shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    if not shape:
        return [()] * len(flat)
    return list(zip(*[axis.tolist() for axis in np.unravel_index(flat, shape)], strict=True))
