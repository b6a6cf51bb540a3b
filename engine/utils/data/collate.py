"""How a list of samples becomes a batch: PyTorch's `default_collate` and `default_convert`."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from .tensors import Tensor, from_array, stack

_EXPECTED = "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists"


def default_collate(batch: Any) -> Any:
    """Put the samples of a batch together along a new first dimension.

    Tensors and NumPy arrays are stacked; float numbers become a float64 tensor, integers int64,
    bools bool; strings and bytes stay a list; of dicts, tuples, named tuples and lists each member
    is collated by itself (a batch of tuples becomes a list).

    Raises:
        TypeError: a sample is of another type.
        RuntimeError: sequences of different lengths, or tensors of different shapes.
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(batch)
    if isinstance(first, np.ndarray):
        if first.dtype.kind in "SUOV":
            raise TypeError(f"{_EXPECTED}; found {first.dtype}")
        return stack([from_array(np.asarray(array), "default_collate: array") for array in batch])
    if isinstance(first, (bool, int, float, np.bool_, np.number)):
        return _numbers(first, batch)
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Mapping):
        return _rebuild_mapping(first, {key: default_collate([sample[key] for sample in batch]) for key in first})
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*(default_collate(column) for column in zip(*batch, strict=False)))
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError(
                "each element in list of batch should be of equal size; found "
                f"{sorted({len(sample) for sample in batch})}"
            )
        columns = [default_collate(column) for column in zip(*batch, strict=True)]
        return columns if isinstance(first, tuple) else _rebuild_sequence(first, columns)
    raise TypeError(f"{_EXPECTED}; found {type(first)}")


def pin_memory(data: Any) -> Any:
    """`data` with the tensors in it, and what else has a method `pin_memory`, in pinned memory; tuples become lists."""
    if hasattr(data, "pin_memory"):
        return data.pin_memory()
    if isinstance(data, (str, bytes)):
        return data
    if isinstance(data, Mapping):
        return _rebuild_mapping(data, {key: pin_memory(data[key]) for key in data})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(pin_memory(member) for member in data))
    if isinstance(data, Sequence):
        members = [pin_memory(member) for member in data]
        return members if isinstance(data, tuple) else _rebuild_sequence(data, members)
    return data


def default_convert(data: Any) -> Any:
    """Turn NumPy arrays inside `data` into tensors; leave everything else as it is."""
    if isinstance(data, np.ndarray) and data.dtype.kind not in "SUOV":
        return from_array(data, "default_convert: array")
    if isinstance(data, (np.bool_, np.number)):
        return from_array(np.asarray(data), "default_convert: number")
    if isinstance(data, Mapping):
        return _rebuild_mapping(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(default_convert(member) for member in data))
    if isinstance(data, tuple):
        return [default_convert(member) for member in data]
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _rebuild_sequence(data, [default_convert(member) for member in data])
    return data


def _numbers(first: Any, batch: Any) -> Tensor:
    if isinstance(first, (np.bool_, np.number)):
        array = np.asarray(batch)
    elif isinstance(first, float):
        array = np.array(batch, dtype=np.float64)
    else:
        array = np.array(batch)
        if array.dtype.kind in "iu":
            array = array.astype(np.int64)
        elif array.dtype.kind == "f":
            from engine.dtypes import get_default_dtype

            array = array.astype(get_default_dtype().numpy)
    return from_array(array, "default_collate: numbers")


def _rebuild_mapping(first: Mapping, members: dict) -> Any:
    def build() -> Any:
        if isinstance(first, MutableMapping):
            clone = copy.copy(first)
            clone.update(members)
            return clone
        return type(first)(members)  # type: ignore[call-arg]

    return _or_plain(build, members)


def _rebuild_sequence(first: Sequence, members: list) -> Any:
    def build() -> Any:
        if isinstance(first, MutableSequence):
            clone = copy.copy(first)
            for at, member in enumerate(members):
                clone[at] = member
            return clone
        return type(first)(members)  # type: ignore[call-arg]

    return _or_plain(build, members)


def _or_plain(build: Callable[[], Any], plain: Any) -> Any:
    """Keep the sample's own container type where it can be built from members, as PyTorch does."""
    try:
        return build()
    except TypeError:
        return plain
