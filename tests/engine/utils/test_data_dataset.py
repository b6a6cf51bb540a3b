"""Datasets and collation give what PyTorch gives."""

from collections import OrderedDict, namedtuple

import numpy as np
import pytest

from engine.tensor import Tensor
from engine.utils import data
from engine.utils.data.tensors import from_array, to_array

torch = pytest.importorskip("torch")
theirs = torch.utils.data
Point = namedtuple("Point", ["x", "y"])


def assert_same(ours, expected):
    """Compare nested structures: same containers, same dtypes, equal numbers."""
    if isinstance(expected, torch.Tensor):
        assert isinstance(ours, Tensor)
        assert str(ours.dtype) == str(expected.dtype)
        np.testing.assert_array_equal(to_array(ours), expected.numpy())
    elif isinstance(expected, dict):
        assert type(ours) is type(expected) and list(ours) == list(expected)
        for key in expected:
            assert_same(ours[key], expected[key])
    elif isinstance(expected, (list, tuple)):
        assert type(ours) is type(expected) and len(ours) == len(expected)
        for a, b in zip(ours, expected, strict=True):
            assert_same(a, b)
    else:
        assert ours == expected


BATCHES = [
    [1, 2, 3],
    [1.5, 2.0],
    [True, False],
    [1, 2.5],
    [2.5, 1],
    ["a", "b"],
    [b"a"],
    [np.float32(1), np.float32(2)],
    [np.float64(1), np.float64(2)],
    [np.int64(1)],
    [np.zeros((2, 3), np.float32), np.ones((2, 3), np.float32)],
    [np.zeros(2), np.ones(2)],
    [(1, 2.0), (3, 4.0)],
    [[1, 2.0], [3, 4.0]],
    [{"a": 1, "b": [1, 2]}, {"a": 3, "b": [4, 5]}],
    [OrderedDict(a=1), OrderedDict(a=2)],
    [Point(1, 2), Point(3, 4)],
    [(np.zeros(2), {"k": (1, "s")}), (np.ones(2), {"k": (2, "t")})],
    [range(2), range(3, 5)],
]


@pytest.mark.parametrize("batch", BATCHES, ids=str)
def test_default_collate_is_pytorchs(batch):
    assert_same(data.default_collate(batch), theirs.default_collate(batch))


@pytest.mark.parametrize(
    "value",
    [
        1,
        "s",
        np.float32(2),
        np.ones(3),
        (1, np.ones(2)),
        [np.ones(1)],
        {"a": np.zeros(2), "b": "t"},
        Point(1, np.ones(2)),
        None,
    ],
    ids=str,
)
def test_default_convert_is_pytorchs(value):
    assert_same(data.default_convert(value), theirs.default_convert(value))


def test_default_collate_stacks_tensors():
    arrays = [np.arange(6, dtype=np.float32).reshape(2, 3) + i for i in range(3)]
    ours = data.default_collate([from_array(a) for a in arrays])
    assert_same(ours, theirs.default_collate([torch.from_numpy(a) for a in arrays]))
    mixed = [np.zeros(2, np.float32), np.ones(2, np.int64)]
    assert_same(
        data.default_collate([from_array(a) for a in mixed]),
        theirs.default_collate([torch.from_numpy(a) for a in mixed]),
    )


@pytest.mark.parametrize(
    ("batch", "error"),
    [
        ([object()], TypeError),
        ([None], TypeError),
        ([np.array(["a"])], TypeError),
        ([(1, 2), (1,)], RuntimeError),
        ([np.zeros(2), np.zeros(3)], RuntimeError),
    ],
)
def test_default_collate_errors(batch, error):
    for package in (data, theirs):
        with pytest.raises(error):
            package.default_collate(batch)


def test_unequal_shapes_are_named():
    with pytest.raises(RuntimeError, match=r"\[2\] at entry 0 and \[3\] at entry 1"):
        data.default_collate([np.zeros(2), np.zeros(3)])


def test_missing_dtype_is_named():
    with pytest.raises(TypeError, match="int32"):
        data.default_collate([np.zeros(2, np.int32)])


def tensor_datasets():
    x, y = np.arange(12, dtype=np.float32).reshape(6, 2), np.arange(6)
    ours = data.TensorDataset(from_array(x), from_array(y))
    return ours, theirs.TensorDataset(torch.from_numpy(x), torch.from_numpy(y))


def test_tensor_dataset():
    ours, expected = tensor_datasets()
    assert len(ours) == 6
    for i in (0, 5, -1):
        assert_same(ours[i], expected[i])
    with pytest.raises(AssertionError, match="2, 3"):
        data.TensorDataset(from_array(np.zeros(2)), from_array(np.zeros(3)))


def test_concat_subset_and_stack():
    ours, expected = tensor_datasets()
    a, b = ours + ours, expected + expected
    assert len(a) == len(b) == 12
    for i in (0, 5, 6, 11, -1, -12):
        assert_same(a[i], b[i])
    for package, whole in ((data, a), (theirs, b)):
        with pytest.raises(ValueError):
            whole[-13]
        with pytest.raises(IndexError):
            whole[12]
        with pytest.raises(AssertionError):
            package.ConcatDataset([])
    assert_same(data.Subset(a, [7, 0])[0], theirs.Subset(b, [7, 0])[0])
    assert_same(data.Subset(a, [7, 0]).__getitems__([1, 0]), theirs.Subset(b, [7, 0]).__getitems__([1, 0]))
    assert_same(data.StackDataset(ours, ours)[2], theirs.StackDataset(expected, expected)[2])
    assert_same(data.StackDataset(k=ours)[2], theirs.StackDataset(k=expected)[2])
    for package in (data, theirs):
        with pytest.raises(ValueError):
            package.StackDataset()
        with pytest.raises(ValueError):
            package.StackDataset([1, 2], [1])


def test_chain_of_streams():
    def make(package):
        class Stream(package.IterableDataset):
            def __iter__(self):
                return iter([1, 2])

            def __len__(self):
                return 2

        return Stream()

    for package in (data, theirs):
        chain = make(package) + make(package)
        assert list(chain) == [1, 2, 1, 2] and len(chain) == 4
        with pytest.raises(AssertionError):
            package.ConcatDataset([make(package)])


def test_subset_with_its_own_getitem_needs_getitems():
    for package in (data, theirs):

        class Half(package.Subset):
            def __getitem__(self, index):
                return 0

        with pytest.raises(NotImplementedError, match="Half"):
            Half([1, 2], [0])


def test_missing_names_are_named():
    with pytest.raises(AttributeError, match="DistributedSampler"):
        data.DistributedSampler
    with pytest.raises(NotImplementedError):
        data.Dataset()[0]
