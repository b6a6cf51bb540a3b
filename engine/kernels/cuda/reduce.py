"""Reductions on the GPU: NumPy's ``ufunc.reduce``, ``argmax`` and ``argmin``.

An array is seen as (A, R, B), contiguous, of which R is reduced. Every result has one owner, and its elements are
combined in an order that follows from the shape alone: no atomics.

* ``rows`` (B = 1): one block of threads for each part of a row. A thread combines every THREADS-th element, then the
  block's threads are combined pairwise in shared memory. Long rows are cut into parts, and the parts reduced again.
* ``columns`` (B > 1, and short rows): one thread for each (a, b) and part of R; neighbouring threads read neighbouring
  elements.

Dimensions that do not lie together are reduced one run after the other, the last one first.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from engine.device import cuda_array
from engine.device.cuda_array import CudaArray, empty
from engine.errors import MissingError
from engine.kernels import written
from engine.kernels.cuda.elementwise import NUMBA_NAMES, name_of
from engine.kernels.cuda.expressions import expression
from engine.kernels.cuda.launch import cuda, jit, launch, one_each

#: Most threads of a block, and elements that one block or thread takes before a row or column is cut into parts.
_THREADS = 256
_ROW_PART = 1 << 14
_COLUMN_PART = 256
#: Elements of a row up to which one thread does it alone.
_SHORT = 32


def reduce(ufunc: np.ufunc, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False,
           initial: Any = None, where: Any = True, divisor: float = 1.0) -> CudaArray:  # fmt: skip
    """``ufunc.reduce(array, axis, dtype)``; ``axis`` None, a number or several; the result has 0 or more dimensions.

    ``out`` may have another dtype than the one that is accumulated in; sums of floats are divided by ``divisor``.

    Raises:
        MissingError: for a ufunc without an identity here, and for the options ``initial`` and ``where``.
        ValueError: when the maximum or minimum of nothing is asked for.
    """
    if initial is not None or where is not True:
        raise MissingError(f"cuda: numpy.{ufunc.__name__}.reduce has no kernel for the GPU with initial= or where=")
    dims = _dims(axis, array.ndim)
    wanted = _dtype(ufunc, array.dtype, dtype)
    if not array.size and ufunc in (np.maximum, np.minimum) and math.prod([array.shape[d] for d in dims]) == 0:
        raise ValueError(f"zero-size array to reduction operation {ufunc.__name__} which has no identity")
    shape = tuple([1 if d in dims else e for d, e in enumerate(array.shape) if keepdims or d not in dims])
    target = out[0] if isinstance(out, tuple) else out
    if target is not None and target.shape == shape and target.layout.flags.c_contiguous:
        _into(target, ufunc, array, dims, wanted, divisor)
        return target
    result = empty(shape, wanted)
    _into(result, ufunc, array, dims, wanted, divisor)
    if target is None:
        return result
    cuda_array.copyto(target, result, casting="unsafe")
    return target


def _into(result: CudaArray, ufunc: np.ufunc, array: CudaArray, dims: tuple[int, ...], wanted: np.dtype, divisor: float):
    """Reduce ``dims``, accumulated as ``wanted``, into the contiguous ``result``."""
    if not result.size:
        return
    behind = _last_run(array, dims)
    if len(behind) < len(dims):
        # Dimensions that do not lie together, those behind first: no copy has to bring them together.
        kept = tuple([e for d, e in enumerate(array.shape) if d not in behind])
        part = empty(kept, wanted)
        _into(part, ufunc, array, behind, wanted, 1.0)
        array, dims = part, tuple([d for d in dims if d not in behind])
    a, r, b, dense = folded(array, dims)
    _reduce(ufunc, dense, result, a, r, b, wanted, divisor)


def _last_run(array: CudaArray, dims: tuple[int, ...]) -> tuple[int, ...]:
    """Those of ``dims`` at the end that lie together in memory; all of them where a copy is needed anyway."""
    if not array.layout.flags.c_contiguous:
        return dims
    first = len(dims)
    while first and all(array.shape[d] == 1 for d in range(dims[first - 1] + 1, dims[first] if first < len(dims) else 0)):
        first -= 1
    return dims[first:]


def folded(array: CudaArray, dims: tuple[int, ...]) -> tuple[int, int, int, CudaArray]:
    """``array`` as (A, R, B), with R the dimensions ``dims``: a view where it lies so, else a copy."""
    shape = array.shape
    kept = [d for d in range(array.ndim) if d not in dims]
    r = math.prod([shape[d] for d in dims])
    run = [d for d in range(array.ndim) if shape[d] != 1 or d in dims]
    places = [run.index(d) for d in dims]
    if places and array.layout.flags.c_contiguous and places == list(range(places[0], places[0] + len(places))):
        a = math.prod([shape[d] for d in kept if d < dims[0]])
        return a, r, math.prod([shape[d] for d in kept if d > dims[0]]), array
    a = math.prod([shape[d] for d in kept])
    moved = array.transpose((*kept, *dims))
    return a, r, 1, moved if moved.layout.flags.c_contiguous else moved.copy()


def _reduce(
    ufunc: np.ufunc, x: CudaArray, result: CudaArray, a: int, r: int, b: int, wanted: np.dtype, divisor: float
) -> None:
    text = expression(ufunc.__name__, wanted.kind)
    columns = b > 1 or r <= _SHORT
    kernel = _compiled(ufunc.__name__, text, name_of(x.dtype), name_of(wanted), columns)
    part = _COLUMN_PART if columns else _ROW_PART
    parts = max(1, -(-r // part))
    target = result if parts == 1 else empty((a, parts, b), wanted)
    numbers = (part, _identity(ufunc, wanted), *_last(ufunc, wanted, divisor if parts == 1 else 1.0))
    if columns:
        launch(kernel, *one_each(a * parts * b, _THREADS), target.reshape(a, parts, b), x.reshape(a, r, b), *numbers)
    else:
        threads = min(_THREADS, 1 << max(0, (min(r, part) - 1).bit_length()))
        launch(kernel, a * parts, threads, target.reshape(a, parts), x.reshape(a, r), *numbers)
    if parts > 1:
        _reduce(ufunc, target, result, a, parts, b, wanted, divisor)


def _last(ufunc: np.ufunc, wanted: np.dtype, divisor: float) -> tuple[Any, ...]:
    """What the kernel does with the result: sums of floats are divided."""
    return (wanted.type(divisor),) if _divides(ufunc.__name__, name_of(wanted)) else ()


def _divides(name: str, accumulator: str) -> bool:
    return name == "add" and accumulator.startswith("float")


def _dims(axis: Any, ndim: int) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    return tuple(sorted([int(d) % ndim for d in axes])) if ndim else ()


def _dtype(ufunc: np.ufunc, source: np.dtype, dtype: Any) -> np.dtype:
    if dtype is not None:
        return np.dtype(dtype)
    if ufunc in (np.logical_or, np.logical_and, np.logical_xor):
        return np.dtype(bool)
    if ufunc in (np.add, np.multiply) and source.kind in "bui" and source.itemsize < 8:
        return np.dtype(np.int64)
    return source


def _identity(ufunc: np.ufunc, dtype: np.dtype) -> Any:
    if ufunc in (np.maximum, np.minimum):
        if dtype.kind == "f":
            return dtype.type(-np.inf if ufunc is np.maximum else np.inf)
        if dtype.kind == "b":
            return ufunc is np.minimum
        return dtype.type(np.iinfo(dtype).min if ufunc is np.maximum else np.iinfo(dtype).max)
    if ufunc.identity is None:
        raise MissingError(f"cuda: numpy.{ufunc.__name__}.reduce has no kernel for the GPU")
    return dtype.type(ufunc.identity)


@functools.cache
def _compiled(name: str, text: str, source: str, accumulator: str, columns: bool) -> Any:
    title = f"cuda_reduce_{name}_{source}_{accumulator}_{'columns' if columns else 'rows'}"
    return written.load(title, _text(name, text, accumulator, columns)).kernel


def _text(name: str, text: str, accumulator: str, columns: bool) -> str:
    kind = NUMBA_NAMES[accumulator]
    body = _COLUMNS if columns else _ROWS
    divides = _divides(name, accumulator)
    return (
        f'"""{name} over elements on the GPU, accumulated in {accumulator}."""\n'
        f"from numba import {kind} as kind\n"
        "from engine.kernels.cuda.launch import cuda, device_function, jit, math, smaller\n"
        "from engine.kernels.cuda.scalars import *\n\n"
        "@device_function\n"
        "def combine(a, b):\n"
        f"    return {text}\n\n"
    ) + body.replace("THREADS", str(_THREADS)).replace("LAST", " / divisor" if divides else "").replace(
        "PARAMETERS", "identity, divisor" if divides else "identity"
    )


_ROWS = """
@jit
def kernel(y, x, part, PARAMETERS):
    shared = cuda.shared.array(THREADS, kind)
    thread = cuda.threadIdx.x
    threads = cuda.blockDim.x
    parts = y.shape[1]
    row = cuda.blockIdx.x // parts
    number = cuda.blockIdx.x % parts
    stop = smaller(x.shape[1], (number + 1) * part)
    total = identity
    for r in range(number * part + thread, stop, threads):
        total = combine(total, kind(x[row, r]))
    shared[thread] = total
    cuda.syncthreads()
    half = threads // 2
    while half > 0:
        if thread < half:
            shared[thread] = combine(shared[thread], shared[thread + half])
        cuda.syncthreads()
        half //= 2
    if thread == 0:
        y[row, number] = shared[0]LAST
"""

_COLUMNS = """
@jit
def kernel(y, x, part, PARAMETERS):
    place = cuda.grid(1)
    if place < y.size:
        column = place % y.shape[2]
        number = place // y.shape[2] % y.shape[1]
        a = place // (y.shape[2] * y.shape[1])
        stop = smaller(x.shape[1], (number + 1) * part)
        total = identity
        for r in range(number * part, stop):
            total = combine(total, kind(x[a, r, column]))
        y[a, number, column] = totalLAST
"""


@jit
def _first_extreme(y, x, largest):
    place = cuda.grid(1)
    if place < y.size:
        a = place // y.shape[1]
        b = place % y.shape[1]
        best = 0
        value = x[a, 0, b]
        for r in range(1, x.shape[1]):
            candidate = x[a, r, b]
            # The first NaN wins, as in NumPy.
            if value == value and ((candidate > value if largest else candidate < value) or candidate != candidate):
                best = r
                value = candidate
        y[a, b] = best


def arg_extreme(array: CudaArray, axis: int | None, largest: bool, keepdims: bool = False) -> CudaArray:
    """The position of the first largest or smallest element along ``axis`` (None: of the flattened array)."""
    if axis is None:
        flat = arg_extreme(array.reshape(-1), 0, largest)
        return flat.reshape((1,) * array.ndim) if keepdims else flat
    d = axis % array.ndim
    if not array.shape[d]:
        raise ValueError(f"attempt to get {'argmax' if largest else 'argmin'} of an empty sequence")
    a, r, b, dense = folded(array, (d,))
    result = empty((a, b), np.int64)
    if result.size:
        launch(_first_extreme, *one_each(result.size), result, dense.reshape(a, r, b), largest)
    shape = array.shape[:d] + ((1,) if keepdims else ()) + array.shape[d + 1 :]
    return result.reshape(shape)


cuda_array.UFUNCS["reduce"] = reduce
cuda_array.FUNCTIONS[np.argmax] = lambda a, axis=None, out=None, keepdims=False: arg_extreme(a, axis, True, bool(keepdims))
cuda_array.FUNCTIONS[np.argmin] = lambda a, axis=None, out=None, keepdims=False: arg_extreme(a, axis, False, bool(keepdims))
