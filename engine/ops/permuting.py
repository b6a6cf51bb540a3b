"""The dimensions in another order, always as views."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.errors import ShapeError
from engine.function import apply
from engine.ops.dims import checked_dim, checked_dims, sizes_of
from engine.ops.movement import Movement
from engine.tensor import Tensor


class Permute(Movement):
    """The dimensions in another order, as a view."""

    is_view = True
    passes_gradient = True

    def __init__(self, dims: tuple[int, ...]) -> None:
        self.dims = dims

    def move(self, x: np.ndarray) -> np.ndarray:
        return x.transpose(self.dims)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        inverse = [0] * len(self.dims)
        for i, dim in enumerate(self.dims):
            inverse[dim] = i
        return dy.transpose(inverse)


class Transpose(Movement):
    """Two dimensions exchanged, as a view."""

    is_view = True
    passes_gradient = True

    def __init__(self, dim0: int, dim1: int) -> None:
        self.dim0, self.dim1 = dim0, dim1

    def move(self, x: np.ndarray) -> np.ndarray:
        return x.swapaxes(self.dim0, self.dim1) if x.ndim else x.view()

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return dy.swapaxes(self.dim0, self.dim1) if dy.ndim else dy


def permute(input: Tensor, dims: tuple[int, ...]) -> Tensor:
    """A view with dimension ``dims[i]`` of ``input`` at place i.

    Raises:
        ShapeError: when ``dims`` does not name every dimension once.
    """
    dims = sizes_of((dims,))
    ndim = input._array.ndim
    if len(dims) != ndim:
        raise ShapeError(
            f"permute: number of dimensions in the tensor input does not match the length of the "
            f"desired ordering of dimensions i.e. input.dim() = {ndim} is not equal to len(dims) = {len(dims)}"
        )
    return apply(Permute(checked_dims(dims, ndim, "permute")), input)


def _permute(input: Tensor, *dims: Any) -> Tensor:
    return permute(input, sizes_of(dims))


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """A view with ``dim0`` and ``dim1`` exchanged."""
    ndim = input._array.ndim
    return apply(Transpose(checked_dim(dim0, ndim), checked_dim(dim1, ndim)), input)


swapaxes = swapdims = transpose


def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; a tensor of less than two dimensions as it is.

    Raises:
        ShapeError: for more than two dimensions.
    """
    ndim = input._array.ndim
    if ndim > 2:
        raise ShapeError(f"t() expects a tensor with <= 2 dimensions, but self is {ndim}D (shape {input._array.shape})")
    return transpose(input, 0, 1) if ndim == 2 else transpose(input, 0, 0)


def movedim(input: Tensor, source: int | tuple[int, ...], destination: int | tuple[int, ...]) -> Tensor:
    """A view with the dimensions ``source`` at the places ``destination``, the others in their order."""
    ndim = input._array.ndim
    source = checked_dims(source, ndim, "movedim")
    destination = checked_dims(destination, ndim, "movedim")
    if len(source) != len(destination):
        raise ShapeError(
            f"movedim: source {source} and destination {destination} must have the same number of dimensions"
        )
    order = [d for d in range(ndim) if d not in source]
    for place, dim in sorted(zip(destination, source, strict=True)):
        order.insert(place, dim)
    return apply(Permute(tuple(order)), input)


moveaxis = movedim


def _reversed(input: Tensor) -> Tensor:
    return apply(Permute(tuple(range(input._array.ndim))[::-1]), input)


def _matrix_transpose(input: Tensor) -> Tensor:
    if input._array.ndim < 2:
        raise ShapeError(
            f"tensor.mT is only supported on matrices or batches of matrices. Got {input._array.ndim}-D tensor."
        )
    return transpose(input, -2, -1)


METHODS = {
    "T": property(_reversed),
    "mT": property(_matrix_transpose),
    "moveaxis": movedim,
    "movedim": movedim,
    "permute": _permute,
    "swapaxes": transpose,
    "swapdims": transpose,
    "t": t,
    "transpose": transpose,
}
FUNCTIONS = ("moveaxis", "movedim", "permute", "swapaxes", "swapdims", "t", "transpose")
