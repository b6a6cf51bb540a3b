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


def test_many_products_and_products_of_integers():
    rng = np.random.default_rng(1)
    # More than one launch may have in the simulator (matmul._MOST), in either version.
    for rows, inner in ((2, 3), (9, 5)):
        a, b = rng.normal(size=(7, rows, inner)), rng.normal(size=(7, inner, 8))
        there = engine.tensor(a, device="cuda") @ engine.tensor(b, device="cuda")
        np.testing.assert_allclose(there.cpu().numpy(), a @ b, rtol=1e-12)
    a, b = rng.integers(-9, 9, (2, 3)), rng.integers(-9, 9, (3, 4))
    there = engine.tensor(a, device="cuda") @ engine.tensor(b, device="cuda")
    assert there.device.type == "cuda" and there.dtype == engine.int64
    assert there.tolist() == (a @ b).tolist()
