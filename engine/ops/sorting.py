"""Sorting and searching: sort, topk, kthvalue, searchsorted, isin ..."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from engine.definitions import sorting as definitions
from engine.device import as_array, contiguous, zeros
from engine.errors import DtypeError, ShapeError
from engine.function import Function, apply
from engine.ops.dims import checked_dim
from engine.tensor import Tensor, wrap


class SortResult(NamedTuple):
    """``torch.return_types.sort``, ``topk`` and ``kthvalue``."""

    values: Tensor
    indices: Tensor


class Sort(Function):
    """The ``count`` elements along ``dim`` from rank ``first`` on, and where they were."""

    definitions = {
        "values": definitions.sort_values,
        "indices": definitions.sort_indices,
        "dx": definitions.sort_backward,
    }
    returns = ("values", "indices")

    def __init__(self, dim: int, descending: bool = False, first: int = 0, count: int | None = None) -> None:
        self.dim, self.descending, self.first, self.count = dim, descending, first, count

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.x, self.shape = x, x.shape
        rows = x if x.ndim else x.reshape(1)
        order = _order(rows, self.dim, self.descending)
        last = None if self.count is None else self.first + self.count
        order = contiguous(order[(slice(None),) * self.dim + (slice(self.first, last),)])
        self.order = order
        values = np.take_along_axis(rows, order, self.dim)
        if not x.ndim:
            return values.reshape(()), order.reshape(()).copy()
        return values, order.copy()

    def backward(self, dvalues: np.ndarray, dindices: None = None) -> np.ndarray:
        dx = zeros(self.shape or (1,), dvalues.dtype, dvalues)
        np.put_along_axis(dx, self.order, dvalues.reshape(self.order.shape), self.dim)
        return dx.reshape(self.shape)

    def canonical(self, name: str, array: np.ndarray) -> np.ndarray:
        rows = np.moveaxis(array, self.dim, -1) if array.ndim else array.reshape(1, 1)
        return rows.reshape(int(np.prod(rows.shape[:-1])), rows.shape[-1])


class KthValue(Sort):
    """The element of rank ``first`` along ``dim``, and where it was; without that dimension."""

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values, indices = super().forward(x)
        return (values, indices) if not x.ndim else (values.squeeze(self.dim), indices.squeeze(self.dim))

    def canonical(self, name: str, array: np.ndarray) -> np.ndarray:
        if name not in ("x", "dx") and self.shape:
            array = np.expand_dims(array, self.dim)
        return super().canonical(name, array)


def _order(x: np.ndarray, dim: int, descending: bool) -> np.ndarray:
    """The stable order along ``dim``; NumPy, like PyTorch, takes NaN for the greatest number."""
    if not descending:
        return np.argsort(x, dim, kind="stable")
    # Backwards through the ascending order of the reversed row: equal elements then stand in their old order.
    flipped = np.flip(x, dim)
    return x.shape[dim] - 1 - np.flip(np.argsort(flipped, dim, kind="stable"), dim)


def sort(input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False) -> SortResult:
    """The elements in order along ``dim`` and their old positions. Equal elements keep their order, stable or not."""
    dim = checked_dim(dim, input._array.ndim)
    return SortResult(*apply(Sort(dim, bool(descending)), input))


def argsort(input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False) -> Tensor:
    """The positions of the elements in order along ``dim`` (int64)."""
    return sort(input, dim, descending, stable=stable).indices


def msort(input: Tensor) -> Tensor:
    """The elements in order along the first dimension."""
    return sort(input, 0).values


def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> SortResult:
    """The ``k`` greatest (or smallest) elements along ``dim``, in order, and their positions.

    Among equal elements the first ones are taken; PyTorch does not say which.

    Raises:
        ShapeError: when ``dim`` has fewer than ``k`` elements.
    """
    shape = input._array.shape
    dim = checked_dim(dim, len(shape))
    k = int(k)
    if not 0 <= k <= (shape[dim] if shape else 1):
        raise ShapeError(f"topk: selected index k out of range: k is {k}, dimension {dim} of shape {shape}")
    if not shape and not k:
        raise ShapeError("topk: a tensor without dimensions has one element; k must be 1")
    return SortResult(*apply(Sort(dim, bool(largest), 0, k), input))


def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> SortResult:
    """The ``k``-th smallest element along ``dim`` (from 1), and its position."""
    shape = input._array.shape
    dim = checked_dim(dim, len(shape))
    if not 1 <= k <= (shape[dim] if shape else 1):
        raise ShapeError(f"kthvalue(): selected number k out of range for dimension {dim}: k is {k}, shape {shape}")
    function = Sort if keepdim else KthValue
    return SortResult(*apply(function(dim, False, k - 1, 1), input))


def searchsorted(
    sorted_sequence: Tensor,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
) -> Tensor:
    """Where ``input`` would go in the ascending rows of ``sorted_sequence``: before equal elements, or behind (right).

    Raises:
        ShapeError: when the leading dimensions of a sequence with several rows are not those of ``input``.
    """
    if out_int32:
        raise DtypeError("searchsorted: this engine has no int32; leave out_int32 at False")
    if side not in (None, "left", "right"):
        raise ShapeError(f"searchsorted(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise ShapeError(
            "searchsorted(): side and right can't be set to opposites, got side of left while right was True"
        )
    where = "right" if right or side == "right" else "left"
    rows = sorted_sequence._array
    if sorter is not None:
        rows = np.take_along_axis(rows, sorter._array, -1)
    wanted = input._array if isinstance(input, Tensor) else as_array(input)
    if rows.ndim == 1:
        return wrap(np.searchsorted(rows, wanted, where))
    if rows.ndim != wanted.ndim or rows.shape[:-1] != wanted.shape[:-1]:
        raise ShapeError(
            "searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries "
            f"tensor and input value tensor must match, but we got {list(rows.shape)} and {list(wanted.shape)}"
        )
    found = np.empty(wanted.shape, np.int64)
    for place in np.ndindex(rows.shape[:-1]):
        found[place] = np.searchsorted(rows[place], wanted[place], where)
    return wrap(found)


def bucketize(input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """The number of the bucket between the ascending ``boundaries`` that each element lies in."""
    if boundaries._array.ndim != 1:
        raise ShapeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries._array.ndim})")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """For each of ``elements`` whether it is among ``test_elements``."""
    a = elements._array if isinstance(elements, Tensor) else elements
    b = test_elements._array if isinstance(test_elements, Tensor) else test_elements
    return wrap(as_array(np.isin(a, b, assume_unique=assume_unique, invert=invert)))


METHODS = {
    "argsort": argsort,
    "kthvalue": kthvalue,
    "msort": msort,
    "sort": sort,
    "topk": topk,
}
FUNCTIONS = ("argsort", "bucketize", "isin", "kthvalue", "msort", "searchsorted", "sort", "topk")
