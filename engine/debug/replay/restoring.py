"""From hollow tensors back to contents, at a checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.debug.replay import checkpoints
from engine.debug.replay.checkpoints import identified, owner
from engine.debug.replay.hollow import Hollow, is_hollow
from engine.debug.replay.living import live_tensors
from engine.device import CPU
from engine.device.cuda_array import CudaArray
from engine.kernels.placing import placed
from engine.tensor import Tensor

if TYPE_CHECKING:
    from engine.debug.replay.replayer import Replayer


def restore(replayer: Replayer, tick: int) -> str | None:
    """Fill what is hollow from the checkpoint at ``tick``; what it does not hold stays hollow.

    Returns:
        None, or why the checkpoint does not fit the run.
    """
    header, contents = checkpoints.read(replayer.source.checkpoints, tick)
    if header["steps"] != replayer.steps:
        return f"it was taken at step {header['steps']}, this is step {replayer.steps}"
    if header["random"] != checkpoints.random_digest():
        return "the random stream is at another place"
    tensors = live_tensors()
    arrays: dict[str, Any] = {}
    for key, tensor in identified(replayer, tensors):
        arrays.setdefault(key, tensor._array)
    entries = header["entries"]
    missing = [key for key in entries if key[0] in "ps" and key not in arrays]
    if missing:
        return f"{missing[0]} is not there"
    for key in entries.keys() & arrays.keys():
        wrong = _misfit(key, arrays[key], entries[key], contents.get(key))
        if wrong is not None:
            return wrong
    _hand_on(tensors, *_fill(entries, contents, arrays))
    return None


def _misfit(key: str, array: Any, entry: dict[str, Any], content: np.ndarray | None) -> str | None:
    shape, dtype = tuple(entry["shape"]), np.dtype(entry["dtype"])
    if array.shape != shape or array.dtype != dtype:
        return f"{key} has shape {array.shape} and dtype {array.dtype}, in the checkpoint {shape} and {dtype}"
    if content is not None and not is_hollow(array) and array.tobytes() != content.tobytes():
        return f"{key} has other contents"
    return None


def _fill(
    entries: dict[str, dict], contents: dict[str, np.ndarray], arrays: dict[str, Any]
) -> tuple[dict[int, np.ndarray], set[int]]:
    """Contents for what is hollow: arrays by the id of the Hollow, and the owners of memory that was filled."""
    filled: dict[int, Any] = {}
    owners: set[int] = set()
    final: dict[str, Any] = {}
    for key, content in contents.items():
        array = arrays.get(key)
        if not isinstance(array, Hollow):
            final[key] = content if array is None else array
            continue
        if array.real is not None:
            array.real[...] = content
            owners.add(id(owner(array.real)))
            content = array.real
        elif array.device != CPU:
            content = placed(content, array.device)
        final[key] = filled[id(array)] = content
    for key, entry in entries.items():
        array, whole = arrays.get(key), final.get(entry.get("of", ""))
        # What has memory of its own to come back to is handed on with it.
        if isinstance(array, Hollow) and array.real is None and whole is not None and whole.flags.c_contiguous:
            filled[id(array)] = _within(whole, array, entry["offset"], tuple(entry["strides"]))
    return filled, owners


def _within(whole: Any, like: Hollow, offset: int, strides: tuple[int, ...]) -> Any:
    """The array of the shape and dtype of ``like`` at a place in ``whole``."""
    if type(whole) is CudaArray:
        return whole.viewed(np.ndarray(like.shape, like.dtype, whole.layout, offset, strides))
    return np.ndarray(like.shape, like.dtype, whole, offset, strides)


def _hand_on(tensors: list[Tensor], filled: dict[int, np.ndarray], owners: set[int]) -> None:
    """Give every tensor its array again, also those that share what was filled."""
    for tensor in tensors:
        hollow: Any = tensor._array
        if not is_hollow(hollow):
            continue
        array = filled.get(id(hollow))
        real = hollow.real
        if array is None and real is not None and id(owner(real)) in owners:
            array = real
        if array is not None:
            tensor._array = array
