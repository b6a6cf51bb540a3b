"""Random numbers on the GPU: those of their definitions, from a generator of the GPU's own."""

import numpy as np
import pytest

import engine
from engine import nn, random
from engine.definitions import random as formulas
from engine.device.cuda_array import from_host
from engine.kernels import derive
from engine.kernels.cuda import random as kernels
from engine.kernels.cuda.launch import launch
from engine.ops import dropout as ops

#: What is drawn by one launch, on the generator's next place.
DRAWS = {
    "rand": lambda device: engine.rand(3, 2, device=device),
    "randn": lambda device: engine.randn(5, dtype=engine.float64, device=device),
    "randint": lambda device: engine.randint(0, 9, (4,), device=device),
    "randperm": lambda device: engine.randperm(6, device=device),
    "rand_like": lambda device: engine.rand_like(engine.ones(2, 2, device=device)),
    "randn_like": lambda device: engine.randn_like(engine.ones(3, device=device)),
    "randint_like": lambda device: engine.randint_like(engine.ones(3, device=device), 9),
    "normal": lambda device: engine.normal(engine.ones(3, device=device), engine.full((3,), 2.0, device=device)),
    "normal of numbers": lambda device: engine.normal(1.0, 2.0, (3,), device=device),
    "bernoulli": lambda device: engine.bernoulli(engine.full((9,), 0.5, device=device)),
    "bernoulli of a number": lambda device: engine.bernoulli(engine.ones(9, device=device), 0.5),
    "multinomial": lambda device: engine.multinomial(engine.full((20,), 0.5, device=device), 5),
    "normal_": lambda device: engine.empty(3, device=device).normal_(1, 2),
    "uniform_": lambda device: engine.empty(3, device=device).uniform_(-1, 1),
    "bernoulli_": lambda device: engine.empty(9, device=device).bernoulli_(engine.full((9,), 0.3)),
    "bernoulli_ of a number": lambda device: engine.zeros(9, dtype=engine.int64, device=device).bernoulli_(0.3),
    "random_": lambda device: engine.zeros(4, dtype=engine.int64, device=device).random_(0, 7),
    "random_ of all": lambda device: engine.zeros(4, dtype=engine.int64, device=device).random_(),
    "exponential_": lambda device: engine.empty(3, device=device).exponential_(),
    "init.normal_": lambda device: nn.init.normal_(engine.empty(2, 2, device=device)),
    "init.kaiming_uniform_": lambda device: nn.init.kaiming_uniform_(engine.empty(2, 3, device=device)),
    "init.xavier_normal_": lambda device: nn.init.xavier_normal_(engine.empty(2, 3, device=device)),
    "init.orthogonal_": lambda device: nn.init.orthogonal_(engine.empty(3, 2, device=device)),
    "Embedding": lambda device: nn.Embedding(3, 2, device=device).weight.detach(),
    "dropout": lambda device: nn.functional.dropout(engine.ones(13, device=device), 0.4),
    "dropout, in place": lambda device: nn.functional.dropout(engine.ones(13, device=device), 0.4, inplace=True),
    "dropout1d": lambda device: nn.functional.dropout1d(engine.ones(2, 6, 1, device=device), 0.4),
    "dropout2d": lambda device: nn.functional.dropout2d(engine.ones(2, 6, 1, 1, device=device), 0.4),
    "dropout3d": lambda device: ops.dropout3d(engine.ones(2, 6, 1, 1, 1, device=device), 0.4),
}

#: What takes several launches.
SEVERAL = {
    "init.trunc_normal_": lambda device: nn.init.trunc_normal_(engine.empty(4, device=device), std=3.0),
    "init.trunc_normal_ in the tail": lambda device: nn.init.trunc_normal_(engine.empty(3, device=device), a=1.0, b=2.0),
    "Linear": lambda device: nn.Linear(3, 2, device=device).weight.detach(),
    "Conv2d": lambda device: nn.Conv2d(1, 2, 2, device=device).weight.detach(),
}


def offset():
    return int(random.cuda_generator.get_state().view(np.int64)[1])


@pytest.mark.parametrize("name", [*DRAWS, *SEVERAL])
def test_draws_come_from_the_gpus_generator(name):
    draw = (DRAWS | SEVERAL)[name]
    engine.manual_seed(3)
    expected, states = draw("cpu"), engine.get_rng_state().numpy()
    assert offset() == 0
    engine.manual_seed(3)
    before = engine.get_rng_state().numpy()
    first = draw("cuda")
    assert first.device.type == "cuda" and first.dtype is expected.dtype and first.shape == expected.shape
    assert offset() == 4 if name in DRAWS else offset() > 4
    np.testing.assert_array_equal(engine.get_rng_state().numpy(), before)
    assert not np.array_equal(before, states)
    values = first.cpu().numpy()
    assert not np.array_equal(values, expected.numpy()), "the CPU's numbers"
    assert not np.array_equal(values, draw("cuda").cpu().numpy()), "the same numbers again"
    engine.manual_seed(3)
    np.testing.assert_array_equal(draw("cuda").cpu().numpy(), values)


def test_nothing_is_drawn_for_nothing():
    engine.manual_seed(3)
    assert engine.rand(0, 3, device="cuda").shape == (0, 3)
    x = engine.ones(4, device="cuda")
    for p in (0.0, 1.0):
        assert nn.functional.dropout(x, p).tolist() == [1 - p] * 4
    assert offset() == 0


# ---- kernels are their definitions ----

CASES = {
    "uniform_float32": ((-1.0, 2.0, 2.0), "float32"),
    "uniform_float64": ((-1.0, 2.0, 2.0), "float64"),
    "normal_float32": ((1.0, 2.0), "float32"),
    "normal_float64": ((1.0, 2.0), "float64"),
    "exponential_float32": ((2.0,), "float32"),
    "exponential_float64": ((2.0,), "float64"),
    "integers": ((-4, 9), "int64 float32 uint8 bool"),
    "wide_integers": ((-(2**63), 2**32, 0), "int64"),
    "bernoulli": ((2**31,), "float32 float64 int64 uint8 bool"),
    "bernoulli_each": ((), "float32 float64 uint8"),
    "dropout_mask": ((2**31, 1.25), "float32 float64"),
}


def test_every_definition_has_a_case():
    assert {f"random_{name}" for name in CASES} == {
        name for name in formulas.__dict__ if name.startswith("random_")
    }  # fmt: skip


@pytest.mark.parametrize("size", [1, 4, 7])
@pytest.mark.parametrize("name", CASES)
def test_kernels_give_what_the_compiled_definition_gives(name, size):
    parameters, dtypes = CASES[name]
    definition = getattr(formulas, f"random_{name}")
    chances = [np.linspace(0, 1, size)] if name == "bernoulli_each" else []
    for dtype in dtypes.split():
        if dtype in ("uint8", "bool") and name == "integers":
            parameters = (0, 2)
        place = (-(2**62) - 12345, 2**36 + 8)
        expected, actual = np.empty(size, dtype), from_host(np.empty(size, dtype))
        derive.textbook(definition)(expected, *chances, *place, *parameters)
        getattr(kernels, name)(actual, *map(from_host, chances), *place, *parameters)
        if dtype == "float64":
            # On a GPU the compiler joins product and sum, and logarithms may differ in their last bit.
            np.testing.assert_allclose(actual.host(), expected, rtol=1e-14, atol=1e-15)
        else:
            np.testing.assert_array_equal(actual.host(), expected)


@pytest.mark.parametrize(("grid", "threads"), [(1, 3), (3, 1), (2, 4)])
def test_a_mask_does_not_depend_on_the_launch(grid, threads):
    expected, mask = np.empty(11, np.float32), from_host(np.empty(11, np.float32))
    derive.textbook(formulas.random_dropout_mask)(expected, 5, 4, 2**31, 2.0)
    launch(kernels._dropout_mask, grid, threads, mask, 5, 4, 2**31, 2.0)
    np.testing.assert_array_equal(mask.host(), expected)
    assert 0 < (expected == 0).sum() < 11


def test_numbers_are_those_that_pytorch_prints_on_a_gpu():
    engine.manual_seed(0)
    assert engine.rand(4, device="cuda").tolist() == pytest.approx([0.3990, 0.5167, 0.0249, 0.9401], abs=5e-5)
    assert engine.rand(4, device="cuda").tolist() == pytest.approx([0.9722, 0.7910, 0.4690, 0.3300], abs=5e-5)
    generator = engine.Generator(device="cuda").manual_seed(42)
    drawn = engine.randn(1, 3, generator=generator, device="cuda")
    assert drawn.flatten().tolist() == pytest.approx([0.1940, 2.1614, -0.1721], abs=5e-5)


def test_values_lie_where_they_should():
    engine.manual_seed(0)
    assert sorted(engine.randperm(9, device="cuda").tolist()) == list(range(9))
    assert set(engine.multinomial(engine.tensor([1.0, 0.0, 1.0], device="cuda"), 2).tolist()) == {0, 2}
    assert set(engine.randint(-2, 1, (40,), device="cuda").tolist()) == {-2, -1, 0}
    tail = nn.init.trunc_normal_(engine.empty(30, device="cuda"), a=1.0, b=2.0).cpu().numpy()
    middle = nn.init.trunc_normal_(engine.empty(30, device="cuda"), std=2.0).cpu().numpy()
    assert (tail >= 1).all() and (tail <= 2).all() and (abs(middle) <= 2).all() and middle.min() < -0.5
    q = nn.init.orthogonal_(engine.empty(3, 3, device="cuda"))
    np.testing.assert_allclose((q @ q.T).cpu().numpy(), np.eye(3), atol=1e-6)
    sparse = nn.init.sparse_(engine.empty(4, 3, device="cuda"), 0.5).cpu().numpy()
    assert ((sparse == 0).sum(axis=0) == 2).all()
    with pytest.raises(RuntimeError, match="p must be in"):
        engine.bernoulli(engine.tensor([0.5, 1.5], device="cuda"))


def test_the_mask_can_be_looked_at():
    x = engine.linspace(1, 2, 12, device="cuda").requires_grad_()
    y = nn.functional.dropout(x, 0.25)
    mask = y.grad_fn.mask.host()
    assert set(np.unique(mask)) == {np.float32(0), np.float32(1 / 0.75)}
    np.testing.assert_array_equal(y.detach().cpu().numpy(), x.detach().cpu().numpy() * mask)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.cpu().numpy(), mask)


# ---- generators ----


def test_a_saved_state_brings_the_numbers_again():
    engine.manual_seed(0)
    engine.rand(1, device="cuda")
    state, all_states = engine.cuda.get_rng_state(), engine.cuda.get_rng_state_all()
    assert state.device.type == "cpu" and state.dtype is engine.uint8
    assert engine.cuda.initial_seed() == 0 and [s.tolist() for s in all_states] == [state.tolist()]
    first = engine.rand(4, device="cuda").tolist()
    assert engine.rand(4, device="cuda").tolist() != first
    engine.cuda.set_rng_state(state)
    assert engine.rand(4, device="cuda").tolist() == first
    engine.cuda.set_rng_state_all(all_states)
    assert engine.rand(4, device="cuda").tolist() == first
    with engine.random.fork_rng():
        engine.manual_seed(7)
    following = engine.rand(4, device="cuda").tolist()
    engine.cuda.set_rng_state(state, "cuda:0")
    engine.rand(4, device="cuda")
    assert engine.rand(4, device="cuda").tolist() == following


def test_an_own_generator_has_a_stream_of_its_own():
    generator = engine.Generator(device="cuda")
    assert generator.device == engine.device("cuda:0") and generator.initial_seed() == 67280421310721
    engine.manual_seed(5)
    expected = engine.rand(3, device="cuda").tolist()
    at = offset()
    assert engine.rand(3, device="cuda", generator=generator.manual_seed(5)).tolist() == expected
    state = generator.get_state()
    drawn = engine.empty(3, device="cuda").normal_(generator=generator).tolist()
    assert engine.empty(3, device="cuda").normal_(generator=generator.set_state(state)).tolist() == drawn
    assert offset() == at


@pytest.mark.parametrize(
    "draw",
    [
        lambda g: engine.rand(3, generator=g, device="cuda"),
        lambda g: engine.randperm(3, generator=g, device="cuda"),
        lambda g: engine.multinomial(engine.ones(2, device="cuda"), 1, generator=g),
        lambda g: engine.bernoulli(engine.ones(2, device="cuda"), generator=g),
        lambda g: engine.empty(2, device="cuda").uniform_(generator=g),
        lambda g: nn.init.orthogonal_(engine.empty(2, 2, device="cuda"), generator=g),
    ],
)
def test_the_cpus_generator_does_not_draw_for_the_gpu(draw):
    with pytest.raises(RuntimeError, match="Expected a 'cuda' device type for generator but found 'cpu'"):
        draw(engine.Generator())
    draw(engine.Generator(device="cuda"))


def test_tensors_made_from_another_lie_where_it_lies():
    there = engine.ones(2, dtype=engine.float64, device="cuda")
    made = (there.new_zeros(3), there.new_ones(3), there.new_empty(3), there.new_full((3,), 4), there.new_tensor([1, 2]))
    assert all(one.is_cuda and one.dtype is engine.float64 for one in made)
    assert not there.new_zeros(3, device="cpu").is_cuda
