"""Picking elements by index tensors and masks, as copies: gather, take, index_select, masked_select ..."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine import trace
from engine.device import as_array, contiguous, device_of, empty, on_host
from engine.errors import DtypeError, IndexRangeError, MixedDevicesError, ShapeError
from engine.function import apply
from engine.ops.dims import broadcast_shapes, checked_dim
from engine.ops.indexing import Index, index_backward
from engine.ops.movement import Movement, expand_to
from engine.tensor import Tensor, wrap


def check_index(index: Tensor, extent: int, dim: int, op: str, negative: bool = False) -> None:
    """Refuse an ``index`` that is not int64 or does not lie in a dimension of ``extent``.

    Raises:
        DtypeError: for another dtype.
        IndexRangeError: naming the first index that is out of range.
    """
    array = index._array
    if array.dtype != np.int64:
        raise DtypeError(f"{op}(): Expected dtype int64 for index, got {index.dtype}")
    lowest = -extent if negative else 0
    if array.size and not trace.reading("bool", lambda: bool(array.min() >= lowest and array.max() < extent)):
        wrong = int(array[(array < lowest) | (array >= extent)][0])
        raise IndexRangeError(f"{op}: index {wrong} is out of bounds for dimension {dim} with size {extent}")


def check_device(x: Any, index: Any) -> None:
    """Refuse an index (a mask) that lies on another device than ``x``: it is read on the CPU, so that either would do.

    Raises:
        MixedDevicesError: which :func:`engine.function.apply` completes by what lies where.
    """
    if (type(x) is np.ndarray) != (type(index) is np.ndarray) and device_of(x) != device_of(index):
        raise MixedDevicesError("expected all tensors to be on the same device")


def flat_positions(shape: tuple[int, ...], dim: int, index: np.ndarray) -> np.ndarray:
    """The flat positions of the elements of an array of ``shape`` that gather reads: int64, shape of ``index``.

    At the place (i, j, k) of ``index`` this is the position of (index[i, j, k], j, k) for dim 0, and so on.
    """
    if not index.ndim:
        return on_host(index).reshape(())
    index = on_host(index)
    found = index * math.prod(shape[dim + 1 :])
    for axis, extent in enumerate(index.shape):
        if axis != dim:
            line = np.arange(extent) * math.prod(shape[axis + 1 :])
            found += line.reshape((-1,) + (1,) * (index.ndim - 1 - axis))
    return found


class Gather(Movement):
    """y[i, j] = x[index[i, j], j] for ``dim`` 0, x[i, index[i, j]] for 1, and so on."""

    saves_inputs = (1,)

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, x: np.ndarray, index: np.ndarray) -> np.ndarray:
        check_device(x, index)
        self.shape, self.index = x.shape, index
        return as_array(contiguous(x).reshape(-1)[flat_positions(x.shape, self.dim, index)])

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dx = index_backward((math.prod(self.shape),), dy, 0, self.k)
        return dx.reshape(self.shape)

    @property
    def k(self) -> np.ndarray:
        return flat_positions(self.shape, self.dim, self.index).reshape(-1)


def gather(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """Elements along ``dim`` that ``index`` names; the result has the shape of ``index``.

    Raises:
        ShapeError: when the number of dimensions differs, or ``index`` is larger in another dimension than ``dim``.
        IndexRangeError: for an index out of range.
    """
    shape = input._array.shape
    dim = checked_dim(dim, len(shape))
    check_gather(shape, dim, index._array.shape, "gather")
    check_index(index, shape[dim] if shape else 1, dim, "gather")
    return apply(Gather(dim), input, index)


def check_gather(shape: tuple[int, ...], dim: int, index_shape: tuple[int, ...], op: str) -> None:
    """Refuse an index shape that does not lie within ``shape`` outside ``dim``."""
    if len(index_shape) != len(shape):
        if math.prod(index_shape) == 0 or {len(index_shape), len(shape)} == {0, 1}:
            return
        raise ShapeError(
            f"{op}: Index tensor must have the same number of dimensions as input tensor: "
            f"index has shape {index_shape}, input {shape}"
        )
    for axis, (n, m) in enumerate(zip(index_shape, shape, strict=True)):
        if axis != dim and n > m:
            raise ShapeError(
                f"{op}: Size does not match at dimension {axis} expected index {list(index_shape)} "
                f"to be no larger than self {list(shape)} apart from dimension {dim}"
            )


def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """Like gather, with ``input`` and ``indices`` broadcast against each other outside ``dim``; flat for None."""
    if dim is None:
        return take(input, indices.reshape(-1))
    shape, index = input._array.shape, indices._array
    dim = checked_dim(dim, len(shape))
    if index.ndim != len(shape):
        raise ShapeError(
            "take_along_dim(): input and indices should have the same number of dimensions, "
            f"but got {len(shape)} dimensions for input, and {index.ndim} dimensions for indices"
        )
    check_index(indices, shape[dim], dim, "take_along_dim", negative=True)
    outside = broadcast_shapes(
        (*shape[:dim], 1, *shape[dim + 1 :]), (*index.shape[:dim], 1, *index.shape[dim + 1 :])
    )
    picked = np.broadcast_to(index, (*outside[:dim], index.shape[dim], *outside[dim + 1 :]))
    picked = np.where(picked < 0, picked + shape[dim], picked)
    return apply(Gather(dim), expand_to(input, (*outside[:dim], shape[dim], *outside[dim + 1 :])), wrap(picked))


class IndexSelect(Movement):
    """The slices of x along ``dim`` that the vector ``index`` names."""

    saves_inputs = (1,)

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, x: np.ndarray, index: np.ndarray) -> np.ndarray:
        self.shape, self.index = x.shape, index
        return self.move(x)

    def move(self, x: np.ndarray) -> np.ndarray:
        if not x.ndim:
            return x.reshape(1).take(self.index).reshape(())
        index = self.index.reshape(-1)
        y = empty((*x.shape[: self.dim], index.size, *x.shape[self.dim + 1 :]), x.dtype, x)
        # The range is checked by the public functions; "clip" spares NumPy a buffer.
        np.take(x, index, self.dim, out=y, mode="clip")
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        shape = self.shape or (1,)
        return index_backward(shape, dy, self.dim, self.index).reshape(self.shape)


def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices of ``input`` along ``dim`` that the vector ``index`` names, in its order.

    Raises:
        IndexRangeError: for an index out of range.
        IndexError: for an index with more than one dimension.
    """
    shape = input._array.shape
    dim = checked_dim(dim, len(shape))
    if index._array.ndim > 1:
        raise IndexError(
            f"index_select(): Index is supposed to be a vector, but got dim: {index._array.ndim} "
            f"(shape {index._array.shape})"
        )
    if not shape and index._array.size != 1:
        raise ShapeError("index_select(): Index to scalar can have only 1 value")
    check_index(index, shape[dim] if shape else 1, dim, "index_select")
    return apply(IndexSelect(dim), input, index)


def repeat_interleave(
    input: Tensor, repeats: int | Tensor | None = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Every slice along ``dim`` (every element for None) ``repeats`` times in a row.

    With ``repeats`` left out, ``input`` holds the numbers of repetitions, and the result the repeated positions.
    """
    if repeats is None:
        return wrap(np.repeat(np.arange(input._array.size), input._array))
    if dim is None:
        input, dim = input.reshape(-1), 0
    dim = checked_dim(dim, input._array.ndim)
    extent = input._array.shape[dim]
    counts = np.asarray(repeats._array if isinstance(repeats, Tensor) else repeats)
    if counts.dtype.kind != "i" or counts.ndim > 1:
        raise DtypeError("repeat_interleave: repeats must be an int or an int64 tensor with at most 1 dimension")
    if counts.size not in (1, extent):
        raise ShapeError(
            "repeats must have the same size as input along dim, "
            f"but got repeats.size(0) = {counts.size} and input.size({dim}) = {extent}"
        )
    if counts.size and counts.min() < 0:
        raise ShapeError(f"repeat_interleave: Repeats must be non-negative, got {counts.min()}")
    index = np.repeat(np.arange(extent), counts.reshape(-1))
    if output_size is not None and output_size != index.size:
        raise ShapeError(f"repeat_interleave: Invalid output_size, expected {index.size} but got {output_size}")
    return apply(IndexSelect(dim), input, wrap(index))


class Take(Movement):
    """The elements of x at flat positions ``index``."""

    saves_inputs = (1,)

    def forward(self, x: np.ndarray, index: np.ndarray) -> np.ndarray:
        self.shape, self.index = x.shape, index
        return self.move(x)

    def move(self, x: np.ndarray) -> np.ndarray:
        return as_array(contiguous(x).reshape(-1)[self.index])

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return index_backward((math.prod(self.shape),), dy, 0, self.index).reshape(self.shape)


def take(input: Tensor, index: Tensor) -> Tensor:
    """The elements at the flat positions ``index`` (negative ones count from the end), in the shape of ``index``."""
    check_index(index, input._array.size, 0, "take", negative=True)
    return apply(Take(), input, index)


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where ``mask`` is true, in one dimension; both are broadcast against each other."""
    if mask._array.dtype != np.bool_:
        raise DtypeError(f"masked_select: expected BoolTensor for mask, got {mask.dtype}")
    shape = broadcast_shapes(input._array.shape, mask._array.shape)
    picked = np.broadcast_to(mask._array, shape).copy()
    if not shape:
        return apply(Index((picked.reshape(1),)), input.reshape(1))
    return apply(Index((picked,)), expand_to(input, shape))


def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """Where ``input`` is not zero: (number, dimensions) int64, in row-major order, or a vector for each dimension."""
    array = input._array
    if as_tuple:
        return tuple([wrap(found) for found in np.nonzero(array if array.ndim else array.reshape(1))])
    return wrap(np.argwhere(array))


def argwhere(input: Tensor) -> Tensor:
    """The indices of the elements that are not zero: (number, dimensions) int64, in row-major order."""
    return wrap(np.argwhere(input._array))


METHODS = {
    "argwhere": argwhere,
    "gather": gather,
    "index_select": index_select,
    "masked_select": masked_select,
    "nonzero": nonzero,
    "repeat_interleave": repeat_interleave,
    "take": take,
    "take_along_dim": take_along_dim,
}
FUNCTIONS = tuple(METHODS)
