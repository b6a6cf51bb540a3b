"""What goes wrong with the engine process and the script: killed, hung, never started; edited or deleted under a run. The
window says what happened, goes on, and leaves no process and no folder behind."""

import os
import signal
import tempfile
import threading
import time
from pathlib import Path

import pytest
from PyQt6.QtWidgets import QPushButton

from gui import watchdog
from gui.breakpoints import breakpoints_of
from gui.context import Context
from gui.link import Link
from gui.moved_lines import moved_lines
from gui.saved_sessions.saving import kept_place
from gui.settings import Settings
from gui.state import State
from gui.theme import Theme
from gui.window import Window
from tests.debug.processes import wait_until_gone
from tests.gui.conftest import PATIENCE, SAMPLES

LOOP = """import engine as torch
from engine import nn
model = nn.Linear(2, 1)
opt = torch.optim.SGD(model.parameters(), lr=0.01)
x = torch.ones(4, 2)
while True:
    opt.zero_grad()
    loss = model(x).square().mean()
    loss.backward()
    opt.step()
"""

#: Holds Python's lock in one call of C for longer than anybody waits: nothing in the process can answer.
HANGS = "print('before')\nsum(range(10 ** 12))\n"


def children():
    """The processes that this one has started and that still run, whoever they belong to now."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if b"engine.debug.main" in command and parent == os.getpid():
            found.add(int(entry.name))
    return found


@pytest.fixture(autouse=True)
def nothing_stays(tmp_path_factory, monkeypatch):
    """Fail where a process of the engine or a folder of a recording outlives the test."""
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    before = children()
    yield
    deadline = time.monotonic() + PATIENCE / 1000
    while (left := (children() - before, list(folder.glob("nablascope-*")))) != (set(), []) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == (set(), [])


@pytest.fixture
def make(qapp, qtbot, tmp_path, monkeypatch):
    """``make(path)``: a window on a true link, with a script opened in it."""
    monkeypatch.chdir(tmp_path)
    windows = []

    def window(path=None, link=None):
        windows.append(Window(Context(State(), link or Link(), Theme(), Settings(tmp_path / "config" / "settings.json"))))
        qtbot.addWidget(windows[-1])
        windows[-1].show()
        if path is not None:
            windows[-1].open(str(path))
        return windows[-1]

    yield window
    for one in windows:
        print("said:", one.messages.whole)  # shown where a test fails
        one.close()


@pytest.fixture
def opened(make, until):
    """A window with two_points.py, stopped at its first op, the tape written."""
    window = make(SAMPLES / "two_points.py")
    until(lambda: window.context.state.stop and window.workspace)
    move(window, until, "next", granularity="op")
    until(lambda: window.context.link.quiet)
    return window


@pytest.fixture
def impatient(monkeypatch):
    """The window says after half a second what it says after five."""
    monkeypatch.setattr(watchdog, "PATIENCE", 0.5)
    monkeypatch.setattr(watchdog, "START", 1.0)


def move(window, until, command, **arguments):
    state, before = window.context.state, window.context.state.stop
    window.context.link.move(command, **arguments)
    until(lambda: state.stop is not before and not window.context.link.moving)
    return state.stop


def pid(window):
    return window.context.link._session.current.client.pid


def buttons(window):
    return {button.text(): button for button in window.messages.findChildren(QPushButton) if button.isVisible()}


def said(window):
    return window.messages.whole


# ---------------------------------------------------------------------------------------------------- killed


@pytest.mark.parametrize("when", ["stopped", "running", "asking"])
def test_a_process_that_is_killed_is_told_and_replayed_to_where_it_stood(make, until, qtbot, tmp_path, when):
    script = tmp_path / "loop.py"
    script.write_text(LOOP)
    window = make(script)
    state, link = window.context.state, window.context.link
    until(lambda: state.stop and window.workspace)
    flushed = ("link", "flush")
    link.forget(flushed)
    place = move(window, until, "runTo", step=2)["position"]
    until(lambda: flushed in link.answers_given() and link.quiet)  # it is written when nothing has moved for a while
    if when == "running":
        link.move("continue")
        until(lambda: state.running and state.progress.get("step", 0) > 20)
    if when == "asking":
        link.ask("slow", "evaluate", {"expression": "__import__('time').sleep(100)"}, lambda _: None)
    os.kill(pid(window), signal.SIGKILL)
    until(lambda: window.messages.severity == "error")
    assert "signal 9" in said(window) and {"Replay to here", "Restart"} == set(buttons(window))
    assert not state.running and state.runs[0]["state"] == "lost"
    window.messages.dismiss()
    link.move("next", granularity="op")
    until(lambda: "signal 9" in said(window))  # a key that can do nothing says why
    buttons(window)["Replay to here"].click()
    until(lambda: state.runs[0]["state"] == "stopped" and not link.moving)
    assert state.stop["position"] == place and window.messages.severity != "error"
    assert move(window, until, "next", granularity="op")["position"] > place
    link.move("continue")
    until(lambda: state.running and state.progress.get("step", 0) > 5)  # the fresh process is heard as the old one was


def test_a_process_that_is_killed_during_its_start_is_told(make, until):
    before = children()

    def kill():
        while not (started := children() - before):
            pass
        os.kill(max(started), signal.SIGKILL)

    # From a thread, and without a pause: a quick machine connects before the window is there.
    killing = threading.Thread(target=kill, daemon=True)
    killing.start()
    window = make(SAMPLES / "two_points.py")
    until(lambda: said(window) and not killing.is_alive())
    assert "signal 9" in said(window) and window.context.state.stop is None and not window.context.link.moving
    assert window.messages.severity == "error" and said(window).startswith("The script could not begin: the engine process ")
    assert not window.context.link._watchdog._timer.isActive()  # it would say after a while that it is not ready yet
    assert window.status.state.text() == "the script does not run" and window.status.hint.text().endswith("restarts it")
    why = said(window)
    window.context.link.move("next", granularity="op")
    assert said(window) == why and [text[:23] for text in window.messages.waiting] == ["The script does not run"]
    until(lambda: "Restart" in buttons(window))
    buttons(window)["Restart"].click()
    until(lambda: window.context.state.stop)
    assert said(window) == ""
    until(lambda: window.context.link.quiet)
    window.context.link.stop()
    assert window.status.state.text() == "the script does not run"
    window.context.link.move("next", granularity="op")
    assert said(window).startswith("The script does not run")
    until(lambda: "Restart" in buttons(window))
    window.scripts.close()
    assert window.status.state.text() == "no script is open" and window.status.hint.text() == ""


# ---------------------------------------------------------------------------------------------------- hung


@pytest.mark.parametrize("by", ["the window", "somebody else"])
def test_a_halted_process_is_told_as_that_and_goes_on(opened, until, impatient, by):
    for _ in range(2):  # once more is told once more
        os.kill(pid(opened), signal.SIGSTOP)
        until(lambda: "it was halted (SIGSTOP)" in said(opened))
        assert set(buttons(opened)) == {"Let it go on", "End it and replay to here"}
        if by == "the window":
            buttons(opened)["Let it go on"].click()
            assert not opened.messages.isVisible()
        else:
            os.kill(pid(opened), signal.SIGCONT)
        until(lambda: said(opened) == "")
        move(opened, until, "next", granularity="op")
        until(lambda: opened.context.link.quiet)


def test_a_script_that_halts_itself_goes_on(make, until, tmp_path, impatient):
    script = tmp_path / "halts.py"
    halt = "    os.kill(os.getpid(), signal.SIGSTOP) if step == 5 else None\n"
    script.write_text("import os, signal\n" + LOOP.replace("while True:\n", "for step in range(10):\n") + halt)
    window = make(script)
    state, link = window.context.state, window.context.link
    until(lambda: state.stop and window.workspace and link.quiet)
    link.move("continue")
    until(lambda: "it was halted (SIGSTOP)" in said(window))
    buttons(window)["Let it go on"].click()
    until(lambda: state.stop["reason"] == "end" and said(window) == "" and link.quiet)
    until(lambda: state.curves and len(state.curves[1]["steps"]) == 10)


def test_a_halted_process_can_be_ended_and_the_run_goes_on(opened, until, impatient):
    state, old, place = opened.context.state, pid(opened), opened.context.state.stop["position"]
    opened.context.link.ask(("link", "flush"), "flushRecording", {}, lambda _: None)
    until(lambda: opened.context.link.quiet)
    os.kill(old, signal.SIGSTOP)
    until(lambda: "End it and replay to here" in buttons(opened))
    buttons(opened)["End it and replay to here"].click()
    until(lambda: state.runs[0]["state"] == "stopped" and pid(opened) != old and not opened.context.link.moving)
    assert state.stop["position"] == place and wait_until_gone(old)
    opened.messages._timer.timeout.emit()  # the information leaves: it hides no word of the process that was ended
    assert said(opened) == ""
    move(opened, until, "next", granularity="op")


def test_a_call_of_c_that_never_returns_is_told_and_ended(make, until, tmp_path, impatient):
    script = tmp_path / "hangs.py"
    script.write_text(HANGS)
    window = make(script)
    state, link = window.context.state, window.context.link
    until(lambda: state.stop and link.quiet)
    link.move("continue")
    until(lambda: "it hangs" in said(window))
    assert set(buttons(window)) == {"Wait", "End it and replay to here"}
    buttons(window)["Wait"].click()
    assert not window.messages.isVisible()
    until(lambda: "it hangs" in said(window))  # it still does
    old = pid(window)
    buttons(window)["End it and replay to here"].click()
    until(lambda: state.runs and state.runs[0]["state"] == "stopped" and not link.moving)
    assert state.stop["line"] == 1 and wait_until_gone(old)


def test_a_script_that_cannot_pause_is_told(make, until, tmp_path, impatient):
    script = tmp_path / "sleeps.py"
    script.write_text("import time\ntime.sleep(1000)\n")
    window = make(script)
    state, link = window.context.state, window.context.link
    until(lambda: state.stop and link.quiet)
    link.move("continue")
    until(lambda: state.running)
    window.context.action("pause").trigger()
    until(lambda: "asked to pause" in said(window))
    window.context.link.stop()
    assert said(window) == "" and state.stop is None


def test_a_gpu_that_is_not_there_is_told(make, until, tmp_path):
    script = tmp_path / "gpu.py"
    hidden = "import os\nos.environ['CUDA_VISIBLE_DEVICES'] = ''\n"
    script.write_text(f"{hidden}import engine as torch\nmodel = torch.nn.Linear(2, 1)\nmodel.to('cuda')\n")
    window = make(script)
    state, link = window.context.state, window.context.link
    until(lambda: state.stop and link.quiet)
    link.move("continue")
    until(lambda: state.stop["reason"] == "exception")
    assert state.stop["line"] == 5
    assert "The script stopped at an exception: DeviceError: cuda: " in said(window)
    assert "Without a GPU use device='cpu'" in said(window)
    assert "stopped at an exception: cuda: " in window.status.state.text()


def test_a_start_that_hangs_is_told_and_can_be_ended(make, until, impatient):
    before = children()
    window = make(SAMPLES / "two_points.py")
    until(lambda: children() - before)
    for process in children() - before:
        os.kill(process, signal.SIGSTOP)
    until(lambda: "is not ready" in said(window))
    buttons(window)["End it"].click()
    assert not window.context.link.moving
    until(lambda: not children() - before)
    window.open(str(SAMPLES / "xor.py"))
    until(lambda: window.context.state.stop)


@pytest.mark.parametrize("what", ["current", "all", "starting"])
def test_a_window_with_halted_processes_closes_soon(make, until, what):
    before = children()
    window = make(SAMPLES / "two_points.py")
    if what == "starting":
        until(lambda: children() - before)
    else:
        until(lambda: window.context.state.stop and len(children() - before) == 2)
    halted = {pid(window)} if what == "current" else children() - before
    for process in halted:
        os.kill(process, signal.SIGSTOP)
    began = time.monotonic()
    window.close()
    assert time.monotonic() - began < PATIENCE / 1000 and all(wait_until_gone(process) for process in halted)


# ---------------------------------------------------------------------------------------------------- edited on disk


def test_an_edited_script_is_told_and_what_runs_stays(make, until, tmp_path):
    script = tmp_path / "loop.py"
    script.write_text(LOOP)
    window = make(script)
    state, link = window.context.state, window.context.link
    until(lambda: state.stop and window.workspace)
    code = window.workspace.panels["code"]
    breakpoints = breakpoints_of(window.context)
    breakpoints.set_lines(str(script), [{"line": 7, "condition": "True"}])
    until(lambda: window.script_on_disk.running)
    place = move(window, until, "runTo", step=2)["position"]
    script.write_text(LOOP.replace("x = torch.ones(4, 2)", "x = torch.ones(4, 2)\nprint('new')\n"))
    until(lambda: "has changed on disk" in said(window))
    assert "print('new')" not in code.view.toPlainText()
    # A replay runs the text that was recorded, not the one on the disk.
    os.kill(pid(window), signal.SIGKILL)
    until(lambda: "Replay to here" in buttons(window))
    buttons(window)["Replay to here"].click()
    until(lambda: state.runs[0]["state"] == "stopped" and not link.moving)
    assert state.stop["position"] == place
    told = []
    link.ask("source", "source", {"path": str(script)}, told.append)
    until(lambda: told)
    assert told[0]["content"] == LOOP
    window.context.action("restart").trigger()
    until(lambda: state.stop and state.stop["reason"] == "entry" and said(window) == "")
    until(lambda: [entry["line"] for entry in breakpoints.lines(str(script))] == [9])
    assert breakpoints.lines(str(script))[0]["condition"] == "True"
    until(lambda: "print('new')" in code.view.toPlainText())
    assert move(window, until, "continue")["line"] == 9


@pytest.mark.parametrize("text", [LOOP.replace("model(x)", "model((x"), "print(1)\n", None])
def test_a_breakpoint_is_of_the_text_that_runs(make, until, tmp_path, text):
    script = tmp_path / "loop.py"
    script.write_text(LOOP)
    window = make(script)
    state, link, breakpoints = window.context.state, window.context.link, breakpoints_of(window.context)
    until(lambda: state.stop and window.workspace and window.script_on_disk.running)
    link.move("continue")
    until(lambda: state.running and state.progress.get("step", 0) > 5)
    script.unlink() if text is None else script.write_text(text)
    breakpoints.set_lines(str(script), [{"line": 8}])
    until(lambda: not state.running)
    assert (state.stop["reason"], state.stop["line"]) == ("breakpoint", 8)
    until(lambda: breakpoints.lines(str(script))[0].get("verified") is True)


def test_a_breakpoint_that_has_not_moved_is_of_the_text_that_is_restarted_too(make, until, tmp_path):
    script, texts = tmp_path / "two.py", ["x = 1\ny = 2\n", "x = 1\n# y\n"]
    script.write_text(texts[0])
    window = make(script)
    breakpoints = breakpoints_of(window.context)
    until(lambda: window.context.state.stop and window.script_on_disk.running and window.context.link.quiet)
    breakpoints.set_lines(str(script), [{"line": 2}])
    for text, verified in ((texts[1], False), (texts[0], True)):
        script.write_text(text)
        until(lambda: "has changed on disk" in said(window) and window.context.link.quiet)
        window.context.action("restart").trigger()
        until(lambda verified=verified: breakpoints.lines(str(script))[0].get("verified") is verified)
        until(lambda: window.context.link.quiet and "has changed on disk" not in said(window))
        assert ("does not stop" in said(window)) is not verified


def test_a_text_that_begins_at_a_breakpoint_is_known_as_that_which_runs(make, until, tmp_path):
    script, text = tmp_path / "two.py", "x = 1\ny = 2\n"
    script.write_text(text)
    window = make(script)
    state, link, breakpoints = window.context.state, window.context.link, breakpoints_of(window.context)
    until(lambda: state.stop and window.script_on_disk.running and link.quiet)
    breakpoints.set_lines(str(script), [{"line": 1}])
    for line in (2, 3):
        text = f"# above\n{text}"
        script.write_text(text)
        until(lambda: "has changed on disk" in said(window) and link.quiet)
        window.context.action("restart").trigger()
        until(lambda: window.script_on_disk.running[str(script)] == text)  # noqa: B023 - it is as it is now
        until(lambda line=line: [(e["line"], e.get("verified")) for e in breakpoints.lines(str(script))] == [(line, True)])
        until(lambda: said(window) == "" and link.quiet)
        assert state.stop["reason"] == "breakpoint"
    window.saving.keep_place()
    assert kept_place(window.context.settings, str(script)) is None  # nothing of it has run


def test_breakpoints_outlast_a_restart_of_an_emptied_script(make, until, tmp_path):
    script = tmp_path / "loop.py"
    script.write_text(LOOP)
    window = make(script)
    state, breakpoints = window.context.state, breakpoints_of(window.context)

    def restart_with(text):
        script.write_text(text)
        until(lambda: "has changed on disk" in said(window) and window.context.link.quiet)
        window.context.action("restart").trigger()
        until(lambda: window.script_on_disk.running[str(script)] == text and window.context.link.quiet)
        until(lambda: not window.context.link.moving and "has changed on disk" not in said(window))

    until(lambda: state.stop and window.script_on_disk.running and window.context.link.quiet)
    breakpoints.set_lines(str(script), [{"line": 7}, {"line": 8, "condition": "True"}])
    restart_with("")
    until(lambda: [entry.get("verified") for entry in breakpoints.lines(str(script))] == [False, False])
    restart_with(LOOP)
    until(lambda: [entry.get("verified") for entry in breakpoints.lines(str(script))] == [True, True])
    until(lambda: said(window) == "")
    assert [(entry["line"], entry.get("condition")) for entry in breakpoints.lines(str(script))] == [(7, None), (8, "True")]
    assert move(window, until, "continue")["line"] == 7


def test_each_run_has_the_text_that_it_began_with(make, until, tmp_path):
    script = tmp_path / "loop.py"
    script.write_text(LOOP)
    window = make(script)
    state, link, breakpoints = window.context.state, window.context.link, breakpoints_of(window.context)
    until(lambda: state.stop and window.workspace and state.script == LOOP and link.quiet)
    code = window.workspace.panels["code"]

    def lines():
        return [(entry["line"], entry.get("verified")) for entry in breakpoints.lines(str(script))]

    move(window, until, "runTo", step=2)
    link.fork([{"kind": "exec", "code": "pass"}])
    until(lambda: len(state.runs) == 2 and link.quiet and not link.moving)
    breakpoints.set_lines(str(script), [{"line": 8}])
    text = LOOP.replace("x = torch.ones(4, 2)", "x = torch.ones(4, 2)\nprint('new')\nprint('newer')")
    script.write_text(text)
    until(lambda: "has changed on disk" in said(window))
    window.context.action("restart").trigger()
    until(lambda: state.script == text and lines() == [(10, True)] and said(window) == "" and link.quiet)
    breakpoints.set_lines(str(script), [{"line": line} for line in (6, 7, 10)])
    for _ in range(2):  # there and back loses nothing
        link.switch(1)
        until(lambda: state.script == LOOP and "has changed on disk" in said(window) and link.quiet)
        until(lambda: lines() == [(6, True), (8, True)])
        assert code.view.toPlainText() == LOOP
        assert [move(window, until, "continue")["line"] for _ in range(2)] == [6, 8]
        until(lambda: [mark.line for mark in code.view.marks] == [8])
        link.switch(2)
        until(lambda: state.script == text and said(window) == "" and link.quiet)
        until(lambda: lines() == [(6, True), (7, True), (10, True)])
        assert code.view.toPlainText() == text
    assert [move(window, until, "continue")["line"] for _ in range(3)] == [6, 7, 10]


def test_a_script_that_is_replaced_or_deleted_while_it_runs(make, until, tmp_path):
    script, other = tmp_path / "loop.py", tmp_path / "other.py"
    script.write_text(LOOP)
    window = make(script)
    state, link = window.context.state, window.context.link
    until(lambda: state.stop and window.script_on_disk.running)
    link.move("continue")
    until(lambda: state.running and state.progress.get("step", 0) > 5)
    other.write_text(LOOP + "# replaced\n")
    os.replace(other, script)  # as editors do
    until(lambda: "has changed on disk" in said(window))
    script.unlink()
    until(lambda: "not on the disk any more" in said(window))
    script.write_text(LOOP)
    until(lambda: said(window) == "")
    assert state.running
    link.move("pause")
    until(lambda: not state.running)


@pytest.mark.skipif(os.name != "posix", reason="not everybody may make links there")
@pytest.mark.parametrize("was_link", [False, True])
def test_breakpoints_stay_with_a_script_that_becomes_a_link(make, until, tmp_path, was_link):
    script, first, other = tmp_path / "loop.py", tmp_path / "first.py", tmp_path / "other.py"
    first.write_text(LOOP)
    other.write_text(f"# another\n{LOOP}")
    script.symlink_to(first) if was_link else script.write_text(LOOP)
    window = make(script)
    state, breakpoints = window.context.state, breakpoints_of(window.context)

    def lines():
        return [(entry["line"], entry.get("verified")) for entry in breakpoints.lines(str(script))]

    until(lambda: state.stop and window.script_on_disk.running and window.context.link.quiet)
    breakpoints.toggle(str(script), 7)
    until(lambda: lines() == [(7, True)])
    script.unlink()
    script.symlink_to(other)
    until(lambda: "has changed on disk" in said(window))
    breakpoints.toggle(str(script), 8)
    until(lambda: lines() == [(7, True), (8, True)])
    assert move(window, until, "continue")["line"] == 7
    assert move(window, until, "continue")["line"] == 8
    window.context.action("restart").trigger()
    until(lambda: lines() == [(8, True), (9, True)] and window.context.link.quiet)
    assert move(window, until, "continue")["line"] == 8
    assert len(state.breakpoints) == 1


def test_a_restart_of_a_script_that_is_gone_says_so(make, until, tmp_path):
    script = tmp_path / "loop.py"
    script.write_text(LOOP)
    window = make(script)
    state = window.context.state
    until(lambda: state.stop and window.context.link.quiet)
    script.unlink()
    window.context.action("restart").trigger()
    until(lambda: "loop.py" in said(window) and "no such file" in said(window).lower())
    assert state.runs[0]["state"] == "stopped"
    move(window, until, "next", granularity="op")


def test_a_change_is_told_again_after_a_restart_in_vain(make, until, tmp_path):
    script = tmp_path / "loop.py"
    script.write_text(LOOP)
    window = make(script)
    until(lambda: window.context.state.stop and window.script_on_disk.running and window.context.link.quiet)
    script.write_text(f"x = (\n{LOOP}")
    until(lambda: "has changed on disk" in said(window))
    window.context.action("restart").trigger()
    until(lambda: "was never closed" in said(window))
    script.write_text(f"x = ()\n{LOOP}")
    until(lambda: "has changed on disk" in said(window))
    until(lambda: "Restart (Ctrl+Shift+F5)" in buttons(window))
    buttons(window)["Restart (Ctrl+Shift+F5)"].click()
    until(lambda: window.context.state.stop["reason"] == "entry" and said(window) == "" and window.context.link.quiet)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in folders here")
def test_a_script_that_becomes_a_pipe_is_not_waited_for(make, until, tmp_path):
    script = tmp_path / "loop.py"
    script.write_text(LOOP)
    window = make(script)
    until(lambda: window.context.state.stop and window.script_on_disk.running and window.context.link.quiet)
    script.unlink()
    os.mkfifo(script)
    until(lambda: "loop.py cannot be read any more (it is no ordinary file)" in said(window))
    window.context.action("restart").trigger()
    until(lambda: "loop.py: is no ordinary file" in said(window))
    move(window, until, "next", granularity="op")


def test_a_script_in_latin_1_is_shown_as_python_reads_it(make, until, tmp_path):
    script = tmp_path / "loop.py"
    text = f'# -*- coding: latin-1 -*-\n# %% tags=["parameters"]\nname = "J\xfcrgen"\n# %%\n{LOOP}'
    script.write_bytes(text.encode("latin-1"))
    window = make(script)
    until(lambda: window.context.state.stop and window.workspace and window.context.link.quiet)
    assert 'name = "J\xfcrgen"' in window.workspace.panels["code"].view.toPlainText()
    panel = window.workspace.panels["parameters"]
    window.workspace.show_panel("parameters")
    until(lambda: [parameter.value for parameter in panel.parameters] == ["J\xfcrgen"])


def test_lines_are_found_again_in_another_text():
    old = "a = 1\nb = 2\nfor i in range(3):\n    print(a)\n    print(b)\nend()\n"
    new = "import x\na = 1\nb = 2\nfor i in range(3):\n    print(a + 1)\nend()\n"
    assert moved_lines(old, new, [1, 2, 3, 4, 6]) == {1: 2, 2: 3, 3: 4, 4: 5, 6: 6}
    assert moved_lines(old, old, [1, 6, 99]) == {1: 1, 6: 6, 99: 6}
    assert moved_lines(old, "", [3, 5]) == {3: 3, 5: 5}
