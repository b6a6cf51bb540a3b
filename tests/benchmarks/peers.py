"""The peers: each builds a row's training step. Imported in a process of its own, so that thread pools never meet."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.benchmarks.rows import Row

LEARNING_RATE, MOMENTUM = 0.01, 0.9


def batch(row: Row) -> tuple[np.ndarray, np.ndarray]:
    """Input and target of a row."""
    generator = np.random.default_rng(0)
    x = generator.standard_normal(row.shape).astype(np.float32)
    if row.classes == 1:
        return x, generator.integers(0, 2, (row.shape[0], 1)).astype(np.float32)
    return x, generator.integers(0, row.classes, row.shape[0])


def engine_step(row: Row) -> Callable[[], object]:
    """The step written with this project's engine."""
    return eager_step(importlib.import_module("engine"), row)


def torch_step(row: Row) -> Callable[[], object]:
    """The same step with PyTorch, eager."""
    return eager_step(importlib.import_module("torch"), row)


def torch_compile_step(row: Row) -> Callable[[], object]:
    """The same step with the model and its loss under ``torch.compile``."""
    torch = importlib.import_module("torch")
    return eager_step(torch, row, torch.compile)


def eager_step(
    torch: Any, row: Row, compiled: Callable = lambda f: f, device: str = "cpu"
) -> Callable[[], object]:
    """A training step of ``torch``, which is PyTorch or the engine, on ``device``."""
    nn = torch.nn
    torch.manual_seed(0)
    make = {
        "linear": nn.Linear,
        "conv": lambda c, o: nn.Conv2d(c, o, 3, padding=1),
        "relu": nn.ReLU,
        "pool": lambda: nn.MaxPool2d(2),
        "flatten": nn.Flatten,
    }
    model = nn.Sequential(*[make[kind](*sizes) for kind, *sizes in row.layers]).to(device)
    loss_function = nn.BCEWithLogitsLoss() if row.classes == 1 else nn.CrossEntropyLoss()
    if row.optimizer == "sgd":
        optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    else:
        optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    x, y = (torch.from_numpy(a).to(device) for a in batch(row))
    loss_of = compiled(lambda x, y: loss_function(model(x), y))

    def step():
        optimizer.zero_grad()
        loss = loss_of(x, y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def jax_step(row: Row) -> Callable[[], object]:
    """The step as one ``jax.jit`` function of parameters, optimiser state and batch."""
    jax = importlib.import_module("jax")
    jnp = importlib.import_module("jax.numpy")
    generator = np.random.default_rng(0)

    def initial(kind, *sizes):
        if kind == "linear":
            shape, fan = (sizes[1], sizes[0]), sizes[0]
        elif kind == "conv":
            shape, fan = (sizes[1], sizes[0], 3, 3), sizes[0] * 9
        else:
            return None
        bound = 1 / np.sqrt(fan)
        return tuple(jnp.asarray(generator.uniform(-bound, bound, s).astype(np.float32)) for s in (shape, shape[:1]))

    def forward(parameters, x):
        for (kind, *_), layer in zip(row.layers, parameters):
            if kind == "linear":
                x = x @ layer[0].T + layer[1]
            elif kind == "conv":
                x = jax.lax.conv_general_dilated(x, layer[0], (1, 1), "SAME") + layer[1][:, None, None]
            elif kind == "relu":
                x = jax.nn.relu(x)
            elif kind == "pool":
                x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
            else:
                x = x.reshape(x.shape[0], -1)
        return x

    def loss_of(parameters, x, y):
        z = forward(parameters, x)
        if row.classes == 1:
            return jnp.mean(jnp.maximum(z, 0) - z * y + jnp.log1p(jnp.exp(-jnp.abs(z))))
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], 1))

    def sgd(parameters, state, gradients):
        state = jax.tree.map(lambda m, g: MOMENTUM * m + g, state, gradients)
        return jax.tree.map(lambda p, m: p - LEARNING_RATE * m, parameters, state), state

    def adam(parameters, state, gradients):
        t, m, v = state
        t = t + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradients)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradients)
        rate = LEARNING_RATE * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        return jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-8), parameters, m, v), (t, m, v)

    @jax.jit
    def update(parameters, state, x, y):
        loss, gradients = jax.value_and_grad(loss_of)(parameters, x, y)
        parameters, state = (sgd if row.optimizer == "sgd" else adam)(parameters, state, gradients)
        return parameters, state, loss

    parameters = [initial(*layer) for layer in row.layers]
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    state = zeros if row.optimizer == "sgd" else (jnp.zeros(()), zeros, zeros)
    x, y = (jnp.asarray(a) for a in batch(row))
    current = [parameters, state]

    def step():
        current[0], current[1], loss = update(current[0], current[1], x, y)
        return loss.block_until_ready()

    return step


STEPS = {
    "engine": engine_step,
    "pytorch": torch_step,
    "torch.compile": torch_compile_step,
    "jax": jax_step,
}
MODULES = {"engine": "engine", "pytorch": "torch", "torch.compile": "torch", "jax": "jax"}
