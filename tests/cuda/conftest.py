"""Tests of the engine on a GPU: ``pytest -m gpu`` where there is one; in Numba's simulator in a process of its own
(:mod:`tests.engine.test_cuda_simulator`), at sizes of a few elements."""

from pathlib import Path

import pytest

import engine

_FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items):
    # The hook is given the items of the whole run, not only those of this folder.
    own = [item for item in items if item.path.is_relative_to(_FOLDER)]
    missing = pytest.mark.skip(reason="no GPU, and not in Numba's simulator")
    for item in own:
        item.add_marker(pytest.mark.gpu)
        if not engine.cuda.is_available():
            item.add_marker(missing)
