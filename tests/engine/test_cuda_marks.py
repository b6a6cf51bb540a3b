"""What tests/cuda does to the tests of a whole run."""

from pathlib import Path

import engine
from tests.cuda import conftest


class Item:
    def __init__(self, path):
        self.path, self.marks = path, []

    def add_marker(self, mark):
        self.marks.append(mark.name)


def test_only_tests_of_the_gpu_are_marked_and_skipped():
    here = Path(conftest.__file__).parent
    own, other = Item(here / "test_ops.py"), Item(here.parent / "engine" / "test_creation.py")
    conftest.pytest_collection_modifyitems([own, other])
    assert other.marks == []
    assert own.marks == (["gpu"] if engine.cuda.is_available() else ["gpu", "skip"])
