"""NumPy's functions on arrays on the GPU: those that only view, those that make, those that copy."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.device import cuda_array
from engine.device.cuda_array import CudaArray, empty, from_host
from engine.errors import MissingError
from engine.kernels.cuda import elementwise
from engine.kernels.cuda.reduce import reduce

FUNCTIONS = cuda_array.FUNCTIONS


def implements(*functions: Callable) -> Callable:
    """Decorator: what NumPy's ``functions`` do when an argument lies on the GPU."""

    def register(implementation: Callable) -> Callable:
        for function in functions:
            FUNCTIONS[function] = implementation
        return implementation

    return register


# ---- views ----


def _view(function: Callable) -> None:
    def run(array: CudaArray, *args: Any, **kwargs: Any) -> CudaArray:
        return array.viewed(function(array.layout, *args, **kwargs))

    FUNCTIONS[function] = run


for _function in (np.broadcast_to, np.transpose, np.moveaxis, np.swapaxes, np.expand_dims, np.squeeze, np.flip, np.diagonal,
                  np.lib.stride_tricks.sliding_window_view):  # fmt: skip
    _view(_function)


@implements(np.lib.stride_tricks.as_strided)
def as_strided(
    x: CudaArray, shape: Any = None, strides: Any = None, subok: bool = False, writeable: bool = True
) -> CudaArray:
    view = x.viewed(np.lib.stride_tricks.as_strided(x.layout, shape, strides))
    view.writeable = view.writeable and writeable
    return view


@implements(np.reshape)
def reshape(array: CudaArray, shape: Any, *args: Any, **kwargs: Any) -> CudaArray:
    return array.reshape(shape)


@implements(np.ravel)
def ravel(array: CudaArray) -> CudaArray:
    return array.reshape(-1)


@implements(np.shape)
def shape(array: CudaArray) -> tuple[int, ...]:
    return array.shape


@implements(np.ndim)
def ndim(array: CudaArray) -> int:
    return array.ndim


@implements(np.size)
def size(array: CudaArray, axis: int | None = None) -> int:
    return array.size if axis is None else array.shape[axis]


@implements(np.may_share_memory, np.shares_memory)
def shares_memory(a: Any, b: Any, max_work: Any = None) -> bool:
    if not isinstance(a, CudaArray) or not isinstance(b, CudaArray) or a.loan is not b.loan:
        return False
    return bool(np.may_share_memory(a.layout, b.layout))


# ---- made where an array lies ----


@implements(np.empty)
def _empty(shape: Any, dtype: Any = float, order: str = "C") -> CudaArray:
    return empty(shape, dtype)


def _filled(value: Any, function: Callable) -> None:
    def run(shape: Any, dtype: Any = float, order: str = "C") -> CudaArray:
        array = empty(shape, dtype)
        array.fill(value)
        return array

    FUNCTIONS[function] = run


_filled(0, np.zeros)
_filled(1, np.ones)


@implements(np.full)
def full(shape: Any, fill_value: Any, dtype: Any = None, order: str = "C") -> CudaArray:
    array = empty(shape, np.asarray(fill_value).dtype if dtype is None else dtype)
    array.fill(fill_value)
    return array


@implements(np.empty_like)
def empty_like(
    prototype: CudaArray, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None
) -> CudaArray:
    return empty(prototype.shape if shape is None else shape, prototype.dtype if dtype is None else dtype)


def _filled_like(value: Any, function: Callable) -> None:
    def run(a: CudaArray, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None) -> CudaArray:
        array = empty_like(a, dtype, shape=shape)
        array.fill(value)
        return array

    FUNCTIONS[function] = run


_filled_like(0, np.zeros_like)
_filled_like(1, np.ones_like)


@implements(np.full_like)
def full_like(a: CudaArray, fill_value: Any, dtype: Any = None, *args: Any, **kwargs: Any) -> CudaArray:
    array = empty_like(a, dtype)
    array.fill(fill_value)
    return array


def _from_host(function: Callable) -> None:
    # Small tables that NumPy makes on the CPU, whose contents do not depend on any array.
    def run(*args: Any, **kwargs: Any) -> CudaArray:
        return from_host(function(*args, **kwargs))

    FUNCTIONS[function] = run


for _function in (np.arange, np.eye, np.tri, np.identity):
    _from_host(_function)


@implements(np.array, np.asarray, np.ascontiguousarray)
def asarray(a: Any, dtype: Any = None, *args: Any, copy: bool | None = None, **kwargs: Any) -> CudaArray:
    if not isinstance(a, CudaArray):
        return from_host(np.asarray(a, dtype))
    return a if dtype is None and not copy else a.astype(a.dtype if dtype is None else dtype, copy=bool(copy))


# ---- copies ----


@implements(np.copyto)
def copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    if not isinstance(dst, CudaArray):
        np.copyto(dst, to_host(src), casting=casting, where=to_host(where))
        return
    if where is not True:
        condition = from_host(where) if isinstance(where, np.ndarray) else where
        elementwise.copy(dst, np.where(condition, from_host(src) if isinstance(src, np.ndarray) else src, dst))
        return
    if isinstance(src, np.ndarray) and src.size > 1:
        dst.put(np.broadcast_to(src, dst.shape).astype(dst.dtype))
        return
    elementwise.copy(dst, src)


@implements(np.copy)
def copy(a: CudaArray, order: str = "K", subok: bool = False) -> CudaArray:
    return a.copy()


# ---- elementwise with another number of operands ----


@implements(np.where)
def where(condition: Any, x: Any = None, y: Any = None) -> CudaArray:
    parts = [elementwise.operand(part, "where") for part in (condition, x, y)]
    arrays = [part for part in parts if isinstance(part, CudaArray)]
    shape = np.broadcast_shapes(*[array.shape for array in arrays])
    weak = [part if isinstance(part, (bool, int, float)) else np.ones((), part.dtype) for part in parts[1:]]
    result = empty(shape, np.result_type(*weak))
    elementwise.select(result, *parts)
    return result


@implements(np.clip)
def clip(a: CudaArray, a_min: Any = None, a_max: Any = None, out: Any = None, **kwargs: Any) -> Any:
    lower = a if a_min is None else np.maximum(a, a_min)
    return lower if a_max is None else np.minimum(lower, a_max)


# ---- reductions under other names ----


@implements(np.sum)
def sum_(a: CudaArray, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    return np.add.reduce(a, axis=axis, dtype=dtype, out=out, keepdims=keepdims)


@implements(np.mean)
def mean(a: CudaArray, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    dims = range(a.ndim) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    count = math.prod([a.shape[d] for d in dims])
    wanted = np.float64 if dtype is None and a.dtype.kind != "f" else dtype
    return reduce(np.add, a, axis, wanted, out, keepdims, divisor=count or math.nan)


@implements(np.prod)
def prod(a: CudaArray, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    return np.multiply.reduce(a, axis=axis, dtype=dtype, out=out, keepdims=keepdims)


def _extreme(ufunc: np.ufunc) -> Callable:
    def run(a: CudaArray, axis: Any = None, out: Any = None, keepdims: bool = False, initial: Any = None) -> CudaArray:
        return ufunc.reduce(a, axis=axis, keepdims=bool(keepdims))

    return run


implements(np.max, np.amax)(_extreme(np.maximum))
implements(np.min, np.amin)(_extreme(np.minimum))
implements(np.any)(_extreme(np.logical_or))
implements(np.all)(_extreme(np.logical_and))


@implements(np.count_nonzero)
def count_nonzero(a: CudaArray, axis: Any = None, keepdims: bool = False) -> Any:
    count = np.add.reduce(a != 0, axis=axis, dtype=np.int64, keepdims=keepdims)
    return count.item() if axis is None else count


@implements(np.dot)
def dot(a: CudaArray, b: CudaArray, out: Any = None) -> Any:
    if a.ndim != 1 or b.ndim != 1:
        raise MissingError("cuda: numpy.dot is there for arrays of one dimension; use numpy.matmul")
    return np.add.reduce(np.multiply(a, b))


@implements(np.linalg.norm)
def norm(x: CudaArray, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    if ord is not None:
        raise MissingError(f"cuda: numpy.linalg.norm is there for the Euclidean norm, not for ord={ord!r}")
    return np.sqrt(np.add.reduce(np.square(x), axis=axis, keepdims=keepdims))


# ---- joining and repeating ----


@implements(np.concatenate)
def concatenate(
    arrays: Any, axis: Any = 0, out: Any = None, dtype: Any = None, casting: str = "same_kind"
) -> CudaArray:
    if axis is None:
        arrays, axis = [array.reshape(-1) for array in arrays], 0
    first = arrays[0]
    axis %= first.ndim
    extent = sum([array.shape[axis] for array in arrays])
    if out is None:
        kind = np.result_type(*[array.dtype for array in arrays]) if dtype is None else dtype
        out = empty((*first.shape[:axis], extent, *first.shape[axis + 1 :]), kind)
    start = 0
    for array in arrays:
        stop = start + array.shape[axis]
        copyto(out[(slice(None),) * axis + (slice(start, stop),)], array)
        start = stop
    return out


@implements(np.stack)
def stack(arrays: Any, axis: int = 0, out: Any = None, **kwargs: Any) -> Any:
    return concatenate([np.expand_dims(array, axis) for array in arrays], axis, out)


@implements(np.repeat)
def repeat(a: CudaArray, repeats: Any, axis: int | None = None) -> Any:
    counts = repeats.host() if isinstance(repeats, CudaArray) else repeats
    return np.take(a, np.repeat(np.arange(a.size if axis is None else a.shape[axis]), counts), axis)


@implements(np.roll)
def roll(a: CudaArray, shift: Any, axis: Any = None) -> Any:
    if axis is None:
        return roll(a.reshape(-1), shift, 0).reshape(a.shape)
    for by, d in zip(*np.broadcast_arrays(np.atleast_1d(shift), np.atleast_1d(axis)), strict=True):
        a = np.take(a, np.roll(np.arange(a.shape[int(d)]), int(by)), int(d))
    return a


def _triangle(upper: bool) -> Callable:
    def run(m: CudaArray, k: int = 0) -> CudaArray:
        inside = np.tri(*m.shape[-2:], k=k - 1 if upper else k, dtype=bool)
        return where(from_host(~inside if upper else inside), m, m.dtype.type(0))

    return run


implements(np.tril)(_triangle(False))
implements(np.triu)(_triangle(True))


# ---- by way of the CPU ----


def by_way_of_the_cpu(function: Callable) -> Callable:
    """What NumPy does on copies; arrays come back to the GPU.

    For functions whose result's size depends on the contents, for sorting, and for products of matrices of integers: they
    wait for the GPU, and no layer that a course trains uses them in its step.
    """

    def run(*args: Any, **kwargs: Any) -> Any:
        return to_device(function(*to_host(args), **to_host(kwargs)))

    return run


def to_host(value: Any) -> Any:
    """``value`` with the arrays in it on the CPU."""
    if isinstance(value, CudaArray):
        return value.host()
    if isinstance(value, (tuple, list)):
        return type(value)([to_host(part) for part in value])
    return {name: to_host(part) for name, part in value.items()} if isinstance(value, dict) else value


def to_device(value: Any) -> Any:
    """``value`` with the arrays in it on the GPU."""
    if isinstance(value, (np.ndarray, np.generic)):
        return from_host(np.asarray(value))
    return tuple([to_device(part) for part in value]) if isinstance(value, tuple) else value


for _function in (
    np.sort, np.argsort, np.searchsorted, np.unique, np.nonzero, np.argwhere, np.bincount, np.isin, np.cumsum,
    np.cumprod, np.linalg.qr, np.diag, np.flatnonzero, np.pad, np.array_equal, np.matmul,
):  # fmt: skip
    FUNCTIONS[_function] = by_way_of_the_cpu(_function)


def _accumulate(ufunc: np.ufunc, array: CudaArray, axis: int = 0, dtype: Any = None, out: Any = None) -> CudaArray:
    result = from_host(ufunc.accumulate(array.host(), axis=axis, dtype=dtype))
    if out is None:
        return result
    target = out[0] if isinstance(out, tuple) else out
    copyto(target, result)
    return target


def _at(ufunc: np.ufunc, array: CudaArray, indices: Any, values: Any) -> None:
    changed = array.host()
    ufunc.at(changed, to_host(indices), to_host(values))
    array.put(changed)


cuda_array.UFUNCS["accumulate"] = _accumulate
cuda_array.UFUNCS["at"] = _at
