"""The window ends while its engine process hangs: soon, keeping where the script stood, and leaving nothing behind."""

import os
import signal

import pytest

from gui.saved_sessions.saving import kept_place
from tests.debug.processes import wait_for, wait_until_gone
from tests.gui.conftest import PATIENCE, SAMPLES
from tests.gui.test_faults import LOOP, make, move, nothing_stays, pid  # noqa: F401 - fixtures


@pytest.mark.parametrize("state", ["stopped", "running", "asked"])
def test_the_place_is_kept_of_an_engine_that_hangs(make, until, tmp_path, state):  # noqa: F811
    script = tmp_path / "script.py"
    script.write_text((SAMPLES / "two_points.py").read_text())
    window = make(script)
    link = window.context.link
    until(lambda: window.context.state.stop and window.workspace)
    move(window, until, "next", granularity="op")
    flushed = []
    link.ask(("test", "flush"), "flushRecording", {}, flushed.append)
    until(lambda: flushed and link.quiet)
    engine = pid(window)
    if state == "asked":
        link.ask("slow", "evaluate", {"expression": "__import__('time').sleep(1000)"}, lambda _: None)
        link.move("next", granularity="op")
    else:
        os.kill(engine, signal.SIGSTOP)
        if state == "running":
            link.move("continue")
    window.saving.keep_place(0.5)
    assert wait_until_gone(engine)
    file, where = kept_place(window.context.settings, str(script))
    assert os.path.isfile(file) and where == "step 1"


def test_the_place_is_kept_of_a_script_that_runs_for_less_than_a_blink(make, until, tmp_path):  # noqa: F811
    script = tmp_path / "loop.py"
    script.write_text(LOOP)
    window = make(script)
    until(lambda: window.context.state.stop and window.workspace and window.context.link.quiet)
    run = window.context.link._session.current
    window.context.link.move("continue")
    wait_for(lambda: run.progress.get("step"))  # the window hears of nothing meanwhile
    assert not window.context.state.running
    window.saving.keep_place()
    assert os.path.isfile(window.saving.kept) and kept_place(window.context.settings, str(script))[0] == window.saving.kept


def test_no_place_is_kept_of_a_script_that_is_begun_anew(make, until, tmp_path):  # noqa: F811
    script = tmp_path / "loop.py"
    script.write_text(LOOP)
    window = make(script)
    until(lambda: window.context.state.stop and window.workspace and window.context.link.quiet)
    window.context.link.restart()
    window.saving.keep_place(PATIENCE / 1000)
    assert window.saving.kept == "" and kept_place(window.context.settings, str(script)) is None


def test_nothing_is_said_of_a_run_of_which_nothing_was_recorded(make, until, tmp_path, monkeypatch, caplog):  # noqa: F811
    monkeypatch.setattr("gui.linking.core._FLUSH", 10**8)  # milliseconds: the engine goes before its tape is written
    script = tmp_path / "script.py"
    script.write_text((SAMPLES / "two_points.py").read_text())
    window = make(script)
    until(lambda: window.context.state.stop and window.workspace)
    move(window, until, "next", granularity="op")
    os.kill(pid(window), signal.SIGKILL)
    until(lambda: "signal 9" in window.messages.whole)
    window.saving.keep_place()
    assert window.saving.kept == "" and kept_place(window.context.settings, str(script)) is None
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == []
    window.saving.write(str(tmp_path / "a.nablascope"))  # who asks for it is told
    until(lambda: "nothing of this run is recorded yet" in window.messages.whole)
    assert not (tmp_path / "a.nablascope").exists()
