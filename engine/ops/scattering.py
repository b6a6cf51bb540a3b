"""Writing by index tensors and masks: scatter, index_add, index_fill, masked_fill ... and their in-place forms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.definitions import movement as definitions
from engine.device import empty, on_host
from engine.errors import DtypeError, MissingError, ShapeError
from engine.function import Function, apply
from engine.ops.dims import broadcast_shapes, checked_dim
from engine.ops.gathering import check_device, check_gather, check_index, flat_positions
from engine.ops.in_place import overwrite
from engine.ops.index_parts import split_index
from engine.ops.indexing import Put, index_add_into
from engine.ops.movement import expand_to, positions
from engine.ops.rearranging import Filled
from engine.tensor import Tensor, wrap


class Scatter(Function):
    """A copy of x with v written to the flat positions ``k``. Subclasses say where that is."""

    definitions = {
        "y": definitions.put_forward,
        "dx": definitions.put_backward_input,
        "dv": definitions.put_backward_value,
    }
    saves_inputs = (2,)

    def __init__(self, dim: int) -> None:
        self.dim = dim

    def forward(self, x: np.ndarray, v: np.ndarray, index: np.ndarray) -> np.ndarray:
        check_device(x, index)
        self.shape, self.index, self.v_shape = x.shape, index, v.shape
        y = empty(x.shape, x.dtype, x)
        np.copyto(y, x)
        self.write(y.reshape(-1), v)
        return y

    def write(self, y: np.ndarray, v: np.ndarray) -> None:
        """Write ``v`` into the flat array ``y``; where a position repeats, the last one stays."""
        y[self.k] = v.reshape(-1)

    def backward(self, dy: np.ndarray) -> tuple[np.ndarray | None, ...]:
        dx = dv = None
        if self.needs[0]:
            dx = empty(dy.shape, dy.dtype, dy)
            np.copyto(dx, dy)
            dx.reshape(-1)[self.k] = 0
        if self.needs[1]:
            dv = dy.reshape(-1)[self.k].reshape(self.v_shape)
        return dx, dv, None

    @property
    def k(self) -> np.ndarray:
        """For each flat position of v the flat position of x that it is written to (int64)."""
        return flat_positions(self.shape, self.dim, self.index).reshape(-1)

    def canonical(self, name: str, array: np.ndarray) -> np.ndarray:
        return array.reshape(-1)


class ScatterAdd(Scatter):
    """x plus ``alpha`` times v at the positions ``k``; where a position repeats, all of them are added in order."""

    definitions = {
        "y": definitions.put_add_forward,
        "dx": definitions.put_add_backward_input,
        "dv": definitions.put_add_backward_value,
    }
    passes_gradient = True

    def __init__(self, dim: int, alpha: float = 1) -> None:
        self.dim, self.alpha = dim, alpha

    def write(self, y: np.ndarray, v: np.ndarray) -> None:
        index_add_into(y, self._scaled(v), 0, self.k)

    def _scaled(self, v: np.ndarray) -> np.ndarray:
        return v if self.alpha == 1 else (v * self.alpha).astype(v.dtype, copy=False)

    def backward(self, dy: np.ndarray) -> tuple[np.ndarray | None, ...]:
        dv = None
        if self.needs[1]:
            dv = self._scaled(dy.reshape(-1)[self.k].reshape(self.v_shape))
        return dy if self.needs[0] else None, dv, None


class IndexCopy(Scatter):
    """A copy of x with its slices along ``dim`` that ``index`` names replaced by those of v."""

    @property
    def k(self) -> np.ndarray:
        where = positions(self.shape or (1,))
        return where.take(on_host(self.index).reshape(-1), self.dim).reshape(-1)


class IndexAdd(ScatterAdd):
    """x plus ``alpha`` times v on the slices along ``dim`` that ``index`` names."""

    def write(self, y: np.ndarray, v: np.ndarray) -> None:
        shape = self.shape or (1,)
        index_add_into(y.reshape(shape), self._scaled(v), self.dim, self.index)

    def backward(self, dy: np.ndarray) -> tuple[np.ndarray | None, ...]:
        dv = None
        if self.needs[1]:
            taken = dy.reshape(self.shape or (1,)).take(self.index.reshape(-1), self.dim)
            dv = self._scaled(taken.reshape(self.v_shape))
        return dy if self.needs[0] else None, dv, None

    k = IndexCopy.k


class MaskedFill(Filled):
    """``value`` where the mask is true, x elsewhere."""

    saves_inputs = (1,)

    def __init__(self, value: float) -> None:
        self.value = value

    def forward(self, x: np.ndarray, mask: np.ndarray) -> np.ndarray:
        check_device(x, mask)
        self.shape, self.mask = x.shape, mask
        return self.fill(x, self.value)

    def fill(self, x: np.ndarray, value: float) -> np.ndarray:
        y = empty(x.shape, x.dtype, x)
        np.copyto(y, x)
        np.copyto(y, x.dtype.type(value), where=self.mask)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return self.fill(dy, 0)


class IndexFill(Filled):
    """``value`` on the slices along ``dim`` that ``index`` names, x elsewhere."""

    saves_inputs = (1,)

    def __init__(self, dim: int, value: float) -> None:
        self.dim, self.value = dim, value

    def forward(self, x: np.ndarray, index: np.ndarray) -> np.ndarray:
        check_device(x, index)
        self.shape, self.index = x.shape, index
        return self.fill(x, self.value)

    def fill(self, x: np.ndarray, value: float) -> np.ndarray:
        y = empty(x.shape, x.dtype, x)
        np.copyto(y, x)
        rows = y if y.ndim else y.reshape(1)
        rows[(slice(None),) * self.dim + (self.index.reshape(-1),)] = value
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return self.fill(dy, 0)


def _number(value: Any, dtype: np.dtype, op: str) -> float | int | bool:
    """``value``, a number or a tensor without dimensions, as a Python number that ``dtype`` holds."""
    if isinstance(value, Tensor):
        if value._array.ndim:
            raise ShapeError(
                f"{op} only supports a 0-dimensional value tensor, but got tensor with {value._array.ndim} dimension(s)"
            )
        if value._requires_grad:
            raise MissingError(f"{op}: a value that requires grad is not followed; use torch.where(mask, value, input)")
        value = value._array.item()
    if not isinstance(value, (int, float, np.number, np.bool_)):
        raise TypeError(f"{op}(): value must be a number, not {type(value).__name__}")
    return float(value) if dtype.kind == "f" else dtype.type(value).item()


def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """``value`` where ``mask`` is true, ``input`` elsewhere; both are broadcast against each other."""
    if mask._array.dtype == np.bool_:
        input = expand_to(input, broadcast_shapes(input._array.shape, mask._array.shape))
    function, others = _masked_fill(input, mask, value)
    return apply(function, input, *others)


def _masked_fill(input: Tensor, mask: Tensor, value: Any) -> tuple:
    if mask._array.dtype != np.bool_:
        raise DtypeError(f"masked_fill only supports boolean masks, but got mask with dtype {mask.dtype}")
    shape = input._array.shape
    if mask._array.shape != shape:
        if broadcast_shapes(mask._array.shape, shape) != shape:
            raise ShapeError(f"masked_fill_: the mask of shape {mask._array.shape} does not broadcast to {shape}")
        mask = expand_to(mask, shape)
    return MaskedFill(_number(value, input._array.dtype, "masked_fill")), (mask,)


def _index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> tuple:
    dim = _check_vector(input, dim, index, "index_fill")
    return IndexFill(dim, _number(value, input._array.dtype, "index_fill")), (index,)


def _check_vector(input: Tensor, dim: int, index: Tensor, op: str) -> int:
    shape = input._array.shape
    dim = checked_dim(dim, len(shape))
    if index._array.ndim > 1:
        raise IndexError(f"{op}(): Index is supposed to be a vector, but got shape {index._array.shape}")
    check_index(index, shape[dim] if shape else 1, dim, op, negative=op == "index_fill")
    return dim


def _check_source(input: Tensor, dim: int, index: Tensor, source: Tensor, op: str) -> Tensor:
    """``source``, whose slices belong to those of ``input`` that ``index`` names."""
    shape, given = input._array.shape, source._array.shape
    wanted = (*shape[:dim], index._array.size, *shape[dim + 1 :]) if shape else ()
    if given != wanted and not (math.prod(given) == math.prod(wanted) == 1):
        raise ShapeError(
            f"{op}(): source has shape {given}; for self {shape} and {index._array.size} indices it must be {wanted}"
        )
    _check_same_dtype(input, source, op)
    return source


def _check_same_dtype(input: Tensor, source: Tensor, op: str) -> None:
    if input._array.dtype != source._array.dtype:
        raise DtypeError(
            f"{op}(): Expected self.dtype to be equal to src.dtype, got {input.dtype} and {source.dtype}"
        )


def _index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> tuple:
    dim = _check_vector(input, dim, index, "index_add")
    return IndexAdd(dim, alpha), (_check_source(input, dim, index, source, "index_add"), index)


def _index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> tuple:
    dim = _check_vector(input, dim, index, "index_copy")
    return IndexCopy(dim), (_check_source(input, dim, index, source, "index_copy"), index)


def _scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: Any = None
) -> tuple:
    if reduce is not None:
        raise MissingError("scatter: this engine has no reduce argument; use scatter_add for sums")
    src = value if src is None else src
    dim = _check_scatter(input, dim, index, "scatter")
    if not isinstance(src, Tensor):
        number = _number(src, input._array.dtype, "scatter")
        src = wrap(np.full(index._array.shape, number, input._array.dtype))
    return Scatter(dim), (_fitting_source(input, index, src, "scatter"), index)


def _scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> tuple:
    dim = _check_scatter(input, dim, index, "scatter_add")
    return ScatterAdd(dim), (_fitting_source(input, index, src, "scatter_add"), index)


def _check_scatter(input: Tensor, dim: int, index: Tensor, op: str) -> int:
    shape = input._array.shape
    dim = checked_dim(dim, len(shape))
    check_gather(shape, dim, index._array.shape, op)
    check_index(index, shape[dim] if shape else 1, dim, op)
    return dim


def _fitting_source(input: Tensor, index: Tensor, src: Tensor, op: str) -> Tensor:
    """The part of ``src`` that ``index`` covers."""
    _check_same_dtype(input, src, op)
    shape, given = index._array.shape, src._array.shape
    if given == shape:
        return src
    if len(given) != len(shape) or any(n > m for n, m in zip(shape, given, strict=True)):
        raise ShapeError(f"{op}: Expected index {list(shape)} to be no larger than src {list(given)}")
    return src[tuple([slice(0, n) for n in shape])]


def _index_put(
    input: Tensor, indices: Sequence[Tensor | None], values: Tensor, accumulate: bool = False
) -> tuple:
    if accumulate:
        raise MissingError("index_put: this engine has no accumulate=True; use index_add or scatter_add")
    index = tuple([slice(None) if i is None else i for i in indices])
    basic, picks = split_index(input._array, index)
    _check_same_dtype(input, values, "index_put")
    put = Put(basic, picks)
    region = input._array if basic is None else input._array[basic]
    shape = (region if picks is None else region[picks]).shape
    if broadcast_shapes(values._array.shape, shape) != shape:
        raise ShapeError(f"shape mismatch: value tensor of shape {values._array.shape} cannot be broadcast to {shape}")
    return put, (expand_to(values, shape),)


def _pair(prepare: Any, name: str, text: str) -> tuple[Any, Any]:
    """The out-of-place and the in-place form of an op that ``prepare`` checks."""

    def fresh(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        function, others = prepare(input, *args, **kwargs)
        return apply(function, input, *others)

    def in_place(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        function, others = prepare(input, *args, **kwargs)
        return overwrite(f"{name}_", function, input, *others)

    fresh.__name__ = fresh.__qualname__ = name
    in_place.__name__ = in_place.__qualname__ = f"{name}_"
    fresh.__wrapped__ = in_place.__wrapped__ = prepare
    fresh.__doc__, in_place.__doc__ = text, f"{text} In place."
    return fresh, in_place


scatter, scatter_ = _pair(
    _scatter, "scatter", "``input`` with ``src`` (tensor or number) written along ``dim`` to the places in ``index``."
)
scatter_add, scatter_add_ = _pair(
    _scatter_add, "scatter_add", "``input`` with ``src`` added along ``dim`` at the places in ``index``."
)
index_add, index_add_ = _pair(
    _index_add, "index_add", "``input`` with ``alpha``·``source`` added to the slices along ``dim`` in ``index``."
)
index_copy, index_copy_ = _pair(
    _index_copy, "index_copy", "``input`` with the slices along ``dim`` in ``index`` replaced by those of ``source``."
)
index_fill, index_fill_ = _pair(
    _index_fill, "index_fill", "``input`` with ``value`` in the slices along ``dim`` in ``index``."
)
masked_fill_ = _pair(_masked_fill, "masked_fill", "``input`` with ``value`` where ``mask`` is true.")[1]
index_put, index_put_ = _pair(
    _index_put, "index_put", "``input`` with ``values`` at the places that the tuple ``indices`` names."
)

METHODS = {
    "index_add": index_add,
    "index_add_": index_add_,
    "index_copy": index_copy,
    "index_copy_": index_copy_,
    "index_fill": index_fill,
    "index_fill_": index_fill_,
    "index_put": index_put,
    "index_put_": index_put_,
    "masked_fill": masked_fill,
    "masked_fill_": masked_fill_,
    "scatter": scatter,
    "scatter_": scatter_,
    "scatter_add": scatter_add,
    "scatter_add_": scatter_add_,
}
FUNCTIONS = ("index_add", "index_copy", "index_fill", "index_put", "masked_fill", "scatter", "scatter_add")
