"""The same training script on PyTorch and on the engine gives the same losses.

Random streams are PyTorch's, so that one seed gives both the same weights, batches and dropout masks.
"""

from __future__ import annotations

import random
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import engine

torch = pytest.importorskip("torch")

SAMPLES, BATCH, EPOCHS, CLASSES = 48, 16, 17, 4

Layer = tuple[str, tuple, dict]


def layer(name: str, *arguments: Any, **options: Any) -> Layer:
    """``nn.name(*arguments, **options)``, to be made of either library."""
    return name, arguments, options


ACTIVATIONS = (
    layer("ReLU"), layer("LeakyReLU", 0.1), layer("ELU", 0.8), layer("GELU"), layer("GELU", "tanh"), layer("SiLU"),
    layer("Mish"), layer("Sigmoid"), layer("Tanh"), layer("Softplus", 2), layer("Hardtanh"), layer("ReLU6"),
    layer("SELU"), layer("CELU", 0.7), layer("LogSigmoid"), layer("Softsign"),
)

#: name, options, what comes before it, kind of target
LOSSES = (
    ("MSELoss", {}, (), "numbers"),
    ("CrossEntropyLoss", {}, (), "labels"),
    ("L1Loss", {}, (), "numbers"),
    ("CrossEntropyLoss", {"label_smoothing": 0.1, "ignore_index": 1}, (), "labels"),
    ("SmoothL1Loss", {"beta": 0.5}, (), "numbers"),
    ("BCELoss", {}, (layer("Sigmoid"),), "probabilities"),
    ("CrossEntropyLoss", {"weight": "classes"}, (), "labels"),
    ("HuberLoss", {"delta": 0.6}, (), "numbers"),
    ("BCEWithLogitsLoss", {"pos_weight": "classes"}, (), "probabilities"),
    ("NLLLoss", {"weight": "classes"}, (layer("LogSoftmax", dim=1),), "labels"),
    ("KLDivLoss", {"reduction": "batchmean"}, (layer("LogSoftmax", dim=1),), "distributions"),
    ("CrossEntropyLoss", {"reduction": "sum"}, (), "distributions"),
)


def optimizers(draw: random.Random) -> tuple[tuple[str, dict], ...]:
    """Every optimizer with drawn hyper-parameters."""
    decay = draw.choice((0.0, 1e-3, 1e-2))
    return (
        ("SGD", {"lr": draw.uniform(0.005, 0.05), "weight_decay": decay}),
        ("Adam", {"lr": draw.uniform(5e-4, 5e-3), "betas": (0.85, 0.99), "amsgrad": draw.random() < 0.5}),
        ("SGD", {"lr": 0.02, "momentum": draw.uniform(0.5, 0.9), "nesterov": True, "weight_decay": decay}),
        ("RMSprop", {"lr": 1e-3, "alpha": 0.9, "momentum": draw.choice((0.0, 0.5)), "centered": draw.random() < 0.5}),
        ("AdamW", {"lr": draw.uniform(5e-4, 5e-3), "weight_decay": 0.05}),
        ("Adagrad", {"lr": draw.uniform(0.005, 0.02), "lr_decay": 0.01, "weight_decay": decay}),
        ("SGD", {"lr": 0.01, "momentum": 0.8, "dampening": 0.2}),
        ("Adadelta", {"lr": draw.uniform(0.2, 1.0), "rho": 0.8}),
    )


SCHEDULERS = (
    ("StepLR", {"step_size": 10, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [8, 30], "gamma": 0.3}),
    ("ExponentialLR", {"gamma": 0.97}),
    ("CosineAnnealingLR", {"T_max": 40}),
    ("OneCycleLR", {"max_lr": 0.01, "total_steps": 60}),
    ("LinearLR", {"start_factor": 0.3, "total_iters": 20}),
    ("LambdaLR", {"lr_lambda": lambda step: 1 / (1 + 0.1 * step)}),
    ("ReduceLROnPlateau", {"patience": 3, "factor": 0.5}),
)


@dataclass
class Plan:
    """A net, its loss and its training, drawn by number."""

    number: int
    shape: tuple[int, ...] = ()
    layers: list[Layer] = field(default_factory=list)

    def __post_init__(self) -> None:
        draw = random.Random(self.number)
        shuffled = random.Random(1).sample(ACTIVATIONS, len(ACTIVATIONS))
        self.activations = [shuffled[(2 * self.number + i) % len(shuffled)] for i in range(2)]
        self.loss = LOSSES[self.number % len(LOSSES)]
        self.optimizer = optimizers(draw)[self.number % 8]
        self.scheduler = SCHEDULERS[(self.number * 3 + self.number // 8) % len(SCHEDULERS)]
        (self.dense, self.images, self.sequences, self.residue)[self.number % 4](draw)
        self.layers += self.loss[2]

    def dense(self, draw: random.Random) -> None:
        width = draw.choice((8, 12))
        self.shape = (6,)
        norm = draw.choice((layer("BatchNorm1d", width), layer("LayerNorm", width)))
        self.layers = [
            layer("Linear", 6, width), self.activations[0], norm, layer("Dropout", draw.uniform(0.1, 0.4)),
            layer("Linear", width, width, bias=False), self.activations[1], layer("Linear", width, CLASSES),
        ]

    def images(self, draw: random.Random) -> None:
        channels, kernel = draw.choice((4, 6)), draw.choice((2, 3))
        self.shape = (2, 9, 8)
        self.layers = [
            layer("Conv2d", 2, channels, kernel, stride=draw.choice((1, 2)), padding=1, bias=draw.random() < 0.5),
            draw.choice((layer("BatchNorm2d", channels), layer("GroupNorm", 2, channels), layer("Identity"))),
            self.activations[0],
            draw.choice((layer("MaxPool2d", 2), layer("AvgPool2d", 2), layer("MaxPool2d", 3, stride=1, padding=1))),
            layer("Conv2d", channels, 4, 2, groups=2), self.activations[1],
            draw.choice((layer("Dropout2d", 0.2), layer("Identity"))),
            layer("AdaptiveAvgPool2d", (2, 2)), layer("Flatten"), layer("Linear", 16, CLASSES),
        ]

    def sequences(self, draw: random.Random) -> None:
        self.shape = (3, 12)
        self.layers = [
            layer("Conv1d", 3, 6, 3, padding="same"), self.activations[0], layer("MaxPool1d", 2),
            layer("Conv1d", 6, 4, 3, dilation=2), draw.choice((layer("BatchNorm1d", 4), layer("LayerNorm", (4, 2)))),
            self.activations[1], layer("Flatten"), layer("Linear", 8, CLASSES),
        ]

    def residue(self, draw: random.Random) -> None:
        """Down and up again: transposed convolution and upsampling."""
        self.shape = (1, 6, 6)
        self.layers = [
            layer("Conv2d", 1, 4, 3, stride=2, padding=1), self.activations[0],
            layer("ConvTranspose2d", 4, 3, 2, stride=2), self.activations[1],
            layer("Upsample", scale_factor=draw.choice((0.5, 2)), mode=draw.choice(("nearest", "bilinear"))),
            layer("AdaptiveAvgPool2d", 3), layer("Flatten"), layer("Dropout", 0.2), layer("Linear", 27, CLASSES),
        ]


def targets(t: Any, kind: str) -> Any:
    """Random targets of all samples."""
    if kind == "labels":
        return t.randint(0, CLASSES, (SAMPLES,))
    if kind == "numbers":
        return t.randn(SAMPLES, CLASSES)
    if kind == "probabilities":
        return t.rand(SAMPLES, CLASSES)
    return t.softmax(t.randn(SAMPLES, CLASSES), 1)


def build(t: Any, plan: Plan) -> Any:
    """The net of ``plan``."""
    return t.nn.Sequential(*[getattr(t.nn, name)(*arguments, **options) for name, arguments, options in plan.layers])


def train(t: Any, plan: Plan, double: bool = False, state: dict[str, np.ndarray] | None = None) -> list[float]:
    """The training script, with ``t`` for torch: the loss of every step."""
    t.manual_seed(plan.number)
    model = build(t, plan)
    if state is not None:
        model.load_state_dict({name: t.from_numpy(array.copy()) for name, array in state.items()})
    x, y = t.randn(SAMPLES, *plan.shape), targets(t, plan.loss[3])
    options = {
        name: t.tensor([0.5, 1.0, 1.5, 2.0], dtype=t.float64 if double else t.float32) if value == "classes" else value
        for name, value in plan.loss[1].items()
    }
    if double:
        model, x = model.double(), x.double()
        y = y.double() if y.is_floating_point() else y
    loss_fn = getattr(t.nn, plan.loss[0])(**options)
    optimizer = getattr(t.optim, plan.optimizer[0])(model.parameters(), **plan.optimizer[1])
    scheduler = getattr(t.optim.lr_scheduler, plan.scheduler[0])(optimizer, **plan.scheduler[1])
    loader = t.utils.data.DataLoader(t.utils.data.TensorDataset(x, y), batch_size=BATCH, shuffle=True)
    losses = []
    for _ in range(EPOCHS):
        for inputs, wanted in loader:
            optimizer.zero_grad()
            loss = loss_fn(model(inputs), wanted)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            scheduler.step(*([losses[-1]] if plan.scheduler[0] == "ReduceLROnPlateau" else []))
    return losses


@pytest.fixture(autouse=True)
def one_thread():
    """PyTorch's threads and Numba's would fight for two cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("number", range(24))
def test_losses_of_fifty_steps_agree(number):
    plan = Plan(number)
    expected = train(torch, plan)
    assert len(expected) > 50 and all(np.isfinite(expected)) and len(set(expected)) > 40
    np.testing.assert_allclose(train(engine, plan), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("number", range(0, 24, 3))
def test_in_double_precision_they_agree_to_nine_digits(number):
    plan = Plan(number)
    np.testing.assert_allclose(train(engine, plan, double=True), train(torch, plan, double=True), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("number", range(4))
def test_weights_copied_through_state_dict(number):
    plan = Plan(number)
    torch.manual_seed(99)
    state = {name: value.numpy() for name, value in build(torch, plan).state_dict().items()}
    expected = train(torch, plan, state=state)
    assert expected[0] != train(torch, plan)[0]
    np.testing.assert_allclose(train(engine, plan, state=state), expected, rtol=1e-4, atol=1e-6)


def test_every_activation_loss_optimizer_and_scheduler_is_drawn():
    plans = [Plan(number) for number in range(24)]
    assert {repr(a) for plan in plans for a in plan.activations} == {repr(a) for a in ACTIVATIONS}
    assert {repr(plan.loss) for plan in plans} == {repr(x) for x in LOSSES}
    assert {plan.optimizer[0] for plan in plans} == {"SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta"}
    assert {plan.scheduler[0] for plan in plans} == {name for name, _ in SCHEDULERS}
