"""Runs tests/cuda in Numba's simulator: a process of its own, because the simulator is chosen before Numba is imported.

The tests of the debugger are in :mod:`tests.engine.test_cuda_simulator_debug`, those that train for some steps in
:mod:`tests.engine.test_cuda_simulator_launches`, so that test workers share the work.
"""

import os
import re
import subprocess
import sys

import pytest

#: The files of tests/cuda that the other modules run.
DEBUG = (
    "tests/cuda/test_debugger.py", "tests/cuda/test_replay.py", "tests/cuda/test_session.py",
    "tests/cuda/test_session_networks.py",
)  # fmt: skip
LAUNCHES = ("tests/cuda/test_launches.py", "tests/cuda/test_many.py")


def simulate(*arguments):
    """Run pytest on ``arguments`` in the simulator; every test must pass and none may be skipped."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    process = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments, "-o", "addopts=--strict-markers", "-p", "no:cacheprovider"],
        env={**environment, "NUMBA_ENABLE_CUDASIM": "1"}, capture_output=True, text=True, check=False,
    )
    assert process.returncode == 0, process.stdout[-6000:] + process.stderr[-2000:]
    summary = process.stdout.rstrip().splitlines()[-1]
    assert re.search(r"\d+ passed", summary) and "skipped" not in summary, summary


@pytest.mark.timeout(900)
def test_the_engine_on_cuda_in_the_simulator():
    simulate("tests/cuda", *(f"--ignore={path}" for path in (*DEBUG, *LAUNCHES)))
