"""What makes the engine launch its kernels for a GPU, for every type that they may be launched with.

``run`` leaves the launches in :data:`tests.engine.kernels.cuda_compiler.stand_in.LAUNCHES`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import engine
from engine import nn, optim
from engine.device.cuda_array import CudaArray, from_host
from engine.kernels import derive
from engine.kernels.cpu import statistics as cpu_statistics
from engine.kernels.cuda import matmul, segments, statistics
from engine.kernels.cuda.elementwise import NUMBA_NAMES
from engine.kernels.cuda.expressions import EXPRESSIONS
from engine.tensor import Tensor
from tests.cuda.test_random import DRAWS
from tests.engine import programs
from tests.engine.optim.test_definitions import CASES as OPTIMIZERS
from tests.engine.recording import record, record_optimizers
from tests.oracle import Case

FLOATS = ("float32", "float64")
KINDS = tuple(NUMBA_NAMES)


def run(everything: bool) -> None:
    """Launch the kernels.

    Args:
        everything: also what no op of the engine launches but might: every ufunc for every dtype, and the kernels
            that follow from definitions that have a tuned one.
    """
    for dtype in FLOATS:
        for program in (ops, optimizers, large_products, added_rows, statistics_of):
            program(dtype)
    draws()
    for dtype in KINDS if everything else ("float32",):
        ufuncs(dtype)
    for dtype in KINDS:
        for program in (forms, reductions, indexing):
            program(dtype)
    if everything:
        # What a definition takes is worked out on the CPU.
        for case in (*[case for name in programs.PROGRAMS for case in record(name).cases], *record_optimizers()):
            for dtype in FLOATS:
                derived(case, np.dtype(dtype))


def ones(*shape: int, dtype: str) -> CudaArray:
    return from_host(np.ones(shape, dtype))


def weights(*shape: int, dtype: str) -> Tensor:
    return engine.ones(*shape, dtype=getattr(engine, dtype), device="cuda").requires_grad_()


# ---- what the engine does ----


def ops(dtype: str) -> None:
    """Every op, forward and backward."""
    programs.DEVICE, programs.DTYPE = "cuda", getattr(engine, dtype)
    try:
        for function, inputs in programs.PROGRAMS.values():
            for y in _tensors(function(*inputs())):
                if y.requires_grad:
                    y.backward(engine.ones_like(y), retain_graph=True)
    finally:
        programs.DEVICE, programs.DTYPE = "cpu", engine.float64


def _tensors(results: Any) -> Iterator[Tensor]:
    for result in results if isinstance(results, (tuple, list)) else (results,):
        if isinstance(result, Tensor):
            yield result


def derived(case: Case, dtype: np.dtype) -> None:
    """The kernel that follows from the definition of ``case``, its floats made ``dtype``."""

    def there(value: Any) -> Any:
        if not isinstance(value, np.ndarray):
            return value
        return from_host(value.astype(dtype) if value.dtype.kind == "f" else value)

    if case.actual.size:
        derive.cuda(case.definition)(there(case.actual), *[there(operand) for operand in case.operands])


def optimizers(dtype: str) -> None:
    """Two steps of every optimiser with every setting that changes its formula, and clipping."""
    for name, options in OPTIMIZERS:
        parameters = [weights(3, 4, dtype=dtype), weights(7, dtype=dtype)]
        optimizer = getattr(optim, name)(parameters, **options)
        for _ in range(2):
            optimizer.zero_grad(set_to_none=False)
            for parameter in parameters:
                parameter.grad = engine.ones_like(parameter)
            optimizer.step()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        nn.utils.clip_grad_value_(parameters, 1.0)


def large_products(dtype: str) -> None:
    """Products of matrices and convolutions that are computed in tiles of every shape, the textbook's product, and a
    normalisation of many elements."""
    functional = nn.functional
    for rows in (300, 60):
        x, w, b = weights(rows, 784, dtype=dtype), weights(4096, 784, dtype=dtype), weights(4096, dtype=dtype)
        functional.linear(x, w, b).sum().backward()
    for channels in (16, 96):
        x = weights(8, channels, 20, 20, dtype=dtype)
        w, b = weights(channels, channels, 3, 3, dtype=dtype), weights(channels, dtype=dtype)
        functional.conv2d(x, w, b, padding=1).sum().backward()
    # A channel's elements in several blocks.
    x = weights(8, 2, 40, 40, dtype=dtype)
    functional.batch_norm(x, None, None, training=True).sum().backward()
    y = ones(2, 3, 3, dtype=dtype)
    matmul.run_naive(y, y, y, ones(0, dtype=dtype), False, True)


def added_rows(dtype: str) -> None:
    """Rows that are added to rows by an index that needs more than one block to be sorted."""
    size = 4 * segments._KEYS
    segments.add_rows(ones(1, 3, 2, dtype=dtype), ones(1, size, 2, dtype=dtype), from_host(np.zeros(size, np.int64)))


def statistics_of(dtype: str) -> None:
    """What the debugger asks of arrays."""
    x = ones(12, dtype=dtype)
    table = np.zeros((3, len(cpu_statistics.TABLE)), np.int64)
    table[:, 0] = -1, -1, 0
    table[1] = -1, cpu_statistics.UNITS, 3, 1
    results = np.zeros((1, 3, len(cpu_statistics.FIELDS)))
    statistics.summarize(results, 0, 0, x, table, x, x, x)
    statistics.histogram(np.zeros(2 * cpu_statistics.OCTAVES + 1, np.int64), x)
    statistics.linear_histogram(np.zeros(8, np.int64), x, np.linspace(0, 1, 9))


def draws() -> None:
    """Random numbers of every kind."""
    for draw in DRAWS.values():
        draw("cuda")


# ---- what NumPy's functions do ----


def ufuncs(dtype: str) -> None:
    """Every ufunc that NumPy has for ``dtype``, with a result of a dtype that the engine has."""
    x = ones(2, 3, dtype=dtype)
    for name in EXPRESSIONS:
        ufunc = getattr(np, name)
        try:
            with np.errstate(all="ignore"):
                result = ufunc(*[np.ones(1, dtype)] * ufunc.nin)
        except TypeError:
            continue
        if result.dtype.name in NUMBA_NAMES:
            ufunc(*[x] * ufunc.nin)


def forms(dtype: str) -> None:
    """Operands of every form: numbers, arrays of one element, rows, views with gaps; conversions; choices."""
    x, row, one = ones(2, 3, dtype=dtype), ones(3, dtype=dtype), ones(dtype=dtype)
    for y in (row, x.T.copy().T, 2, np.dtype(dtype).type(1), one):
        np.add(x, y)
        np.multiply(y, x)
    x = ones(2, 3, 4, dtype=dtype)
    otherwise = x.transpose(2, 0, 1).copy().transpose(1, 2, 0)
    for left, right in ((x, otherwise), (x[:, :, ::2], x[:, :, 1::2]), (np.flip(x, 1), x), (x, ones(2, 1, 4, dtype=dtype))):
        np.add(left, right)
    x = ones(2, 3, 2, 3, dtype=dtype)
    x.transpose(3, 1, 0, 2).copy()
    np.add(x[:, ::2, :, ::2], 1)
    for other in KINDS:
        row.astype(other)
    x, mask = ones(2, 3, dtype=dtype), ones(2, 3, dtype="bool")
    for y in (x, np.dtype(dtype).type(0), row):
        np.where(mask, x, y)


def reductions(dtype: str) -> None:
    """Of rows and columns, long and short."""
    for shape in ((2, 3), (3, 2, 4), (20000,), (600, 3)):
        x = ones(*shape, dtype=dtype)
        for ufunc in (np.add, np.multiply, np.maximum, np.minimum, np.logical_and, np.logical_or):
            for axis in (None, 0):
                ufunc.reduce(x, axis=axis)
        np.argmax(x, 0)
        np.argmin(x)


def indexing(dtype: str) -> None:
    x = ones(4, 5, dtype=dtype)
    x[np.array([1, 2])]
    x[np.array([1, 2, 1]), np.array([0, 0, 0])] = 1
    np.take(x, np.array([1, 0]), 1)
    np.take_along_axis(x, from_host(np.zeros((4, 2), np.int64)), 1)
    np.put_along_axis(x, from_host(np.zeros((4, 1), np.int64)), 3, 1)
