"""Devices, and the memory that arrays on them live in.

An array is a NumPy array on the CPU and a :class:`~engine.device.cuda_array.CudaArray` on a GPU, which answers to the
same names. ``empty`` and ``zeros`` make an array where another one (``like``) lies.
"""

from __future__ import annotations

import functools
from math import prod
from typing import Any

import numpy as np
from numpy import empty as _np_empty
from numpy import ndarray
from numpy import zeros as _np_zeros

from engine.device import host
from engine.device.host import POOLED_FROM, pool
from engine.device.names import CPU, Device
from engine.errors import DeviceError

__all__ = [
    "CPU", "POOLED_FROM", "Device", "as_array", "contiguous", "device_of", "empty", "full",
    "is_array", "on_host", "one", "place_of", "pool", "tensor_device", "zeros",
]  # fmt: skip

#: What an array may be: NumPy's, or a CudaArray.
Array = Any


#: Arrays of fewer elements than this are below the pool's limit whatever their dtype (8 bytes at the most).
_SMALL = POOLED_FROM // 8

# A step of a small network asks some fifteen times: one look at the type of ``like`` and one product decide.


def empty(shape: tuple[int, ...], dtype: np.dtype, like: Array = None) -> Array:
    """A C-contiguous array with arbitrary contents, on the device of ``like`` (default: the CPU)."""
    if type(like) is ndarray or like is None:
        return _np_empty(shape, dtype) if prod(shape) < _SMALL else host.empty(shape, dtype)
    if isinstance(like, (ndarray, np.generic)):
        return host.empty(shape, dtype)
    return like.empty(shape, dtype)


def zeros(shape: tuple[int, ...], dtype: np.dtype, like: Array = None) -> Array:
    """A C-contiguous array of zeros, on the device of ``like`` (default: the CPU)."""
    if (type(like) is ndarray or like is None) and prod(shape) < _SMALL:
        return _np_zeros(shape, dtype)
    array = empty(shape, dtype, like)
    array.fill(0)
    return array


def full(shape: tuple[int, ...], value: float, dtype: np.dtype, like: Array = None) -> Array:
    """A C-contiguous array of ``value``, on the device of ``like`` (default: the CPU)."""
    array = empty(shape, dtype, like)
    array.fill(value)
    return array


def one(like: Array) -> Array:
    """1 as an array without dimensions, of the dtype and on the device of ``like``. It is shared: nobody writes to it."""
    return _one(like.dtype, type(like) is ndarray or device_of(like) == CPU)


@functools.cache
def _one(dtype: np.dtype, here: bool) -> Array:
    value = np.ones((), dtype)
    if here:
        return value
    from engine.device.cuda_array import kept_from_host

    return kept_from_host(value)


def is_array(value: object) -> bool:
    """Whether ``value`` is an array on any device."""
    return isinstance(value, ndarray) or hasattr(value, "__array_function__")


def as_array(value: Any) -> Array:
    """``value`` as an array: itself where it is one on any device; NumPy's scalars and Python's numbers become one."""
    return value if type(value) is ndarray or is_array(value) else np.asarray(value)


def place_of(array: Array) -> Any:
    """What is equal for arrays that begin at the same byte of the same memory."""
    return array.ctypes.data if isinstance(array, ndarray) else array.place


def on_host(array: Array) -> np.ndarray:
    """``array``, copied to the CPU where it lies on a GPU."""
    return array.host() if device_of(array) != CPU else array


def contiguous(array: Array) -> Array:
    """``array`` as kernels take it: C-contiguous, aligned, writeable; itself where it is so already."""
    if array.flags.carray:
        return array
    copy = empty(array.shape, array.dtype, array)
    np.copyto(copy, array)
    return copy


def device_of(array: Array) -> Device:
    """The device that ``array`` lies on."""
    return CPU if isinstance(array, ndarray) else getattr(array, "device", CPU)


def tensor_device(device: str | Device | None) -> Device:
    """The device that a tensor is asked to live on, checked.

    Raises:
        DeviceError: for a GPU that is not there, saying what is missing and how to get it.
    """
    if device is None:
        return default_device
    if device is CPU:
        return CPU
    device = Device(device)
    if device.type == "cpu":
        return CPU
    from engine.device import gate

    gate.require()
    if device.index not in (None, 0):
        raise DeviceError(
            f"device {str(device)!r}: this engine uses one GPU, 'cuda:0' (the machine has {gate.device_count()}); "
            "choose another one for the whole process with the environment variable CUDA_VISIBLE_DEVICES"
        )
    return CUDA


CUDA = Device("cuda", 0)

#: Where tensors are made that are not told otherwise; :func:`engine.set_default_device` sets it.
default_device = CPU


def get_default_device() -> Device:
    """Where tensors are made that are not told otherwise."""
    return default_device


def set_default_device(device: str | Device | None) -> None:
    """Make tensors on ``device`` where nothing else is asked for; None: on the CPU.

    Raises:
        DeviceError: for a device that is not there.
    """
    global default_device
    default_device = CPU if device is None else tensor_device(device)
