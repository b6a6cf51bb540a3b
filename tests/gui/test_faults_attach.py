"""What goes wrong with a process that the window is attached to, and did not start: it is not this window's to end."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gui.link import Link
from tests.gui.conftest import PATIENCE
from tests.gui.test_faults import buttons, impatient, make, move, nothing_stays, said  # noqa: F401 - fixtures
from tests.gui.test_leaks import counts

ROOT = Path(__file__).parents[2]

LISTENS = """import engine as torch, engine.debug
from engine import nn
print(engine.debug.listen(0, "secret").port, flush=True)
model = nn.Linear(2, 1)
x = torch.ones(4, 2)
while True:
    model(x).square().mean().backward()
"""

#: Waits to be attached to, and has something to stop at.
ENDS = """import engine as torch, engine.debug
print(engine.debug.listen(0, "secret").port, flush=True)
engine.debug.wait_for_client()
engine.debug.breakpoint()
y = torch.ones(4, 2) * 2
y = y * 2
"""


@pytest.fixture
def process(tmp_path):
    """A process that listens and trains, and its port."""
    path = tmp_path / "listens.py"
    path.write_text(LISTENS)
    one = subprocess.Popen(
        [sys.executable, str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NABLASCOPE_QUIET": "1"},
    )  # fmt: skip
    yield one, int(one.stdout.readline())
    one.kill()
    one.communicate()


@pytest.fixture
def joined(make, until, process):  # noqa: F811
    """A window that is attached to ``process``, which stands."""
    window = make()
    window.attach("127.0.0.1", process[1], "secret")
    until(lambda: window.context.state.stop and not window.context.link.moving)
    return window


def test_a_process_that_is_gone_is_not_offered_to_be_started_again(joined, process, until):
    one, port = process
    one.kill()
    until(lambda: joined.messages.severity == "error")
    assert said(joined).startswith(f"The connection to the process at 127.0.0.1:{port} is gone: ")
    assert set(buttons(joined)) == {"Attach again"}
    buttons(joined)["Attach again"].click()
    until(lambda: "Connection refused" in said(joined))
    assert set(buttons(joined)) == {"Attach again"}  # once it listens
    assert not joined.context.link.moving


def test_a_setting_on_its_way_to_a_process_that_is_gone_says_nothing_over_the_message(joined, process, until):
    one, _ = process
    one.send_signal(signal.SIGSTOP)  # it hears of the setting no more
    joined.context.link.set_watchpoints([{"kind": "nonfinite"}])
    one.kill()
    until(lambda: joined.messages.severity == "error")
    until(lambda: joined.context.link.quiet)
    assert joined.messages.severity == "error" and set(buttons(joined)) == {"Attach again"}


def test_a_halted_process_is_left_alone_and_joined_again(joined, process, until, impatient):  # noqa: F811
    one, _ = process
    one.send_signal(signal.SIGSTOP)
    until(lambda: "has not answered" in said(joined))
    assert set(buttons(joined)) == {"Wait", "Disconnect"}
    buttons(joined)["Disconnect"].click()
    until(lambda: joined.messages.severity == "error")
    assert said(joined).endswith("is gone: it did not answer")
    one.send_signal(signal.SIGCONT)
    buttons(joined)["Attach again"].click()
    until(lambda: joined.context.state.runs and joined.context.state.runs[0]["state"] == "stopped")
    assert one.poll() is None and said(joined) == ""
    move(joined, until, "next", granularity="op")


def test_a_process_that_another_window_is_attached_to_is_told(joined, process, until, request):
    second = Link()
    request.addfinalizer(lambda: second.close(PATIENCE / 1000))
    troubles = []
    second.failed.connect(troubles.append)
    second.attach("127.0.0.1", process[1], "secret")
    until(lambda: troubles)
    assert "another client is attached to the process; it has to disconnect first" in troubles[0]
    move(joined, until, "next", granularity="op")


def test_a_process_is_attached_to_again_and_again_without_a_pause(joined, process, until):
    state, link = joined.context.state, joined.context.link
    before = counts(joined)["threads"]
    for _ in range(8):
        joined.attach("127.0.0.1", process[1], "secret")  # the connection before it is still there
        until(lambda: state.stop and not link.moving and link.quiet)
        assert said(joined) == ""
        move(joined, until, "next", granularity="op")
    until(lambda: counts(joined)["threads"] <= before)
    assert process[0].poll() is None
    theirs = Path(f"/proc/{process[0].pid}/fd")
    if theirs.is_dir():
        link.stop()
        until(lambda: len(list(theirs.iterdir())) == 4)  # three streams, and the socket that listens


#: Is in one call of C until it is given a line.
WAITS = """import os, engine.debug
print(engine.debug.listen(0, "secret").port, flush=True)
os.read(0, 1)
after = 1
after = 2
"""


@pytest.fixture
def waiting(tmp_path, make, until):  # noqa: F811
    """A window that is attached to a process which is in one long call, and that process."""
    path = tmp_path / "waits.py"
    path.write_text(WAITS)
    one = subprocess.Popen(
        [sys.executable, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT), "NABLASCOPE_QUIET": "1"},
    )  # fmt: skip
    window = make()
    window.attach("127.0.0.1", int(one.stdout.readline()), "secret")
    until(lambda: window.context.link.begins == "Pausing the script")
    yield window, one
    one.kill()
    one.communicate()


def test_a_script_in_one_long_call_is_waited_for(waiting, until, impatient):  # noqa: F811
    window, one = waiting
    until(lambda: "asked to pause" in said(window))
    assert set(buttons(window)) == {"Wait", "Disconnect"}
    one.stdin.write("x")
    one.stdin.flush()
    until(lambda: window.context.state.stop and not window.context.link.moving)
    assert said(window) == "" and window.context.state.stop["line"] in (4, 5)


@pytest.mark.parametrize("how", ["killed", "disconnected"])
def test_a_process_that_goes_while_it_is_joined_can_be_joined_again(waiting, until, impatient, how):  # noqa: F811
    window, one = waiting
    if how == "killed":
        one.kill()
    else:
        until(lambda: "Disconnect" in buttons(window))
        buttons(window)["Disconnect"].click()
    until(lambda: window.messages.severity == "error")
    assert "is gone: " in said(window) and set(buttons(window)) == {"Attach again"} and not window.context.link.moving
    assert one.poll() is None or how == "killed"


def test_what_is_no_process_of_nablascope_is_named_as_such(make, until, impatient):  # noqa: F811
    window = make()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        window.attach("127.0.0.1", listener.getsockname()[1], "secret")
        until(lambda: "no process of Nablascope" in said(window))
        assert set(buttons(window)) == {"Wait", "Give up"}
        buttons(window)["Give up"].click()
        until(lambda: window.context.link.quiet)
    assert said(window) == "" and window.context.state.stop is None


def joined_to(tmp_path, make, until, text, *command):  # noqa: F811
    """A window that stands in a process which runs ``text`` (by ``command``) once it is attached to."""
    path = tmp_path / "ends.py"
    path.write_text(ENDS + text)
    one = subprocess.Popen(
        [sys.executable, *command, str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NABLASCOPE_QUIET": "1"},
    )  # fmt: skip
    port = int(one.stdout.readline())
    window = make()
    window.attach("127.0.0.1", port, "secret")
    until(lambda: window.context.state.stop and not window.context.link.moving)
    return one, port, window


@pytest.mark.parametrize(("text", "severity", "said_of_it"), [
    ("", "info", "has come to its end"),
    ("import sys; sys.exit()\n", "info", "has come to its end"),
    ("import sys; sys.exit(3)\n", "warning", "has ended with exit code 3. What is shown is what it showed last."),
    ("import sys; sys.exit('no data')\n", "warning", "has ended with exit code 1: no data. What is shown"),
    ("import sys\ntry: sys.exit(3)\nexcept SystemExit: pass\n", "info", "has come to its end"),
    ("1 / 0\n", "error", "has ended at an exception: ZeroDivisionError: division by zero"),
])  # fmt: skip
def test_a_process_that_comes_to_its_end_is_told_as_that(tmp_path, make, until, text, severity, said_of_it):  # noqa: F811
    one, port, window = joined_to(tmp_path, make, until, text)
    state, link = window.context.state, window.context.link
    where = state.stop["position"]
    link.move("continue")
    one.communicate(timeout=PATIENCE / 1000)
    until(lambda: said(window))
    assert said(window).startswith(f"The process at 127.0.0.1:{port} {said_of_it}")
    assert window.messages.severity == severity and set(buttons(window)) == {"Attach again"}
    assert not state.running and state.runs[0]["state"] == "ended" and "come to its end" in window.status.state.text()
    assert state.stop["position"] == where  # what it showed last is shown still
    refused = []
    link.ask("of the test", "status", {}, lambda _: None, refused.append)
    until(lambda: refused)
    assert "Attach again" in refused[0]
    until(lambda: link.quiet)
    assert window.messages.severity == severity
    for command in ("next", "stepBack", "continue"):  # a key that can do nothing says why
        window.messages.dismiss()
        link.move(command, granularity="op") if command != "continue" else link.move(command)
        until(lambda: said(window))
        assert said_of_it in said(window) and set(buttons(window)) == {"Attach again"}
        until(lambda: link.quiet)
    buttons(window)["Attach again"].click()
    until(lambda: "Connection refused" in said(window))


def test_a_process_that_is_killed_has_not_come_to_its_end_and_keys_say_so(joined, process, until):
    process[0].kill()
    until(lambda: joined.messages.severity == "error")
    for command in ("next", "stepBack"):
        joined.messages.dismiss()
        joined.context.link.move(command, granularity="op")
        until(lambda: "is gone: " in said(joined))
        assert set(buttons(joined)) == {"Attach again"}


@pytest.mark.parametrize(("text", "severity", "why"), [
    ("1 / 0\n", "error", "has ended at an exception: ZeroDivisionError: division by zero"),
    ("raise SystemExit(3)\n", "warning", "has ended with exit code 3. What is shown is what it showed last."),
])  # fmt: skip
def test_the_end_of_nablascope_run_is_told_as_that_of_its_script(tmp_path, make, until, text, severity, why):  # noqa: F811
    command = ("-m", "engine.cli.main", "run")
    one, port, window = joined_to(tmp_path, make, until, text, *command)
    window.context.link.move("continue")
    one.communicate(timeout=PATIENCE / 1000)
    until(lambda: said(window))
    assert said(window) == f"The process at 127.0.0.1:{port} {why}" and window.messages.severity == severity
