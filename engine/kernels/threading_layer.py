"""Loads the library whose threads run the parallel kernels: oneTBB where it is installed, else OpenMP.

Work is shared out by oneTBB while it runs: the thread that calls a kernel does the blocks itself that no other has begun.
OpenMP gives each thread its part beforehand and then waits for all, so that one thread whose core is wanted by another
process holds up the rest. On two cores, a convolutional network beside a process that wants 0.3 of a core trains at
0.9 of its speed with oneTBB, and at 0.65 with OpenMP.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.metadata
import os
import sys

#: The library that Numba looks for; the package ``tbb`` puts it where the system's loader does not look.
_TBB = "tbb12.dll" if sys.platform == "win32" else "libtbb.so.12"


def load() -> None:
    """Load what Numba shall find; without either it has a slower pool of its own. The user's choice holds.

    Numba chooses when the first parallel kernel is called, unless ``NUMBA_THREADING_LAYER`` says which.
    """
    wanted = os.environ.get("NUMBA_THREADING_LAYER", "tbb")
    if wanted == "tbb" and _load_tbb():
        return
    if wanted in ("tbb", "omp"):
        _load_openmp()


def _load_tbb() -> bool:
    """Whether oneTBB is there. Once loaded it is found by its name alone."""
    try:
        files = importlib.metadata.files("tbb") or []
    except importlib.metadata.PackageNotFoundError:
        return False
    for file in files:
        if file.name == _TBB:
            try:
                ctypes.CDLL(str(file.locate()), mode=ctypes.RTLD_GLOBAL)
                importlib.import_module("numba.np.ufunc.tbbpool")
            except (OSError, ImportError):
                return False  # for another processor, or damaged: `nablascope doctor` tells which layer is used
            return True
    return False


def _load_openmp() -> None:
    """Load GNU OpenMP, where it is there, such that its threads wait for work awake for some 50 µs only.

    A waiting thread that spins keeps its core from the very thread that it waits for as soon as any other process
    wants a core too: measured on two cores with other work running, a step of 250 µs then takes 30 ms. One that sleeps
    at once is woken too slowly: 15 µs for each kernel. OpenMP reads the setting when it is loaded, so the environment
    is changed for this moment only; what the user set holds.
    """
    if any(name in os.environ for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")):
        return
    os.environ["GOMP_SPINCOUNT"] = "5000"
    try:
        importlib.import_module("numba.np.ufunc.omppool")
    except ImportError:
        # No OpenMP on this machine: Numba falls back to a threading layer of its own.
        return
    finally:
        del os.environ["GOMP_SPINCOUNT"]
