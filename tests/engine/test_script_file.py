"""A script's file that cannot be read is told in one line, whatever keeps it from being."""

import pytest

from engine.script.program import ScriptError, read_script


def test_a_path_that_cannot_even_be_looked_at_is_told(tmp_path):
    path = tmp_path / f"{'a' * 300}.py"
    with pytest.raises(ScriptError, match=r"\.py: cannot be read: \w+"):
        read_script(str(path))
