"""gather, scatter, index_select, masked_fill and relatives against definitions and PyTorch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InPlaceError, MissingError
from engine.kernels.cpu import movement as kernels
from engine.ops.gathering import Gather, IndexSelect, Take
from engine.ops.scattering import IndexAdd, IndexCopy, IndexFill, MaskedFill, Scatter, ScatterAdd
from engine.tensor import wrap
from tests.engine.ops.movement_parity import both_refuse, ours, randoms, same
from tests.oracle import check_function

X = randoms(4, 3, 5)
I2 = np.array([[2, 0, 1], [1, 1, 0]])
VECTOR = np.array([2, 0, 2])

FUNCTIONS = [
    (Gather(0), [(4, 3)], I2),
    (Gather(1), [(4, 3)], I2),
    (IndexSelect(1), [(4, 3, 2)], VECTOR),
    (IndexSelect(0), [()], np.array([0])),
    (Take(), [(4, 3)], np.array([[0, 11], [-1, 0]])),
    (Scatter(0), [(4, 3), (2, 3)], np.array([[2, 0, 1], [1, 2, 0]])),
    (Scatter(1), [(4, 3), (2, 3)], I2),
    (ScatterAdd(1), [(4, 3), (2, 3)], I2),
    (ScatterAdd(0, -0.5), [(4, 3), (2, 3)], I2),
    (IndexAdd(1, 2.0), [(4, 3, 2), (4, 3, 2)], VECTOR),
    (IndexCopy(0), [(4, 3), (3, 3)], np.array([3, 0, 1])),
    (MaskedFill(-2.0), [(4, 3)], randoms(4, 3) > 0),
    (IndexFill(1, 0.5), [(4, 3)], np.array([2, 0])),
]


@pytest.mark.parametrize(("function", "shapes", "index"), FUNCTIONS, ids=lambda v: getattr(v, "name", None))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_matches_definition(function, shapes, index, dtype):
    check_function(function, *[randoms(*s, dtype=dtype, seed=i) for i, s in enumerate(shapes)], index)


def test_wide_rows_add_up_in_order_in_both_kernels():
    index = np.random.default_rng(0).integers(0, 7, 500)
    v = randoms(1, 500, 300)
    results = []
    for form in (kernels.index_add.serial, kernels.index_add.parallel):
        y = np.zeros((1, 7, 300), np.float32)
        form(y, v, index)
        results.append(y)
    np.testing.assert_array_equal(*results)
    expected = np.zeros((1, 7, 300), np.float32)
    np.add.at(expected[0], index, v[0])
    np.testing.assert_array_equal(results[0], expected)


CALLS = {
    "gather": (lambda t, x, i: t.gather(x, 1, i), X, np.array([[[2, 0]], [[1, 1]]])),
    "gather negative dim": (lambda t, x, i: x.gather(-1, i), X, np.array([[[4, 0, 4, 2, 1, 1]]])),
    "gather nothing": (lambda t, x, i: x.gather(0, i), X, np.zeros((0, 2, 2), np.int64)),
    "take_along_dim": (lambda t, x, i: t.take_along_dim(x, i, 1), X, np.array([[[2], [-1]]])),
    "take_along_dim flat": (lambda t, x, i: t.take_along_dim(x, i), X, np.array([[59, 3]])),
    "index_select": (lambda t, x, i: t.index_select(x, 1, i), X, VECTOR),
    "index_select scalar index": (lambda t, x, i: x.index_select(-1, i), X, np.array(3)),
    "take": (lambda t, x, i: t.take(x, i), X, np.array([[0, -60], [59, 0]])),
    "masked_select": (lambda t, x, m: t.masked_select(x, m), X, X > 0),
    "masked_select broadcast": (lambda t, x, m: x[:, :1].masked_select(m), X, X[0] > 0),
    "masked_select nothing": (lambda t, x, m: x.masked_select(m), X, X > 99),
    "masked_fill": (lambda t, x, m: t.masked_fill(x, m, -1.5), X, X > 0),
    "masked_fill broadcast": (lambda t, x, m: x.masked_fill(m, float("-inf")), X, X[0, :, :1] > 0),
    "masked_fill expands": (lambda t, x, m: x[:1].masked_fill(m, 2), X, X > 0),
    "masked_fill by a tensor": (lambda t, x, m: x.masked_fill(m, x.detach()[0, 0, 0]), X, X > 0),
    "index_fill": (lambda t, x, i: x.index_fill(1, i, 7.0), X, VECTOR),
    "index_add": (lambda t, x, i: t.index_add(x, 1, i, x * 1, alpha=0.5), X, VECTOR),
    "index_copy": (lambda t, x, i: x.index_copy(1, i, x[:, :2] * 1), X, np.array([2, 0])),
    "scatter": (lambda t, x, i: x.scatter(1, i, x[:1, :1, :3] * 1), X, np.array([[[2, 0, 1]]])),
    "scatter number": (lambda t, x, i: t.scatter(x, 1, i, 3.5), X, np.array([[[2, 0, 1]]])),
    "scatter value": (lambda t, x, i: x.scatter(1, i, value=2), X, np.array([[[2, 0, 1]]])),
    "scatter_add": (lambda t, x, i: t.scatter_add(x, 0, i, x[:1, :2, :3] * 1), X, np.array([[[2, 0, 1], [2, 2, 3]]])),
    "index_put": (lambda t, x, i: x.index_put((i, i), x[0, 0] * 1), X, np.array([2, 0])),
    "repeat_interleave": (lambda t, x, n: x.repeat_interleave(n, 1), X, np.array([2, 0, 3])),
    "repeat_interleave flat": (lambda t, x, n: t.repeat_interleave(x, 2), X, VECTOR),
    "repeat_interleave one": (lambda t, x, n: t.repeat_interleave(x, n, dim=-1), X, np.array([2])),
    "repeat_interleave counts": (lambda t, x, n: t.repeat_interleave(n), X, VECTOR),
    "nonzero": (lambda t, x, m: m.nonzero(), X, X > 0),
    "nonzero as tuple": (lambda t, x, m: t.nonzero(m, as_tuple=True), X, X > 0),
    "argwhere": (lambda t, x, m: t.argwhere(m), X, X > 0),
    "nonzero of a scalar": (lambda t, x, m: [m.nonzero(), *m.nonzero(as_tuple=True)], X, np.array(True)),
}


@pytest.mark.parametrize("name", CALLS)
def test_like_torch(name):
    call, *arrays = CALLS[name]
    same(call, *arrays, layout=not name.startswith("nonzero"))


@pytest.mark.parametrize("name", [n for n in CALLS if n not in ("masked_fill by a tensor", "take_along_dim flat")])
def test_like_torch_on_a_strided_input(name):
    call, _, *arrays = CALLS[name]
    same(call, randoms(5, 3, 8).transpose(2, 1, 0)[::2], *arrays, layout=False)


IN_PLACE = {
    "masked_fill_": (lambda y, m: y.masked_fill_(m, 2.0), X > 0),
    "index_fill_": (lambda y, i: y.index_fill_(1, i, 2.0), VECTOR),
    "index_add_": (lambda y, i: y.index_add_(1, i, y.detach() * 1), VECTOR),
    "index_copy_": (lambda y, i: y.index_copy_(1, i, y.detach()[:, :2] * 1), np.array([1, 0])),
    "scatter_": (lambda y, i: y.scatter_(1, i, 1.0), np.array([[[2, 0, 1]]])),
    "scatter_add_": (lambda y, i: y.scatter_add_(1, i, y.detach() * 1), np.array([[[2, 0, 1]]])),
    "index_put_": (lambda y, i: y.index_put_((i,), y.detach()[0] * 1), np.array([2, 0])),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_like_torch(name):
    change, index = IN_PLACE[name]

    def call(library, x, i):
        y = x + 1
        view = y.detach()
        assert change(y, i) is y
        return [y, view]

    same(call, X, index, layout=False)
    leaf = wrap(X.copy())
    leaf.requires_grad = True
    with pytest.raises(InPlaceError, match="leaf"):
        change(leaf, wrap(index))


def test_one_hot_by_scatter():
    labels = np.array([2, 0, 1, 2])
    y = wrap(np.zeros((4, 3), np.float32)).scatter_(1, wrap(labels)[:, None], 1.0)
    np.testing.assert_array_equal(y._array, np.eye(3, dtype=np.float32)[labels])


@given(st.integers(0, 2), st.data())
def test_any_gather_and_scatter(dim, data):
    shape = tuple(data.draw(st.lists(st.integers(1, 4), min_size=3, max_size=3)))
    index_shape = [data.draw(st.integers(0, n)) for n in shape]
    index_shape[dim] = data.draw(st.integers(0, 6))
    index = np.random.default_rng(data.draw(st.integers(0, 99))).integers(0, shape[dim], index_shape)
    v = randoms(*index_shape)
    same(lambda t, x, i: t.gather(x, dim, i), randoms(*shape), index, layout=False)
    same(lambda t, x, v, i: t.scatter_add(x, dim, i, v), randoms(*shape), v, index, layout=False)


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int64])
def test_other_dtypes(dtype):
    x, i = (randoms(4, 3) > 0).astype(dtype), np.array([2, 0])
    same(
        lambda t, x, i: [
            x.index_select(0, i), x.take(i), x.index_fill(0, i, 1), x.masked_fill(x > 0, 0),
            x.scatter(0, i[None], 1), x[i], x.nonzero(),
        ],
        x, i, layout=False,
    )
    if dtype == np.int64:
        same(lambda t, x, i: [x.index_add(0, i, x[:2]), x.scatter_add(0, i[None], x)], x, i, layout=False)


ERRORS = [
    (lambda t, x, i: x.gather(0, i), "same number of dimensions"),
    (lambda t, x, i: x.gather(0, i.reshape(1, 1, 3).expand(1, 4, 3)), "no larger than self"),
    (lambda t, x, i: x.gather(1, i.reshape(1, 1, 3) + 1), "index 3 is out of bounds for dimension 1 with size 3"),
    (lambda t, x, i: x.gather(1, -1 - i.reshape(1, 1, 3)), "index -3 is out of bounds"),
    (lambda t, x, i: x.gather(1, x), "int64"),
    (lambda t, x, i: x.index_select(1, i + 1), "index 3 is out of bounds for dimension 1 with size 3"),
    (lambda t, x, i: x.index_select(0, i.reshape(1, 3)), "supposed to be a vector"),
    (lambda t, x, i: x.index_select(5, i), "Dimension out of range"),
    (lambda t, x, i: x.take(i + 60), "out of bounds"),
    (lambda t, x, i: x.masked_select(i), "BoolTensor"),
    (lambda t, x, i: x.masked_fill(i, 1.0), "boolean masks"),
    (lambda t, x, i: x.masked_fill(x > 0, x), "0-dimensional value tensor"),
    (lambda t, x, i: x.index_add(1, i, x[:, :2]), "index_add"),
    (lambda t, x, i: x.scatter_add(1, i.reshape(1, 1, 3), i.reshape(1, 1, 3)), "self.dtype to be equal to src.dtype"),
    (lambda t, x, i: x.scatter(1, i.reshape(1, 1, 3), x[:, :, :1]), "no larger than src"),
    (lambda t, x, i: x.repeat_interleave(i[:2], 1), "same size as input along dim"),
    (lambda t, x, i: x.repeat_interleave(-2), "non-negative"),
]


@pytest.mark.parametrize(("call", "match"), ERRORS)
def test_refuses_like_torch(call, match):
    both_refuse(call, X, VECTOR, match=match)


def test_names_what_is_missing():
    x, i = wrap(X), wrap(VECTOR)
    with pytest.raises(MissingError, match="scatter_add"):
        x.scatter(1, i.reshape(1, 1, 3), x, reduce="add")
    with pytest.raises(MissingError, match="accumulate"):
        ours.index_put(x, (i,), x[0], accumulate=True)
