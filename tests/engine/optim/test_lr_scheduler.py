"""Schedulers give PyTorch's learning rates, save PyTorch's state, and warn where it warns."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import optim
from engine.tensor import wrap

torch = pytest.importorskip("torch")

GAMMA = st.floats(0.05, 1.2)
SHARE = st.floats(0.01, 1.0)
EPOCHS = st.integers(1, 12)

SCHEDULES = {
    "StepLR": st.fixed_dictionaries({"step_size": EPOCHS, "gamma": GAMMA}),
    "MultiStepLR": st.fixed_dictionaries({"milestones": st.lists(EPOCHS, max_size=4), "gamma": GAMMA}),
    "ExponentialLR": st.fixed_dictionaries({"gamma": GAMMA}),
    "CosineAnnealingLR": st.fixed_dictionaries({"T_max": st.integers(2, 12), "eta_min": st.sampled_from([0.0, 1e-3])}),
    "CosineAnnealingWarmRestarts": st.fixed_dictionaries(
        {
            "T_0": EPOCHS,
            "T_mult": st.integers(1, 3),
            "eta_min": st.sampled_from([0.0, 1e-3]),
        }
    ),
    "LinearLR": st.fixed_dictionaries({"start_factor": SHARE, "end_factor": SHARE, "total_iters": EPOCHS}),
    "ConstantLR": st.fixed_dictionaries({"factor": SHARE, "total_iters": EPOCHS}),
    "PolynomialLR": st.fixed_dictionaries({"total_iters": EPOCHS, "power": st.sampled_from([0.5, 1.0, 2.0])}),
    "LambdaLR": st.fixed_dictionaries({"lr_lambda": st.sampled_from([lambda e: 0.9**e, lambda e: 1 / (1 + e)])}),
    "MultiplicativeLR": st.fixed_dictionaries({"lr_lambda": st.sampled_from([lambda e: 0.9, lambda e: 1 / (1 + e)])}),
    "OneCycleLR": st.fixed_dictionaries(
        {
            "max_lr": st.sampled_from([0.1, [0.1, 0.3]]),
            "total_steps": st.just(31),
            "pct_start": st.floats(0.1, 0.4),
            "anneal_strategy": st.sampled_from(["cos", "linear"]),
            "div_factor": st.sampled_from([25.0, 10.0]),
            "final_div_factor": st.sampled_from([1e4, 10.0]),
            "three_phase": st.booleans(),
            "base_momentum": st.sampled_from([0.85, [0.7, 0.8]]),
        }
    ),
}


def optimizers(kind="SGD", **hyper):
    """PyTorch's optimiser and the engine's, in this order, both with two groups."""
    hyper = hyper or {"lr": 0.1, "momentum": 0.9} if kind == "SGD" else {"lr": 0.1}
    for module, make in (
        (torch.optim, lambda: torch.zeros(2, requires_grad=True)),
        (optim, lambda: wrap(np.zeros(2, np.float32)).requires_grad_(True)),
    ):
        yield getattr(module, kind)([{"params": [make()]}, {"params": [make()], "lr": 0.02}], **hyper)


def pairs(name, arguments, kind="SGD"):
    for optimizer, module in zip(optimizers(kind), (torch.optim.lr_scheduler, optim.lr_scheduler), strict=True):
        yield optimizer, getattr(module, name)(optimizer, **arguments)


def trajectory(optimizer, scheduler, steps, *, keys=("lr",), step=None):
    """What the groups hold after construction and after each step."""
    found = [[group.get(key) for group in optimizer.param_groups for key in keys]]
    for i in range(steps):
        optimizer.step()
        (step or (lambda s, i: s.step()))(scheduler, i)
        assert scheduler.get_last_lr() == [group["lr"] for group in optimizer.param_groups]
        found.append([group.get(key) for group in optimizer.param_groups for key in keys])
    return found


def assert_same(found, expected):
    np.testing.assert_allclose(np.array(found, float), np.array(expected, float), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", SCHEDULES)
def test_thirty_epochs(name):
    @settings(max_examples=25)
    @given(SCHEDULES[name])
    def check(arguments):
        expected, found = [
            trajectory(*pair, 30, keys=("lr", "initial_lr", "momentum")) for pair in pairs(name, arguments)
        ]
        assert_same(found, expected)

    check()


@pytest.mark.parametrize("name", [n for n in SCHEDULES if n not in ("LambdaLR", "MultiplicativeLR")])
def test_saved_state_is_the_same_and_goes_on(name):
    @settings(max_examples=8)
    @given(SCHEDULES[name])
    def check(arguments):
        (_, theirs), (optimizer, own) = both = list(pairs(name, arguments))
        for pair in both:
            trajectory(*pair, 7)
        saved, expected = own.state_dict(), theirs.state_dict()
        assert saved.keys() == expected.keys()
        assert saved["_last_lr"] == pytest.approx(expected["_last_lr"], rel=1e-12)
        assert saved["last_epoch"] == expected["last_epoch"]
        saved = dict(saved)
        fresh_optimizer, fresh = list(pairs(name, arguments))[1]
        fresh.load_state_dict(saved)
        for group, source in zip(fresh_optimizer.param_groups, optimizer.param_groups, strict=True):
            group.update({key: value for key, value in source.items() if key != "params"})
        assert trajectory(fresh_optimizer, fresh, 10) == trajectory(optimizer, own, 10)

    check()


@pytest.mark.parametrize("name", [n for n in SCHEDULES if n != "OneCycleLR"])
def test_jumping_to_an_epoch(name):
    @settings(max_examples=10)
    @given(SCHEDULES[name], st.lists(st.integers(0, 40), min_size=1, max_size=5))
    def check(arguments, epochs):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected, found = [
                trajectory(*pair, len(epochs), step=lambda s, i: s.step(epochs[i])) for pair in pairs(name, arguments)
            ]
        assert_same(found, expected)

    check()


def test_warm_restarts_take_fractions_of_an_epoch():
    arguments = {"T_0": 3, "T_mult": 2}
    expected, found = [
        trajectory(*pair, 40, step=lambda s, i: s.step(i / 4))
        for pair in pairs("CosineAnnealingWarmRestarts", arguments)
    ]
    assert_same(found, expected)


def test_one_cycle_drives_beta1():
    found, expected = [], []
    for (optimizer, scheduler), seen in zip(
        pairs("OneCycleLR", {"max_lr": 0.1, "epochs": 4, "steps_per_epoch": 5}, "Adam"),
        (expected, found),
        strict=True,
    ):
        for _ in range(19):
            optimizer.step()
            scheduler.step()
            seen.append(optimizer.param_groups[0]["betas"])
    assert_same(found, expected)


def test_one_cycle_ends():
    for optimizer, scheduler in pairs("OneCycleLR", {"max_lr": 0.1, "total_steps": 3}):
        optimizer.step()
        for _ in range(3):
            scheduler.step()
        with pytest.raises(ValueError, match=r"Tried to step 4 times\. The specified number of total steps is 3"):
            scheduler.step()


@given(
    st.lists(st.floats(0, 2), min_size=20, max_size=40),
    st.fixed_dictionaries(
        {
            "mode": st.sampled_from(["min", "max"]),
            "factor": st.floats(0.1, 0.9),
            "patience": st.integers(0, 4),
            "threshold": st.sampled_from([1e-4, 0.1]),
            "threshold_mode": st.sampled_from(["rel", "abs"]),
            "cooldown": st.integers(0, 3),
            "min_lr": st.sampled_from([0, 1e-3, [1e-3, 2e-3]]),
        }
    ),
)
def test_reduce_on_plateau(metrics, arguments):
    expected, found = [
        trajectory(*pair, len(metrics), step=lambda s, i: s.step(metrics[i]))
        for pair in pairs("ReduceLROnPlateau", arguments)
    ]
    assert_same(found, expected)


def test_plateau_takes_tensors_and_nan_as_no_improvement():
    (_, scheduler) = list(pairs("ReduceLROnPlateau", {"patience": 0}))[1]
    scheduler.step(wrap(np.array(1.0, np.float32)))
    scheduler.step(math.nan)
    assert scheduler.get_last_lr() == pytest.approx([0.01, 0.002])
    state = scheduler.state_dict()
    (_, other) = list(pairs("ReduceLROnPlateau", {"mode": "max"}))[1]
    other.load_state_dict(state)
    assert (other.mode, other.best, other.mode_worse) == ("min", 1.0, math.inf)


def sequential(module, optimizer):
    parts = [
        module.LinearLR(optimizer, start_factor=0.1, total_iters=4),
        module.CosineAnnealingLR(optimizer, T_max=6),
        module.ExponentialLR(optimizer, gamma=0.8),
    ]
    return module.SequentialLR(optimizer, parts, milestones=[4, 11])


def chained(module, optimizer):
    parts = [
        module.ConstantLR(optimizer, factor=0.1, total_iters=3),
        module.ExponentialLR(optimizer, gamma=0.9),
    ]
    return module.ChainedScheduler(parts, optimizer)


def nested(module, optimizer):
    parts = [sequential(module, optimizer), module.StepLR(optimizer, 3)]
    return module.SequentialLR(optimizer, parts, milestones=[13])


@pytest.mark.parametrize("build", [sequential, chained, nested])
def test_schedulers_of_schedulers(build):
    theirs, own = [
        (optimizer, build(module, optimizer))
        for optimizer, module in zip(optimizers(), (torch.optim.lr_scheduler, optim.lr_scheduler), strict=True)
    ]
    assert_same(trajectory(*own, 9), trajectory(*theirs, 9))
    saved = own[1].state_dict()
    assert saved.keys() == theirs[1].state_dict().keys()
    fresh_optimizer = list(optimizers())[1]
    fresh = build(optim.lr_scheduler, fresh_optimizer)
    fresh.load_state_dict(saved)
    for group, source in zip(fresh_optimizer.param_groups, own[0].param_groups, strict=True):
        group["lr"] = source["lr"]
    expected = trajectory(*theirs, 11)
    assert_same(trajectory(*own, 11), expected)
    assert_same(trajectory(fresh_optimizer, fresh, 11), expected)


def test_resuming_from_a_last_epoch():
    found = []
    for optimizer, module in zip(optimizers(), (torch.optim.lr_scheduler, optim.lr_scheduler), strict=True):
        with pytest.raises(KeyError, match="initial_lr"):
            module.StepLR(optimizer, 2, last_epoch=3)
        for group in optimizer.param_groups:
            group["initial_lr"] = 0.5
        scheduler = module.CosineAnnealingLR(optimizer, 10, last_epoch=3)
        found.append(trajectory(optimizer, scheduler, 8))
    assert_same(found[1], found[0])


def test_a_scheduler_of_the_users_own():
    found = []
    for optimizer, module in zip(optimizers(), (torch.optim.lr_scheduler, optim.lr_scheduler), strict=True):

        class Halving(module.LRScheduler):
            def get_lr(self):
                return [base * 0.5**self.last_epoch for base in self.base_lrs]

        found.append(trajectory(optimizer, Halving(optimizer), 5))
    assert_same(found[1], found[0])


@pytest.mark.parametrize("steps_before", [False, True])
def test_warns_when_stepped_before_the_optimizer(steps_before):
    for optimizer, module in zip(optimizers(), (torch.optim.lr_scheduler, optim.lr_scheduler), strict=True):
        if steps_before:
            optimizer.step()  # counts for nothing: there is no scheduler yet
        scheduler = module.ExponentialLR(optimizer, 0.9)
        with pytest.warns(UserWarning, match=r"`lr_scheduler.step\(\)` before `optimizer.step\(\)`"):
            scheduler.step()


def test_does_not_warn_in_the_right_order():
    optimizer, scheduler = list(pairs("StepLR", {"step_size": 2}))[1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer.step()
        scheduler.step()
        scheduler.step()


def test_warns_when_get_lr_is_called_from_outside():
    _, scheduler = list(pairs("StepLR", {"step_size": 2}))[1]
    with pytest.warns(UserWarning, match="get_last_lr"):
        scheduler.get_lr()


def test_a_learning_rate_that_is_a_tensor_keeps_its_identity():
    lr = wrap(np.array(0.5))
    optimizer = optim.SGD([wrap(np.zeros(2, np.float32)).requires_grad_(True)], lr=lr)
    scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=0)
    scheduler.step(1.0)
    scheduler.step(1.0)
    assert optimizer.param_groups[0]["lr"] is lr
    assert lr.item() == 0.25


def test_callable_objects_are_saved():
    class Decay:
        def __init__(self, rate):
            self.rate = rate

        def __call__(self, epoch):
            return self.rate**epoch

    _, scheduler = list(pairs("LambdaLR", {"lr_lambda": Decay(0.5)}))[1]
    _, other = list(pairs("LambdaLR", {"lr_lambda": Decay(0.9)}))[1]
    other.load_state_dict(scheduler.state_dict())
    assert other.lr_lambdas[0].rate == 0.5


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("ConstantLR", {"factor": 1.5}),
        ("LinearLR", {"start_factor": 0}),
        ("LinearLR", {"end_factor": 1.5}),
        ("LambdaLR", {"lr_lambda": [lambda e: 1]}),
        ("CosineAnnealingWarmRestarts", {"T_0": 0}),
        ("CosineAnnealingWarmRestarts", {"T_0": 2, "T_mult": 0}),
        ("OneCycleLR", {"max_lr": 0.1}),
        ("OneCycleLR", {"max_lr": [0.1], "total_steps": 5}),
        ("OneCycleLR", {"max_lr": 0.1, "total_steps": 5, "anneal_strategy": "square"}),
        ("OneCycleLR", {"max_lr": 0.1, "total_steps": 5, "pct_start": 1.5}),
        ("OneCycleLR", {"max_lr": 0.1, "epochs": 0, "steps_per_epoch": 3}),
        ("ReduceLROnPlateau", {"factor": 1.0}),
        ("ReduceLROnPlateau", {"mode": "up"}),
        ("ReduceLROnPlateau", {"threshold_mode": "up"}),
        ("ReduceLROnPlateau", {"min_lr": [0.1]}),
        ("SequentialLR", {"schedulers": [], "milestones": []}),
    ],
)
def test_refuses_the_same_arguments_in_the_same_words(name, arguments):
    messages = []
    for optimizer, module in zip(optimizers(), (torch.optim.lr_scheduler, optim.lr_scheduler), strict=True):
        with pytest.raises(ValueError) as error:
            getattr(module, name)(optimizer, **arguments)
        messages.append(str(error.value))
    assert messages[0] == messages[1]


def test_refuses_what_is_no_optimizer_or_another_ones_scheduler():
    first, second = list(optimizers())[1], list(optimizers())[1]
    with pytest.raises(TypeError, match="list is not an Optimizer"):
        optim.lr_scheduler.StepLR([], 2)
    parts = [optim.lr_scheduler.StepLR(first, 2), optim.lr_scheduler.StepLR(second, 2)]
    with pytest.raises(ValueError, match="same optimizer"):
        optim.lr_scheduler.SequentialLR(first, parts, [2])
    with pytest.raises(ValueError, match="one more than the number of milestone"):
        optim.lr_scheduler.SequentialLR(first, parts[:1], [2])
    with pytest.raises(ValueError, match="does not support `ReduceLROnPlateau`"):
        optim.lr_scheduler.ChainedScheduler([optim.lr_scheduler.ReduceLROnPlateau(first)], first)
