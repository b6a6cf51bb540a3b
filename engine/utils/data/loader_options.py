"""The rules of PyTorch that the options of a DataLoader obey."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any


def check_worker_options(
    num_workers: int,
    timeout: float,
    prefetch_factor: int | None,
    persistent_workers: bool,
    multiprocessing_context: Any,
) -> None:
    """Raise ValueError where options of worker processes are wrong or contradict each other."""
    if num_workers < 0:
        raise ValueError(
            f"num_workers option should be non-negative, not {num_workers}; "
            "use num_workers=0 to disable multiprocessing."
        )
    if timeout < 0:
        raise ValueError(f"timeout option should be non-negative, not {timeout}")
    if num_workers == 0 and prefetch_factor is not None:
        raise ValueError(
            f"prefetch_factor={prefetch_factor} could only be specified with num_workers > 0; "
            "otherwise leave prefetch_factor None"
        )
    if prefetch_factor is not None and prefetch_factor < 0:
        raise ValueError(f"prefetch_factor option should be non-negative, not {prefetch_factor}")
    if persistent_workers and num_workers == 0:
        raise ValueError("persistent_workers option needs num_workers > 0")
    if multiprocessing_context is not None and num_workers == 0:
        raise ValueError("multiprocessing_context can only be used with num_workers > 0")


def check_sampling(
    iterable: bool,
    batch_size: int | None,
    shuffle: bool | None,
    sampler: Any,
    batch_sampler: Any,
    drop_last: bool,
) -> None:
    """Raise ValueError where the options that decide the order exclude each other."""
    if iterable:
        given = {"sampler": sampler, "batch_sampler": batch_sampler, "shuffle": shuffle or None}
        for name, value in given.items():
            if value is not None:
                raise ValueError(
                    f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={value}"
                )
    if sampler is not None and shuffle:
        raise ValueError("sampler option is mutually exclusive with shuffle")
    if batch_sampler is not None:
        if batch_size != 1 or shuffle or sampler is not None or drop_last:
            raise ValueError(
                "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and "
                f"drop_last; got batch_size={batch_size}, shuffle={shuffle}, sampler={sampler}, "
                f"drop_last={drop_last}"
            )
    elif batch_size is None and drop_last:
        raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")


def warn_about_workers(num_workers: int, worker_init_fn: Callable | None) -> None:
    """Say once per loader that no worker processes are started, and why."""
    ignored = " and worker_init_fn is not called" if worker_init_fn is not None else ""
    warnings.warn(
        f"DataLoader: num_workers={num_workers} starts no processes{ignored}: samples are loaded "
        "in the main process, so that one seed gives one result and every sample can be traced; "
        "the batches come in the same order. num_workers=0 says the same without this warning.",
        stacklevel=3,
    )
