"""The debugger on the GPU: events, explanations, statistics, edits and time travel of a 2-2-1 network."""

import sys

import numpy as np
import pytest

import engine as torch
from engine import nn, trace
from engine.debug import stepping
from engine.debug.debugger import Debugger
from engine.debug.diagnostics.observer import Diagnostics
from engine.debug.edits import apply_edits
from engine.debug.explain.element import explain
from engine.debug.explain.kernel_step import ElementSteps
from engine.debug.listeners import lean
from engine.debug.live.live import Live
from engine.debug.live.outbox import finished
from engine.debug.live.views import Subscription, View
from engine.debug.memory import on_cpu
from engine.debug.references import References
from engine.debug.replay.recorder import Recorder
from engine.debug.server import RequestFailedError
from engine.debug.statistics.observer import Statistics, summarize
from engine.debug.views import arrays
from engine.debug.views.grid import evaluate_grid
from engine.debug.views.texts import text
from engine.debug.watching import Watcher
from engine.device.cuda_array import CudaArray, from_host
from engine.errors import DeviceError


class Watched(Debugger):
    """A debugger that notes its stops and goes on."""

    def __init__(self):
        self.stops = []
        super().__init__(Recorder(None), self._note, lambda: None)
        self.plan = stepping.Plan(lambda event: False)

    def _note(self, stop):
        self.stops.append(stop)
        return stepping.Plan(lambda event: False)

    def watch(self, run):
        tracer = sys.gettrace()
        try:
            self.attach()
            run()
        finally:
            self.detach()
            trace.set_observer(None)
            sys.settrace(tracer)
        return list(self.history)


class Silent(Watcher):
    """Makes events, and stops nowhere."""

    def consider(self, event, frame):
        pass


def train(steps=1, device="cuda", scale=1.0):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1)).to(device)
    x = torch.tensor([[0.5, -1.0], [2.0, 0.25]]).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (model(x * scale) ** 2).mean()
        loss.backward()
        optimizer.step()
    return model


@pytest.fixture(scope="module")
def watched():
    debugger = Watched()
    debugger.watch(train)
    return debugger


def event_of(debugger, kind, name, number=0):
    return [e for e in debugger.history if e.kind == kind and e.name == name][number]


@pytest.mark.parametrize(
    ("kind", "op", "name", "index"),
    [
        ("forward", "Linear", "y", (1, 0)), ("forward", "Tanh", "y", (0, 1)), ("backward", "Linear", "dw", (0, 1)),
        ("backward", "Linear", "db", (0,)), ("update", "SGD", "w_new", (0, 0)),
    ],
)  # fmt: skip
def test_explanations_agree_with_the_kernels(watched, kind, op, name, index):
    event = event_of(watched, kind, op)
    found = explain(event, name, index)
    assert type(event.arrays[name]) is CudaArray
    kept = on_cpu(event.arrays[name])
    assert found.agrees and found.contributors and found.actual == kept[index if kind != "update" else 0]


def test_a_parameter_s_history_is_what_it_was(watched):
    first, update = event_of(watched, "forward", "Linear"), event_of(watched, "update", "SGD")
    assert first.labels["w"] == "0.weight" == update.details["parameter"]
    before, after = on_cpu(first.arrays["w"]), on_cpu(update.arrays["w_new"]).reshape(2, 2)
    np.testing.assert_allclose(after, before - 0.1 * on_cpu(update.arrays["dw"]).reshape(2, 2), rtol=1e-6)
    assert (before != after).any()
    assert watched.history.bytes > 0


def test_the_thread_of_an_element(watched):
    product = explain(event_of(watched, "forward", "Linear"), "y", (1, 0)).launch
    assert product["kernel"] == "naive" and product["threadIdx"] == [0, 1, 0] and product["gridDim"] == [1, 1, 1]
    assert (product["index"], product["shape"]) == ([0, 1, 0], [1, 2, 2])
    steps = ElementSteps(event_of(watched, "forward", "Tanh"), "y", (1, 1))
    assert steps.launch == {
        "kernel": "derived", "threadIdx": [3, 0, 0], "blockIdx": [0, 0, 0], "blockDim": [128, 1, 1], "gridDim": [1, 1, 1],
        "index": [3], "shape": [4],
    }  # fmt: skip
    assert steps.result == pytest.approx(steps.actual, rel=1e-6)


def test_a_grid_that_cuda_refuses_is_not_told():
    from engine.debug.explain.thread import launch_of
    from engine.kernels.cuda.launch import LARGEST_GRID, check_grid
    from engine.kernels.cuda.matmul import TILE, naive

    rows = LARGEST_GRID[1] * TILE
    tall = launch_of("linear_forward", (rows - 1, 2), (rows, 3))
    assert tall["kernel"] == "naive" and tall["blockIdx"][1] == LARGEST_GRID[1] - 1
    check_grid(naive, tuple(tall["gridDim"]))
    for index, shape in (((rows, 2), (rows + 1, 3)), ((LARGEST_GRID[2], 0, 2), (LARGEST_GRID[2] + 1, 1, 3))):
        told = launch_of("matmul", index, shape)
        assert (told["kernel"], told["shape"]) == ("derived", list(shape))
        check_grid(naive, tuple(told["gridDim"]))


def test_the_thread_told_is_the_one_that_computes():
    from engine.debug.explain.thread import launch_of
    from engine.kernels.cuda.launch import launch
    from tests.cuda import noting

    result = from_host(np.zeros((3, 50), np.int64))
    noting.flat(result)
    told = launch_of("tanh_forward", (2, 49), (3, 50))
    assert result.host()[2, 49] == told["blockIdx"][0] * 1000 + told["threadIdx"][0]
    assert told["blockIdx"] == [1, 0, 0] and told["gridDim"] == [2, 1, 1]

    result = from_host(np.zeros((1, 6, 7), np.int64))
    told = launch_of("linear_forward", (5, 6), (6, 7))
    launch(noting.matrices, tuple(told["gridDim"]), tuple(told["blockDim"][:2]), result)
    (x, y, _), (column, row, _) = told["threadIdx"], told["blockIdx"]
    assert result.host()[0, 5, 6] == row * 1000 + column * 100 + y * 10 + x
    assert result.host()[0, 0, 0] == 0 and (result.host().reshape(-1)[1:] != 0).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_statistics_are_the_cpu_s(dtype):
    host = np.random.default_rng(0).normal(3, 0.5, 37).astype(dtype)
    host[[3, 8, 9]] = np.nan, np.inf, 0
    expected, actual = summarize(host), summarize(from_host(host))
    np.testing.assert_allclose(actual, expected, rtol=1e-5)
    # An empty array, one without finite elements, and one that begins with such an element.
    if dtype == "float64":
        return
    for special in (np.zeros(0, dtype), np.full(3, np.nan, dtype), np.array([np.inf, 1, 2], dtype)):
        np.testing.assert_allclose(summarize(from_host(special)), summarize(special), rtol=1e-6)


# Of the second step old values of the parameters are wanted, or are not.
@pytest.mark.parametrize("ratio_every", [1, 10])
def test_statistics_of_a_step_are_the_cpu_s(ratio_every):
    found = {}
    for device in ("cpu", "cuda"):
        statistics = Statistics("histograms", ratio_every=ratio_every)
        previous = trace.set_observer(statistics)
        try:
            train(2, device)
        finally:
            trace.set_observer(previous)
        found[device] = statistics
    expected, actual = found["cpu"].latest(), found["cuda"].latest()
    assert list(actual) == list(expected)
    assert any("update_ratio" in fields for fields in actual.values()) == (ratio_every == 1)
    for name, fields in expected.items():
        for field, value in fields.items():
            np.testing.assert_allclose(actual[name][field], value, rtol=2e-4, atol=1e-6, err_msg=f"{name} {field}")
        counts = [one.histogram(name)["counts"] for one in (found["cpu"], found["cuda"])]
        assert sum(counts[0]) == sum(counts[1])


def test_views_bring_what_is_asked_for():
    host = np.random.default_rng(1).normal(size=(4, 6, 5)).astype(np.float32)
    there = from_host(host)
    for options in ({}, {"slice": "1, :, 2:4"}, {"max_shape": (2, 2)}, {"max_shape": (2, 3), "transform": "abs"}):
        expected, actual = arrays.view(host, **options), arrays.view(there, **options)
        np.testing.assert_allclose(actual.pop("data"), expected.pop("data"), rtol=1e-6)
        assert actual == expected
    expected, actual = arrays.histogram(host, 8), arrays.histogram(there, 8)
    assert all(np.array_equal(actual[key], expected[key]) for key in expected)
    assert text(torch.tensor([[1.5, 2.5], [3.5, 4.5]], device="cuda")) == "float32 (2, 2) [1.5, 2.5, 3.5, 4.5]"


def test_live_pictures_are_the_cpu_s():
    found = live_pictures("cpu")
    assert found
    for expected, actual in zip(found, live_pictures("cuda"), strict=True):
        assert set(expected) == set(actual) == {"y", "dw", "w", "described"}
        for id in expected:
            np.testing.assert_allclose(actual[id]["data"], expected[id]["data"], rtol=1e-5, atol=1e-7)


def live_pictures(device):
    """The views of each picture of a training there, on a clock that steps move."""
    recorder, bodies = Recorder(None), []

    def attach():
        live.attach(lean(recorder, [live.guard]))

    def put(body):
        bodies.append(finished(body))
        if "events" in body and not live._subscription.views:
            live.subscribe(Subscription(2, tuple(live_views(body["events"]))))

    def failed(listener, error):
        raise AssertionError("live pictures have failed") from error

    live = Live(Silent(recorder), attach, bodies.append, failed, lambda: float(recorder.steps))
    live._outbox.put = put
    live.subscribe(Subscription(1))
    attach()
    train(steps=8, device=device)
    trace.set_observer(None)
    return [body["views"] for body in bodies if body["views"]]


def live_views(events):
    """Of a part that is copied at once, of a gradient, of a parameter, and of a tensor in numbers."""
    forward = next(e["seq"] for e in events if e["kind"] == "forward" and e["name"] == "Linear")
    backward = next(e["seq"] for e in events if e["kind"] == "backward" and e["name"] == "Linear")
    y = {"reference": {"event": forward, "name": "y"}}
    yield View("y", "tensor", {**y, "slice": "1", "describe": False})
    yield View("dw", "tensor", {"reference": {"event": backward, "name": "dw"}, "describe": False})
    yield View("w", "tensor", {"reference": {"expression": "0.weight"}, "describe": False})
    yield View("described", "tensor", y)


def test_a_plane_of_inputs_goes_through_the_gpu():
    found = {}
    for device in ("cpu", "cuda"):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1)).to(device)
        base = torch.tensor([0.5, 1.5], device=device)
        found[device] = evaluate_grid(model, (-1, 1), (0, 2), (3, 2), base)
        unit = evaluate_grid(model, (-1, 1), (0, 2), (3, 2), unit=("1", 1))
        np.testing.assert_array_equal(unit["unit"], found[device]["layers"][1]["values"][1])
    expected, actual = found["cpu"], found["cuda"]
    np.testing.assert_allclose(actual["output"], expected["output"], rtol=1e-6)
    assert [layer["op"] for layer in actual["layers"]] == ["Linear", "Tanh", "Linear"]
    for one, other in zip(actual["layers"], expected["layers"], strict=True):
        np.testing.assert_allclose(one["values"], other["values"], rtol=1e-5)


def test_a_breakpoint_on_nan_stops_at_the_op_that_made_it():
    debugger = Watched()
    debugger.breakpoints.set_watchpoints([{"kind": "nan-inf"}])
    debugger.watch(lambda: train(1, scale=3e38))
    first = debugger.stops[0]
    assert first.event.name == "Mul" and "made here" in first.description, first.description


def test_edits_write_to_the_gpu_and_the_past_stays():
    debugger = Watched()
    model = None

    def run():
        nonlocal model
        model = train()

    debugger.watch(run)
    event, first = event_of(debugger, "update", "SGD"), event_of(debugger, "forward", "Linear")
    before = on_cpu(first.arrays["w"])
    references = References(debugger.history, debugger.names)
    reference = {"event": event.seq, "name": "w_new"}
    edit = {"kind": "tensor", "reference": reference, "index": [0, 1], "value": 9.0}
    with pytest.raises(RequestFailedError, match="no element"):
        apply_edits([{**edit, "index": [7, 7]}], event, None, references)
    apply_edits([edit], event, None, references)
    assert model is not None and model[0].weight[0, 1].item() == 9.0
    assert references.find(reference, event, None).array.host()[0, 1] == 9.0
    np.testing.assert_array_equal(on_cpu(first.arrays["w"]), before)


def test_the_history_gives_up_the_past_before_memory_runs_out(monkeypatch):
    from engine.device import gate

    debugger = Watched()
    debugger.watch(train)
    history, allocate = debugger.history, gate.allocate
    assert len(history) > 10

    def full(nbytes):
        if len(history) > 1:
            raise gate.OutOfMemory
        return allocate(nbytes)

    torch.cuda.empty_cache()
    monkeypatch.setattr(gate, "allocate", full)
    assert torch.zeros(77, 31, device="cuda").shape == (77, 31)
    assert len(history) == 1 and not history.complete


def test_where_no_copy_fits_the_run_goes_on_without_its_past(monkeypatch):
    from engine.device import gate
    from engine.device.pool import pool

    debugger = Watched()
    debugger.watch(train)
    weight = event_of(debugger, "forward", "Linear", 1).arrays["x"]

    def full(nbytes):
        raise gate.OutOfMemory

    pool.release()
    monkeypatch.setattr(gate, "allocate", full)
    debugger.history.overwriting(weight)
    assert len(debugger.history) == 0 and debugger.history.bytes == 0


def test_a_gpu_that_is_gone_is_told_in_words(monkeypatch):
    from engine.device.driver_errors import raise_if_lost

    class CudaAPIError(Exception):
        pass

    def gone(self, host):
        raise CudaAPIError("[719] Call to cuMemcpyDtoH results in CUDA_ERROR_LAUNCH_FAILED")

    there = torch.ones(2, device="cuda")
    monkeypatch.setattr(type(there._array.raw), "copy_to_host", gone)
    with pytest.raises(DeviceError, match=r"does not answer any more \(\[719\].*start the script anew"):
        there.tolist()
    monkeypatch.undo()
    assert there.tolist() == [1, 1]
    raise_if_lost(ValueError("another"))
    with pytest.raises(DeviceError, match=r"driver refused .*\[701\].*is still there"):
        raise_if_lost(CudaAPIError("[701] Call to cuLaunchKernel results in CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"))
    with pytest.raises(DeviceError, match="driver is older than the compiler"):
        # numba.cuda's linker raises an error of its own.
        raise_if_lost(RuntimeError("[222] Call to cuLinkAddData results in CUDA_ERROR_UNSUPPORTED_PTX_VERSION"))


def test_diagnostics_find_on_the_gpu_what_they_find_on_the_cpu():
    found = {}
    for device in ("cpu", "cuda"):
        with Diagnostics() as diagnostics:
            train(2, device, scale=1e4)
        found[device] = [finding.id for finding in diagnostics.findings]
    assert found["cuda"] == found["cpu"] != []
