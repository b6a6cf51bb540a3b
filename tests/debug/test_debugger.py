"""Stepping, levels and positions, without a socket."""

import sys

import numpy as np
import pytest

import engine as torch
from engine import nn, trace
from engine.cache import cache_folder
from engine.debug.events import Position
from engine.debug.replay.recorder import Recorder
from engine.kernels import written
from tests.debug.stepped import Stepper, into, out, over, run_on, small_training


def kinds(stepper):
    return [(stop.event.kind, stop.event.name) for stop in stepper.stops]


def test_lines_are_stepped_as_in_pdb():
    stepper = Stepper(lambda: small_training(1), [over("line")] * 8)
    lines = [stop.event.line for stop in stepper.stops if stop.event.name == "small_training"]
    assert [line - lines[0] for line in lines[:5]] == [0, 1, 2, 3, 4]


def test_a_kernel_written_on_the_way_has_no_lines_of_the_user_s():
    name, value = "of_a_test", 0

    def run():
        nonlocal value
        value = written.load(name, "value = 1\n").value
        value += 1

    path = cache_folder() / "derived" / f"{name}.py"
    try:
        stepper = Stepper(run, [into("line")] * 4, entry="run")
        assert value == 2
        files = {stop.event.file for stop in stepper.stops if stop.event.kind == "line"}
        assert __file__ in files and str(path) not in files
    finally:
        sys.modules.pop(f"engine.kernels.derived.{name}", None)
        path.unlink()


def test_ops_are_stepped_forward_backward_and_through_the_update():
    stepper = Stepper(small_training, [over("op")] * 14)
    names = [(stop.event.direction, stop.event.name) for stop in stepper.stops[1:15]]
    assert names == [
        ("forward", "Linear"), ("forward", "Tanh"), ("forward", "Linear"), ("forward", "MseLoss"),
        ("backward", "MseLoss"), ("backward", "Linear"), ("backward", "Tanh"), ("backward", "Linear"),
        ("update", "SGD"), ("update", "SGD"), ("update", "SGD"), ("update", "SGD"),
        ("forward", "Linear"), ("forward", "Tanh"),
    ]  # fmt: skip


def test_backward_events_name_the_module_and_the_line_of_the_forward():
    stepper = Stepper(small_training, [over("op")] * 9)
    backward = [stop.event for stop in stepper.stops if stop.event.kind == "backward"]
    assert [event.module for event in backward] == ["", "2", "1", "0"]
    for event in backward:
        assert event.origin is not None and event.origin[1] == event.line - 1


def test_updates_name_the_parameter():
    stepper = Stepper(small_training, [over("op")] * 13)
    assert [s.event.details["parameter"] for s in stepper.stops if s.event.kind == "update"] == [
        "0.weight", "0.bias", "2.weight", "2.bias",
    ]  # fmt: skip


def test_modules_over_into_and_out():
    stepper = Stepper(small_training, [over("module"), into("module"), out("module"), over("module")])
    events = [(s.event.kind, s.event.module, s.event.depth) for s in stepper.stops[1:]]
    # Over from outside of any module: the first child would be inside, so the whole network's end.
    assert events[0] == ("exit", "Sequential", 0)
    assert events[1][0] in ("enter", "exit", "forward", "backward")


def test_batches_with_a_loader_and_without():
    with_loader = Stepper(lambda: small_training(loader=True), [over("batch")] * 9)
    assert [s.event.batch for s in with_loader.stops[1:]] == [0, 1, 2]
    assert all(s.event.name == "batches" for s in with_loader.stops[1:])
    without = Stepper(lambda: small_training(3), [over("batch")] * 9)
    assert [s.event.step for s in without.stops[1:]] == [1, 2, 3]


def test_epochs():
    stepper = Stepper(lambda: small_training(loader=True), [over("epoch")])
    assert stepper.stops[1].event.kind == "epoch"


def test_ticks_are_the_same_however_closely_one_looks():
    lean = Recorder(None)
    before = trace.set_observer(lean)
    small_training(loader=True)
    trace.set_observer(before)
    full = Stepper(lambda: small_training(loader=True), [over("op")] * 1000).debugger
    assert full.recorder.tick == lean.tick
    assert list(full.recorder.tape.codes) == list(lean.tape.codes)


def test_positions_ascend_and_are_those_of_every_run():
    runs = [Stepper(small_training, [over("op")] * 1000).debugger.history for _ in range(2)]
    first, second = ([event.position for event in history] for history in runs)
    assert first == second
    assert first == sorted(first)
    assert len(set(first)) == len(first)


def test_a_position_has_a_short_form():
    assert str(Position(3)) == "3"
    assert str(Position(3, 1, 2)) == "3.1.2"


def test_history_keeps_what_is_overwritten_later():
    """Every array in the window is what it was when its event happened."""
    seen = []
    stepper = Stepper(lambda: small_training(4), [remember(seen)] * 1000)
    history = {event.seq: event for event in stepper.debugger.history}
    assert len(seen) > 40
    changed = 0
    for seq, copies in seen:
        for name, copy in copies.items():
            now = history[seq].arrays[name]
            np.testing.assert_array_equal(now, copy, err_msg=f"{history[seq].kind} {history[seq].name} {name}")
            changed += 1
    assert changed > 100


def remember(seen):
    def step(stop):
        arrays = {name: a.copy() for name, a in stop.event.arrays.items() if isinstance(a, np.ndarray)}
        seen.append((stop.event.seq, arrays))
        return over("op")(stop)

    return step


def test_history_stays_within_its_budget():
    def train():
        torch.manual_seed(0)
        layer = nn.Linear(100, 100)
        optimizer = torch.optim.Adam(layer.parameters())
        for _ in range(60):
            optimizer.zero_grad()
            layer(torch.randn(10, 100)).square().mean().backward()
            optimizer.step()

    budget = 2 << 20
    largest = 0

    def step(stop):
        nonlocal largest
        stepper_history[0] = stop
        largest = max(largest, bytes_of(debugger_of(stop)))
        return over("op")(stop)

    stepper_history = [None]
    debuggers = []

    def debugger_of(stop):
        return debuggers[0].history

    def bytes_of(history):
        arrays = {}
        for event in history:
            holders = [event.arrays] + ([event.function.__dict__] if event.function is not None else [])
            for holder in holders:
                for value in holder.values():
                    if isinstance(value, np.ndarray):
                        arrays[id(value)] = value.nbytes
        assert sum(arrays.values()) == history.bytes
        return history.bytes

    class Small(Stepper):
        def _wait(self, stop):
            if not debuggers:
                debuggers.append(self.debugger)
                self.debugger.history.budget = budget
            return super()._wait(stop)

    Small(train, [step] * 2000, "train")
    assert budget // 2 < largest <= budget


def test_running_free_makes_no_events():
    stepper = Stepper(small_training, [run_on])
    assert len(stepper.stops) == 1
    assert not stepper.debugger.watching


def test_without_an_observer_nothing_is_left_behind():
    Stepper(small_training, [over("op")] * 5)
    assert trace.observer is None
    assert all(getattr(trace, f"on_{group}") is None for group in trace.GROUPS)


@pytest.mark.parametrize("level", ["epoch", "batch", "line", "module", "op"])
def test_stepping_changes_nothing(level):
    weights = []

    def train():
        torch.manual_seed(1)
        model = nn.Linear(3, 2)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
        for _ in range(5):
            optimizer.zero_grad()
            nn.functional.dropout(model(torch.randn(4, 3)), 0.5).square().sum().backward()
            optimizer.step()
        weights.append(model.weight.detach().numpy().copy())

    train()
    Stepper(train, [over(level)] * 1000, "train")
    np.testing.assert_array_equal(weights[0], weights[1])


def test_a_listener_that_fails_is_dropped_and_the_script_goes_on():
    class Broken(trace.Observer):
        def end_step(self, optimizer):
            raise KeyError("nothing")

    told = []

    def train():
        small_training(3)

    class WithListener(Stepper):
        def _wait(self, stop):
            if not self.stops:
                self.debugger.listen(Broken(), lambda listener, error: told.append(error))
            return super()._wait(stop)

    stepper = WithListener(train, [over("batch")] * 10)
    assert [stop.event.step for stop in stepper.stops[1:]] == [1, 2, 3]
    assert len(told) == 1
    assert stepper.debugger.listeners == []
