"""Moving a tensor to another device, recorded: its gradient moves back."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine import dtypes
from engine.definitions import arithmetic as definitions
from engine.device import Device, device_of, tensor_device
from engine.function import apply
from engine.kernels.placing import placed
from engine.ops.elementwise import Unary, cast, clone
from engine.tensor import Tensor


class ToDevice(Unary):
    """y = x on another device."""

    definitions = {"y": definitions.clone_forward, "dx": definitions.clone_backward}
    name = "ToCopy"

    def __init__(self, device: Device) -> None:
        self.device = device

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.source = device_of(x)
        return placed(x, self.device)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return placed(dy, self.source)


def to_device(input: Tensor, device: str | Device | int | None) -> Tensor:
    """``input`` on ``device``: itself where it lies there already.

    Raises:
        DeviceError: for a device that is not there.
    """
    wanted = tensor_device(f"cuda:{device}" if isinstance(device, int) else device)
    return input if wanted == input.device else apply(ToDevice(wanted), input)


def to(input: Tensor, *arguments: Any, **options: Any) -> Tensor:
    """``to(dtype)``, ``to(device[, dtype])`` or ``to(other)``; with ``copy=True`` always a copy.

    Raises:
        DeviceError: for a device that is not there.
        TypeError: for anything that is neither dtype, device nor tensor.
    """
    dtype, device = options.pop("dtype", None), options.pop("device", None)
    copy = options.pop("copy", False)
    options.pop("non_blocking", None)
    if options:
        raise TypeError(f"to(): got an unexpected keyword argument {next(iter(options))!r}")
    for argument in arguments:
        if isinstance(argument, dtypes.dtype):
            dtype = argument
        elif isinstance(argument, Tensor):
            dtype, device = argument.dtype, argument.device
        elif isinstance(argument, (str, Device)) or type(argument) is int:
            device = argument
        elif not isinstance(argument, bool) and argument is not None:
            raise TypeError(f"to(): expected a dtype, a device or a tensor, got {type(argument).__name__}")
    if device is not None:
        moved = to_device(input, device)
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
    return to_device(input, "cuda" if device is None else device)


METHODS = {"to": to, "cpu": cpu, "cuda": cuda}
FUNCTIONS = ()
