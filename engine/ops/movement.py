"""Expanding and reshaping: the ops that mostly return views.

A view shares the memory of its input, exactly where PyTorch's does: writing to one is seen in the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.definitions import movement as definitions
from engine.device import empty
from engine.errors import MissingError, ShapeError
from engine.function import Function, apply
from engine.ops import dims as checks
from engine.ops.dims import checked_dim, checked_dims, expanded_shape, resolved_shape, sizes_of
from engine.tensor import Size, Tensor


class Movement(Function):
    """y[i] = x[k[i]] over flat positions. Subclasses give ``move`` and ``backward``."""

    stays_finite = True
    definitions = {"y": definitions.movement_forward, "dx": definitions.movement_backward}

    shape: tuple[int, ...]

    def move(self, x: np.ndarray) -> np.ndarray:
        """The same elements elsewhere; must depend on the shape of ``x`` only."""
        raise NotImplementedError

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.shape = x.shape
        return self.move(x)

    @property
    def k(self) -> np.ndarray:
        """For each flat position of y the flat position of x that it is read from (int64)."""
        return np.ascontiguousarray(self.move(positions(self.shape)).reshape(-1))

    def canonical(self, name: str, array: np.ndarray) -> np.ndarray:
        return array.reshape(-1)


def positions(shape: tuple[int, ...]) -> np.ndarray:
    """The flat row-major position of every element of an array of ``shape`` (int64)."""
    size = 1
    for extent in shape:
        size *= extent
    return np.arange(size, dtype=np.int64).reshape(shape)


class Expand(Movement):
    """x repeated along new leading dimensions and along those of extent 1, without copying."""

    is_view = True
    passes_gradient = True

    def __init__(self, sizes: tuple[int, ...]) -> None:
        self.sizes = sizes

    def move(self, x: np.ndarray) -> np.ndarray:
        return _broadcast(x, self.sizes)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        shape = self.shape
        extra = dy.ndim - len(shape)
        axes = tuple([i for i, extent in enumerate(dy.shape) if i < extra or extent != shape[i - extra]])
        if not axes:
            return dy
        dx = dy.sum(axes, keepdims=True)
        return dx.reshape(shape)


def _broadcast(x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """np.broadcast_to, several times faster where ``x`` is contiguous; read-only where elements repeat."""
    if x.shape == shape:
        return x.view()
    if type(x) is not np.ndarray or not x.flags.c_contiguous or not x.size:
        return np.broadcast_to(x, shape)
    extra = len(shape) - x.ndim
    strides = tuple(
        [
            0 if i < extra or extent != x.shape[i - extra] else x.strides[i - extra]
            for i, extent in enumerate(shape)
        ]
    )
    y = np.ndarray(shape, x.dtype, x, 0, strides)
    if y.size != x.size:
        y.flags.writeable = False
    return y


def expand_to(input: Tensor, shape: tuple[int, ...]) -> Tensor:
    """``input`` broadcast to ``shape``, which it must fit; itself where it has that shape already."""
    if input._array.shape == shape:
        return input
    return apply(Expand(shape), input)


def _expand(input: Tensor, *sizes: Any) -> Tensor:
    """A view with extents of 1 repeated; -1 keeps an extent; new dimensions come in front."""
    return apply(Expand(expanded_shape(input._array.shape, sizes_of(sizes))), input)


def broadcast_to(input: Tensor, size: tuple[int, ...]) -> Tensor:
    """A view of ``input`` of shape ``size``.

    Raises:
        ShapeError: when ``input`` does not broadcast to ``size``.
    """
    return apply(Expand(expanded_shape(input._array.shape, sizes_of((size,)))), input)


def _expand_as(input: Tensor, other: Tensor) -> Tensor:
    return broadcast_to(input, other._array.shape)


def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """The tensors as views of their common broadcast shape."""
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    shape = checks.broadcast_shapes(*[t._array.shape for t in tensors])
    return tuple([apply(Expand(shape), t) for t in tensors])


def broadcast_shapes(*shapes: Any) -> Size:
    """The shape that all of ``shapes`` broadcast to."""
    return Size(checks.broadcast_shapes(*shapes))


class Reshape(Movement):
    """The elements of x in row-major order under another shape: a view where the memory allows it."""

    is_view = True
    passes_gradient = True

    def __init__(self, sizes: tuple[int, ...]) -> None:
        self.sizes = sizes

    def move(self, x: np.ndarray) -> np.ndarray:
        return x.reshape(self.sizes)

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.shape = x.shape
        y = x.reshape(self.sizes)
        if not x.flags.c_contiguous and not _shares(x, y):
            self.is_view = False
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return dy.reshape(self.shape)


class View(Reshape):
    """A reshape that never copies."""


class Squeeze(Reshape):
    """Without some dimensions of extent 1."""


class Unsqueeze(Reshape):
    """With one more dimension of extent 1."""


def _shares(x: np.ndarray, y: np.ndarray) -> bool:
    # The copy of a reshape never overlaps what it was copied from, so comparing bounds is enough.
    return x.size == 0 or np.may_share_memory(x, y)


def reshape(input: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The same elements in row-major order under ``shape``; one extent may be -1. A view where possible.

    Raises:
        ShapeError: when the number of elements differs.
    """
    x = input._array
    return apply(Reshape(resolved_shape(sizes_of((shape,)), x.size)), input)


def _reshape(input: Tensor, *shape: Any) -> Tensor:
    return apply(Reshape(resolved_shape(sizes_of(shape), input._array.size)), input)


def _reshape_as(input: Tensor, other: Tensor) -> Tensor:
    return apply(Reshape(resolved_shape(other._array.shape, input._array.size)), input)


def _view(input: Tensor, *shape: Any) -> Tensor:
    """Like reshape, but always a view.

    Raises:
        ShapeError: when the strides of ``input`` allow no view of that shape.
    """
    if shape and not isinstance(shape[0], (int, np.integer, tuple, list, Tensor)):
        raise MissingError(f"view: this engine has no view of a tensor under another dtype ({shape[0]!r})")
    x = input._array
    sizes = resolved_shape(sizes_of(shape), x.size)
    if not x.flags.c_contiguous and not _shares(x, x.reshape(sizes)):
        raise ShapeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans "
            f"across two contiguous subspaces): shape {x.shape}, strides {input.stride()}, view {sizes}. "
            "Use .reshape(...) instead."
        )
    return apply(View(sizes), input)


def _view_as(input: Tensor, other: Tensor) -> Tensor:
    return _view(input, other._array.shape)


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from ``start_dim`` to ``end_dim`` merged into one; ``input`` itself where there is only one."""
    shape = input._array.shape
    start, end = checked_dim(start_dim, len(shape)), checked_dim(end_dim, len(shape))
    if start > end:
        raise ShapeError(f"flatten() has invalid args: start_dim ({start_dim}) cannot come after end_dim ({end_dim})")
    if not shape:
        return apply(Reshape((1,)), input)
    if start == end:
        return input
    merged = 1
    for extent in shape[start : end + 1]:
        merged *= extent
    return apply(Reshape((*shape[:start], merged, *shape[end + 1 :])), input)


def ravel(input: Tensor) -> Tensor:
    """All elements in one dimension; ``input`` itself where it is contiguous with one dimension."""
    if input._array.ndim == 1 and input._array.flags.c_contiguous:
        return input
    return apply(Reshape((input._array.size,)), input)


def unflatten(input: Tensor, dim: int, sizes: tuple[int, ...]) -> Tensor:
    """Dimension ``dim`` split into ``sizes`` (one may be -1).

    Raises:
        ShapeError: when their product is not the extent of ``dim``.
    """
    shape = input._array.shape
    dim = checked_dim(dim, len(shape))
    sizes = sizes_of((sizes,))
    if not sizes:
        raise ShapeError("unflatten: sizes must be non-empty")
    try:
        split = resolved_shape(sizes, shape[dim])
    except ShapeError:
        raise ShapeError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} "
            f"({shape[dim]}) in the input tensor"
        ) from None
    return apply(View((*shape[:dim], *split, *shape[dim + 1 :])), input)


def squeeze(input: Tensor, dim: int | tuple[int, ...] | None = None) -> Tensor:
    """A view without the dimensions of extent 1, or without those among ``dim``."""
    shape = input._array.shape
    dims = range(len(shape)) if dim is None else checked_dims(dim, len(shape), "squeeze")
    return apply(Squeeze(tuple([n for i, n in enumerate(shape) if n != 1 or i not in dims])), input)


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """A view with a new dimension of extent 1 at ``dim``."""
    shape = input._array.shape
    dim = checked_dim(dim, len(shape) + 1)
    return apply(Unsqueeze((*shape[:dim], 1, *shape[dim:])), input)


class Contiguous(Movement):
    """A row-major copy of a tensor that lies otherwise in memory."""

    passes_gradient = True

    def move(self, x: np.ndarray) -> np.ndarray:
        y = empty(x.shape, x.dtype, x)
        np.copyto(y, x)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return dy


def _contiguous(input: Tensor) -> Tensor:
    """``input`` itself where it lies in memory in row-major order, else a copy that does."""
    return input if input._array.flags.c_contiguous else apply(Contiguous(), input)


METHODS = {
    "broadcast_to": broadcast_to,
    "contiguous": _contiguous,
    "expand": _expand,
    "expand_as": _expand_as,
    "flatten": flatten,
    "ravel": ravel,
    "reshape": _reshape,
    "reshape_as": _reshape_as,
    "squeeze": squeeze,
    "unflatten": unflatten,
    "unsqueeze": unsqueeze,
    "view": _view,
    "view_as": _view_as,
}
FUNCTIONS = (
    "broadcast_shapes",
    "broadcast_tensors",
    "broadcast_to",
    "flatten",
    "ravel",
    "reshape",
    "squeeze",
    "unflatten",
    "unsqueeze",
)
