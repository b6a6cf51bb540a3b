"""Those who listen beside the recorder hear each op once."""

import pytest

import engine as torch
from engine import trace
from engine.debug.listeners import guarded, lean
from engine.debug.replay.recorder import Recorder


class Heard(trace.Observer):
    watches = frozenset({"forward", "backward"})

    def __init__(self):
        self.calls = []


class After(Heard):
    def after_forward(self, function, inputs, outputs):
        self.calls.append(("after forward", function.name))

    def after_backward(self, function, gradients, input_gradients):
        self.calls.append(("after backward", function.name))


class Around(After):
    def before_forward(self, function, inputs):
        self.calls.append(("before forward", function.name))

    def before_backward(self, function, gradients):
        self.calls.append(("before backward", function.name))


class BeforeBackward(After):
    def before_backward(self, function, gradients):
        self.calls.append(("before backward", function.name))


class Computing(Recorder):
    """One that computes ops itself, as that of a replay does while it skips."""

    runs = True

    def run_backward(self, function, gradients):
        return function.backward(*gradients)


@pytest.mark.parametrize("recorder", [Recorder, Computing])
@pytest.mark.parametrize("kind", [After, BeforeBackward, Around])
def test_each_call_comes_once(kind, recorder):
    failed, listener = [], kind()
    trace.set_observer(lean(recorder(), [guarded(listener, lambda *error: failed.append(error))]))
    try:
        x = torch.ones(3, requires_grad=True)
        (x * 2).sum().backward()
    finally:
        trace.set_observer(None)
    forward = ["before forward"] * (kind is Around) + ["after forward"]
    backward = ["before backward"] * (kind is not After) + ["after backward"]
    wanted = [(call, name) for name in ("Mul", "Sum") for call in forward]
    wanted += [(call, name) for name in ("Sum", "Mul") for call in backward]
    assert not failed and listener.calls == wanted


class Waits(After):
    can_wait = True


def test_ops_that_wait_beside_the_tape_end_no_step():
    """Without an optimizer the next op on the tape ends the step; what counts right predictions before it does not."""
    recorder = Recorder()
    trace.set_observer(lean(recorder, [guarded(Waits(), lambda *error: None)]))
    try:
        w, x = torch.ones(3, requires_grad=True), torch.ones(3)
        for step in range(3):
            (w * x).sum().backward()
            (x == 1).sum()
            assert recorder.steps == step and len(trace.untold) == 2
            trace.tell()
            assert recorder.steps == step
    finally:
        trace.set_observer(None)
