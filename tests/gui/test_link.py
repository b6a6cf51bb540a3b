"""The link, on a true engine process."""

import os
import signal
import socket
import threading

import pytest

from engine.debug.session import SessionError
from engine.debug.wire.handshake import HANDSHAKE_TIMEOUT
from gui.link import Link
from tests.debug.processes import wait_until_gone
from tests.gui.conftest import PATIENCE, SAMPLES


@pytest.fixture
def no_spare():
    """Here a process is kept ready, as in the window."""


def process(context):
    return context.link._session.current.client.pid


def test_a_script_is_stepped_forwards_and_backwards(two_points, step):
    assert two_points.state.stop["reason"] == "entry" and two_points.state.runs[0]["name"] == "run 1"
    clone = step(two_points, "next", granularity="op")
    linear = step(two_points, "next", granularity="op")
    assert (linear["op"], linear["module"], linear["direction"]) == ("Linear", "0", "forward")
    assert two_points.state.selection.reference == {"event": linear["seq"], "name": "y"}
    back = step(two_points, "stepBack", granularity="op")
    assert back["seq"] == clone["seq"] and not back["live"]
    assert two_points.troubles == []


def test_asks_are_answered_and_only_the_newest(two_points, step, qtbot, until):
    seq = step(two_points, "runTo", step=1)["seq"]
    assert seq is not None
    got, refused = [], []
    for i in range(20):
        two_points.link.ask("key", "evaluate", {"expression": f"{i} + 1"}, got.append, refused.append)
    two_points.link.ask("other", "evaluate", {"expression": "1 / 0"}, got.append, refused.append)
    until(lambda: len(got) == 1 and len(refused) == 1)
    qtbot.wait(50)
    assert [body["result"] for body in got] == ["20"] and "division" in refused[0]


def test_callbacks_run_in_the_windows_thread(two_points, until):
    threads = []
    two_points.link.ask("key", "status", {}, lambda body: threads.append(threading.current_thread()))
    until(lambda: threads)
    assert threads == [threading.main_thread()]


def test_a_long_run_says_so_shows_progress_and_can_be_paused(real, until, tmp_path):
    script = tmp_path / "long.py"
    script.write_text(
        "import engine as torch\nfrom engine import nn\nmodel = nn.Linear(2, 1)\n"
        "opt = torch.optim.SGD(model.parameters(), lr=0.01)\nx = torch.ones(4, 2)\n"
        "while True:\n    opt.zero_grad()\n    loss = model(x).square().mean()\n    loss.backward()\n    opt.step()\n"
    )
    real.link.launch(str(script))
    until(lambda: real.state.stop is not None)
    real.link.move("continue")
    until(lambda: real.state.running and real.state.progress.get("step", 0) > 20)
    until(lambda: len(real.state.curves.get(1, {}).get("steps", ())) > 5)
    real.link.move("next")  # dropped: the script runs
    real.link.move("pause")
    until(lambda: not real.state.running)
    assert real.state.stop["reason"] == "pause"
    steps = real.state.curves[1]["steps"]
    assert list(steps) == sorted(set(steps))


def test_a_fork_becomes_current_and_runs_can_be_switched_and_compared(two_points, step, until):
    step(two_points, "runTo", step=2)
    two_points.link.fork([{"kind": "exec", "code": "learning_rate = 1.0"}], "faster")
    until(lambda: len(two_points.state.runs) == 2)
    assert [(run["name"], run["current"]) for run in two_points.state.runs] == [("run 1", False), ("faster", True)]
    assert two_points.state.runs[1]["parent"] == 1
    compared = []
    two_points.link.compare("run 1", "faster", compared.append)
    until(lambda: compared)
    assert set(compared[0]["curves"]) == {"run 1", "faster"}
    until(lambda: 2 in two_points.state.curves)
    known = two_points.state.curves[2]
    two_points.link.rename(2, "quick")
    assert two_points.state.run_names == {1: "run 1", 2: "quick"} and two_points.state.curves[2] is known
    two_points.link.rename(1, "quick")
    assert two_points.troubles.pop() == "The run keeps its name: there is a run 'quick' already."
    two_points.link.switch(1)
    until(lambda: two_points.state.runs[0]["current"])
    assert two_points.troubles == []


def test_a_process_that_is_killed_is_noticed_and_can_be_started_again(two_points, step, until):
    step(two_points, "next", granularity="op")
    os.kill(process(two_points), signal.SIGKILL)
    until(lambda: two_points.troubles)
    assert "signal 9" in two_points.troubles[0] and two_points.state.runs[0]["state"] == "lost"
    two_points.link.restart()
    until(lambda: two_points.state.runs[0]["state"] == "stopped")
    assert two_points.state.stop["position"] == [0, 1, 0]


def test_what_cannot_be_started_is_told(real, until, tmp_path):
    real.link.launch(str(tmp_path / "missing.py"))
    until(lambda: real.troubles)
    assert "missing.py" in real.troubles[0] and not real.link.active and not real.link.moving
    real.link.attach("127.0.0.1", 1, "key")
    until(lambda: len(real.troubles) == 2)


def test_stopping_ends_the_process_even_while_it_hangs(real, until, tmp_path):
    script = tmp_path / "hangs.py"
    script.write_text("import time\ntime.sleep(1000)\n")
    real.link.launch(str(script))
    until(lambda: real.state.stop is not None)
    pid = process(real)
    real.link.move("continue")
    until(lambda: real.state.running)
    real.link.stop()
    assert real.state.stop is None and not real.link.active
    assert wait_until_gone(pid)


def test_a_newer_launch_takes_the_place_of_the_older(real, until):
    real.link.launch(str(SAMPLES / "two_points.py"))
    real.link.launch(str(SAMPLES / "xor.py"))
    until(lambda: real.state.stop is not None)
    assert real.state.stop["file"].endswith("xor.py") and real.troubles == []


def test_breakpoints_set_beforehand_hold_in_the_script_that_is_started(real, step, until):
    path, bodies = str(SAMPLES / "two_points.py"), []
    line = (SAMPLES / "two_points.py").read_text().splitlines().index("    optimizer.zero_grad()") + 1
    real.link.set_breakpoints(path, [{"line": line}], bodies.append)
    real.link.launch(path)
    until(lambda: real.state.stop is not None and bodies)
    assert bodies[0]["breakpoints"][0]["verified"]
    assert step(real, "continue")["line"] == line


@pytest.mark.parametrize("when", [0, 300])
def test_closing_is_clean_at_any_moment(qapp, qtbot, tmp_path, monkeypatch, when):
    monkeypatch.chdir(tmp_path)
    link = Link()
    link.launch(str(SAMPLES / "two_points.py"))
    qtbot.wait(when)
    assert link.close(PATIENCE / 1000)


def test_stopping_ends_a_launch_that_is_on_its_way(real, until, qtbot):
    started = []
    real.link.starting.connect(started.append)
    real.link.launch(str(SAMPLES / "two_points.py"))
    until(lambda: real.link._coming is not None and real.link._coming._processes._starting)
    (process,) = real.link._coming._processes._starting
    real.link.stop()
    assert not real.link.active and not real.link.moving and started[-1] == ""
    until(lambda: process.poll() is not None)
    qtbot.wait(50)
    assert real.state.stop is None and real.troubles == []


def test_a_pause_at_once_is_heard(real, until, tmp_path):
    script = tmp_path / "long.py"
    script.write_text("import engine as torch\nx = torch.ones(2)\nwhile True:\n    y = x + 1\n")
    real.link.launch(str(script))
    until(lambda: real.state.stop is not None)
    for _ in range(3):
        before = real.state.stop
        real.link.move("continue")
        real.link.move("pause")
        until(lambda before=before: real.state.stop is not before)
        assert real.state.stop["reason"] == "pause" and not real.link.moving


def test_a_restart_leaves_nothing_of_the_old_curve(real, step, until):
    real.link.launch(str(SAMPLES / "xor.py"))
    until(lambda: real.state.stop is not None)
    step(real, "runTo", step=12)
    until(lambda: len(real.state.curves.get(1, {}).get("steps", ())) > 11)
    seen = []
    real.state.subscribe("curves", lambda: seen.append(len(real.state.curves.get(1, {}).get("steps", ()))))
    real.link.restart()
    until(lambda: real.state.stop["position"] == [0, 1, 0] and not real.link.moving)
    assert seen[0] == 0
    step(real, "runTo", step=3)
    until(lambda: len(real.state.curves[1]["steps"]) == 3)


def test_nothing_that_waits_behind_a_move_is_lost_to_another_move(two_points, step, until):
    step(two_points, "runTo", step=1)
    link, done = two_points.link, []
    link.fork([], "same")
    until(lambda: len(two_points.state.runs) == 2 and not link.moving)
    seq = two_points.state.stop["seq"]
    link.stopped.connect(lambda stop: done.append(stop["seq"] > seq))
    link.move("next", granularity="op")
    link.compare("run 1", "same", lambda found: done.append(found["step"]))
    link.move("next", granularity="op")
    link.move("next", granularity="op")  # takes the place of the one before it, and of nothing else
    link.work("count", lambda session: len(session.runs), done.append, "counting")
    link.move("next", granularity="op")
    until(lambda: len(done) >= 5 and not link.moving)
    assert done == [True, None, True, 2, True]
    assert two_points.troubles == []


def test_a_run_that_stands_while_something_else_is_done_is_not_shown_as_running(two_points, until, monkeypatch):
    link, free, done, resumed = two_points.link, threading.Event(), [], []
    until(lambda: link.quiet)
    link.resumed.connect(lambda: resumed.append(link._moving))
    monkeypatch.setattr(link._session, "compare", lambda a, b: free.wait(PATIENCE / 1000))
    wait = lambda _: free.wait(PATIENCE / 1000)  # noqa: E731
    for begin in (lambda: link.compare(1, 1, done.append), lambda: link.work("save", wait, done.append, "saving")):
        done.clear()
        free.clear()
        begin()
        # What tells it after a blink does not wait for its time, so nothing will.
        assert link.moving and not link._blink.isActive() and not two_points.state.running
        free.set()
        until(lambda: done and not link.moving)
    link.move("next", granularity="op")
    assert link._blink.isActive()
    until(lambda: not link.moving)
    assert not {"compare", "save"} & set(resumed)


def test_a_breakpoint_that_is_set_before_a_move_holds_for_it(two_points, until, monkeypatch):
    path = str(SAMPLES / "two_points.py")
    line = (SAMPLES / "two_points.py").read_text().splitlines().index("    optimizer.zero_grad()") + 1
    session, held = two_points.link._session, threading.Event()
    configure, step = session.configure, session.step

    def slowly(command, **arguments):
        held.wait(0.5)
        return configure(command, **arguments)

    monkeypatch.setattr(session, "configure", slowly)
    monkeypatch.setattr(session, "step", lambda *given, **more: (held.set(), step(*given, **more))[1])
    two_points.link.set_breakpoints(path, [{"line": line}])
    two_points.link.move("runTo", step=3)
    until(lambda: two_points.state.stop["reason"] != "entry" and not two_points.link.moving)
    stop = two_points.state.stop
    assert (stop["reason"], stop["line"], stop["step"]) == ("breakpoint", line, 0)


def test_behind_what_is_refused_only_moves_are_dropped(two_points, step, until):
    step(two_points, "runTo", step=1)
    link, done = two_points.link, []
    link.stopped.connect(done.append)

    def refuse(session):
        raise SessionError("not today")

    link.work("refused", refuse, done.append, "refusing")
    link.move("next", granularity="op")
    link.work("count", lambda session: len(session.runs), done.append, "counting")
    until(lambda: done and not link.moving)
    assert done == [1] and two_points.troubles == ["not today"]


@pytest.mark.parametrize("behind", ["another move", "the move itself"])
def test_what_waits_for_an_endless_run_pauses_it(real, until, tmp_path, monkeypatch, behind):
    script = tmp_path / "long.py"
    script.write_text("import engine as torch\nx = torch.ones(2)\nwhile True:\n    y = x + 1\n")
    real.link.launch(str(script))
    until(lambda: real.state.stop is not None)
    session, asked, done = real.link._session, [], []
    pause = session.pause
    # The first may come before the script has begun to move, and is not heard then.
    monkeypatch.setattr(session, "pause", lambda: asked.append(1) if not asked else pause())
    if behind == "another move":
        real.link.move("next", granularity="op")
    real.link.move("continue")
    real.link.work("count", lambda session: len(session.runs), done.append, "counting")
    until(lambda: done == [1] and not real.link.moving)
    assert real.state.stop["reason"] == "pause" and real.troubles == []


def test_a_process_that_cannot_be_joined_is_named(real, until):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    real.link.attach("127.0.0.1", port, "key")
    until(lambda: real.troubles)
    assert real.troubles[0].startswith(f"127.0.0.1:{port} cannot be joined: Connection refused. engine.debug.listen()")


def test_joining_what_never_answers_can_be_ended(real, until):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        real.link.attach("127.0.0.1", listener.getsockname()[1], "key")
        stranger = listener.accept()[0]
        stranger.settimeout(HANDSHAKE_TIMEOUT / 2)
        real.link.stop()
        assert stranger.recv(1) == b""  # at once, not when the time for the handshake is over
        stranger.close()
    until(lambda: real.link.quiet)
    assert real.troubles == []


def test_a_tape_that_cannot_be_written_is_told_until_it_is_again(real, two_points, until, monkeypatch):
    link, why = real.link, "the tape of this run cannot be written to /x (No space left on device)"
    mended, full = [], True
    link.mended.connect(mended.append)
    ask = link.ask

    def on_a_full_disk(key, command, arguments, then, otherwise=None, run=None):
        if command == "flushRecording" and full:
            otherwise(why)
        else:
            ask(key, command, arguments, then, otherwise, run)

    monkeypatch.setattr(link, "ask", on_a_full_disk)
    until(lambda: link.quiet)
    for number in (1, 2):
        link._write_tape()
        link._write_tape()
        assert len(real.troubles) == number and "TMPDIR" in real.troubles[-1] and len(mended) == number - 1
        if number == 2:  # a fork, say, is refused for the same reason, and told too
            link._refused(link._session, why)
            assert real.troubles.pop() == real.troubles[-1]
        full = False
        link._write_tape()
        until(lambda number=number: len(mended) == number)
        assert mended[-1] == real.troubles[-1]
        full = True
