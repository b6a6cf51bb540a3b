"""Between NumPy arrays and tensors, outside the graph and unseen by an attached debugger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import engine.ops  # noqa: F401 - gives tensors their indexing and arithmetic
from engine import dtypes, trace
from engine.errors import ShapeError
from engine.tensor import Tensor, wrap


def from_array(array: np.ndarray, what: str = "array") -> Tensor:
    """Return a tensor around the array's memory.

    Raises:
        DtypeError: the engine has no such dtype; the message names `what`.
    """
    dtypes.from_numpy(array.dtype, what)
    return wrap(trace.sharing(array))


def to_array(value: Any) -> np.ndarray:
    """Return the memory of a tensor, or the array itself."""
    if isinstance(value, Tensor):
        return value._array
    return np.asarray(value)


def stack(tensors: Sequence[Tensor]) -> Tensor:
    """Join tensors of one shape along a new first dimension, as `torch.stack` does.

    Raises:
        ShapeError: a tensor has another shape than the first.
    """
    shape = tensors[0].shape
    for entry, tensor in enumerate(tensors):
        if tensor.shape != shape:
            raise ShapeError(
                "default_collate: stack expects each tensor to be equal size, but got "
                f"{list(shape)} at entry 0 and {list(tensor.shape)} at entry {entry}"
            )
    if any(tensor.requires_grad for tensor in tensors):
        from engine.ops.joining import stack as differentiable_stack

        return differentiable_stack(list(tensors))
    common = tensors[0].dtype
    for tensor in tensors:
        common = dtypes.promote_types(common, tensor.dtype)
    return wrap(np.stack([to_array(t) for t in tensors]).astype(common.numpy, copy=False))


def gather(tensors: Sequence[Tensor], indices: Sequence[int]) -> list[Tensor] | None:
    """Pick rows of every tensor with one index operation each; None if that cannot be done.

    It is done for plain integer indices and tensors that need no gradient. The result equals
    stacking `tensor[i]` for each index.
    """
    if any(tensor.requires_grad for tensor in tensors):
        return None
    rows = as_rows(indices)
    return None if rows is None else [wrap(to_array(t)[rows]) for t in tensors]


def as_rows(indices: Any) -> np.ndarray | None:
    """Return a list of plain integers as an index array, None for anything else."""
    if not isinstance(indices, (list, tuple)) or not indices:
        return None
    if not all(type(i) is int or isinstance(i, np.integer) for i in indices):
        return None
    return np.array(indices, dtype=np.int64)
