"""The kernels' scalar functions against float64 truth: rounding, range and special values."""

import math

import numpy as np
import pytest

from engine.kernels.cpu import vector_math
from engine.kernels.jit import kernel


@kernel
def exp_all(y, x):
    for i in range(y.size):
        y[i] = vector_math.exp(x[i])


@kernel
def expm1_all(y, x):
    for i in range(y.size):
        y[i] = vector_math.expm1(x[i])


@kernel
def log_all(y, x):
    for i in range(y.size):
        y[i] = vector_math.log(x[i])


@kernel
def log1p_all(y, x):
    for i in range(y.size):
        y[i] = vector_math.log1p(x[i])


@kernel
def tanh_all(y, x):
    for i in range(y.size):
        y[i] = vector_math.tanh(x[i])


@kernel
def sigmoid_all(y, x):
    for i in range(y.size):
        y[i] = vector_math.sigmoid(x[i])


@kernel
def erf_all(y, x):
    for i in range(y.size):
        y[i] = vector_math.erf(x[i])


@kernel
def maximum_all(y, x):
    for i in range(y.size):
        y[i] = vector_math.maximum(x[i])


def sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1.0) / (1 + e)


FUNCTIONS = {
    "exp": (exp_all, np.exp), "expm1": (expm1_all, np.expm1), "log": (log_all, np.log), "log1p": (log1p_all, np.log1p),
    "tanh": (tanh_all, np.tanh), "sigmoid": (sigmoid_all, sigmoid), "erf": (erf_all, np.vectorize(math.erf)),
}
SPECIAL = [0.0, -0.0, math.inf, -math.inf, math.nan, 1e-45, -1e-45, 1e-38, 3e38, -3e38, 88.72, 88.73, 89.5, -87.4, -103.9,
           -104.1, 1.0, -1.0, -2.0]


def arguments():
    generator = np.random.default_rng(0)
    size = np.exp(generator.uniform(-95, 88, 20_000))
    return np.concatenate([
        SPECIAL, generator.normal(0, 1, 20_000), generator.uniform(-110, 95, 20_000), size, -size,
        generator.uniform(0.5, 2, 20_000), np.linspace(-1, 1, 20_001),
    ]).astype(np.float32)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_float32_is_right_to_the_last_places(name):
    run, truth = FUNCTIONS[name]
    x = arguments()
    y = np.empty_like(x)
    run(y, x)
    with np.errstate(all="ignore"):
        exact = truth(x.astype(np.float64))
        rounded = exact.astype(np.float32)
        apart = np.abs(y.astype(np.float64) - exact) / np.spacing(np.abs(rounded))
    same = (y == rounded) | (np.isnan(y) & np.isnan(rounded))
    worst = np.argmax(np.where(same, 0, apart))
    assert same[worst] or apart[worst] <= 2.4, f"{name}({x[worst]}) = {y[worst]}, exact {exact[worst]}"
    assert not np.isnan(apart[~same]).any()
    for argument, found, expected in zip(x[: len(SPECIAL)], y, rounded, strict=False):
        assert math.isnan(found) == math.isnan(expected), f"{name}({argument})"
        if not math.isnan(found):
            assert math.copysign(1, found) == math.copysign(1, expected), f"sign of {name}({argument})"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_float64(name):
    run, truth = FUNCTIONS[name]
    x = np.array([0.3, 1.0, 2.5, 1e-9])
    y = np.empty_like(x)
    run(y, x)
    np.testing.assert_allclose(y, truth(x), rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_maximum(dtype):
    x = np.random.default_rng(0).standard_normal((50, 37)).astype(dtype)
    x[0] = -abs(x[0])
    x[1, 3], x[2, 5], x[3] = np.inf, -np.inf, -np.inf
    y = np.empty(50, dtype)
    maximum_all(y, x)
    np.testing.assert_array_equal(y, x.max(1))


def test_python_sees_the_same_functions():
    for name, (_, truth) in FUNCTIONS.items():
        assert math.isclose(getattr(vector_math, name)(0.4), float(truth(0.4)), rel_tol=1e-15)
    assert vector_math.sigmoid(-800.0) == 0.0
