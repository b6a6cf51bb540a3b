"""The blocks and threads of a launch on a GPU as rows of cells, and what the thread of one element computes there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gui.numbers import plural

#: Threads that a GPU runs together. A block with one dimension is drawn in rows of so many.
WARP = 32

#: Blocks that are drawn in a row and in a column; of a larger grid those around the element's.
_COLUMNS, _ROWS = 16, 4


@dataclass(frozen=True)
class Span:
    """Those of an axis that are drawn: ``count`` from ``first`` on, of ``total``."""

    first: int
    count: int
    total: int

    @classmethod
    def around(cls, place: int, total: int, most: int) -> Span:
        """At most ``most`` with ``place`` in their middle, as far as the ends allow."""
        count = min(total, most)
        return cls(min(max(0, place - count // 2), total - count), count, total)

    @property
    def cut(self) -> tuple[bool, bool]:
        """Whether there are more before, and behind."""
        return self.first > 0, self.first + self.count < self.total


class ThreadGrid:
    """A launch as ``explain`` tells it, in CUDA's order (x, y, z).

    Attributes:
        thread, block, block_dim, grid_dim: threadIdx, blockIdx, blockDim, gridDim.
        columns, rows: the blocks that are drawn.
        wide, high: columns and rows of a block's threads as they are drawn.
        flat: whether threads are counted along x alone: elements in C order.
    """

    def __init__(self, launch: Mapping[str, Any]) -> None:
        self.thread, self.block = tuple(launch["threadIdx"]), tuple(launch["blockIdx"])
        self.block_dim, self.grid_dim = tuple(launch["blockDim"]), tuple(launch["gridDim"])
        self.shape = tuple(launch["shape"])
        self.flat = launch["kernel"] != "naive"
        self.columns = Span.around(self.block[0], self.grid_dim[0], _COLUMNS)
        self.rows = Span.around(self.block[1], self.grid_dim[1], _ROWS)
        self.wide = min(WARP, self.block_dim[0]) if self.flat else self.block_dim[0]
        self.high = -(-self.block_dim[0] // self.wide) if self.flat else self.block_dim[1]

    def cell(self) -> tuple[int, int]:
        """Row and column in which the element's thread is drawn."""
        x, y, _ = self.thread
        return (x // self.wide, x % self.wide) if self.flat else (y, x)

    def thread_at(self, row: int, column: int) -> tuple[int, int]:
        """threadIdx (x, y) of what is drawn there."""
        return (row * self.wide + column, 0) if self.flat else (column, row)

    def exists(self, row: int, column: int) -> bool:
        """Whether a thread is drawn there: the last row of a flat block may be shorter."""
        return not self.flat or row * self.wide + column < self.block_dim[0]

    def element_at(self, row: int, column: int) -> tuple[int, ...] | None:
        """The element that the thread drawn there computes: (k,) in C order, or (n, i, j); None where there is none."""
        x, y = self.thread_at(row, column)
        place = self.block[0] * self.block_dim[0] + x
        if self.flat:
            return (place,) if place < math.prod(self.shape) else None
        n, i = self.block[2], self.block[1] * self.block_dim[1] + y
        return (n, i, place) if i < self.shape[1] and place < self.shape[2] else None

    @property
    def idle(self) -> bool:
        """Whether the block has threads without an element."""
        cells = ((row, column) for row in range(self.high) for column in range(self.wide))
        return any(self.exists(*cell) and self.element_at(*cell) is None for cell in cells)

    # ---- words ----

    @property
    def title(self) -> str:
        """``Thread (3, 5) of block (1, 0)``: x, y of both"""
        return f"Thread {self.point(self.thread[:2])} of block {self.point(self.block)}"

    def point(self, place: Sequence[int]) -> str:
        """A place without the axes that this launch does not use."""
        if self.flat:
            return str(place[0])
        return f"({', '.join(map(str, place if self.grid_dim[2] > 1 else place[:2]))})"

    @property
    def grid_text(self) -> list[str]:
        """``Grid: 8 × 4 blocks``, and a line about which of them are drawn where not all are."""
        sizes = self.grid_dim[:1] if self.flat else self.grid_dim[:3] if self.grid_dim[2] > 1 else self.grid_dim[:2]
        text = f"Grid: {_product(sizes)} {'block' if math.prod(sizes) == 1 else 'blocks'}"
        drawn = [f"{axis} {span.first:,} to {span.first + span.count - 1:,}"
                 for axis, span in (("x", self.columns), ("y", self.rows)) if any(span.cut)]  # fmt: skip
        if self.grid_dim[2] > 1:
            drawn.append(f"z {self.block[2]:,}")
        return [text, f"shown: {', '.join(drawn)}"] if drawn else [text]

    @property
    def block_text(self) -> str:
        """``Block (1, 0): 16 × 16 threads``"""
        sizes = self.block_dim[:1] if self.flat else self.block_dim[:2]
        warps = f" in warps of {WARP}" if self.flat and self.high > 1 else ""
        threads = plural(math.prod(sizes), "thread")
        return f"Block {self.point(self.block)}: {_product(sizes)} {threads}{warps}"

    @property
    def arithmetic(self) -> list[str]:
        """How the thread finds its element, a line for each axis."""
        if not self.flat:
            axes = [("j", "x", 0), ("i", "y", 1)]
            lines = [self._sum(name, axis, d) for name, axis, d in axes]
            return [*lines, f"n = blockIdx.z = {self.block[2]}"] if self.grid_dim[2] > 1 else lines
        return [self._sum("k", "x", 0), f"element k of {math.prod(self.shape):,}, in C order"]

    def _sum(self, name: str, axis: str, d: int) -> str:
        block, size, thread = self.block[d], self.block_dim[d], self.thread[d]
        formula = f"{name} = blockIdx.{axis}·blockDim.{axis} + threadIdx.{axis}"
        return f"{formula}\n{' ' * len(name)} = {block}·{size} + {thread} = {block * size + thread}"

    def tip(self, row: int, column: int) -> str:
        """What the thread drawn there computes."""
        if not self.exists(row, column):
            return ""
        thread, element = f"threadIdx {self.point(self.thread_at(row, column))}", self.element_at(row, column)
        if element is None:
            return f"{thread}: no element is left for it"
        return f"{thread}: element {element[0]:,}" if self.flat else f"{thread}: i = {element[1]}, j = {element[2]}"


def _product(sizes: Sequence[int]) -> str:
    return " × ".join(f"{size:,}" for size in sizes)
