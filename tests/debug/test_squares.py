"""Sums of squares beside a training: the definition, for every size, layout and range."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.debug.squares import PIECE, euclidean_norm, sum_of_squares


@given(st.integers(0, 3 * PIECE + 1), st.sampled_from((np.float32, np.float64)), st.integers(0, 5))
def test_the_definition(size, dtype, seed):
    a = np.random.default_rng(seed).normal(size=size).astype(dtype)
    exact = math.fsum(x * x for x in a.astype(np.float64).tolist())
    assert sum_of_squares(a) == pytest.approx(exact, rel=1e-5 if dtype is np.float32 else 1e-12)
    assert euclidean_norm(a) == pytest.approx(math.sqrt(exact), rel=1e-5 if dtype is np.float32 else 1e-12)


def test_any_layout():
    a = np.arange(-60.0, 60.0).reshape(2, 3, 4, 5)
    for view in (a, a.T, a[:, ::2], a[..., ::-1], a[:0]):
        assert sum_of_squares(view) == sum(x * x for x in view.ravel().tolist())


@pytest.mark.parametrize("at", [0, PIECE, 2 * PIECE + 5])
def test_what_is_not_finite_shows_wherever_it_stands(at):
    a = np.zeros(2 * PIECE + 6, np.float32)
    for value, shown in ((np.nan, math.isnan), (np.inf, math.isinf), (-np.inf, math.isinf), (1e30, math.isinf)):
        a[at] = value
        with np.errstate(over="ignore"):
            assert shown(sum_of_squares(a)) and shown(euclidean_norm(a))
