"""The three versions of the matrix product, at sizes that are no multiples of their tiles."""

import numpy as np
import pytest

import engine
from engine.errors import EngineError


@pytest.mark.parametrize("version", ["naive", "shared_tile", "register_tile"])
@pytest.mark.parametrize(("transpose_a", "transpose_b"), [(False, False), (True, False), (False, True), (True, True)])
def test_every_version_is_the_product(version, transpose_a, transpose_b):
    from engine.kernels.cuda import matmul

    rng = np.random.default_rng(0)
    a, b, bias = rng.normal(size=(1, 9, 5)), rng.normal(size=(1, 5, 7)), rng.normal(size=7)
    stored_a = np.ascontiguousarray(a.swapaxes(1, 2)) if transpose_a else a
    stored_b = np.ascontiguousarray(b.swapaxes(1, 2)) if transpose_b else b
    there = [engine.tensor(array).cuda()._array for array in (np.empty((1, 9, 7)), stored_a, stored_b, bias)]
    getattr(matmul, f"run_{version}")(*there, transpose_a, transpose_b)
    np.testing.assert_allclose(there[0].host(), a @ b + bias, rtol=1e-12)


def test_empty_and_wrong_shapes():
    empty = engine.empty(0, 3, device="cuda") @ engine.empty(3, 2, device="cuda")
    assert empty.shape == (0, 2)
    assert (engine.empty(2, 0, device="cuda") @ engine.empty(0, 2, device="cuda")).tolist() == [[0, 0], [0, 0]]
    with pytest.raises(EngineError):
        engine.ones(2, 3, device="cuda") @ engine.ones(2, 3, device="cuda")
