"""cat, stack, split and relatives against definitions and PyTorch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ops.joining import Cat, Stack
from engine.tensor import wrap
from tests.engine.ops.movement_parity import both_refuse, ours, randoms, same
from tests.oracle import check_function

X = randoms(4, 5, 6)


def joined(kind, shapes):
    """``kind`` as a Function of its inputs' elements one after the other, as its definitions see them."""

    class Joined(kind):
        def forward(self, x):
            cuts = np.cumsum([int(np.prod(s)) for s in shapes])[:-1]
            return super().forward(*[part.reshape(s) for part, s in zip(np.split(x, cuts), shapes, strict=True)])

        def backward(self, dy):
            self.needs = (True,) * len(shapes)
            return np.concatenate([dx.reshape(-1) for dx in super().backward(dy)])

    return Joined


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("kind", "dim", "shapes"),
    [
        (Cat, 0, [(2, 3), (1, 3), (0, 3)]),
        (Cat, 2, [(2, 2, 1), (2, 2, 4)]),
        (Stack, 1, [(2, 3), (2, 3), (2, 3)]),
        (Stack, 0, [(), ()]),
    ],
)
def test_matches_definition(kind, dim, shapes, dtype):
    check_function(joined(kind, shapes)(dim), randoms(sum(int(np.prod(s)) for s in shapes), dtype=dtype))


def test_operands_are_joined():
    function = Cat(0)
    parts = (randoms(2, 3), randoms(1, 3))
    y = function.forward(*parts)
    x, k = function.operands(Cat.definitions["y"], {"x": parts})
    np.testing.assert_array_equal(x[k], y.reshape(-1))


CALLS = {
    "cat": lambda t, x: t.cat([x, x[:1], x], 0),
    "cat last": lambda t, x: t.cat((x, x[:, :, :2]), -1),
    "cat of one": lambda t, x: t.cat([x]),
    "concat": lambda t, x: t.concat([x, x], 1),
    "concatenate": lambda t, x: t.concatenate([x, x], 1),
    "cat with a skipped empty one": lambda t, x: t.cat([x[0, 0, :0], x, x]),
    "stack": lambda t, x: t.stack([x, x * 1], 1),
    "stack last": lambda t, x: t.stack((x, x), -1),
    "stack scalars": lambda t, x: t.stack([x[0, 0, 0], x[1, 1, 1]]),
    "hstack": lambda t, x: t.hstack([x, x[:, :1]]),
    "hstack of vectors": lambda t, x: t.hstack([x[0, 0], x[0, 0, 0]]),
    "vstack": lambda t, x: t.vstack([x[0, 0], x[1]]),
    "dstack": lambda t, x: t.dstack([x[0], x[1]]),
    "split": lambda t, x: t.split(x, 2, 1),
    "split sizes": lambda t, x: x.split([1, 0, 5], -1),
    "split larger": lambda t, x: x.split(9),
    "split_with_sizes": lambda t, x: x.split_with_sizes((1, 3)),
    "chunk": lambda t, x: t.chunk(x, 3, 1),
    "chunk less": lambda t, x: x.chunk(4, 1),
    "chunk more": lambda t, x: x.chunk(9, 2),
    "tensor_split": lambda t, x: t.tensor_split(x, 4, 1),
    "tensor_split indices": lambda t, x: x.tensor_split((1, 3, 9, 2), 1),
    "tensor_split more": lambda t, x: x.tensor_split(6),
    "hsplit": lambda t, x: x.hsplit(5),
    "vsplit": lambda t, x: t.vsplit(x, [1, 2]),
    "unbind": lambda t, x: t.unbind(x, 1),
}


@pytest.mark.parametrize("name", CALLS)
def test_like_torch(name):
    same(CALLS[name], X)


@pytest.mark.parametrize("name", CALLS)
def test_like_torch_on_a_strided_input(name):
    same(CALLS[name], randoms(6, 5, 4).transpose(2, 1, 0), layout=False)


def test_dtypes_are_promoted():
    f, d, i = randoms(2), randoms(2, dtype=np.float64), np.arange(2)
    same(lambda t, f, d, i: [t.cat([i, f]), t.cat([f, d]), t.stack([i, i > 0]), t.stack([i[0], f[0]])], f, d, i)


@given(st.integers(0, 2), st.lists(st.integers(0, 3), min_size=1, max_size=4))
def test_any_cat_and_back(dim, extents):
    arrays = []
    for i, n in enumerate(extents):
        shape = [2, 3, 2]
        shape[dim] = n
        arrays.append(randoms(*shape, seed=i))
    same(lambda t, *x: t.cat(x, dim), *arrays)
    same(lambda t, *x: t.split(t.cat(x, dim), extents, dim), *arrays)


@given(st.integers(0, 9), st.integers(1, 5))
def test_any_chunk(n, chunks):
    same(lambda t, x: [*x.chunk(chunks), *x.tensor_split(chunks), *x.split(chunks)], randoms(n, 2))


ERRORS = [
    (lambda t, x: t.cat([]), "non-empty list"),
    (lambda t, x: t.cat(x), "tuple of Tensors"),
    (lambda t, x: t.cat([x, 1]), "as element 1"),
    (lambda t, x: t.cat([x, x[0]]), "same number of dimensions"),
    (lambda t, x: t.cat([x, x[:, :2]]), "Expected size 5 but got size 2 .* for tensor number 1"),
    (lambda t, x: t.cat([x, x], 3), "Dimension out of range"),
    (lambda t, x: t.cat([x[0, 0, 0], x[0, 0, 0]]), "zero-dimensional tensor"),
    (lambda t, x: t.stack([x, x[:2]]), "at entry 1"),
    (lambda t, x: t.stack([]), "non-empty"),
    (lambda t, x: x.split([1, 2]), "sum exactly to 4"),
    (lambda t, x: x.split(0), "split_size can only be 0"),
    (lambda t, x: x.split(-1), "non-negative"),
    (lambda t, x: x.chunk(0), "greater than 0"),
    (lambda t, x: x[0, 0, 0].chunk(2), "at least a 1-dimensional"),
    (lambda t, x: x[0, 0, 0].unbind(), "no dimensions"),
    (lambda t, x: x.tensor_split(0), "larger than 0"),
    (lambda t, x: x.hsplit(2), "not divisible"),
]


@pytest.mark.parametrize(("call", "match"), ERRORS)
def test_refuses_like_torch(call, match):
    both_refuse(call, X, match=match)


def test_parts_share_memory():
    x = wrap(X.copy())
    first, second = ours.chunk(x, 2)
    second[0, 0, 0] = 9.0
    ours.unbind(x, 1)[1][0, 0] = 8.0
    assert x._array[2, 0, 0] == 9 and x._array[0, 1, 0] == 8
    assert first._base is x
