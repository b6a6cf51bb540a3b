"""Reductions: sum, mean, prod and norms.

Float sums are added up in float64 and rounded once, so that they do not depend on how the tensor lies in memory.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine import dtypes
from engine.definitions import reduction as definitions
from engine.device import as_array, contiguous, empty
from engine.errors import DtypeError
from engine.function import Function, apply
from engine.kernels.cpu import reduction as kernels
from engine.kernels.placing import norms_of_many
from engine.ops.arithmetic import signs
from engine.ops.dims import checked_dims
from engine.ops.elementwise import cast, silent, silently
from engine.tensor import Tensor

Dims = int | tuple[int, ...] | list[int] | None

#: Elements above which the sums run in kernels.
_LARGE = 1 << 14


def totals(x: np.ndarray, dims: tuple[int, ...]) -> np.ndarray:
    """Σ over ``dims`` in float64, as an array without these dimensions."""
    if x.size < _LARGE or type(x) is not np.ndarray or not x.flags.carray or x.dtype.kind != "f":
        return as_array(silently(np.add.reduce, x, dims, np.float64))
    kept = x.ndim
    while kept and kept - 1 in dims:
        kept -= 1
    if kept < x.ndim:
        lead = x.shape[:kept]
        y = np.empty((math.prod(lead),), np.float64)
        kernels.sum_rows.sized(x.size)(y, x.reshape(y.size, -1))
        rest = tuple([d for d in dims if d < kept])
        y = y.reshape(lead)
        return np.asarray(silently(np.add.reduce, y, axis=rest)) if rest else y
    first = 0
    while first in dims:
        first += 1
    if first == len(dims):
        y = np.empty((math.prod(x.shape[first:]),), np.float64)
        kernels.sum_columns.sized(x.size)(y, x.reshape(-1, y.size))
        return y.reshape(x.shape[first:])
    return np.asarray(silently(np.add.reduce, x, axis=dims, dtype=np.float64))


def rows(x: np.ndarray, dims: tuple[int, ...]) -> np.ndarray:
    """``x`` as (kept, reduced)."""
    kept = [d for d in range(x.ndim) if d not in dims]
    n = math.prod([x.shape[d] for d in dims])
    return x.transpose((*kept, *dims)).reshape(math.prod([x.shape[d] for d in kept]), n)


class Reduction(Function):
    """An op over ``dims`` (counted from the front) of one array.

    Attributes:
        dims: the reduced dimensions; all of them when ``()`` was asked for.
        keepdim: whether they stay, with extent 1.
        n: the number of elements that each result is made of.
        everything: whether it was called without ``dim``, which PyTorch names otherwise.
    """

    may_wait = True
    everything_number, dims_number = 0, 1

    def __init__(self, dims: tuple[int, ...], keepdim: bool, everything: bool = False) -> None:
        self.dims = dims
        self.keepdim = keepdim
        self.everything = everything

    def prepare(self, x: np.ndarray) -> None:
        """Note the shapes."""
        self.input_shape = shape = x.shape
        if len(self.dims) == len(shape):
            self.n = x.size
            self.kept_shape = (1,) * len(shape)
            return
        n = 1
        for d in self.dims:
            n *= shape[d]
        self.n = n
        self.kept_shape = tuple([1 if d in self.dims else e for d, e in enumerate(shape)])

    def shaped(self, y: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """A result as an array of ``dtype`` with the dimensions that were asked for."""
        y = as_array(y)
        if y.dtype != dtype:
            y = silently(y.astype, dtype)
        return y.reshape(self.kept_shape) if self.keepdim else y

    def total(self, x: np.ndarray, divisor: int | None = None) -> np.ndarray:
        """Σ x over the dimensions, added up in float64, divided by ``divisor``, in the dtype of x."""
        if isinstance(x, (np.ndarray, np.generic)):
            y = totals(x, self.dims)
            return self.shaped(y if divisor is None else silently(np.divide, y, divisor), x.dtype)
        # One launch of the GPU adds, divides and rounds.
        y = empty(tuple([e for d, e in enumerate(x.shape) if d not in self.dims]), x.dtype, x)
        if divisor is None:
            np.add.reduce(x, self.dims, np.float64, out=y)
        else:
            np.mean(x, self.dims, np.float64, out=y)
        return self.shaped(y, x.dtype)

    def spread(self, dy: np.ndarray) -> np.ndarray:
        """``dy`` with the reduced dimensions back, of extent 1."""
        return np.reshape(dy, self.kept_shape)

    def canonical(self, name: str, array: np.ndarray) -> np.ndarray:
        return rows(array, self.dims) if name in ("x", "dx") else array.reshape(-1)

    def __repr__(self) -> str:
        return f"<{self.name}Backward{self.everything_number if self.everything else self.dims_number}>"


class Sum(Reduction):
    """y = Σ x"""

    stays_finite = True
    definitions = {"y": definitions.sum_forward, "dx": definitions.sum_backward}
    passes_gradient = True

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.prepare(x)
        if x.dtype.kind == "f":
            return self.total(x)
        return self.shaped(np.add.reduce(x, axis=self.dims, dtype=np.int64), np.dtype(np.int64))

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return np.broadcast_to(self.spread(dy), self.input_shape)


class Mean(Reduction):
    """y = Σ x / n"""

    stays_finite = True
    definitions = {"y": definitions.mean_forward, "dx": definitions.mean_backward}
    passes_gradient = True

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.prepare(x)
        return self.total(x, self.n)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        shared = silently(np.divide, self.spread(dy), dy.dtype.type(self.n))
        return np.broadcast_to(shared, self.input_shape)


class Prod(Reduction):
    """y = Π x"""

    definitions = {"y": definitions.prod_forward, "dx": definitions.prod_backward}
    saves_inputs = (0,)

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.prepare(x)
        self.x = x
        accumulator = np.float64 if x.dtype.kind == "f" else np.int64
        y = silently(np.multiply.reduce, x, axis=self.dims, dtype=accumulator)
        return self.shaped(y, x.dtype if x.dtype.kind == "f" else np.dtype(np.int64))

    @silent
    def backward(self, dy: np.ndarray) -> np.ndarray:
        # The product of the others is that of all before times that of all behind: right with zeros too.
        x = rows(self.x, self.dims).astype(np.float64)
        others = np.ones_like(x)
        if x.shape[1] > 1:
            np.multiply.accumulate(x[:, :-1], axis=1, out=others[:, 1:])
            others[:, :-1] *= np.multiply.accumulate(x[:, :0:-1], axis=1)[:, ::-1]
        dx = (np.reshape(dy, (-1, 1)) * others).astype(self.x.dtype)
        return unrows(dx, self.dims, self.input_shape)


def unrows(x: np.ndarray, dims: tuple[int, ...], shape: tuple[int, ...]) -> np.ndarray:
    """The inverse of :func:`rows`."""
    order = [d for d in range(len(shape)) if d not in dims] + list(dims)
    inverse = [order.index(d) for d in range(len(shape))]
    return x.reshape([shape[d] for d in order]).transpose(inverse)


class Norm(Reduction):
    """y = (Σ |x|^p)^(1/p)"""

    name = "LinalgVectorNorm"
    definitions = {"y": definitions.norm_forward, "dx": definitions.norm_backward}
    saves_inputs = (0,)
    saves_output = True
    everything_number = dims_number = 0

    def __init__(self, dims: tuple[int, ...], keepdim: bool, p: float) -> None:
        super().__init__(dims, keepdim)
        self.p = p

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.prepare(x)
        self.x, p = x, self.p
        if math.isinf(p):
            size = np.absolute(x)
            y = size.max(axis=self.dims) if p > 0 else size.min(axis=self.dims)
        elif p == 0:
            y = np.count_nonzero(x, axis=self.dims)
        elif p == 1:
            y = totals(np.absolute(x), self.dims)
        elif p == 2:
            y = self._root_of_squares(x)
        else:
            y = silently(np.power, totals(silently(np.power, np.absolute(x).astype(np.float64), p), self.dims), 1.0 / p)
        self.y = self.shaped(y, x.dtype)
        return self.y

    def _root_of_squares(self, x: np.ndarray) -> Any:
        if type(x) is not np.ndarray and len(self.dims) == x.ndim and x.size:
            # As clip_grad_norm_ computes the norms of all gradients: to the bit the same.
            return norms_of_many([contiguous(x)]).reshape(())
        wide = x.astype(np.float64)
        return silently(np.sqrt, totals(np.multiply(wide, wide, out=wide), self.dims))

    @silent
    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        gradient = self._gradient(dy)
        return np.asarray(gradient) if isinstance(gradient, np.generic) else gradient

    def _gradient(self, dy: np.ndarray) -> Any:
        x, y, p = self.x, self.spread(self.y), self.p
        sign, dy = signs(x), self.spread(dy)
        if p == 0:
            return None
        if p == 1:
            return dy * sign
        if math.isinf(p):
            ties = np.absolute(x) == y
            count = np.add.reduce(ties, axis=self.dims, keepdims=True, dtype=x.dtype)
            return np.where(ties, silently(np.divide, dy * sign, count), x.dtype.type(0))
        if p == 2:
            slope = silently(np.divide, x, y)
        else:
            ratio = silently(np.divide, np.absolute(x), y)
            slope = np.where(x == 0, x.dtype.type(0), sign * silently(np.power, ratio, x.dtype.type(p - 1)))
        return dy * np.where(y == 0, x.dtype.type(0), slope)


# ---- public functions ----


def reduced_dims(dim: Dims, ndim: int, op: str) -> tuple[int, ...]:
    """The dimensions to reduce: all of them for None and for ``()``."""
    if dim is None:
        return tuple(range(ndim))
    if type(dim) is int and ndim:
        return (dim + ndim if -ndim <= dim < 0 else dim,) if -ndim <= dim < ndim else checked_dims(dim, ndim, op)
    dims = checked_dims(dim, ndim, op)
    return dims if dims and ndim else tuple(range(ndim))


def float_only(op: str, input: Tensor) -> Tensor:
    """Refuse integers and bools."""
    if input._array.dtype.kind != "f":
        raise DtypeError(
            f"{op}(): could not infer output dtype. Input dtype must be a floating point dtype. "
            f"Got: {input.dtype}; convert with .float() or give dtype"
        )
    return input


def sum(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: dtypes.dtype | None = None
) -> Tensor:
    """Σ over ``dim`` (all dimensions when None); integers and bools give int64."""
    if dtype is not None:
        input = cast(input, dtype.numpy)
    return apply(Sum(reduced_dims(dim, input._array.ndim, "sum"), keepdim, dim is None), input)


def mean(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: dtypes.dtype | None = None
) -> Tensor:
    """The mean over ``dim`` (all dimensions when None).

    Raises:
        DtypeError: for integers and bools.
    """
    if dtype is not None:
        input = cast(input, dtype.numpy)
    float_only("mean", input)
    return apply(Mean(reduced_dims(dim, input._array.ndim, "mean"), keepdim, dim is None), input)


def prod(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: dtypes.dtype | None = None
) -> Tensor:
    """Π over ``dim`` (all dimensions when None); integers and bools give int64."""
    if dim is not None and not isinstance(dim, int):
        raise TypeError(f"prod(): argument 'dim' must be int, not {type(dim).__name__}")
    if dtype is not None:
        input = cast(input, dtype.numpy)
    return apply(Prod(reduced_dims(dim, input._array.ndim, "prod"), keepdim, dim is None), input)


def norm(
    input: Tensor, p: float | str = "fro", dim: Dims = None, keepdim: bool = False,
    dtype: dtypes.dtype | None = None,
) -> Tensor:
    """The p-norm over ``dim`` of all elements there; ``"fro"`` is 2.

    Raises:
        ValueError: for the nuclear norm and other names.
    """
    if isinstance(p, str):
        if p != "fro":
            raise ValueError(f"norm: p={p!r} is not available in this engine; p must be a number or 'fro'")
        p = 2.0
    return vector_norm(input, p, dim, keepdim, dtype=dtype)


def vector_norm(
    x: Tensor, ord: float = 2, dim: Dims = None, keepdim: bool = False, *, dtype: dtypes.dtype | None = None
) -> Tensor:
    """``torch.linalg.vector_norm``: (Σ |x|^ord)^(1/ord) over ``dim``."""
    if dtype is not None:
        x = cast(x, dtype.numpy)
    float_only("linalg.vector_norm", x)
    return apply(Norm(reduced_dims(dim, x._array.ndim, "norm"), keepdim, float(ord)), x)


def linalg_norm(
    A: Tensor, ord: float | str | None = None, dim: Dims = None, keepdim: bool = False,
    *, dtype: dtypes.dtype | None = None,
) -> Tensor:
    """``torch.linalg.norm`` for vectors, and the Frobenius norm of matrices.

    Raises:
        ValueError: for the other matrix norms.
    """
    matrix = (A._array.ndim == 2 and dim is None) or (isinstance(dim, (tuple, list)) and len(dim) == 2)
    if ord == "fro" or ord is None:
        ord = 2.0
    elif isinstance(ord, str) or matrix:
        raise ValueError(f"linalg.norm: the matrix norm {ord!r} is not available in this engine; it has 'fro'")
    return vector_norm(A, ord, dim, keepdim, dtype=dtype)


METHODS = {"sum": sum, "mean": mean, "prod": prod, "norm": norm}
FUNCTIONS = ("mean", "norm", "prod", "sum")
