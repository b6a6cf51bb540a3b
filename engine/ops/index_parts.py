"""Reading what stands between the brackets of ``x[...]``."""

from __future__ import annotations

import operator
from typing import Any, NoReturn

import numpy as np

from engine.device import on_host
from engine.errors import MixedDevicesError
from engine.tensor import Tensor

_ALL = slice(None)


def split_index(array: Any, index: Any) -> tuple[tuple | None, tuple | None]:
    """``index`` of a tensor on ``array`` in two parts; None for a part that is not there.

    Returns:
        The part that makes a view (integers, slices, None, and an Ellipsis at the end), and the part that then
        picks from this view (for each of its dimensions an array or ``slice(None)``).

    Raises:
        IndexError: for an integer out of range, a mask of another shape, too many indices, or what is no index.
        ValueError: for a slice with a step below 1.
        MixedDevicesError: for an index tensor with dimensions on the GPU where the array lies on the CPU.
    """
    shape = array.shape
    if type(index) is list and not all(isinstance(i, (int, np.integer)) for i in index):
        raise IndexError(
            f"a list inside the brackets must hold integers or booleans only, got {index!r}; "
            "use a tuple for several dimensions, or a tensor for an index with several dimensions"
        )
    entries = [_entry(i) for i in (index if type(index) is tuple else (index,))]
    if type(array) is np.ndarray:
        _check_device(index if type(index) is tuple else (index,), shape)
    skipped = _skipped(shape, entries)
    basic: list = []
    picks: list = []
    axis = 0
    for place, entry in enumerate(entries):
        kind = type(entry)
        if kind is int:
            if not -shape[axis] <= entry < shape[axis]:
                refuse_integer(shape, axis, entry)
            basic.append(entry)
        elif kind is np.ndarray:
            if entry.ndim == 0:
                basic.append(None)
                entry = np.zeros(int(entry), np.int64)
            else:
                if entry.dtype.kind == "b":
                    _check_mask(entry, shape, axis, place)
                basic += [_ALL] * _taken(entries[place])
            picks.append(entry)
        elif entry is Ellipsis:
            basic += [_ALL] * skipped
            picks += [_ALL] * skipped
            axis += skipped
        else:
            basic.append(entry)
            picks.append(_ALL)
        axis += _taken(entries[place])
    picking = any(type(i) is np.ndarray for i in picks)
    viewing = any(i is not _ALL for i in basic)
    return (*basic, ...) if viewing else None, tuple(picks) if picking else None


def _check_device(index: tuple, shape: tuple[int, ...]) -> None:
    for i in index:
        # A number on the GPU is read, as in PyTorch.
        if isinstance(i, Tensor) and type(i._array) is not np.ndarray and (i._array.ndim or i._array.dtype.kind == "b"):
            raise MixedDevicesError(
                "indices should be either on cpu or on the same device as the indexed tensor (cpu): the indexed tensor "
                f"of shape {shape} lies on cpu, an index of shape {i._array.shape} on {i.device}; "
                "move the index with .cpu(), or the tensor with .to('cuda')"
            )


def _skipped(shape: tuple[int, ...], entries: list) -> int:
    """How many dimensions the Ellipsis stands for."""
    ellipses = sum(entry is Ellipsis for entry in entries)
    if ellipses > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    taken = sum(map(_taken, entries))
    if taken > len(shape):
        if not shape:
            refuse_integer(shape, 0, 0)
        raise IndexError(
            f"too many indices for tensor of dimension {len(shape)}: the index takes {taken} (shape {shape})"
        )
    return len(shape) - taken


def _taken(entry: Any) -> int:
    """How many dimensions an entry of the index stands for."""
    if entry is None or entry is Ellipsis:
        return 0
    if type(entry) is np.ndarray:
        return entry.ndim if entry.dtype.kind == "b" else 1
    return 1


def _entry(i: Any) -> Any:
    """An entry as int, slice of ints, None, Ellipsis, or an int64 or bool array (bool without dimensions too)."""
    kind = type(i)
    if kind is int or i is None or i is Ellipsis:
        return i
    if kind is slice:
        return _slice(i)
    if kind is bool:
        return np.array(i)
    if isinstance(i, np.integer):
        return int(i)
    if isinstance(i, Tensor):
        return _array_entry(i._array)
    if isinstance(i, np.ndarray):
        return _array_entry(i)
    if isinstance(i, (list, tuple, range)):
        return _array_entry(_sequence(i))
    raise IndexError(
        "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices "
        f"(got {kind.__name__})"
    )


def _sequence(i: Any) -> np.ndarray:
    try:
        found = np.array(i) if len(i) else np.zeros(0, np.int64)
    except ValueError:
        found = np.zeros(1, object)
    if found.dtype.kind not in "bi" or any(isinstance(e, Tensor) for e in i):
        raise IndexError(f"a sequence inside the brackets must hold integers or booleans only, got {i!r}")
    return found


def _array_entry(array: np.ndarray) -> Any:
    array = on_host(array)
    # Copies, so that a later change of the index tensor does not change what backward does.
    if array.dtype.kind == "b":
        return array.copy()
    if array.dtype == np.uint8:
        return np.asarray(array != 0)
    if array.dtype.kind not in "iu":
        raise IndexError(
            f"tensors used as indices must be long, int, byte or bool tensors, not {array.dtype}"
        )
    return array.astype(np.int64) if array.ndim else int(array)


def _slice(i: slice) -> slice:
    if i.step is None and (i.start is None or type(i.start) is int) and (i.stop is None or type(i.stop) is int):
        return _ALL if i.start is None and i.stop is None else i
    start, stop, step = [None if part is None else operator.index(part) for part in (i.start, i.stop, i.step)]
    if step is not None and step < 1:
        raise ValueError(f"step must be greater than zero, got {step}")
    return slice(start, stop, step)


def _check_mask(mask: np.ndarray, shape: tuple[int, ...], axis: int, place: int) -> None:
    if mask.shape != shape[axis : axis + mask.ndim]:
        raise IndexError(
            f"The shape of the mask {list(mask.shape)} at index {place} does not match "
            f"the shape of the indexed tensor {list(shape)} at index {axis}"
        )


def refuse_integer(shape: tuple[int, ...], axis: int, index: int) -> NoReturn:
    """Raise the IndexError of an integer index that dimension ``axis`` of ``shape`` does not have."""
    if not shape:
        raise IndexError(
            "invalid index of a 0-dim tensor. Use `tensor.item()` to convert a 0-dim tensor to a number"
        )
    raise IndexError(f"index {index} is out of bounds for dimension {axis} with size {shape[axis]}")
