"""Flipping, rolling, repeating, triangles, diagonals and grids."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.definitions import movement as definitions
from engine.device import as_array, empty, full, zeros
from engine.errors import ShapeError
from engine.function import apply
from engine.ops.dims import checked_dim, checked_dims, sizes_of
from engine.ops.movement import Contiguous, Expand, Movement, reshape
from engine.ops.permuting import transpose
from engine.tensor import Tensor


class Filled(Movement):
    """y[i] = x[k[i]], or ``value`` where k[i] is -1. Subclasses give ``fill`` and ``backward``."""

    definitions = {"y": definitions.filled_forward, "dx": definitions.movement_backward}
    value: float = 0.0

    def fill(self, x: np.ndarray, value: float) -> np.ndarray:
        """The elements of ``x`` in their new places, and ``value`` everywhere else."""
        raise NotImplementedError

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.shape = x.shape
        return self.fill(x, self.value)

    @property
    def k(self) -> np.ndarray:
        return self.fill(np.arange(math.prod(self.shape)).reshape(self.shape), -1).reshape(-1)


class Flip(Movement):
    """The order along ``dims`` reversed."""

    passes_gradient = True

    def __init__(self, dims: tuple[int, ...]) -> None:
        self.dims = dims

    def move(self, x: np.ndarray) -> np.ndarray:
        y = empty(x.shape, x.dtype, x)
        np.copyto(y, self.backward(x))
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return dy[tuple([slice(None, None, -1 if d in self.dims else None) for d in range(dy.ndim)])]


def flip(input: Tensor, dims: tuple[int, ...]) -> Tensor:
    """A copy of ``input`` with the order along ``dims`` reversed."""
    return apply(Flip(checked_dims(sizes_of((dims,)), input._array.ndim, "flip")), input)


def _flip(input: Tensor, *dims: Any) -> Tensor:
    return flip(input, sizes_of(dims))


def fliplr(input: Tensor) -> Tensor:
    """The columns in reversed order."""
    if input._array.ndim < 2:
        raise ShapeError("fliplr: Input must be >= 2-d.")
    return flip(input, (1,))


def flipud(input: Tensor) -> Tensor:
    """The rows in reversed order."""
    if input._array.ndim < 1:
        raise ShapeError("flipud: Input must be >= 1-d.")
    return flip(input, (0,))


class Roll(Movement):
    """Shifted along ``dims``; what leaves at one end enters at the other."""

    def __init__(self, shifts: tuple[int, ...], dims: tuple[int, ...] | None) -> None:
        self.shifts, self.dims = shifts, dims

    def move(self, x: np.ndarray) -> np.ndarray:
        return np.roll(x, self.shifts if self.dims else self.shifts[0], self.dims)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        back = tuple([-shift for shift in self.shifts])
        return np.roll(dy, back if self.dims else back[0], self.dims)


def roll(
    input: Tensor, shifts: int | tuple[int, ...], dims: int | tuple[int, ...] | None = None
) -> Tensor:
    """A copy shifted by ``shifts`` along ``dims`` (along all elements in order when None), round the ends."""
    shifts = sizes_of((shifts,))
    if dims is None or dims == ():
        if len(shifts) != 1:
            raise ShapeError(f"roll: shifts and dimensions must align. shifts: {len(shifts)}, dims:0")
        return apply(Roll(shifts, None), input)
    dims = sizes_of((dims,))
    if len(shifts) != len(dims):
        raise ShapeError(f"roll: shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}")
    if not input._array.ndim:
        raise IndexError(f"Dimension specified as {dims[0]} but tensor has no dimensions")
    return apply(Roll(shifts, tuple([checked_dim(d, input._array.ndim) for d in dims])), input)


def rot90(input: Tensor, k: int = 1, dims: tuple[int, int] = (0, 1)) -> Tensor:
    """A copy rotated by ``k`` quarter turns from the first towards the second of ``dims``."""
    if len(dims) != 2:
        raise ShapeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    ndim = input._array.ndim
    if ndim < 2:
        raise ShapeError(f"expected total dims >= 2, but got total dims = {ndim}")
    first, second = [checked_dim(d, ndim) for d in dims]
    if first == second:
        raise ShapeError(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    turns = k % 4
    if turns == 0:
        return apply(Contiguous(), input)
    if turns == 2:
        return flip(input, (first, second))
    return transpose(flip(input, (second if turns == 1 else first,)), first, second)


class Repeat(Movement):
    """The whole tensor set side by side ``repeats[d]`` times along each dimension d."""

    def __init__(self, repeats: tuple[int, ...]) -> None:
        self.repeats = repeats

    def _pairs(self, shape: tuple[int, ...]) -> list[int]:
        # Each dimension of the result is a pair (repeat, position inside x).
        extents = (1,) * (len(self.repeats) - len(shape)) + shape
        return [n for pair in zip(self.repeats, extents, strict=True) for n in pair]

    def move(self, x: np.ndarray) -> np.ndarray:
        pairs = self._pairs(x.shape)
        y = empty(tuple([r * n for r, n in zip(pairs[::2], pairs[1::2], strict=True)]), x.dtype, x)
        y.reshape(pairs)[...] = x.reshape([n for extent in pairs[1::2] for n in (1, extent)])
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        pairs = self._pairs(self.shape)
        dx = dy.reshape(pairs).sum(tuple(range(0, len(pairs), 2)))
        return as_array(dx).reshape(self.shape)


def _repeat(input: Tensor, *repeats: Any) -> Tensor:
    """A copy of ``input`` set side by side; leading repeats make new dimensions.

    Raises:
        ShapeError: for fewer repeats than dimensions, or a negative one.
    """
    counts = sizes_of(repeats)
    shape = input._array.shape
    if len(counts) < len(shape):
        raise ShapeError(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor: "
            f"repeats {counts}, shape {shape}"
        )
    if any(count < 0 for count in counts):
        raise ShapeError(f"repeat: Trying to create tensor with negative dimension: repeats {counts}, shape {shape}")
    return apply(Repeat(counts), input)


def tile(input: Tensor, dims: tuple[int, ...]) -> Tensor:
    """Like ``input.repeat``, with 1 for leading dimensions that ``dims`` leaves out."""
    counts = sizes_of((dims,))
    return _repeat(input, (1,) * (input._array.ndim - len(counts)) + counts)


def _tile(input: Tensor, *dims: Any) -> Tensor:
    return tile(input, sizes_of(dims))


class Tril(Filled):
    """The lower triangle of the last two dimensions, zeros above diagonal number ``diagonal``."""

    def __init__(self, diagonal: int) -> None:
        self.diagonal = diagonal

    def kept(self, rows: int, columns: int) -> np.ndarray:
        """Which elements of a matrix stay."""
        return np.tri(rows, columns, self.diagonal, bool)

    def fill(self, x: np.ndarray, value: float) -> np.ndarray:
        y = empty(x.shape, x.dtype, x)
        y.fill(value)
        np.copyto(y, x, where=self.kept(*x.shape[-2:]))
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return self.fill(dy, 0)


class Triu(Tril):
    """The upper triangle of the last two dimensions, zeros below diagonal number ``diagonal``."""

    def kept(self, rows: int, columns: int) -> np.ndarray:
        return ~np.tri(rows, columns, self.diagonal - 1, bool)


def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """A copy with zeros above ``diagonal`` (0: the main one, positive: above it)."""
    if input._array.ndim < 2:
        raise ShapeError(f"tril: input tensor must have at least 2 dimensions, its shape is {input._array.shape}")
    return apply(Tril(diagonal), input)


def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """A copy with zeros below ``diagonal`` (0: the main one, positive: above it)."""
    if input._array.ndim < 2:
        raise ShapeError(f"triu: input tensor must have at least 2 dimensions, its shape is {input._array.shape}")
    return apply(Triu(diagonal), input)


class Diagonal(Movement):
    """The view of a diagonal of two dimensions, as a new last dimension."""

    is_view = True

    def __init__(self, offset: int, dim1: int, dim2: int) -> None:
        self.offset, self.dim1, self.dim2 = offset, dim1, dim2

    def move(self, x: np.ndarray) -> np.ndarray:
        y = np.diagonal(x, self.offset, self.dim1, self.dim2)
        y.flags.writeable = x.flags.writeable
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dx = zeros(self.shape, dy.dtype, dy)
        self.move(dx)[...] = dy
        return dx


def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The view of diagonal number ``offset`` (positive: above the main one), as the last dimension."""
    ndim = input._array.ndim
    first, second = checked_dim(dim1, ndim), checked_dim(dim2, ndim)
    if first == second:
        raise ShapeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return apply(Diagonal(offset, first, second), input)


class DiagonalMatrix(Filled):
    """A vector on a diagonal of a square matrix of zeros."""

    def __init__(self, diagonal: int) -> None:
        self.diagonal = diagonal

    def fill(self, x: np.ndarray, value: float) -> np.ndarray:
        n = x.shape[0] + abs(self.diagonal)
        y = full((n, n), value, x.dtype, x)
        Diagonal(self.diagonal, 0, 1).move(y)[...] = x
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return np.diagonal(dy, self.diagonal).copy()


def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """The matrix with a vector on its diagonal, or a copy of the diagonal of a matrix."""
    ndim = input._array.ndim
    if ndim == 1:
        return apply(DiagonalMatrix(diagonal), input)
    if ndim != 2:
        raise ShapeError(f"diag(): Supports 1D or 2D tensors. Got {ndim}D")
    return apply(Contiguous(), apply(Diagonal(diagonal, 0, 1), input))


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Views of the vectors over their common grid: tensor d varies along dimension d ("ij", the default).

    With ``indexing="xy"`` the first two dimensions are exchanged.

    Raises:
        ShapeError: for tensors with more than one dimension, or of different dtypes.
    """
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    if indexing not in (None, "ij", "xy"):
        raise ShapeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    for tensor in tensors:
        if tensor._array.ndim > 1:
            raise ShapeError(
                "torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: "
                f"a tensor of shape {tensor._array.shape}"
            )
        if tensor._array.dtype != tensors[0]._array.dtype:
            raise ShapeError("meshgrid expects all tensors to have the same dtype")
    order = list(range(len(tensors)))
    if indexing == "xy" and len(order) > 1:
        order[:2] = 1, 0
    shape = [0] * len(tensors)
    for tensor, axis in zip(tensors, order, strict=True):
        shape[axis] = tensor._array.size
    grids = []
    for tensor, axis in zip(tensors, order, strict=True):
        line = [1] * len(shape)
        line[axis] = shape[axis]
        grids.append(apply(Expand(tuple(shape)), reshape(tensor, tuple(line))))
    return tuple(grids)


METHODS = {
    "diag": diag,
    "diagonal": diagonal,
    "flip": _flip,
    "fliplr": fliplr,
    "flipud": flipud,
    "repeat": _repeat,
    "roll": roll,
    "rot90": rot90,
    "tile": _tile,
    "tril": tril,
    "triu": triu,
}
FUNCTIONS = (
    "diag",
    "diagonal",
    "flip",
    "fliplr",
    "flipud",
    "meshgrid",
    "roll",
    "rot90",
    "tile",
    "tril",
    "triu",
)
