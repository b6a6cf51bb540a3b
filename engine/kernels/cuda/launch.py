"""The gate to ``numba.cuda`` for kernels: choosing the grid, and running in Numba's simulator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import cuda

__all__ = ["cuda", "cuda_kernel"]

#: Threads of one block: a multiple of the warp size (32), small enough for any register count.
THREADS = 128


def cuda_kernel(function: Callable) -> Callable:
    """Compile ``function`` for the GPU; the result is called with the output first and covers it, one thread an element."""
    compiled: Any = cuda.jit(function)

    def launch(result, *operands) -> None:
        if result.size:
            compiled[(result.size + THREADS - 1) // THREADS, THREADS](result, *operands)

    launch.__name__ = function.__name__
    launch.__doc__ = function.__doc__
    return launch
