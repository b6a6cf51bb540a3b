"""Joining tensors (cat, stack ...) and cutting them (split, chunk, unbind ...). Parts that are cut out are views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine import dtypes
from engine.definitions import movement as definitions
from engine.device import device_of, empty
from engine.errors import MixedDevicesError, ShapeError
from engine.function import Function, apply
from engine.ops.dims import checked_dim, sizes_of
from engine.ops.elementwise import cast
from engine.ops.indexing import narrow, select
from engine.ops.movement import positions, reshape, unsqueeze
from engine.tensor import Tensor


class Cat(Function):
    """The inputs one after the other along ``dim``.

    In the definitions, x is all inputs flat and one after the other: element j of input m is x[j + the number of
    elements of the inputs before m]; dx likewise.
    """

    stays_finite = True
    definitions = {"y": definitions.movement_forward, "dx": definitions.movement_backward}
    passes_gradient = True

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, *x: np.ndarray) -> np.ndarray:
        self.shapes = [part.shape for part in x]
        return self._join(x)

    def _join(self, x: Sequence[np.ndarray]) -> np.ndarray:
        dim = self.dim
        shape = list(x[0].shape)
        shape[dim] = sum([part.shape[dim] for part in x])
        y = empty(tuple(shape), x[0].dtype, x[0])
        np.concatenate(x, dim, out=y)
        return y

    def backward(self, dy: np.ndarray) -> tuple[np.ndarray | None, ...]:
        gradients: list[np.ndarray | None] = []
        before = (slice(None),) * self.dim
        start = 0
        for shape, need in zip(self.shapes, self.needs, strict=True):
            stop = start + shape[self.dim]
            gradients.append(dy[(*before, slice(start, stop))] if need else None)
            start = stop
        return tuple(gradients)

    @property
    def k(self) -> np.ndarray:
        """For each flat position of y the position in the flat inputs one after the other (int64)."""
        parts, start = [], 0
        for shape in self.shapes:
            part = positions(shape)
            parts.append(part + start)
            start += part.size
        return self._join(parts).reshape(-1)

    def canonical(self, name: str, array: Any) -> np.ndarray:
        if isinstance(array, (tuple, list)):
            return np.concatenate([part.reshape(-1) for part in array])
        return array.reshape(-1)


class Stack(Cat):
    """The inputs, all of one shape, along a new dimension ``dim``."""

    def _join(self, x: Sequence[np.ndarray]) -> np.ndarray:
        shape = x[0].shape
        y = empty((*shape[: self.dim], len(x), *shape[self.dim :]), x[0].dtype, x[0])
        before = (slice(None),) * self.dim
        for i, part in enumerate(x):
            y[(*before, i)] = part
        return y

    def backward(self, dy: np.ndarray) -> tuple[np.ndarray | None, ...]:
        before = (slice(None),) * self.dim
        return tuple([dy[(*before, i, ...)] if need else None for i, need in enumerate(self.needs)])


def _listed(tensors: Any, op: str) -> list[Tensor]:
    """``tensors`` checked, in their common dtype."""
    if isinstance(tensors, Tensor) or not isinstance(tensors, Sequence):
        raise TypeError(f"{op}(): argument 'tensors' must be tuple of Tensors, not {type(tensors).__name__}")
    listed = list(tensors)
    if not listed:
        raise ShapeError(f"{op}(): expected a non-empty list of Tensors")
    found, devices = set(), set()
    for i, tensor in enumerate(listed):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{op}(): expected Tensor as element {i} in argument 0, but got {type(tensor).__name__}")
        found.add(tensor._array.dtype)
        devices.add(device_of(tensor._array))
    if len(devices) > 1:
        where = ", ".join(f"tensors[{i}] {tuple(t.shape)} on {t.device}" for i, t in enumerate(listed))
        raise MixedDevicesError.of(op, where)
    if len(found) > 1:
        common = dtypes.result_type([(t.dtype, 1 if t._array.ndim else 0) for t in listed]).numpy
        listed = [cast(t, common) for t in listed]
    return listed


def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors one after the other along ``dim``; their other extents must be equal.

    Empty tensors of one dimension are skipped, as in PyTorch.

    Raises:
        ShapeError: naming the tensor and the dimension that do not fit.
    """
    listed = _listed(tensors, "cat")
    kept = [t for t in listed if t._array.shape != (0,)] or listed[:1]
    shape = kept[0]._array.shape
    dim = checked_dim(dim, len(shape))
    for number, tensor in enumerate(listed):
        other = tensor._array.shape
        if not other:
            raise ShapeError(f"zero-dimensional tensor (at position {number}) cannot be concatenated")
        if other == shape or other == (0,):
            continue
        if len(other) != len(shape):
            raise ShapeError(
                f"cat: Tensors must have same number of dimensions: got {len(shape)} and {len(other)} "
                f"(shapes {shape} and {other})"
            )
        for axis, (a, b) in enumerate(zip(shape, other, strict=True)):
            if axis != dim and a != b:
                raise ShapeError(
                    f"cat: Sizes of tensors must match except in dimension {dim}. Expected size {a} but got size {b} "
                    f"in dimension {axis} for tensor number {number} in the list (shapes {shape} and {other})."
                )
    return apply(Cat(dim), *kept)


concat = concatenate = cat


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors, all of one shape, along a new dimension at ``dim``.

    Raises:
        ShapeError: naming the first tensor of another shape.
    """
    listed = _listed(tensors, "stack")
    shape = listed[0]._array.shape
    for i, tensor in enumerate(listed):
        if tensor._array.shape != shape:
            raise ShapeError(
                f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 "
                f"and {list(tensor._array.shape)} at entry {i}"
            )
    return apply(Stack(checked_dim(dim, len(shape) + 1)), *listed)


def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """The tensors one after the other along dimension 1; along 0 where they have a single one."""
    listed = [reshape(t, (1,)) if not t._array.ndim else t for t in _listed(tensors, "hstack")]
    return cat(listed, 0 if listed[0]._array.ndim == 1 else 1)


def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """The tensors one below the other; those with fewer than two dimensions are rows."""
    listed = _listed(tensors, "vstack")
    return cat([reshape(t, (1, t._array.size)) if t._array.ndim < 2 else t for t in listed], 0)


def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """The tensors one behind the other along dimension 2."""
    listed = []
    for t in _listed(tensors, "dstack"):
        t = reshape(t, (1, t._array.size)) if t._array.ndim < 2 else t
        listed.append(unsqueeze(t, 2) if t._array.ndim == 2 else t)
    return cat(listed, 2)


def split(tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Views of ``tensor`` cut along ``dim``: parts of one size (the last may be smaller), or of the sizes given."""
    if not isinstance(split_size_or_sections, int):
        return split_with_sizes(tensor, split_size_or_sections, dim)
    size = split_size_or_sections
    dim, extent = _cut(tensor, dim, "split")
    if size < 0:
        raise ShapeError(f"split expects split_size be non-negative, but got split_size={size}")
    if size == 0:
        if extent:
            raise ShapeError(
                "split: split_size can only be 0 if dimension size is 0, "
                f"but got dimension size of {extent}"
            )
        return (narrow(tensor, dim, 0, 0),)
    starts = range(0, extent, size) or (0,)
    return tuple([narrow(tensor, dim, start, min(size, extent - start)) for start in starts])


def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Views of ``input`` of the sizes given along ``dim``.

    Raises:
        ShapeError: when the sizes do not sum to the extent.
    """
    dim, extent = _cut(input, dim, "split")
    sizes = sizes_of((tuple(split_sizes),))
    if sum(sizes) != extent or any(size < 0 for size in sizes):
        raise ShapeError(
            f"split_with_sizes expects split_sizes to be non-negative and to sum exactly to {extent} "
            f"(input tensor's size at dimension {dim}), but got split_sizes={list(sizes)}"
        )
    parts, start = [], 0
    for size in sizes:
        parts.append(narrow(input, dim, start, size))
        start += size
    return tuple(parts)


def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most ``chunks`` views along ``dim``, all but the last of the same size."""
    if not input._array.ndim:
        raise ShapeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise ShapeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    dim, extent = _cut(input, dim, "chunk")
    if not extent:
        return tuple([narrow(input, dim, 0, 0) for _ in range(chunks)])
    return split(input, -(-extent // chunks), dim)


def tensor_split(
    input: Tensor, indices_or_sections: int | Sequence[int] | Tensor, dim: int = 0
) -> tuple[Tensor, ...]:
    """Views along ``dim``: a number of parts whose sizes differ by at most 1, or cut before the indices given."""
    dim, extent = _cut(input, dim, "tensor_split")
    if isinstance(indices_or_sections, Tensor):
        indices_or_sections = indices_or_sections.tolist()
    if isinstance(indices_or_sections, int):
        sections = indices_or_sections
        if sections <= 0:
            raise ShapeError(f"number of sections must be larger than 0, got {sections}")
        bounds = [extent // sections * i + min(i, extent % sections) for i in range(sections + 1)]
    else:
        bounds = [0, *sizes_of((tuple(indices_or_sections),)), extent]
    cuts = [slice(*pair).indices(extent)[:2] for pair in zip(bounds, bounds[1:], strict=False)]
    return tuple([narrow(input, dim, start, max(0, stop - start)) for start, stop in cuts])


def hsplit(input: Tensor, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
    """``tensor_split`` along dimension 1 (0 for one dimension); a number of parts must divide the extent."""
    if not input._array.ndim:
        raise ShapeError("hsplit requires a tensor with at least 1 dimension, but got a tensor with 0 dimensions!")
    return _even_split(input, indices_or_sections, 0 if input._array.ndim == 1 else 1, "hsplit")


def vsplit(input: Tensor, indices_or_sections: int | Sequence[int]) -> tuple[Tensor, ...]:
    """``tensor_split`` along dimension 0; a number of parts must divide the extent."""
    if input._array.ndim < 2:
        raise ShapeError(
            f"vsplit requires a tensor with at least 2 dimensions, but got shape {input._array.shape}"
        )
    return _even_split(input, indices_or_sections, 0, "vsplit")


def _even_split(input: Tensor, parts: Any, dim: int, op: str) -> tuple[Tensor, ...]:
    extent = input._array.shape[dim]
    if isinstance(parts, int) and (parts <= 0 or extent % parts):
        raise ShapeError(
            f"{op} attempted to split along dimension {dim}, but the size of the dimension {extent} "
            f"is not divisible by the split_size {parts}!"
        )
    return tensor_split(input, parts, dim)


def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The views at every index of ``dim``."""
    if not input._array.ndim:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    dim = checked_dim(dim, input._array.ndim)
    return tuple([select(input, dim, i) for i in range(input._array.shape[dim])])


def _cut(input: Tensor, dim: int, op: str) -> tuple[int, int]:
    if not input._array.ndim:
        raise ShapeError(f"{op} expects at least a 1-dimensional tensor")
    dim = checked_dim(dim, input._array.ndim)
    return dim, input._array.shape[dim]


METHODS = {
    "chunk": chunk,
    "hsplit": hsplit,
    "split": split,
    "split_with_sizes": split_with_sizes,
    "tensor_split": tensor_split,
    "unbind": unbind,
    "vsplit": vsplit,
}
FUNCTIONS = (
    "cat",
    "chunk",
    "concat",
    "concatenate",
    "dstack",
    "hsplit",
    "hstack",
    "split",
    "split_with_sizes",
    "stack",
    "tensor_split",
    "unbind",
    "vsplit",
    "vstack",
)
