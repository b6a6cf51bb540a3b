"""A stand-in for a GPU: memory on the host, and launches that only note which kernel is wanted for which types.

For a process of its own, without Numba's simulator. Arrays are numba.cuda's own, so that a kernel is noted for the types
that it would be compiled for. Nothing is computed: what no copy has brought to the device is zero.
"""

from __future__ import annotations

import contextlib
import functools
import types
from typing import Any, NamedTuple

import numpy as np
from numba.cuda import dispatcher
from numba.cuda.cudadrv import devices, driver
from numba.cuda.errors import normalize_kernel_dimensions
from numba.types import Type

from engine.device import gate
from engine.device.pool import pool

#: The compute capability that the stand-in has.
CAPABILITY = (9, 0)

#: What kernels leave behind that Python looks at before it goes on: all numbers are in their range.
RESULTS = {
    "cuda_reduce_logical_and": True, "cuda_less_int64": True, "cuda_less_equal_": True, "cuda_greater_equal_": True,
}  # fmt: skip

#: What CUDA allows: sides of a grid, and threads of a block.
LARGEST_GRID, MOST_THREADS = (2**31 - 1, 65535, 65535), 1024


class Memory:
    """Bytes in place of numba.cuda's pointer to some."""

    device_pointer = None

    def __init__(self, data: np.ndarray) -> None:
        self.data, self._cuda_memsize_ = data, data.size

    def view(self, start: int, stop: int | None = None) -> Memory:
        return Memory(self.data[start:stop])


class Launch(NamedTuple):
    """A kernel and the types of its arguments."""

    kernel: Any
    types: tuple

    @property
    def name(self) -> str:
        """The kernel's module and name; of one that closes over others the first function, and the types."""
        function = self.kernel.py_func
        cells = [cell.cell_contents for cell in function.__closure__ or ()]
        functions = [cell.__name__ for cell in cells if hasattr(cell, "__name__")]
        parts = [*functions[:1], *[str(cell) for cell in cells if isinstance(cell, Type)]]
        name = f"{function.__module__.removeprefix('engine.kernels.')}.{function.__name__}"
        return f"{name}[{', '.join(parts)}]" if parts else name


#: What was launched, with the most threads that a block had.
LAUNCHES: dict[Launch, int] = {}


def install() -> None:
    """Let the engine find a GPU, which is this stand-in."""
    device = types.SimpleNamespace(compute_capability=CAPABILITY)
    dispatcher.get_current_device = lambda: device
    dispatcher.CUDADispatcher.__getitem__ = lambda kernel, places: functools.partial(_launch, kernel, places)
    devices.get_context = lambda *number: device
    devices._runtime = types.SimpleNamespace(ensure_context=contextlib.nullcontext)
    driver.host_to_device = _to_device
    driver.device_to_host = _to_host
    gate.missing_part = gate.missing = lambda: None
    gate.require = gate.driver
    gate.allocate = lambda nbytes: gate.Block(nbytes, Memory(np.zeros(nbytes, np.uint8)))
    gate.synchronize = lambda: None
    # Memory that is lent again would hold numbers of others.
    pool.take_back = lambda loan: None


def _launch(kernel: Any, places: tuple, *arguments: Any) -> None:
    grid, block = normalize_kernel_dimensions(*places)
    assert all(0 < side <= most for side, most in zip(grid, LARGEST_GRID, strict=True)), (kernel, grid)
    assert 0 < np.prod(block) <= MOST_THREADS, (kernel, block)
    launched = Launch(kernel, tuple([kernel.typeof_pyval(value) for value in arguments]))
    LAUNCHES[launched] = max(int(np.prod(block)), LAUNCHES.get(launched, 0))
    for name, value in RESULTS.items():
        if name in f"{kernel.py_func.__module__}.{kernel.py_func.__name__}":
            arguments[0].copy_to_device(np.full(arguments[0].shape, value, arguments[0].dtype))


def _to_device(there: Any, host: np.ndarray, size: int, stream: Any = 0) -> None:
    assert size == host.nbytes == there.gpu_data.data.size, (size, host.nbytes, there.gpu_data.data.size)
    there.gpu_data.data[...] = host.reshape(-1).view(np.uint8)


def _to_host(host: np.ndarray, there: Any, size: int, stream: Any = 0) -> None:
    assert size == host.nbytes == there.gpu_data.data.size, (size, host.nbytes, there.gpu_data.data.size)
    host.reshape(-1).view(np.uint8)[...] = there.gpu_data.data
