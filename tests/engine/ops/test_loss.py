"""Losses against their definitions, PyTorch and finite differences."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import DtypeError, GradientError, MissingError, ShapeError
from engine.ops import loss
from engine.ops.loss_binary import BinaryCrossEntropy, BinaryCrossEntropyWithLogits, KlDiv
from engine.ops.loss_classification import CrossEntropy, NllLoss, SoftCrossEntropy
from engine.ops.loss_regression import HuberLoss, L1Loss, MseLoss, SmoothL1Loss
from engine.tensor import wrap
from tests.oracle import check_function

REDUCTIONS = ["none", "mean", "sum"]
DTYPES = [np.float32, np.float64]


def normal(*shape, dtype=np.float32, seed=0):
    return np.random.default_rng(seed + sum(shape)).standard_normal(shape).astype(dtype)


def uniform(*shape, dtype=np.float32, seed=0):
    return np.random.default_rng(seed + sum(shape)).uniform(0.01, 0.99, shape).astype(dtype)


def labels(shape, classes, ignored=False):
    t = np.array(np.random.default_rng(classes).integers(0, classes, shape))
    if ignored and t.ndim and t.size > 1:
        t.reshape(-1)[1] = -100
    return t


def silent(function, *arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*arguments, **options)


def compare(name, arrays, differentiable, tolerance=1e-5, tensors=(), **options):
    """Value and gradients of a loss here and in PyTorch; ``tensors`` are options that are tensors."""
    torch = pytest.importorskip("torch")
    ours = [wrap(a.copy()) for a in arrays]
    theirs = [torch.tensor(a) for a in arrays]
    for i in differentiable:
        ours[i].requires_grad_()
        theirs[i].requires_grad_()
    more = {key: wrap(options[key]) for key in tensors}
    more_torch = {key: torch.tensor(options[key]) for key in tensors}
    y = silent(getattr(loss, name), *ours, **{**options, **more})
    y_torch = silent(getattr(torch.nn.functional, name), *theirs, **{**options, **more_torch})
    np.testing.assert_allclose(y.detach().numpy(), y_torch.detach().numpy(), rtol=tolerance, atol=tolerance)
    assert y.dtype.numpy == y_torch.detach().numpy().dtype
    gradient = normal(*y.shape)
    y.backward(wrap(gradient.astype(y.dtype.numpy)))
    y_torch.backward(torch.tensor(gradient).to(y_torch.dtype))
    for i in differentiable:
        np.testing.assert_allclose(ours[i].grad.numpy(), theirs[i].grad.numpy(), rtol=tolerance, atol=tolerance)


# ---- losses of numbers ----


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [(4, 3), (), (5000,)])
def test_regression_matches_definition(shape, reduction, dtype):
    x, t = normal(*shape, dtype=dtype), normal(*shape, dtype=dtype, seed=1)
    for function in (MseLoss(reduction), L1Loss(reduction), SmoothL1Loss(0.5, reduction), HuberLoss(0.7, reduction)):
        check_function(function, x, t)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    ("name", "options"),
    [("mse_loss", {}), ("l1_loss", {}), ("smooth_l1_loss", {}), ("smooth_l1_loss", {"beta": 0.3}),
     ("smooth_l1_loss", {"beta": 0.0}), ("huber_loss", {}), ("huber_loss", {"delta": 0.4})],
)
@given(
    values=st.lists(
        st.tuples(
            st.one_of(st.floats(-5, 5, width=32), st.sampled_from([1e4, -1e4, float("inf"), float("nan")])),
            st.floats(-5, 5, width=32),
        ),
        min_size=1, max_size=20,
    )
)
def test_regression_matches_torch(name, options, reduction, values):
    pairs = np.array(values, np.float32)
    compare(name, (pairs[:, 0], pairs[:, 1]), (0, 1), reduction=reduction, **options)


def test_regression_broadcasts_with_a_warning_and_promotes():
    x, t = wrap(normal(4, 3)).requires_grad_(), wrap(normal(3)).requires_grad_()
    with pytest.warns(UserWarning, match=r"target size \(torch.Size\(\[3\]\)\) that is different to the input size"):
        loss.mse_loss(x, t)
    compare("mse_loss", (normal(4, 3), normal(3)), (0, 1))
    compare("mse_loss", (normal(4, 1), normal(4)), (0,))
    compare("l1_loss", (normal(4, 3), normal(4, 3, dtype=np.float64)), (0, 1))
    compare("mse_loss", (normal(4), np.array([1, 2, 3, 4])), (0,))


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"])
def test_mean_over_nothing_is_nan(name):
    x = wrap(np.empty((0, 3), np.float32)).requires_grad_()
    y = getattr(loss, name)(x, wrap(np.empty((0, 3), np.float32)))
    assert np.isnan(y.item())
    y.backward()
    assert x.grad.shape == (0, 3)
    assert getattr(loss, name)(x, wrap(np.empty((0, 3), np.float32)), reduction="sum").item() == 0


def test_sums_do_not_depend_on_the_form():
    from engine.kernels.cpu import loss_binary, loss_regression

    x, t, absent = uniform(100_003), uniform(100_003, seed=1), np.empty(0, np.float32)
    for kernel, more in (
        (loss_regression.mse_loss_reduced, ()), (loss_binary.binary_cross_entropy_reduced, (absent,)),
        (loss_binary.binary_cross_entropy_with_logits_reduced, (absent, absent)),
    ):
        serial, parallel = np.empty((2, 1), np.float32)
        kernel.serial(serial, x, t, *more, 7.0)
        kernel.parallel(parallel, x, t, *more, 7.0)
        assert serial[0] == parallel[0], kernel.name


# ---- losses between probabilities ----


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_binary_matches_definition(reduction, dtype):
    shape = (5, 4)
    x, p, t = normal(*shape, dtype=dtype), uniform(*shape, dtype=dtype), uniform(*shape, dtype=dtype, seed=1)
    w, pw = uniform(*shape, dtype=dtype, seed=2), uniform(4, dtype=dtype, seed=3)
    for weight in (None, w):
        check_function(BinaryCrossEntropy(weight, reduction), p, t, rtol=2e-5, atol=1e-5)
        for positive in (None, pw):
            check_function(BinaryCrossEntropyWithLogits(weight, positive, reduction), x, t)
    for log_target in (False, True):
        check_function(KlDiv(log_target, reduction), x, t)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@given(
    values=st.lists(
        st.tuples(
            st.one_of(st.floats(-30, 30, width=32), st.sampled_from([1e4, -1e4, float("nan")])),
            st.floats(0, 1, width=32),
        ),
        min_size=1, max_size=20,
    )
)
def test_logits_match_torch(reduction, values):
    pairs = np.array(values, np.float32)
    arrays = pairs[:, 0].copy(), pairs[:, 1].copy()
    name = "binary_cross_entropy_with_logits"
    w, pw = uniform(len(pairs)), uniform(1, seed=1)
    # PyTorch computes (1 - t)·x + log(1 + exp(-x)): terms of the size of x cancel.
    size = 1 + np.nan_to_num(np.abs(arrays[0])).max()
    compare(name, arrays, (0, 1), tolerance=1.2e-7 * size + 1e-5, reduction=reduction)
    compare(name, arrays, (0,), tolerance=3e-7 * size + 1e-5, reduction=reduction, tensors=("weight", "pos_weight"),
            weight=w, pos_weight=pw)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@given(
    values=st.lists(
        st.tuples(st.one_of(st.floats(0.001, 0.999), st.sampled_from([0.0, 1.0, 1e-38])), st.floats(0, 1, width=32)),
        min_size=1, max_size=20,
    )
)
def test_probabilities_match_torch(reduction, values):
    pairs = np.array(values, np.float32)
    arrays = pairs[:, 0].copy(), pairs[:, 1].copy()
    compare("binary_cross_entropy", arrays, (0,), reduction=reduction)
    compare("binary_cross_entropy", arrays, (0,), reduction=reduction, tensors=("weight",), weight=uniform(len(pairs)))


@pytest.mark.parametrize("log_target", [False, True])
@pytest.mark.parametrize("reduction", [*REDUCTIONS, "batchmean"])
def test_kl_div_matches_torch(reduction, log_target):
    target = uniform(4, 3)
    target[1, 2] = 0
    compare("kl_div", (normal(4, 3), target), (0,), reduction=reduction, log_target=log_target)
    compare("kl_div", (normal(4, 3), uniform(4, 3)), (0, 1), reduction=reduction, log_target=log_target)
    compare("kl_div", (normal(4, 3), uniform(3)), (0, 1), reduction=reduction, log_target=log_target)


def test_binary_gradients_match_finite_differences():
    p, x, t = (f(12, dtype=np.float64, seed=i) for i, f in enumerate((uniform, normal, uniform)))
    for name, array in (("binary_cross_entropy", p), ("binary_cross_entropy_with_logits", x), ("mse_loss", x),
                        ("smooth_l1_loss", x), ("huber_loss", x)):
        function = getattr(loss, name)
        tensor = wrap(array).requires_grad_()
        function(tensor, wrap(t)).backward()
        for i in range(12):
            step = np.zeros(12)
            step[i] = 1e-6
            slope = (function(wrap(array + step), wrap(t)).item() - function(wrap(array - step), wrap(t)).item()) / 2e-6
            np.testing.assert_allclose(tensor.grad.numpy()[i], slope, rtol=1e-5, atol=1e-8)


# ---- losses over classes ----

SHAPES = [(6, 4), (5,), (3, 4, 2), (2, 3, 2, 2), (2, 1100)]


def target_shape(shape):
    return shape[:1] + shape[2:] if len(shape) > 1 else ()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", SHAPES[:4])
def test_classification_matches_definition(shape, reduction, dtype):
    classes = shape[1] if len(shape) > 1 else shape[0]
    x, q = 3 * normal(*shape, dtype=dtype), uniform(*shape, dtype=dtype)
    t = labels(target_shape(shape), classes, ignored=True)
    for w in (None, uniform(classes, dtype=dtype)):
        check_function(NllLoss(w, -100, reduction), x, t)
        for smoothing in (0.0, 0.2):
            check_function(CrossEntropy(w, -100, smoothing, reduction), x, t)
            check_function(SoftCrossEntropy(w, smoothing, reduction), x, q)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_classification_matches_torch(shape, reduction, weighted):
    classes = shape[1] if len(shape) > 1 else shape[0]
    x, q = 3 * normal(*shape), uniform(*shape)
    t = labels(target_shape(shape), classes, ignored=True)
    more = {"tensors": ("weight",), "weight": uniform(classes)} if weighted else {}
    compare("nll_loss", (x, t), (0,), reduction=reduction, **more)
    compare("cross_entropy", (x, t), (0,), reduction=reduction, **more)
    compare("cross_entropy", (x, t), (0,), reduction=reduction, label_smoothing=0.1, **more)
    # PyTorch's sum over 1000 classes is in float32.
    compare("cross_entropy", (x, q), (0, 1), tolerance=1e-4 if classes > 1000 else 1e-5, reduction=reduction,
            label_smoothing=0.1, **more)


@given(
    values=st.lists(
        st.one_of(st.floats(-20, 20, width=32), st.sampled_from([1e4, -1e4, float("inf"), -float("inf"), float("nan")])),
        min_size=2, max_size=20,
    ),
    label=st.integers(0, 1),
)
def test_extreme_logits_match_torch(values, label):
    compare("cross_entropy", (np.array([values], np.float32), np.array([label])), (0,))


@pytest.mark.parametrize("shape", [(3000, 10), (40, 777)])
def test_cross_entropy_does_not_depend_on_the_form(shape):
    from engine.kernels.cpu import loss_classification as kernels

    x, t, w = normal(*shape), labels(shape[:1], shape[1], ignored=True), uniform(shape[1])
    results = []
    for form in ("serial", "parallel"):
        losses, p, totals, dx = np.empty(shape[0], np.float32), np.empty_like(x), np.empty(2), np.empty_like(x)
        y, dy = np.empty(1, np.float32), np.full(1, 0.3, np.float32)
        getattr(kernels.cross_entropy_forward, form)(y, losses, p, totals, x, t, w, -100, 0.1, True)
        getattr(kernels.cross_entropy_backward, form)(dx, p, t, w, dy, totals, -100, 0.1, True)
        results.append((y, losses, p, totals, dx))
    for serial, parallel in zip(*results, strict=True):
        np.testing.assert_array_equal(serial, parallel)


def test_labels_of_all_kinds():
    compare("cross_entropy", (normal(3, 4), labels((3,), 4).astype(np.uint8)), (0,))
    x = normal(4, 3).T
    np.testing.assert_array_equal(
        loss.cross_entropy(wrap(x), wrap(labels((3,), 4))).numpy(),
        loss.cross_entropy(wrap(x.copy()), wrap(labels((3,), 4))).numpy(),
    )


def test_mean_over_no_rows_is_nan():
    for x, t in ((np.empty((0, 3), np.float32), np.empty(0, np.int64)), (normal(2, 3), np.array([-100, -100]))):
        for function in (loss.cross_entropy, loss.nll_loss):
            tensor = wrap(x).requires_grad_()
            y = function(tensor, wrap(t))
            assert np.isnan(y.item())
            y.backward()
            np.testing.assert_array_equal(tensor.grad.numpy(), np.zeros_like(x))


def test_gradient_is_softmax_minus_one_hot():
    x, t = normal(3, 4, dtype=np.float64), np.array([1, 3, 0])
    tensor = wrap(x).requires_grad_()
    loss.cross_entropy(tensor, wrap(t), reduction="sum").backward()
    p = np.exp(x) / np.exp(x).sum(1, keepdims=True)
    np.testing.assert_allclose(tensor.grad.numpy(), p - np.eye(4)[t], rtol=1e-12, atol=1e-14)


def test_one_op_on_the_tape_keeps_its_parts():
    x = wrap(normal(3, 4)).requires_grad_()
    y = loss.cross_entropy(x, wrap(labels((3,), 4)))
    assert repr(y.grad_fn) == "<CrossEntropyBackward0>"
    np.testing.assert_allclose(y.grad_fn.p.sum(1), 1, rtol=1e-6)
    assert y.grad_fn.divisor == 3.0


# ---- errors ----


def test_label_out_of_range_names_position_label_and_classes():
    t = np.array([[0, 1], [2, 10]])
    with pytest.raises(IndexError, match=r"cross_entropy: Target 10 is out of bounds: target\[1, 1\] is 10 but input "
                                         r"has 10 classes \(shape \(2, 10, 2\)\); labels must be in \[0, 9\] or "
                                         r"ignore_index -100"):
        loss.cross_entropy(wrap(normal(2, 10, 2)), wrap(t))
    with pytest.raises(IndexError, match=r"nll_loss: Target -1 is out of bounds: target\[0\] is -1"):
        loss.nll_loss(wrap(normal(1, 3)), wrap(np.array([-1])))


def test_wrong_labels():
    x = wrap(normal(3, 4))
    with pytest.raises(DtypeError, match=r"expected scalar type Long of target but found torch\.float32"):
        loss.cross_entropy(x, wrap(normal(3)))
    with pytest.raises(ShapeError, match=r"Expected target size \[3\], got \[4\]: input has shape \(3, 4\)"):
        loss.cross_entropy(x, wrap(labels((4,), 4)))
    with pytest.raises(DtypeError, match=r"target with class probabilities, got torch\.int64"):
        loss.cross_entropy(x, wrap(labels((3, 4), 2)))


def test_wrong_weights_and_options():
    x, t = wrap(normal(3, 4)), wrap(labels((3,), 4))
    with pytest.raises(ShapeError, match=r"for all 4 classes or no classes but got weight tensor of shape \(3,\)"):
        loss.cross_entropy(x, t, wrap(normal(3)))
    with pytest.raises(DtypeError, match="expected weight to be torch.float32"):
        loss.cross_entropy(x, t, wrap(normal(4, dtype=np.float64)))
    with pytest.raises(GradientError, match="gradient with respect to weight is not available"):
        loss.nll_loss(x, t, wrap(normal(4)).requires_grad_())
    with pytest.raises(RuntimeError, match=r"label_smoothing must be between 0\.0 and 1\.0\. Got: 1\.5"):
        loss.cross_entropy(x, t, label_smoothing=1.5)
    with pytest.raises(ValueError, match="'avg' is not a valid value for reduction; it must be one of 'none', 'mean'"):
        loss.cross_entropy(x, t, reduction="avg")
    with pytest.raises(MissingError, match="use reduction='mean', 'sum' or 'none'"):
        loss.mse_loss(x, x, size_average=True)
    with pytest.raises(RuntimeError, match="does not support negative values for beta, got -1"):
        loss.smooth_l1_loss(x, x, beta=-1)
    with pytest.raises(RuntimeError, match="does not support non-positive values for delta, got 0"):
        loss.huber_loss(x, x, delta=0)


def test_binary_operands_that_do_not_fit():
    p = wrap(uniform(3, 4))
    with pytest.raises(ValueError, match=r"Using a target size \(torch\.Size\(\[3\]\)\)"):
        loss.binary_cross_entropy(p, wrap(uniform(3)))
    with pytest.raises(ValueError, match=r"Target size \(torch\.Size\(\[3\]\)\) must be the same as input size"):
        loss.binary_cross_entropy_with_logits(p, wrap(uniform(3)))
    with pytest.raises(DtypeError, match=r"found dtype torch\.int64 of target and torch\.float32 of input"):
        loss.binary_cross_entropy_with_logits(p, wrap(labels((3, 4), 2)))
    array = uniform(3, 4)
    array[1, 2] = 1.5
    with pytest.raises(RuntimeError, match=r"between 0 and 1, input\[\(1, 2\)\] is 1\.5"):
        loss.binary_cross_entropy(wrap(array), p)
    array[1, 2] = np.nan
    with pytest.raises(RuntimeError, match="is nan"):
        loss.binary_cross_entropy(wrap(array), p)
    with pytest.raises(ShapeError, match=r"pos_weight has shape \(3,\), which does not broadcast"):
        loss.binary_cross_entropy_with_logits(p, p, pos_weight=wrap(uniform(3)))


def test_kl_div_mean_warns():
    with pytest.warns(UserWarning, match="batchmean"):
        loss.kl_div(wrap(normal(2, 3)), wrap(uniform(2, 3)))
