"""The window as a program of its own: signals, and a display that goes. Nothing stays of it."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

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
sys.exit(app.run(sys.argv[1]))
"""


def start(tmp_path, after="pass", **environment):
    """A window of its own process on two_points.py, and the process of its engine."""
    (tmp_path / "temporary").mkdir()
    environment = {
        **os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config"), "PYTHONPATH": str(ROOT),
        "TMPDIR": str(tmp_path / "temporary"), "NABLASCOPE_QUIET": "1", **environment,
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-c", _READY.replace("{after}", after), str(SAMPLES / "two_points.py")], cwd=tmp_path, text=True,
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    line = process.stdout.readline().split()
    assert line[:1] == ["READY"], process.communicate()
    return process, int(line[1])


def left_in(folder):
    return [path.name for path in folder.glob("nablascope*")]


@pytest.mark.skipif(shutil.which("Xvfb") is None, reason="needs Xvfb")
def test_a_display_that_goes_ends_the_window_with_a_message(tmp_path):
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24"], pass_fds=(write,),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(write)
    try:
        with os.fdopen(read) as file:
            display = f":{file.readline().strip()}"
        moved = "window.context.link.stopped.connect(lambda _: print('MOVED', flush=True)); "
        move = "window.context.link.move('next', granularity='op')"
        process, engine = start(tmp_path, moved + move, DISPLAY=display, QT_QPA_PLATFORM="xcb")
        assert process.stdout.readline() == "MOVED\n"
    finally:
        server.kill()
        server.wait()
    _, errors = process.communicate(timeout=PATIENCE / 1000)
    assert process.returncode == 1 and "the display is gone" in errors
    assert [line for line in complaints(errors) if not line.startswith("nablascope: ")] == []
    assert "where it stood is kept: " in errors, errors
    assert wait_until_gone(engine) and left_in(tmp_path / "temporary") == []
    settings = json.loads((tmp_path / "config" / "nablascope" / "settings.json").read_text())
    kept = settings["scripts"][str(SAMPLES / "two_points.py")]["last"]["file"]
    assert os.path.isfile(kept) and f"where it stood is kept: {kept}" in errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_window_cleanly(tmp_path, number):
    process, engine = start(tmp_path)
    process.send_signal(number)
    _, errors = process.communicate(timeout=PATIENCE / 1000)
    assert process.returncode == 128 + number and complaints(errors) == []
    assert wait_until_gone(engine) and left_in(tmp_path / "temporary") == []
    assert json.loads((tmp_path / "config" / "nablascope" / "settings.json").read_text())["recent"]


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
