"""Feature maps and filters as one picture: an atlas of equally large tiles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.debug.memory import on_cpu
from engine.debug.views.blocks import Range, block_factors, reduced

#: Pixels that an atlas may have, and tiles.
MOST_PIXELS = 1 << 22
MOST_TILES = 4096


def image_grid(array: np.ndarray, max_tiles: int = 64, max_shape: tuple[int, int] = (1024, 1024)) -> dict[str, Any]:
    """The last two dimensions of a tensor as tiles, side by side without gaps.

    A tensor (N, C, H, W) has a row of tiles for each n and a column for each c; where one of these extents is 1, and
    for (C, H, W), the tiles run on row by row in a grid that is about square. Of more than ``max_tiles`` only the first
    of each dimension are shown.

    Args:
        array: (H, W), (C, H, W) or (N, C, H, W).
        max_tiles: at most so many tiles.
        max_shape: the atlas's most rows and columns; tiles are reduced by block means to fit.

    Returns:
        ``data``: float32 or the array's dtype, (rows·height, columns·width); grid places without a tile are NaN in
        float arrays, 0 in others. ``tiles``: ``rows``, ``columns``, ``height``, ``width``, ``count``, ``total``, and
        ``shown``: how many entries of each leading dimension; tile k stands in row k // columns, column k % columns
        and is the k-th of those entries in C order. ``shape``, ``dtype``, ``block``, ``range``, ``nonFinite`` as of
        :func:`engine.debug.views.arrays.view`.

    Raises:
        ValueError: another number of dimensions, or limits that leave no room for one tile.
    """
    if not 2 <= array.ndim <= 4:
        raise ValueError(f"image_grid: a tensor of shape {array.shape} has no tiles; it must have 2, 3 or 4 dimensions")
    if not 1 <= max_tiles <= MOST_TILES:
        raise ValueError(f"image_grid: max_tiles must be from 1 to {MOST_TILES}, got {max_tiles}")
    if len(max_shape) != 2 or min(max_shape) < 1 or max_shape[0] * max_shape[1] > MOST_PIXELS:
        raise ValueError(f"image_grid: max_shape must be two numbers of at least 1 and at most {MOST_PIXELS} pixels")
    lead = array.shape[:-2]
    shown, rows, columns = _layout(lead, min(max_tiles, max_shape[0] * max_shape[1]), max_shape)
    room = (max_shape[0] // max(1, rows), max_shape[1] // max(1, columns))
    block = block_factors(array.shape[-2:], room)
    height, width = (-(-n // b) for n, b in zip(array.shape[-2:], block))
    found = Range()
    places = list(np.ndindex(shown))
    cut = [reduced(on_cpu(array[place]), block, "mean", None, found) for place in places]
    dtype = cut[0].dtype if cut else array.dtype
    atlas = np.full((rows, height, columns, width), np.nan if dtype.kind == "f" else 0, dtype)
    for number, tile in enumerate(cut):
        atlas[number // columns, :, number % columns] = tile
    layout = {"rows": rows, "columns": columns, "height": height, "width": width, "count": len(cut)}
    return {
        "data": atlas.reshape(rows * height, columns * width),
        "tiles": {**layout, "total": math.prod(lead), "shown": list(shown)},
        "shape": list(array.shape),
        "dtype": str(array.dtype),
        "block": list(block),
        **found.fields(),
    }


def _layout(lead: tuple[int, ...], most: int, sizes: tuple[int, int]) -> tuple[tuple[int, ...], int, int]:
    """(entries shown of each leading dimension, rows, columns); no more rows and columns than ``sizes``."""
    if not math.prod(lead):
        return tuple(0 for _ in lead) if lead else (), 0, 0
    if len(lead) == 2 and min(lead) > 1:
        # Whole rows where they leave room for a square, else a square.
        columns = min(lead[1], sizes[1], most, max(math.isqrt(most), most // lead[0]))
        rows = min(lead[0], sizes[0], most // columns)
        return (rows, columns), rows, columns
    total = min(math.prod(lead), most)
    columns = min(math.isqrt(total - 1) + 1, sizes[1])
    rows = min(-(-total // columns), sizes[0])
    total = min(total, rows * columns)
    return tuple(min(n, total) for n in lead), rows, columns
