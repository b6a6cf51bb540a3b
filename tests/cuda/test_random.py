"""Random numbers on the GPU are those of the CPU for the same seed, and draw as much from the generator."""

import numpy as np
import pytest

import engine
from engine import nn

DRAWS = {
    "rand": lambda device: engine.rand(3, 2, device=device),
    "randn": lambda device: engine.randn(5, dtype=engine.float64, device=device),
    "randint": lambda device: engine.randint(0, 9, (4,), device=device),
    "randperm": lambda device: engine.randperm(6, device=device),
    "rand_like": lambda device: engine.rand_like(engine.ones(2, 2, device=device)),
    "randn_like": lambda device: engine.randn_like(engine.ones(3, device=device)),
    "bernoulli": lambda device: engine.bernoulli(engine.full((5,), 0.5, device=device)),
    "multinomial": lambda device: engine.multinomial(engine.tensor([0.2, 0.5, 0.3], device=device), 2),
    "normal_": lambda device: engine.empty(3, device=device).normal_(1, 2),
    "uniform_": lambda device: engine.empty(3, device=device).uniform_(-1, 1),
    "bernoulli_": lambda device: engine.empty(4, device=device).bernoulli_(engine.full((4,), 0.3, device=device)),
    "random_": lambda device: engine.zeros(4, dtype=engine.int64, device=device).random_(0, 7),
    "exponential_": lambda device: engine.empty(3, device=device).exponential_(),
    "init.normal_": lambda device: nn.init.normal_(engine.empty(2, 2, device=device)),
    "init.kaiming_uniform_": lambda device: nn.init.kaiming_uniform_(engine.empty(2, 3, device=device)),
    "init.xavier_normal_": lambda device: nn.init.xavier_normal_(engine.empty(2, 3, device=device)),
    "init.trunc_normal_": lambda device: nn.init.trunc_normal_(engine.empty(3, device=device)),
    "init.orthogonal_": lambda device: nn.init.orthogonal_(engine.empty(3, 2, device=device)),
    "Linear": lambda device: nn.Linear(3, 2, device=device).weight.detach(),
    "Conv2d": lambda device: nn.Conv2d(1, 2, 2, device=device).weight.detach(),
    "Embedding": lambda device: nn.Embedding(3, 2, device=device).weight.detach(),
    "dropout": lambda device: nn.functional.dropout(engine.ones(7, device=device), 0.4),
    "dropout2d": lambda device: nn.functional.dropout2d(engine.ones(2, 3, 1, 1, device=device), 0.4),
    "normal": lambda device: engine.normal(engine.ones(3, device=device), engine.full((3,), 2.0, device=device)),
    "randint_like": lambda device: engine.randint_like(engine.ones(3, device=device), 9),
}


@pytest.mark.parametrize("name", DRAWS)
def test_the_same_seed_gives_the_same_numbers(name):
    found, states = {}, {}
    for device in ("cpu", "cuda"):
        engine.manual_seed(3)
        drawn = DRAWS[name](device)
        assert drawn.device.type == device
        found[device], states[device] = drawn.cpu().numpy(), engine.get_rng_state().numpy()
    np.testing.assert_array_equal(found["cuda"], found["cpu"])
    np.testing.assert_array_equal(states["cuda"], states["cpu"])


def test_a_saved_state_brings_the_numbers_again():
    engine.manual_seed(0)
    state = engine.get_rng_state()
    first = engine.rand(4, device="cuda").tolist()
    assert engine.rand(4, device="cuda").tolist() != first
    engine.set_rng_state(state)
    assert engine.rand(4, device="cuda").tolist() == first


def test_tensors_made_from_another_lie_where_it_lies():
    there = engine.ones(2, dtype=engine.float64, device="cuda")
    made = (there.new_zeros(3), there.new_ones(3), there.new_empty(3), there.new_full((3,), 4), there.new_tensor([1, 2]))
    assert all(one.is_cuda and one.dtype is engine.float64 for one in made)
    assert not there.new_zeros(3, device="cpu").is_cuda
