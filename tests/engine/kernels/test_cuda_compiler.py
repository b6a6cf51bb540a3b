"""NVIDIA's compiler takes every kernel for a GPU, for the types with which the engine launches it.

Numba's simulator runs kernels as Python: what does not compile passes there. Here a process of its own notes the launches
on a stand-in for a GPU and compiles them for compute capability 9.0, which needs libnvvm, but neither GPU nor driver.
``python -m tests.engine.kernels.cuda_compiler`` compiles more, and prints what each kernel takes.
"""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import engine.kernels.cuda
from engine.kernels.cuda.elementwise import EACH
from engine.kernels.cuda.expressions import EXPRESSIONS

#: Large angles are brought into range with bits of 2/π from memory, in float64.
ANGLES = {f"derived.cuda_{name}_float32_v0.kernel" for name in ("sin", "cos", "tan")}

#: Kernels of float32 that compute in float64 on purpose: sums of many terms and what is one number for each of them (as on
#: the CPU), and draws whose bits are the CPU's.
SUMS = (
    "cuda.batch_norm.", "cuda.histogram.", "cuda.loss_classification.", "cuda.many._roots", "cuda.many._squares",
    "cuda.norm.", "cuda.parts.", "cuda.softmax.", "cuda.statistics.",
    "derived.cuda_reduce_add_float32_float64_", "derived.kl_div_reduced_", "derived.random_",
    "derived.soft_cross_entropy_backward_target_",
)  # fmt: skip

#: Ufuncs that NumPy has for whole numbers only, or for float64.
NOT_OF_FLOAT32 = {"bitwise_and", "bitwise_or", "bitwise_xor", "invert", "left_shift", "right_shift", "float_power"}


@pytest.fixture(scope="module")
def report():
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_ENABLE_CUDASIM"}
    process = subprocess.run(
        [sys.executable, "-m", "tests.engine.kernels.cuda_compiler", "--test"],
        env=environment, capture_output=True, text=True, check=False,
    )
    assert process.stdout, process.stderr
    found = json.loads(process.stdout)
    if "missing" in found:
        pytest.skip(found["missing"])
    return found


def of_float32(report):
    """The kernels that are given arrays of float32, and none of float64."""
    return [row for row in report["kernels"] if "float32[" in row["types"] and "float64[" not in row["types"]]


def elementwise(row):
    """Whether it is a ufunc, or a definition of which one element takes one step."""
    ufunc = row["name"].startswith("derived.cuda_") and "reduce" not in row["name"]
    return ufunc or "_cuda_float32." in row["name"]


def written_kernels():
    """Module and name of every function of engine.kernels.cuda that is a kernel."""
    for path in Path(engine.kernels.cuda.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and any(ast.unparse(d) in ("jit", "cuda.jit") for d in node.decorator_list):
                yield f"cuda.{path.stem}.{node.name}"


@pytest.mark.timeout(900)
def test_every_kernel_compiles(report):
    failed = [f"{row['name']} of {row['types']}: {row['error']}" for row in report["kernels"] if "error" in row]
    assert not failed, "\n\n".join(failed)


def test_every_kernel_is_among_them(report):
    names = {row["name"].partition("[")[0] for row in report["kernels"]}
    written = set(written_kernels())
    assert len(written) > 50
    assert written <= names, f"launched by none of tests.engine.kernels.cuda_compiler.programs: {sorted(written - names)}"
    for name in EXPRESSIONS.keys() - NOT_OF_FLOAT32:
        assert any(row["name"].startswith(f"derived.cuda_{name}_float32_") for row in report["kernels"]), name


def test_products_are_there_for_every_tile(report):
    # Two tiles of the product of matrices, and of each of the three of a convolution.
    rows = [row for row in of_float32(report) if row["name"].startswith("cuda.register_tile.")]
    assert len({(row["name"], row["threads"]) for row in rows}) == len(rows) == 8


def test_float32_stays_in_registers(report):
    if not report["assembled"]:
        pytest.skip("ptxas is not on this machine, or too old")
    for row in of_float32(report):
        if "registers" in row:
            # Of a convolution's tile now and then a value of 4 or 8 bytes finds no register under the limit for two blocks.
            assert max(row["spilled"], row["stack"]) <= (8 if "_tile" in row["name"] else 0), row
        if "_tile" in row["name"]:
            # Four warps for each of the four schedulers of a multiprocessor.
            assert row["registers"] * row["threads"] * (512 // row["threads"]) <= 65536, row


def test_float32_elements_need_no_memory_of_their_own(report):
    rows = [row for row in of_float32(report) if elementwise(row) and row["name"] not in ANGLES]
    assert len(rows) > 100
    assert not [row for row in rows if row["local"]]


def test_elements_are_asked_for_before_any_is_stored(report):
    """Else a store that might change them would keep the next loads waiting, and one load does not fill the way."""
    rows = {row["name"]: row["ahead"] for row in report["kernels"]}
    assert rows["derived.cuda_negative_float32_v0.kernel"] == rows["derived.cuda_maximum_float32_vs0.kernel"] == EACH
    assert rows["derived.cuda_add_float32_vv0.kernel"] == 2 * EACH


def test_tiles_are_read_from_shared_memory_16_bytes_at_once(report):
    tiles = [row for row in of_float32(report) if "register_tile" in row["name"]]
    # Of the eight numbers of a square tile's thread two loads bring one step's, of a flat one's four one; two steps a round.
    assert {(row["threads"], row["wide"]) for row in tiles} == {(256, 4), (128, 2)}


def test_of_float32_only_sums_are_taken_in_float64(report):
    """One number with a point makes an expression float64, of which most GPUs do 1/32 or 1/64 as many a second."""
    rows = [row for row in report["kernels"] if "float32[" in row["types"]]
    wide = {row["name"] for row in rows if row["float64"]}
    assert {name for name in wide if not name.startswith(SUMS)} <= ANGLES
    assert len(rows) > 250
    for name in SUMS:
        assert any(row.startswith(name) for row in wide), f"{name} takes no sums in float64 any more: take it from the list"
