"""``python -m tests.engine.kernels.cuda_compiler.caching``: compile some kernels for a GPU that is not there, as a launch
does, and print for each whether it was compiled or found on disk, as JSON.

They are of every kind that the engine has: written here, closing over a type and over functions, of a ufunc, of a
reduction, of a definition. What stands in for the driver takes PTX for machine code.
"""

from __future__ import annotations

import json
import time
import types
from typing import Any

from numba.cuda import dispatcher
from numba.cuda.cudadrv import devices, runtime

import engine
from engine.kernels.jit import compile_progress
from tests.engine.kernels.cuda_compiler import compiling, stand_in
from tests.engine.kernels.cuda_compiler.stand_in import LAUNCHES


def install() -> None:
    """Let numba.cuda bind what it has compiled, as it does with a driver before it keeps it."""
    stand_in.install()
    context = types.SimpleNamespace(device=types.SimpleNamespace(compute_capability=stand_in.CAPABILITY))
    devices.get_context = lambda *number: context
    runtime.Runtime.get_version = lambda self: (13, 0)
    dispatcher._Kernel.bind = lambda kernel: _assemble(kernel._codelibrary)


def _assemble(library: Any) -> None:
    library._cubin_cache[stand_in.CAPABILITY] = library.get_asm_str(stand_in.CAPABILITY).encode()


def launches() -> None:
    """What the stand-in notes."""
    x = engine.ones(70, 5, device="cuda").requires_grad_()
    w = engine.ones(3, 5, device="cuda").requires_grad_()
    y = engine.nn.functional.relu(engine.nn.functional.linear(x, w)) + 1
    y.sum().backward()
    engine.nn.functional.conv2d(engine.ones(1, 1, 4, 4, device="cuda"), engine.ones(1, 1, 3, 3, device="cuda"))
    engine.optim.SGD([w], lr=1.0).step()


def compiled(kernel: Any, kinds: tuple) -> dict[str, Any]:
    """Whether the kernel was found, and what its launch would have waited for it."""
    begun = time.perf_counter()
    code = kernel.compile(kinds)
    text = code._codelibrary.get_asm_str(stand_in.CAPABILITY)
    return {"found": kernel._cache_hits[kinds], "seconds": time.perf_counter() - begun, "size": len(text)}


def main() -> None:
    reason = compiling.missing_compiler()
    if reason is not None:
        print(json.dumps({"missing": reason}))
        return
    install()
    launches()
    rows = {f"{launch.name} {launch.types}": compiled(launch.kernel, launch.types) for launch in LAUNCHES}
    print(json.dumps({"kernels": rows, "announced": compile_progress.compiled}))


if __name__ == "__main__":
    main()
