"""A disk without room for compiled kernels: they are compiled and run all the same, and it is said once."""

import numpy as np
import pytest

from engine import cache
from engine.kernels import derived, kept, written
from engine.kernels.jit import kernel


def refuse(*_, **__):
    raise OSError(28, "No space left on device")


def test_a_kernel_that_cannot_be_kept_runs(monkeypatch, capsys):
    @kernel
    def twice(y, x):
        for i in range(x.size):
            y[i] = 2 * x[i]

    monkeypatch.setattr(twice.serial._cache._cache_file, "save", refuse)
    kept._say_once.cache_clear()
    for dtype in (np.float32, np.float64):  # two kernels
        x = np.arange(4, dtype=dtype)
        y = np.empty_like(x)
        twice(y, x)
        assert y.tolist() == [0, 2, 4, 6]
    said = capsys.readouterr().err
    assert said.count("No space left on device") == 1 and "NUMBA_CACHE_DIR" in said


def test_a_module_that_cannot_be_written_there_is_written_elsewhere(monkeypatch, tmp_path):
    monkeypatch.setattr(derived, "__path__", list(derived.__path__))
    monkeypatch.setattr(written, "cache_folder", lambda: tmp_path / "full")
    write = written._write
    monkeypatch.setattr(written, "_write", lambda path, text: (refuse if tmp_path in path.parents else write)(path, text))
    assert written.load("test_full_disk", "answer = 42\n").answer == 42


def test_what_was_begun_on_a_full_disk_is_removed(monkeypatch, tmp_path):
    monkeypatch.setattr(written.os, "replace", refuse)
    with pytest.raises(OSError, match="No space"):
        written._write(tmp_path / "x.py", "x = 1\n")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_room_is_chosen_only_where_it_has_kernels_already(monkeypatch, tmp_path):
    assert cache._refused(tmp_path / "room") == ""
    (tmp_path / "used").mkdir()
    monkeypatch.setattr(cache, "bytes", refuse, raising=False)
    assert cache._refused(tmp_path / "used") == "" and cache._refused(tmp_path / "new") == "No space left on device"
