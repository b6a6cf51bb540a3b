"""Where kernels are kept and runs are recorded when hardly a folder, or none, can be written."""

import errno
import os
import tempfile

import pytest

from engine import cache
from engine.debug.session import Session


def none(*_given, **_more):
    raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")


def test_no_temporary_folder_is_needed_where_another_one_does(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "gettempdir", none)
    assert cache.cache_folder.__wrapped__().parent == tmp_path


def test_a_folder_that_was_asked_for_and_cannot_be_written_is_named_with_the_one_in_its_place(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file"))
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    found = cache.cache_folder.__wrapped__()
    said = capsys.readouterr().err
    assert f"cannot be kept in {tmp_path / 'file'} (Not a directory): they are kept in {found}; set NUMBA_CACHE_DIR" in said
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "new"))
    cache.cache_folder.__wrapped__()
    assert capsys.readouterr().err == ""


def test_a_folder_of_kernels_that_goes_meanwhile_is_no_trouble(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    (tmp_path / "kernels-old").symlink_to(tmp_path / "gone")  # seen, and not there
    assert cache.cache_folder.__wrapped__().parent == tmp_path


def test_without_any_folder_it_says_which_could_not_be_written_and_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file" / "in it"))  # nobody, root neither, can write there
    monkeypatch.setattr(tempfile, "gettempdir", none)
    with pytest.raises(FileNotFoundError, match="in it cannot be written, and no temporary one either. Set NUMBA_CACHE_DIR"):
        cache.cache_folder.__wrapped__()


def test_runs_without_a_temporary_folder_are_refused_with_what_to_do(monkeypatch):
    monkeypatch.setattr(tempfile, "mkdtemp", none)
    with pytest.raises(OSError, match=r"cannot be recorded \(No usable temporary directory found\); set TMPDIR"):
        Session.reopen(os.devnull)
