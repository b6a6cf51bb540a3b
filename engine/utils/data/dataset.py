"""Datasets: `torch.utils.data.Dataset` and its ready-made kinds."""

from __future__ import annotations

import bisect
import itertools
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from engine.random import Generator
    from engine.tensor import Tensor

_T = TypeVar("_T", covariant=True)


class Dataset(Generic[_T]):
    """A map from keys to samples: subclasses define `__getitem__` and usually `__len__`.

    A subclass may define `__getitems__(indices) -> list of samples` to fetch a batch at once.
    """

    def __getitem__(self, index: Any) -> _T:
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other: Dataset) -> ConcatDataset:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[_T], Iterable[_T]):
    """A stream of samples: subclasses define `__iter__`."""

    def __add__(self, other: Dataset) -> ChainDataset:  # type: ignore[override]
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple]):
    """Sample i is the tuple of `tensor[i]` of all tensors; their first sizes must be equal.

    Raises:
        AssertionError: the first sizes differ (as in PyTorch).
    """

    def __init__(self, *tensors: Tensor) -> None:
        if any(tensors[0].size(0) != tensor.size(0) for tensor in tensors):
            sizes = ", ".join(str(tensor.size(0)) for tensor in tensors)
            raise AssertionError(f"Size mismatch between tensors: first sizes are {sizes}")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple:
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        return len(self.tensors[0])

    def gather_batch(self, indices: list[int]) -> list | None:
        """Return the collated batch of these samples, or None if they must be fetched singly.

        A subclass with its own `__getitem__` is never bypassed.
        """
        if type(self).__getitem__ is not TensorDataset.__getitem__:
            return None
        from .tensors import gather

        return gather(self.tensors, indices)


class StackDataset(Dataset):
    """Sample i is the tuple (or dict, for keyword arguments) of sample i of all datasets."""

    def __init__(self, *args: Dataset, **kwargs: Dataset) -> None:
        if args and kwargs:
            raise ValueError("StackDataset takes positional or keyword datasets, not both")
        if not args and not kwargs:
            raise ValueError("At least one dataset should be passed")
        self.datasets = args or kwargs
        lengths = [len(dataset) for dataset in args or kwargs.values()]  # type: ignore[arg-type]
        if len(set(lengths)) > 1:
            raise ValueError(f"Size mismatch between datasets: lengths are {lengths}")
        self._length = lengths[0]

    def __getitem__(self, index: Any) -> tuple | dict:
        if isinstance(self.datasets, dict):
            return {key: dataset[index] for key, dataset in self.datasets.items()}
        return tuple(dataset[index] for dataset in self.datasets)

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset[_T]):
    """Datasets one after another."""

    def __init__(self, datasets: Iterable[Dataset]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset")
        lengths = [len(dataset) for dataset in self.datasets]  # type: ignore[arg-type]
        self.cumulative_sizes = list(itertools.accumulate(lengths))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, idx: int) -> _T:
        position = idx
        if position < 0:
            if -position > len(self):
                raise ValueError(f"absolute value of index should not exceed dataset length: {idx}, {len(self)}")
            position += len(self)
        which = bisect.bisect_right(self.cumulative_sizes, position)
        if which == len(self.datasets):
            raise IndexError(f"index {idx} is out of range for {len(self)} samples")
        before = self.cumulative_sizes[which - 1] if which else 0
        return self.datasets[which][position - before]


class ChainDataset(IterableDataset):
    """Streams one after another."""

    def __init__(self, datasets: Iterable[Dataset]) -> None:
        self.datasets = datasets

    def __iter__(self) -> Iterator:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise AssertionError("ChainDataset only supports IterableDataset")
            yield from dataset

    def __len__(self) -> int:
        return sum(len(dataset) for dataset in self.datasets)  # type: ignore[arg-type]


class Subset(Dataset[_T]):
    """The samples of a dataset at the given indices."""

    def __init__(self, dataset: Dataset[_T], indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices
        own = type(self)
        if own.__getitem__ is not Subset.__getitem__ and own.__getitems__ is Subset.__getitems__:
            raise NotImplementedError(
                f"{own.__name__} overrides __getitem__ but not __getitems__, which DataLoader calls"
            )

    def __getitem__(self, idx: Any) -> Any:
        if isinstance(idx, list):
            return self.dataset[[self.indices[i] for i in idx]]
        return self.dataset[self.indices[idx]]

    def __getitems__(self, indices: list[int]) -> list:
        chosen = [self.indices[i] for i in indices]
        fetch: Any = getattr(self.dataset, "__getitems__", None)
        if fetch is not None:
            return fetch(chosen)
        return [self.dataset[i] for i in chosen]

    def __len__(self) -> int:
        return len(self.indices)

    def gather_batch(self, indices: list[int]) -> list | None:
        """Return the collated batch of these samples, or None if they must be fetched singly."""
        fetch = getattr(self.dataset, "gather_batch", None)
        if fetch is None or type(self).__getitem__ is not Subset.__getitem__:
            return None
        if type(self).__getitems__ is not Subset.__getitems__:
            return None
        return fetch([self.indices[i] for i in indices])


def random_split(
    dataset: Dataset[_T], lengths: Sequence[int | float], generator: Generator | None = None
) -> list[Subset[_T]]:
    """Split a dataset at random into parts that do not overlap.

    Args:
        lengths: sizes that add up to the dataset's, or fractions that add up to 1; of fractions
            the floors are taken, and what remains is dealt out one each from the first part on.
        generator: draws the permutation; None takes the default generator.

    Raises:
        ValueError: a fraction is outside [0, 1], or the sizes do not add up.
    """
    from engine import random

    total = len(dataset)  # type: ignore[arg-type]
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        lengths = _sizes_of_fractions(lengths, total)
    if sum(lengths) != total:
        raise ValueError(
            "Sum of input lengths does not equal the length of the input dataset! "
            f"{list(lengths)} add up to {sum(lengths)}, the dataset has {total}"
        )
    indices = random.permutation(total, generator=generator).tolist()
    ends = list(itertools.accumulate(int(length) for length in lengths))
    return [Subset(dataset, indices[end - int(length) : end]) for end, length in zip(ends, lengths, strict=True)]


def _sizes_of_fractions(fractions: Sequence[float], total: int) -> list[int]:
    sizes = []
    for at, fraction in enumerate(fractions):
        if not 0 <= fraction <= 1:
            raise ValueError(f"Fraction at index {at} is not between 0 and 1: {fraction}")
        sizes.append(math.floor(total * fraction))
    for extra in range(total - sum(sizes)):
        sizes[extra % len(sizes)] += 1
    for at, size in enumerate(sizes):
        if size == 0:
            warnings.warn(
                f"Length of split at index {at} is 0. This might result in an empty dataset.",
                stacklevel=3,
            )
    return sizes
