"""Initial values: bit by bit PyTorch's where the random numbers are, and with its errors."""

import math

import numpy as np
import pytest

import engine
from engine.nn import init
from tests.engine.nn.pairs import assert_close, assert_same

CALLS = [
    "uniform_(w, -1.0, 2.0)", "normal_(w, 1.0, 2.0)", "trunc_normal_(w)", "trunc_normal_(w, 1.0, 0.5, 0.0, 1.5)",
    "constant_(w, 3.0)", "ones_(w)", "zeros_(w)", "eye_(w)", "xavier_uniform_(w)", "xavier_uniform_(w, gain=2.0)",
    "xavier_normal_(w)", "kaiming_uniform_(w)", "kaiming_uniform_(w, a=5 ** 0.5)",
    "kaiming_normal_(w, mode='fan_out', nonlinearity='relu')", "kaiming_normal_(w, nonlinearity='tanh')",
    "kaiming_uniform_(w, mode='fan')", "kaiming_uniform_(w, nonlinearity='swish')", "sparse_(w, 0.4)",
    "sparse_(w, 0.4, std=1.0)", "dirac_(w)", "dirac_(w, 2)", "xavier_normal_(w, generator=g)",
    "kaiming_uniform_(w, generator=g)", "dirac_(w, 5)",
]


@pytest.mark.filterwarnings("ignore:Initializing zero-element")
@pytest.mark.parametrize("shape", [(6, 20), (4, 2, 3, 3), (5,), (0, 3)])
@pytest.mark.parametrize("call", CALLS)
def test_initialisations(call, shape):
    if call.startswith(("trunc", "sparse")) and 0 in shape:
        pytest.skip("nothing to fill")

    def code(torch):
        w = torch.nn.Parameter(torch.full(shape, 0.5))
        g = torch.Generator().manual_seed(9)
        result = eval(f"init.{call}", {"init": torch.nn.init, "w": w, "g": g})
        return result is w, w.requires_grad, w.tolist(), torch.rand(2).tolist()

    assert_same(code, seed=4)


@pytest.mark.parametrize("shape", [(4, 4), (3, 8), (8, 3), (2, 3, 2)])
def test_orthogonal(shape):
    w = engine.empty(*shape)
    init.orthogonal_(w, gain=2.0)
    flat = w.numpy().reshape(shape[0], -1)
    product = flat @ flat.T if flat.shape[0] <= flat.shape[1] else flat.T @ flat
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-5)
    assert_close(lambda t: t.nn.init.orthogonal_(t.empty(*shape), gain=2.0).tolist(), rtol=1e-4, atol=1e-5)
    assert_same(lambda t: t.nn.init.orthogonal_(t.empty(3)))


@pytest.mark.parametrize("name", ["linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu", "swish"])
@pytest.mark.parametrize("param", [None, 0.3, True])
def test_gains(name, param):
    if param is True and name != "leaky_relu":
        pytest.skip("only leaky_relu takes a parameter")
    assert_same(lambda t: t.nn.init.calculate_gain(name, param))


def test_bounds_of_kaiming():
    w = engine.empty(50, 30)
    init.kaiming_uniform_(w, a=math.sqrt(5))
    assert 0.9 / math.sqrt(30) < w.abs().max().item() <= 1 / math.sqrt(30)
