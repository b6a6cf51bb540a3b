"""What can go wrong with a debugged process: the client is told, can go on or start again, and nothing is left behind."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from io import StringIO
from pathlib import Path

import pytest

import engine as torch
from engine import nn, trace
from engine.debug.client import Client, ConnectionLost
from engine.debug.main import flush
from engine.debug.protocol import AuthenticationError, Connection, authenticate_as_client
from engine.debug.replay.recorder import Recorder
from engine.debug.replay.recording import Recording, replace
from engine.debug.session import Session
from tests.debug.processes import PATIENCE, alive, wait_for, wait_until_gone

ROOT = Path(__file__).parents[2]

TRAINING = """
import engine as torch
from engine import nn
torch.manual_seed(0)
model = nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(STEPS):
    optimizer.zero_grad()
    model(torch.ones(3, 2)).square().mean().backward()
    optimizer.step()
    AFTER
print("done")
"""


def script(folder, steps=3, after="pass", text=TRAINING):
    path = folder / "train.py"
    path.write_text(textwrap.dedent(text).replace("STEPS", str(steps)).replace("AFTER", after))
    return path


@pytest.fixture
def session():
    sessions = []

    def start(path, **options):
        found = Session.launch(str(path), capture_output=True, **options)
        sessions.append(found)
        return found

    yield start
    for found in sessions:
        pids = [run.client.pid for run in found.runs]
        found.close()
        for pid in pids:
            assert wait_until_gone(pid), f"process {pid} is still there"


def test_a_syntax_error_is_named_with_its_line(tmp_path):
    path = tmp_path / "wrong.py"
    path.write_text("x = 1\nfor\n")
    with pytest.raises(Exception, match=r"line 2: SyntaxError"):
        Session.launch(str(path))


def test_a_missing_script(tmp_path):
    with pytest.raises(Exception, match="no such file"):
        Session.launch(str(tmp_path / "nothing.py"))


def test_an_exception_stops_where_it_was_raised_and_the_past_can_be_looked_at(session, tmp_path):
    running = session(script(tmp_path, after="1 / (2 - step)"))
    running.start()
    stop = running.step("continue")
    assert stop.reason == "exception"
    assert "division" in stop["text"]
    assert stop["line"] == 11
    assert running.request("evaluate", expression="step", frameId=0)["result"] == "2"
    back = running.step("stepBack", granularity="op")
    assert back["direction"] == "update"


def test_a_shape_error_is_an_exception_with_the_engines_message(session, tmp_path):
    running = session(script(tmp_path, after="model(torch.ones(3, 5))"))
    running.start()
    stop = running.step("continue")
    assert stop.reason == "exception"
    assert "5 features" in stop["text"]


def test_sys_exit_ends_with_its_code(session, tmp_path):
    running = session(script(tmp_path, after="import sys; sys.exit(7)"))
    running.start()
    stop = running.step("continue")
    assert (stop.reason, stop["exitCode"]) == ("end", 7)
    assert running.step("stepBack", granularity="line").reason in ("step", "replay")


def test_an_endless_loop_is_paused(session, tmp_path):
    path = tmp_path / "endless.py"
    mark = tmp_path / "reached"
    path.write_text(f"import engine\nn = 0\nwhile True:\n    n += 1\n    n == 1000 and open({str(mark)!r}, 'w').close()\n")
    running = session(path)
    running.start()
    running.current.client.request("continue")
    assert wait_for(mark.exists)
    running.pause()
    stop = running.wait(PATIENCE)
    assert stop.reason == "pause"
    assert stop["line"] in (3, 4, 5)
    assert int(running.request("evaluate", expression="n", frameId=0)["result"]) >= 1000
    assert running.step("next", granularity="line")["line"] in (3, 4, 5)


def test_a_training_that_runs_free_is_paused(session, tmp_path):
    running = session(script(tmp_path, steps=10**9))
    running.start()
    running.current.client.request("continue")
    assert wait_for(lambda: running.current.progress.get("step", 0) > 100)
    running.pause()
    stop = running.wait(PATIENCE)
    assert stop.reason == "pause"
    assert stop["step"] > 100


def test_a_request_while_it_runs_is_answered_at_the_next_event(session, tmp_path):
    running = session(script(tmp_path, steps=10**9))
    running.start()
    running.current.client.request("continue")
    assert wait_for(lambda: running.current.progress.get("step", 0) > 10)
    first = running.request("status")
    assert first["state"] == "running"
    loss = running.request("curves")["losses"].numpy()
    assert len(loss) > 10
    with pytest.raises(Exception, match="pause"):
        running.request("stackTrace")


def test_a_request_to_a_script_that_calls_no_engine_says_that_it_is_busy(session, tmp_path):
    path = tmp_path / "endless.py"
    path.write_text("import engine\nwhile True:\n    pass\n")
    running = session(path)
    running.start()
    running.current.client.request("continue")
    with pytest.raises(Exception, match="has not called the engine"):
        running.request("digest")


@pytest.mark.parametrize("death", ["os.abort()", "os.kill(os.getpid(), 9)", "os._exit(3)"])
def test_a_crash_is_reported_and_the_run_can_begin_again(session, tmp_path, death):
    running = session(script(tmp_path, after=f"import os; {death} if step == 1 else None"))
    running.start()
    stop = running.step("continue")
    assert stop.reason in ("lost", "exited")
    assert any(word in stop["description"] for word in ("signal 6", "signal 9", "code 3", "SIGABRT", "SIGKILL"))
    again = running.restart()
    assert again.reason == "entry"
    assert running.step("next")["line"] == 3


@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space as Linux does")
def test_memory_that_runs_out_is_an_exception_of_the_script(session, tmp_path):
    after = """
    import resource
    taken = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + (1 << 30), taken + (1 << 30)))
    held = [torch.zeros(1 << 26) for _ in range(100)]
    """
    running = session(script(tmp_path, after="exec(" + repr(textwrap.dedent(after)) + ")"))
    running.start()
    stop = running.step("continue", timeout=PATIENCE)
    assert stop.reason in ("exception", "lost")
    if stop.reason == "exception":
        assert "MemoryError" in stop["description"]
    assert running.restart().reason == "entry"


def test_a_client_that_vanishes_takes_its_script_with_it(tmp_path):
    path = script(tmp_path, steps=10**9)
    code = (
        "import sys, time; from engine.debug.client import Client\n"
        f"c = Client.launch({str(path)!r})\n"
        "c.request('configurationDone'); c.wait_for('stopped'); c.request('continue')\n"
        "print(c.pid, flush=True); time.sleep(100)\n"
    )
    client = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT, text=True)
    assert client.stdout is not None
    pid = int(client.stdout.readline())
    assert alive(pid)
    client.send_signal(signal.SIGKILL)
    client.wait()
    client.stdout.close()
    assert wait_until_gone(pid), "the script runs on without its client"


LISTENING = """
import sys
import engine as torch, engine.debug
from engine import nn
host, port, key = engine.debug.listen(key="secret")
print(port, flush=True)
model = nn.Linear(2, 1)
for step in range(10**9):
    model(torch.ones(3, 2)).square().mean().backward()
    if step == 3 and "wait" in sys.argv:
        engine.debug.wait_for_client()
        engine.debug.breakpoint()
        here = step
"""


@pytest.fixture
def listening(tmp_path):
    processes = []

    def start(*arguments):
        path = tmp_path / "listening.py"
        path.write_text(LISTENING)
        process = subprocess.Popen(
            [sys.executable, str(path), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT), "NABLASCOPE_QUIET": "1"},
        )  # fmt: skip
        processes.append(process)
        assert process.stdout is not None
        return process, int(process.stdout.readline())

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_attach_stop_look_and_leave_it_running(listening):
    process, port = listening()
    client = Client.attach("127.0.0.1", port, "secret")
    client.request("configurationDone")
    client.request("pause")
    stop = client.wait_for("stopped", PATIENCE)["body"]
    assert stop["line"] > 0
    assert int(client.request("evaluate", expression="step", frameId=0)["result"]) >= 0
    client.request("next", granularity="op")
    assert client.wait_for("stopped", PATIENCE)["body"]["direction"] in ("forward", "backward")
    client.close()
    time.sleep(0.3)
    assert process.poll() is None, "the process must go on without its client"
    again = Client.attach("127.0.0.1", port, "secret")
    assert again.request("status")["state"] == "running"
    again.close()


def test_nothing_is_watched_for_a_client_that_has_gone(listening):
    process, port = listening()
    for _ in range(3):
        client = Client.attach("127.0.0.1", port, "secret")
        client.request("configurationDone")
        for command in ("statistics", "diagnostics"):
            assert client.request(command)["enabled"] is False
            client.request(command, enabled=True)
        client.request("live", subscription=1, views=[])
        client.close()
        again = Client.attach("127.0.0.1", port, "secret")
        again.request("configurationDone")
        again.request("pause")
        again.wait_for("stopped", PATIENCE)
        debugger = "engine.debug.listening._listener.debuggee.debugger"
        watched = f"({debugger}.listeners, {debugger}.live.on)"
        assert again.request("evaluate", expression=watched, frameId=0)["result"] == "([], False)"
        again.close()
    assert process.poll() is None


def test_a_client_may_come_while_the_one_before_it_goes(listening):
    _, port = listening()
    client = Client.attach("127.0.0.1", port, "secret")
    for _ in range(20):
        going = threading.Timer(0.1, client.close)
        going.start()
        client = Client.attach("127.0.0.1", port, "secret")
        assert client.request("status")["state"] == "running"
        going.join()
    client.close()


def test_a_script_in_one_long_call_is_attached_to_and_stops_behind_it(tmp_path):
    path = tmp_path / "waits.py"
    path.write_text(
        "import os, sys, engine.debug\nprint(engine.debug.listen(0, 'secret').port, flush=True)\n"
        "os.read(0, 1)\nafter = 1\nafter = 2\n"
    )
    with subprocess.Popen(
        [sys.executable, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NABLASCOPE_QUIET": "1"},
    ) as process:  # fmt: skip
        assert process.stdout is not None and process.stdin is not None
        client = Client.attach("127.0.0.1", int(process.stdout.readline()), "secret")
        client.request("configurationDone")
        client.request("pause")
        assert client.request("status")["state"] == "running"
        # Longer than it takes until a script that goes on is stopped: the pause is to find it in its call.
        time.sleep(1.0)
        process.stdin.write(b"x")
        process.stdin.flush()
        assert client.wait_for("stopped", PATIENCE)["body"]["line"] in (3, 4, 5)
        client.close()


def test_wait_for_client_and_breakpoint(listening):
    _, port = listening("wait")
    client = Client.attach("127.0.0.1", port, "secret")
    client.request("configurationDone")
    stop = client.wait_for("stopped", PATIENCE)["body"]
    assert stop["reason"] == "breakpoint"
    assert client.request("evaluate", expression="step", frameId=0)["result"] == "3"
    client.close()


def test_a_wrong_key_is_refused_and_the_right_one_still_works(listening):
    process, port = listening()
    with pytest.raises(AuthenticationError):
        Client.attach("127.0.0.1", port, "wrong")
    client = Client.attach("127.0.0.1", port, "secret")
    assert client.request("status")["state"] == "running"
    client.close()
    assert process.poll() is None


@pytest.mark.parametrize(("ending", "goodbye"), [
    ("", {"reason": "ended"}),
    ("sys.exit(3)", {"reason": "ended", "exitCode": 3}),
    ("sys.exit('no data')", {"reason": "ended", "exitCode": 1, "text": "no data"}),
    ("try: sys.exit(3)\nexcept SystemExit as request: assert request.code == 3", {"reason": "ended"}),
    ("import threading\nt = threading.Thread(target=sys.exit, args=(3,))\nt.start()\nt.join()", {"reason": "ended"}),
    ("1 / 0", {"reason": "exception", "text": "ZeroDivisionError: division by zero"}),
    ("os.kill(os.getpid(), 9)", None),
])  # fmt: skip
def test_a_process_that_ends_says_goodbye(tmp_path, ending, goodbye):
    path = tmp_path / "ends.py"
    path.write_text(
        "import os, sys\nimport engine as torch, engine.debug\nprint(engine.debug.listen(0, 'secret').port, flush=True)\n"
        f"engine.debug.wait_for_client()\nengine.debug.breakpoint()\ntorch.ones(3) * 2\n{ending}\n"
    )
    with subprocess.Popen(
        [sys.executable, str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NABLASCOPE_QUIET": "1"},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        with Session.attach("127.0.0.1", int(process.stdout.readline()), "secret") as session:
            assert session.start(PATIENCE).reason in ("breakpoint", "pause", "step")
            stop = session.step("continue", PATIENCE)
            while stop.reason in ("breakpoint", "pause"):
                stop = session.step("continue", PATIENCE)
            assert session.current.client.goodbye == goodbye
            assert stop.reason == ("lost" if goodbye is None else "exited")
            for command in ("next", "stepBack"):  # nothing moves any more, and nothing is refused
                assert session.step(command, PATIENCE).reason == stop.reason
            assert stop.get("exception") == (goodbye["text"] if (goodbye or {}).get("reason") == "exception" else None)
            assert session.current.exit_code == (goodbye or {}).get("exitCode")


def test_a_goodbye_does_not_wait_for_a_client_that_does_not_read(tmp_path):
    near, far = socket.socketpair()
    with Connection(near) as connection, far:
        thread = threading.Thread(target=lambda: _fill(connection), daemon=True)
        thread.start()
        wait_for(lambda: connection._sending.locked())
        with pytest.raises(OSError):
            connection.send_last({"type": "event", "event": "terminated", "body": {}}, 0.2)
    thread.join(PATIENCE)
    assert not thread.is_alive()


def _fill(connection):
    with contextlib.suppress(OSError):
        while True:
            connection.send({"type": "event", "event": "output", "body": {"output": "x" * 100_000}})


def test_a_second_client_is_turned_away(listening):
    _, port = listening()
    first = Client.attach("127.0.0.1", port, "secret")
    with pytest.raises(ConnectionLost, match="another client is attached to the process"):
        Client.attach("127.0.0.1", port, "secret")
    assert first.request("status")["state"] == "running"
    first.close()


@pytest.mark.parametrize(
    "garbage",
    [b"\x00" * 100, b"GET / HTTP/1.1\r\n\r\n", b"Content-Length: 99999999999\r\n\r\n", b"Content-Length: 5\r\n\r\n[[[[["],
)
def test_garbage_on_the_socket_hurts_nobody(listening, garbage):
    process, port = listening()
    with socket.create_connection(("127.0.0.1", port)) as stranger:
        stranger.sendall(garbage)
        time.sleep(0.1)
    client = Client.attach("127.0.0.1", port, "secret")
    assert client.request("status")["state"] == "running"
    client.close()
    assert process.poll() is None


def test_garbage_from_a_client_that_has_the_key_ends_only_its_connection(listening):
    process, port = listening()
    sock = socket.create_connection(("127.0.0.1", port))
    connection = Connection(sock)
    authenticate_as_client(connection, "secret")
    sock.sendall(b"Content-Length: 70000000\r\n\r\n")
    while connection.receive(PATIENCE) is not None:
        pass
    connection.close()
    client = Client.attach("127.0.0.1", port, "secret")
    assert client.request("status")["state"] == "running"
    client.close()
    assert process.poll() is None


def test_an_answer_that_is_too_large_is_an_error_and_no_end(session, tmp_path):
    running = session(script(tmp_path, after="large = torch.zeros(80_000_000)"))
    running.start()
    running.request("setBreakpoints", source={"path": str(tmp_path / "train.py")}, breakpoints=[{"line": 12}])
    running.step("continue")
    with pytest.raises(Exception, match="more than"):
        running.request("tensor", reference={"expression": "large"}, maxShape=[80_000_000, 80_000_000])
    assert running.request("evaluate", expression="step", frameId=0)["result"] == "2"


def test_unknown_requests_and_arguments(session, tmp_path):
    running = session(script(tmp_path))
    running.start()
    for command, arguments, words in (
        ("fly", {}, "fly"),
        ("next", {"granularity": "parsec"}, "granularity"),
        ("evaluate", {}, "expression"),
        ("tensor", {"reference": {"event": 10**9, "name": "y"}}, "not in the history"),
        ("explain", {"reference": {"expression": "nothing"}, "index": 0}, "nothing"),
    ):
        with pytest.raises(Exception, match=words):
            running.request(command, **arguments)
    assert running.step("next")["line"] == 3


def test_json_of_a_stop_is_plain(session, tmp_path):
    running = session(script(tmp_path))
    json.dumps(running.start())


# ---------------------------------------------------------------------------------------------------- a full disk


def test_a_full_disk_does_not_end_the_script(tmp_path, monkeypatch):
    recorder = Recorder(Recording(tmp_path / "tape"), interval=0.0)
    wrote = []

    def refuse(*_):
        wrote.append(1)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.debug.replay.checkpoints.replace", refuse)
    trace.set_observer(recorder)
    try:
        model = nn.Linear(2, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            model(torch.ones(1, 2)).sum().backward()
            optimizer.step()
    finally:
        trace.set_observer(None)
    assert wrote and recorder.steps == 3


def test_what_could_not_be_written_leaves_nothing(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.debug.replay.recording.os.replace", refuse)
    with pytest.raises(OSError, match="No space"):
        replace(tmp_path / "x", b"1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stream", [None, "closed"])
def test_a_script_that_closes_its_output_ends_as_it_should(monkeypatch, stream):
    if stream is not None:
        stream = StringIO()
        stream.close()
    monkeypatch.setattr(sys, "stdout", stream)
    flush()


def test_an_exception_whose_text_cannot_be_had_is_told(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("class E(Exception):\n    def __str__(self):\n        raise ValueError('no')\nraise E()\n")
    with Session.launch(str(script), capture_output=True) as session:
        session.start(PATIENCE)
        stop = session.step("continue", PATIENCE)
    assert stop.reason == "exception" and stop["description"] == "E: (its text cannot be had: ValueError)"


@pytest.mark.parametrize("how", ["edited", "broken", "gone", "a folder"])
def test_a_breakpoint_is_set_in_the_text_that_runs_whatever_its_file_has_become(tmp_path, how):
    path = tmp_path / "script.py"
    text = "a = 1\nb = 2\nc = 3\n\nd = 4\n"
    path.write_text(text)
    with Session.launch(path) as session:
        session.start()
        path.unlink()
        if how == "a folder":
            path.mkdir()
        elif how != "gone":
            path.write_text("x = 1\n" if how == "edited" else "a = (\n")
        told = session.configure("setBreakpoints", source={"path": str(path)}, breakpoints=[{"line": 3}, {"line": 4}])
        assert [(point["verified"], point["line"]) for point in told["breakpoints"]] == [(True, 3), (True, 5)]
        assert [session.step("continue")["line"] for _ in range(2)] == [3, 5]
        assert session.request("source", path=str(path))["content"] == text


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing tells a process that holds Python's lock")
def test_a_process_in_one_long_call_ends_with_a_client_that_is_killed(tmp_path):
    hangs = tmp_path / "hangs.py"
    hangs.write_text("print('before', flush=True)\nsum(range(10 ** 12))\n")
    code = f"""
from engine.debug.client import Client
client = Client.launch({str(hangs)!r}, capture_output=True, stop_on_entry=False)
client.request("configurationDone")
client.wait_for("output")
print(client.pid, flush=True)
input()
"""
    line = [sys.executable, "-c", code]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as client:
        pid = int(client.stdout.readline())
        assert alive(pid)
        client.kill()
    assert wait_until_gone(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="descriptors are counted in /proc")
def test_processes_that_have_ended_leave_no_descriptors(tmp_path):
    path = script(tmp_path)

    def run_once():
        with Client.launch(path, capture_output=True) as client:
            return client

    kept = [run_once()]
    before = len(os.listdir("/proc/self/fd"))
    kept.append(run_once())
    assert len(os.listdir("/proc/self/fd")) == before
