"""Settings that hold for every test."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

os.environ.setdefault("NABLASCOPE_QUIET", "1")

from hypothesis import settings

settings.register_profile("default", deadline=None, derandomize=True, max_examples=40)
settings.load_profile("default")


@pytest.fixture(scope="session")
def warm_kernels(tmp_path_factory):
    """The kernels of the samples are compiled: processes that tests start then answer in time.

    One of pytest-xdist's workers compiles, and the others wait: all would compile the same at the same time.
    """
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if run is None:
        compile_kernels()
        return
    import fcntl

    with open(tmp_path_factory.getbasetemp().parent / f"compiled-{run}", "a+") as said:
        fcntl.flock(said, fcntl.LOCK_EX)
        if not os.fstat(said.fileno()).st_size:
            compile_kernels()
            said.write("compiled")


def compile_kernels():
    root = Path(__file__).parents[1]
    subprocess.run([sys.executable, "-m", "engine", "warmup"], cwd=root, check=True, stdout=subprocess.DEVNULL, timeout=280)
