"""What NVVM and ptxas make of a kernel: PTX, registers, shared memory, and how many blocks an H100 or H200 runs at once."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from numba import cuda
from numba.cuda.cudadrv import nvvm

from tests.engine.kernels.cuda_compiler.stand_in import CAPABILITY, Launch

# What a multiprocessor of compute capability 9.0 has (CUDA C++ Programming Guide, technical specifications).
_REGISTERS, _SHARED, _THREADS, _BLOCKS = 65536, 228 * 1024, 2048, 32
#: Registers are handed out in this many to a warp; every block costs so many bytes of shared memory besides its own.
_UNIT, _RESERVED, _WARP = 256, 1024, 32

#: Instructions that compute: conversions and moves are not among them.
_ARITHMETIC = "add sub mul mad fma div rcp sqrt rsqrt min max abs neg ex2 lg2 setp".split()


class Resources(NamedTuple):
    """What a kernel takes: registers of a thread, bytes of its stack and of spilled registers, shared bytes of a block."""

    registers: int
    stack: int
    spilled: int
    shared: int

    def blocks(self, threads: int) -> int:
        """Blocks of ``threads`` threads that a multiprocessor runs at once."""
        warps = -(-threads // _WARP)
        of_warp = -(-self.registers * _WARP // _UNIT) * _UNIT
        shared = _SHARED // (self.shared + _RESERVED)
        return min(_BLOCKS, _THREADS // (warps * _WARP), _REGISTERS // of_warp // warps, shared)

    def occupancy(self, threads: int) -> float:
        """The share of a multiprocessor's threads that run at once."""
        return self.blocks(threads) * threads / _THREADS


def missing_compiler() -> str | None:
    """Why kernels cannot be compiled here; None where they can."""
    try:
        nvvm.NVVM()
    except (nvvm.NvvmSupportError, OSError) as error:
        return f"NVIDIA's compiler libnvvm is not on this machine ({' '.join(str(error).split())[:200]})"
    return None


def ptx(launch: Launch) -> str:
    """The kernel for its types, as PTX; raises what the compiler raises."""
    return cuda.compile_ptx(launch.kernel.py_func, launch.types, cc=CAPABILITY)[0]


def float64_arithmetic(text: str) -> int:
    """Instructions of ``text`` that compute in float64."""
    return len(re.findall(rf"^\s+(?:@\S+\s+)?(?:{'|'.join(_ARITHMETIC)})\b\S*\.f64\b", text, re.MULTILINE))


def loads_ahead(text: str) -> int:
    """Loads from the GPU's memory in front of the first store: what a thread asks for before it waits."""
    return len(re.findall(r"\bld\.global\b", text.partition("st.global")[0]))


def wide_loads(text: str) -> int:
    """Loads of 16 bytes from shared memory."""
    return len(re.findall(r"\bld\.shared\.v(?:4\.f32|2\.f64)\b", text))


@functools.cache
def assembler() -> str | None:
    """The path of ptxas; None where there is none."""
    return shutil.which("ptxas", path=f"{os.environ.get('PATH', '')}{os.pathsep}{os.environ.get('CUDA_HOME', '')}/bin")


def resources(text: str, launch: Launch) -> Resources | None:
    """What the PTX ``text`` of a kernel takes, by ptxas; None where ptxas is older than the compiler.

    Raises:
        RuntimeError: ptxas refuses the kernel.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kernel.ptx"
        path.write_text(text, encoding="utf-8")
        command = [assembler(), "-v", f"-arch=sm_{CAPABILITY[0]}{CAPABILITY[1]}", path, "-o", path.with_suffix(".cubin")]
        most = launch.kernel.targetoptions.get("max_registers")
        command += [f"-maxrregcount={most}"] if most else []
        process = subprocess.run(command, capture_output=True, text=True, check=False)
    said = process.stderr
    if "Unsupported .version" in said:
        return None
    if process.returncode:
        raise RuntimeError(f"ptxas: {' '.join(said.split())[:500]}")

    def number(pattern: str) -> int:
        return max([int(found) for found in re.findall(pattern, said)], default=0)

    return Resources(number(r"Used (\d+) registers"), number(r"(\d+) bytes stack"), number(r"(\d+) bytes spill stores"),
                     number(r"(\d+) bytes smem"))  # fmt: skip
