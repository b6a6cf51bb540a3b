"""Checks of dim and size arguments, with PyTorch's meanings and messages."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import Any

from engine.errors import ShapeError


def checked_dim(dim: int, ndim: int) -> int:
    """``dim`` counted from the front. A tensor without dimensions takes 0 and -1, as in PyTorch.

    Raises:
        IndexError: when there is no such dimension.
    """
    extent = ndim if ndim else 1
    if -extent <= dim < extent:
        return dim + extent if dim < 0 else dim
    raise IndexError(
        f"Dimension out of range (expected to be in range of [{-extent}, {extent - 1}], but got {dim})"
    )


def checked_dims(dims: int | Iterable[int], ndim: int, op: str) -> tuple[int, ...]:
    """Several dims counted from the front.

    Raises:
        IndexError: when one is out of range.
        ShapeError: when one is named twice.
    """
    if isinstance(dims, int):
        return (checked_dim(dims, ndim),)
    found = tuple([checked_dim(d, ndim) for d in dims])
    if len(set(found)) != len(found):
        twice = next(d for d in found if found.count(d) > 1)
        raise ShapeError(f"{op}: dim {twice} appears multiple times in the list of dims {tuple(dims)}")
    return found


def sizes_of(arguments: tuple) -> tuple[int, ...]:
    """The sizes (or dims) of ``f(2, 3)``, ``f((2, 3))`` and ``f([2, 3])`` alike, as a tuple of ints.

    Raises:
        TypeError: for ``f()``, or where one is no integer.
    """
    if not arguments:
        raise TypeError("missing required positional arguments: integers, or a tuple of them, are expected")
    if len(arguments) == 1 and isinstance(arguments[0], (tuple, list)):
        arguments = tuple(arguments[0])
    return tuple([size if type(size) is int else operator.index(size) for size in arguments])


def resolved_shape(shape: tuple[int, ...], size: int) -> tuple[int, ...]:
    """``shape`` for ``size`` elements, its single -1 replaced by what is left.

    Raises:
        ShapeError: when no such shape exists or it is ambiguous.
    """
    if -1 not in shape:
        if math.prod(shape) == size and min(shape, default=0) >= 0:
            return shape
        _refuse(shape, size)
    axis = shape.index(-1)
    rest = math.prod(shape[:axis]) * math.prod(shape[axis + 1 :])
    if -1 in shape[axis + 1 :]:
        raise ShapeError(f"only one dimension can be inferred, but the shape {list(shape)} has several -1")
    if rest == 0 and size == 0:
        raise ShapeError(
            f"cannot reshape tensor of 0 elements into shape {list(shape)} "
            "because the unspecified dimension size -1 can be any value and is ambiguous"
        )
    if rest <= 0 or size % rest:
        _refuse(shape, size)
    return (*shape[:axis], size // rest, *shape[axis + 1 :])


def _refuse(shape: tuple[int, ...], size: int) -> Any:
    negative = [extent for extent in shape if extent < -1]
    if negative:
        raise ShapeError(f"invalid shape dimension {negative[0]} in {list(shape)}")
    raise ShapeError(f"shape '{list(shape)}' is invalid for input of size {size}")


def expanded_shape(shape: tuple[int, ...], sizes: tuple[int, ...]) -> tuple[int, ...]:
    """What a tensor of ``shape`` becomes under ``expand(*sizes)``; -1 keeps an extent.

    Raises:
        ShapeError: where an extent is neither 1 nor the wanted one.
    """
    extra = len(sizes) - len(shape)
    if extra < 0:
        raise ShapeError(
            f"expand: the number of sizes provided ({len(sizes)}) must be greater or equal to the number of "
            f"dimensions in the tensor ({len(shape)}); the shape is {shape}, the sizes are {sizes}"
        )
    result = list(sizes)
    for axis, wanted in enumerate(sizes):
        extent = shape[axis - extra] if axis >= extra else None
        if wanted == -1 and extent is not None:
            result[axis] = extent
        elif wanted < 0:
            raise ShapeError(
                f"expand: the expanded size of the tensor ({wanted}) isn't allowed "
                f"in a leading, non-existing dimension {axis}"
            )
        elif extent is not None and extent != wanted and extent != 1:
            raise ShapeError(
                f"The expanded size of the tensor ({wanted}) must match the existing size ({extent}) at "
                f"non-singleton dimension {axis}.  Target sizes: {list(sizes)}.  Tensor sizes: {list(shape)}"
            )
    return tuple(result)


def broadcast_shapes(*shapes: int | tuple[int, ...]) -> tuple[int, ...]:
    """The shape that all of ``shapes`` broadcast to.

    Raises:
        ShapeError: naming the dimension and the extents that differ.
    """
    listed = [(s,) if isinstance(s, int) else tuple(s) for s in shapes]
    rank = max(map(len, listed), default=0)
    result = [1] * rank
    for shape in listed:
        for axis, extent in enumerate(shape, rank - len(shape)):
            if extent == 1 or extent == result[axis]:
                continue
            if result[axis] != 1:
                raise ShapeError(
                    f"broadcast: the size ({result[axis]}) must match the size ({extent}) at non-singleton "
                    f"dimension {axis}; the shapes are {', '.join(map(str, listed))}"
                )
            result[axis] = extent
    return tuple(result)
