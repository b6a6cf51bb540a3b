"""The tests of the command look at what the interpreter itself does with uncaught errors."""

from pathlib import Path

import pytest


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.qt_no_exception_capture)
