"""The one gate to ``numba.cuda``: is there a device, and memory on it.

Everything else of the engine sees GPU memory as :class:`Block` and launches kernels on what :func:`array` makes of
a part of one; copies are in :mod:`engine.device.copies`, streams in :mod:`engine.device.streams`. The same code runs on
a GPU and in Numba's simulator (``NUMBA_ENABLE_CUDASIM=1`` before Numba is imported), where a block is host memory.
``numba.cuda`` is imported at the first use of a device, not before.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.metadata
import mmap
import os
from typing import Any

import numpy as np

from engine.device.driver_errors import raise_if_lost
from engine.errors import DeviceError

#: Bytes that the start of every allocation is a multiple of: one transaction of a GPU's memory is 128 bytes wide.
ALIGNMENT = 256

_PACKAGE = "pip install 'nablascope[cuda]'"

_HOW = (
    "The engine's CUDA kernels need an NVIDIA GPU (compute capability 5.0 or newer), its driver, and the package that "
    "nablascope's extra 'cuda' installs (pip install 'nablascope[cuda]'); 'nablascope doctor' shows what was found. "
    "Without a GPU use device='cpu', or pick the device with torch.cuda.is_available()"
)


@functools.cache
def driver() -> Any:
    """The module ``numba.cuda``.

    Raises:
        DeviceError: when it cannot be imported.
    """
    try:
        from numba import cuda
    except ImportError as error:
        raise DeviceError(f"cuda: numba.cuda cannot be imported ({error})") from error
    return cuda


def simulated() -> bool:
    """Whether kernels run in Numba's simulator instead of on a GPU."""
    # As Numba reads it; Numba itself takes half a second to import.
    return os.environ.get("NUMBA_ENABLE_CUDASIM", "0") not in ("", "0")


@functools.cache
def missing_part() -> tuple[str, str] | None:
    """What keeps the engine from using a GPU, and how to get it; None where nothing does."""
    if simulated():
        return None
    if not _driver_library():
        return (
            "there is no NVIDIA driver on this machine (libcuda is not found)",
            "with an NVIDIA GPU: install its driver (nvidia-smi shows whether it works)",
        )
    try:
        cuda = driver()
    except DeviceError as error:
        return str(error).removeprefix("cuda: "), _PACKAGE
    if cuda.is_available():
        return None
    error = getattr(cuda, "cuda_error", lambda: None)()
    # Numba's text has lines of advice of its own.
    reason = f" ({' '.join(str(error).split())})" if error else ""
    if not _package_installed():
        return f"the driver is there, but the package numba-cuda is not installed{reason}", _PACKAGE
    return f"no usable GPU was found{reason}", "look at the GPU and its driver with nvidia-smi"


@functools.cache
def missing() -> str | None:
    """The text of the error for whoever asks for a GPU that cannot be used; None where one can."""
    part = missing_part()
    return None if part is None else f"cuda: {part[0]}. {_HOW}"


def _package_installed() -> bool:
    try:
        importlib.metadata.version("numba-cuda")
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _driver_library() -> bool:
    """Whether the driver's library can be loaded: a look that costs no import of Numba."""
    if os.environ.get("NUMBA_CUDA_DRIVER"):
        return True
    try:
        library()
    except OSError:
        return False
    return True


@functools.cache
def library() -> Any:
    """The driver's library itself, for what numba.cuda does not hand on.

    Raises:
        OSError: when it cannot be loaded.
    """
    return ctypes.CDLL(os.environ.get("NUMBA_CUDA_DRIVER") or ("nvcuda.dll" if os.name == "nt" else "libcuda.so.1"))


def require() -> Any:
    """``numba.cuda``, ready for use.

    Raises:
        DeviceError: saying what is missing and how to get it.
    """
    why = missing()
    if why is not None:
        raise DeviceError(why)
    return driver()


def device_count() -> int:
    """The number of GPUs that can be used."""
    if missing() is not None:
        return 0
    return 1 if simulated() else len(driver().gpus)


class Block:
    """Bytes on the device.

    Attributes:
        nbytes: how many.
        layout: as many bytes of address space on the host, never read and never written. Arrays on the block are
            described by NumPy arrays in there, so that NumPy itself computes what a view of a view is.
        start: address of ``layout``.
        memory: ``numba.cuda``'s pointer, or in the simulator a NumPy array of bytes.
        address: of the first byte; in the simulator on the host.
        stream: that it was allocated for and is handed out on (:mod:`engine.device.pool`); None: the default one.
        raws: what kernels take for parts of the block, by place, shape, strides and dtype. A training step has the same
            arrays on the same blocks again and again, and making one costs as much as launching a small kernel.
    """

    __slots__ = ("address", "layout", "memory", "nbytes", "raws", "start", "stream")

    def __init__(self, nbytes: int, memory: Any) -> None:
        self.nbytes, self.memory = nbytes, memory
        self.stream: Any = None
        self.raws: dict[tuple, Any] = {}
        self.address = _address(memory)
        self.layout = _address_space(nbytes)
        self.start = self.layout.__array_interface__["data"][0]


def _address(memory: Any) -> int:
    if isinstance(memory, np.ndarray):
        return memory.ctypes.data
    # Of a pointer the driver's binding makes a number itself; where there is no binding it is ctypes'. What has no pointer
    # (memory of another kind, in tests) is told apart by its identity.
    pointer = memory.device_pointer
    return int(getattr(pointer, "value", pointer) or id(memory))


_mapped = np.empty((0,), np.uint8)


def _address_space(nbytes: int) -> np.ndarray:
    """At least ``nbytes`` of addresses; the same for all blocks, because only differences of them mean anything."""
    global _mapped
    if _mapped.size < nbytes:
        # Pages of a read-only anonymous mapping that nobody touches cost no memory, whatever their number.
        size = max(1 << 30, 1 << (nbytes - 1).bit_length())
        if os.name == "nt":
            mapping = mmap.mmap(-1, size, access=mmap.ACCESS_READ)
        else:
            mapping = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ)
        _mapped = np.frombuffer(mapping, np.uint8)
    return _mapped


class OutOfMemory(Exception):
    """The device refused an allocation. The pool answers it; users see a DeviceError."""


def allocate(nbytes: int) -> Block:
    """A fresh block, with arbitrary contents.

    Raises:
        OutOfMemory: when the device has not that much.
    """
    cuda = require()
    if simulated():
        return Block(nbytes, np.empty(nbytes, np.uint8))
    try:
        return Block(nbytes, cuda.current_context().memalloc(nbytes))
    except Exception as error:
        # The driver's error classes differ between numba.cuda and numba-cuda; the name of the code does not.
        if "OUT_OF_MEMORY" in str(error):
            raise OutOfMemory from error
        raise_if_lost(error)
        raise


#: Parts of one block that are remembered.
_MOST_RAWS = 32


def array(block: Block, layout: np.ndarray) -> Any:
    """What a kernel takes for the part of ``block`` that ``layout`` describes; the same object for the same part."""
    offset = layout.__array_interface__["data"][0] - block.start
    part = (offset, layout.shape, layout.strides, layout.dtype)
    raw = block.raws.get(part)
    if raw is not None:
        return raw
    strides, stop = layout.strides, None
    if layout.flags.c_contiguous:
        # Kernels are compiled for where elements lie, and strides of dimensions of one element, which NumPy leaves as
        # they come, are part of that; and a copy has the size of the memory that it is given.
        strides, stop = _dense(layout.shape, layout.itemsize), offset + layout.nbytes
    return _keep(block, part, _raw(block, offset, layout.shape, strides, layout.dtype, stop))


def memory(block: Block, offset: int, dtype: np.dtype, count: int) -> Any:
    """What a kernel takes for the device's memory from byte ``offset`` of ``block`` on: ``count`` elements, also beyond
    the block's end.

    So a kernel reaches any number of arrays, each by the place of its first element, where every one of them as an
    argument of its own would make the launch slower.
    """
    part = ("memory", offset, count, dtype)
    raw = block.raws.get(part)
    return _keep(block, part, _raw(block, offset, (count,), (dtype.itemsize,), dtype, None)) if raw is None else raw


def _keep(block: Block, part: tuple, raw: Any) -> Any:
    if len(block.raws) >= _MOST_RAWS:
        block.raws.clear()
    block.raws[part] = raw
    return raw


def _raw(block: Block, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], dtype: np.dtype, stop: int | None):
    if simulated():
        from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

        start = np.ndarray((0,), dtype, block.memory, offset)
        return FakeCUDAArray(np.lib.stride_tricks.as_strided(start, shape, strides))
    from numba.cuda.cudadrv.devicearray import DeviceNDArray

    return DeviceNDArray(shape, strides, dtype, gpu_data=block.memory.view(offset, stop))


def _dense(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """The strides of a C-contiguous array."""
    strides = [itemsize] * len(shape)
    for d in range(len(shape) - 2, -1, -1):
        strides[d] = strides[d + 1] * max(1, shape[d + 1])
    return tuple(strides)


def memory_info() -> tuple[int, int]:
    """Free and total bytes of the device; in the simulator those of nothing: 0, 0."""
    cuda = require()
    if simulated():
        return 0, 0
    info = cuda.current_context().get_memory_info()
    return int(info[0]), int(info[1])


def device_name() -> str:
    """What the device calls itself."""
    cuda = require()
    if simulated():
        return "Numba's CUDA simulator"
    name = cuda.get_current_device().name
    return name.decode() if isinstance(name, bytes) else str(name)


def compute_capability() -> tuple[int, int]:
    """The device's compute capability, such as (9, 0)."""
    return (0, 0) if simulated() else tuple(require().get_current_device().compute_capability)  # type: ignore[return-value]
