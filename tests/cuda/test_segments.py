"""Rows that are added to rows by index: sorted positions, windows, and sums that come out the same each time."""

import numpy as np
import pytest

import engine
from engine.device import gate
from engine.device.cuda_array import from_host
from engine.kernels.cuda import segments
from engine.kernels.cuda.movement import index_add
from engine.nn import functional as F

#: Positions of one window, and keys of one block, are few in the simulator.
SIZES = (1, segments._WINDOW, segments._WINDOW + 1, segments._KEYS, segments._KEYS + 1, 2 * segments._KEYS + 3)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("rows", [1, 5])
def test_positions_are_sorted_by_row_then_by_place(size, rows):
    index = np.random.default_rng(size).integers(-1, rows + 1, size)
    keys = segments.sorted_positions(from_host(index), rows, ignored=rows - 2).host()
    assert keys.size >= size and not keys.size & (keys.size - 1), "a power of two"
    row = np.where((index >= 0) & (index < rows) & (index != rows - 2), index, segments._NOWHERE)
    expected = np.argsort(row, kind="stable")
    np.testing.assert_array_equal(keys[:size] & (segments._ROW - 1), expected)
    np.testing.assert_array_equal(keys[:size] >> 32, row[expected])
    assert (keys[size:] >> 32 == segments._NOWHERE).all()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("rows", [1, 2, 40])
def test_rows_are_added_to_what_is_there(size, rows):
    rng = np.random.default_rng(size)
    index, v, y = rng.integers(0, rows, size), rng.normal(size=(2, size, 3)), rng.normal(size=(2, rows, 3))
    expected = y.copy()
    for i, j in enumerate(index):
        expected[:, j] += v[:, i]
    there = from_host(y)
    index_add(there, from_host(v), from_host(index))
    np.testing.assert_allclose(there.host(), expected, rtol=1e-12)


def test_one_row_that_reaches_over_windows_between_others():
    # Row 1 begins within the first window, fills several, and ends within one.
    w = segments._WINDOW
    index = np.array([0] * (w - 1) + [1] * (3 * w) + [2])
    v = np.random.default_rng(0).normal(size=(1, index.size, 1))
    y = from_host(np.zeros((1, 4, 1)))
    index_add(y, from_host(v), from_host(index))
    np.testing.assert_allclose(y.host()[0, :, 0], [v[0, index == j, 0].sum() for j in range(4)], rtol=1e-12)


def test_the_same_bits_each_time():
    rng = np.random.default_rng(0)
    size = 3 * segments._KEYS if gate.simulated() else 1 << 16
    index, v = from_host(rng.integers(0, 3, size)), from_host(rng.normal(size=(1, size, 2)).astype(np.float32))
    results = set()
    for _ in range(2):
        y = from_host(np.zeros((1, 3, 2), np.float32))
        index_add(y, v, index)
        results.add(y.host().tobytes())
    assert len(results) == 1


def test_nothing_to_add():
    y = from_host(np.ones((1, 2, 1)))
    index_add(y, from_host(np.zeros((1, 0, 1))), from_host(np.zeros(0, np.int64)))
    assert y.tolist() == [[[1], [1]]]


def test_the_gradient_of_an_embedding_with_tokens_that_repeat_and_padding():
    t = engine.tensor([[2, 0, 2, 1, 2], [0, 2, 3, 2, 0]])
    gradients = []
    for device in ("cpu", "cuda"):
        weight = engine.arange(8.0).reshape(4, 2).to(device).requires_grad_()
        y = F.embedding(t.to(device), weight, padding_idx=0)
        (y * engine.arange(20.0, device=device).reshape(2, 5, 2)).sum().backward()
        gradients.append(weight.grad.tolist())
    assert gradients[0] == gradients[1] and gradients[1][0] == [0, 0]
