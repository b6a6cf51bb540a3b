"""Tests of the engine on a GPU: ``pytest -m gpu`` where there is one; in Numba's simulator in a process of its own
(:mod:`tests.engine.test_cuda_simulator`), at sizes of a few elements."""

import pytest

import engine


def pytest_collection_modifyitems(items):
    missing = pytest.mark.skip(reason="no GPU, and not in Numba's simulator")
    for item in items:
        item.add_marker(pytest.mark.gpu)
        if not engine.cuda.is_available():
            item.add_marker(missing)
