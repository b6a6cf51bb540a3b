"""The few pictures that the style sheet names as files: no disk and no temporary folder is needed for them."""

import os
import re
import tempfile

from PyQt6.QtGui import QPixmap

from gui import style
from gui.theme import Theme
from tests.gui.test_faults_disk import full, pytestmark  # noqa: F401 - limits of files are Linux's


def test_pictures_are_there_where_nothing_can_be_written(qapp, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with full(os.getpid(), 0):
        sheet = style.style_sheet(Theme("light", 1.37))  # sizes that no other test has made
    named = set(re.findall(r'url\("(.*?)"\)', sheet))
    assert len(named) == 6
    for path in named:
        once, twice = QPixmap(path), QPixmap(path.replace(".png", "@2x.png"))
        assert not once.isNull() and twice.width() == 2 * once.width()
    assert list(tmp_path.iterdir()) == []
