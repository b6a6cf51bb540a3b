"""Tensors for the window: in numbers, made small, as a histogram, compared, and as a file."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np

from engine.debug.memory import name_of, on_cpu
from engine.debug.spread import spread
from engine.debug.statistics.observer import summarize
from engine.debug.views.blocks import KERNEL_PIECE, PIECE, REDUCTIONS, TRANSFORMS, Range, block_factors, pieces, reduced
from engine.debug.views.slices import selection
from engine.kernels.cpu import statistics as kernels

#: Elements that an answer may hold; leading dimensions are cut to what fits.
MOST_ELEMENTS = 1 << 20

#: Bins that a histogram may have.
MOST_BINS = 4096

#: The ends of a histogram where no element is finite.
NO_ENDS = (0.0, 1.0)


def describe(array: np.ndarray) -> dict[str, Any]:
    """An array in numbers: shape, dtype, count, min, max, mean, std, norm, zeros, nans, infs.

    The numbers are over the finite elements (NaN where there are none), as of
    :class:`engine.debug.statistics.observer.Summary`.
    """
    return {"shape": list(array.shape), "dtype": str(array.dtype), **summarize(array)._asdict()}


def view(
    array: np.ndarray,
    slice: Any = None,
    max_shape: tuple[int, int] = (256, 256),
    transform: str | None = None,
    reduce: str = "mean",
) -> dict[str, Any]:
    """The part ``slice`` of an array, with its last two dimensions made to fit ``max_shape``.

    Blocks of b0 × b1 elements become one by their mean, or by the element of the greatest magnitude
    (``reduce="max_abs"``); a block with a NaN in it is NaN. Of leading dimensions only the first entries are shown
    where all would be more than ``MOST_ELEMENTS``.

    Args:
        slice: see :func:`engine.debug.views.slices.selection`.
        max_shape: most rows and columns; a tensor of one dimension is one row.
        transform: a key of ``TRANSFORMS``, applied to each element before it is reduced.

    Returns:
        ``data``: the array, a copy: of its own dtype, but float32 where it was transformed or reduced; ``shape``,
        ``dtype``: of the whole array; ``selected``: the shape of the slice; ``shown``: how many entries of each
        leading dimension of it; ``block``: [b0, b1]; ``range``, ``nonFinite``: of the elements shown, transformed,
        before they were reduced (range is None where none is finite).

    Raises:
        ValueError, IndexError: an argument that does not fit.
    """
    return view_of(selection(array, slice), array.shape, max_shape, transform, reduce)


def view_of(
    chosen: np.ndarray,
    shape: tuple[int, ...],
    max_shape: tuple[int, int] = (256, 256),
    transform: str | None = None,
    reduce: str = "mean",
) -> dict[str, Any]:
    """:func:`view` of a part that was chosen already, of an array of ``shape``."""
    change = _checked(transform, reduce)
    rows, columns = _most(max_shape)
    block = block_factors(chosen.shape, (rows, columns))
    lead, matrix_shape = chosen.shape[:-2], ((1, 1, *chosen.shape)[-2:])
    found = Range()
    if block == (1, 1) and change is None:
        # Nothing is made small: one copy, where there may be hundreds of small matrices.
        shown, cut = lead, chosen
        if chosen.size > MOST_ELEMENTS:
            shown, cut = _cut(chosen, math.prod(matrix_shape))
        data = np.array(on_cpu(cut), order="C")
        found.add(data)
    else:
        small = tuple(-(-n // b) for n, b in zip(matrix_shape, block))
        shown, cut = _cut(chosen, math.prod(small))
        cut = on_cpu(cut)
        if cut.size and small == (1, 1):
            # Each matrix becomes one element: as rows of one matrix, where there may be hundreds of thousands of them.
            matrices, block_of = cut.reshape(1, -1, math.prod(matrix_shape)), (1, max(1, math.prod(matrix_shape)))
        elif cut.size and matrix_shape[0] % block[0] == 0:
            # No block reaches from one matrix into the next.
            matrices, block_of = cut.reshape(1, -1, matrix_shape[1]), block
        else:
            matrices, block_of = cut.reshape(1, *matrix_shape) if cut.ndim < 3 else cut, block
        parts = [reduced(matrices[at], block_of, reduce, change, found) for at in np.ndindex(matrices.shape[:-2])]
        made = (*shown, *small[2 - min(2, chosen.ndim) :])
        data = np.stack(parts).reshape(made) if parts else np.empty(made, chosen.dtype)
    return {
        "data": data,
        "shape": list(shape),
        "dtype": name_of(chosen.dtype),
        "selected": list(chosen.shape),
        "shown": list(shown),
        "block": list(block),
        **found.fields(),
    }


def _cut(chosen: np.ndarray, elements: int) -> tuple[tuple[int, ...], np.ndarray]:
    """How many entries of each leading dimension an answer may hold, with so many elements for each matrix; and these."""
    shown = _fitting(chosen.shape[:-2], MOST_ELEMENTS // max(1, elements))
    return shown, chosen[tuple([np.s_[:n] for n in shown])]


def _checked(transform: str | None, reduce: str) -> Any:
    if reduce not in REDUCTIONS:
        raise ValueError(f"view: reduce must be one of {', '.join(REDUCTIONS)}, got {reduce!r}")
    if transform is None:
        return None
    if transform not in TRANSFORMS:
        raise ValueError(f"view: transform must be one of {', '.join(TRANSFORMS)} or null, got {transform!r}")
    return TRANSFORMS[transform]


def _most(max_shape: Any) -> tuple[int, int]:
    """``max_shape`` as two positive numbers whose product an answer may hold."""
    sizes = tuple(max_shape)
    if len(sizes) != 2 or not all(isinstance(n, (int, np.integer)) and n >= 1 for n in sizes):
        raise ValueError(f"view: max_shape must be two numbers of at least 1, got {max_shape!r}")
    if sizes[0] * sizes[1] > MOST_ELEMENTS:
        raise ValueError(f"view: max_shape {list(sizes)} is more than {MOST_ELEMENTS} elements")
    return int(sizes[0]), int(sizes[1])


def _fitting(extents: tuple[int, ...], most: int) -> tuple[int, ...]:
    """How many entries of each dimension, the last ones first, make at most ``most`` together."""
    kept: list[int] = []
    for extent in reversed(extents):
        kept.append(min(extent, max(1, most)))
        most //= max(1, kept[-1])
    return tuple(reversed(kept))


def histogram(array: np.ndarray, bins: int = 64, range: Any = None) -> dict[str, Any]:
    """How many elements lie in each of ``bins`` equally wide bins.

    Bin k holds edges[k] <= x < edges[k + 1], the last one also its upper edge.

    Args:
        range: [lowest edge, highest edge]; the finite elements' least and greatest by default. Equal ends are moved
            half a unit apart from each other's place, as NumPy does.

    Returns:
        ``counts`` (int64), ``edges`` (float64, one more), ``below``, ``above`` (finite or infinite elements outside),
        ``nans``, ``count`` (all elements).

    Raises:
        ValueError: a number of bins or a range that cannot be.
    """
    if isinstance(bins, bool) or not isinstance(bins, (int, np.integer)) or not 1 <= bins <= MOST_BINS:
        raise ValueError(f"histogram: bins must be from 1 to {MOST_BINS}, got {bins!r}")
    array = on_cpu(array)
    low, high = _checked_ends(array, range)
    edges = np.linspace(low, high, int(bins) + 1)
    if not (edges[1:] > edges[:-1]).all():
        raise ValueError(f"histogram: {bins} bins do not fit between {low} and {high}: floats are not that dense there")

    def count(piece: np.ndarray) -> tuple[np.ndarray, int, int, int]:
        piece = _flat(piece)
        part = np.empty(int(bins), np.int64)
        kernels.linear_histogram.serial(part, piece, edges)
        if part.sum() == piece.size:
            return part, 0, 0, 0
        below, above = int(np.count_nonzero(piece < low)), int(np.count_nonzero(piece > high))
        return part, below, above, int(np.count_nonzero(np.isnan(piece)))

    counts = np.zeros(int(bins), np.int64)
    below = above = nans = 0
    at_once = array.flags.c_contiguous and array.dtype.kind == "f"
    for part, *outside in spread(count, _pieces(array, KERNEL_PIECE) if at_once else _pieces(array), array.size):
        counts += part
        below, above, nans = below + outside[0], above + outside[1], nans + outside[2]
    return {"counts": counts, "edges": edges, "below": below, "above": above, "nans": nans, "count": int(array.size)}


def ends(array: np.ndarray) -> tuple[float, float]:
    """The least and the greatest finite element; ``NO_ENDS`` without any."""
    array = on_cpu(array)
    found = Range()
    for own in spread(lambda piece: Range.of(_flat(piece)), _pieces(array), array.size):
        found.join(own)
    return (found.low, found.high) if found.low <= found.high else NO_ENDS


def _checked_ends(array: np.ndarray, given: Any) -> tuple[float, float]:
    if given is None:
        low, high = ends(array)
    else:
        both = tuple(given)
        if len(both) != 2 or not all(isinstance(e, (int, float, np.number)) and math.isfinite(e) for e in both):
            raise ValueError(f"histogram: range must be two finite numbers, got {given!r}")
        low, high = float(both[0]), float(both[1])
        if low > high:
            raise ValueError(f"histogram: the range's ends must ascend, got {list(both)}")
    return (low - 0.5, high + 0.5) if low == high else (low, high)


def _pieces(array: np.ndarray, size: int = PIECE) -> Any:
    """The elements, as views of a piece at a time."""
    matrix = array.reshape(1, -1) if array.flags.c_contiguous else array.reshape(-1, array.shape[-1])
    for _, _, piece in pieces(matrix, size=size):
        yield piece


def _flat(piece: np.ndarray) -> np.ndarray:
    """A piece as a 1-D contiguous float array: made of one at a time, since all of them may be several times the array."""
    if piece.dtype not in (np.float32, np.float64):
        piece = piece.astype(np.float64)
    return np.ascontiguousarray(piece).reshape(-1)


def difference(a: np.ndarray, b: np.ndarray, max_shape: tuple[int, int] = (256, 256), slice: Any = None) -> dict[str, Any]:
    """How two arrays of one shape differ: b - a. NaN equals NaN here.

    Returns:
        ``count``, ``different`` (elements that are not equal), ``equal`` (none differs), ``maxAbs``, ``meanAbs``,
        ``rms`` (over elements where both are finite), ``maxIndex`` (where |b - a| is greatest, or None),
        ``unmatched`` (elements that are finite in one only, or infinities of different sign), ``view``: b - a as of
        :func:`view` with max_abs blocks.

    Raises:
        ValueError: the shapes differ.
    """
    a, b = on_cpu(a), on_cpu(b)
    if a.shape != b.shape:
        raise ValueError(f"difference: the shapes {a.shape} and {b.shape} must be equal")
    with np.errstate(all="ignore"):
        delta = np.subtract(b, a, dtype=np.float64 if a.dtype.kind != "f" or b.dtype.kind != "f" else None)
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        delta[same] = 0
        sizes = np.abs(delta)
        known = np.isfinite(sizes)
        finite = sizes[known].astype(np.float64)
    unmatched = int(delta.size - finite.size)
    greatest = np.where(known, sizes, -1.0) if unmatched else sizes
    different = int(same.size - np.count_nonzero(same))
    index = np.unravel_index(int(greatest.argmax()), a.shape) if different and finite.size else None
    return {
        "count": int(a.size),
        "different": different,
        "equal": different == 0,
        "maxAbs": float(finite.max()) if finite.size else 0.0,
        "meanAbs": float(finite.mean()) if finite.size else 0.0,
        "rms": float(np.sqrt(np.square(finite).mean())) if finite.size else 0.0,
        "maxIndex": None if index is None else [int(i) for i in index],
        "unmatched": unmatched,
        "view": view(delta, slice, max_shape, reduce="max_abs"),
    }


def npy_bytes(array: np.ndarray) -> bytes:
    """The array as the contents of an ``.npy`` file, which ``numpy.load`` reads."""
    buffer = io.BytesIO()
    np.save(buffer, on_cpu(array), allow_pickle=False)
    return buffer.getvalue()
