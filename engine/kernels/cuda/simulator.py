"""``cuda`` as kernels find it in Numba's simulator, where each thread of a block is a thread of Python.

Numba puts a stand-in into the globals of a function while one of its threads runs it, and takes it out again when that
thread is done with it, also where others are still in it; and two threads that ask for a shared array at the same moment
may get one each. Both fail now and then, the more often the more often threads take turns. Here what a name of ``cuda``
means is looked up when it is used, and the first array that is asked for is the one.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numba import cuda
from numba.np.numpy_support import as_dtype

#: Seconds after which another thread of Python has its turn. At a barrier all but one wait for that one, while Numba looks
#: again and again whether it is there: with Python's 5 ms a barrier takes that long.
_SWITCH = 2e-4


class _Shared:
    """``cuda.shared`` of one launch: an array belongs to the line that asks for it, as Numba has it."""

    def __init__(self) -> None:
        self._arrays: dict[tuple[Any, int], np.ndarray] = {}

    def array(self, shape: Any, dtype: Any) -> np.ndarray:
        caller = sys._getframe(1)
        # One operation, so that all threads get the same array.
        return self._arrays.setdefault((caller.f_code, caller.f_lineno), np.empty(shape, as_dtype(dtype)))


class Cuda:
    """The module ``numba.cuda``; within a kernel, what the simulator gives its threads."""

    def __init__(self) -> None:
        from numba.cuda.simulator.kernel import _get_kernel_context

        self._running = _get_kernel_context
        sys.setswitchinterval(min(_SWITCH, sys.getswitchinterval()))

    @property
    def shared(self) -> Any:
        return self._running().__dict__.setdefault("_shared_arrays", _Shared())

    def __getattr__(self, name: str) -> Any:
        try:
            return getattr(self._running(), name)
        except AttributeError:
            return getattr(cuda, name)
