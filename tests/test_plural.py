"""Words for how many."""

import pytest

import gui.numbers
from engine.plural import plural


@pytest.mark.parametrize("plural", [plural, gui.numbers.plural])
def test_one_is_one_and_all_else_is_many(plural):
    assert [f"{n} {plural(n, 'unit')}" for n in (0, 1, 2, 1.0, 0.5)] == [
        "0 units", "1 unit", "2 units", "1.0 unit", "0.5 units",
    ]  # fmt: skip
    assert [plural(n, "class", "classes") for n in (1, 3)] == ["class", "classes"]
