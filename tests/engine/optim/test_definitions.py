"""The kernels compute what the definitions say, as the debugger asks for it."""

import numpy as np
import pytest

from engine import optim, trace
from engine.tensor import wrap
from tests.engine.optim.helpers import arrays, parameters, set_gradients
from tests.oracle import Case

CASES = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.01, "maximize": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True}),
    ("Adam", {}),
    ("Adam", {"betas": (0.3, 0.4), "weight_decay": 0.1, "amsgrad": True, "maximize": True}),
    ("AdamW", {"weight_decay": 0.1}),
    ("AdamW", {"amsgrad": True, "maximize": True}),
    ("RMSprop", {}),
    ("RMSprop", {"centered": True, "weight_decay": 0.1}),
    ("RMSprop", {"momentum": 0.9, "maximize": True}),
    ("RMSprop", {"momentum": 0.9, "centered": True}),
    ("Adagrad", {"lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.2}),
    ("Adagrad", {"maximize": True}),
    ("Adadelta", {"weight_decay": 0.1}),
    ("Adadelta", {"rho": 0.4, "maximize": True}),
]


class Explainer(trace.Observer):
    """Explains each update before it happens and holds the kernel to it afterwards."""

    def __init__(self):
        self.checked = 0
        self.events = []

    def begin_step(self, optimizer):
        self.events.append("begin")

    def end_step(self, optimizer):
        self.events.append("end")

    def before_update(self, kind, tensor, details):
        self.events.append(f"before {kind}")
        operands = {
            name: value.copy() if isinstance(value, np.ndarray) else value
            for name, value in details.operands_for(tensor).items()
        }
        self.expected = {}
        for name, definition in details.definitions_for(tensor).items():
            assert definition.result == name
            taken = [operands[argument] for argument in definition.arguments]
            self.expected[name] = Case(definition, taken, tensor._array.reshape(-1), name).expected()

    def after_update(self, kind, tensor, details):
        self.events.append(f"after {kind}")
        results = details.results_for(tensor)
        assert results.keys() == self.expected.keys()
        tolerance = 1e-5 if tensor._array.dtype == np.float32 else 1e-11
        for name, found in results.items():
            np.testing.assert_allclose(found, self.expected[name], rtol=tolerance, atol=tolerance, err_msg=name)
            self.checked += 1


@pytest.fixture
def explainer():
    observer = Explainer()
    previous = trace.set_observer(observer)
    yield observer
    trace.set_observer(previous)


@pytest.mark.parametrize(("name", "hyper"), CASES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kernel_equals_definitions_from_the_first_step_on(explainer, name, hyper, dtype):
    params = parameters(arrays(0, [(5, 3), (4,)], dtype))
    optimizer = getattr(optim, name)(params, **hyper)
    for seed in range(4):
        set_gradients(params, seed + 1)
        optimizer.step()
    assert explainer.checked == 4 * 2 * len(optimizer.definitions_for(params[0]))


def test_every_state_that_changes_has_a_definition():
    for name, hyper in CASES:
        params = parameters(arrays(0, [(5,)]))
        optimizer = getattr(optim, name)(params, **hyper)
        set_gradients(params, 1)
        optimizer.step()
        state = {
            optimizer._arrays[key.removesuffix("_new")]
            for key in optimizer.definitions_for(params[0])
            if key != "w_new"
        }
        assert state == set(optimizer.state[params[0]]) - {"step"}


def test_the_observer_sees_each_update(explainer):
    params = parameters(arrays(0, [(2,), (3,), (4,)]))
    optimizer = optim.SGD(params, lr=0.1)
    set_gradients(params, 1)
    params[1].grad = None
    optimizer.step()
    update = ["before optimizer", "after optimizer"]
    assert explainer.events == ["begin", *update, *update, "end"]


def test_hyper_parameters_changed_at_the_stop_count():
    class Changes(trace.Observer):
        def before_update(self, kind, tensor, details):
            details.param_groups[0]["lr"] = 1.0

    params = parameters([np.zeros(3, np.float32)])
    params[0].grad = wrap(np.ones(3, np.float32))
    previous = trace.set_observer(Changes())
    try:
        optim.SGD(params, lr=0.1).step()
    finally:
        trace.set_observer(previous)
    np.testing.assert_array_equal(params[0]._array, -1)


def test_explaining_does_not_touch_the_state():
    params = parameters(arrays(0, [(2,)]))
    optimizer = optim.Adam(params)
    set_gradients(params, 1)
    operands = optimizer.operands_for(params[0])
    assert operands["step"] == 1.0
    assert operands["vmax"].size == 0
    np.testing.assert_array_equal(operands["m"], 0)
    assert not optimizer.state


def test_explaining_says_what_cannot_be_explained():
    params = parameters(arrays(0, [(2,)]))
    optimizer = optim.SGD(params)
    with pytest.raises(ValueError, match="no gradient"):
        optimizer.operands_for(params[0])
    with pytest.raises(ValueError, match="not a parameter"):
        optimizer.operands_for(wrap(np.zeros(2)))


@pytest.mark.parametrize("name", ["adam_largest", "adamw_largest"])
def test_the_largest_square_keeps_nan(name):
    from engine.definitions import optim as definitions

    definition = getattr(definitions, name)
    arguments = {
        "w": np.zeros(1),
        "dw": np.ones(1),
        "v": np.ones(1),
        "vmax": np.array([np.nan]),
        "beta2": 0.9,
        "weight_decay": 0.0,
        "maximize": 0,
    }
    assert np.isnan(definition(*(arguments[a] for a in definition.arguments), 0))
    arguments["vmax"], arguments["v"] = np.ones(1), np.array([np.nan])
    assert np.isnan(definition(*(arguments[a] for a in definition.arguments), 0))
