"""What observers are called for, and what is kept for them."""

import numpy as np
import pytest

import engine as torch
from engine import nn, trace
from engine.errors import GradientError


@pytest.fixture
def observed():
    """Attaches an observer of a class."""
    before = trace.observer

    def attach(kind):
        made = kind()
        trace.set_observer(made)
        return made

    yield attach
    trace.set_observer(before)


def test_an_observer_that_does_not_run_ops_is_not_asked_to(observed):
    class Counts(trace.Observer):
        watches = frozenset({"forward"})
        runs = False
        ops = 0

        def run_forward(self, function, inputs):
            raise AssertionError("it was asked to run an op")

        def after_forward(self, function, inputs, outputs):
            self.ops += 1

    counts = observed(Counts)
    assert trace.on_run is None
    x = torch.ones(3)
    (x * 2 + 1).sum()
    assert counts.ops == 3


class LooksBack(trace.Observer):
    watches = frozenset({"pass"})
    looks_back = True
    saved = ()

    def begin_backward(self, roots, seeds):
        self.roots, self.seeds = roots, seeds

    def end_backward(self, roots):
        function = roots[0]._function
        self.released = function.released
        self.again = function.backward(self.seeds[0]._array if self.seeds[0] is not None else torch.ones(())._array)


def test_what_was_saved_is_there_until_the_pass_has_ended_and_gone_then(observed):
    looks = observed(LooksBack)
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    seed = torch.tensor([1.0, 10.0])
    y.backward(seed)
    assert not looks.released and looks.seeds == (seed,)
    assert looks.again[0].tolist() == [1.0, 20.0]
    assert x.grad.tolist() == [2.0, 40.0]
    with pytest.raises(GradientError, match="second time"):
        y.backward(seed)


def test_what_was_saved_is_gone_after_an_error_too(observed):
    observed(LooksBack)
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).sum()
    x.register_hook(lambda gradient: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        y.backward()
    # The sum had run backward before the error: what it had saved is freed, as without an observer.
    with pytest.raises(GradientError, match="second time"):
        y.backward()


def test_with_retain_graph_it_stays(observed):
    observed(LooksBack)
    x = torch.tensor([3.0], requires_grad=True)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 12.0


def test_a_run_is_the_same_whoever_looks(observed):
    def gradients():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 2))
        model(torch.randn(5, 4)).square().mean().backward()
        return [p.grad.tolist() for p in model.parameters()]

    alone = gradients()
    observed(LooksBack)
    assert gradients() == alone


class Defers(trace.Observer):
    watches = frozenset({"forward", "pass"})
    runs = False
    defers = True

    def __init__(self):
        self.told = []

    def after_forward(self, function, inputs, outputs):
        trace.tell()
        self.told.append(function.name)

    def after_forwards(self, ops):
        self.told.append([function.name for function, _, _ in ops])

    def begin_backward(self, roots, seeds):
        trace.tell()
        self.told.append("backward")


def test_ops_on_the_tape_wait_and_others_and_losses_do_not(observed):
    defers = observed(Defers)
    x = torch.ones(3, requires_grad=True)
    y = (x * 2 + 1).relu()
    assert defers.told == []
    torch.ones(2) + 1
    assert defers.told == [["Mul", "Add", "Relu"], "Add"]
    loss = nn.functional.mse_loss(y * 3, torch.ones(3))
    assert defers.told[2:] == [["Mul"], "MseLoss"]
    (loss * 2).backward()
    assert defers.told[4:] == [["Mul"], "backward"]
    torch.neg(x)
    trace.tell_at_once()
    torch.abs(x)
    assert defers.told[6:] == [["Neg"], "Abs"]


def test_what_counts_right_predictions_waits_too_where_it_is_small(observed):
    defers = observed(Defers)
    logits, labels = torch.randn(8, 3), torch.zeros(8, dtype=torch.int64)
    right = (logits.argmax(1) == labels).sum()
    assert defers.told == []
    trace.tell()
    assert defers.told == [["Argmax", "Eq", "Sum"]]
    torch.zeros(1 << 14).sum()
    assert defers.told[1:] == []
    torch.zeros((1 << 14) + 1).sum()  # it would keep its input, which is free otherwise
    assert defers.told[1:] == [["Sum"], "Sum"]
    assert 0 <= right.item() <= 8


def test_only_so_many_ops_wait_and_those_that_do_are_told_of_to_who_heard_them(observed):
    defers = observed(Defers)
    x = torch.ones(1, requires_grad=True)
    for _ in range(trace.MOST_UNTOLD + 1):
        x = x + 1
    assert defers.told == [["Add"] * trace.MOST_UNTOLD, "Add"]
    x * 2
    trace.set_observer(None)
    assert defers.told[2:] == [["Mul"]] and trace.untold == []
    x * 2
    assert trace.untold == []


def test_backward_of_an_op_that_stays_finite_makes_nothing_infinite_out_of_zeros():
    """Where slopes are infinite or unknown, at 0, is the place that tells the ops apart."""
    z = lambda *shape: torch.zeros(shape, requires_grad=True)  # noqa: E731
    f, labels = nn.functional, torch.zeros(2, dtype=torch.int64)
    calls = {
        "Linear": lambda x: f.linear(x, z(3, 4), z(3)), "Mul": lambda x: x * z(2, 4), "Sub": lambda x: x - z(4),
        "Convolution": lambda x: f.conv2d(x.view(1, 1, 2, 4), z(1, 1, 2, 2)), "Softmax": lambda x: x.softmax(1),
        "MaxPool2d": lambda x: f.max_pool2d(x.view(1, 1, 2, 4), 2), "NativeLayerNorm": lambda x: f.layer_norm(x, (4,)),
        "NativeBatchNorm": lambda x: f.batch_norm(x, None, None, training=True), "LogSoftmax": lambda x: x.log_softmax(1),
        "Mm": lambda x: x @ z(4, 2), "Mean": lambda x: x.mean(), "CrossEntropy": lambda x: f.cross_entropy(x, labels),
        "SmoothL1Loss": lambda x: f.smooth_l1_loss(x, torch.zeros(2, 4)), "Elu": f.elu, "Softplus": f.softplus,
        "LogSigmoid": f.logsigmoid, "Gelu": f.gelu, "Mish": f.mish, "Softsign": f.softsign,
        "Cat": lambda x: torch.cat([x, x]),
    }  # fmt: skip
    for name, call in calls.items():
        x = z(2, 4)
        y = call(x)
        assert y.grad_fn.name == name
        assert y.grad_fn.stays_finite, name
        y.backward(torch.ones_like(y))
        assert torch.isfinite(x.grad).all(), name
    for risky in (torch.sqrt, torch.log, torch.reciprocal, lambda x: x**0.5, lambda x: x / x, lambda x: x.norm()):
        assert not risky(z(2)).grad_fn.stays_finite


@pytest.mark.parametrize("op", [
    lambda a: -a, lambda a: a * 3, lambda a: a / 2, lambda a: 2 / a, lambda a: a**3, lambda a: a.sqrt(), lambda a: a.exp(),
    lambda a: a.log(), lambda a: a.abs(), lambda a: a.clamp(0, 1), lambda a: 1 - a, lambda a: a.norm(), lambda a: a.sin(),
])  # fmt: skip
def test_the_gradient_of_a_scalar_is_an_array(observed, op):
    class Sees(trace.Observer):
        watches = frozenset({"backward"})
        runs = False

        def __init__(self):
            self.gradients = []

        def after_backward(self, function, gradients, input_gradients):
            self.gradients += [g for g in (*gradients, *input_gradients) if g is not None]

    sees = observed(Sees)
    x = torch.tensor(1.5, requires_grad=True)
    (op(x) * 0.5).backward()
    assert len(sees.gradients) >= 4
    assert all(isinstance(gradient, np.ndarray) for gradient in sees.gradients)
