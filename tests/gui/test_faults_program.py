"""The window as a program of its own, which a signal ends: nothing stays of it. (A display: test_faults_display.)"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from engine.temporary import temporary_folder
from tests.debug.processes import wait_until_gone
from tests.gui.conftest import PATIENCE, SAMPLES
from tests.gui.console import complaints

ROOT = Path(__file__).parents[2]

# ---------------------------------------------------------------------------------------------------- the whole program

_READY = """
import sys
from PyQt6.QtCore import QTimer
import gui.app as app
make = app.make_window
def made(*given):
    window = make(*given)
    def look():
        if window.context.state.stop is not None and window.workspace is not None:
            print("READY", window.context.link._session.current.client.pid, flush=True)
            timer.stop()
            QTimer.singleShot(0, lambda: after(window))
    timer = QTimer(window)
    timer.timeout.connect(look)
    timer.start(50)
    return window
def after(window):
    {after}
app.make_window = made
sys.exit(app.main(sys.argv[1]))
"""


def start(tmp_path, after="pass", script=SAMPLES / "two_points.py", **environment):
    """A window of its own process on ``script``, and the process of its engine."""
    (tmp_path / "temporary").mkdir()
    environment = {
        **os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config"), "PYTHONPATH": str(ROOT),
        "TMPDIR": str(tmp_path / "temporary"), "NABLASCOPE_QUIET": "1", **environment,
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-c", _READY.replace("{after}", after), str(script)], cwd=tmp_path, text=True,
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    line = process.stdout.readline().split()
    assert line[:1] == ["READY"], process.communicate()
    return process, int(line[1])


def left_in(folder):
    return [path.name for path in folder.glob("nablascope*")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_window_cleanly(tmp_path, number):
    process, engine = start(tmp_path)
    process.send_signal(number)
    _, errors = process.communicate(timeout=PATIENCE / 1000)
    assert process.returncode == 128 + number and complaints(errors) == []
    assert wait_until_gone(engine) and left_in(tmp_path / "temporary") == []
    assert json.loads((tmp_path / "config" / "nablascope" / "settings.json").read_text())["recent"]


def test_pyqt_is_kept_from_visiting_what_it_has_wrapped(tmp_path):
    # Such a visit meets freed memory once in a hundred times, which no test can wait for.
    visit = "import atexit; from gui import leaving; atexit.unregister(leaving._end); "
    visit += "atexit.register(lambda: print('VISITED', flush=True)); atexit.register(leaving._end); "
    # It takes what it meets away from Python.
    visit += "import os; from PyQt6 import sip; from PyQt6.QtCore import QObject; own, leave = QObject(), os._exit; "
    visit += "tell = lambda: print('OWN', sip.ispyowned(own), 'GONE', sip.isdeleted(app._kept[-1]), flush=True); "
    visit += "os._exit = lambda code: (tell(), leave(code)); window.close()"
    process, _ = start(tmp_path, visit)
    said, errors = process.communicate(timeout=PATIENCE / 1000)
    assert process.returncode == 0 and "VISITED" not in said and "OWN True GONE True" in said and complaints(errors) == []


def test_a_signal_ends_it_also_in_front_of_a_dialog_and_with_a_halted_engine(tmp_path):
    # What is called soon is called by the dialog's own loop.
    said = 'QTimer.singleShot(0, lambda: print("ASKED", flush=True))'
    process, engine = start(tmp_path, f"{said}; window.scripts.ask_attach()")
    assert process.stdout.readline() == "ASKED\n"
    os.kill(engine, signal.SIGSTOP)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=PATIENCE / 1000)
    assert process.returncode == 128 + signal.SIGTERM and complaints(errors) == []
    assert wait_until_gone(engine) and left_in(tmp_path / "temporary") == []


def test_what_a_window_that_was_killed_leaves_goes_with_the_next_start(tmp_path, monkeypatch):
    process, engine = start(tmp_path)
    process.kill()
    process.communicate()
    temporary = tmp_path / "temporary"
    assert wait_until_gone(engine) and len(list(temporary.iterdir())) == 1  # the tape
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with temporary_folder() as folder:
        assert list(temporary.iterdir()) == [folder]
