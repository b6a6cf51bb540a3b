"""A training step asks little of the GPU: bounds for launches, copies, waiting and allocations.

A launch costs the CPU some ten microseconds, as much as the GPU needs for a small layer; waiting costs more. The bounds
are those that the ops reach; a change that exceeds one says so here.
"""

import pytest

import engine
from engine import nn, trace
from engine.debug.statistics.observer import Statistics
from engine.kernels.cpu import statistics as cpu_statistics
from tests.cuda.counting import counted


def mlp():
    """The layers of a 784-128-10 network, few features each."""
    return nn.Sequential(nn.Linear(7, 5), nn.ReLU(), nn.Linear(5, 3)).to("cuda"), engine.randn(2, 7)


def cnn():
    """The layers of samples/fashion_cnn.py, small."""
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(2, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.25), nn.Linear(2, 4), nn.ReLU(), nn.Dropout(0.25), nn.Linear(4, 3),
    )  # fmt: skip
    return model.to("cuda"), engine.randn(2, 1, 4, 4)


def normed():
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 3)).to("cuda"), engine.randn(2, 3)


OPTIMIZERS = {
    "SGD": lambda p: engine.optim.SGD(p, lr=0.1, momentum=0.9),
    "Adam": lambda p: engine.optim.Adam(p, lr=0.01),
}


def step_of(make, optimizer, clip=False, metrics=False, to_none=True):
    """One step of a training."""
    engine.manual_seed(0)
    model, x = make()
    x, t = x.to("cuda"), engine.tensor([0, 1], device="cuda")
    optimizer = OPTIMIZERS[optimizer](model.parameters())
    schedule = engine.optim.lr_scheduler.StepLR(optimizer, 1, 0.99)

    def step():
        optimizer.zero_grad(set_to_none=to_none)
        y = model(x)
        loss = nn.functional.cross_entropy(y, t)
        loss.backward()
        if clip:
            nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        optimizer.step()
        schedule.step()
        if metrics:
            loss.item()
            (y.argmax(dim=1) == t).sum().item()

    return step


# Forward: 2 products, activation, label check, 2 of the loss. Backward: the loss, 3 products, 2 sums, activation. Update.
MLP = 14
# Forward: 4 products, 3 activations, 2 maxima, 2 masks used and 2 launches to draw them, 3 of the loss. Backward: the loss,
# 7 products, 2 + 4 sums (of convolutions over dimensions that lie apart), 3 activations, 2 maxima, 2 masks. Update.
CNN = 38


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(("make", "launches", "copies"), [(mlp, MLP, 0), (cnn, CNN, 2)])
def test_a_step_waits_for_nothing(make, launches, copies, optimizer):
    found = counted(step_of(make, optimizer))
    assert found["launches"] <= launches, found
    # Dropout's masks may come from the CPU.
    assert found["copies"] <= copies and not found["reads"] and not found["allocations"], found


@pytest.mark.parametrize(("make", "launches", "copies"), [(mlp, MLP, 0), (cnn, CNN, 2)])
def test_clipping_costs_launches_for_all_gradients_not_for_each(make, launches, copies):
    found = counted(step_of(make, "SGD", clip=True))
    assert found["launches"] <= launches + 5 and found["copies"] <= copies, found
    assert not found["reads"] and not found["allocations"], found


def test_metrics_are_read_once_each():
    found = counted(step_of(mlp, "SGD", metrics=True))
    # The loss, whether a label was wrong, and the number of right answers.
    assert found["reads"] <= 3 and found["launches"] <= MLP + 3 and not found["copies"], found


def test_statistics_cost_launches_for_all_tensors_not_for_each():
    statistics = Statistics(ratio_every=0)
    before = trace.set_observer(statistics)
    try:
        found = counted(step_of(cnn, "SGD"))
    finally:
        trace.set_observer(before)
    tensors = len(statistics.latest())
    calls = -(-tensors // cpu_statistics.ARRAYS)
    assert tensors > 2 * cpu_statistics.ARRAYS
    # Of each call the parts, the silent units and the sum of the parts; one copy of its results to the CPU. Under an
    # observer labels are looked at at once.
    assert found["launches"] <= CNN + 3 * calls and found["reads"] <= calls + 1, found
    assert found["copies"] <= 2 + calls and not found["allocations"], found


def test_one_launch_updates_all_parameters():
    for name, kernel in (("SGD", "_sgd"), ("Adam", "_adam")):
        assert counted(step_of(cnn, name))[kernel] == 1


def test_one_launch_zeroes_all_gradients():
    found = counted(step_of(mlp, "SGD", to_none=False))
    # Each gradient is added to the zeros.
    assert found["_fill"] == 1 and found["launches"] <= MLP + 1 + 4 and not found["copies"], found


def test_batch_norm_counts_its_batches_without_being_read():
    found = counted(step_of(normed, "SGD"))
    # Forward, the two running averages and the counter; backward.
    assert found["launches"] <= MLP - 2 + 4 + 1 and not found["reads"] and not found["copies"], found


@pytest.mark.parametrize(
    ("loss", "launches"),
    [("mse_loss", 3), ("l1_loss", 3), ("smooth_l1_loss", 3), ("binary_cross_entropy_with_logits", 3)],
)
def test_losses_of_numbers(loss, launches):
    x, t = engine.rand(2, 3).to("cuda").requires_grad_(), engine.rand(2, 3).to("cuda")

    def step():
        x.grad = None
        getattr(nn.functional, loss)(x, t).backward()

    found = counted(step)
    assert found["launches"] <= launches and not found["reads"] and not found["copies"], found


def test_means_and_sums_are_one_launch_each_way():
    x = engine.rand(3, 2, 2).to("cuda").requires_grad_()
    for dim in (None, 0, (1, 2)):
        found = counted(lambda dim=dim: (x.sum(dim), x.mean(dim)))
        assert found == {"launches": 2, "kernel": 2}, found
    # Dimensions that lie apart: one launch each, and no copy that brings them together.
    assert counted(lambda: x.sum((0, 2)))["launches"] == 2
