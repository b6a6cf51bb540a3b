"""A network over a plane of inputs, and the state that must not change meanwhile."""

import numpy as np
import pytest

import engine
import engine.nn.functional as F
from engine import nn
from engine.debug.views import grid
from engine.debug.views.grid import evaluate_grid
from engine.tensor import grad_mode, wrap
from engine.trace import Observer, set_observer


def small():
    engine.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2))


def at(model, *points):
    with engine.no_grad():
        return model(wrap(np.array(points, np.float32)))._array


def test_every_unit_at_every_point():
    model = small()
    found = evaluate_grid(model, (-1, 1), (0, 3), (5, 4))
    xs, ys = np.linspace(-1, 1, 5), np.linspace(0, 3, 4)
    np.testing.assert_allclose(found["x"], xs, rtol=1e-6)
    assert found["output"].shape == (2, 4, 5)
    assert [layer["id"] for layer in found["layers"]] == ["0/Linear", "1/Tanh", "2/Linear"]
    for j, y in enumerate(ys):
        for i, x in enumerate(xs):
            np.testing.assert_allclose(found["output"][:, j, i], at(model, (x, y))[0], rtol=1e-5, atol=1e-6)
            hidden = at(model[:2], (x, y))[0]
            np.testing.assert_allclose(found["layers"][1]["values"][:, j, i], hidden, rtol=1e-5, atol=1e-6)
    one = evaluate_grid(model, (-1, 1), (0, 3), (5, 4), unit=("1", 2))
    np.testing.assert_array_equal(one["unit"], found["layers"][1]["values"][2])
    same = evaluate_grid(model, (-1, 1), (0, 3), (5, 4), unit=("1/Tanh", -2))
    np.testing.assert_array_equal(one["unit"], same["unit"])


def test_other_inputs_stay_as_in_the_base(monkeypatch):
    engine.manual_seed(1)
    model = nn.Linear(5, 3)
    base = np.array([1, 2, 3, 4, 5], np.float32)
    found = evaluate_grid(model, (0, 1), (2, 3), 3, base=base, dims=(4, 1))
    np.testing.assert_allclose(found["output"][:, 2, 0], at(model, (1, 3, 3, 4, 0))[0], rtol=1e-5)
    monkeypatch.setattr(grid, "_CHUNK", 10)
    np.testing.assert_array_equal(evaluate_grid(model, (0, 1), (2, 3), 3, base=base, dims=(4, 1))["output"], found["output"])


def test_functional_ops_have_ids_of_their_own():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(2, 3), nn.Linear(3, 1)

        def forward(self, x):
            return F.relu(self.b(F.relu(self.a(x)))), "and more"

    found = evaluate_grid(Net(), (-1, 1), (-1, 1), 4)
    assert [layer["id"] for layer in found["layers"]] == ["a/Linear", "Net/Relu", "b/Linear", "Net/Relu#2"]
    np.testing.assert_array_equal(found["output"], found["layers"][-1]["values"])
    named = evaluate_grid(Net(), (-1, 1), (-1, 1), 4, paths=lambda module: f"m.{type(module).__name__}")
    assert named["layers"][0]["id"] == "m.Linear/Linear"


def test_feature_maps_only_when_a_unit_is_asked_for():
    model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.Flatten(), nn.Linear(8 * 16, 2))
    base = np.random.default_rng(0).normal(size=(1, 6, 6)).astype(np.float32)
    found = evaluate_grid(model, (0, 1), (0, 1), 3, base=base)
    assert [layer["id"] for layer in found["layers"]] == ["2/Linear"]
    one = evaluate_grid(model, (0, 1), (0, 1), 3, base=base, unit=("0", (5, 0, 1)))
    base.reshape(-1)[:2] = 1.0, 0.5
    with engine.no_grad():
        expected = model[0](wrap(base[None]))._array[0, 5, 0, 1]
    np.testing.assert_allclose(one["unit"][1, 2], expected, rtol=1e-5)


def test_nothing_of_the_run_changes():
    engine.manual_seed(3)
    model = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 1))
    model[2].eval()
    seen = []
    handle = model[0].register_forward_hook(lambda *a: seen.append(a))
    before = {name: tensor._array.copy() for name, tensor in model.state_dict().items()}
    state = engine.get_rng_state().numpy().copy()
    observer = Observer()
    set_observer(observer)
    try:
        first = evaluate_grid(model, (-1, 1), (-1, 1), 8)
        second = evaluate_grid(model, (-1, 1), (-1, 1), 8)
    finally:
        assert set_observer(None) is observer
    np.testing.assert_array_equal(first["output"], second["output"])
    assert [module.training for module in model] == [True, True, False, True] and model.training
    assert grad_mode.enabled and not seen
    assert all(np.array_equal(before[name], t._array) for name, t in model.state_dict().items())
    assert np.array_equal(state, engine.get_rng_state().numpy())
    model(wrap(np.zeros((2, 2), np.float32)))
    assert len(seen) == 1
    handle.remove()


def test_errors_leave_the_state_and_say_what_is_wrong():
    model = small()
    for arguments, text in [
        (((0, 1), (0, 1), 0), "resolution"), (((0, 1), (0, 1), 100_000), "resolution"), (((0, np.nan), (0, 1)), "x_range"),
        (((0, 1), (0, 1, 2)), "y_range"), (((0, 1), (0, 1), 3, None, (0, 2)), "dims"),
        (((0, 1), (0, 1), 3, None, (1, 1)), "dims"), (((0, 1), (0, 1), 3, None, (0, 1), ("9", 0)), "called '9'"),
        (((0, 1), (0, 1), 3, None, (0, 1), ("1", 4)), "no unit"),
    ]:  # fmt: skip
        with pytest.raises(ValueError, match=text):
            evaluate_grid(model, *arguments)
    with pytest.raises(ValueError, match="give base"):
        evaluate_grid(nn.ReLU(), (0, 1), (0, 1))
    with pytest.raises(RuntimeError):
        evaluate_grid(model, (0, 1), (0, 1), base=np.zeros(7))
    assert model.training and grad_mode.enabled
