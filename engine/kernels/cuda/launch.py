"""How a kernel for the GPU is compiled and launched, and how it runs in Numba's simulator.

Kernels are written in the part of CUDA that the simulator has: shared memory and ``syncthreads``, no warp shuffles.
"""

from __future__ import annotations

import functools
import types
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import cuda as _cuda

from engine.device import gate
from engine.device.cuda_array import CudaArray
from engine.errors import DeviceError

__all__ = [
    "THREADS", "cuda", "cuda_kernel", "device_function", "larger", "launch", "math", "one_each", "smaller", "split",
]  # fmt: skip

# Types of numba.cuda describe the compiler's view of it, not what a kernel's code means.
cuda: Any = _cuda

# It warns of every launch of few blocks; the networks of a course are small.
cuda.config.CUDA_LOW_OCCUPANCY_WARNINGS = 0

#: Threads of one block where the kernel does not say: a multiple of the warp size (32), small enough for any register count.
THREADS = 128


def _maths() -> Any:
    """``math`` as kernels mean it: IEEE results, where Python's own raises (the simulator runs kernels as Python)."""
    import math

    if not gate.simulated():
        return math
    names = {
        "exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "log2": np.log2, "log10": np.log10,
        "sqrt": np.sqrt, "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos,
        "sinh": np.sinh, "cosh": np.cosh, "pow": np.power, "fmod": np.fmod, "atanh": np.arctanh, "acosh": np.arccosh,
    }  # fmt: skip
    namespace = types.SimpleNamespace(**{name: getattr(math, name) for name in dir(math) if not name.startswith("_")})
    for name, ufunc in names.items():
        setattr(namespace, name, ufunc)
    return namespace


math = _maths()


def device_function(function: Callable) -> Callable:
    """Decorator: a function that kernels call."""
    return cuda.jit(device=True)(function)


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
    if gate.simulated():
        # Each is a Python thread there, also those that find no place.
        threads = min(threads, max(1, count))
    return -(-count // threads), threads


def launch(kernel: Any, grid: Any, threads: Any, *arguments: Any) -> None:
    """Launch a compiled kernel; CudaArrays among the arguments are handed over as what kernels take.

    Raises:
        DeviceError: for an array on the CPU, and where the GPU does not answer any more.
    """
    if grid == 0:
        # There is nothing to compute; CUDA calls such a launch an error.
        return
    raw = [argument.raw if type(argument) is CudaArray else argument for argument in arguments]
    for argument in raw:
        # numba.cuda would copy it to the GPU and back at every launch, and say nothing.
        if isinstance(argument, np.ndarray):
            raise DeviceError(
                f"expected all tensors to be on the same device, but one of shape {argument.shape} lies on the CPU and "
                "another one on cuda:0; move it with .to('cuda')"
            )
    if gate.simulated():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            kernel[grid, threads](*raw)
        return
    try:
        kernel[grid, threads](*raw)
    except Exception as error:
        gate.raise_if_lost(error)
        raise


def cuda_kernel(function: Callable) -> Callable:
    """Compile ``function``; called with the output first, it covers it with one thread for each element."""
    compiled: Any = cuda.jit(function)

    @functools.wraps(function)
    def run(result: Any, *operands: Any) -> None:
        if result.size:
            launch(compiled, *one_each(result.size, THREADS), result, *operands)

    return run
