"""Counting and sets: all, any, count_nonzero, unique, bincount, histc. No gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.device import as_array
from engine.errors import DtypeError, ShapeError
from engine.function import apply
from engine.ops.comparison import Comparison
from engine.ops.dims import checked_dim
from engine.ops.reduction import Dims, reduced_dims
from engine.tensor import Tensor, wrap


class Counting(Comparison):
    """A reduction over ``dims`` to bools or counts: nothing is differentiated. Subclasses give ``count``."""

    count: Any = None

    def __init__(self, dims: tuple[int, ...], keepdim: bool) -> None:
        self.dims = dims
        self.keepdim = keepdim

    def forward(self, x: np.ndarray) -> np.ndarray:
        y = as_array(self.count(x, axis=self.dims, keepdims=self.keepdim))
        # PyTorch's bytes count as truth values and stay bytes.
        return y.astype(np.uint8) if y.dtype.kind == "b" and x.dtype.kind == "u" else y


class All(Counting):
    """y = whether all are true"""

    count = staticmethod(np.all)


class Any_(Counting):
    """y = whether one is true"""

    name = "Any"
    count = staticmethod(np.any)


class CountNonzero(Counting):
    """y = how many are not 0"""

    count = staticmethod(np.count_nonzero)


def all(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether all elements over ``dim`` are true (not 0); bool."""
    return apply(All(reduced_dims(dim, input._array.ndim, "all"), keepdim), input)


def any(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether any element over ``dim`` is true (not 0); bool."""
    return apply(Any_(reduced_dims(dim, input._array.ndim, "any"), keepdim), input)


def count_nonzero(input: Tensor, dim: Dims = None) -> Tensor:
    """How many elements over ``dim`` are not 0; int64."""
    return apply(CountNonzero(reduced_dims(dim, input._array.ndim, "count_nonzero"), False), input)


def unique(
    input: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The different elements in ascending order; along ``dim`` the different slices.

    Returns:
        The elements; with ``return_inverse`` also where each element went, with ``return_counts`` how often each is.
    """
    array = input._array
    axis = None if dim is None else checked_dim(dim, array.ndim)
    values, inverse, counts = np.unique(array, return_inverse=True, return_counts=True, axis=axis, equal_nan=False)
    results = [wrap(values)]
    if return_inverse:
        results.append(wrap(inverse.reshape(array.shape if axis is None else (-1,)).astype(np.int64)))
    if return_counts:
        results.append(wrap(counts.astype(np.int64)))
    return tuple(results) if len(results) > 1 else results[0]


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each integer occurs (int64), or the sum of its weights (float64; float32 for float32 weights).

    Raises:
        ShapeError: when the input is not 1-d, or the weights have another shape.
        DtypeError: for anything but integers of at least 0.
    """
    array = input._array
    if array.ndim != 1:
        raise ShapeError(f"bincount: expected a 1-d tensor, got shape {array.shape}")
    if array.dtype.kind not in "iu" or (array < 0).any():
        raise DtypeError("bincount only supports 1-d non-negative integral inputs.")
    if weights is None:
        return wrap(np.bincount(array, minlength=minlength).astype(np.int64))
    if weights._array.shape != array.shape:
        raise ShapeError(f"bincount: weights have shape {weights._array.shape}, the input {array.shape}")
    counts = np.bincount(array, weights._array, minlength)
    return wrap(counts.astype(weights._array.dtype) if weights._array.dtype == np.float32 else counts)


def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """How many elements lie in each of ``bins`` equal intervals from ``min`` to ``max`` (both 0: of the data).

    Raises:
        ValueError: when there is no interval.
        DtypeError: for integers.
    """
    array = input._array
    if array.dtype.kind != "f":
        raise DtypeError(f"histc: not implemented for {input.dtype}; convert the tensor with .float()")
    low, high = float(min), float(max)
    if low == high and array.size:
        low, high = float(array.min()), float(array.max())
    if low == high:
        low, high = low - 1, high + 1
    if not (bins > 0 and np.isfinite([low, high]).all() and low < high):
        raise ValueError(f"histc: cannot make {bins} bins of the range [{low}, {high}]")
    flat = array.reshape(-1).astype(np.float64)
    flat = flat[(flat >= low) & (flat <= high)]
    place = np.minimum(((flat - low) / (high - low) * bins).astype(np.int64), bins - 1)
    return wrap(np.bincount(place, minlength=bins).astype(array.dtype))


METHODS = {
    "all": all, "any": any, "count_nonzero": count_nonzero, "unique": unique, "bincount": bincount, "histc": histc,
}
FUNCTIONS = tuple(METHODS)
