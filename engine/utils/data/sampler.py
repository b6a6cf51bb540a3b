"""Samplers: the order in which a DataLoader visits the samples.

With equal seeds the orders are PyTorch's: the same draws are made, of the same generators, in the
same sequence.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

if TYPE_CHECKING:
    from engine.random import Generator

_T = TypeVar("_T", covariant=True)
_DRAWN_AT_ONCE = 32
"""PyTorch draws indices with replacement 32 at a time; the stream depends on it."""


class Sampler(Generic[_T]):
    """Base of samplers: `__iter__` yields indices, or lists of indices; `__len__` is optional."""

    def __iter__(self) -> Iterator[_T]:
        raise NotImplementedError("Subclasses of Sampler should implement __iter__.")


class SequentialSampler(Sampler[int]):
    """0, 1, 2, ... up to the length of the data source."""

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """Indices in random order, or drawn with replacement.

    Args:
        data_source: what is sampled.
        replacement: draw with replacement.
        num_samples: how many; by default the length of the data source. More than that without
            replacement continues with a further permutation.
        generator: draws the order. None draws a seed from the default generator at the start of
            each pass and orders with a fresh generator of that seed, as PyTorch does.

    Raises:
        TypeError, ValueError: replacement is no bool; num_samples is no positive integer.
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={replacement}")
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={self.num_samples}")

    @property
    def num_samples(self) -> int:
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        from engine import random

        n = len(self.data_source)
        generator = self.generator
        if generator is None:
            generator = random.Generator()
            generator.manual_seed(draw_seed())
        if self.replacement:
            whole, rest = divmod(self.num_samples, _DRAWN_AT_ONCE)
            for size in [_DRAWN_AT_ONCE] * whole + [rest]:
                yield from random.integers(0, n, (size,), generator=generator).tolist()
            return
        for _ in range(self.num_samples // n):
            yield from random.permutation(n, generator=generator).tolist()
        last = random.permutation(n, generator=generator).tolist()
        yield from last[: self.num_samples % n]

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """The given indices in random order."""

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        from engine import random

        for i in random.permutation(len(self.indices), generator=self.generator).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Indices drawn with probabilities proportional to weights.

    Args:
        weights: one non-negative number per sample; they need not add up to 1.
        num_samples: how many indices a pass yields.
        replacement: draw with replacement; without it no index comes twice.
        generator: None takes the default generator.

    Raises:
        ValueError: num_samples is no positive integer, replacement is no bool, or the weights are
            not one-dimensional.
    """

    def __init__(
        self,
        weights: Any,
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        _check_positive_integer("num_samples", num_samples)
        if not isinstance(replacement, bool):
            raise ValueError(f"replacement should be a boolean value, but got replacement={replacement}")
        from .tensors import from_array, to_array

        values = np.array(to_array(weights), dtype=np.float64)
        if values.ndim != 1:
            raise ValueError(f"weights should be a 1d sequence but given weights have shape {tuple(values.shape)}")
        self.weights = from_array(values)
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        from engine import random

        from .tensors import to_array

        drawn = random.multinomial(to_array(self.weights), self.num_samples, self.replacement, generator=self.generator)
        yield from drawn.tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Lists of `batch_size` indices of another sampler; the last may be shorter or dropped.

    Raises:
        ValueError: batch_size is no positive integer, or drop_last is no bool.
    """

    def __init__(self, sampler: Sampler[int] | Iterable[int], batch_size: int, drop_last: bool) -> None:
        _check_positive_integer("batch_size", batch_size)
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        whole, rest = divmod(len(self.sampler), self.batch_size)  # type: ignore[arg-type]
        return whole if self.drop_last or not rest else whole + 1


def draw_seed(generator: Generator | None = None) -> int:
    """Draw what PyTorch's `torch.empty((), dtype=torch.int64).random_()` draws: a seed."""
    from engine import random

    return int(random.random_full((), np.int64, generator=generator))


def _check_positive_integer(name: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{name} should be a positive integer value, but got {name}={value}")
