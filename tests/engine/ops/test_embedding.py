"""Embedding against its definition and PyTorch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import DtypeError, MissingError, ShapeError
from engine.ops.embedding import Embedding, embedding
from engine.tensor import wrap
from tests.oracle import check_function


def table(rows, columns, dtype=np.float32):
    return np.random.default_rng(rows).standard_normal((rows, columns)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("padding_idx", [-1, 2])
def test_matches_definition(padding_idx, dtype):
    for shape in ((3, 4), (), (0,), (30,)):
        t = np.array(np.random.default_rng(0).integers(0, 5, shape))
        check_function(Embedding(padding_idx), t, table(5, 7, dtype))
    check_function(Embedding(padding_idx), np.array([0, 2, 2, 1]), table(3, 130, dtype))


@given(
    indices=st.lists(st.integers(0, 5), max_size=12),
    padding_idx=st.one_of(st.none(), st.integers(-6, 5)),
)
def test_matches_torch(indices, padding_idx):
    torch = pytest.importorskip("torch")
    t, w = np.array(indices, np.int64).reshape(-1, 1), table(6, 3)
    weight, weight_torch = wrap(w).requires_grad_(), torch.tensor(w, requires_grad=True)
    y = embedding(wrap(t), weight, padding_idx)
    y_torch = torch.nn.functional.embedding(torch.tensor(t), weight_torch, padding_idx)
    gradient = np.random.default_rng(1).standard_normal(y.shape).astype(np.float32)
    y.backward(wrap(gradient))
    y_torch.backward(torch.tensor(gradient))
    np.testing.assert_array_equal(y.detach().numpy(), y_torch.detach().numpy())
    np.testing.assert_allclose(weight.grad.numpy(), weight_torch.grad.numpy(), rtol=1e-6, atol=1e-6)


def test_gradient_does_not_depend_on_the_form():
    from engine.kernels.cpu import embedding as kernels

    t = np.random.default_rng(0).integers(0, 9, 2000)
    dy, serial, parallel = table(2000, 130), table(9, 130), table(9, 130)
    kernels.embedding_backward.serial(serial, dy, t, -1)
    kernels.embedding_backward.parallel(parallel, dy, t, -1)
    np.testing.assert_array_equal(serial, parallel)


def test_says_what_is_wrong():
    w = wrap(table(5, 3))
    with pytest.raises(IndexError, match=r"embedding: index out of range in self: input\[1, 0\] is 5 but weight has 5 "
                                         r"rows \(shape \(5, 3\)\); indices must be in \[0, 4\]"):
        embedding(wrap(np.array([[0, 1], [5, 9]])), w)
    with pytest.raises(IndexError, match=r"input\[0\] is -1"):
        embedding(wrap(np.array([-1])), w)
    with pytest.raises(DtypeError, match=r"indices must be int64, input is torch\.float32"):
        embedding(wrap(np.ones(2, np.float32)), w)
    with pytest.raises(ShapeError, match="'weight' must be a 2-D float table"):
        embedding(wrap(np.array([0])), wrap(np.ones(3, np.float32)))
    with pytest.raises(AssertionError, match="Padding_idx must be within num_embeddings: 5 is not in"):
        embedding(wrap(np.array([0])), w, 5)
    with pytest.raises(MissingError, match="max_norm"):
        embedding(wrap(np.array([0])), w, max_norm=1.0)
