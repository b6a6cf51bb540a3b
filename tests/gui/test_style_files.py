"""The few pictures that the style sheet names as files, where the temporary folder is full or may not be written."""

import os
import tempfile

import pytest

from gui import style
from gui.theme import Theme
from tests.gui.test_faults_disk import full, pytestmark  # noqa: F401 - limits of files are Linux's


@pytest.fixture(autouse=True)
def anew():
    """As in a window of its own process."""
    style._folder.cache_clear()
    yield
    style._folder.cache_clear()


def test_another_temporary_folder_is_taken_where_qt_has_none(qapp, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "none"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    sheet = style.style_sheet(Theme())
    assert f'image: url("{tmp_path}/nablascope-' in sheet and "@" not in sheet.replace("@2x", "")


def test_nothing_is_named_and_nothing_said_where_no_folder_can_be(qapp, monkeypatch):
    def none():
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setenv("TMPDIR", "/nowhere")
    monkeypatch.setattr(tempfile, "gettempdir", none)
    sheet = style.style_sheet(Theme())
    assert "url(" not in sheet and "image: none" in sheet


def test_no_picture_is_named_that_a_full_disk_did_not_take(qapp):
    with full(os.getpid(), 20):
        assert "url(" not in style.style_sheet(Theme())
