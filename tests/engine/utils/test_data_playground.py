"""The playground's points obey their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import DataError
from engine.utils.data import playground

NAMES = sorted(playground.SETS)


@given(
    name=st.sampled_from(NAMES),
    n=st.integers(2, 60),
    noise=st.floats(0, 0.5),
    seed=st.integers(0, 2**32 - 1),
)
def test_shapes_types_and_determinism(name, n, noise, seed):
    x, y = playground.make(name, n, noise, seed)
    regression = playground.SETS[name].task == "regression"
    assert x.shape == (n, 2) and x.dtype == np.float32
    assert y.shape == ((n, 1) if regression else (n,))
    assert y.dtype == (np.float32 if regression else np.int64)
    if not regression:
        assert set(y.tolist()) <= {0, 1} and len(playground.SETS[name].classes) == 2
    assert np.isfinite(x).all() and np.isfinite(y).all()
    again = playground.make(name, n, noise, seed)
    np.testing.assert_array_equal(again[0], x)
    np.testing.assert_array_equal(again[1], y)


@pytest.mark.parametrize("name", NAMES)
def test_seeds_differ_and_points_are_shuffled(name):
    x, y = playground.make(name, 200, 0.1, seed=1)
    assert not np.array_equal(x, playground.make(name, 200, 0.1, seed=2)[0])
    if y.ndim == 1:
        assert 0 < y[:50].sum() < 50


def test_circle():
    x, y = playground.circle(400)
    radius = np.hypot(*x.T)
    assert (radius[y == 1] < 2.5 + 1e-5).all() and y.sum() == 200
    assert ((radius[y == 0] > 3.5 - 1e-5) & (radius[y == 0] < 5 + 1e-5)).all()
    noisy, labels = playground.circle(400, noise=0.5)
    assert (np.hypot(*noisy.T) <= 5 + 1e-5).all() and (labels != (np.hypot(*noisy.T) < 2.5)).any()


def test_xor():
    x, y = playground.xor(400)
    np.testing.assert_array_equal(y, x[:, 0] * x[:, 1] >= 0)
    assert (np.abs(x) >= 0.3 - 1e-6).all() and (np.abs(x) <= 5.3 + 1e-5).all()


@pytest.mark.parametrize(("noise", "variance"), [(0, 0.5), (0.5, 4)])
def test_gauss(noise, variance):
    x, y = playground.gauss(20000, noise)
    for label, centre in ((1, 2), (0, -2)):
        cloud = x[y == label]
        np.testing.assert_allclose(cloud.mean(axis=0), centre, atol=0.08)
        np.testing.assert_allclose(cloud.var(axis=0), variance, rtol=0.05)


def test_spiral():
    x, y = playground.spiral(400)
    radius = np.hypot(*x.T)
    arm = x * np.where(y == 1, 1, -1)[:, None]
    turn = 1.75 * 2 * np.pi * radius / 5
    expected = radius[:, None] * np.stack([np.sin(turn), np.cos(turn)], axis=1)
    np.testing.assert_allclose(arm, expected, atol=1e-4)
    assert y.sum() == 200 and radius.max() < 5


def test_moons():
    x, y = playground.moons(300)
    centre = np.array([1.5, 0.75])
    circle = np.where(y[:, None] == 0, x + centre, -x + centre)
    np.testing.assert_allclose(np.hypot(*circle.T), 3, atol=1e-5)
    assert (circle[:, 1] > -1e-5).all()


def test_plane():
    x, y = playground.plane(300)
    np.testing.assert_allclose(y[:, 0], x.sum(axis=1) / 10, atol=1e-6)
    assert (np.abs(x) <= 6).all()


def test_multi_gauss():
    x, y = playground.multi_gauss(500)
    for point, target in zip(x, y[:, 0], strict=True):
        best = 0.0
        for cx, cy, sign in [
            (-4, 2.5, 1),
            (0, 2.5, -1),
            (4, 2.5, 1),
            (-4, -2.5, -1),
            (0, -2.5, 1),
            (4, -2.5, -1),
        ]:
            value = sign * max(0.0, 1 - np.hypot(point[0] - cx, point[1] - cy) / 2)
            best = value if abs(value) > abs(best) else best
        assert target == pytest.approx(best, abs=1e-5)


def test_bad_arguments():
    with pytest.raises(DataError, match="n must be"):
        playground.circle(1)
    with pytest.raises(DataError, match="noise"):
        playground.xor(10, noise=-0.1)
    with pytest.raises(DataError, match="noise"):
        playground.xor(10, noise=float("nan"))
    with pytest.raises(DataError, match="no set 'swiss roll'"):
        playground.make("swiss roll")
