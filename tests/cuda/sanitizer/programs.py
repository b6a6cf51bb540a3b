"""Launches at sizes that end within a tile, a part, a chunk, a block: what the tests of ops, of a few elements, leave out.

``edges`` takes seconds in the simulator's tiles and blocks; under a GPU's (:mod:`tests.cuda.sanitizer.__main__`) minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

import engine
from engine.device.cuda_array import from_host
from engine.kernels.cpu import statistics as cpu_statistics
from engine.kernels.cuda import (
    batch_norm,
    blocks,
    convolution,
    elementwise,
    many,
    matmul,
    reduce,
    segments,
    statistics,
    tile_shapes,
)
from engine.nn import functional
from engine.tensor import Tensor

Program = Callable[[str], None]


def numbers(*shape: int, dtype: str) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


def leaf(*shape: int, dtype: str) -> Tensor:
    return engine.tensor(numbers(*shape, dtype=dtype), device="cuda").requires_grad_()


def close(actual: np.ndarray, expected: np.ndarray) -> None:
    """What is raced for or read beyond an edge shows in results too."""
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)


def around(side: int) -> tuple[int, ...]:
    """Sizes at the edge of one tile, and within the second."""
    return 1, side - 1, side, side + 1


# ---- products ----


def tiles(dtype: str) -> None:
    """Every version of the product, with every way that the operands may lie, over edges on each side."""
    shapes = {
        matmul.run_naive: (matmul.TILE, matmul.TILE),
        matmul.run_shared_tile: (matmul.TILE, matmul.TILE),
        matmul.run_register_tile: tile_shapes.SQUARE[:2],
        _run_flat: tile_shapes.FLAT[:2],
    }
    # Two of the four ways have each operand lie along the sum and across it; small tiles have time for all.
    small = tile_shapes.DEPTH < 8
    ways = ((False, False), (True, True), (True, False), (False, True))[: 4 if small else 2]
    for run, (high, wide) in shapes.items():
        for k, (transpose_a, transpose_b) in enumerate(ways):
            rows, columns, inner = high + (-1 if k % 2 else 1), wide + (1 if k == 1 else -1), tile_shapes.DEPTH + k
            a, b, bias = (
                numbers(*shape, dtype=dtype) for shape in ((1 + small, rows, inner), (1 + small, inner, columns), (columns,))
            )
            stored_a = np.ascontiguousarray(a.swapaxes(1, 2)) if transpose_a else a
            stored_b = np.ascontiguousarray(b.swapaxes(1, 2)) if transpose_b else b
            y = from_host(np.full((len(a), rows, columns), np.nan, dtype))
            run(y, *map(from_host, (stored_a, stored_b, bias)), transpose_a, transpose_b)
            close(y.host(), a @ b + bias)
    # Sums that are cut into parts: one of each version, the last part shorter than the others.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matmul, "_PART", tile_shapes.DEPTH)
        patch.setattr(matmul, "_NARROW", matmul.TILE + 2)
        patch.setattr(matmul, "_FEW", 1)
        patch.setattr(matmul, "_LONG", 41)
        for columns in (matmul.TILE + 1, matmul.TILE + 3):
            x, w, b = (numbers(*shape, dtype=dtype) for shape in ((3, 41), (columns, 41), (columns,)))
            y = from_host(np.full((1, 3, columns), np.nan, dtype))
            matmul.product(y, *map(from_host, (x[None], w[None], b)), False, True)
            close(y.host()[0], x @ w.T + b)


def _run_flat(*arguments) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tile_shapes, "_FEW_ROWS", 1 << 30)
        matmul.run_register_tile(*arguments)


def convolutions(dtype: str) -> None:
    """Strides, paddings, dilations and groups, with a weight gradient whose sum is cut into parts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolution, "_PART", 8)
        for stride, padding, dilation, groups in ((1, 1, 1, 1), (2, 0, 1, 2), ((1, 2), (2, 1), (2, 1), 1)):
            results = []
            for device in ("cpu", "cuda"):
                x, w, b = leaf(2, 4, 6, 5, dtype=dtype), leaf(6, 4 // groups, 3, 2, dtype=dtype), leaf(6, dtype=dtype)
                x, w, b = (t.detach().to(device).requires_grad_() for t in (x, w, b))
                y = functional.conv2d(x, w, b, stride, padding, dilation, groups)
                (y * y).sum().backward()
                results.append([t.detach().cpu().numpy() for t in (y, *(leaf.grad for leaf in (x, w, b)))])
            for expected, actual in zip(*results, strict=True):
                close(actual, expected)


def elements(dtype: str) -> None:
    """Ufuncs of so many elements that some threads have as many as one takes, and some have fewer or none."""
    block = 256 * elementwise.EACH
    for size in (*range(1, 2 * elementwise.EACH + 2), block - 1, block, block + 1):
        x = numbers(size, dtype=dtype)
        y = from_host(x)
        np.multiply(y, y, out=y)
        close((y + from_host(x)).host(), x * x + x)


# ---- what the threads of a block do together ----


def rows(dtype: str) -> None:
    """Softmax, losses over classes and normalisations of rows shorter and longer than a block has threads."""
    for count in (*around(blocks.BLOCK_THREADS), 2 * blocks.BLOCK_THREADS + 3):
        x, t = leaf(3, count, dtype=dtype), engine.tensor([0, count - 1, -100], device="cuda")
        for y in (functional.softmax(x, 1), functional.log_softmax(x, 1), functional.layer_norm(x, (count,))):
            y.backward(engine.ones_like(y))
        probabilities = functional.softmax(x.detach(), 1)
        weight = engine.ones(count, dtype=x.dtype, device="cuda")
        functional.cross_entropy(x, t, weight, label_smoothing=0.1).backward()
        functional.cross_entropy(x, probabilities, weight, label_smoothing=0.1).backward()
        functional.nll_loss(functional.log_softmax(x, 1), t, weight).backward()
        functional.cross_entropy(x.detach(), engine.tensor([0, count, -3], device="cuda"))
        with pytest.raises(IndexError):
            engine.cuda.synchronize()
        sick = numbers(2, count, dtype=dtype)
        sick[1, count // 2] = np.nan
        functional.softmax(engine.tensor(sick, device="cuda"), 1)


def norms(dtype: str) -> None:
    """Normalisations over channels and groups of more elements than a block has threads, alone and in parts."""
    side = blocks.BLOCK_THREADS // 4 + 1
    x, running = leaf(3, 4, side, 3, dtype=dtype), [leaf(4, dtype=dtype).detach().abs() for _ in range(2)]
    w, b = leaf(4, dtype=dtype), leaf(4, dtype=dtype)
    for least in (batch_norm._PART, blocks.BLOCK_THREADS):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(batch_norm, "_PART", least)
            for training in (True, False):
                x.grad = w.grad = b.grad = None
                y = functional.batch_norm(x, *running, w, b, training)
                (y * y).sum().backward()
                here = [t.detach().cpu().requires_grad_() for t in (x, w, b)]
                expected = functional.batch_norm(here[0], *[r.cpu() for r in running], *here[1:], training)
                (expected * expected).sum().backward()
                close(y.detach().cpu().numpy(), expected.detach().numpy())
                for there, own in zip((x, w, b), here, strict=True):
                    close(there.grad.cpu().numpy(), own.grad.numpy())
    x = leaf(3, 4, side, 3, dtype=dtype)
    functional.group_norm(x, 2, leaf(4, dtype=dtype), leaf(4, dtype=dtype)).sum().backward()


def reductions(dtype: str) -> None:
    """Rows and columns that are cut into parts, whose results are reduced again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reduce, "_ROW_PART", 40)
        patch.setattr(reduce, "_COLUMN_PART", 4)
        for shape, axis in (((2, 130), 1), ((130,), None), ((9, 3), 0), ((2, 9, 5), 1), ((2, 3, 50), (0, 2))):
            x = numbers(*shape, dtype=dtype)
            for ufunc in (np.add, np.maximum, np.minimum, np.logical_or):
                close(ufunc.reduce(from_host(x), axis=axis).host(), ufunc.reduce(x, axis=axis))
            if not isinstance(axis, tuple):
                close(np.argmax(from_host(x), axis).host(), np.argmax(x, axis))


def many_arrays(dtype: str) -> None:
    """Chunks of arrays, alone and in one launch."""
    host = [numbers(size, dtype=dtype) for size in (*around(many.CHUNK), 2 * many.CHUNK + 3)]
    there = [from_host(x) for x in host]
    y = from_host(np.zeros(len(host), dtype))
    many.norms(y, there)
    close(y.host(), np.array([np.linalg.norm(x) for x in host]))
    many.clip(there, from_host(np.array(4, dtype)), 2.0)
    many.fill(there[1:], 3.0)
    for x, expected in zip(there, (host[0] / 2, *[np.full_like(x, 3) for x in host[1:]]), strict=True):
        close(x.host(), expected)


def added_rows(dtype: str) -> None:
    """Rows that are added by index: more than a block sorts, and more than a window adds up."""
    for size in (segments._WINDOW + 1, segments._KEYS + 1, 2 * segments._KEYS + 3):
        index, v = np.arange(size) ** 2 % 7, numbers(1, size, 2, dtype=dtype)
        expected = np.zeros((1, 7, 2), dtype)
        np.add.at(expected[0], index, v[0])
        y = from_host(np.zeros_like(expected))
        segments.add_rows(y, from_host(v), from_host(index))
        close(y.host(), expected)


def statistics_of(dtype: str) -> None:
    """What the debugger asks of arrays: parts of one array, changes, units that are silent, histograms."""
    for size in (1, blocks.BLOCK_THREADS + 1, statistics.PART // 3 + 2):
        x = numbers(6 * size, dtype=dtype)
        x.reshape(2, 3, size)[:, 1] = 0
        x[-1] = np.inf
        table = np.zeros((3, len(cpu_statistics.TABLE)), np.int64)
        table[0] = -1, cpu_statistics.UNITS, 3, size
        table[1] = -1, cpu_statistics.SIGMOID, 0, 0
        results = np.zeros((1, 3, len(cpu_statistics.FIELDS)))
        there = from_host(x)
        statistics.summarize(results, 0, 0, there, table, there, there, there)
        assert results[0, 0, cpu_statistics.FIELDS.index("dead")] == 1 / 3, results
        counts = np.zeros(2 * cpu_statistics.OCTAVES + 1, np.int64)
        statistics.histogram(counts, there)
        assert counts.sum() == x.size - 1
        counts = np.zeros(5, np.int64)
        statistics.linear_histogram(counts, there, np.linspace(-1, 1, 6))
        assert counts.sum() == ((x >= -1) & (x <= 1)).sum()


def integers(dtype: str) -> None:
    """What whole numbers are computed with, and the ufuncs that no op asks for."""
    x, y = from_host(np.arange(-3, 4, dtype=np.int64)), from_host(np.array([2, 0, -2, 3, 1, -1, 2]))
    for ufunc in (np.floor_divide, np.remainder, np.fmod, np.maximum, np.left_shift):
        ufunc(x, np.abs(y) if ufunc is np.left_shift else y)
    np.power(x, np.abs(y))
    np.sign(x)
    a = from_host(np.array([1, np.nan, np.inf, 0], dtype))
    for ufunc in (np.fmax, np.fmin, np.floor_divide):
        ufunc(a, a[::-1])


PROGRAMS: tuple[Program, ...] = (
    tiles, convolutions, elements, rows, norms, reductions, many_arrays, added_rows, statistics_of, integers,
)  # fmt: skip


def edges(dtypes: tuple[str, ...]) -> Iterator[tuple[str, Callable[[], None]]]:
    """Name and call of every program for every dtype."""
    for program in PROGRAMS:
        for dtype in dtypes:
            yield f"{program.__name__} {dtype}", lambda program=program, dtype=dtype: program(dtype)
