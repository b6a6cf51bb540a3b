"""Tensors of any number of dimensions as one matrix of cells: a matrix as it is, more dimensions as an atlas of tiles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: Tiles that are shown at most.
MOST_TILES = 256


@dataclass(frozen=True)
class Layout:
    """How the entries of the leading dimensions stand in the atlas.

    Attributes:
        lead: how many entries of each leading dimension are shown; () for a matrix.
        across: tiles in a row.
        down: rows of tiles.
        tile: rows and columns of one tile, in elements.
    """

    lead: tuple[int, ...]
    across: int
    down: int
    tile: tuple[int, int]

    @property
    def rows(self) -> int:
        return self.down * self.tile[0]

    @property
    def columns(self) -> int:
        return self.across * self.tile[1]

    def index(self, row: int, column: int) -> tuple[int, ...] | None:
        """(leading indices ..., row in the tile, column in the tile) of a cell; None where no tile is."""
        (y, inner_y), (x, inner_x) = divmod(row, self.tile[0]), divmod(column, self.tile[1])
        number = y * self.across + x
        if not self.lead:
            return inner_y, inner_x
        if number >= math.prod(self.lead):
            return None
        return (*(int(i) for i in np.unravel_index(number, self.lead)), inner_y, inner_x)

    def cell(self, index: Sequence[int]) -> tuple[int, int] | None:
        """(row, column) of the cell of an element; None where it is not shown."""
        *lead, inner_y, inner_x = index
        if len(lead) != len(self.lead) or any(not 0 <= i < n for i, n in zip(lead, self.lead)):
            return None
        if not (0 <= inner_y < self.tile[0] and 0 <= inner_x < self.tile[1]):
            return None
        number = int(np.ravel_multi_index(tuple(lead), self.lead)) if lead else 0
        y, x = divmod(number, self.across)
        return y * self.tile[0] + inner_y, x * self.tile[1] + inner_x


def layout_of(shape: Sequence[int], aspect: float = 1.0, most: int = MOST_TILES) -> Layout:
    """The layout for a tensor.

    (N, C, H, W) with N and C above 1 has a row of tiles for each n and a column for each c; else the tiles run on row by
    row, in a grid whose proportions come near ``aspect`` (width / height). Of more than ``most`` tiles the first are shown.
    """
    height, width = ((1, 1, *shape)[-2:])
    lead = tuple(shape[:-2])
    if not lead:
        return Layout((), 1, 1, (height, width))
    if len(lead) >= 2 and min(lead[-2:]) > 1 and math.prod(lead[:-2]) == 1:
        across = min(lead[-1], most, max(math.isqrt(most), most // lead[-2]))
        down = min(lead[-2], max(1, most // across))
        return Layout((*lead[:-2], down, across), across, down, (height, width))
    shown = _first(lead, most)
    total = math.prod(shown)
    across = min(total, max(1, round(math.sqrt(total * aspect * height / max(1, width)))))
    return Layout(shown, across, -(-total // across) if total else 0, (height, width))


def _first(lead: tuple[int, ...], most: int) -> tuple[int, ...]:
    kept: list[int] = []
    for extent in reversed(lead):
        kept.append(min(extent, max(1, most)))
        most //= max(1, kept[-1])
    return tuple(reversed(kept))


def atlas(data: np.ndarray, layout: Layout) -> np.ndarray:
    """``data`` (leading dimensions of at least ``layout.lead``, then tiles of any size) as one matrix.

    Places without a tile are 0, which has the colour of the background.
    """
    if not layout.lead:
        return data.reshape((1, 1, *data.shape)[-2:] if data.ndim < 2 else data.shape)
    data = data[tuple(np.s_[:n] for n in layout.lead)]
    height, width = data.shape[-2:]
    tiles = data.reshape(-1, height, width)
    whole = np.zeros((layout.across * layout.down, height, width), data.dtype)
    whole[: len(tiles)] = tiles
    whole = whole.reshape(layout.down, layout.across, height, width)
    return whole.swapaxes(1, 2).reshape(layout.down * height, layout.across * width)
