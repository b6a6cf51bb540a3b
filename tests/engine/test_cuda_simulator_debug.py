"""Runs the debugger's part of tests/cuda in Numba's simulator."""

import pytest

from tests.engine.test_cuda_simulator import DEBUG, simulate


@pytest.mark.timeout(900)
def test_the_debugger_on_cuda_in_the_simulator():
    simulate(*DEBUG)
