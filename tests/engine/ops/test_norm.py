"""Batch, layer, group and instance norm against their definitions, PyTorch and finite differences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import trace
from engine.errors import DtypeError, MissingError, ShapeError
from engine.ops import norm as ops
from engine.tensor import wrap
from tests.oracle import check_function

SHAPES = [(6, 4), (5, 130), (3, 4, 5), (4, 6, 3, 2), (3, 4, 1, 1), (2, 2, 40, 40)]


def normal(*shape, dtype=np.float32, scale=1.0, shift=0.0, seed=0):
    return (scale * np.random.default_rng(seed + sum(shape)).standard_normal(shape) + shift).astype(dtype)


def affine(shape, dtype=np.float32):
    return normal(*shape, dtype=dtype, seed=1), normal(*shape, dtype=dtype, seed=2)


def compare(ours, theirs, arrays, rtol=2e-5, atol=1e-5):
    """Value and gradients of two functions of the same tensors."""
    torch = pytest.importorskip("torch")
    tensors = [wrap(a.copy()).requires_grad_() for a in arrays]
    tensors_torch = [torch.tensor(a, requires_grad=True) for a in arrays]
    y, y_torch = ours(*tensors), theirs(*tensors_torch)
    gradient = normal(*arrays[0].shape, dtype=arrays[0].dtype, seed=3)
    y.backward(wrap(gradient))
    y_torch.backward(torch.tensor(gradient))
    np.testing.assert_allclose(y.detach().numpy(), y_torch.detach().numpy(), rtol=rtol, atol=atol)
    for a, b in zip(tensors, tensors_torch, strict=True):
        scale = 1 + np.abs(b.grad.numpy()).max(initial=0)
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=rtol, atol=atol * scale)


def functional():
    return pytest.importorskip("torch").nn.functional


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(6, 4), (5, 70), (3, 4, 5), (4, 6, 3, 2), (3, 4, 1, 1), (0, 4)])
def test_matches_definition(shape, dtype):
    x = normal(*shape, dtype=dtype, scale=2, shift=3)
    w, b = affine(shape[1:2], dtype)
    mean, variance = w, b * b + dtype(0.1)
    for operands in ((x,), (x, w), (x, w, b)):
        check_function(ops.BatchNorm(1e-5), *operands, rtol=1e-4, atol=2e-5)
        check_function(ops.BatchNorm(1e-5, mean, variance), *operands, rtol=1e-4, atol=2e-5)
        check_function(ops.GroupNorm(2, 1e-5), *operands, rtol=1e-4, atol=2e-5)
    for dim in range(1, len(shape)):
        features = shape[dim:]
        check_function(ops.LayerNorm(features, 1e-5), x, rtol=1e-4, atol=2e-5)
        check_function(ops.LayerNorm(features, 1e-5), x, *affine(features, dtype), rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_batch_norm_matches_torch(shape, training):
    torch = pytest.importorskip("torch")
    channels = shape[1]
    mean, variance = normal(channels), normal(channels, seed=4) ** 2 + np.float32(0.5)
    ours = wrap(mean.copy()), wrap(variance.copy())
    theirs = torch.tensor(mean), torch.tensor(variance)
    compare(
        lambda x, w, b: ops.batch_norm(x, *ours, w, b, training, 0.3, 1e-3),
        lambda x, w, b: functional().batch_norm(x, *theirs, w, b, training, 0.3, 1e-3),
        (normal(*shape, scale=3, shift=-2), *affine((channels,))),
    )
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=2e-6, atol=1e-6)
    compare(
        lambda x: ops.batch_norm(x, None, None, training=True),
        lambda x: functional().batch_norm(x, None, None, training=True), (normal(*shape),),
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_layer_norm_matches_torch(shape):
    for dim in range(1, len(shape)):
        features = shape[dim:]
        if np.prod(features) < 3:
            # The normalised values are 0 or ±1 whatever x is: the gradients are rounding.
            continue
        for operands in ((), affine(features)[:1], affine(features)):
            compare(
                lambda x, *more, features=features: ops.layer_norm(x, features, *more),
                lambda x, *more, features=features: functional().layer_norm(x, features, *more),
                (normal(*shape, scale=2, shift=1), *operands),
            )


@pytest.mark.parametrize("shape", [(3, 4, 5), (4, 6, 3, 2), (2, 2, 40, 40), (5, 130)])
def test_group_norm_matches_torch(shape):
    for groups in (1, 2):
        for operands in ((), affine(shape[1:2])):
            compare(
                lambda x, *more, groups=groups: ops.group_norm(x, groups, *more),
                lambda x, *more, groups=groups: functional().group_norm(x, groups, *more),
                (normal(*shape), *operands),
            )


def test_instance_norm_matches_torch():
    compare(
        lambda x, w, b: ops.instance_norm(x, weight=w, bias=b),
        lambda x, w, b: functional().instance_norm(x, weight=w, bias=b), (normal(3, 4, 5, 2), *affine((4,))),
    )


@given(shift=st.floats(-1e4, 1e4, width=32), scale=st.floats(0.5, 1e3, width=32), first=st.sampled_from([0.0, 1e5]))
def test_variance_survives_a_large_mean_and_an_outlier(shift, scale, first):
    x = normal(40, 2, 9, scale=scale, shift=shift)
    x[0, 0, 0] += np.float32(first)
    exact = x.astype(np.float64)
    function = ops.BatchNorm(1e-5)
    y = function.forward(x)
    mean, variance = exact.mean((0, 2)), exact.var((0, 2))
    np.testing.assert_allclose(function.variance, variance, rtol=1e-5)
    np.testing.assert_allclose(function.mean, mean, rtol=1e-6, atol=1e-6 * float(np.sqrt(variance.max())))
    expected = (exact - mean[:, None]) / np.sqrt(variance + 1e-5)[:, None]
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=2e-7 * (1 + abs(shift) / scale))


def test_nan_and_infinity_stay_in_their_channel():
    for shape in ((6, 3), (6, 3, 4)):
        x = normal(*shape)
        x[2, 1] = np.nan
        y = ops.batch_norm(wrap(x), None, None, training=True).numpy()
        assert np.isnan(y[:, 1]).all()
        assert np.isfinite(y[:, [0, 2]]).all()
        x[2, 1] = np.inf
        assert np.isnan(ops.batch_norm(wrap(x), None, None, training=True).numpy()[:, 1]).any()


def test_gradients_match_finite_differences():
    x = normal(4, 4, 3, dtype=np.float64)
    w, b = affine((4,), np.float64)
    dy = normal(4, 4, 3, dtype=np.float64, seed=5)
    functions = (
        lambda x, w, b: ops.batch_norm(x, None, None, w, b, True), lambda x, w, b: ops.group_norm(x, 2, w, b),
        lambda x, w, b: ops.layer_norm(x, (3,), w, b),
    )
    for function, operands in zip(functions, ((x, w, b), (x, w, b), (x, w[:3].copy(), b[:3].copy())), strict=True):
        tensors = [wrap(a).requires_grad_() for a in operands]
        function(*tensors).backward(wrap(dy))
        for k, tensor in enumerate(tensors):
            for index in list(np.ndindex(operands[k].shape))[::5]:
                step = np.zeros_like(operands[k])
                step[index] = 1e-6
                up, down = (
                    function(*[wrap(a + sign * step) if j == k else wrap(a) for j, a in enumerate(operands)]).numpy()
                    for sign in (1, -1)
                )
                np.testing.assert_allclose(
                    tensor.grad.numpy()[index], ((up - down) * dy).sum() / 2e-6, rtol=1e-5, atol=1e-7
                )


def test_result_does_not_depend_on_the_form():
    from engine.kernels.cpu import norm as kernels

    absent = np.empty(0, np.float32)
    for layout, x in (("maps", normal(8, 5, 300)), ("columns", normal(50, 150))):
        forward = getattr(kernels, f"batch_norm_{layout}_forward")
        backward = getattr(kernels, f"batch_norm_{layout}_backward")
        results = []
        for form in ("serial", "parallel"):
            y, dx = np.empty_like(x), np.empty_like(x)
            mean, rstd, variance, dw, db = np.empty((5, x.shape[1]), np.float32)
            getattr(forward, form)(y, mean, rstd, variance, x, absent, absent, 1e-5, True)
            getattr(backward, form)(dx, dw, db, normal(*x.shape, seed=1), x, mean, rstd, absent, True)
            results.append((y, mean, rstd, variance, dx, dw, db))
        for serial, parallel in zip(*results, strict=True):
            np.testing.assert_array_equal(serial, parallel)
    x, (w, b) = normal(50, 333), affine((333,))
    results = []
    for form in ("serial", "parallel"):
        y, dx = np.empty_like(x), np.empty_like(x)
        (mean, rstd), (dw, db) = np.empty((2, 50), np.float32), np.empty((2, 333), np.float32)
        getattr(kernels.layer_norm_forward, form)(y, mean, rstd, x, w, b, 1e-5)
        getattr(kernels.layer_norm_backward_input, form)(dx, y, x, mean, rstd, w)
        getattr(kernels.layer_norm_backward_affine, form)(dw, db, y, x, mean, rstd)
        results.append((y, mean, rstd, dx, dw, db))
    for serial, parallel in zip(*results, strict=True):
        np.testing.assert_array_equal(serial, parallel)


def test_non_contiguous_inputs():
    x = normal(5, 3, 4)
    np.testing.assert_array_equal(
        ops.batch_norm(wrap(x.transpose(2, 1, 0)), None, None, training=True).numpy(),
        ops.batch_norm(wrap(x.transpose(2, 1, 0).copy()), None, None, training=True).numpy(),
    )


def test_running_statistics_are_announced():
    class Log(trace.Observer):
        def __init__(self):
            self.seen = []

        def before_update(self, kind, tensor, details):
            self.seen.append(("before", kind, tensor, tensor.numpy().copy(), details))

        def after_update(self, kind, tensor, details):
            self.seen.append(("after", kind, tensor, tensor.numpy().copy(), details))

    x, mean, variance = normal(6, 2), wrap(np.zeros(2, np.float32)), wrap(np.ones(2, np.float32))
    log, before = Log(), list(mean._version_counter())
    previous = trace.set_observer(log)
    try:
        ops.batch_norm(wrap(x), mean, variance, training=True)
    finally:
        trace.set_observer(previous)
    assert [(moment, kind) for moment, kind, *_ in log.seen] == [("before", "buffer"), ("after", "buffer")] * 2
    assert log.seen[0][2] is mean
    assert log.seen[2][2] is variance
    assert (log.seen[0][3] == 0).all()
    np.testing.assert_allclose(log.seen[1][3], 0.1 * x.mean(0), rtol=1e-5)
    np.testing.assert_allclose(variance.numpy(), 0.9 + 0.1 * x.var(0, ddof=1), rtol=1e-5)
    assert isinstance(log.seen[0][4], ops.BatchNorm)
    assert mean._version != before


def test_says_what_does_not_fit():
    x, four = wrap(normal(3, 4)), wrap(normal(4))
    with pytest.raises(ShapeError, match=r"weight has shape \(4,\) but the input of shape \(3, 5\) needs \(5,\)"):
        ops.batch_norm(wrap(normal(3, 5)), None, None, four, training=True)
    with pytest.raises(DtypeError, match=r"batch_norm: input is torch\.float64 and running_mean is torch\.float32"):
        ops.batch_norm(wrap(normal(3, 4, dtype=np.float64)), four, four)
    with pytest.raises(ValueError, match=r"Expected more than 1 value per channel when training, got input size "
                                         r"torch\.Size\(\[1, 4\]\)"):
        ops.batch_norm(wrap(normal(1, 4)), None, None, training=True)
    with pytest.raises(RuntimeError, match="running_mean and running_var to be defined when training=False"):
        ops.batch_norm(x, None, None)
    with pytest.raises(ShapeError, match=r"Given normalized_shape=\[3\], expected input with shape \[\*, 3\]"):
        ops.layer_norm(x, (3,))
    with pytest.raises(ShapeError, match="divisible by num_groups"):
        ops.group_norm(x, 3)
    with pytest.raises(ShapeError, match="at least 2 dimensions"):
        ops.batch_norm(four, None, None, training=True)
    with pytest.raises(DtypeError, match="it must be float"):
        ops.layer_norm(wrap(np.ones((2, 3), np.int64)), (3,))
    with pytest.raises(MissingError, match="running statistics"):
        ops.instance_norm(wrap(normal(2, 3, 4)), four, four)
    with pytest.raises(ValueError, match="more than 1 spatial element"):
        ops.instance_norm(wrap(normal(2, 3, 1)))


def test_names_on_the_tape():
    x = wrap(normal(3, 4)).requires_grad_()
    assert repr(ops.batch_norm(x, None, None, training=True).grad_fn) == "<NativeBatchNormBackward0>"
    assert repr(ops.layer_norm(x, 4).grad_fn) == "<NativeLayerNormBackward0>"
