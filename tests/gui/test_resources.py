"""Contents that Qt knows by the name of a file, without one."""

from pathlib import Path

import pytest
from PyQt6.QtCore import QFile

from gui.resources import resource


@pytest.mark.parametrize("content", [b"", b"\0\xff" * 1000])
def test_qt_reads_what_it_is_given_under_its_name(qapp, content):
    # Many names: Qt looks for each by a hash of ours.
    names = [f"of-the-test-{len(content)}-{i}@2x" for i in range(50)]
    paths = {name: resource(name, content + name.encode()) for name in names}
    for name, path in paths.items():
        file = QFile(path)
        assert file.open(QFile.OpenModeFlag.ReadOnly) and bytes(file.readAll()) == content + name.encode()
    assert not any(Path(name).exists() for name in paths)


def test_a_name_keeps_its_content(qapp):
    first, second = resource("of-the-test", b"1"), resource("of-the-test", b"2")
    file = QFile(second)
    assert first == second and file.open(QFile.OpenModeFlag.ReadOnly) and bytes(file.readAll()) == b"1"
