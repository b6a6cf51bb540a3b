"""How kernels share their work out among threads."""

import numba
import numpy as np
import pytest
from numba import prange

from engine.kernels.jit import kernel


@kernel
def in_parts(y, x):
    for i in prange(y.size):
        y[i] = 2 * x[i]


@kernel(alone=True)
def by_turns(y, x):
    for i in prange(y.size):
        y[i] = 2 * x[i]


def test_turns_that_are_handed_out_alone_come_to_the_same():
    x = np.arange(16.0)
    found = [np.empty(16), np.empty(16), np.empty(16)]
    in_parts.serial(found[0], x)
    in_parts.parallel(found[1], x)
    by_turns.parallel(found[2], x)
    assert all((y == 2 * x).all() for y in found)


def test_turns_are_handed_out_alone_in_this_kernel_only(monkeypatch):
    seen = []
    for one in (in_parts, by_turns):
        monkeypatch.setattr(one, "_parallel", lambda: seen.append(numba.get_parallel_chunksize()))
        one.parallel()
    assert [*seen, numba.get_parallel_chunksize()] == [0, 1, 0]


def test_after_an_error_too_the_setting_is_as_before():
    with pytest.raises(TypeError):
        by_turns.parallel(np.empty(16))
    assert numba.get_parallel_chunksize() == 0


def test_the_setting_of_the_user_is_as_before():
    x = np.arange(16.0)
    with numba.parallel_chunksize(3):
        by_turns.parallel(np.empty(16), x)
        assert numba.get_parallel_chunksize() == 3
