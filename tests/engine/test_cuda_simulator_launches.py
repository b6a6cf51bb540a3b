"""Runs the tests of tests/cuda that train for some steps in the simulator; see :mod:`tests.engine.test_cuda_simulator`."""

import pytest

from tests.engine.test_cuda_simulator import LAUNCHES, simulate


@pytest.mark.timeout(900)
def test_launches_on_cuda_in_the_simulator():
    simulate(*LAUNCHES)
