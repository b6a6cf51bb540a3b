"""Bad input: each error names the op, the operands and the rule; what is no error gives PyTorch's result."""

import math
import warnings

import numpy as np
import pytest

import engine as torch
from engine import nn
from engine.errors import DtypeError, GradientError, InPlaceError, ShapeError
from engine.nn import functional as F


def x(*shape):
    return torch.rand(*shape)


def labels(*values):
    return torch.tensor(values)


LAYERS = {
    "linear features": (
        lambda: nn.Linear(128, 10)(x(32, 64)), ShapeError,
        "linear: x has 64 features (shape (32, 64)) but weight expects 128 (shape (10, 128)); "
        "x.shape[-1] must equal weight.shape[1]",
    ),
    "linear integers": (
        lambda: nn.Linear(4, 3)(torch.ones(2, 4, dtype=torch.int64)), DtypeError,
        "linear: x is torch.int64 and weight is torch.float32; both must be the same float dtype",
    ),
    "linear double": (
        lambda: nn.Linear(4, 3)(x(2, 4).double()), DtypeError, "linear: x is torch.float64 and weight is torch.float32",
    ),
    "conv2d channels": (
        lambda: nn.Conv2d(3, 4, 3)(x(2, 1, 8, 8)), ShapeError,
        "conv2d: x has 1 channels (shape (2, 1, 8, 8)) but weight expects 3 (shape (4, 3, 3, 3)); "
        "x.shape[1] must be weight's channels times groups",
    ),
    "conv2d too small": (
        lambda: nn.Conv2d(3, 4, 3)(x(2, 3, 2, 8)), ShapeError,
        "conv2d: the filter covers 3 pixels along dimension 2 but the padded input has 2 (input (2, 3, 2, 8), "
        "weight (4, 3, 3, 3))",
    ),
    "conv2d rank": (
        lambda: nn.Conv2d(3, 4, 3)(x(2, 8)), ShapeError,
        "conv2d: expected 3D (unbatched) or 4D (batched) input, got input of shape (2, 8)",
    ),
    "conv2d bytes": (
        lambda: nn.Conv2d(1, 4, 3)(torch.zeros(1, 1, 4, 4, dtype=torch.uint8)), DtypeError,
        "conv2d: x is torch.uint8 and weight is torch.float32",
    ),
    "conv1d channels": (
        lambda: nn.Conv1d(3, 4, 3)(x(2, 4, 8)), ShapeError, "conv1d: x has 4 channels (shape (2, 4, 8))",
    ),
    "conv groups": (lambda: nn.Conv2d(3, 4, 3, groups=2), ValueError, "in_channels must be divisible by groups"),
    "transposed channels": (
        lambda: nn.ConvTranspose2d(3, 4, 3)(x(2, 4, 8, 8)), ShapeError, "conv_transpose2d: x has 4 channels",
    ),
    "output padding": (
        lambda: nn.ConvTranspose2d(3, 4, 3, output_padding=1)(x(2, 3, 8, 8)), ShapeError,
        "conv_transpose2d: output padding must be smaller than either stride or dilation, got output_padding 1",
    ),
    "window too large": (
        lambda: nn.MaxPool2d(4)(x(1, 1, 2, 2)), ShapeError,
        "max_pool2d: a window of 4 pixels (dilation 1) does not fit into 2 pixels with padding 0",
    ),
    "pool padding": (
        lambda: nn.MaxPool2d(2, padding=2)(x(1, 1, 4, 4)), ShapeError,
        "max_pool2d: pad should be at most half of effective kernel size, but got pad=2, kernel_size=2",
    ),
    "pool integers": (
        lambda: nn.MaxPool2d(2)(torch.ones(1, 1, 4, 4, dtype=torch.int64)), DtypeError,
        "max_pool2d: expected a float input, got torch.int64",
    ),
    "pool rank": (
        lambda: nn.AvgPool2d(2)(x(4, 4)), ShapeError, "avg_pool2d: expected 3D or 4D input, got input of shape (4, 4)",
    ),
    "batch norm features": (
        lambda: nn.BatchNorm1d(4)(x(3, 5)), ShapeError,
        "batch_norm: running_mean has shape (4,) but the input of shape (3, 5) needs (5,)",
    ),
    "batch norm rank": (lambda: nn.BatchNorm2d(4)(x(3, 4)), ValueError, "expected 4D input (got 2D input)"),
    "batch norm of one": (
        lambda: nn.BatchNorm1d(4)(x(1, 4)), ValueError, "Expected more than 1 value per channel when training",
    ),
    "layer norm": (
        lambda: nn.LayerNorm(4)(x(3, 5)), ShapeError,
        "layer_norm: Given normalized_shape=[4], expected input with shape [*, 4], but got input of size [3, 5]",
    ),
    "embedding range": (
        lambda: nn.Embedding(4, 2)(labels(0, 4)), IndexError,
        "embedding: index out of range in self: input[1] is 4 but weight has 4 rows (shape (4, 2)); "
        "indices must be in [0, 3]",
    ),
    "embedding float": (
        lambda: nn.Embedding(4, 2)(torch.tensor([0.0])), DtypeError, "embedding: indices must be int64, input is",
    ),
    "dropout": (
        lambda: nn.Dropout(1.5), ValueError, "dropout probability has to be between 0 and 1, but got 1.5",
    ),
    "unflatten": (
        lambda: nn.Unflatten(1, (2, 2))(x(2, 3)), ShapeError, "unflatten: Provided sizes [2, 2] don't multiply up",
    ),
    "array": (
        lambda: nn.Linear(4, 3)(np.ones((2, 4), np.float32)), TypeError,
        "linear(): argument 'input' must be Tensor, not ndarray",
    ),
    "list": (lambda: nn.Conv2d(1, 1, 1)([[1.0]]), TypeError, "conv2d(): argument 'input' must be Tensor, not list"),
    "pool list": (
        lambda: nn.MaxPool2d(2)([[1.0]]), TypeError, "max_pool2d(): argument 'input' must be Tensor, not list",
    ),
}

OPERANDS = {
    "matmul": (
        lambda: x(2, 3) @ x(2, 3), ShapeError,
        "matmul: shapes (2, 3) and (2, 3) cannot be multiplied: the inner extents 3 and 2 must be equal",
    ),
    "matmul dtypes": (
        lambda: x(2, 3) @ x(3, 2).double(), DtypeError,
        "matmul: expected both operands to have the same dtype, but got torch.float32 and torch.float64",
    ),
    "bmm": (
        lambda: torch.bmm(x(2, 2, 3), x(3, 3, 2)), ShapeError,
        "bmm: the batches have 2 and 3 matrices (shapes (2, 2, 3) and (3, 3, 2)); they must be equal",
    ),
    "add": (
        lambda: x(2, 3) + x(4), ShapeError,
        "add: shapes (2, 3) and (4,) do not broadcast; dimension -1 has extents 3 and 4; "
        "aligned from the last dimension, extents must be equal or one of them 1",
    ),
    "cat": (
        lambda: torch.cat((x(2, 3), x(2, 4))), ShapeError,
        "cat: Sizes of tensors must match except in dimension 0. Expected size 3 but got size 4 in dimension 1",
    ),
    "stack": (
        lambda: torch.stack((x(2, 3), x(2, 4))), ShapeError,
        "stack expects each tensor to be equal size, but got [2, 3] at entry 0 and [2, 4] at entry 1",
    ),
    "reshape": (lambda: x(2, 3).reshape(4, 2), ShapeError, "shape '[4, 2]' is invalid for input of size 6"),
    "index": (lambda: x(2, 3)[5], IndexError, "index 5 is out of bounds for dimension 0 with size 2"),
    "index tensor": (lambda: x(2, 3)[labels(0, 2)], IndexError, "index 2 is out of bounds for dimension 0 with size 2"),
    "dimension": (
        lambda: x(2, 3).sum(2), IndexError, "Dimension out of range (expected to be in range of [-2, 1], but got 2)",
    ),
    "softmax integers": (
        lambda: F.softmax(labels(1, 2), 0), DtypeError, "softmax: input has dtype torch.int64; it must be float",
    ),
    "where": (
        lambda: torch.where(labels(1), x(1), x(1)), DtypeError,
        "where expected condition to be a boolean tensor, but got a tensor with dtype torch.int64",
    ),
    "truth of many": (lambda: bool(x(3)), ShapeError, "Boolean value of Tensor with shape (3,) is ambiguous"),
    "item of many": (lambda: x(3).item(), ShapeError, "a Tensor with 3 elements cannot be converted to Scalar"),
    "ragged": (lambda: torch.tensor([[1, 2], [3]]), ValueError, "expected sequence of length 2 at dim 1 (got 1)"),
}

LOSSES = {
    name: (
        lambda name=name: getattr(F, name)(x(2, 3), x(3, 2)), ShapeError,
        f"{name}: shapes (2, 3) and (3, 2) do not broadcast; dimension -1 has extents 2 and 3",
    )
    for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
} | {
    "mse integers": (
        lambda: F.mse_loss(labels(1), labels(1)), DtypeError,
        "mse_loss: input is torch.int64 and target is torch.int64; one of them must be float",
    ),
    "not a tensor": (
        lambda: F.mse_loss(x(2), [1.0, 2.0]), TypeError, "mse_loss(): argument 'target' must be Tensor, not list",
    ),
    "reduction": (
        lambda: F.cross_entropy(x(3, 4), labels(0, 1, 2), reduction="avg"), ValueError,
        "cross_entropy: 'avg' is not a valid value for reduction; it must be one of 'none', 'mean', 'sum'",
    ),
    "bce shapes": (
        lambda: F.binary_cross_entropy(x(2, 1), x(2)), ValueError,
        "Using a target size (torch.Size([2])) that is different to the input size (torch.Size([2, 1]))",
    ),
    "bce logits shapes": (
        lambda: F.binary_cross_entropy_with_logits(x(2, 1), x(2)), ValueError,
        "Target size (torch.Size([2])) must be the same as input size (torch.Size([2, 1]))",
    ),
    "bce labels": (
        lambda: F.binary_cross_entropy(x(2), labels(0, 1)), DtypeError,
        "binary_cross_entropy: found dtype torch.int64 of target and torch.float32 of input; "
        "both must be the same float dtype",
    ),
    "bce range": (
        lambda: F.binary_cross_entropy(torch.tensor([[0.5, 1.5]]), x(1, 2)), RuntimeError,
        "binary_cross_entropy: all elements of input should be between 0 and 1, input[(0, 1)] is 1.5",
    ),
    "label too large": (
        lambda: F.cross_entropy(x(3, 4), labels(0, 4, 1)), IndexError,
        "cross_entropy: Target 4 is out of bounds: target[1] is 4 but input has 4 classes (shape (3, 4)); "
        "labels must be in [0, 3] or ignore_index -100",
    ),
    "label negative": (
        lambda: F.cross_entropy(x(3, 4), labels(0, 1, -1)), IndexError,
        "cross_entropy: Target -1 is out of bounds: target[2] is -1",
    ),
    "label of a pixel": (
        lambda: F.cross_entropy(x(1, 2, 2, 2), labels([[0, 1], [2, 0]])), IndexError, "target[0, 1, 0] is 2",
    ),
    "label nll": (
        lambda: F.nll_loss(x(3, 4), labels(0, 4, 1)), IndexError, "nll_loss: Target 4 is out of bounds: target[1] is 4",
    ),
    "number of labels": (
        lambda: F.cross_entropy(x(3, 4), labels(0, 1)), ValueError,
        "cross_entropy: Expected target size [3], got [2]: input has shape (3, 4)",
    ),
    "float labels": (
        lambda: F.cross_entropy(x(3, 4), x(3)), DtypeError,
        "cross_entropy: expected scalar type Long of target but found torch.float32; class labels must be int64",
    ),
    "integer probabilities": (
        lambda: F.cross_entropy(x(3, 4), torch.ones(3, 4, dtype=torch.int64)), DtypeError,
        "cross_entropy: Expected floating point type for target with class probabilities, got torch.int64",
    ),
    "class weights": (
        lambda: F.cross_entropy(x(3, 4), labels(0, 1, 2), weight=torch.ones(3)), ShapeError,
        "cross_entropy: weight tensor should be defined either for all 4 classes or no classes but got weight tensor "
        "of shape (3,)",
    ),
}


@pytest.mark.parametrize(
    ("run", "error", "message"), [pytest.param(*case, id=name) for name, case in (LAYERS | OPERANDS | LOSSES).items()]
)
def test_the_error_names_op_operands_and_rule(run, error, message):
    with warnings.catch_warnings(), pytest.raises(error) as caught:
        warnings.simplefilter("ignore")
        run()
    assert message in str(caught.value)


@pytest.mark.parametrize("loss", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"])
def test_broadcasting_in_a_loss_warns(loss):
    with pytest.warns(UserWarning, match=r"target size \(torch.Size\(\[4\]\)\) that is different to the input size"):
        assert getattr(F, loss)(x(4, 1), x(4)).ndim == 0


# ---- empty batches ----


def make_net():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.AvgPool2d(1), nn.Flatten(),
        nn.LayerNorm(36), nn.Dropout(0.5), nn.Linear(36, 5), nn.GELU(), nn.Softmax(dim=1),
    )


def test_an_empty_batch_gives_an_empty_result():
    net = make_net().eval()
    y = net(torch.zeros(0, 1, 8, 8))
    assert y.shape == (0, 5)
    y.sum().backward()
    assert all(p.grad is not None and bool((p.grad == 0).all()) for p in net.parameters())


@pytest.mark.parametrize(("loss", "target"), [
    ("mse_loss", torch.zeros(0, 4)), ("l1_loss", torch.zeros(0, 4)), ("huber_loss", torch.zeros(0, 4)),
    ("binary_cross_entropy", torch.zeros(0, 4)), ("binary_cross_entropy_with_logits", torch.zeros(0, 4)),
    ("cross_entropy", torch.zeros(0, dtype=torch.int64)), ("nll_loss", torch.zeros(0, dtype=torch.int64)),
])
def test_the_mean_loss_of_nothing_is_nan_and_the_sum_is_0(loss, target):
    empty = torch.zeros(0, 4, requires_grad=True)
    mean = getattr(F, loss)(empty, target)
    assert math.isnan(mean.item())
    mean.backward()
    assert empty.grad.shape == (0, 4)
    assert getattr(F, loss)(empty, target, reduction="sum").item() == 0.0


# ---- NaN ----


def test_nan_in_the_data_reaches_the_loss_and_the_gradients():
    net = make_net()[:-1]
    data = x(4, 1, 8, 8)
    data[1, 0, 3, 3] = math.nan
    loss = F.cross_entropy(net(data), labels(0, 1, 2, 0))
    assert math.isnan(loss.item())
    loss.backward()
    assert bool(net[0].weight.grad.isnan().any())


@pytest.mark.parametrize("name", [
    "relu", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "sigmoid", "tanh", "softplus", "hardtanh",
    "relu6", "logsigmoid", "softsign", "hardsigmoid", "hardswish",
])
def test_no_activation_hides_nan(name):
    y = getattr(F, name)(torch.tensor([math.nan, 1.0] * 20))
    assert y.isnan().tolist() == [True, False] * 20


@pytest.mark.parametrize("op", [
    lambda a: F.max_pool2d(a, 2), lambda a: F.avg_pool2d(a, 2), lambda a: F.softmax(a, -1), lambda a: a.amax(-1),
    lambda a: a.max(-1).values, lambda a: a.min(), lambda a: a.sum(-1), lambda a: a.clamp(0, 1), lambda a: a.median(),
    lambda a: F.interpolate(a, scale_factor=2), lambda a: torch.maximum(a, torch.zeros(1)), lambda a: a.sort(-1).values,
    lambda a: a.norm(), lambda a: F.mse_loss(a, a * 0), lambda a: F.huber_loss(a, torch.zeros(1, 1, 2, 2)),
    lambda a: F.smooth_l1_loss(a, torch.zeros(1, 1, 2, 2)), lambda a: F.l1_loss(a, torch.zeros(1, 1, 2, 2)),
])
def test_no_op_hides_nan(op):
    assert bool(op(torch.tensor([[[[1.0, math.nan], [0.0, 2.0]]]])).isnan().any())


def test_anomaly_mode_names_the_op_that_made_nan():
    a = torch.zeros(2, requires_grad=True)
    with warnings.catch_warnings(), torch.autograd.set_detect_anomaly(True):
        warnings.simplefilter("error")
        loss = (a * 0).sqrt().sum()
        with pytest.raises(GradientError, match=r"'MulBackward0' returned nan.*test_bad_input.*sqrt\(\)\.sum\(\)"):
            loss.backward()
    with torch.autograd.set_detect_anomaly(True), pytest.warns(UserWarning, match=r"Log returned nan .* \(a - 1\)"):
        (a - 1).log()


# ---- in place ----


def test_a_leaf_is_not_changed_in_place():
    w = x(3).requires_grad_()
    for change in (lambda: w.add_(1), lambda: w.__iadd__(1), lambda: w.__setitem__(0, 1.0), lambda: w.zero_()):
        with pytest.raises(InPlaceError, match=r"leaf Variable that requires grad .* inside torch.no_grad\(\)"):
            change()
    with torch.no_grad():
        w.add_(1)


def test_what_backward_needs_is_not_changed_in_place():
    w = x(3).requires_grad_()
    y = w * 2
    z = y.exp()
    z += 1
    with pytest.raises(GradientError, match="modified by an inplace operation: backward of Exp needs a tensor"):
        z.sum().backward()
    y = w * 2
    z = (y * y).sum()
    y.mul_(2)
    with pytest.raises(GradientError, match="backward of Mul needs a tensor that was changed in place after Mul had"):
        z.backward()
    data = x(2, 3)
    y = F.linear(data, x(4, 3).requires_grad_())
    data[0] = 0
    with pytest.raises(GradientError, match="backward of Linear needs"):
        y.sum().backward()


def test_what_no_gradient_goes_through_is_not_changed_in_place():
    y = x(3).requires_grad_() * 2
    with pytest.raises(InPlaceError, match="add_: .*view of a tensor that requires grad is not followed"):
        y[0:1].add_(1)
    with pytest.raises(InPlaceError, match=r"more than one element .* refers to a single memory location.*clone\(\)"):
        torch.zeros(1, 3).expand(2, 3).add_(1)
    with pytest.raises(ShapeError, match=r"add_: output with shape \[3\] doesn't match the broadcast shape \[2, 3\]"):
        torch.zeros(3).add_(torch.zeros(2, 3))
    with pytest.raises(DtypeError, match=r"add_: result type torch.float32 can't be cast to .* torch.int64"):
        torch.zeros(3, dtype=torch.int64).add_(0.5)


# ---- backward ----


def test_backward_twice_needs_retain_graph():
    w = x(3).requires_grad_()
    loss = (w * w).sum()
    loss.backward()
    with pytest.raises(GradientError, match="backward through the graph a second time.*retain_graph=True"):
        loss.backward()
    loss = (w * w).sum()
    w.grad = None
    loss.backward(retain_graph=True)
    loss.backward()
    np.testing.assert_allclose(w.grad.numpy(), 4 * w.detach().numpy(), rtol=1e-6)


def test_backward_begins_at_a_scalar_that_requires_grad():
    w = x(3).requires_grad_()
    with pytest.raises(GradientError, match=r"implicitly created only for scalar outputs.*shape \(3,\); reduce it"):
        (w * 2).backward()
    with pytest.raises(ShapeError, match=r"gradient has shape \(2,\) but the tensor has shape \(3,\)"):
        (w * 2).backward(torch.ones(2))
    with pytest.raises(GradientError, match="does not require grad and does not have a grad_fn"):
        torch.ones(1).backward()
    with pytest.raises(GradientError, match="create_graph=True is not available"):
        (w * w).sum().backward(create_graph=True)
    with pytest.raises(GradientError, match="input 0 was not used in the graph.*allow_unused=True"):
        torch.autograd.grad((w * 2).sum(), x(3).requires_grad_())
    with pytest.raises(GradientError, match="only Tensors of floating point dtype can require gradients.*int64"):
        labels(1).requires_grad_()
    with pytest.raises(GradientError, match=r"Use tensor.detach\(\).numpy\(\)"):
        w.numpy()


def test_mixed_dtypes_promote_where_pytorch_promotes():
    assert (x(2) + x(2).double()).dtype is torch.float64
    assert (labels(1) + x(1)).dtype is torch.float32
    assert (torch.ones(1, dtype=torch.uint8) * labels(2)).dtype is torch.int64
    assert (x(2).double() * torch.tensor(2.0)).dtype is torch.float64
    assert F.mse_loss(x(2), x(2).double()).dtype is torch.float64
