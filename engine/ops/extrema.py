"""Greatest, least and middle elements: max, min, amax, amin, argmax, argmin, median, mode."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np

from engine.definitions import extrema as definitions
from engine.device import as_array, zeros
from engine.errors import ShapeError
from engine.function import Function, apply
from engine.ops.dims import checked_dim
from engine.ops.elementwise import silent
from engine.ops.reduction import Dims, Reduction, reduced_dims, rows, unrows
from engine.ops.selection import maximum, minimum
from engine.tensor import Tensor, wrap


def pair_type(name: str) -> type:
    """The named tuple ``torch.return_types.<name>`` of values and indices."""
    base = namedtuple(name, ("values", "indices"))

    def text(self: Any) -> str:
        return f"torch.return_types.{name}(\nvalues={self.values!r},\nindices={self.indices!r})"

    return type(name, (base,), {"__slots__": (), "__repr__": text})


MaxResult, MinResult = pair_type("max"), pair_type("min")
MedianResult, ModeResult = pair_type("median"), pair_type("mode")


class Amax(Reduction):
    """y = the greatest x; equal ones share the gradient evenly."""

    definitions = {"y": definitions.extreme_forward, "dx": definitions.extreme_backward}
    saves_inputs = (0,)
    saves_output = True
    everything_number = dims_number = 0
    sign = 1.0

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.prepare(x)
        self.x = x
        self.y = self.shaped((np.max if self.sign > 0 else np.min)(x, axis=self.dims), x.dtype)
        return self.y

    @silent
    def backward(self, dy: np.ndarray) -> np.ndarray:
        x, y = self.x, self.spread(self.y)
        equal = (x == y) | ((x != x) & (y != y))
        count = np.add.reduce(equal, axis=self.dims, keepdims=True, dtype=x.dtype)
        return np.where(equal, self.spread(dy) / count, x.dtype.type(0))


class Amin(Amax):
    """y = the least x; equal ones share the gradient evenly."""

    sign = -1.0


class MaxAll(Amax):
    """``x.max()``"""

    name = "Max"
    everything_number = 1


class MinAll(Amin):
    """``x.min()``"""

    name = "Min"
    everything_number = 1


class Picked(Function):
    """values = x at the chosen index along ``dim``. Subclasses give ``choose``."""

    returns = ("values", "indices")
    overload = 0

    def __repr__(self) -> str:
        return f"<{self.name}Backward{self.overload}>"

    def __init__(self, dim: int, keepdim: bool) -> None:
        self.dim = dim
        self.keepdim = keepdim

    def choose(self, x: np.ndarray) -> np.ndarray:
        """Indices along the last dimension of x (K, R)."""
        raise NotImplementedError

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.input_shape = x.shape
        x2 = self.canonical("x", x)
        self.indices = self.choose(x2).astype(np.int64, copy=False)
        values = np.take_along_axis(x2, self.indices[:, None], 1)
        shape = list(x.shape)
        if x.ndim and self.keepdim:
            shape[self.dim] = 1
        elif x.ndim:
            del shape[self.dim]
        return values.reshape(shape), self.indices.reshape(shape)

    def backward(self, dvalues: np.ndarray, dindices: np.ndarray | None = None) -> np.ndarray:
        dvalues = np.reshape(dvalues, (-1, 1))
        extent = self.input_shape[self.dim] if self.input_shape else 1
        dx = zeros((dvalues.size, extent), dvalues.dtype, dvalues)
        np.put_along_axis(dx, self.indices[:, None], dvalues, 1)
        if not self.input_shape:
            return dx.reshape(())
        return unrows(dx, (self.dim,), self.input_shape)

    def canonical(self, name: str, array: np.ndarray) -> np.ndarray:
        if name not in ("x", "dx"):
            return array.reshape(-1)
        return rows(array, (self.dim,)) if array.ndim else array.reshape(1, 1)


class Max(Picked):
    """values, indices = the greatest x along ``dim`` and where it is: the first of several."""

    definitions = {
        "values": definitions.picked_forward,
        "indices": definitions.extreme_indices,
        "dx": definitions.picked_backward,
    }
    sign = 1.0

    def choose(self, x: np.ndarray) -> np.ndarray:
        return x.argmax(axis=1)


class Min(Max):
    """values, indices = the least x along ``dim`` and where it is: the first of several."""

    sign = -1.0

    def choose(self, x: np.ndarray) -> np.ndarray:
        return x.argmin(axis=1)


class Median(Picked):
    """values, indices = the middle of the sorted x along ``dim``, the lower of two."""

    definitions = Max.definitions | {"indices": definitions.median_indices}
    overload = 1

    def choose(self, x: np.ndarray) -> np.ndarray:
        order = np.argsort(x, axis=1, kind="stable")
        middle = order[:, (x.shape[1] - 1) // 2]
        if x.dtype.kind == "f":
            nan = np.isnan(x)
            return np.where(nan.any(axis=1), nan.argmax(axis=1), middle)
        return middle


class MedianAll(Amax):
    """y = the middle of all sorted elements, the lower of two; equal ones share the gradient evenly."""

    name = "Median"
    everything_number = 0
    definitions = {"y": definitions.median_forward, "dx": definitions.extreme_backward}

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.prepare(x)
        self.x = x
        flat = x.reshape(-1)
        nan = flat[flat != flat]
        self.y = as_array(nan[0] if nan.size else np.sort(flat)[(flat.size - 1) // 2])
        return self.y


class Argmax(Function):
    """y = where the greatest x is: the first of several. No gradient."""

    may_wait = True
    pick: Any = staticmethod(np.argmax)

    def __init__(self, dim: int | None, keepdim: bool) -> None:
        self.dim = dim
        self.keepdim = keepdim

    def forward(self, x: np.ndarray) -> np.ndarray:
        if x.ndim == 0:
            return np.zeros((), np.int64)
        return as_array(self.pick(x, axis=self.dim, keepdims=self.keepdim))

    def backward(self, dy: np.ndarray) -> None:
        return None


class Argmin(Argmax):
    """y = where the least x is: the first of several. No gradient."""

    pick: Any = staticmethod(np.argmin)


# ---- public functions ----


def _nonempty(op: str, array: np.ndarray, dims: tuple[int, ...]) -> None:
    for d in dims:
        if array.ndim and array.shape[d] == 0:
            raise IndexError(
                f"{op}(): Expected reduction dim {d} to have non-zero size (shape {array.shape})"
            )


def _extreme(op, input, dim, keepdim, whole, picked, result, elementwise) -> Any:
    if isinstance(dim, Tensor):
        return elementwise(input, dim)
    array = input._array
    if dim is None:
        if array.size == 0:
            raise ShapeError(
                f"{op}(): Expected reduction dim to be specified for input.numel() == 0. "
                "Specify the reduction dim with the 'dim' argument."
            )
        return apply(whole(reduced_dims(None, array.ndim, op), False, True), input)
    dim = checked_dim(dim, array.ndim)
    _nonempty(op, array, (dim,))
    return result(*apply(picked(dim, keepdim), input))


def max(input: Tensor, dim: int | Tensor | None = None, keepdim: bool = False, *, other: Tensor | None = None) -> Any:
    """``max(x)``: the greatest element; ``max(x, dim)``: (values, indices); ``max(x, other)``: :func:`maximum`.

    Gradient: to the index along ``dim``; of ``max(x)`` shared evenly by equal elements.

    Raises:
        ShapeError, IndexError: when there are no elements to choose from.
    """
    return _extreme("max", input, dim if other is None else other, keepdim, MaxAll, Max, MaxResult, maximum)


def min(input: Tensor, dim: int | Tensor | None = None, keepdim: bool = False, *, other: Tensor | None = None) -> Any:
    """``min(x)``: the least element; ``min(x, dim)``: (values, indices); ``min(x, other)``: :func:`minimum`."""
    return _extreme("min", input, dim if other is None else other, keepdim, MinAll, Min, MinResult, minimum)


def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The lower median of all elements, or (values, indices) along ``dim``. NaN where there is one."""
    if dim is None and input._array.size == 0:
        return wrap(np.array(np.nan, input._array.dtype))
    return _extreme("median", input, dim, keepdim, MedianAll, Median, MedianResult, None)


def amax(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The greatest elements over ``dim``; equal ones share the gradient evenly."""
    return _over(Amax, "amax", input, dim, keepdim)


def amin(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The least elements over ``dim``; equal ones share the gradient evenly."""
    return _over(Amin, "amin", input, dim, keepdim)


def _over(kind: type[Amax], op: str, input: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    dims = reduced_dims(dim, input._array.ndim, op)
    _nonempty(op, input._array, dims)
    return apply(kind(dims, keepdim), input)


def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """(least, greatest) over ``dim``."""
    return AminmaxResult(amin(input, dim, keepdim), amax(input, dim, keepdim))


AminmaxResult = namedtuple("aminmax", ("min", "max"))


def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the greatest element along ``dim``, or in the flattened tensor; the first of several."""
    return _arg(Argmax, "argmax", input, dim, keepdim)


def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the least element along ``dim``, or in the flattened tensor; the first of several."""
    return _arg(Argmin, "argmin", input, dim, keepdim)


def _arg(kind: type[Argmax], op: str, input: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    if dim is not None:
        dim = checked_dim(dim, input._array.ndim)
        _nonempty(op, input._array, (dim,))
    elif input._array.size == 0:
        raise ShapeError(f"{op}(): Expected reduction dim to be specified for input.numel() == 0.")
    return apply(kind(dim, keepdim), input)


METHODS = {
    "max": max, "min": min, "amax": amax, "amin": amin, "aminmax": aminmax, "argmax": argmax, "argmin": argmin,
    "median": median,
}
FUNCTIONS = tuple(METHODS)
