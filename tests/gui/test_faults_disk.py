"""A disk that fills up under the settings, under the tape of a run, and under a file that is saved: told, and mended when
there is room again. No file may become larger than a limit: that is what a process sees of a full disk.
"""

import os
from contextlib import contextmanager

import pytest

from tests.gui.conftest import SAMPLES
from tests.gui.test_faults import make, move, nothing_stays, pid, said  # noqa: F401 - fixtures

resource = pytest.importorskip("resource")
pytestmark = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of another process are Linux's")


@contextmanager
def full(process, room=0):
    """While this lasts ``process`` writes no file beyond ``room`` bytes."""
    limits = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (room, limits[1]))
    try:
        yield
    finally:
        resource.prlimit(process, resource.RLIMIT_FSIZE, limits)


def test_settings_stay_whole_on_a_full_disk(make):  # noqa: F811
    window = make()
    file = window.context.settings.path
    window.remembering.save()
    before = file.read_text()
    window.context.settings.add_recent("a.py")
    for _ in range(2):  # once more after there was room: told again
        window.messages.dismiss()
        with full(os.getpid()):
            window.remembering.save()
        assert "cannot be saved (File too large)" in said(window) and "for this session only" in said(window)
        assert file.read_text() == before
        assert [path.name for path in file.parent.iterdir() if "settings" in path.name] == [file.name]
        window.remembering.save()
        before = file.read_text()
    assert '"a.py"' in file.read_text()


@pytest.mark.parametrize("how", ["a folder", "garbage", "cut", "gone"])
def test_settings_that_something_else_breaks_meanwhile_are_written_anew(make, how):  # noqa: F811
    window = make()
    file = window.context.settings.path
    window.context.settings.add_recent("a.py")
    window.remembering.save()
    text = file.read_text()
    file.unlink()
    if how == "a folder":
        file.mkdir()
    elif how != "gone":
        file.write_bytes(b"\x00\xff" * 99 if how == "garbage" else text[:40].encode())
    window.remembering.save()
    if how == "a folder":
        assert "cannot be saved (Is a directory)" in said(window)
        file.rmdir()
        window.remembering.save()
    assert '"a.py"' in file.read_text()


def test_a_tape_and_a_session_on_a_full_disk(make, until, tmp_path):  # noqa: F811
    window = make(SAMPLES / "two_points.py")
    state, link = window.context.state, window.context.link
    until(lambda: state.stop and window.workspace)
    move(window, until, "next", granularity="op")
    with full(pid(window)):
        move(window, until, "next", granularity="op")
        until(lambda: said(window).startswith("The tape"))
        assert "File too large" in said(window) and "Make some" in said(window)
        move(window, until, "next", granularity="op")  # the run goes on
    link.ask(("link", "flush"), "flushRecording", {}, link._written, link._not_written)
    until(lambda: not said(window).startswith("The tape"))  # there is room again
    file = tmp_path / "a.nablascope"
    with full(os.getpid(), 100):
        window.saving.write(str(file))
        until(lambda: "cannot be written (File too large)" in said(window))
        window.context.settings.add_recent("a.py")
        window.remembering.save()  # what is said of that waits behind the error
        assert "cannot be written (File too large)" in said(window)
        assert any("cannot be saved (File too large)" in text for text in window.messages.waiting)
    assert not file.exists() and window.messages.severity == "error"
    window.saving.write(str(file))
    until(lambda: said(window).startswith("Saved: "))
    assert file.exists()
    window.remembering.save()
    assert window.messages.waiting == []  # nor does that hold any more
