"""Groups, state, saving, hooks and the errors of optimisers."""

import copy

import numpy as np
import pytest

from engine import optim
from engine.errors import DtypeError, MissingError, ShapeError
from engine.tensor import Tensor, is_grad_enabled, no_grad, wrap
from tests.engine.optim.helpers import arrays, parameters, set_gradients

ALL = [
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1}),
    ("Adam", {"amsgrad": True}),
    ("AdamW", {}),
    ("RMSprop", {"momentum": 0.9, "centered": True}),
    ("Adagrad", {"initial_accumulator_value": 0.1}),
    ("Adadelta", {}),
]


def values(params):
    return [p._array.copy() for p in params]


def run(optimizer, params, seeds):
    for seed in seeds:
        set_gradients(params, seed)
        optimizer.step()


@pytest.mark.parametrize(("name", "hyper"), ALL)
def test_a_loaded_state_goes_on_identically(name, hyper):
    params = parameters(arrays(0))
    optimizer = getattr(optim, name)(params, **hyper)
    run(optimizer, params, range(5))
    others = parameters(values(params))
    loaded = getattr(optim, name)(others, lr=123.0)
    loaded.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    run(optimizer, params, range(5, 10))
    run(loaded, others, range(5, 10))
    for a, b in zip(params, others, strict=True):
        np.testing.assert_array_equal(a._array, b._array)
    assert loaded.param_groups[0]["lr"] == optimizer.param_groups[0]["lr"]


def test_loading_copies_the_tensors():
    params = parameters(arrays(0))
    optimizer = optim.Adam(params)
    run(optimizer, params, range(2))
    loaded = optim.Adam(params)
    loaded.load_state_dict(optimizer.state_dict())
    for key in ("step", "exp_avg"):
        assert not np.shares_memory(loaded.state[params[0]][key]._array, optimizer.state[params[0]][key]._array)


def test_loading_into_a_used_optimizer_replaces_its_state():
    params = parameters([np.zeros(3, np.float32)])
    optimizer = optim.SGD(params, lr=1.0, momentum=0.5)
    run(optimizer, params, [1])
    saved = copy.deepcopy(optimizer.state_dict())
    run(optimizer, params, [2, 3])
    optimizer.load_state_dict(saved)
    before, momentum = params[0]._array.copy(), saved["state"][0]["momentum_buffer"]._array
    params[0].grad = wrap(np.zeros(3, np.float32))
    optimizer.step()
    np.testing.assert_allclose(params[0]._array, before - 0.5 * momentum, rtol=1e-6)


def test_loading_says_what_does_not_fit():
    params = parameters(arrays(0, [(2,), (3,)]))
    optimizer = optim.SGD(params, lr=0.1, momentum=0.9)
    run(optimizer, params, [1])
    state = optimizer.state_dict()
    with pytest.raises(ValueError, match="different number of parameter groups"):
        optim.SGD([{"params": params[:1]}, {"params": params[1:]}], lr=0.1).load_state_dict(state)
    with pytest.raises(ValueError, match="doesn't match the size of optimizer's group"):
        optim.SGD(params[:1], lr=0.1).load_state_dict(state)
    with pytest.raises(ValueError, match=r"momentum_buffer of shape \(2,\) for parameter 0, which has shape \(3,\)"):
        optim.SGD(params[::-1], lr=0.1).load_state_dict(state)


def test_groups_have_their_own_settings():
    a, b = parameters([np.zeros(2, np.float32), np.zeros(3, np.float32)])
    optimizer = optim.SGD([{"params": a, "lr": 0.5}, {"params": [b]}], lr=0.1)
    for p in (a, b):
        p.grad = wrap(np.ones(p._array.shape, np.float32))
    optimizer.step()
    np.testing.assert_allclose(a._array, -0.5)
    np.testing.assert_allclose(b._array, -0.1)
    c = parameters([np.zeros(1, np.float32)])[0]
    optimizer.add_param_group({"params": c, "lr": 2.0})
    c.grad = wrap(np.ones(1, np.float32))
    optimizer.step()
    np.testing.assert_allclose(c._array, -2.0)


def test_named_parameters():
    a, b = parameters(arrays(0, [(2,), (3,)]))
    optimizer = optim.SGD([("weight", a), ("bias", b)], lr=0.1)
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    assert optimizer.param_groups[0]["params"][1] is b
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"]
    with pytest.raises(ValueError, match="cannot add param group without names"):
        optimizer.add_param_group({"params": parameters(arrays(0, [(1,)]))})
    with pytest.raises(ValueError, match="Some param names are missing"):
        optim.SGD([("weight", a), b], lr=0.1)


def test_refuses_what_is_no_list_of_leaves():
    a, b = parameters(arrays(0, [(2,), (3,)]))
    with pytest.raises(ValueError, match="optimizer got an empty parameter list"):
        optim.SGD([], lr=0.1)
    with pytest.raises(TypeError, match="should be an iterable of Tensors or dicts, but got Tensor"):
        optim.SGD(a, lr=0.1)
    with pytest.raises(TypeError, match="can only optimize Tensors, but one of the params is int"):
        optim.SGD([a, 1], lr=0.1)
    with pytest.raises(ValueError, match="some parameters appear in more than one parameter group"):
        optim.SGD([{"params": [a, b]}, {"params": [a]}], lr=0.1)
    with pytest.raises(TypeError, match="ordered collections"):
        optim.SGD([{"params": {a, b}}], lr=0.1)
    with pytest.raises(TypeError, match="param_group must be a dict"):
        optim.SGD([a], lr=0.1).add_param_group([b])
    with pytest.warns(UserWarning, match="duplicate parameters"):
        optim.SGD([a, a], lr=0.1)
    a._function = object()
    with pytest.raises(ValueError, match="can't optimize a non-leaf Tensor"):
        optim.SGD([a], lr=0.1)


def test_refuses_what_the_engine_lacks():
    params = parameters(arrays(0))
    for name in ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta"):
        with pytest.raises(MissingError, match="no differentiable=True"):
            getattr(optim, name)(params, differentiable=True)
    with pytest.raises(MissingError, match=r"no torch\.optim\.LBFGS"):
        optim.LBFGS
    with pytest.raises(MissingError, match="CyclicLR"):
        optim.lr_scheduler.CyclicLR


def test_zero_grad():
    params = parameters(arrays(0, [(2,), (3,)]))
    optimizer = optim.SGD(params, lr=0.1)
    set_gradients(params, 1)
    gradient = params[0].grad
    optimizer.zero_grad(set_to_none=False)
    assert params[0].grad is gradient
    np.testing.assert_array_equal(gradient._array, 0)
    optimizer.zero_grad()
    assert params[0].grad is None
    optimizer.zero_grad(set_to_none=False)
    assert params[0].grad is None


def test_parameters_without_gradient_are_skipped():
    params = parameters(arrays(0, [(2,), (3,)]))
    optimizer = optim.Adam(params)
    set_gradients(params, 1)
    params[0].grad = None
    before = values(params)
    optimizer.step()
    np.testing.assert_array_equal(params[0]._array, before[0])
    assert (params[1]._array != before[1]).all()
    assert list(optimizer.state) == [params[1]]


def test_the_closure_runs_with_gradients_and_its_loss_is_returned():
    params = parameters([np.zeros(2, np.float32)])
    optimizer = optim.SGD(params, lr=1.0)

    def closure():
        assert is_grad_enabled()
        params[0].grad = wrap(np.ones(2, np.float32))
        return 42

    with no_grad():
        assert optimizer.step(closure) == 42
    np.testing.assert_array_equal(params[0]._array, -1)
    assert optimizer.step() is None


def test_each_change_is_noted_for_backward():
    params = parameters(arrays(0, [(2,)]))
    version = params[0]._version_counter()
    optimizer = optim.SGD(params, lr=0.1)
    seen = [version[0]]
    for seed in range(3):
        run(optimizer, params, [seed])
        seen.append(version[0])
    assert len(set(seen)) == 4


@pytest.mark.parametrize(("name", "hyper"), ALL)
def test_memory_that_is_not_contiguous(name, hyper):
    plain, strided = [parameters(arrays(0, [(4, 3), (6,)])) for _ in range(2)]
    strided[0]._array = np.asfortranarray(strided[0]._array)
    strided[1]._array = np.repeat(strided[1]._array, 2)[::2]
    memory = [p._array for p in strided]
    optimizers = [getattr(optim, name)(params, **hyper) for params in (plain, strided)]
    for seed in range(4):
        set_gradients(plain, seed)
        for p, q in zip(plain, strided, strict=True):
            q.grad = wrap(np.asfortranarray(np.repeat(p.grad._array, 2, 0))[::2])
        for optimizer in optimizers:
            optimizer.step()
    for p, q, array in zip(plain, strided, memory, strict=True):
        assert q._array is array
        np.testing.assert_array_equal(p._array, q._array)


@pytest.mark.parametrize(("name", "hyper"), ALL)
def test_follows_replaced_parameter_memory_and_state(name, hyper):
    a, b = [parameters(arrays(0, [(3,)])) for _ in range(2)]
    first, second = [getattr(optim, name)(params, **hyper) for params in (a, b)]
    run(first, a, range(3))
    run(second, b, range(3))
    b[0].data = wrap(b[0]._array.copy())
    for key, tensor in second.state.get(b[0], {}).items():
        second.state[b[0]][key] = wrap(tensor._array.copy())
    run(first, a, range(3, 5))
    run(second, b, range(3, 5))
    np.testing.assert_array_equal(a[0]._array, b[0]._array)


def test_cleared_state_starts_afresh():
    params = parameters([np.zeros(2, np.float32)])
    optimizer = optim.SGD(params, lr=1.0, momentum=0.9)
    run(optimizer, params, [1])
    optimizer.state.clear()
    params[0]._array[...] = 0
    params[0].grad = wrap(np.ones(2, np.float32))
    optimizer.step()
    np.testing.assert_array_equal(params[0]._array, -1)


def test_a_gradient_that_does_not_fit_is_refused_before_anything_is_written():
    params = parameters(arrays(0, [(3,)]))
    optimizer = optim.SGD(params, lr=0.1)
    set_gradients(params, 1)
    params[0].data = wrap(np.zeros((2,), np.float32))
    with pytest.raises(ShapeError, match=r"SGD.step: the gradient has shape \(3,\) .* parameter has shape \(2,\)"):
        optimizer.step()
    params[0].data = wrap(np.zeros((3,), np.float64))
    with pytest.raises(ShapeError, match=r"dtype float32 but the parameter has shape .* dtype float64"):
        optimizer.step()
    params[0].data = wrap(np.zeros((3,), np.int64))
    with pytest.raises(DtypeError, match="int64"):
        optimizer.step()


def test_a_learning_rate_that_is_a_tensor():
    params = parameters([np.zeros(2, np.float32)])
    optimizer = optim.SGD(params, lr=wrap(np.array(0.5)))
    params[0].grad = wrap(np.ones(2, np.float32))
    optimizer.step()
    np.testing.assert_array_equal(params[0]._array, -0.5)


def test_hooks_run_around_the_step_and_can_be_removed():
    params = parameters(arrays(0, [(2,)]))
    optimizer = optim.SGD(params, lr=0.1)
    set_gradients(params, 1)
    calls = []
    before = optimizer.register_step_pre_hook(lambda opt, args, kwargs: calls.append(("pre", opt is optimizer)))
    after = optimizer.register_step_post_hook(lambda opt, args, kwargs: calls.append(("post", args == (opt,))))
    optimizer.step()
    assert calls == [("pre", True), ("post", True)]
    before.remove()
    after.remove()
    optimizer.step()
    assert len(calls) == 2
    optimizer.register_step_pre_hook(lambda opt, args, kwargs: ((opt, lambda: 7), {}))
    assert optimizer.step() == 7
    optimizer.register_step_pre_hook(lambda opt, args, kwargs: 3)
    with pytest.raises(RuntimeError, match="must return None or a tuple"):
        optimizer.step()


def test_an_optimizer_of_the_users_own():
    class SignDescent(optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    p._array -= group["lr"] * np.sign(p.grad._array)

    params = parameters([np.zeros(2, np.float32)])
    optimizer = SignDescent(params, 0.25)
    calls = []
    optimizer.register_step_post_hook(lambda *_: calls.append(1))
    params[0].grad = wrap(np.array([3, -3], np.float32))
    optimizer.step()
    np.testing.assert_array_equal(params[0]._array, [-0.25, 0.25])
    assert calls == [1]
    with pytest.raises(NotImplementedError):
        optim.Optimizer(params, {}).step()


def test_a_step_that_calls_its_parents_is_one_step():
    class Twice(optim.SGD):
        def step(self, closure=None):
            super().step()
            return super().step(closure)

    params = parameters([np.zeros(1, np.float32)])
    optimizer = Twice(params, lr=1.0)
    calls = []
    optimizer.register_step_pre_hook(lambda *_: calls.append(1))
    params[0].grad = wrap(np.ones(1, np.float32))
    optimizer.step()
    assert calls == [1]
    np.testing.assert_array_equal(params[0]._array, -2)


def test_a_deep_copy_has_its_own_parameters_and_state():
    params = parameters(arrays(0, [(3,)]))
    optimizer = optim.Adam(params)
    run(optimizer, params, range(2))
    twin = copy.deepcopy(optimizer)
    other = twin.param_groups[0]["params"][0]
    assert isinstance(other, Tensor) and other is not params[0]
    run(twin, [other], [5])
    assert twin.state[other]["step"].item() == 3
    assert optimizer.state[params[0]]["step"].item() == 2
    run(optimizer, params, [5])
    np.testing.assert_array_equal(other._array, params[0]._array)
