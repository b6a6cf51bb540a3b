"""A debugger without a socket, for tests: a function trains, and a list of steps says where it is to stop."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

import engine as torch
from engine import nn, trace
from engine.debug import stepping
from engine.debug.debugger import Debugger
from engine.debug.replay.recorder import Recorder
from engine.debug.stops import Stop
from engine.utils.data import DataLoader, TensorDataset

Step = Callable[[Stop], stepping.Plan]


def over(level: str) -> Step:
    """A step over on ``level`` from wherever the script stands."""
    return lambda stop: stepping.Plan(stepping.over(level, stop.event))


def into(level: str) -> Step:
    return lambda stop: stepping.Plan(stepping.into(level))


def out(level: str) -> Step:
    return lambda stop: stepping.Plan(stepping.out(level, stop.event))


def run_on(stop: Stop) -> stepping.Plan:
    return stepping.running()


class Stepper:
    """Runs ``train`` under a debugger that stops at the first line of ``entry``, then as ``steps`` say, then not again.

    Attributes:
        debugger: with its history.
        stops: all stops, in order.
    """

    def __init__(self, train: Callable[[], object], steps: Iterable[Step] = (), entry: str = "small_training") -> None:
        self.stops: list[Stop] = []
        self.debugger = Debugger(Recorder(None), self._wait, lambda: None)
        self._steps = iter(steps)
        self.debugger.plan = stepping.Plan(lambda event: event.kind == "line" and event.name == entry, "entry")
        tracer = sys.gettrace()
        try:
            self.debugger.attach()
            train()
        finally:
            self.debugger.detach()
            trace.set_observer(None)
            sys.settrace(tracer)

    def _wait(self, stop: Stop) -> stepping.Plan:
        self.stops.append(stop)
        return next(self._steps, run_on)(stop)


def small_training(steps: int = 3, *, loader: bool = False, hidden: int = 4) -> None:
    """A 2-4-1 network with SGD and momentum on six points."""
    torch.manual_seed(0)
    x, y = torch.randn(6, 2), torch.randn(6, 1)
    model = nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    batches = DataLoader(TensorDataset(x, y), batch_size=2) if loader else [(x, y)] * steps
    for inputs, targets in batches:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(inputs), targets)
        loss.backward()
        optimizer.step()
