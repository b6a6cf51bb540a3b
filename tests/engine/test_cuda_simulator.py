"""Runs tests/cuda in Numba's simulator: a process of its own, because the simulator is chosen before Numba is imported."""

import os
import subprocess
import sys

import pytest


@pytest.mark.timeout(900)
def test_the_engine_on_cuda_in_the_simulator():
    process = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/cuda", "-q", "-p", "no:cacheprovider"],
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}, capture_output=True, text=True, check=False,
    )
    assert process.returncode == 0, process.stdout[-6000:] + process.stderr[-2000:]
    assert " passed" in process.stdout and "skipped" not in process.stdout
