"""Which part of a tensor is meant: one entry for each dimension, as the window sends it or as Python writes it."""

from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np

_PART = re.compile(r"^\s*(-?\d+)?\s*(?:(:)\s*(-?\d+)?\s*(?::\s*(-?\d+)?\s*)?)?$")


def selection(array: np.ndarray, parts: Any) -> np.ndarray:
    """A view of the part of ``array`` that ``parts`` name.

    Args:
        parts: None for everything; or for each of the first dimensions an int (the dimension goes away),
            ``[start, stop]`` or ``[start, stop, step]`` (each an int or None, as in Python), or None for all of
            it; or the same as Python's text, ``"0, :, 3:5"``.

    Raises:
        ValueError: an entry is none of these, or there are more than the array has dimensions.
        IndexError: an int that the dimension does not have.
    """
    return array if parts is None else array[index_of(array, parts)]


def index_of(array: np.ndarray, parts: Any) -> tuple[Any, ...]:
    """By what an array is indexed for :func:`selection`; raises the same."""
    if parts is None:
        return (...,)
    entries = _entries(parts)
    if len(entries) > array.ndim:
        raise ValueError(f"slice {parts!r} has {len(entries)} entries, but the tensor has shape {array.shape}")
    chosen = tuple(map(_index, entries, itertools.count(), itertools.repeat(array.shape)))
    # The ellipsis keeps a single element an array.
    return (*chosen, ...)


def _entries(parts: Any) -> list[Any]:
    if isinstance(parts, str):
        text = parts.strip().removeprefix("[").removesuffix("]")
        return [_parsed(piece, parts) for piece in text.split(",")] if text.strip() else []
    if isinstance(parts, (list, tuple)):
        return list(parts)
    raise ValueError(f"slice {parts!r} must be a list with one entry for each dimension, or text such as '0, :, 3:5'")


def _parsed(piece: str, whole: str) -> Any:
    match = _PART.match(piece)
    if match is None or not piece.strip():
        raise ValueError(f"slice {whole!r}: {piece.strip()!r} is neither a number nor of the form start:stop:step")
    start, colon, stop, step = match.groups()
    if colon is None:
        return int(start)
    return [None if number is None else int(number) for number in (start, stop, step)]


def _index(entry: Any, axis: int, shape: tuple[int, ...]) -> Any:
    if entry is None:
        return slice(None)
    if _is_int(entry):
        if not -shape[axis] <= entry < shape[axis]:
            raise IndexError(f"{_where(axis, shape)}: there is no index {entry}; the tensor has shape {shape}")
        return int(entry)
    if isinstance(entry, (list, tuple)) and 2 <= len(entry) <= 3 and all(n is None or _is_int(n) for n in entry):
        if entry[2:] and entry[2] == 0:
            raise ValueError(f"{_where(axis, shape)}: the step of {list(entry)} must not be 0")
        return slice(*entry)
    raise ValueError(f"{_where(axis, shape)}: {entry!r} must be an int, [start, stop], [start, stop, step] or null")


def _where(axis: int, shape: tuple[int, ...]) -> str:
    return f"slice, dimension {axis} (extent {shape[axis]})"


def _is_int(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
