"""Checkpoints: the contents of everything that a run has changed since its first steps.

A file holds a line of JSON and the bytes of arrays behind it. Contents are kept by keys that are the same in every
run of the script (:func:`engine.debug.replay.digest.optimized`, and ``"m"`` + the place where a tensor was made). The
tensors themselves are not kept: the script makes them again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.debug.memory import address, lender, on_cpu
from engine.debug.replay.digest import optimized
from engine.debug.replay.hollow import is_hollow
from engine.debug.replay.recording import replace
from engine.random import get_all_states
from engine.tensor import Tensor

if TYPE_CHECKING:
    from engine.debug.replay.recorder import Recorder

#: What a recording may hold; beyond, every second of the older checkpoints goes.
MOST_FILES = 64
MOST_BYTES = 512 << 20

#: Bytes of tensors made by ops that one checkpoint holds; the largest beyond are left out.
MOST_LIVE_BYTES = 64 << 20

_TICK = (1 << 48) - 1


def identified(recorder: Recorder, tensors: list[Tensor]) -> Iterator[tuple[str, Tensor]]:
    """What has a key, with its key: what optimizers know, then those of ``tensors`` that a recorder has seen made or
    changed since ``recorder.skip_from``. The same key may come several times, for tensors that share memory."""
    yield from optimized(recorder)
    since = recorder.skip_from
    for tensor in tensors:
        made = tensor._made
        if made and (tensor.__dict__.get("_changed_at", -1) >= since or (made > 0 and made & _TICK > since)):
            yield f"m{made}", tensor


def owner(array: Any) -> Any:
    """What owns the memory of ``array``: an array, or on a GPU the pool's loan."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return lender(array)


def take(recorder: Recorder, tensors: list[Tensor]) -> None:
    """Write a checkpoint of the present, in which ``tensors`` exist, and thin out older ones."""
    recording = recorder.recording
    assert recording is not None
    found: dict[str, np.ndarray] = {}
    for key, tensor in identified(recorder, tensors):
        if not is_hollow(tensor._array):
            found.setdefault(key, tensor._array)
    entries, parts = _laid_out(_bounded(found))
    header = {"tick": recorder.tick, "steps": recorder.steps, "random": random_digest(), "entries": entries}
    recording.make()
    path = recording.checkpoints / f"{recorder.tick:014d}"
    replace(path, json.dumps(header).encode() + b"\n", *parts)
    _thin_out(recording.checkpoints)


def available(folder: Path) -> list[int]:
    """The ticks of the checkpoints in ``folder``, ascending."""
    return sorted(int(path.name) for path in folder.glob("[0-9]*")) if folder.is_dir() else []


def drop_after(folder: Path, tick: int) -> None:
    """Remove the checkpoints of later ticks."""
    for later in available(folder):
        if later > tick:
            (folder / f"{later:014d}").unlink(missing_ok=True)


def read(folder: Path, tick: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The header of the checkpoint at ``tick``, and contents by key, but for entries that lie within others ("of")."""
    data = (folder / f"{tick:014d}").read_bytes()
    end = data.index(b"\n")
    header = json.loads(data[:end])
    contents: dict[str, np.ndarray] = {}
    for key, entry in header["entries"].items():
        dtype, shape = np.dtype(entry["dtype"]), tuple(entry["shape"])
        if "of" not in entry:
            count = int(np.prod(shape, dtype=np.int64))
            contents[key] = np.frombuffer(data, dtype, count, end + 1 + entry["at"]).reshape(shape).copy()
    return header, contents


def random_digest() -> str:
    """A hash of the states of the default generators of all devices."""
    states = b"".join([state.tobytes() for state in get_all_states()])
    return hashlib.blake2b(states, digest_size=16).hexdigest()


def _bounded(found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    total = sum(a.nbytes for key, a in found.items() if key[0] == "m")
    if total <= MOST_LIVE_BYTES:
        return found
    for key in sorted((key for key in found if key[0] == "m"), key=lambda key: -found[key].nbytes):
        total -= found.pop(key).nbytes
        if total <= MOST_LIVE_BYTES:
            break
    return found


def _laid_out(found: dict[str, np.ndarray]) -> tuple[dict[str, dict], list[Any]]:
    """Where each array lies in the file: on its own, or within another whose memory it shares."""
    groups: dict[int, list[str]] = {}
    for key, array in found.items():
        groups.setdefault(id(owner(array)), []).append(key)
    entries: dict[str, dict] = {}
    parts: list[Any] = []
    at = 0
    for keys in groups.values():
        whole = max(keys, key=lambda key: (found[key].flags.c_contiguous, found[key].nbytes))
        first = address(found[whole])
        for key in sorted(keys, key=lambda key: key != whole):
            array = found[key]
            entry: dict[str, Any] = {"dtype": array.dtype.str, "shape": array.shape}
            if key == whole:
                entry["at"] = at
                at += array.nbytes
                parts.append(np.ascontiguousarray(on_cpu(array)).reshape(-1).view(np.uint8).data)
            else:
                offset = address(array) - first
                extent = sum((n - 1) * s for n, s in zip(array.shape, array.strides, strict=True)) + array.itemsize
                if not found[whole].flags.c_contiguous or offset < 0 or offset + extent > found[whole].nbytes:
                    continue  # it cannot be told how they share: a replay that needs it computes everything
                entry.update(of=whole, offset=offset, strides=array.strides)
            entries[key] = entry
    return entries, parts


def _thin_out(folder: Path) -> None:
    with os.scandir(folder) as found:
        sizes = {entry.name: entry.stat().st_size for entry in found if entry.name.isdigit()}
    if len(sizes) < 8 or (len(sizes) <= MOST_FILES and sum(sizes.values()) <= MOST_BYTES):
        return
    for name in sorted(sizes)[1 : len(sizes) * 3 // 4 : 2]:
        (folder / name).unlink(missing_ok=True)
