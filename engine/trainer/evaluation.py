"""Passes over data without training."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from engine.errors import DataError
from engine.nn.module import Module
from engine.tensor import Tensor, no_grad, wrap


@contextmanager
def evaluation_mode(model: Module) -> Iterator[None]:
    """A ``with`` block in which the model evaluates and nothing is recorded; afterwards every module is as before."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


def batch_limit(loader: Any, limit: int | float | None) -> int | None:
    """How many batches of ``loader`` are used: None for all; a float is a share of them, an int their number.

    Raises:
        ValueError: a limit that is neither, or a share of a loader that does not know its length.
    """
    if limit is None:
        return None
    if isinstance(limit, bool) or not isinstance(limit, (int, float)) or limit < 0:
        raise ValueError(f"limit of batches: expected None, a number of batches or a share in [0, 1], got {limit!r}")
    if isinstance(limit, int):
        return limit
    if limit > 1.0:
        raise ValueError(f"limit of batches: a float is a share and must lie in [0, 1], got {limit}")
    length = batch_count(loader, None)
    if length is None:
        raise ValueError(f"limit of batches: {limit} is a share, but the loader does not know its length")
    return int(limit * length)


def batch_count(loader: Any, limit: int | None) -> int | None:
    """The number of batches of a pass; None when the loader does not know its length."""
    try:
        length = len(loader)
    except (TypeError, NotImplementedError):
        return None
    return length if limit is None else min(length, limit)


def batches(loader: Iterable, limit: int | None) -> Iterator[tuple[int, Any]]:
    """Number (from 0) and batch; not one more is drawn than ``limit``."""
    return enumerate(itertools.islice(iter(loader), limit))


def joined(outputs: list[Any]) -> Any:
    """Outputs of batches as one, along dimension 0; tuples and dicts part by part."""
    first = outputs[0]
    if isinstance(first, Tensor):
        return wrap(np.concatenate([output._array for output in outputs]))
    if isinstance(first, dict):
        return {name: joined([output[name] for output in outputs]) for name in first}
    if isinstance(first, (tuple, list)):
        return type(first)(joined(list(parts)) for parts in zip(*outputs, strict=True))
    return outputs


def split_batch(batch: Any) -> tuple[tuple, Any]:
    """(inputs of the model, target) of a batch.

    Raises:
        DataError: the batch is neither a tensor nor a sequence.
    """
    if isinstance(batch, (tuple, list)) and batch:
        parts = list(batch)
        return tuple(parts[:-1] or parts), parts[-1]
    if isinstance(batch, Tensor):
        return (batch,), batch
    found = f"a dict with {sorted(batch)}" if isinstance(batch, Mapping) else type(batch).__name__
    raise DataError(f"Trainer: expected batches (x, y), got {found}; derive from Trainer and override step()")
