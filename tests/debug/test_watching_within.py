"""Watching that begins in the middle of a module's call: a script that ran freely is paused there."""

import sys

import pytest

import engine as torch
from engine import nn, trace
from engine.debug import stepping
from engine.debug.debugger import Debugger
from engine.debug.replay.recorder import Recorder


class Inner(nn.Module):
    def __init__(self, begin):
        super().__init__()
        self.begin, self.last = begin, nn.Linear(2, 2)

    def forward(self, x):
        y = torch.relu(x)
        self.begin(sys._getframe())
        return self.last(torch.tanh(y))


class Net(nn.Module):
    def __init__(self, begin):
        super().__init__()
        self.inner = Inner(begin)

    def forward(self, x):
        return torch.sigmoid(self.inner(x))


@pytest.fixture
def debugger():
    """One that lets everything run, and steps over ops once it has been told to watch."""
    made = Debugger(Recorder(None), lambda stop: stepping.Plan(stepping.over("op", stop.event)), lambda: None)
    made.plan = stepping.running()
    tracer = sys.gettrace()
    made.attach()
    yield made
    made.detach()
    trace.set_observer(None)
    sys.settrace(tracer)


def begin_in(debugger):
    def begin(frame):
        if not debugger.watching:
            debugger.plan = stepping.pause()
            debugger.watch_from(frame)

    return begin


def seen(debugger):
    return [(event.name, event.module, event.depth) for event in list(debugger.history) if event.kind == "forward"]


def test_ops_are_known_by_the_modules_that_were_entered_before(debugger):
    net = Net(begin_in(debugger))
    torch.exp(net(torch.ones(3, 2)))
    assert seen(debugger) == [
        ("Tanh", "inner", 2), ("Linear", "inner.last", 3), ("Sigmoid", "Net", 1), ("Exp", "", 0),
    ]  # fmt: skip


def test_a_module_that_an_exception_leaves_is_left(debugger):
    net = Net(begin_in(debugger))
    with pytest.raises(ValueError, match="shape|size|features"):
        net(torch.ones(3, 5))
    torch.exp(torch.ones(2))
    assert seen(debugger) == [("Tanh", "inner", 2), ("Exp", "", 0)]


def test_what_is_called_next_is_entered_and_left_as_ever(debugger):
    net = Net(begin_in(debugger))
    net(torch.ones(3, 2))
    before = len(seen(debugger))
    net(torch.ones(3, 2))
    assert [module for _, module, _ in seen(debugger)[before:]] == ["inner", "inner", "inner.last", "Net"]
