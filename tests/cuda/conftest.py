"""Tests of the engine on a GPU: ``pytest -m gpu tests/cuda`` where there is one; in Numba's simulator in a process of its
own (:mod:`tests.engine.test_cuda_simulator`), at sizes of a few elements."""

from pathlib import Path

import pytest

import engine
from engine import random
from engine.device import gate
from engine.kernels.placing import placed
from engine.ops import dropout

_FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items):
    # The hook is given the items of the whole run, not only those of this folder.
    own = [item for item in items if item.path.is_relative_to(_FOLDER)]
    missing = pytest.mark.skip(reason="no GPU, and not in Numba's simulator")
    for item in own:
        item.add_marker(pytest.mark.gpu)
        if not engine.cuda.is_available():
            item.add_marker(missing)


@pytest.fixture(scope="session", autouse=True)
def checker():
    """In the simulator every launch and copy is looked at; see :mod:`tests.cuda.sanitizer`."""
    if not gate.simulated():
        yield
        return
    from tests.cuda import sanitizer

    with pytest.MonkeyPatch.context() as patch:
        sanitizer.install(patch)
        yield


@pytest.fixture(autouse=True)
def no_faults(checker):
    """Also faults whose error was caught on the way fail the test."""
    yield
    if gate.simulated():
        from tests.cuda.sanitizer import FOUND

        found = [str(fault) for fault in FOUND]
        FOUND.clear()
        assert not found, "\n".join(found)


@pytest.fixture
def masks_of_the_cpu(monkeypatch):
    """Dropout on the GPU takes the CPU's masks, for comparisons of everything but the masks."""
    monkeypatch.setattr(dropout, "dropout_mask", _from_the_cpu)


def _from_the_cpu(shape, p, dtype, device):
    return placed(random.dropout_mask(shape, p, dtype), device)
