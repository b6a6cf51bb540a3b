"""How a kernel for the GPU is compiled and launched, and how it runs in Numba's simulator.

Kernels are written in the part of CUDA that the simulator has: shared memory and ``syncthreads``, no warp shuffles.
"""

from __future__ import annotations

import functools
import threading
import types
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import cuda as _cuda

from engine.device import gate
from engine.device.cuda_array import CudaArray
from engine.device.driver_errors import raise_if_lost
from engine.device.streams import current
from engine.errors import MixedDevicesError, ShapeError
from engine.kernels.cuda.simulator import Cuda
from engine.kernels.kept import kept_on_disk

__all__ = [
    "ELEMENT_THREADS", "SIMULATED", "cuda", "cuda_kernel", "device_function", "jit", "larger", "launch", "math",
    "one_each", "several_each", "smaller", "split",
]  # fmt: skip

#: Whether kernels run in the simulator: asked at every launch, and settled when numba.cuda is imported.
SIMULATED = gate.simulated()

# Types of numba.cuda describe the compiler's view of it, not what a kernel's code means.
cuda: Any = Cuda() if SIMULATED else _cuda

# It warns of every launch of few blocks; the networks of a course are small.
cuda.config.CUDA_LOW_OCCUPANCY_WARNINGS = 0

#: Threads of a block of kernels that compute one element each: a multiple of the warp size (32), small enough for any
#: register count.
ELEMENT_THREADS = 128


def _maths() -> Any:
    """``math`` as kernels mean it: IEEE results, where Python's own raises (the simulator runs kernels as Python)."""
    import math

    if not SIMULATED:
        return math
    names = {
        "exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "log2": np.log2, "log10": np.log10,
        "sqrt": np.sqrt, "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos,
        "sinh": np.sinh, "cosh": np.cosh, "pow": np.power, "fmod": np.fmod, "atanh": np.arctanh, "acosh": np.arccosh,
        "floor": np.floor, "ceil": np.ceil,
    }  # fmt: skip
    namespace = types.SimpleNamespace(**{name: getattr(math, name) for name in dir(math) if not name.startswith("_")})
    for name, ufunc in names.items():
        setattr(namespace, name, ufunc)
    return namespace


math = _maths()


def jit(function: Callable | None = None, **options: Any) -> Any:
    """Decorator: ``cuda.jit``, and what it compiles is kept on disk (:mod:`engine.kernels.kept`).

    A kernel is compiled when it is first launched with arguments of other types than before. What it closes over is told
    apart by what it is, not by its name.
    """
    if function is None:
        return functools.partial(jit, **options)
    compiled = cuda.jit(**options)(function)
    return compiled if SIMULATED else kept_on_disk(compiled, cuda.config)


def device_function(function: Callable) -> Callable:
    """Decorator: a function that kernels call."""
    return function if SIMULATED else cuda.jit(device=True)(function)


# Numba 0.68 compiles Python's max and min for the GPU with the package numba-cuda only, not with its own numba.cuda.


@device_function
def larger(a, b):
    """``max(a, b)``"""
    return b if b > a else a


@device_function
def smaller(a, b):
    """``min(a, b)``"""
    return b if b < a else a


@device_function
def split(place, array):
    """The index (i, j, k) of element number ``place`` of an array of three dimensions, in C order."""
    rest = place // array.shape[2]
    return rest // array.shape[1], rest % array.shape[1], place % array.shape[2]


def one_each(count: int, threads: int = 256) -> tuple[int, int]:
    """Grid and block for a kernel in which one thread works on each of ``count`` places."""
    if SIMULATED:
        # Each is a Python thread there, also those that find no place.
        threads = min(threads, max(1, count))
    return -(-count // threads), threads


def several_each(count: int, each: int, threads: int = 256) -> tuple[int, int]:
    """Grid and block for a kernel in which one thread works on up to ``each`` of ``count`` places."""
    if SIMULATED:
        threads = min(threads, max(1, -(-count // each)))
    return -(-count // (each * threads)), threads


#: Blocks of a launch at most along x, y and z, for every compute capability (CUDA C++ Programming Guide, technical
#: specifications). So what may be long is counted along x.
LARGEST_GRID = ((1 << 31) - 1, 65535, 65535)


def check_grid(kernel: Any, grid: Any) -> None:
    """Refuse a grid that CUDA refuses, which would say "invalid argument" and not which.

    Raises:
        ShapeError: there are more blocks than it allows.
    """
    sides = grid if isinstance(grid, tuple) else (grid,)
    if any(side > most for side, most in zip(sides, LARGEST_GRID, strict=False)):
        raise ShapeError(
            f"cuda: arrays of this size need {' x '.join(map(str, sides))} blocks of threads of the kernel "
            f"{kernel.py_func.__name__}, and CUDA allows {' x '.join(map(str, LARGEST_GRID))}; compute it in parts "
            "(tensor.split)"
        )


#: Kernels with grid, block and stream, as numba.cuda launches them: making one costs as much as a launch.
_configured: dict[tuple, Any] = {}
_MOST_CONFIGURED = 4096


def configured(kernel: Any, grid: Any, threads: Any) -> Any:
    """``kernel`` with its grid and block, for the current stream."""
    stream = current.stream
    place = (kernel, grid, threads, stream)
    found = _configured.get(place)
    if found is None:
        check_grid(kernel, grid)
        if len(_configured) >= _MOST_CONFIGURED:
            _configured.clear()
        found = kernel[grid, threads] if stream is None else kernel[grid, threads, stream.handle]
        if not SIMULATED:
            # There a kernel keeps one configuration, its last.
            _configured[place] = found
    return found


#: The simulator runs one kernel at a time, whatever thread launches it.
_one_at_a_time = threading.RLock()


def launch(kernel: Any, grid: Any, threads: Any, *arguments: Any) -> None:
    """Launch a compiled kernel; CudaArrays among the arguments are handed over as what kernels take.

    Raises:
        MixedDevicesError: for an array on the CPU. DeviceError: the GPU does not answer any more. ShapeError: the arrays
            are larger than a launch can be.
    """
    if grid == 0:
        # There is nothing to compute; CUDA calls such a launch an error.
        return
    raw = []
    for argument in arguments:
        if type(argument) is CudaArray:
            own = argument._raw
            raw.append(argument.raw if own is None else own)
        elif isinstance(argument, np.ndarray):
            # numba.cuda would copy it to the GPU and back at every launch, and say nothing.
            raise MixedDevicesError(
                f"expected all tensors to be on the same device, but one of shape {argument.shape} lies on the CPU and "
                "another one on cuda:0; move it with .to('cuda')"
            )
        else:
            raw.append(argument)
    if SIMULATED:
        with _one_at_a_time, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            configured(kernel, grid, threads)(*raw)
        return
    try:
        configured(kernel, grid, threads)(*raw)
    except Exception as error:
        raise_if_lost(error)
        raise


def cuda_kernel(function: Callable) -> Callable:
    """Compile ``function``; called with the output first, it covers it with one thread for each element."""
    compiled = jit(function)

    @functools.wraps(function)
    def run(result: Any, *operands: Any) -> None:
        if result.size:
            launch(compiled, *one_each(result.size, ELEMENT_THREADS), result, *operands)

    return run
