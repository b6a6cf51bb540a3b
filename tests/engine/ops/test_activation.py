"""Activations against their definitions, PyTorch and finite differences."""

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import DtypeError, GradientError, InPlaceError
from engine.ops import activation as ops
from engine.tensor import wrap
from tests.oracle import check_function

FUNCTIONS = {
    "relu": ops.Relu,
    "leaky_relu": lambda: ops.LeakyRelu(0.1),
    "elu": lambda: ops.Elu(1.3),
    "selu": lambda: ops.Elu(ops.SELU_ALPHA, ops.SELU_SCALE),
    "celu": lambda: ops.Elu(0.7, 1.0, 1 / 0.7),
    "gelu": ops.Gelu,
    "gelu_tanh": ops.GeluTanh,
    "silu": ops.Silu,
    "mish": ops.Mish,
    "sigmoid": ops.Sigmoid,
    "tanh": ops.Tanh,
    "softplus": lambda: ops.Softplus(2.0, 5.0),
    "hardtanh": lambda: ops.Hardtanh(-0.5, 0.8),
    "logsigmoid": ops.LogSigmoid,
    "softsign": ops.Softsign,
}

CALLS = [
    ("relu", {}), ("leaky_relu", {"negative_slope": 0.2}), ("elu", {"alpha": 0.5}), ("selu", {}),
    ("celu", {"alpha": 2.0}), ("gelu", {}), ("gelu", {"approximate": "tanh"}), ("silu", {}), ("mish", {}),
    ("sigmoid", {}), ("tanh", {}), ("softplus", {}), ("softplus", {"beta": 3, "threshold": 4}),
    ("hardtanh", {}), ("hardtanh", {"min_val": 0.0, "max_val": 2.0}), ("relu6", {}), ("logsigmoid", {}),
    ("softsign", {}),
]
IDENTIFIERS = [f"{name}-{'-'.join(map(str, options.values()))}" for name, options in CALLS]

VALUES = st.one_of(
    st.floats(-12, 12, width=32),
    st.sampled_from([0.0, -0.0, 1e4, -1e4, 1e-30, -1e-30, 6.0, 1.0, -1.0, float("inf"), -float("inf"), float("nan")]),
)


def normal(*shape, dtype=np.float32, scale=2.0):
    return (scale * np.random.default_rng(sum(shape)).standard_normal(shape)).astype(dtype)


def both(name, options, array, gradient, inplace=None):
    """The value and the gradient of ``name`` here and in PyTorch."""
    torch = pytest.importorskip("torch")
    options = options if inplace is None else {**options, "inplace": inplace}
    x = wrap(array.copy()).requires_grad_()
    y = getattr(ops, name)(x, **options)
    y.backward(wrap(gradient))
    x_torch = torch.tensor(array, requires_grad=True)
    y_torch = getattr(torch.nn.functional, name)(x_torch, **options)
    y_torch.backward(torch.tensor(gradient))
    return (y.detach().numpy(), x.grad.numpy()), (y_torch.detach().numpy(), x_torch.grad.numpy())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_matches_definition(name, dtype):
    for shape in [(3, 5), (0,), (), (2, 3, 4), (1000,)]:
        check_function(FUNCTIONS[name](), normal(*shape, dtype=dtype), rtol=3e-6, atol=2e-6)


@pytest.mark.parametrize("name", ["relu", "sigmoid", "gelu", "softplus"])
def test_parallel_form_matches_definition(name):
    check_function(FUNCTIONS[name](), normal(700_000), rtol=3e-6, atol=2e-6)


@pytest.mark.parametrize("name", ["gelu", "gelu_tanh", "silu", "softplus"])
def test_result_does_not_depend_on_the_form(name):
    function, x, dy = FUNCTIONS[name](), normal(10_007), normal(10_007, scale=1.0)
    for kernel, operands in ((function.forward_kernel, (x,)), (function.backward_kernel, (dy, x))):
        serial, parallel = np.empty_like(x), np.empty_like(x)
        kernel.serial(serial, *operands, *function.parameters)
        kernel.parallel(parallel, *operands, *function.parameters)
        np.testing.assert_array_equal(serial, parallel)


@pytest.mark.parametrize(("name", "options"), CALLS, ids=IDENTIFIERS)
@given(values=st.lists(VALUES, min_size=1, max_size=20), seed=st.integers(0, 100))
def test_matches_torch(name, options, values, seed):
    array = np.array(values, np.float32)
    gradient = np.random.default_rng(seed).standard_normal(array.shape).astype(np.float32)
    (y, dx), (y_torch, dx_torch) = both(name, options, array, gradient)
    # PyTorch's vector code gives gelu(inf) = nan.
    known = ~np.isinf(array) if name == "gelu" else slice(None)
    np.testing.assert_allclose(y[known], y_torch[known], rtol=2e-6, atol=2e-6)
    # At NaN and infinity PyTorch's own gradients differ between its scalar and its vector code.
    finite = np.isfinite(array)
    np.testing.assert_allclose(dx[finite], dx_torch[finite], rtol=2e-6, atol=3e-6)


@pytest.mark.parametrize(("name", "options"), CALLS, ids=IDENTIFIERS)
def test_gradient_matches_finite_differences(name, options):
    array = normal(50, dtype=np.float64)
    x = wrap(array).requires_grad_()
    function = functools.partial(getattr(ops, name), **options)
    function(x).backward(wrap(np.ones(50)))
    h = 1e-6
    slope = (function(wrap(array + h)).numpy() - function(wrap(array - h)).numpy()) / (2 * h)
    np.testing.assert_allclose(x.grad.numpy(), slope, rtol=1e-6, atol=1e-7)


def test_views_give_what_copies_give():
    base = normal(6, 8)
    x = wrap(base[::2, ::-1].T)
    np.testing.assert_array_equal(ops.tanh(x).numpy(), ops.tanh(wrap(x.numpy().copy())).numpy())
    x = wrap(base.T).requires_grad_()
    ops.sigmoid(x).backward(wrap(normal(6, 8).T))
    y = ops.sigmoid(wrap(base.T)).numpy()
    np.testing.assert_allclose(x.grad.numpy(), normal(6, 8).T * y * (1 - y), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu", "selu", "celu", "silu", "mish", "hardtanh", "relu6"])
def test_in_place_overwrites_and_keeps_the_gradient(name):
    torch = pytest.importorskip("torch")
    function, reference = getattr(ops, name), getattr(torch.nn.functional, name)
    array, gradient = normal(4, 5), normal(5, 4).T.copy()
    leaf, leaf_torch = wrap(array).requires_grad_(), torch.tensor(array, requires_grad=True)
    x, x_torch = ops.tanh(leaf), torch.tanh(leaf_torch) * 1
    x = ops.softplus(x)
    x_torch = torch.nn.functional.softplus(x_torch)
    result, result_torch = function(x, inplace=True), reference(x_torch, inplace=True)
    assert result is x
    result.backward(wrap(gradient))
    result_torch.backward(torch.tensor(gradient))
    np.testing.assert_allclose(x.detach().numpy(), x_torch.detach().numpy(), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(leaf.grad.numpy(), leaf_torch.grad.numpy(), rtol=1e-5, atol=1e-6)


def test_in_place_outside_the_graph_and_refusals():
    x = wrap(normal(3, 3))
    view = wrap(x.numpy()[1:])
    ops.relu_(x)
    assert (view.numpy() >= 0).all()
    with pytest.raises(InPlaceError, match="relu_: a leaf Variable that requires grad"):
        ops.relu(wrap(normal(3)).requires_grad_(), inplace=True)
    leaf = wrap(normal(3)).requires_grad_()
    y = ops.sigmoid(leaf)
    ops.relu_(y)
    with pytest.raises(GradientError, match="backward of Sigmoid needs a tensor that was changed in place"):
        y.backward(wrap(normal(3)))


def test_integers():
    x = wrap(np.array([-2, 0, 3]))
    assert ops.relu(x).numpy().dtype == np.int64
    np.testing.assert_array_equal(ops.relu(x).numpy(), [0, 0, 3])
    assert ops.sigmoid(x).numpy().dtype == np.float32
    np.testing.assert_allclose(ops.tanh(x).numpy(), np.tanh([-2.0, 0.0, 3.0]), rtol=1e-6)
    with pytest.raises(DtypeError, match=r"elu: input has dtype torch.int64, shape \(3,\); it must be float"):
        ops.elu(x)
    with pytest.raises(DtypeError, match=r"relu: input has dtype torch\.bool"):
        ops.relu(wrap(np.array([True])))


def test_says_which_argument_is_wrong():
    with pytest.raises(RuntimeError, match="approximate argument must be either none or tanh, got 'erf'"):
        ops.gelu(wrap(normal(3)), approximate="erf")
    with pytest.raises(ValueError, match="min_val cannot be greater than max_val, got 2 and 1"):
        ops.hardtanh(wrap(normal(3)), 2, 1)
    with pytest.raises(RuntimeError, match="alpha cannot be 0"):
        ops.celu(wrap(normal(3)), 0.0)
    with pytest.raises(TypeError, match=r"relu\(\): argument 'input' must be Tensor, not list"):
        ops.relu([1.0])


def test_methods_and_name_on_the_tape():
    x = wrap(normal(3)).requires_grad_()
    y = x.sigmoid()
    assert repr(y.grad_fn) == "<SigmoidBackward0>"
    assert repr(ops.relu6(x).grad_fn) == "<HardtanhBackward0>"
    np.testing.assert_array_equal(y.detach().numpy(), ops.sigmoid(x).detach().numpy())
