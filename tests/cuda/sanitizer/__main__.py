"""Check the engine's kernels in the blocks and tiles that a GPU gets: ``python -m tests.cuda.sanitizer [NAME ...]``.

Numba's simulator, and with it the tests, have small ones, because each of their threads is a thread of Python. Here a block
has its 256 threads and a product its tiles of 128 x 128; that takes some minutes. Prints a line for each program, with what
was found; with names, only programs whose name contains one of them run. Exits with 1 where something was found.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from engine.device import gate

#: Modules that settle the sizes of blocks and tiles when they are imported.
_SIZED = ("blocks", "many", "parts", "tile_shapes", "register_tile", "matmul", "norm", "segments", "statistics")


def import_in_the_sizes_of_a_gpu() -> None:
    """Import the kernels' modules as if there were no simulator."""
    imported = [name for name in _SIZED if f"engine.kernels.cuda.{name}" in sys.modules]
    assert not imported, imported
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate, "simulated", lambda: False)
        for name in _SIZED:
            __import__(f"engine.kernels.cuda.{name}")
    # The simulator takes no options of the compiler.
    sys.modules["engine.kernels.cuda.register_tile"]._LIMITS = {}


def programs() -> Iterator[tuple[str, Callable[[], None]]]:
    """Name and call of each."""
    from tests.cuda.sanitizer.programs import edges
    from tests.engine.kernels.cuda_compiler import programs as launches

    yield from edges(launches.FLOATS)
    for program in (launches.ops, launches.optimizers):
        for dtype in launches.FLOATS:
            yield f"{program.__name__} {dtype}", lambda program=program, dtype=dtype: program(dtype)
    yield "draws", launches.draws
    for program in (launches.ufuncs, launches.forms, launches.reductions, launches.indexing):
        for dtype in launches.KINDS:
            yield f"{program.__name__} {dtype}", lambda program=program, dtype=dtype: program(dtype)


def main(wanted: list[str]) -> int:
    import_in_the_sizes_of_a_gpu()
    from tests.cuda import sanitizer

    failed = 0
    with pytest.MonkeyPatch.context() as patch:
        sanitizer.install(patch)
        for name, program in programs():
            if wanted and not any(part in name for part in wanted):
                continue
            began = time.perf_counter()
            said = "nothing found"
            try:
                program()
            except AssertionError as error:
                said, failed = f"\n{error}", 1
            sanitizer.FOUND.clear()
            print(f"{name}: {said} ({time.perf_counter() - began:.1f} s)", flush=True)
    return failed


def in_the_simulator() -> int:
    """The same in a process that has the simulator, which is chosen before Numba is imported."""
    command = [sys.executable, "-m", "tests.cuda.sanitizer", *sys.argv[1:]]
    return subprocess.run(command, env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) if gate.simulated() else in_the_simulator())
