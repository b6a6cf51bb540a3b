"""A whole tensor from the engine, however large: fetched in parts, then put together."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

#: Elements of one part; an answer holds no more.
PART = 1 << 20

Ask = Callable[[str, dict[str, Any], Callable[[dict[str, Any]], object]], None]


def parts_of(shape: Sequence[int], most: int = PART) -> Iterator[tuple[tuple[int, int], ...]]:
    """Parts of at most ``most`` elements that make up a tensor: (start, stop) of each dimension."""
    if math.prod(shape) <= most or not shape:
        yield tuple((0, extent) for extent in shape)
        return
    inner = math.prod(shape[1:])
    step = max(1, most // max(1, inner))
    for start in range(0, shape[0], step):
        stop = min(shape[0], start + step)
        for rest in parts_of(shape[1:], most) if inner > most else [tuple((0, extent) for extent in shape[1:])]:
            yield ((start, stop), *rest)


def fetch(
    reference: dict[str, Any], shape: Sequence[int], ask: Ask, then: Callable[[np.ndarray], object], most: int = PART
) -> None:
    """Ask for every part, one after the other; ``then`` gets the whole array."""
    parts = list(parts_of(shape, most))
    pieces: list[np.ndarray] = []

    def next_part() -> None:
        if len(pieces) == len(parts):
            then(_joined(shape, parts, pieces))
            return
        part = parts[len(pieces)]
        rows, columns = ([1, 1] + [stop - start for start, stop in part])[-2:]
        most = [max(1, rows), max(1, columns)]
        ask("tensor", {"reference": reference, "slice": [list(ends) for ends in part], "maxShape": most}, answered)

    def answered(body: dict[str, Any]) -> None:
        data = body["data"]
        pieces.append(data.numpy() if hasattr(data, "numpy") else np.asarray(data))
        next_part()

    next_part()


def _joined(
    shape: Sequence[int], parts: Sequence[tuple[tuple[int, int], ...]], pieces: Sequence[np.ndarray]
) -> np.ndarray:
    whole = np.empty(tuple(shape), pieces[0].dtype)
    for part, piece in zip(parts, pieces):
        whole[tuple(slice(*ends) for ends in part)] = piece
    return whole
