"""Softmax and log-softmax against their definitions, PyTorch and finite differences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine.ops  # noqa: F401 - binds the tensor methods
from engine import dtypes
from engine.errors import DtypeError
from engine.ops import softmax as ops
from engine.tensor import wrap
from tests.oracle import check_function

SHAPES = [(3, 5), (7,), (), (2, 3, 4), (2, 3, 2, 5), (0, 3), (3, 1), (2, 1500)]


def normal(*shape, dtype=np.float32, scale=3.0):
    return (scale * np.random.default_rng(sum(shape)).standard_normal(shape)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [ops.Softmax, ops.LogSoftmax])
def test_matches_definition(kind, dtype):
    for shape in [(3, 5), (7,), (), (2, 3, 4), (0, 3), (2, 60)]:
        for dim in range(max(1, len(shape))):
            check_function(kind(dim), normal(*shape, dtype=dtype))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin"])
def test_matches_torch_along_every_dim(name, shape):
    torch = pytest.importorskip("torch")
    for dim in range(-max(1, len(shape)), max(1, len(shape))):
        array, gradient = normal(*shape), normal(*shape, scale=1.0)
        x, x_torch = wrap(array).requires_grad_(), torch.tensor(array, requires_grad=True)
        y, y_torch = getattr(ops, name)(x, dim), getattr(torch.nn.functional, name)(x_torch, dim)
        y.backward(wrap(gradient))
        y_torch.backward(torch.tensor(gradient))
        np.testing.assert_allclose(y.detach().numpy(), y_torch.detach().numpy(), rtol=3e-6, atol=1e-6)
        np.testing.assert_allclose(x.grad.numpy(), x_torch.grad.numpy(), rtol=1e-5, atol=5e-6)
        assert y.is_contiguous()


@given(
    values=st.lists(
        st.one_of(
            st.floats(-20, 20, width=32),
            st.sampled_from([1e4, -1e4, float("inf"), -float("inf"), float("nan"), 88.0, -104.0]),
        ),
        min_size=1, max_size=40,
    )
)
def test_extreme_rows_match_torch(values):
    torch = pytest.importorskip("torch")
    array = np.array(values, np.float32)
    for name in ("softmax", "log_softmax"):
        expected = getattr(torch, name)(torch.tensor(array), 0).numpy()
        np.testing.assert_allclose(getattr(ops, name)(wrap(array), 0).numpy(), expected, rtol=3e-6, atol=1e-6)


def test_gradient_matches_finite_differences():
    array, weights = normal(4, 6, dtype=np.float64), normal(6, 4, dtype=np.float64).T
    for function in (ops.softmax, ops.log_softmax):
        x = wrap(array).requires_grad_()
        function(x, 1).backward(wrap(weights))
        for index in np.ndindex(array.shape):
            step = np.zeros_like(array)
            step[index] = 1e-6
            slope = ((function(wrap(array + step), 1).numpy() - function(wrap(array - step), 1).numpy()) * weights).sum()
            np.testing.assert_allclose(x.grad.numpy()[index], slope / 2e-6, rtol=1e-6, atol=1e-7)


def test_result_does_not_depend_on_the_form():
    from engine.kernels.cpu import softmax as kernels

    names, shapes = ("softmax", "log_softmax"), ((3000, 10), (40, 777))
    for name, shape in ((name, shape) for name in names for shape in shapes):
        x, dy = normal(*shape), normal(*shape, scale=1.0)
        forward, backward = getattr(kernels, f"{name}_forward"), getattr(kernels, f"{name}_backward")
        serial, parallel, dx, dx_parallel = (np.empty_like(x) for _ in range(4))
        forward.serial(serial, x)
        forward.parallel(parallel, x)
        np.testing.assert_array_equal(serial, parallel)
        backward.serial(dx, dy, serial)
        backward.parallel(dx_parallel, dy, serial)
        np.testing.assert_array_equal(dx, dx_parallel)


def test_dtype_and_methods():
    x = wrap(np.array([[1, 2, 3]]))
    assert ops.softmax(x, 1, dtype=dtypes.float64).numpy().dtype == np.float64
    assert ops.softmax(x, -1, dtypes.float32).numpy().dtype == np.float32
    y = wrap(normal(2, 3))
    np.testing.assert_array_equal(y.softmax(-1).numpy(), ops.softmax(y, 1).numpy())
    np.testing.assert_array_equal(y.log_softmax(dim=0).numpy(), ops.log_softmax(y, 0).numpy())


def test_says_what_is_wrong():
    with pytest.raises(IndexError, match=r"Dimension out of range \(expected to be in range of \[-2, 1\], but got 2\)"):
        ops.softmax(wrap(normal(2, 3)), 2)
    with pytest.raises(DtypeError, match=r"softmax: input has dtype torch\.int64; it must be float"):
        ops.softmax(wrap(np.array([1, 2])), 0)
    with pytest.warns(UserWarning, match="Implicit dimension choice for log_softmax has been deprecated"):
        y = ops.log_softmax(wrap(normal(2, 3)))
    np.testing.assert_array_equal(y.numpy(), ops.log_softmax(wrap(normal(2, 3)), 1).numpy())
