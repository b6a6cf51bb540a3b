"""Samplers and random_split visit the samples in PyTorch's order for equal seeds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import random
from engine.utils import data

torch = pytest.importorskip("torch")
theirs = torch.utils.data
SEEDS = st.integers(0, 2**40)


def both(seed):
    random.manual_seed(seed)
    torch.manual_seed(seed)


def generators(seed):
    return random.Generator().manual_seed(seed), torch.Generator().manual_seed(seed)


@given(
    n=st.integers(1, 70),
    replacement=st.booleans(),
    num_samples=st.none() | st.integers(1, 150),
    seed=SEEDS,
    own=st.booleans(),
)
def test_random_sampler(n, replacement, num_samples, seed, own):
    both(seed)
    ours, torchs = generators(seed) if own else (None, None)
    a = data.RandomSampler(range(n), replacement, num_samples, ours)
    b = theirs.RandomSampler(range(n), replacement, num_samples, torchs)
    assert len(a) == len(b)
    assert list(a) == list(b)
    assert list(a) == list(b)


@given(n=st.integers(1, 60), seed=SEEDS, own=st.booleans())
def test_subset_random_sampler(n, seed, own):
    both(seed)
    ours, torchs = generators(seed) if own else (None, None)
    indices = [3 * i for i in range(n)]
    a = data.SubsetRandomSampler(indices, ours)
    assert list(a) == list(theirs.SubsetRandomSampler(indices, torchs)) and len(a) == n


@given(
    weights=st.lists(st.floats(0.01, 10), min_size=3, max_size=20),
    replacement=st.booleans(),
    seed=SEEDS,
)
def test_weighted_random_sampler(weights, replacement, seed):
    both(seed)
    a = data.WeightedRandomSampler(weights, 3, replacement)
    assert list(a) == list(theirs.WeightedRandomSampler(weights, 3, replacement))
    assert len(a) == 3


@given(n=st.integers(0, 40), size=st.integers(1, 9), drop_last=st.booleans())
def test_batch_sampler(n, size, drop_last):
    a = data.BatchSampler(data.SequentialSampler(range(n)), size, drop_last)
    b = theirs.BatchSampler(theirs.SequentialSampler(range(n)), size, drop_last)
    assert list(a) == list(b) and len(a) == len(b)


SPLITS = [[3, 7], [10, 0], [0.5, 0.5], [0.3, 0.3, 0.4], [1 / 3] * 3, [0.95, 0.05]]


@pytest.mark.filterwarnings("ignore:Length of split")
@pytest.mark.parametrize("lengths", SPLITS)
@pytest.mark.parametrize("own", [False, True])
def test_random_split(lengths, own):
    both(11)
    a = {"generator": generators(5)[0]} if own else {}
    b = {"generator": generators(5)[1]} if own else {}
    ours = data.random_split(range(10), lengths, **a)
    expected = theirs.random_split(range(10), lengths, **b)
    assert [list(part) for part in ours] == [list(part) for part in expected]
    assert [part.indices for part in ours] == [part.indices for part in expected]


def test_random_split_warns_of_an_empty_part():
    with pytest.warns(UserWarning, match="index 1 is 0"):
        data.random_split(range(3), [1.0, 0.0])


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda d: d.RandomSampler([]), ValueError),
        (lambda d: d.RandomSampler([1], num_samples=0), ValueError),
        (lambda d: d.RandomSampler([1], replacement=1), TypeError),
        (lambda d: d.BatchSampler([1], 0, False), ValueError),
        (lambda d: d.BatchSampler([1], True, False), ValueError),
        (lambda d: d.BatchSampler([1], 2, 1), ValueError),
        (lambda d: d.WeightedRandomSampler([1.0], 0), ValueError),
        (lambda d: d.WeightedRandomSampler([1.0], 1, 1), ValueError),
        (lambda d: d.WeightedRandomSampler([[1.0]], 1), ValueError),
        (lambda d: d.random_split(range(5), [2, 2]), ValueError),
        (lambda d: d.random_split(range(5), [1.5, -0.5]), ValueError),
        (lambda d: next(iter(d.Sampler())), (NotImplementedError, TypeError)),
    ],
)
def test_errors_are_of_pytorchs_kind(make, error):
    for package in (data, theirs):
        with pytest.raises(error):
            make(package)
