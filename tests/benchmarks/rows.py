"""What is timed: nets, their inputs, and optimisers; the same for every peer."""

from __future__ import annotations

from dataclasses import dataclass

#: A layer: ("linear", inputs, outputs), ("conv", channels, filters), ("relu",), ("pool",), ("flatten",).
Layer = tuple


@dataclass(frozen=True)
class Row:
    """One net, one batch, one optimiser; ``classes`` of 1 means binary cross-entropy."""

    name: str
    layers: tuple[Layer, ...]
    shape: tuple[int, ...]
    classes: int
    optimizer: str

    @property
    def title(self) -> str:
        return f"{self.name}, batch {self.shape[0]}, {self.optimizer}"


def mlp(*sizes: int) -> tuple[Layer, ...]:
    """Dense layers with ReLU between them."""
    layers: list[Layer] = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        layers += [("linear", inputs, outputs), ("relu",)]
    return tuple(layers[:-1])


LENET: tuple[Layer, ...] = (
    ("conv", 1, 8), ("relu",), ("pool",), ("conv", 8, 16), ("relu",), ("pool",), ("flatten",), ("linear", 784, 10),
)
WIDE: tuple[Layer, ...] = (
    ("conv", 3, 32), ("relu",), ("conv", 32, 32), ("relu",), ("pool",),
    ("conv", 32, 64), ("relu",), ("conv", 64, 64), ("relu",), ("pool",), ("flatten",), ("linear", 4096, 10),
)

NETS = (
    ("2-8-1", mlp(2, 8, 1), (10, 2), 1),
    ("64-32-10", mlp(64, 32, 10), (32, 64), 10),
    ("784-128-10", mlp(784, 128, 10), (32, 784), 10),
    ("784-512-512-10", mlp(784, 512, 512, 10), (128, 784), 10),
    ("conv8-conv16-dense on 28x28", LENET, (32, 1, 28, 28), 10),
    ("conv8-conv16-dense on 28x28", LENET, (128, 1, 28, 28), 10),
    ("conv32-32-64-64-dense on 3x32x32", WIDE, (32, 3, 32, 32), 10),
)

ROWS = tuple(Row(*net, optimizer) for net in NETS for optimizer in ("sgd", "adam"))
