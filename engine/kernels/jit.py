"""How a Python function becomes a CPU kernel: compiled by Numba without the GIL, cached on disk, serial and parallel.

``kernel`` makes of one function body two compiled forms. The serial one starts in about a microsecond and
compiles fast; the parallel one, in which ``prange`` really is parallel, pays for itself above some
100,000 multiply-adds. ``sized(work)`` picks. Each form is compiled when it is first called.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
import threading
import time
import types
from collections.abc import Callable
from typing import Any, overload

import numba
from numba.core import config as _config
from numba.core import event
from numpy import ndarray

from engine.errors import MissingError
from engine.kernels import threading_layer
from engine.kernels.kept import in_our_folder, saved_if_there_is_room

threading_layer.load()

# Numba fills this module with names when it is loaded; type checkers do not see them.
config: Any = _config

#: Floating-point freedoms that let loops use vector instructions. NaN and infinity keep their meaning
#: (no "nnan", no "ninf"): a debugger that loses a NaN to an optimisation would be worthless.
FASTMATH = {"reassoc", "contract", "arcp", "nsz"}

#: Elementary operations below which a parallel launch costs more than it saves. One is about half a nanosecond of
#: one core: an op multiplies its elements by what each costs.
PARALLEL_WORK = 60_000

#: Elementary operations that one multiply-add of a matrix product or a convolution counts as.
MULTIPLY_ADD = 0.04

# Numba's "workqueue" threading layer, the only one that is always there, aborts the process when two
# threads enter parallel code at once.
_parallel_lock = threading.RLock()


class Kernel:
    """One kernel in its serial and its parallel form; calling it runs the serial one."""

    def __init__(self, function: Callable, fastmath: bool, alone: bool) -> None:
        options = {"nogil": True, "error_model": "numpy"}
        if fastmath:
            options["fastmath"] = FASTMATH
        self.name = function.__name__
        self.__doc__ = function.__doc__
        self.py_func = function
        self.serial = _cached(function, **options)
        self._parallel = _cached(_twin(function), parallel=True, **options)
        self.parallel = self._run_alone if alone else self._run_parallel

    def __call__(self, *arguments):
        return self.serial(*arguments)

    def _run_parallel(self, *arguments):
        with _parallel_lock:
            return self._parallel(*arguments)

    def _run_alone(self, *arguments):
        with numba.parallel_chunksize(1):
            return self._run_parallel(*arguments)

    def sized(self, work: float, result: Any = None) -> Callable:
        """The form that is faster for ``work`` elementary operations with the threads that are set; where ``result``
        lies on the GPU, the kernel of the same name there."""
        if type(result) is ndarray or result is None:
            if work < PARALLEL_WORK or numba.get_num_threads() == 1:
                return self.serial
            return self.parallel
        return self.cuda

    @functools.cached_property
    def cuda(self) -> Callable:
        """The kernel of the same name and parameters for the GPU.

        Raises:
            MissingError: when there is none.
        """
        module = self.py_func.__module__.replace(".kernels.cpu.", ".kernels.cuda.")
        try:
            return getattr(importlib.import_module(module), self.name)
        except (ImportError, AttributeError) as error:
            raise MissingError(f"cuda: {self.name} has no kernel for the GPU") from error


def _cached(function: Callable, **options: Any) -> Callable:
    with in_our_folder(config):
        compiled = numba.njit(cache=True, **options)(function)
    saved_if_there_is_room(compiled)
    return compiled


@overload
def kernel(function: Callable) -> Kernel: ...


@overload
def kernel(*, fastmath: bool = True, alone: bool = False) -> Callable[[Callable], Kernel]: ...


def kernel(function: Callable | None = None, *, fastmath: bool = True, alone: bool = False) -> Any:
    """Decorator: compile ``function`` as a CPU kernel (see :class:`Kernel`).

    Args:
        alone: each turn of its ``prange`` is handed out by itself, not as many together as there are turns for a thread.
            Where turns are few and long, a thread whose core another process takes for a while then has little that the
            others wait for: a convolutional network beside a process that wants 0.13 of a core loses 6 % in place of 8 %.
    """
    if function is None:
        return lambda f: Kernel(f, fastmath, alone)
    return Kernel(function, fastmath, alone)


# A helper that is called, not inlined, exists twice: compiled for itself, and within each kernel that is cached. The
# process that compiled the kernel runs the one, later processes run the other, and where the compiler has vectorised
# their sums differently the results differ in the last bit. Inlined, there is only one.
_CALLED = {"nogil": True, "error_model": "numpy"}
_HELPER = {**_CALLED, "forceinline": True}


def helper(function: Callable) -> Callable:
    """Decorator: a scalar function that kernels of the same file call."""
    return numba.njit(fastmath=FASTMATH, **_HELPER)(function)


def strict_helper(function: Callable) -> Callable:
    """Like :func:`helper`, with strict IEEE arithmetic in the written order."""
    return numba.njit(**_HELPER)(function)


def called_helper(function: Callable) -> Callable:
    """Like :func:`strict_helper`, but called: for loops that treat each element by itself and that the compiler makes worse
    of where it inlines them. Sums of floats have no place in it.
    """
    return numba.njit(**_CALLED)(function)


def _twin(function: Callable) -> Callable:
    # Numba's cache finds a function by file, line and name but not by options: the parallel form needs a
    # name of its own, or it would load the serial form's machine code.
    twin = types.FunctionType(
        function.__code__,
        function.__globals__,
        f"{function.__name__}_parallel",
        function.__defaults__,
        function.__closure__,
    )
    twin.__qualname__ = f"{function.__qualname__}_parallel"
    twin.__module__ = function.__module__
    return twin


class _CompileProgress(event.Listener):
    """Says on stderr which kernel is being compiled: a first step can take many seconds, and silence looks like a hang."""

    def __init__(self) -> None:
        self._depth = 0
        #: The kernel that is being compiled; None where none is.
        self.current: str | None = None
        self._started = 0.0
        self.compiled = 0
        self.seconds = 0.0

    def on_start(self, happening) -> None:
        self._depth += 1
        name = _engine_kernel(happening)
        if self._depth == 1:
            self.current = name
            self._started = time.perf_counter()
            if name and progress_shown():
                end = "" if sys.stderr.isatty() else "\n"
                print(f"\r\x1b[Kcompiling {name} (once; kept for later runs) " if not end
                      else f"compiling {name} (once; kept for later runs)", end=end, file=sys.stderr, flush=True)

    def on_end(self, happening) -> None:
        self._depth -= 1
        if self._depth == 0:
            self.current = None
            self.compiled += 1
            self.seconds += time.perf_counter() - self._started
            if _engine_kernel(happening) and progress_shown() and sys.stderr.isatty():
                print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _engine_kernel(happening) -> str | None:
    function = happening.data["dispatcher"].py_func
    return function.__name__ if (function.__module__ or "").startswith("engine.") else None


def progress_shown() -> bool:
    """Whether compilation is announced; NABLASCOPE_QUIET=1 turns it off."""
    return sys.stderr is not None and os.environ.get("NABLASCOPE_QUIET", "") in ("", "0")


compile_progress = _CompileProgress()
event.register("numba:compile", compile_progress)
