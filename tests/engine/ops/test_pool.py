"""Pooling and resampling against their definitions and PyTorch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ShapeError
from engine.ops import pool
from engine.ops.pool import AvgPool2d, MaxPool2d, _adaptive_windows, _windows
from engine.ops.upsample import Interpolate, _neighbours, interpolate
from engine.tensor import wrap
from tests.oracle import check_function


def random(*shape, dtype=np.float32, seed=0):
    return np.random.default_rng(seed + sum(shape)).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("shape", "kernel", "stride", "padding", "dilation", "output"),
    [
        ((2, 3, 8, 8), (2, 2), (2, 2), (0, 0), (1, 1), (4, 4)),
        ((1, 2, 7, 9), (2, 2), (2, 2), (0, 0), (1, 1), (3, 4)),
        ((2, 2, 9, 8), (3, 2), (2, 1), (1, 1), (1, 2), (5, 8)),
    ],
)
def test_max_pool_matches_definition(shape, kernel, stride, padding, dilation, output, dtype):
    check_function(MaxPool2d(kernel, stride, padding, dilation, output, False), random(*shape, dtype=dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_avg_pool_matches_definition(dtype):
    x = random(2, 3, 7, 8, dtype=dtype)
    check_function(AvgPool2d(_windows("", 7, 3, 2, 1, True, False), _windows("", 8, 2, 2, 0, False, True), False), x)
    check_function(AvgPool2d(_adaptive_windows(7, 3), _adaptive_windows(8, 5), False), x)


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_interpolation_matches_definition(mode):
    rows, columns = (_neighbours(e, o, None, mode, False, "<f4") for e, o in ((4, 9), (5, 3)))
    check_function(Interpolate(rows, columns, False), random(2, 2, 4, 5))


def compare(ours, theirs, x, seed=0):
    torch = pytest.importorskip("torch")
    a, b = wrap(x).requires_grad_(), torch.tensor(x, requires_grad=True)
    y, expected = ours(a), theirs(b)
    assert tuple(y.shape) == tuple(expected.shape)
    np.testing.assert_allclose(y._array, expected.detach().numpy(), rtol=1e-5, atol=1e-6)
    dy = random(*y.shape, dtype=x.dtype, seed=seed + 1)
    y.backward(wrap(dy))
    expected.backward(torch.tensor(dy))
    np.testing.assert_allclose(a.grad._array, b.grad.numpy(), rtol=1e-5, atol=1e-6)


@given(
    st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(0, 1), st.integers(1, 2),
    st.booleans(), st.integers(4, 11), st.integers(0, 99),
)
def test_max_pool_parity(n, c, kernel, stride, padding, dilation, ceil_mode, size, seed):
    torch = pytest.importorskip("torch")
    padding = min(padding, kernel // 2)
    size = max(size, dilation * (kernel - 1) + 1)
    x = random(n, c, size, size + 1, seed=seed).round(1)
    settings = (kernel, stride, padding, dilation, ceil_mode)
    compare(lambda t: pool.max_pool2d(t, *settings), lambda t: torch.nn.functional.max_pool2d(t, *settings), x)
    _, places = pool.max_pool2d(wrap(x), *settings, return_indices=True)
    _, expected = torch.nn.functional.max_pool2d(torch.tensor(x), *settings, return_indices=True)
    np.testing.assert_array_equal(places._array, expected.numpy())


@given(
    st.integers(1, 4), st.integers(1, 3), st.integers(0, 1), st.booleans(), st.booleans(),
    st.sampled_from([None, 3]), st.integers(4, 9), st.integers(0, 99),
)
def test_avg_pool_parity(kernel, stride, padding, ceil_mode, include, divisor, size, seed):
    torch = pytest.importorskip("torch")
    padding = min(padding, kernel // 2)
    settings = (kernel, stride, padding, ceil_mode, include, divisor)
    x = random(2, 3, size, size + 2, seed=seed)
    compare(lambda t: pool.avg_pool2d(t, *settings), lambda t: torch.nn.functional.avg_pool2d(t, *settings), x)


@pytest.mark.parametrize("output", [1, 3, (2, None), (9, 11)])
def test_adaptive_avg_pool_parity(output):
    torch = pytest.importorskip("torch")
    x = random(2, 3, 7, 5)
    compare(lambda t: pool.adaptive_avg_pool2d(t, output), lambda t: torch.nn.functional.adaptive_avg_pool2d(t, output), x)


def test_one_dimension_parity():
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    x = random(2, 3, 11)
    compare(lambda t: pool.max_pool1d(t, 3, 2), lambda t: F.max_pool1d(t, 3, 2), x)
    compare(lambda t: pool.avg_pool1d(t, 3, 2, 1), lambda t: F.avg_pool1d(t, 3, 2, 1), x)
    compare(lambda t: pool.adaptive_avg_pool1d(t, 4), lambda t: F.adaptive_avg_pool1d(t, 4), x)
    compare(lambda t: interpolate(t, scale_factor=2), lambda t: F.interpolate(t, scale_factor=2), x)
    compare(lambda t: interpolate(t, size=5, mode="linear"), lambda t: F.interpolate(t, size=5, mode="linear"), x)


@pytest.mark.parametrize(
    "settings",
    [
        {"scale_factor": 2}, {"size": (3, 8)}, {"scale_factor": (1.5, 0.6)}, {"size": 7, "mode": "nearest-exact"},
        {"size": (9, 4), "mode": "bilinear"}, {"scale_factor": 2, "mode": "bilinear", "align_corners": True},
        {"scale_factor": 1.7, "mode": "bilinear"}, {"scale_factor": 1.7, "mode": "bilinear", "recompute_scale_factor": True},
    ],
)
def test_interpolate_parity(settings):
    torch = pytest.importorskip("torch")
    x = random(2, 3, 5, 6)
    compare(lambda t: interpolate(t, **settings), lambda t: torch.nn.functional.interpolate(t, **settings), x)


def test_nan_and_infinity_in_max_pool():
    x = random(1, 1, 4, 4)
    x[0, 0, 0, 1] = np.nan
    x[0, 0, 2:, 2:] = -np.inf
    for settings in ((2,), (2, 1)):
        y = pool.max_pool2d(wrap(x), *settings)
        assert np.isnan(y._array[0, 0, 0, 0])
        assert y._array[0, 0, -1, -1] == -np.inf


def test_unbatched_and_errors():
    x = wrap(random(3, 6, 6))
    assert tuple(pool.max_pool2d(x, 2).shape) == (3, 3, 3)
    assert tuple(pool.max_pool2d(wrap(random(0, 3, 6, 6)), 2).shape) == (0, 3, 3, 3)
    with pytest.raises(ShapeError, match="at most half"):
        pool.max_pool2d(x, 2, padding=2)
    with pytest.raises(ShapeError, match="Output size is too small"):
        pool.avg_pool2d(x, 7)
    with pytest.raises(ShapeError, match="expected 3D or 4D"):
        pool.max_pool2d(wrap(random(4, 4)), 2)
