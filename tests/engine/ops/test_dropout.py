"""Dropout against its definition and PyTorch's masks."""

import warnings

import numpy as np
import pytest

from engine.errors import DtypeError
from engine.ops import dropout as ops
from engine.random import manual_seed
from engine.tensor import wrap
from tests.oracle import check_function


def normal(*shape, dtype=np.float32):
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_matches_definition(dtype):
    mask = (normal(4, 5, 3) > 0).astype(dtype) * 2
    check_function(ops.Dropout(mask, 0.5), normal(4, 5, 3, dtype=dtype))
    check_function(ops.FeatureDropout(mask[:, :, :1], 0.5), normal(4, 5, 3, dtype=dtype))


@pytest.mark.parametrize(
    ("name", "shape"),
    [("dropout", (7, 5)), ("dropout", ()), ("dropout1d", (4, 5, 6)), ("dropout1d", (5, 6)), ("dropout2d", (4, 5, 3, 2)),
     ("dropout2d", (4, 5, 6)), ("dropout3d", (2, 5, 3, 2, 2)), ("dropout3d", (5, 3, 2, 2))],
)
@pytest.mark.parametrize("p", [0.1, 0.5, 1.0])
def test_drops_what_torch_drops(name, shape, p):
    torch = pytest.importorskip("torch")
    array, gradient = normal(*shape), np.array(normal(*shape, 2)[..., 0])
    x, x_torch = wrap(array).requires_grad_(), torch.tensor(array, requires_grad=True)
    manual_seed(5)
    torch.manual_seed(5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        y, y_torch = getattr(ops, name)(x, p), getattr(torch.nn.functional, name)(x_torch, p)
    y.backward(wrap(gradient))
    y_torch.backward(torch.tensor(gradient))
    np.testing.assert_array_equal(y.detach().numpy(), y_torch.detach().numpy())
    np.testing.assert_array_equal(x.grad.numpy(), x_torch.grad.numpy())


def test_the_mask_can_be_looked_at():
    x = wrap(normal(50, 40)).requires_grad_()
    y = ops.dropout(x, 0.25)
    mask = y.grad_fn.mask
    assert set(np.unique(mask)) == {np.float32(0), np.float32(1 / 0.75)}
    np.testing.assert_array_equal(y.detach().numpy(), x.detach().numpy() * mask)
    assert abs((mask == 0).mean() - 0.25) < 0.05
    channels = ops.dropout2d(wrap(normal(3, 4, 2, 2)).requires_grad_()).grad_fn
    assert channels.mask.shape == (3, 4, 1, 1)


def test_does_nothing_in_evaluation_or_with_p_zero():
    x = wrap(normal(3, 4))
    assert ops.dropout(x, 0.5, training=False) is x
    assert ops.dropout(x, 0.0) is x
    assert ops.dropout2d(wrap(normal(2, 3, 4, 4)), training=False).shape == (2, 3, 4, 4)


def test_in_place():
    leaf = wrap(normal(3, 4)).requires_grad_()
    x = leaf * 2
    y = ops.dropout(x, 0.5, inplace=True)
    assert y is x
    y.sum().backward()
    np.testing.assert_array_equal(leaf.grad.numpy(), 2 * x.grad_fn.mask if hasattr(x.grad_fn, "mask") else
                                  np.where(x.detach().numpy() == 0, 0, 4))


def test_says_what_is_wrong():
    x = wrap(normal(3, 4))
    for p in (-0.1, 1.1):
        with pytest.raises(ValueError, match=f"dropout probability has to be between 0 and 1, but got {p}"):
            ops.dropout(x, p)
    with pytest.raises(DtypeError, match="it must be float"):
        ops.dropout(wrap(np.ones((2, 3), np.int64)))
    with pytest.raises(RuntimeError, match="dropout1d: Expected 2D or 3D input, but received a 4D input"):
        ops.dropout1d(wrap(normal(2, 3, 4, 5)))
    with pytest.warns(UserWarning, match="dropout2d: input has 3 dimensions"):
        ops.dropout2d(wrap(normal(2, 3, 4)))
