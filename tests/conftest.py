"""Settings that hold for every test."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

os.environ.setdefault("NABLASCOPE_QUIET", "1")

# A shell that starts something in the background has it ignore Ctrl-C, and so would every process that a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

from hypothesis import HealthCheck, settings

# How long examples take to be made says more of what else the machine does than of the test.
slow = [HealthCheck.too_slow]
settings.register_profile("default", deadline=None, derandomize=True, max_examples=40, suppress_health_check=slow)
settings.load_profile("default")

#: The files that take longest, longest first. The engine's need no compiled kernels, which the debugger's wait for.
LONGEST = (
    "engine/kernels/test_cuda_compiler", "engine/test_determinism", "debug/test_replay", "gui/test_saved_sessions",
    "debug/test_time_travel", "gui/test_faults", "engine/ops/test_loss", "gui/test_live", "samples/test_samples",
    "debug/test_terminal_sessions", "debug/test_explain", "gui/test_network_scripts", "engine/ops/test_elementwise",
    "engine/test_definitions", "gui/test_link", "gui/test_frame", "debug/test_faults", "gui/sessions/test_scripts",
    "engine/test_cuda_simulator_debug", "gui/test_looks", "engine/test_cuda_simulator",
)  # fmt: skip


def pytest_collection_modifyitems(items):
    """Of pytest-xdist's workers none shall begin a long file when the others have done."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        tests = Path(__file__).parent
        rank = {tests / f"{name}.py": number for number, name in enumerate(LONGEST)}
        items.sort(key=lambda item: rank.get(item.path, len(rank)))


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
