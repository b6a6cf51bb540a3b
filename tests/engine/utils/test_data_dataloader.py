"""The DataLoader gives PyTorch's batches for equal seeds, and leaves the stream where it does."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import random
from engine.utils import data
from engine.utils.data.tensors import from_array
from tests.engine.utils.test_data_dataset import assert_same

torch = pytest.importorskip("torch")
theirs = torch.utils.data


class Squares:
    """A plain map-style dataset of dictionaries."""

    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return {"i": i, "square": float(i * i), "row": np.full(2, i, np.float32)}


def next_number():
    ours = float(random.uniform((1,), np.float32, 0.0, 1.0)[0])
    return ours, float(torch.rand(1))


def same_passes(ours, expected, seed, passes=2):
    random.manual_seed(seed)
    torch.manual_seed(seed)
    for _ in range(passes):
        assert_same(list(ours), list(expected))
        a, b = next_number()
        assert a == b


@given(
    n=st.integers(1, 40),
    batch_size=st.none() | st.integers(1, 12),
    shuffle=st.booleans(),
    drop_last=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_batches_of_a_plain_dataset(n, batch_size, shuffle, drop_last, seed):
    options = {"batch_size": batch_size, "shuffle": shuffle}
    options["drop_last"] = drop_last and batch_size is not None
    ours = data.DataLoader(Squares(n), **options)
    expected = theirs.DataLoader(Squares(n), **options)
    assert len(ours) == len(expected)
    same_passes(ours, expected, seed)


@pytest.mark.filterwarnings("ignore:Length of split")
@given(
    n=st.integers(1, 40),
    batch_size=st.integers(1, 12),
    shuffle=st.booleans(),
    seed=st.integers(0, 2**31),
    wrap=st.sampled_from(["plain", "subset", "split", "concat"]),
)
def test_batches_of_a_tensor_dataset(n, batch_size, shuffle, seed, wrap):
    x = np.random.default_rng(seed).normal(size=(n, 3)).astype(np.float32)
    y = np.arange(n)

    def build(package, tensor, generator):
        dataset = package.TensorDataset(tensor(x), tensor(y))
        if wrap == "subset":
            dataset = package.Subset(dataset, list(range(n - 1, -1, -2)))
        elif wrap == "split":
            dataset = package.random_split(dataset, [0.6, 0.4], generator)[0]
        elif wrap == "concat":
            dataset = package.ConcatDataset([dataset, dataset])
        return package.DataLoader(dataset, batch_size, shuffle)

    ours = build(data, from_array, random.Generator().manual_seed(3))
    expected = build(theirs, torch.from_numpy, torch.Generator().manual_seed(3))
    same_passes(ours, expected, seed)


def test_own_generator_and_weighted_sampler():
    for kind in ("generator", "sampler", "batch_sampler"):

        def build(package, generator, kind=kind):
            if kind == "generator":
                return package.DataLoader(Squares(9), 4, True, generator=generator)
            sampler = package.WeightedRandomSampler([1.0, 2, 3, 4, 5, 6, 7, 8, 9], 7)
            if kind == "sampler":
                return package.DataLoader(Squares(9), 2, sampler=sampler)
            batches = package.BatchSampler(sampler, 3, True)
            return package.DataLoader(Squares(9), batch_sampler=batches)

        ours = build(data, random.Generator().manual_seed(8))
        expected = build(theirs, torch.Generator().manual_seed(8))
        assert len(ours) == len(expected)
        same_passes(ours, expected, 21)


def test_gathering_a_batch_equals_fetching_its_samples():
    x = np.random.default_rng(0).normal(size=(20, 2, 3)).astype(np.float32)
    dataset = data.TensorDataset(from_array(x), from_array(np.arange(20)))
    indices = [3, 3, -1, 0]
    fast = dataset.gather_batch(indices)
    assert_same_arrays(fast, data.default_collate([dataset[i] for i in indices]))
    inner = data.Subset(data.Subset(dataset, list(range(5, 15))), [9, 0, 4])
    assert_same_arrays(inner.gather_batch([0, 2]), data.default_collate([inner[0], inner[2]]))
    fast[0].numpy()[:] = 0
    assert x[3].any()


def assert_same_arrays(ours, expected):
    assert len(ours) == len(expected)
    for a, b in zip(ours, expected, strict=True):
        assert a.dtype is b.dtype
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_overridden_access_is_never_bypassed():
    class Doubled(data.TensorDataset):
        def __getitem__(self, index):
            return tuple(tensor * 2 for tensor in super().__getitem__(index))

    dataset = Doubled(from_array(np.arange(4, dtype=np.float32)))
    (batch,) = next(iter(data.DataLoader(dataset, 4)))
    assert batch.tolist() == [0, 2, 4, 6]
    (batch,) = next(iter(data.DataLoader(data.Subset(dataset, [1, 3]), 2)))
    assert batch.tolist() == [2, 6]


def test_gradients_reach_a_dataset_that_needs_them():
    weight = from_array(np.arange(6, dtype=np.float32).reshape(3, 2)).requires_grad_()
    (batch,) = next(iter(data.DataLoader(data.TensorDataset(weight), batch_sampler=[[2, 0, 2]])))
    batch.sum().backward()
    assert weight.grad.tolist() == [[1, 1], [0, 0], [2, 2]]


def test_own_collate_gets_the_samples():
    dataset = data.TensorDataset(from_array(np.arange(4.0)))
    loader = data.DataLoader(dataset, 3, collate_fn=len)
    assert list(loader) == [3, 1]


def test_getitems_is_used():
    class Batched(Squares):
        def __getitems__(self, indices):
            return [(i, -i) for i in indices]

    batch = next(iter(data.DataLoader(Batched(5), 3)))
    assert [part.tolist() for part in batch] == [[0, 1, 2], [0, -1, -2]]


@pytest.mark.parametrize("batch_size", [None, 2, 3, 5])
@pytest.mark.parametrize("drop_last", [False, True])
def test_streams(batch_size, drop_last):
    def build(package):
        class Stream(package.IterableDataset):
            def __iter__(self):
                return iter(range(5))

        return package.DataLoader(Stream(), batch_size, drop_last=drop_last and batch_size is not None)

    same_passes(build(data), build(theirs), 4)


def test_a_stream_longer_than_told_warns():
    class Stream(data.IterableDataset):
        def __len__(self):
            return 1

        def __iter__(self):
            return iter([1, 2])

    loader = data.DataLoader(Stream(), 1)
    assert len(loader) == 1
    with pytest.warns(UserWarning, match="reported to be 1"):
        list(loader)


def test_workers_change_nothing_and_warn_once():
    with pytest.warns(UserWarning, match="num_workers=2 starts no processes") as caught:
        ours = data.DataLoader(
            Squares(10),
            3,
            True,
            num_workers=2,
            persistent_workers=True,
            prefetch_factor=4,
            timeout=5,
            pin_memory=True,
            worker_init_fn=pytest.fail,
        )
        random.manual_seed(1)
        first, second = list(ours), list(ours)
    assert len(caught) == 1
    random.manual_seed(1)
    plain = data.DataLoader(Squares(10), 3, True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [b["i"].tolist() for b in plain] == [b["i"].tolist() for b in first]
    assert [b["i"].tolist() for b in second] != [b["i"].tolist() for b in first]
    assert data.get_worker_info() is None


@pytest.mark.filterwarnings("ignore:DataLoader")
def test_persistent_workers_draw_their_seed_once_as_in_pytorch():
    """PyTorch: one seed for the workers per loader, then one for the sampler per pass."""
    torch.manual_seed(3)
    random.manual_seed(3)
    loader = data.DataLoader(range(8), 3, True, num_workers=1, persistent_workers=True)
    torch.empty((), dtype=torch.int64).random_()
    for _ in range(2):
        order = list(theirs.RandomSampler(range(8)))
        assert [b.tolist() for b in loader] == [order[:3], order[3:6], order[6:]]
        ours, expected = next_number()
        assert ours == expected


BAD = [
    {"num_workers": -1},
    {"timeout": -1},
    {"prefetch_factor": 2},
    {"num_workers": 1, "prefetch_factor": -1},
    {"persistent_workers": True},
    {"multiprocessing_context": "spawn"},
    {"sampler": [0, 1], "shuffle": True},
    {"batch_sampler": [[0]], "batch_size": 2},
    {"batch_sampler": [[0]], "shuffle": True},
    {"batch_sampler": [[0]], "sampler": [0]},
    {"batch_sampler": [[0]], "drop_last": True},
    {"batch_size": None, "drop_last": True},
    {"batch_size": 0},
    {"batch_size": 2.5},
    {"batch_size": 2, "drop_last": 1},
]


@pytest.mark.parametrize("options", BAD, ids=str)
def test_contradictory_arguments(options):
    for package in (data, theirs):
        with pytest.raises(ValueError):
            package.DataLoader([1, 2, 3], **options)


@pytest.mark.parametrize("options", [{"shuffle": True}, {"sampler": [0]}, {"batch_sampler": [[0]]}], ids=str)
def test_streams_take_no_sampler(options):
    for package in (data, theirs):
        with pytest.raises(ValueError, match=next(iter(options))):
            package.DataLoader(package.ChainDataset([]), **options)


def test_timeout_needs_workers_and_attributes_are_fixed():
    for package in (data, theirs):
        with pytest.raises(AssertionError):
            iter(package.DataLoader([1], timeout=1))
        loader = package.DataLoader([1])
        with pytest.raises(ValueError, match="batch_size"):
            loader.batch_size = 2
        with pytest.raises(ValueError):
            package.DataLoader([], shuffle=True)
