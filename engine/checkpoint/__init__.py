"""Saving and loading state: ``torch.save`` and ``torch.load`` on safetensors files, never on pickles.

The file
--------
One safetensors file holds everything. Its tensors are the tensors and arrays of the saved object, under names
that tell their place (``model.0.weight``), so that a saved ``state_dict`` is at the same time a plain
safetensors file which PyTorch reads with ``safetensors.torch.load_file``. Its ``__metadata__`` has three texts:

- ``format``: ``nablascope.checkpoint``
- ``version``: ``1``; a reader refuses versions that it does not know
- ``structure``: JSON that says how the object is put together (see :mod:`engine.checkpoint.structure`)

A safetensors file without this structure, from elsewhere, loads as a dict of tensors. Element types that the
engine does not have are converted where no value changes: int8, int16, int32, uint16, uint32 (and uint64 where
all values fit) to int64, float16 and bfloat16 to float32; others are refused.

Source of the format: https://github.com/huggingface/safetensors, section "Format".
"""

from __future__ import annotations

import os
from typing import Any, BinaryIO

from engine import trace
from engine.checkpoint.atomic import write_atomically, write_to
from engine.checkpoint.reader import read_file, unpack
from engine.checkpoint.structure import pack
from engine.device import CPU, Device, tensor_device
from engine.errors import CheckpointError
from engine.kernels.placing import placed
from engine.tensor import Tensor

__all__ = ["load", "save"]

_DEVICE_MAP = "map_location: expected None, a device, a dict of devices or a function, got "


def save(obj: Any, f: str | os.PathLike | BinaryIO) -> None:
    """Write ``obj`` to the file ``f`` (``torch.save``).

    ``obj`` is a tensor or any nesting of dict, OrderedDict, Counter, list and tuple with tensors, NumPy arrays
    and numbers, Python numbers, strings, bytes, bools, None, dtypes, devices and sizes: the state dictionaries
    of modules, optimizers and schedulers, and mixes of them. Types, also those of dictionary keys, survive;
    tensors that share all their memory share it again after loading. Gradients and the graph are not saved.

    With a path the file is replaced as a whole or not at all: whatever goes wrong in between, the file that was
    there before stays as it was.

    Args:
        obj: what to save.
        f: a path, or a binary file open for writing.

    Raises:
        CheckpointError: for an object that is not state (a Module: save its ``state_dict()``), naming its
            place; when the file cannot be written (then also an ``OSError``), naming file and reason.
    """
    if not (isinstance(f, (str, os.PathLike)) or hasattr(f, "write")):
        raise TypeError(f"save: expected a path or a binary file, got {type(f).__name__}")
    observer = trace.observer
    if observer is None or not observer.repeats:
        data = pack(obj)
        if isinstance(f, (str, os.PathLike)):
            write_atomically(f, data)
        else:
            write_to(f, data)
    if observer is not None and isinstance(f, (str, os.PathLike)):
        observer.wrote(os.path.realpath(f))


def load(
    f: str | os.PathLike | BinaryIO,
    map_location: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
) -> Any:
    """What :func:`save` wrote to ``f`` (``torch.load``), or the dict of tensors of any safetensors file.

    Args:
        f: a path, or a binary file, which is read from its position to its end.
        map_location: where tensors are to live; None: on the CPU, also those that were saved from a GPU. A function
            is not called.
        weights_only: has no effect: nothing in the file can run code, whatever is asked for.
        mmap: has no effect.

    Raises:
        CheckpointError: the file is missing (then also a ``FileNotFoundError``), truncated or corrupt, has
            an element type that the engine lacks, or is a pickle, as ``torch.save`` of PyTorch makes them;
            the message names the file, what is wrong, and how to convert a pickle.
        DeviceError: for a device that is not there.
    """
    device = _target(map_location)
    if trace.observer is not None and isinstance(f, (str, os.PathLike)):
        f = trace.observer.opened(os.path.realpath(f))
    name, data = read_file(f)
    loaded = unpack(data, name)
    if device != CPU:
        _move(loaded, device)
    return loaded


def _target(map_location: Any) -> Device:
    """The device that ``map_location`` asks for; arrays in the file lie on none, so that a function or a dict of
    devices is asked about the CPU."""
    if isinstance(map_location, (str, Device)):
        return tensor_device(map_location)
    if isinstance(map_location, dict):
        return tensor_device(map_location.get("cpu"))
    if map_location is not None and not callable(map_location):
        raise CheckpointError(f"load: {_DEVICE_MAP}{type(map_location).__name__}")
    return CPU


def _move(obj: Any, device: Device) -> None:
    """Bring every tensor in ``obj`` to ``device``."""
    if isinstance(obj, Tensor):
        obj._array = placed(obj._array, device)
    elif isinstance(obj, dict):
        for value in obj.values():
            _move(value, device)
    elif isinstance(obj, (list, tuple)):
        for value in obj:
            _move(value, device)
