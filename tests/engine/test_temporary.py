"""Temporary folders: gone with their process, also with one that was killed, and never while somebody uses them."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from engine import temporary
from engine.temporary import make_folder, remove_folder, temporary_folder

ROOT = Path(__file__).parents[2]
MAKES = """
import sys
from engine.temporary import make_folder
folder = make_folder()
(folder / "tape").mkdir()
print(folder, flush=True)
sys.stdin.readline()
"""

locks = pytest.mark.skipif(temporary.fcntl is None, reason="folders have no locks there")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The system's temporary folder."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def other():
    """Another process, and the folder that it has made."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    process = subprocess.Popen([sys.executable, "-c", MAKES], cwd=ROOT, text=True, **pipes)
    yield process, Path(process.stdout.readline().strip())
    process.kill()
    process.communicate()


def test_a_folder_is_there_until_it_is_removed(folder):
    held = dict(temporary._locks)
    made = make_folder()
    (made / "tape").write_text("x")
    assert made.parent == folder and made.stat().st_mode & 0o077 == 0
    remove_folder(made)
    assert list(folder.iterdir()) == []
    with pytest.raises(ZeroDivisionError), temporary_folder() as made:
        assert made.is_dir()
        1 / 0
    assert list(folder.iterdir()) == [] and temporary._locks == held


def test_the_end_of_its_process_removes_it(other, folder):
    process, made = other
    assert (made / "tape").is_dir()
    process.communicate("\n")
    assert list(folder.iterdir()) == []


@locks
def test_what_a_killed_process_has_left_goes_when_the_next_folder_is_made(other, folder):
    process, made = other
    mine = make_folder()
    assert (made / "tape").is_dir()  # it is alive
    process.kill()
    process.communicate()
    assert (made / "tape").is_dir()
    remove_folder(make_folder())
    assert list(folder.iterdir()) == [mine]  # which this process still uses
    remove_folder(mine)


@locks
def test_a_process_that_is_halted_keeps_its_folder(other):
    process, made = other
    process.send_signal(signal.SIGSTOP)
    remove_folder(make_folder())
    assert (made / "tape").is_dir()
    process.send_signal(signal.SIGCONT)


@locks
def test_only_folders_of_ones_own_are_removed(folder, monkeypatch):
    (folder / "mine").mkdir()
    (folder / "nablascope-0").mkdir()  # kernels are kept there
    (folder / "nablascope-temporary-file").touch()
    (folder / "nablascope-temporary-link").symlink_to(folder / "mine")
    (folder / "nablascope-temporary-left").mkdir()
    with monkeypatch.context() as of_another:
        of_another.setattr(os, "getuid", lambda: -1)
        remove_folder(make_folder())
    assert len(list(folder.iterdir())) == 5
    remove_folder(make_folder())
    left = ["mine", "nablascope-0", "nablascope-temporary-file", "nablascope-temporary-link"]
    assert sorted(path.name for path in folder.iterdir()) == left


@locks
def test_a_folder_that_is_taken_for_left_before_it_is_locked_is_made_anew(folder, monkeypatch):
    made, make = [], tempfile.mkdtemp

    def taken(**given):
        made.append(make(**given))
        if len(made) == 1:
            temporary._remove_orphans()  # another process, just now
        return made[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", taken)
    mine = make_folder()
    assert [str(mine)] == made[1:] and list(folder.iterdir()) == [mine]
    remove_folder(mine)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks there")
def test_the_end_of_a_fork_removes_nothing(folder):
    mine = make_folder()
    child = os.fork()
    if not child:
        temporary._remove_all()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0 and mine.is_dir()
    remove_folder(mine)
