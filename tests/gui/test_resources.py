"""Contents that Qt knows by the name of a file, without one."""

from pathlib import Path

import pytest
from PyQt6.QtCore import QFile

from gui.resources import resource
from gui.style import style_sheet
from gui.theme import Theme


@pytest.mark.parametrize("content", [b"", b"\0\xff" * 1000])
def test_qt_reads_what_it_is_given_under_its_name(qapp, content):
    # Many names: Qt looks for each by a hash of ours.
    names = [f"of-the-test-{len(content)}-{i}@2x" for i in range(50)]
    paths = {name: resource(name, lambda name=name: content + name.encode()) for name in names}
    for name, path in paths.items():
        file = QFile(path)
        assert file.open(QFile.OpenModeFlag.ReadOnly) and bytes(file.readAll()) == content + name.encode()
    assert not any(Path(name).exists() for name in paths)


def test_a_name_keeps_its_content(qapp):
    first, second = resource("of-the-test", lambda: b"1"), resource("of-the-test", lambda: b"2")
    file = QFile(second)
    assert first == second and file.open(QFile.OpenModeFlag.ReadOnly) and bytes(file.readAll()) == b"1"


def test_the_pictures_of_a_theme_are_made_once(qapp, monkeypatch):
    theme = Theme("dark", 1.25)
    first = style_sheet(theme)
    monkeypatch.setattr("gui.style.pixmap", lambda *_: pytest.fail("a picture is drawn again"))
    assert style_sheet(theme) == first
