"""Every optimiser walks the same way as PyTorch's, with any hyper-parameters, and keeps the same state."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import optim
from tests.engine.optim.helpers import (
    SHAPES,
    arrays,
    parameters,
    set_gradients,
    set_torch_gradients,
)

torch = pytest.importorskip("torch")

RATES = st.sampled_from([1e-3, 0.02, 0.1])
DECAYS = st.sampled_from([0, 0.01, 0.1])
SHARES = st.sampled_from([0.3, 0.9, 0.99])
FLAGS = st.booleans()

SETTINGS = {
    "SGD": st.fixed_dictionaries(
        {
            "lr": RATES,
            "momentum": st.sampled_from([0, 0.5, 0.9]),
            "dampening": st.sampled_from([0, 0.2]),
            "weight_decay": DECAYS,
            "maximize": FLAGS,
        }
    ),
    "Adam": st.fixed_dictionaries(
        {
            "lr": RATES,
            "betas": st.tuples(SHARES, SHARES),
            "eps": st.sampled_from([1e-8, 1e-3]),
            "weight_decay": DECAYS,
            "amsgrad": FLAGS,
            "maximize": FLAGS,
            "decoupled_weight_decay": FLAGS,
        }
    ),
    "AdamW": st.fixed_dictionaries(
        {
            "lr": RATES,
            "betas": st.tuples(SHARES, SHARES),
            "weight_decay": DECAYS,
            "amsgrad": FLAGS,
            "maximize": FLAGS,
        }
    ),
    "RMSprop": st.fixed_dictionaries(
        {
            "lr": RATES,
            "alpha": SHARES,
            "eps": st.sampled_from([1e-8, 1e-3]),
            "weight_decay": DECAYS,
            "momentum": st.sampled_from([0, 0.5, 0.9]),
            "centered": FLAGS,
            "maximize": FLAGS,
        }
    ),
    "Adagrad": st.fixed_dictionaries(
        {
            "lr": RATES,
            "lr_decay": st.sampled_from([0, 0.1]),
            "weight_decay": DECAYS,
            "initial_accumulator_value": st.sampled_from([0, 0.5]),
            "maximize": FLAGS,
        }
    ),
    "Adadelta": st.fixed_dictionaries(
        {
            "lr": st.sampled_from([0.1, 1.0]),
            "rho": SHARES,
            "weight_decay": DECAYS,
            "maximize": FLAGS,
        }
    ),
}


class Pair:
    """One optimiser of the engine and PyTorch's, on the same parameters in two groups."""

    def __init__(self, name, settings, dtype=np.float32, shapes=SHAPES, seed=0):
        values = arrays(seed, shapes, dtype)
        self.own = parameters(values)
        self.theirs = [torch.from_numpy(value.copy()).requires_grad_(True) for value in values]
        self.optimizer, self.reference = (
            getattr(module, name)([{"params": ps[:2]}, {"params": ps[2:], "lr": 0.05}], **settings)
            for module, ps in ((optim, self.own), (torch.optim, self.theirs))
        )

    def step(self, seed, scale=1.0):
        set_gradients(self.own, seed, scale)
        set_torch_gradients(torch, self.theirs, seed, scale)
        self.optimizer.step()
        self.reference.step()

    def check(self, rtol, atol):
        for own, theirs in zip(self.own, self.theirs, strict=True):
            np.testing.assert_allclose(own._array, theirs.detach().numpy(), rtol=rtol, atol=atol)
        state, expected = self.optimizer.state_dict()["state"], self.reference.state_dict()["state"]
        assert state.keys() == expected.keys()
        for key, values in expected.items():
            assert list(state[key]) == list(values)
            for name, value in values.items():
                found = state[key][name]._array
                assert found.dtype == value.numpy().dtype
                np.testing.assert_allclose(found, value.numpy(), rtol=rtol, atol=atol, err_msg=name)


@pytest.mark.parametrize("name", SETTINGS)
def test_thirty_steps_in_float32(name):
    @settings(max_examples=15)
    @given(SETTINGS[name])
    def check(hyper):
        pair = Pair(name, hyper)
        for seed in range(30):
            pair.step(seed)
        # A centred variance near zero loses digits in any order of operations.
        loose = 50 if hyper.get("centered") else 1
        pair.check(rtol=2e-6 * loose, atol=2e-6 * loose)

    check()


@pytest.mark.parametrize("name", SETTINGS)
def test_thirty_steps_in_float64(name):
    @settings(max_examples=8)
    @given(SETTINGS[name])
    def check(hyper):
        pair = Pair(name, hyper, np.float64)
        for seed in range(30):
            pair.step(seed)
        pair.check(rtol=1e-9, atol=1e-12)

    check()


@pytest.mark.parametrize("name", SETTINGS)
def test_three_hundred_steps_with_small_gradients(name):
    pair = Pair(name, {})
    for seed in range(300):
        pair.step(seed, 10.0 ** (seed % 7 - 4))
    pair.check(rtol=1e-5, atol=1e-5)


def test_nesterov():
    pair = Pair("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01})
    for seed in range(30):
        pair.step(seed)
    pair.check(rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_large_parameter_uses_the_parallel_kernel_with_the_same_result(name):
    shapes = ((700_001,), (3,), (2,))
    pair = Pair(name, {}, shapes=shapes)
    for seed in range(3):
        pair.step(seed)
    pair.check(rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_gradients_that_are_not_finite_or_zero(name, value):
    settings = {"amsgrad": True} if name == "Adam" else {"centered": True, "momentum": 0.9} if name == "RMSprop" else {}
    pair = Pair(name, settings)
    with np.errstate(all="ignore"):
        pair.step(1)
        pair.step(2, value)
        pair.step(3)
    pair.check(rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", SETTINGS)
def test_prints_and_saves_the_same_groups(name):
    pair = Pair(name, {})
    assert repr(pair.optimizer) == repr(pair.reference)
    assert pair.optimizer.state_dict()["param_groups"] == pair.reference.state_dict()["param_groups"]


def test_momentum_switched_on_and_off_by_hand():
    pair = Pair("SGD", {"lr": 0.1})
    for seed, momentum in enumerate([0, 0.9, 0.9, 0, 0.5]):
        for group in (*pair.optimizer.param_groups, *pair.reference.param_groups):
            group["momentum"] = momentum
        pair.step(seed)
    pair.check(rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize(
    ("name", "arguments", "keywords"),
    [
        ("SGD", (), {"lr": -1.0}),
        ("SGD", (), {"momentum": -0.1}),
        ("SGD", (), {"weight_decay": -0.1}),
        ("SGD", (), {"nesterov": True}),
        ("SGD", (), {"fused": True, "foreach": True}),
        ("Adam", (), {"lr": -1.0}),
        ("Adam", (), {"eps": -1e-8}),
        ("Adam", (), {"betas": (1.0, 0.999)}),
        ("Adam", (), {"betas": (0.9, -0.1)}),
        ("Adam", (), {"betas": (0, 0.9)}),
        ("AdamW", (), {"weight_decay": -1}),
        ("RMSprop", (), {"alpha": -0.5}),
        ("RMSprop", (), {"momentum": -0.5}),
        ("Adagrad", (), {"lr_decay": -0.5}),
        ("Adagrad", (), {"initial_accumulator_value": -0.5}),
        ("Adadelta", (), {"rho": 1.5}),
    ],
)
def test_refuses_the_same_settings_in_the_same_words(name, arguments, keywords):
    values = arrays(0)
    with pytest.raises(Exception) as expected:
        getattr(torch.optim, name)([torch.from_numpy(v).requires_grad_(True) for v in values], *arguments, **keywords)
    with pytest.raises(type(expected.value)) as found:
        getattr(optim, name)(parameters(values), *arguments, **keywords)
    assert str(found.value) == str(expected.value)
