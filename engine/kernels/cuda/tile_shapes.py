"""How large the tiles of a product are that a block of threads computes (:mod:`engine.kernels.cuda.register_tile`)."""

from __future__ import annotations

from typing import NamedTuple

from engine.device import gate

#: Terms of the sum that a block brings to shared memory at once.
DEPTH = 4 if gate.simulated() else 8


class Shape(NamedTuple):
    """Sides of a block's tile and of a thread's own."""

    high: int
    wide: int
    tall: int
    broad: int


#: For large products, and for those of few rows (the channels of a small convolution).
SQUARE = Shape(8, 8, 4, 4) if gate.simulated() else Shape(128, 128, 8, 8)
FLAT = Shape(4, 8, 2, 4) if gate.simulated() else Shape(32, 128, 4, 8)

#: Rows up to which tiles are flat.
_FEW_ROWS = 4 if gate.simulated() else 64


def shape_for(rows: int) -> Shape:
    """The tile for a result of so many rows."""
    return FLAT if rows <= _FEW_ROWS else SQUARE


def threads_of(shape: Shape) -> int:
    """Threads of a block."""
    return (shape.wide // shape.broad) * (shape.high // shape.tall)


def tiles(rows: int, columns: int) -> tuple[int, int]:
    """Blocks that cover a result, and threads of each."""
    shape = shape_for(rows)
    return -(-rows // shape.high) * -(-columns // shape.wide), threads_of(shape)
