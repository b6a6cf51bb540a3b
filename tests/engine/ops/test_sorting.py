"""sort, topk, kthvalue and the searches against definitions and PyTorch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ops.sorting import KthValue, Sort
from engine.tensor import wrap
from tests.engine.ops.movement_parity import both_refuse, ours, randoms, same
from tests.oracle import check_function

X = randoms(3, 4, 5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(
    "function", [Sort(1), Sort(0, True), Sort(2, True, 0, 2), Sort(1, False, 1, 2), KthValue(1, False, 2, 1)]
)
def test_matches_definition(function, ties, dtype):
    x = randoms(3, 4, 5, dtype=dtype)
    check_function(function, np.round(x) if ties else x)


@pytest.mark.parametrize("descending", [False, True])
def test_nan_counts_as_the_greatest(descending):
    x = np.array([[1, np.nan, -np.inf, 0, np.nan, np.inf, 1]], np.float32)
    check_function(Sort(1, descending), x)
    same(lambda t, x: list(t.sort(x, descending=descending, stable=True)), x)


CALLS = {
    "sort": lambda t, x: list(t.sort(x)),
    "sort dim descending": lambda t, x: list(x.sort(0, True)),
    "sort stable": lambda t, x: list(t.sort(x, dim=1, descending=True, stable=True)),
    "argsort": lambda t, x: x.argsort(1),
    "argsort descending": lambda t, x: t.argsort(x, descending=True),
    "msort": lambda t, x: t.msort(x),
    "topk": lambda t, x: list(t.topk(x, 3)),
    "topk smallest": lambda t, x: list(x.topk(2, 0, largest=False)),
    "topk of none": lambda t, x: list(x.topk(0)),
    "kthvalue": lambda t, x: list(t.kthvalue(x, 2)),
    "kthvalue keepdim": lambda t, x: list(x.kthvalue(3, 0, keepdim=True)),
}


@pytest.mark.parametrize("name", CALLS)
def test_like_torch(name):
    same(CALLS[name], X, layout=False)
    same(CALLS[name], X.transpose(1, 2, 0), layout=False)


def test_without_dimensions():
    same(lambda t, x: [*x.sort(), *x.topk(1), *x.kthvalue(1), x.argsort()], np.array(2.0), layout=False)


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=12), st.booleans())
def test_equal_elements_keep_their_order(values, descending):
    x = np.array(values)
    same(lambda t, x: list(t.sort(x, stable=True, descending=descending)), x, layout=False)


def test_named_results():
    result = ours.topk(wrap(X), 2)
    assert result.values is result[0]
    assert result.indices is result[1]


def test_changing_the_indices_does_not_change_backward():
    x = wrap(np.array([3.0, 1.0, 2.0]))
    x.requires_grad = True
    values, indices = x.sort()
    indices[0] = 0
    values.backward(wrap(np.array([1.0, 2.0, 3.0])))
    assert x.grad.tolist() == [3.0, 1.0, 2.0]


@given(st.lists(st.integers(0, 9), max_size=8).map(sorted), st.lists(st.integers(-1, 10), max_size=5), st.booleans())
def test_searches(boundaries, values, right):
    b, v = np.array(boundaries, np.float32), np.array(values, np.float32)
    same(lambda t, b, v: [t.searchsorted(b, v, right=right), t.bucketize(v, b, right=right)], b, v, grad=False)
    same(lambda t, b, v: t.searchsorted(b.expand(2, -1).contiguous(), v.expand(2, -1).contiguous()), b, v, grad=False)
    same(lambda t, b, v: [t.isin(v, b), t.isin(v, b, invert=right)], b, v, grad=False)


ERRORS = [
    (lambda t, x: x.topk(9), "out of range"),
    (lambda t, x: x.topk(1, 3), "Dimension out of range"),
    (lambda t, x: x.sort(-4), "Dimension out of range"),
    (lambda t, x: x.kthvalue(0), "out of range"),
    (lambda t, x: t.searchsorted(x, x[0]), "first N-1 dimensions"),
    (lambda t, x: t.searchsorted(x[0, 0], x, side="middle"), "side can only be"),
    (lambda t, x: t.bucketize(x, x), "must be 1 dimension"),
]


@pytest.mark.parametrize(("call", "match"), ERRORS)
def test_refuses_like_torch(call, match):
    both_refuse(call, X, match=match)
