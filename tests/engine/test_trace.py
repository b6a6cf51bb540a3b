"""What observers are called for, and what is kept for them."""

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
