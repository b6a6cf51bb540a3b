"""Kernels for the GPU are compiled once and found on disk from then on: processes of their own, without the simulator."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.kernels import kept

#: One kernel of each kind: written for the GPU, closing over a type, over functions, of a ufunc, a reduction, a definition.
KINDS = (
    "cuda.optim._sgd ", "cuda.matmul.shared_tile[float32]", "cuda.register_tile.kernel[_filter, float32]",
    "derived.cuda_add_float32_", "derived.cuda_reduce_add_float32_", "derived.relu_forward_cuda_float32.",
)  # fmt: skip


def process(cache: Path) -> dict:
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_ENABLE_CUDASIM"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.engine.kernels.cuda_compiler.caching"],
        env={**environment, "NUMBA_CACHE_DIR": str(cache), "NABLASCOPE_QUIET": "1"},
        capture_output=True, text=True, check=False,
    )
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    if "missing" in found:
        pytest.skip(found["missing"])
    return found


@pytest.mark.timeout(600)
def test_a_kernel_is_compiled_in_the_first_process_alone(tmp_path):
    first, second = process(tmp_path), process(tmp_path)
    assert all(any(name.startswith(kind) for name in first["kernels"]) for kind in KINDS), first
    assert first["kernels"].keys() == second["kernels"].keys()
    assert not any(row["found"] for row in first["kernels"].values())
    assert all(row["found"] for row in second["kernels"].values()), second
    assert [row["size"] for row in first["kernels"].values()] == [row["size"] for row in second["kernels"].values()]
    # Whoever waits for a kernel is told of it, and nobody else.
    assert first["announced"] == len(first["kernels"]) and second["announced"] == 0


@pytest.mark.timeout(600)
def test_a_folder_that_cannot_be_written_is_no_error(tmp_path):
    # A file where the folder should be: what permissions forbid, root may do all the same.
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    try:
        assert process(blocked)["kernels"]
    finally:
        shutil.rmtree(tmp_path, ignore_errors=True)


class Dispatcher:
    """What is asked of a kernel of numba.cuda, with a disk that refuses."""

    class Cache:
        def __init__(self, error):
            self.error = error

        def load_overload(self, signature, context):
            return None

        def save_overload(self, signature, kernel):
            raise self.error

    def __init__(self, error):
        self.py_func, self.error = process, error

    def enable_caching(self):
        self._cache = self.Cache(self.error)

    def compile(self, signature):
        if self._cache.load_overload(signature, None) is None:
            self._cache.save_overload(signature, "compiled")
        return "compiled"


class Config:
    CACHE_DIR = "the user's"


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), RuntimeError("Cannot pickle CUDACodeLibrary with linking files")]
)
def test_a_kernel_that_cannot_be_kept_runs_and_it_is_said_once(capsys, error):
    kept._say_once.cache_clear()
    kernel = kept.kept_on_disk(Dispatcher(error), Config)
    assert kernel.compile("first") == kernel.compile("second") == "compiled"
    said = capsys.readouterr().err
    assert said.count("nablascope:") == 1 and str(error.args[-1]) in said
    assert Config.CACHE_DIR == "the user's"


def test_a_kernel_that_does_not_compile_ends_its_announcement():
    from engine.kernels.jit import compile_progress

    kernel = kept.kept_on_disk(Dispatcher(TypeError("no")), Config)
    before = compile_progress.compiled
    with pytest.raises(TypeError):
        kernel.compile("first")
    assert compile_progress.compiled == before + 1 and compile_progress.current is None
