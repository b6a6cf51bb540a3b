"""The random numbers of a GPU, as their definition compiles for the CPU, and the state of their generator.

Held against the known answers of Random123, against numbers that PyTorch printed on NVIDIA GPUs, and against the
distributions. That the GPU's kernels give the same is tested in tests/cuda.
"""

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import engine
from engine import random
from engine.definitions import random as formulas
from engine.errors import DeviceError, DtypeError
from engine.kernels import derive
from engine.random.on_device import threshold
from engine.random.philox import Philox

WORD = 2**32 - 1
COUNT = 20_000

seeds = st.integers(-(2**63), 2**63 - 1)
draws = st.integers(0, 2**61 - 1).map(lambda draw: 4 * draw)


def drawn(name, count, *arguments, dtype=np.float32):
    """``count`` elements by the compiled loop over the definition."""
    result = np.empty(count, dtype)
    derive.textbook(getattr(formulas, f"random_{name}"))(result, *arguments)
    return result


# ---- the words ----


@pytest.mark.parametrize(
    ("key", "counter", "expected"),
    [
        ((0,) * 2, (0,) * 4, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((WORD,) * 2, (WORD,) * 4, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0xA4093822, 0x299F31D0),
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_known_answers_of_random123(key, counter, expected):
    """Random123, kat_vectors, the lines "philox4x32 10"."""
    assert formulas.philox(*key, *counter) == expected


def test_words_are_counted_as_curand_counts():
    seed, offset, block = 0x1234567890ABCDEF, 4 * 0xA987654321, 0x3FEDCBA987
    expected = formulas.philox(0x90ABCDEF, 0x12345678, 0x87654321, 0xA9, 0xEDCBA987, 0x3F)
    assert formulas.words(seed, offset, block) == expected
    assert formulas.words(seed - 2**64, offset, block) == expected


@given(seeds, draws)
def test_compiled_words_are_those_of_python(seed, offset):
    """64 bits as they are, over all of int64: the first two words of each block."""
    found = drawn("wide_integers", 3, seed, offset, -(2**63), 2**32, 0, dtype=np.int64)
    for i, number in enumerate(found.tolist()):
        first, second, _, _ = formulas.words(seed, offset, i)
        assert number + 2**63 == first << 32 | second


@given(seeds, draws)
def test_neighbours_in_a_mask_share_a_block(seed, offset):
    expected = [word for block in range(3) for word in formulas.words(seed, offset, block)]
    found = drawn("dropout_mask", 9, seed, offset, 2**31, 2.5)
    assert found.tolist() == [2.5 if word < 2**31 else 0.0 for word in expected[:9]]


# ---- PyTorch's numbers ----


def test_numbers_are_those_that_pytorch_prints_on_a_gpu():
    """torch.manual_seed(0), twice torch.rand(10, device="cuda"); and randn after seed 42 (PyTorch's issue 158398)."""
    unit = (0.0, 1.0, 1.0 - 2.0**-25)
    np.testing.assert_allclose(
        drawn("uniform_float32", 10, 0, 0, *unit),
        [0.3990, 0.5167, 0.0249, 0.9401, 0.9459, 0.7967, 0.4150, 0.8203, 0.2290, 0.9096], atol=5e-5,
    )  # fmt: skip
    np.testing.assert_allclose(
        drawn("uniform_float32", 10, 0, 4, *unit),
        [0.9722, 0.7910, 0.4690, 0.3300, 0.3345, 0.3783, 0.7640, 0.6405, 0.1103, 0.3594], atol=5e-5,
    )  # fmt: skip
    normal = drawn("normal_float32", 2051, 42, 0, 0.0, 1.0)
    np.testing.assert_allclose(normal[:3], [0.1940, 2.1614, -0.1721], atol=5e-5)
    np.testing.assert_allclose(normal[2045:2051], [1.4540, -2.7733, -0.8932, -0.4574, 0.8063, 0.1580], atol=5e-5)


# ---- the distributions ----

CONTINUOUS = {
    "uniform_float32": ((-1.0, 3.0, 3.0 - 2.0**-23), stats.uniform(-1, 4)),
    "uniform_float64": ((-1.0, 3.0, 3.0), stats.uniform(-1, 4)),
    "normal_float32": ((2.0, 0.5), stats.norm(2, 0.5)),
    "normal_float64": ((2.0, 0.5), stats.norm(2, 0.5)),
    "exponential_float32": ((3.0,), stats.expon(scale=1 / 3)),
    "exponential_float64": ((3.0,), stats.expon(scale=1 / 3)),
}


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_distributions(name):
    parameters, expected = CONTINUOUS[name]
    values = drawn(name, COUNT, 1, 8, *parameters, dtype=np.dtype(name.rpartition("_")[2])).astype(np.float64)
    assert stats.kstest(values, expected.cdf).pvalue > 0.01
    assert abs(values.mean() - expected.mean()) < 4 * expected.std() / math.sqrt(COUNT)
    assert values.var() == pytest.approx(expected.var(), rel=0.05)
    # Neighbours, elements four apart, and the same elements of the next draw and the next seed do not depend on each other.
    others = [values[1:], values[4:]]
    others += [drawn(name, COUNT, *place, *parameters, dtype=np.float64) for place in ((1, 12), (2, 8))]
    for other in others:
        assert abs(np.corrcoef(values[: len(other)], other)[0, 1]) < 4 / math.sqrt(COUNT)


@pytest.mark.parametrize("name", ["integers", "wide_integers"])
def test_integers_are_equally_frequent(name):
    span = (10,) if name == "integers" else (0, 10)
    values = drawn(name, COUNT, 1, 0, -3, *span, dtype=np.int64)
    assert values.min() == -3 and values.max() == 6
    assert stats.chisquare(np.bincount(values + 3)).pvalue > 0.01


def test_zeros_and_ones():
    def share_fits(values, p):
        assert abs((values != 0).mean() - p) < 4 * math.sqrt(p * (1 - p) / COUNT)

    share_fits(drawn("bernoulli", COUNT, 1, 0, threshold(0.3)), 0.3)
    mask = drawn("dropout_mask", COUNT, 1, 0, threshold(0.7), 1 / 0.7)
    share_fits(mask, 0.7)
    assert set(np.unique(mask)) == {np.float32(0), np.float32(1 / 0.7)}
    chances = np.repeat([0.0, 0.25, 1.0], COUNT)
    never, seldom, always = drawn("bernoulli_each", 3 * COUNT, chances, 1, 0).reshape(3, COUNT)
    assert never.max() == 0 and always.min() == 1
    share_fits(seldom, 0.25)


@given(st.floats(0, 1), st.integers(0, WORD))
def test_the_threshold_decides_as_the_probability(p, word):
    assert (word < threshold(p)) == (formulas.unit_32(word) < p)


def test_thresholds_of_sure_things():
    assert threshold(0.0) == 0 and threshold(1.0) == 2**32 and threshold(0.5) == 2**31


@given(st.integers(0, 2**64 - 1), st.integers(1, 2**64))
def test_upper_products(a, b):
    assert formulas.upper_product(a >> 32, a & WORD, b >> 32, b & WORD) == a * b >> 64


def test_uniform_numbers_stay_below_the_upper_bound():
    greatest = formulas.unit_32(WORD)
    assert np.float32(greatest) == 1
    assert formulas.between(greatest, 0.0, 1.0, 1.0 - 2.0**-25) == 0.0
    # The last word whose number is not rounded to 1.
    last = formulas.between(formulas.unit_32(WORD - 128), 0.0, 1.0, 1.0 - 2.0**-25)
    assert np.float32(last) == np.float32(1) - np.float32(2.0**-24)
    # Words that make all 53 bits ones.
    assert formulas.unit_53(2**21 - 1, WORD) == 1.0
    assert formulas.between(1.0, -2.0, 3.0, 3.0) == -2.0


# ---- the generator ----


def test_a_state_is_seed_and_offset():
    generator = Philox()
    assert generator.initial_seed() == 67280421310721 and generator.device == engine.device("cuda:0")
    generator.manual_seed(2**64 - 3)
    assert generator.take() == (-3, 0) and generator.take() == (-3, 4)
    state = generator.get_state()
    assert state.dtype == np.uint8 and state.shape == (16,)
    assert state.view(np.uint64).tolist() == [2**64 - 3, 8]
    other = Philox()
    assert other.set_state(state) is other and other.take() == (-3, 8) and other.initial_seed() == 2**64 - 3
    assert generator.manual_seed(5).get_state().view(np.int64).tolist() == [5, 0]


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        (np.zeros(5056, np.uint8), RuntimeError, r"16 bytes, got an array of shape \(5056,\)"),
        (np.zeros(16, np.int64), DtypeError, "uint8, got int64"),
        (np.array([1, 6]).view(np.uint8), RuntimeError, "multiple of 4 and not negative, got 6"),
        (np.array([1, -4]).view(np.uint8), RuntimeError, "multiple of 4 and not negative, got -4"),
    ],
)
def test_states_that_it_cannot_have_are_refused(state, error, message):
    generator = Philox()
    before = generator.get_state()
    with pytest.raises(error, match=message):
        generator.set_state(state)
    np.testing.assert_array_equal(generator.get_state(), before)


def test_what_is_drawn_on_the_cpu_for_a_gpu_follows_from_its_generator():
    generator = Philox().manual_seed(3)
    first, second = (random.uniform(4, generator=generator.stream()) for _ in range(2))
    assert generator.get_state().view(np.int64).tolist() == [3, 8]
    assert (first != second).all()
    np.testing.assert_array_equal(random.uniform(4, generator=Philox().manual_seed(3).stream()), first)


# ---- the default generator, and what PyTorch does to it; no GPU needed ----


def gpu():
    return random.cuda_generator.get_state().view(np.uint64).tolist()


def test_seeding_reaches_all_devices():
    assert engine.manual_seed(7) is random.default_generator
    assert gpu() == [7, 0] and engine.initial_seed() == 7
    random.cuda_generator.take()
    cpu = engine.get_rng_state()
    engine.cuda.manual_seed(8)
    assert gpu() == [8, 0] and engine.initial_seed() == 7
    engine.cuda.manual_seed_all(9)
    assert gpu() == [9, 0]
    engine.cuda.seed()
    first = gpu()
    engine.cuda.seed_all()
    assert 9 != first[0] != gpu()[0]
    assert engine.get_rng_state().tolist() == cpu.tolist()
    assert engine.seed() == gpu()[0] == engine.initial_seed()
    engine.manual_seed(-1)
    assert gpu() == [2**64 - 1, 0]


def test_drawing_on_the_cpu_leaves_the_gpus_generator_alone():
    engine.manual_seed(1)
    engine.rand(3)
    engine.randperm(4)
    engine.nn.functional.dropout(engine.ones(5))
    assert gpu() == [1, 0]


@pytest.mark.parametrize(
    ("devices", "back"),
    [(None, True), ([0], True), (["cuda"], True), ([engine.device("cuda:0")], True), ([], False)],
)
def test_fork_rng_covers_the_gpu(devices, back):
    engine.manual_seed(1)
    with random.fork_rng(devices=devices):
        engine.manual_seed(2)
        random.cuda_generator.take()
    assert engine.initial_seed() == 1 and gpu() == ([1, 0] if back else [2, 4])


def test_all_states_are_saved_and_set_together():
    engine.manual_seed(1)
    states = random.get_all_states()
    expected, offset = engine.rand(2).tolist(), random.cuda_generator.take()
    random.set_all_states(states)
    assert engine.rand(2).tolist() == expected and random.cuda_generator.take() == offset


@pytest.mark.parametrize(
    "draw",
    [
        lambda g: engine.rand(3, generator=g),
        lambda g: engine.randn(3, generator=g),
        lambda g: engine.randint(3, (2,), generator=g),
        lambda g: engine.randperm(3, generator=g),
        lambda g: engine.bernoulli(engine.ones(2), generator=g),
        lambda g: engine.multinomial(engine.ones(2), 1, generator=g),
        lambda g: engine.empty(2).normal_(generator=g),
        lambda g: engine.empty(2).exponential_(generator=g),
        lambda g: engine.nn.init.trunc_normal_(engine.empty(2), generator=g),
        lambda g: list(engine.utils.data.RandomSampler(range(3), generator=g)),
        lambda g: engine.utils.data.random_split(range(4), [2, 2], generator=g),
    ],
)
def test_a_gpus_generator_does_not_draw_for_the_cpu(draw):
    with pytest.raises(RuntimeError, match="Expected a 'cpu' device type for generator but found 'cuda'") as raised:
        draw(Philox())
    assert isinstance(raised.value, DeviceError)


@pytest.mark.skipif(engine.cuda.is_available(), reason="says what is said without a GPU")
def test_without_a_gpu_its_state_is_not_shown():
    for ask in (
        engine.cuda.get_rng_state, engine.cuda.initial_seed, lambda: engine.Generator(device="cuda"),
        lambda: engine.cuda.set_rng_state(engine.zeros(16, dtype=engine.uint8)),
    ):  # fmt: skip
        with pytest.raises(DeviceError, match="cuda"):
            ask()
    assert engine.cuda.get_rng_state_all() == []


def test_seeding_loads_no_numba():
    code = (
        "import sys, engine\n"
        "engine.manual_seed(1), engine.cuda.manual_seed_all(2), engine.random.fork_rng()\n"
        "print([name for name in sys.modules if name.partition('.')[0] == 'numba'])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "[]"
