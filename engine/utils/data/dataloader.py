"""The DataLoader: batches of a dataset, in PyTorch's order for equal seeds."""

from __future__ import annotations

import math
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from engine import trace
from engine.device import gate

from .collate import default_collate, default_convert, pin_memory
from .dataset import Dataset, IterableDataset
from .loader_options import check_sampling, check_worker_options, warn_about_workers
from .sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler, draw_seed

_FIXED = frozenset(("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"))


def get_worker_info() -> None:
    """Return None: samples are always loaded in the main process."""
    return


class _EndlessSampler(Sampler):
    """Stands in for a sampler where an IterableDataset decides by itself."""

    def __iter__(self) -> Iterator[None]:
        while True:
            yield None


class DataLoader:
    """Iterate over a dataset in batches; arguments and errors are those of PyTorch.

    Samples are always loaded in the calling process. `num_workers > 0` and the options that belong
    to it are accepted, give one warning and change nothing else: the order of batches is PyTorch's
    either way, and random numbers drawn in a transform stay on one reproducible stream.
    `pin_memory` puts the tensors of a batch into pinned memory; without a GPU it has no effect.
    `worker_init_fn` is not called.

    Where the samples are rows of arrays (TensorDataset, the picture sets with ToTensor, Subsets of
    these) and `collate_fn` is the default, a batch is gathered by one index operation; the result
    is that of fetching sample by sample.

    Args:
        dataset: a map-style dataset (`__getitem__`, `__len__`) or an IterableDataset.
        batch_size: samples per batch; None gives single samples.
        shuffle: visit the samples in a new random order on each pass.
        sampler: own order of indices. batch_sampler: own lists of indices; excludes batch_size,
            shuffle, sampler and drop_last.
        collate_fn: makes a batch of a list of samples.
        drop_last: leave out a last batch that is shorter.
        generator: draws the order; None takes the default generator.

    Raises:
        ValueError: arguments contradict each other; the message names them.
    """

    _initialized = False

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Sampler | Iterable | None = None,
        batch_sampler: Sampler | Iterable | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Any = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        check_worker_options(num_workers, timeout, prefetch_factor, persistent_workers, multiprocessing_context)
        self.dataset = dataset
        self.num_workers = num_workers
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.persistent_workers = persistent_workers
        self.in_order = in_order
        self.generator = generator
        self._iterable = isinstance(dataset, IterableDataset)
        self._length_told: int | None = None
        self._base_seed: int | None = None
        check_sampling(self._iterable, batch_size, shuffle, sampler, batch_sampler, drop_last)
        if sampler is None:
            sampler = self._default_sampler(bool(shuffle))
        if batch_sampler is not None:
            batch_size, drop_last = None, False
        elif batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        if collate_fn is None:
            collate_fn = default_convert if batch_sampler is None else default_collate
        self.collate_fn = collate_fn
        self._initialized = True
        if num_workers:
            warn_about_workers(num_workers, worker_init_fn)

    def __setattr__(self, name: str, value: Any) -> None:
        if self._initialized and name in _FIXED:
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    def __iter__(self) -> Iterator:
        return _Iterator(self)

    def __len__(self) -> int:
        if not self._iterable:
            return len(self._indices)  # type: ignore[arg-type]
        length = self._length_told = len(self.dataset)  # type: ignore[arg-type]
        if self.batch_size is None:
            return length
        if self.drop_last:
            return length // self.batch_size
        return math.ceil(length / self.batch_size)

    @property
    def _indices(self) -> Sampler | Iterable:
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def _default_sampler(self, shuffle: bool) -> Sampler:
        if self._iterable:
            return _EndlessSampler()
        if shuffle:
            return RandomSampler(self.dataset, generator=self.generator)  # type: ignore[arg-type]
        return SequentialSampler(self.dataset)  # type: ignore[arg-type]


class _Iterator(Iterator):
    """One pass over a DataLoader. ``newest``: see :func:`newest_pass`."""

    newest: weakref.ref[_Iterator] | None = None

    def __init__(self, loader: DataLoader) -> None:
        if loader.num_workers == 0 and loader.timeout != 0:
            raise AssertionError(
                f"DataLoader: timeout={loader.timeout} needs num_workers > 0; loading in the main "
                "process has no timeout"
            )
        self._loader = loader
        self._indices = iter(loader._indices)
        # PyTorch draws a seed for the workers here, before the sampler draws, also when there are
        # none; without this draw every later random number of the script would differ.
        if loader._base_seed is None or not loader.persistent_workers:
            loader._base_seed = draw_seed(loader.generator)
        self._stream = iter(loader.dataset) if loader._iterable else None  # type: ignore[call-overload]
        self._yielded = 0
        if trace.on_batch is not None:
            _Iterator.newest = weakref.ref(self)
            trace.on_batch.begin_epoch(loader)

    def __iter__(self) -> _Iterator:
        return self

    def __len__(self) -> int:
        return len(self._loader._indices)  # type: ignore[arg-type]

    def __next__(self) -> Any:
        try:
            index = next(self._indices)
            batch = self._from_map(index) if self._stream is None else self._from_stream(index)
        except StopIteration:
            if trace.on_batch is not None:
                trace.on_batch.end_epoch(self._loader)
            raise
        if self._loader.pin_memory and gate.missing() is None:
            batch = pin_memory(batch)
        self._yielded += 1
        told = self._loader._length_told
        if self._stream is not None and told is not None and self._yielded > told:
            warnings.warn(
                f"Length of IterableDataset {self._loader.dataset} was reported to be {told} (when "
                f"accessing len(dataloader)), but {self._yielded} samples have been fetched.",
                stacklevel=2,
            )
        if trace.on_batch is not None:
            trace.on_batch.batch(self._loader, self._yielded - 1, batch, index if self._stream is None else None)
        return batch

    def _from_map(self, index: Any) -> Any:
        loader = self._loader
        dataset: Any = loader.dataset
        if loader.batch_sampler is None:
            return loader.collate_fn(dataset[index])
        if loader.collate_fn is default_collate and hasattr(dataset, "gather_batch"):
            batch = dataset.gather_batch(index)
            if batch is not None:
                return batch
        fetch = getattr(dataset, "__getitems__", None)
        samples = fetch(index) if fetch else [dataset[i] for i in index]
        return loader.collate_fn(samples)

    def _from_stream(self, index: Any) -> Any:
        loader, stream = self._loader, self._stream
        if loader.batch_sampler is None:
            return loader.collate_fn(next(stream))  # type: ignore[arg-type]
        samples = [sample for _, sample in zip(index, stream, strict=False)]  # type: ignore[arg-type]
        if not samples or (loader.drop_last and len(samples) < len(index)):
            self._indices = iter(())
            raise StopIteration
        if len(samples) < len(index):
            self._indices = iter(())
        return loader.collate_fn(samples)


def newest_pass() -> weakref.ref[_Iterator] | None:
    """The iterator of the pass that an observer was told of last: gone as soon as nobody can go on with it."""
    return _Iterator.newest
