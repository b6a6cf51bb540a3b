"""``x[...]`` and ``x[...] = v``.

As in PyTorch, an index has two parts. Integers, slices, ``None`` and ``...`` are applied first and give a view.
Tensors (and lists, arrays, masks) then pick elements of that view and give a copy; their common dimensions
stand where the first of them stood when they are neighbours, and in front otherwise. (NumPy counts integers
among the tensors here, so that ``x[0, :, i]`` has another order of dimensions there.)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine import trace
from engine.definitions import movement as definitions
from engine.device import contiguous, device_of, empty, zeros
from engine.errors import DtypeError, ShapeError
from engine.function import Function, apply
from engine.kernels.cpu import movement as kernels
from engine.kernels.placing import placed
from engine.ops.dims import checked_dim
from engine.ops.elementwise import cast
from engine.ops.in_place import check_in_place, overwrite
from engine.ops.index_parts import refuse_integer, split_index
from engine.ops.movement import Movement, expand_to, positions, reshape
from engine.tensor import Tensor, grad_mode, wrap


class Slice(Movement):
    """A view of x at integers, slices and new dimensions. ``index`` ends with an Ellipsis, or holds one."""

    is_view = True

    def __init__(self, index: tuple) -> None:
        self.index = index

    def move(self, x: np.ndarray) -> np.ndarray:
        return x[self.index]

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dx = zeros(self.shape, dy.dtype, dy)
        dx[self.index] = dy
        return dx


class Select(Slice):
    """A view of x at one integer of one dimension."""


class Index(Movement):
    """A copy of the elements of x at integer arrays and masks, one of them or ``slice(None)`` a dimension."""

    def __init__(self, index: tuple) -> None:
        self.index = index

    def move(self, x: np.ndarray) -> np.ndarray:
        axis = self._single_axis()
        # NumPy's own order in memory is another one for picks behind the first dimension.
        return contiguous(x[self.index] if axis is None else x.take(self.index[axis], axis))

    def _single_axis(self) -> int | None:
        """The dimension of the array, where there is a single one and it holds integers."""
        picked = [axis for axis, i in enumerate(self.index) if type(i) is np.ndarray]
        return picked[0] if len(picked) == 1 and self.index[picked[0]].dtype.kind == "i" else None

    def backward(self, dy: np.ndarray) -> np.ndarray:
        index, shape = self.index, self.shape
        axis = self._single_axis()
        if axis is not None:
            return index_backward(shape, dy, axis, index[axis])
        if len(index) == 1:
            dx = zeros(shape, dy.dtype, dy)
            dx[index] = dy
            return dx
        return index_backward((math.prod(shape),), dy, 0, self.k).reshape(shape)


def index_backward(shape: tuple[int, ...], dy: np.ndarray, axis: int, index: np.ndarray) -> np.ndarray:
    """The gradient of ``x.take(index, axis)`` with respect to x of ``shape``; repeated indices add up in order."""
    dx = zeros(shape, dy.dtype, dy)
    index_add_into(dx, dy, axis, index)
    return dx


def index_add_into(y: np.ndarray, v: np.ndarray, axis: int, index: np.ndarray) -> None:
    """Add the slices of ``v`` along ``axis`` to those of the contiguous ``y`` that ``index`` names, in order."""
    shape = y.shape
    outer, inner = math.prod(shape[:axis]), math.prod(shape[axis + 1 :])
    index = index.reshape(-1)
    if not index.size or not y.size:
        return
    if index.min() < 0:
        index = np.where(index < 0, index + shape[axis], index)
    index = placed(index, device_of(y))
    y = y.reshape(outer, shape[axis], inner)
    v = contiguous(v).reshape(outer, index.size, inner)
    if y.dtype.kind == "f":
        # A quarter: these loops wait for memory, so that threads pay later than in arithmetic.
        kernels.index_add.sized(v.size // 4, y)(y, v, contiguous(index))
    else:
        for rows, added in zip(y, v, strict=True):
            np.add.at(rows, index, added)


def _getitem(input: Tensor, index: Any) -> Tensor:
    """Elements of ``input``: a view for integers, slices, None and ...; a copy for tensors, lists and masks."""
    kind = type(index)
    if kind is int:
        shape = input._array.shape
        if not shape or not -shape[0] <= index < shape[0]:
            refuse_integer(shape, 0, index)
        return apply(Select((index, ...)), input)
    if kind is slice and index.step is None and input._array.ndim:
        return apply(Slice((index, ...)), input)
    if kind is tuple and _plain(index):
        try:
            return apply(Slice(index if Ellipsis in index else (*index, ...)), input)
        except IndexError:
            split_index(input._array, index)
            raise
    basic, picks = split_index(input._array, index)
    if basic is not None or picks is None:
        input = apply(Slice(basic or (...,)), input)
    if picks is None:
        return input
    try:
        return apply(Index(picks), input)
    except IndexError as error:
        raise IndexError(_pick_error(error)) from None


def _plain(index: tuple) -> bool:
    # What NumPy reads as PyTorch does; everything else takes the longer way through split_index.
    for i in index:
        kind = type(i)
        if kind is not int and i is not None and i is not Ellipsis and (kind is not slice or i.step is not None):
            return False
    return True


def _pick_error(error: IndexError) -> str:
    return str(error).replace(" axis ", " dimension ").replace("indexing arrays", "indexing tensors")


def _region(array: np.ndarray, basic: tuple | None, picks: tuple | None) -> np.ndarray:
    view = array if basic is None else array[basic]
    return view if picks is None else view[picks]


class Put(Function):
    """A copy of x with the elements at an index replaced by those of v, which has the shape of ``x[index]``.

    Where an index repeats, the last value stays; every repetition gets the gradient, as in PyTorch.
    """

    definitions = {
        "y": definitions.put_forward,
        "dx": definitions.put_backward_input,
        "dv": definitions.put_backward_value,
    }
    passes_gradient = True

    def __init__(self, basic: tuple | None, picks: tuple | None) -> None:
        self.basic, self.picks = basic, picks

    def forward(self, x: np.ndarray, v: np.ndarray) -> np.ndarray:
        self.shape = x.shape
        y = empty(x.shape, x.dtype, x)
        np.copyto(y, x)
        self.write(y, v)
        return y

    def write(self, array: np.ndarray, value: Any) -> None:
        """Put ``value`` into ``array`` itself."""
        view = array if self.basic is None else array[self.basic]
        view[... if self.picks is None else self.picks] = value

    def backward(self, dy: np.ndarray) -> tuple[np.ndarray | None, ...]:
        dx = dv = None
        if self.needs[0]:
            dx = dy.copy()
            self.write(dx, 0)
        if self.needs[1]:
            dv = _region(dy, self.basic, self.picks)
        return dx, dv

    @property
    def k(self) -> np.ndarray:
        """For each flat position of v the flat position of x that it is written to (int64)."""
        return np.ascontiguousarray(_region(positions(self.shape), self.basic, self.picks).reshape(-1))

    def canonical(self, name: str, array: np.ndarray) -> np.ndarray:
        return array.reshape(-1)


def _setitem(input: Tensor, index: Any, value: Any) -> None:
    """Overwrite elements of ``input`` with ``value``: a number, or a tensor that broadcasts to ``input[index]``.

    Raises:
        ShapeError, DtypeError: when the value does not fit.
        InPlaceError: where autograd cannot follow.
    """
    array = input._array
    basic, picks = split_index(array, index)
    source = _source(input, value, picks)
    put = Put(basic, picks)
    if grad_mode.enabled and array.dtype.kind == "f":
        follows = isinstance(value, Tensor) and value._requires_grad
        if follows or input._requires_grad:
            fitting = _fitting(value if follows else wrap(source), put, array)
            overwrite("__setitem__", put, input, fitting)
            return
    observer = trace.on_change
    forbidden = observer is not None and observer.before_write(input, source, put)
    try:
        if not forbidden:
            put.write(array, source)
    except IndexError as error:
        raise IndexError(_pick_error(error)) from None
    except ValueError:
        check_in_place(input, "__setitem__")
        _refuse_value(source, _region(array, basic, picks).shape)
    input._bump()
    if observer is not None:
        observer.after_update("in-place", input, put)


def _source(input: Tensor, value: Any, picks: tuple | None) -> np.ndarray:
    """The array of ``value``, its dtype checked as PyTorch checks it."""
    if isinstance(value, Tensor):
        array = value._array
        if picks is not None and array.dtype != input._array.dtype and not _fills_mask(array, picks):
            raise DtypeError(
                "Index put requires the source and destination dtypes match, "
                f"got {input.dtype} for the destination and {value.dtype} for the source."
            )
        return array
    if isinstance(value, (int, float, np.number, np.bool_)):
        return np.asarray(value, input._array.dtype)
    raise TypeError(f"__setitem__: can't assign a {type(value).__name__} to a tensor; make it a tensor first")


def _fills_mask(value: np.ndarray, picks: tuple) -> bool:
    # PyTorch fills a mask with a single element of any dtype.
    return value.size == 1 and len(picks) == 1 and picks[0].dtype.kind == "b"


def _fitting(value: Tensor, put: Put, array: np.ndarray) -> Tensor:
    """``value`` in the dtype of ``array`` and the shape that ``put`` writes, recorded where it requires grad."""
    try:
        region = _region(array, put.basic, put.picks).shape
    except IndexError as error:
        raise IndexError(_pick_error(error)) from None
    if value._array.dtype != array.dtype:
        value = cast(value, array.dtype)
    shape = value._array.shape
    extra = len(shape) - len(region)
    if extra > 0 and shape[:extra] == (1,) * extra:
        value = reshape(value, shape[extra:])
    shape = value._array.shape
    if len(shape) > len(region) or any(
        n not in (1, m) for n, m in zip(shape[::-1], region[::-1], strict=False)
    ):
        _refuse_value(value._array, region)
    return expand_to(value, region)


def _refuse_value(value: np.ndarray, region: tuple[int, ...]) -> None:
    raise ShapeError(
        f"__setitem__: shape mismatch: value tensor of shape {value.shape} cannot be broadcast to "
        f"the indexed elements, which have shape {region}"
    )


def select(input: Tensor, dim: int, index: int) -> Tensor:
    """The view of ``input`` at ``index`` of ``dim``, without that dimension."""
    shape = input._array.shape
    if not shape:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim = checked_dim(dim, len(shape))
    index = int(index)
    if not -shape[dim] <= index < shape[dim]:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(shape)} at dimension {dim}"
        )
    return apply(Select((slice(None),) * dim + (index, ...)), input)


def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """The view of ``input`` at ``start : start + length`` of ``dim``.

    Raises:
        IndexError, ShapeError: when the range does not lie inside the dimension.
    """
    shape = input._array.shape
    if not shape:
        raise ShapeError("narrow() cannot be applied to a 0-dim tensor.")
    dim = checked_dim(dim, len(shape))
    start, length = int(start), int(length)
    extent = shape[dim]
    if length < 0:
        raise ShapeError(f"narrow(): length must be non-negative, got {length}.")
    if not -extent <= start <= extent:
        raise IndexError(
            f"narrow(): start out of range (expected to be in range of [{-extent}, {extent}], but got {start})"
        )
    first = start + extent if start < 0 else start
    if first + length > extent:
        raise ShapeError(f"narrow(): start ({first}) + length ({length}) exceeds dimension size ({extent}).")
    return apply(Slice((slice(None),) * dim + (slice(first, first + length), ...)), input)


METHODS = {
    "__getitem__": _getitem,
    "__setitem__": _setitem,
    "narrow": narrow,
    "select": select,
}
FUNCTIONS = ("narrow", "select")
