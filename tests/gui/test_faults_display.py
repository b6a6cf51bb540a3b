"""A display that goes under the window, whatever it is at, and a monitor that is unplugged: on an X server of the test's."""

import json
import os
import shutil
import signal
import subprocess

import pytest

from engine.cli.qt_libraries import missing_qt_libraries
from tests.debug.processes import wait_until_gone
from tests.gui.conftest import PATIENCE, SAMPLES
from tests.gui.console import complaints
from tests.gui.random_user.displays import Monitors
from tests.gui.test_faults import LOOP
from tests.gui.test_faults_program import left_in, start

_MISSING = [*([] if shutil.which("Xvfb") else ["Xvfb"]), *missing_qt_libraries()]
pytestmark = pytest.mark.skipif(bool(_MISSING), reason=f"needs an X server and Qt's libraries for one: no {_MISSING}")

#: What the window is at, and what it says "THERE" to.
_SET = "import gui.breakpoints as b; b.breakpoints_of(window.context).set_lines(sys.argv[1], [{'line': LINE}]); "
_TELL = "there = lambda *_: print('THERE', flush=True); "
_LINK = "link = window.context.link; "
AT = {
    "a stop": "link.stopped.connect(there); link.move('next', granularity='op')",
    "a free run": "window.context.state.subscribe('running', there); link.move('continue')",
    "a dialog": "QTimer.singleShot(0, there); window.scripts.ask_attach()",
    "a menu": "QTimer.singleShot(300, there); window.menus['File'].popup(window.pos())",
    "an engine that hangs": "link.stopped.connect(there); link.move('next', granularity='op')",
    "its first stop": "there()",
}


class Server:
    """An X server of its own; ``display`` is its name."""

    def __init__(self):
        read, write = os.pipe()
        self.process = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24"], pass_fds=(write,),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(write)
        with os.fdopen(read) as file:
            self.display = f":{file.readline().strip()}"

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def server():
    server = Server()
    yield server
    server.kill()


@pytest.mark.parametrize("at", AT)
def test_a_display_that_goes_ends_the_window_with_a_message(tmp_path, server, at):
    script, line = SAMPLES / "two_points.py", 13
    if at == "a free run":
        script, line = tmp_path / "loop.py", 1
        script.write_text(LOOP)
    after = _SET.replace("LINE", str(line)) + _TELL + _LINK + AT[at]
    process, engine = start(tmp_path, after, script, DISPLAY=server.display, QT_QPA_PLATFORM="xcb")
    assert process.stdout.readline() == "THERE\n"
    if at == "an engine that hangs":
        os.kill(engine, signal.SIGSTOP)
    server.kill()
    _, errors = process.communicate(timeout=PATIENCE / 1000)
    assert process.returncode == 1 and "the display is gone" in errors, errors
    assert [line for line in complaints(errors) if not line.startswith("nablascope: ")] == []
    assert wait_until_gone(engine) and left_in(tmp_path / "temporary") == []
    settings = json.loads((tmp_path / "config" / "nablascope" / "settings.json").read_text())["scripts"][str(script)]
    assert [entry["line"] for entry in settings["breakpoints"][str(script)]] == [line]
    if at in ("a stop", "a free run"):
        kept = settings["last"]["file"]
        assert os.path.isfile(kept) and f"where it stood is kept: {kept}" in errors
    elif at != "an engine that hangs":  # nothing has run yet: there is no place
        assert "where it stood" not in errors and "last" not in settings


_UNPLUGGED = """
app = QApplication.instance(); right = lambda: [s for s in app.screens() if s.name() == 'right']
def go():
    if right(): window.move(right()[0].geometry().topLeft()); print('THERE', flush=True); coming.stop(); leaving.start(50)
def back():
    if not right() and app.primaryScreen().geometry().contains(window.frameGeometry().center()):
        leaving.stop(); print('BACK', window.isVisible(), flush=True); window.close()
coming, leaving = QTimer(window), QTimer(window)
coming.timeout.connect(go); leaving.timeout.connect(back); coming.start(50)
"""


def test_a_monitor_that_is_unplugged_gives_its_window_back(tmp_path, server):
    try:
        monitors = Monitors(server.display)
    except OSError as error:
        pytest.skip(f"no monitors can be changed here: {error}")
    monitors.plug("left", (0, 0, 640, 800), True)
    monitors.plug("right", (640, 0, 640, 800))
    # Said with exec: it stands inside a function of the program.
    after = f"from PyQt6.QtWidgets import QApplication; exec({_UNPLUGGED!r}, {{**globals(), **locals()}})"
    process, engine = start(tmp_path, after, DISPLAY=server.display, QT_QPA_PLATFORM="xcb")
    assert process.stdout.readline() == "THERE\n"
    monitors.unplug("right")
    assert process.stdout.readline() == "BACK True\n"
    _, errors = process.communicate(timeout=PATIENCE / 1000)
    monitors.close()
    assert complaints(errors) == [] and process.returncode == 0 and wait_until_gone(engine)
