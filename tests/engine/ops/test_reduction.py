"""Reductions, extremes, running sums and counts: against their definitions and against PyTorch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine.errors import DtypeError, ShapeError
from engine.ops import cumulative, extrema, reduction, variance
from tests.engine.ops.movement_parity import both_refuse, randoms, same
from tests.engine.ops.test_elementwise import SPECIAL
from tests.oracle import check_function

torch = pytest.importorskip("torch")

DIMS = [(0,), (1,), (0, 2), (1, 2), (0, 1, 2)]
KINDS = [
    reduction.Sum, reduction.Mean, reduction.Prod, variance.Logsumexp, extrema.Amax, extrema.Amin,
    lambda dims, keep: variance.Var(dims, keep, 1.0), lambda dims, keep: variance.Std(dims, keep, 0.5),
    *[lambda dims, keep, p=p: reduction.Norm(dims, keep, p) for p in (1.0, 2.0, 2.5, np.inf, -np.inf)],
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dims", DIMS)
@pytest.mark.parametrize("make", KINDS)
def test_matches_definition(make, dims, dtype):
    x = randoms(3, 4, 5, dtype=dtype)
    check_function(make(dims, False), x, atol=1e-5)
    check_function(make(dims, True), x.transpose(1, 2, 0), atol=1e-5)


@pytest.mark.parametrize("kind", [extrema.Max, extrema.Min, extrema.Median])
def test_picked_matches_definition(kind):
    for dim in range(3):
        check_function(kind(dim, dim == 1), randoms(3, 4, 5))
    check_function(kind(0, False), np.array([2, 1, 2, 1, 2], np.float32))
    check_function(kind(0, False), np.array(3.5))


def test_whole_tensor_and_running_match_definition():
    x = randoms(3, 4)
    with_zeros = x.copy()
    with_zeros[1, 1:3] = 0
    check_function(extrema.MedianAll((0, 1), False, True), x)
    for each in (x, with_zeros, np.array(2.0)):
        for dim in range(each.ndim or 1):
            check_function(cumulative.Cumsum(dim), each)
            check_function(cumulative.Cumprod(dim), each)
    check_function(reduction.Prod((1,), False), with_zeros)
    check_function(reduction.Norm((0,), False, 2.0), np.zeros((2, 3), np.float32))


@given(
    name=st.sampled_from(["sum", "mean", "var", "std", "amax", "amin", "logsumexp", "norm"]),
    shape=st.sampled_from([(2,), (3, 4), (3, 4, 5), (2, 3, 1, 2)]), data=st.data(), keepdim=st.booleans(),
    ties=st.booleans(), order=st.booleans(),
)
def test_dims_as_in_pytorch(name, shape, data, keepdim, ties, order):
    dims = data.draw(st.lists(st.integers(-len(shape), len(shape) - 1), min_size=1, max_size=len(shape),
                              unique_by=lambda d: d % len(shape)))
    if name == "norm" and len(dims) > 2:
        dims = dims[:2]
    x = np.round(randoms(*shape)) + np.float32(0.5) if ties else randoms(*shape)
    x = x.T if order else x
    if name in ("var", "std") and np.prod([x.shape[d] for d in dims]) < 2:
        return
    same(lambda lib, x: getattr(lib, name)(x, dim=tuple(dims), keepdim=keepdim), x,
         layout=False, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "min", "median", "amax", "norm", "std"])
def test_whole_tensor_as_in_pytorch(name):
    for x in (randoms(3, 4), np.round(randoms(3, 4)), np.array(2.5), randoms(4, 3).T, randoms(5, dtype=np.float64)):
        if name == "std" and x.size < 2:
            continue
        same(lambda lib, x: getattr(lib, name)(x), x, layout=False)
    if name in ("sum", "mean", "prod", "max", "min", "median"):
        same(lambda lib, x: getattr(lib, name)(x), SPECIAL, layout=False, grad=name != "prod")
    if name in ("sum", "prod", "max", "min", "median"):
        same(lambda lib, x: getattr(lib, name)(x), np.arange(1, 7).reshape(2, 3), layout=False)


@pytest.mark.parametrize("name", ["max", "min", "median"])
def test_values_and_indices(name):
    for x in (randoms(3, 4), SPECIAL[:9].reshape(3, 3), np.arange(6)[::-1].reshape(2, 3).copy()):
        for dim in (0, -1):
            same(lambda lib, x, dim=dim: getattr(lib, name)(x, dim), x, layout=False)
    result = getattr(engine.tensor([[1.0, 2.0]]), name)(1)
    assert repr(result) == repr(getattr(torch.tensor([[1.0, 2.0]]), name)(1))
    assert result.values is result[0] and result.indices is result[1]


def test_max_of_two():
    same(lambda lib, a, b: (lib.max(a, b), lib.min(a, b)), randoms(3, 4), randoms(4), layout=False)


def test_arguments():
    x = randoms(3, 4)
    same(lambda lib, x: (lib.argmax(x), lib.argmin(x), lib.argmax(x, 1), lib.argmin(x, 0, keepdim=True)), x,
         layout=False)
    same(lambda lib, x: lib.argmax(x), SPECIAL, layout=False)
    same(lambda lib, x: (lib.var(x, unbiased=False), lib.std(x, 1, True, True), lib.var(x, 0, correction=2)), x,
         layout=False)
    same(lambda lib, x: (*lib.var_mean(x, 1), *lib.std_mean(x, correction=0)), x, layout=False)
    for p in (1, 2, 3, 2.5, float("inf"), -float("inf"), "fro"):
        same(lambda lib, x, p=p: lib.norm(x, p, dim=1), x, layout=False)
    same(lambda lib, x: lib.norm(x, 2), np.zeros((2, 3), np.float32), layout=False)


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int64])
def test_integers(dtype):
    x = np.array([[1, 0, 1], [1, 1, 0]]).astype(dtype)
    same(lambda lib, x: (lib.sum(x), lib.prod(x, 1), lib.cumsum(x, 1), lib.cumprod(x, 0), lib.count_nonzero(x)), x,
         layout=False)
    same(lambda lib, x: (lib.all(x), lib.any(x, 1), lib.all(x, 0, keepdim=True)), x, layout=False)
    with pytest.raises(DtypeError, match=r"mean\(\): could not infer output dtype"):
        engine.tensor(x).mean()


def test_empty():
    same(lambda lib, x: (lib.sum(x), lib.sum(x, 0), lib.prod(x, 0), lib.mean(x, 0), lib.all(x), lib.any(x)),
         randoms(0, 3), layout=False)
    for name in ("max", "argmax", "amax"):
        both_refuse(lambda lib, x, name=name: getattr(lib, name)(x, 0), randoms(0, 3), match="non-zero size")
    with pytest.raises(ShapeError, match="numel"):
        engine.zeros(0).max()


def test_float_sums_do_not_drift():
    # 0.1 a million times: adding up in float32 one after the other would be off in the third digit.
    x = np.full((1000, 1000), 0.1, np.float32)
    for dims in ((0,), (1,), (0, 1)):
        exact = x.astype(np.float64).sum(dims)
        np.testing.assert_allclose(engine.tensor(x).sum(dims)._array, exact, rtol=1e-7)
    y = engine.tensor(x.reshape(10, 100, 10, 100)).sum((0, 2))
    np.testing.assert_allclose(y._array, 10.0, rtol=1e-6)


def test_large_sums_do_not_depend_on_threads():
    import numba

    x = randoms(300, 400)
    sums = []
    before = numba.get_num_threads()
    for threads in (1, before):
        numba.set_num_threads(threads)
        sums.append([engine.tensor(x).sum(dim)._array for dim in (0, 1, None)])
    numba.set_num_threads(before)
    for a, b in zip(*sums, strict=True):
        np.testing.assert_array_equal(a, b)


def test_counting():
    x = np.array([[3, 1, 2], [3, 3, 1]])
    same(lambda lib, x: lib.unique(x), x, layout=False)
    same(lambda lib, x: lib.unique(x, return_inverse=True, return_counts=True), x, layout=False)
    same(lambda lib, x: lib.unique(x, dim=0), np.array([[1, 2], [1, 2], [0, 1]]), layout=False)
    same(lambda lib, x: (lib.bincount(x), lib.bincount(x, minlength=7)), np.array([1, 1, 4]), layout=False)
    same(lambda lib, x, w: lib.bincount(x, w), np.array([1, 1, 4]), randoms(3), layout=False, grad=False)
    same(lambda lib, x: (lib.histc(x, 7), lib.histc(x, 5, -1, 1)), randoms(50), layout=False, grad=False)
    with pytest.raises(DtypeError, match="non-negative"):
        engine.bincount(engine.tensor([-1]))


def test_refusals():
    with pytest.raises(IndexError, match="Dimension out of range"):
        engine.ones(2, 3).sum(2)
    with pytest.raises(ShapeError, match="multiple times"):
        engine.ones(2, 3).sum((0, -2))
    with pytest.raises(TypeError, match="dim"):
        engine.ones(2, 3).prod((0, 1))
    with pytest.raises(ValueError, match="nuc"):
        engine.norm(engine.ones(2, 3), "nuc")
    with pytest.warns(UserWarning, match="degrees of freedom"):
        assert engine.ones(1).var().isnan()
