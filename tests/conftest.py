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
def warm_kernels():
    """The kernels of the samples are compiled: processes that tests start then answer in time."""
    root = Path(__file__).parents[1]
    subprocess.run([sys.executable, "-m", "engine", "warmup"], cwd=root, check=True, stdout=subprocess.DEVNULL, timeout=280)
