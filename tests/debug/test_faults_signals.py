"""Signals to a debugged process: the script gets them, the debugger goes on and says what has become of it."""

import os
import signal

import pytest

from engine.debug.session import Session
from tests.debug.processes import PATIENCE, wait_for, wait_until_gone

ENDLESS = """import engine
n = 0
caught = 0
while True:
    try:
        while True:
            n += 1
    except KeyboardInterrupt:
        caught += 1
"""


@pytest.fixture
def begin(tmp_path):
    """``begin(text)``: a session on a script, stopped at its first line."""
    sessions = []

    def session(text):
        path = tmp_path / "script.py"
        path.write_text(text)
        sessions.append(Session.launch(str(path), capture_output=True))
        sessions[-1].start(PATIENCE)
        return sessions[-1]

    yield session
    for one in sessions:
        pid = one.current.client.pid
        one.close()
        assert wait_until_gone(pid)


def value(session, name):
    return int(session.request("evaluate", expression=name, frameId=0)["result"])


def pause(session):
    """Pause a script that runs."""
    assert wait_for(lambda: session.request("status")["state"] == "running")
    session.pause()
    return session.wait(PATIENCE)


def test_an_interrupt_that_finds_the_script_standing_waits_until_it_runs_on(begin):
    session = begin(ENDLESS)
    session.request("setBreakpoints", source={"path": session.program}, breakpoints=[{"line": 7}])
    place = session.step("continue", PATIENCE)
    os.kill(session.current.client.pid, signal.SIGINT)
    assert session.step("next", PATIENCE)["line"] in (6, 9)
    assert session.request("status")["state"] == "stopped" and session.current.stop.position > place.position
    session.request("setBreakpoints", source={"path": session.program}, breakpoints=[{"line": 9}])
    for times in (0, 1, 2):  # it is watched as it was before
        if times:
            session.current.client.request("continue")
            os.kill(session.current.client.pid, signal.SIGINT)
            assert session.wait(PATIENCE)["line"] == 9
        elif session.current.stop["line"] != 9:
            assert session.step("continue", PATIENCE)["line"] == 9
        assert value(session, "caught") == times
    session.current.client.request("continue")
    assert pause(session)["reason"] == "pause" and value(session, "caught") == 3


def test_an_interrupt_that_nobody_catches_stops_at_its_line(begin):
    session = begin("import engine\nn = 0\nwhile True:\n    n += 1\n")
    session.current.client.request("continue")
    assert wait_for(lambda: session.request("status")["state"] == "running")
    os.kill(session.current.client.pid, signal.SIGINT)
    stop = session.wait(PATIENCE)
    assert stop.reason == "exception" and stop["line"] in (3, 4) and stop["description"].startswith("KeyboardInterrupt")


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="there is no SIGUSR1")
def test_a_script_that_wants_the_signals_itself_is_paused_between_its_lines(begin):
    session = begin(f"import signal\nsignal.signal(signal.SIGUSR1, lambda *_: None)\n{ENDLESS}")
    session.current.client.request("continue")
    stop = pause(session)
    assert stop.reason == "pause" and stop["line"] in (8, 9)
    assert session.step("next", PATIENCE)["line"] in (8, 9)


def test_a_process_that_somebody_asks_to_end_is_told_and_replayed(begin):
    session = begin("import engine as torch\nx = torch.ones(2)\nfor i in range(5):\n    x = x + x\n")
    place = session.step("next", granularity="op")
    session.request("flushRecording")
    old = session.current.client.pid
    os.kill(old, signal.SIGTERM)
    assert wait_until_gone(old)
    stop = session.step("continue", PATIENCE)
    assert stop.reason == "lost" and "signal 15 (SIGTERM: somebody asked it to end)" in stop["description"]
    assert session.travel(place.position, PATIENCE).position == place.position


@pytest.mark.parametrize(("text", "line"), [
    ("import ctypes\nctypes.string_at(0)\n", 2),
    # The system refuses more stack than that from now on: a crash at once, however much there is. The function is one line:
    # which call of C finds no more stack is chance, that of its entering (its first line) or one of its body.
    ("import resource, sys\nresource.setrlimit(resource.RLIMIT_STACK, (1 << 20, -1))\nsys.setrecursionlimit(10 ** 7)\n"
     "def deeper(n): return list(map(deeper, [n]))\ndeeper(0)\n", 4),
])  # fmt: skip
def test_a_crash_in_native_code_is_told_with_the_line_that_it_came_from(begin, text, line):
    session = begin(text)
    stop = session.step("continue", PATIENCE)
    assert stop.reason == "lost"
    cause = "killed by signal 11 (SIGSEGV: an invalid memory access, or a recursion without end)"
    assert stop["description"] == f"its process was {cause} at line {line} of {session.program}"


def test_a_process_that_is_halted_is_known_as_that_and_goes_on(begin):
    session = begin(ENDLESS)
    client = session.current.client
    assert not client.halted
    os.kill(client.pid, signal.SIGSTOP)
    assert wait_for(lambda: client.halted) and client.halted  # looking does not change it
    client.resume()
    assert wait_for(lambda: not client.halted) and value(session, "1 + 1") == 2
    os.kill(client.pid, signal.SIGKILL)
    assert wait_until_gone(client.pid) and not client.halted
