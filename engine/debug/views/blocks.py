"""Making matrices small: blocks of elements become one element each, and what is not finite is counted on the way.

Arrays are read once, in pieces that stay in the processor's cache, large ones by several threads, so that 100 MB take tens
of milliseconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from engine.debug.spread import spread
from engine.kernels.cpu.block_sums import block_sums

#: Elements that are worked on at a time: by NumPy, which reads them several times, and by kernels, which read them once.
PIECE, KERNEL_PIECE = 1 << 16, 1 << 20

#: Elements from which a kernel makes a matrix small, and the columns that it must have.
_LARGE, _WIDE = 1 << 17, 32

#: How a block becomes one element. ``max_abs``: the element of the greatest magnitude, with its sign.
REDUCTIONS = ("mean", "max_abs")

Transform = Callable[[np.ndarray], np.ndarray]


def _signed_log(x: np.ndarray) -> np.ndarray:
    return np.copysign(np.log1p(np.abs(x)) / math.log(10), x)


def _log(x: np.ndarray) -> np.ndarray:
    return np.log10(np.abs(x))


#: What may be done to each element before it is shown. ``log``: log10 |x|; ``signed_log``: sign(x) log10(1 + |x|).
TRANSFORMS: dict[str, Transform] = {
    "abs": np.abs,
    "sign": np.sign,
    "square": np.square,
    "log": _log,
    "signed_log": _signed_log,
}


def _ends(piece: np.ndarray) -> tuple[float, float]:
    """The least and the greatest element. The methods do the same, on a way that takes as long as a small array does."""
    return float(np.minimum.reduce(piece, axis=None)), float(np.maximum.reduce(piece, axis=None))


class Range:
    """The least and greatest finite element, and how many elements are NaN or infinite, of what was added."""

    def __init__(self) -> None:
        self.low, self.high = math.inf, -math.inf
        self.nans = self.infs = 0

    def add(self, piece: np.ndarray) -> None:
        """Take in the elements of ``piece``."""
        if not piece.size:
            return
        # Both are NaN where any element is, and infinite where one is: else all are finite, without a further look.
        low, high = _ends(piece)
        if not (math.isfinite(low) and math.isfinite(high)):
            self.nans += int(np.count_nonzero(np.isnan(piece)))
            self.infs += int(np.count_nonzero(np.isinf(piece)))
            finite = piece[np.isfinite(piece)]
            if not finite.size:
                return
            low, high = _ends(finite)
        self.low, self.high = min(self.low, low), max(self.high, high)

    @classmethod
    def of(cls, piece: np.ndarray) -> Range:
        """That of one piece."""
        found = cls()
        found.add(piece)
        return found

    def join(self, other: Range) -> None:
        """Take in what ``other`` has taken in."""
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.nans += other.nans
        self.infs += other.infs

    def fields(self) -> dict[str, Any]:
        """``range`` ([least, greatest], or None without finite elements) and ``nonFinite`` ({"nan", "inf"})."""
        found = [self.low, self.high] if self.low <= self.high else None
        return {"range": found, "nonFinite": {"nan": self.nans, "inf": self.infs}}


def block_factors(shape: tuple[int, ...], most: tuple[int, int]) -> tuple[int, int]:
    """The smallest block sizes (rows, columns) by which the last two dimensions fit into ``most``."""
    rows, columns = ((1,) * 2 + tuple(shape))[-2:]
    return max(1, -(-rows // most[0])), max(1, -(-columns // most[1]))


def pieces(
    matrix: np.ndarray, block: tuple[int, int] = (1, 1), size: int = PIECE
) -> Iterator[tuple[int, int, np.ndarray]]:
    """Parts of ``matrix`` (2-D) made of whole blocks, each with the number of its first block down and across.

    Each has about ``size`` elements, or is one block.
    """
    columns = min(matrix.shape[1], block[1] * max(1, size // (block[0] * block[1])))
    rows = block[0] * max(1, size // max(1, columns * block[0]))
    for top in range(0, matrix.shape[0], rows):
        for left in range(0, matrix.shape[1], max(1, columns)):
            yield top // block[0], left // block[1], matrix[top : top + rows, left : left + columns]


def reduced(
    matrix: np.ndarray, block: tuple[int, int], how: str, transform: Transform | None, found: Range
) -> np.ndarray:
    """``matrix`` (2-D) with each block of ``block`` elements as one; its elements, transformed, go into ``found``.

    Blocks at the lower and right edge are smaller where the sizes do not divide. A block with a NaN in it is NaN.
    """
    rows, columns = -(-matrix.shape[0] // block[0]), -(-matrix.shape[1] // block[1])
    changed = block != (1, 1) or transform is not None
    out = np.empty((rows, columns), np.float32 if changed else matrix.dtype)
    at_once = how == "mean" and transform is None and block != (1, 1) and _is_summable(matrix)

    def make(place: tuple[int, int, np.ndarray]) -> Range:
        top, left, piece = place
        summed = _summed(piece, block) if at_once else None
        if summed is not None:
            own, small = summed
            out[top : top + small.shape[0], left : left + small.shape[1]] = small
            return own
        with np.errstate(all="ignore"):
            if transform is not None:
                piece = transform(piece if piece.dtype.kind == "f" else piece.astype(np.float64))
            own, small = Range.of(piece), piece
            if block != (1, 1):
                small = _mean(piece, block, own) if how == "mean" else _max_abs(piece, block)
            out[top : top + small.shape[0], left : left + small.shape[1]] = small
        return own

    for own in spread(make, pieces(matrix, block, KERNEL_PIECE if at_once else PIECE), matrix.size):
        found.join(own)
    return out


def _is_summable(matrix: np.ndarray) -> bool:
    """Whether the kernel takes ``matrix``: a large one of floats, whose rows lie one after the other."""
    row, item = matrix.strides[0], matrix.itemsize
    return (
        matrix.size >= _LARGE and matrix.shape[1] >= _WIDE and matrix.dtype in (np.float32, np.float64)
        and matrix.strides[1] == item and row % item == 0 and row >= matrix.shape[1] * item and matrix.flags.writeable
    )  # fmt: skip


def _summed(piece: np.ndarray, block: tuple[int, int]) -> tuple[Range, np.ndarray] | None:
    """Range and block means of ``piece`` in one reading; None where not all of it is finite, or sums could overflow."""
    stride, sizes = piece.strides[0] // piece.itemsize, [_sizes(n, b) for n, b in zip(piece.shape, block)]
    memory = as_strided(piece, (stride * (piece.shape[0] - 1) + piece.shape[1],), (piece.itemsize,))
    sums, ends = np.empty((len(sizes[0]), len(sizes[1]))), np.empty(2, piece.dtype)
    block_sums.serial(sums, ends, memory, stride, piece.shape[1], *block)
    found = Range()
    found.low, found.high = float(ends[0]), float(ends[1])
    if not (max(abs(found.low), abs(found.high)) < _SAFE and np.isfinite(sums).all()):
        return None
    return found, sums / (sizes[0][:, None] * sizes[1][None, :])


#: Sums of blocks of elements below this cannot overflow in float32.
_SAFE = 1e30


def _mean(piece: np.ndarray, block: tuple[int, int], found: Range) -> np.ndarray:
    safe = piece.dtype.kind == "f" and max(abs(found.low), abs(found.high)) < _SAFE
    dtype = piece.dtype if safe else np.dtype(np.float64)
    totals = _joined(_joined(piece, block[0], 0, np.add, dtype), block[1], 1, np.add, dtype)
    return totals / (_sizes(piece.shape[0], block[0])[:, None] * _sizes(piece.shape[1], block[1])[None, :])


def _max_abs(piece: np.ndarray, block: tuple[int, int]) -> np.ndarray:
    high = _joined(_joined(piece, block[0], 0, np.maximum), block[1], 1, np.maximum).astype(np.float64)
    low = _joined(_joined(piece, block[0], 0, np.minimum), block[1], 1, np.minimum).astype(np.float64)
    return np.where(np.abs(low) > np.abs(high), low, high)


def _joined(matrix: np.ndarray, block: int, axis: int, op: np.ufunc, dtype: Any = None) -> np.ndarray:
    """``matrix`` with each ``block`` neighbours along ``axis`` joined by ``op``."""
    if block == 1:
        return matrix if dtype is None else matrix.astype(dtype, copy=False)
    whole = matrix.shape[axis] // block
    options = {} if dtype is None else {"dtype": dtype}
    head = matrix[: whole * block] if axis == 0 else matrix[:, : whole * block]
    shape = (whole, block, matrix.shape[1]) if axis == 0 else (matrix.shape[0], whole, block)
    parts = [op.reduce(head.reshape(shape), axis=axis + 1, **options)] if whole else []
    if whole * block < matrix.shape[axis]:
        tail = matrix[whole * block :] if axis == 0 else matrix[:, whole * block :]
        parts.append(op.reduce(tail, axis=axis, keepdims=True, **options))
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis)


def _sizes(extent: int, block: int) -> np.ndarray:
    """How many elements each block along a dimension has."""
    sizes = np.full((-(-extent // block),), block, np.float32)
    if extent % block:
        sizes[-1] = extent % block
    return sizes
