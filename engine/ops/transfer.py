"""Moving a tensor to another device, recorded: its gradient moves back."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine import dtypes
from engine.definitions import arithmetic as definitions
from engine.device import Device, device_of, gate, pinned, tensor_device
from engine.device.streams import Stream
from engine.function import apply
from engine.kernels.placing import placed
from engine.ops.elementwise import Unary, cast, clone
from engine.tensor import Tensor, wrap


class ToDevice(Unary):
    """y = x on another device."""

    definitions = {"y": definitions.clone_forward, "dx": definitions.clone_backward}
    name = "ToCopy"

    def __init__(self, device: Device, wait: bool = True) -> None:
        self.device, self.wait = device, wait

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.source = device_of(x)
        return placed(x, self.device, self.wait)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return placed(dy, self.source)


def to_device(input: Tensor, device: str | Device | int | None, non_blocking: bool = False) -> Tensor:
    """``input`` on ``device``: itself where it lies there already.

    With ``non_blocking`` Python goes on while a GPU copies a pinned tensor (:func:`pin_memory`).

    Raises:
        DeviceError: for a device that is not there.
    """
    wanted = tensor_device(f"cuda:{device}" if isinstance(device, int) else device)
    return input if wanted == input.device else apply(ToDevice(wanted, not non_blocking), input)


def to(input: Tensor, *arguments: Any, **options: Any) -> Tensor:
    """``to(dtype)``, ``to(device[, dtype])`` or ``to(other)``; with ``copy=True`` always a copy.

    Raises:
        DeviceError: for a device that is not there.
        TypeError: for anything that is neither dtype, device nor tensor.
    """
    dtype, device = options.pop("dtype", None), options.pop("device", None)
    copy = options.pop("copy", False)
    non_blocking = options.pop("non_blocking", False)
    if options:
        raise TypeError(f"to(): got an unexpected keyword argument {next(iter(options))!r}")
    flags: list[bool] = []
    for argument in arguments:
        if isinstance(argument, dtypes.dtype):
            dtype = argument
        elif isinstance(argument, Tensor):
            dtype, device = argument.dtype, argument.device
        elif isinstance(argument, (str, Device)) or type(argument) is int:
            device = argument
        elif isinstance(argument, bool):
            flags.append(argument)
        elif argument is not None:
            raise TypeError(f"to(): expected a dtype, a device or a tensor, got {type(argument).__name__}")
    # As in PyTorch the flags without a name are non_blocking and copy.
    non_blocking, copy = [*flags, *(non_blocking, copy)[len(flags) :]][:2]
    if device is not None:
        moved = to_device(input, device, non_blocking)
        copy = copy and moved is input
        input = moved
    if dtype is None or input._array.dtype == dtype.numpy:
        return clone(input) if copy else input
    return cast(input, dtype.numpy)


def cpu(input: Tensor) -> Tensor:
    """The tensor on the CPU: itself where it lies there already."""
    return to_device(input, "cpu")


def cuda(input: Tensor, device: str | Device | int | None = None, non_blocking: bool = False) -> Tensor:
    """The tensor on the GPU: itself where it lies there already.

    Raises:
        DeviceError: where there is none, saying what is missing.
    """
    return to_device(input, "cuda" if device is None else device, non_blocking)


def pin_memory(input: Tensor, device: Any = None) -> Tensor:
    """A copy in pinned host memory, which a GPU copies while Python goes on (``to("cuda", non_blocking=True)``).

    The tensor itself where it is pinned already, and where there is no GPU.

    Raises:
        RuntimeError: for a tensor on the GPU.
    """
    if input.is_cuda:
        raise RuntimeError(f"cannot pin a tensor on {input.device}: only tensors on the CPU can be pinned")
    if gate.missing() is not None or pinned.is_pinned(input._array):
        return input
    return wrap(pinned.pinned_copy(input._array))


def is_pinned(input: Tensor, device: Any = None) -> bool:
    """Whether the tensor lies in pinned host memory."""
    return not input.is_cuda and pinned.is_pinned(input._array)


def record_stream(input: Tensor, stream: Stream) -> None:
    """Say that ``stream`` uses the tensor too: its memory is not used again before what is queued there then is done.

    Memory belongs to the stream that was current when the tensor was made, and is used again there at once when the
    tensor goes; see :func:`engine.cuda.stream`.

    Raises:
        RuntimeError: for a tensor on the CPU.
        TypeError: for what is no stream.
    """
    if not isinstance(stream, Stream):
        raise TypeError(f"record_stream(): argument 's' must be an engine.cuda.Stream, not {type(stream).__name__}")
    if not input.is_cuda:
        raise RuntimeError("record_stream(): the tensor lies on the CPU; only memory of a cuda device is used by streams")
    array: Any = input._array
    array.record_stream(stream)


METHODS = {
    "to": to, "cpu": cpu, "cuda": cuda, "pin_memory": pin_memory, "is_pinned": is_pinned, "record_stream": record_stream,
}
FUNCTIONS = ()
