"""The client against a small debuggee that answers, fails, dies, hangs or talks nonsense as it is told."""

import gc
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from engine.debug.client import Client, ConnectionLost, RequestError
from engine.debug.protocol import AuthenticationError, Connection, VersionError, authenticate_as_server, event, response
from engine.debug.wire.process import Process, exit_words
from tests.debug.processes import PATIENCE, wait_for

ROOT = Path(__file__).parents[2]
posix = pytest.mark.skipif(os.name != "posix", reason="signals and process groups")

FAKE = '''
import os, signal, socket, subprocess, sys, time
from engine.debug.protocol import *

mode = os.environ.get("FAKE_MODE", "")
key = os.environ.pop("NABLASCOPE_KEY")
if mode == "dies early":
    sys.exit("cannot start: no such thing")
if mode == "never connects":
    time.sleep(60)
port = int(sys.argv[sys.argv.index("--connect") + 1])
connection = Connection(socket.create_connection(("127.0.0.1", port)))
if mode == "other version":
    connection.send(event("challenge", {"version": 99, "nonce": "a" * 64, "name": "", "pid": 1}))
    time.sleep(60)
authenticate_as_server(connection, key, "fake")
while (message := connection.receive()) is not None:
    command, arguments = message["command"], message["arguments"]
    check_request(message)
    if command == "launch":
        if not os.path.exists(arguments["program"]):
            connection.send(error_response(message, "failed", "there is no such script"))
            continue
        connection.send(response(message, {"cwd": os.getcwd(), "path": sys.path[0]}))
        if mode != "never ready":
            connection.send(event("initialized"))
    elif command == "evaluate":
        what = arguments["expression"]
        if what == "abort":
            os.abort()
        elif what == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif what.startswith("exit"):
            print("my last words", file=sys.stderr, flush=True)
            os._exit(int(what[4:]))
        elif what == "hang":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            while True:
                time.sleep(1)
        elif what == "garbage":
            connection._socket.sendall(b"this is no message at all")
            time.sleep(60)
        elif what == "silence":
            continue
        elif what == "child":
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
            connection.send(response(message, {"result": str(child.pid), "variablesReference": 0}))
        elif what == "print":
            print("out: \\u2207", flush=True)
            print("err", file=sys.stderr, flush=True)
            connection.send(response(message, {"result": "", "variablesReference": 0}))
        elif what == "environment":
            connection.send(response(message, {"result": os.environ.get("NABLASCOPE_KEY", "none"), "variablesReference": 0}))
        else:
            connection.send(response(message, {"result": repr(eval(what)), "variablesReference": 0}))
    elif command == "continue":
        connection.send(response(message))
        for step in range(5):
            connection.send(event("progress", {"step": step, "epoch": 0, "batch": step}))
        connection.send(event("stopped", {"reason": "step", "position": [1, 0, 0], "level": "line", "live": True}))
    elif command == "goto":
        connection.send(error_response(message, "beyondHistory", "That is too long ago.", before=[3, 0, 0], level="op"))
    elif command == "disconnect":
        connection.send(response(message))
        sys.exit(0)
'''


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """launch(mode, **options): a client of the fake debuggee; all of them are closed at the end."""
    script = tmp_path / "fake_debuggee.py"
    script.write_text(FAKE)
    program = tmp_path / "train.py"
    program.write_text("print('hello')\n")
    clients = []

    def launch(mode="", program=program, **options):
        monkeypatch.setenv("FAKE_MODE", mode)
        client = Client.launch(program, command=(str(script),), **{"timeout": PATIENCE, **options})
        clients.append(client)
        return client

    yield launch
    for client in clients:
        client.close()


def gone(pid):
    """Whether a process is neither running nor a zombie, at the latest after a while."""

    def is_gone():
        try:
            os.kill(pid, 0)
            state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
        except ProcessLookupError:
            return True
        except FileNotFoundError:
            return os.path.isdir("/proc/self")
        return state == "Z" and int(parent) != os.getpid()  # dead; reaping it is up to others, and some containers don't

    return wait_for(is_gone)


def evaluate(client, expression, timeout=PATIENCE):
    return client.request("evaluate", timeout, expression=expression)["result"]


# ------------------------------------------------------------------------------------------------ talking


def test_launch_ask_and_close(fake):
    before = threading.active_count()
    client = fake()
    assert client.name == "fake" and client.pid != os.getpid() and client.launched and client.lost is None
    assert evaluate(client, "6 * 7") == "42"
    assert evaluate(client, "environment") == "none"
    client.close()
    assert client.exit_code == 0 and threading.active_count() == before
    client.close()
    with pytest.raises(ConnectionLost, match="the client has closed"):
        evaluate(client, "1")


def test_the_debuggee_starts_beside_the_engine_not_in_the_users_folder(fake, tmp_path):
    (tmp_path / "engine").mkdir()
    client = fake(cwd=tmp_path, program="train.py")
    assert Path(evaluate(client, "os.getcwd()").strip("'")) == ROOT
    assert evaluate(client, "sys.modules['engine'].__file__").strip("'") == str(ROOT / "engine" / "__init__.py")


def test_errors_carry_their_id_and_details(fake):
    with pytest.raises(RequestError, match="too long ago") as caught:
        fake().request("goto", seq=1)
    assert caught.value.id == "beyondHistory"
    assert caught.value.error == {"id": "beyondHistory", "before": [3, 0, 0], "level": "op"}


def test_a_launch_that_is_refused_leaves_nothing(fake, tmp_path):
    before = threading.active_count()
    with pytest.raises(RequestError, match="no such script"):
        fake(program=tmp_path / "missing.py")
    assert threading.active_count() == before


def test_arguments_that_are_none_are_left_out(fake):
    assert fake().request("evaluate", PATIENCE, expression="1", frameId=None)["result"] == "1"


def test_events_wait_in_order(fake):
    client = fake()
    client.request("continue")
    stopped = client.wait_for("stopped", PATIENCE)
    assert stopped["body"]["reason"] == "step"
    assert client.next_event(PATIENCE)["body"]["step"] == 4  # of reports on progress only the newest is kept
    assert client.drain() == []
    with pytest.raises(TimeoutError, match="no 'stopped' or 'terminated' within 0.01 seconds"):
        client.wait_for(("stopped", "terminated"), 0.01)
    with pytest.raises(TimeoutError):
        client.next_event(0.01)


def test_on_event_sees_events_first_and_may_keep_them(fake, caplog):
    seen = []

    def watch(message):
        seen.append(message["event"])
        if message["event"] == "stopped":
            raise ZeroDivisionError("a mistake in the callback")
        return message["event"] == "progress"

    client = fake(on_event=watch)
    client.request("continue")
    client.wait_for("stopped", PATIENCE)
    assert seen == ["initialized", *["progress"] * 5, "stopped"] and client.drain() == []
    assert "a mistake in the callback" in caplog.text


def test_several_threads_may_ask_at_once(fake):
    client = fake()
    results = {}
    threads = [
        threading.Thread(target=lambda i=i: results.update({i: [evaluate(client, f"{i} + {j}") for j in range(5)]}))
        for i in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {i: [str(i + j) for j in range(5)] for i in range(5)}


def test_a_request_without_answer_times_out_and_the_next_one_works(fake):
    client = fake()
    with pytest.raises(TimeoutError, match=r"evaluate: no answer within 0\.05 seconds"):
        evaluate(client, "silence", 0.05)
    assert evaluate(client, "2") == "2"


def test_output_arrives_as_events(fake):
    client = fake(capture_output=True)
    evaluate(client, "print")
    written = {"stdout": "", "stderr": ""}
    while not all(text.endswith("\n") for text in written.values()):  # it may come in pieces
        body = client.wait_for("output", PATIENCE)["body"]
        written[body["category"]] += body["output"]
    assert {name: text.strip() for name, text in written.items()} == {"stdout": "out: ∇", "stderr": "err"}


# ------------------------------------------------------------------------------------------------ losing it


@posix
@pytest.mark.parametrize(("what", "words"), [
    ("abort", r"killed by signal 6 \(SIGABRT: it aborted itself\)"),
    ("kill", r"killed by signal 9 \(SIGKILL: most likely for lack of memory\)"),
    ("exit3", r"exit code 3; its last words:\nmy last words"),
    ("exit0", r"exit code 0$"),
    ("garbage", "no message: a message must begin with 'Content-Length: ', not with b'this is no"),
])  # fmt: skip
def test_a_lost_debuggee_is_described(fake, what, words):
    client = fake(capture_output=True)
    with pytest.raises(ConnectionLost, match=words):
        evaluate(client, what)
    with pytest.raises(ConnectionLost, match=words):
        client.wait_for("stopped", PATIENCE)
    with pytest.raises(ConnectionLost, match=words):
        evaluate(client, "1")
    assert client.lost


@posix
def test_events_before_the_loss_are_still_had(fake):
    client = fake()
    client.request("continue")
    with pytest.raises(ConnectionLost):
        evaluate(client, "exit1")
    assert client.wait_for("stopped", PATIENCE)["event"] == "stopped"


def test_a_child_that_dies_early_is_described(fake):
    with pytest.raises(ConnectionLost, match=r"(?s)before it connected.*exit code 1.*cannot start: no such thing"):
        fake("dies early", capture_output=True)


@pytest.mark.parametrize("mode", ["never connects", "never ready"])
def test_a_child_that_is_not_ready_in_time_is_given_up(fake, mode):
    before = threading.enumerate()
    with pytest.raises(ConnectionLost, match=r"in time|not ready within"):
        fake(mode, timeout=1.0)
    assert [thread.name for thread in threading.enumerate() if thread not in before] == []


def test_a_child_of_another_version_is_named(fake):
    with pytest.raises(VersionError, match="99"):
        fake("other version")


# ------------------------------------------------------------------------------------------------ ending it


@posix
def test_close_ends_a_debuggee_that_hangs_and_its_children(fake):
    client = fake()
    child = int(evaluate(client, "child").strip("'"))
    with pytest.raises(TimeoutError):
        evaluate(client, "hang", 0.2)
    client.close()
    assert client.exit_code == -signal.SIGKILL
    assert gone(client.pid) and gone(child)


@posix
def test_children_end_with_a_debuggee_that_ends_by_itself(fake):
    client = fake()
    child = int(evaluate(client, "child").strip("'"))
    with pytest.raises(ConnectionLost):
        evaluate(client, "exit0")
    assert gone(client.pid) and gone(child)


@posix
def test_a_client_that_is_forgotten_ends_its_debuggee(fake, tmp_path):
    client = Client.launch(tmp_path / "train.py", command=(str(tmp_path / "fake_debuggee.py"),), timeout=PATIENCE)
    pid = client.pid
    del client
    gc.collect()
    assert gone(pid)


@posix
def test_a_program_that_ends_without_closing_ends_its_debuggee(fake, tmp_path):
    code = f"""
from engine.debug.client import Client
client = Client.launch({str(tmp_path / "train.py")!r}, command=({str(tmp_path / "fake_debuggee.py")!r},), timeout={PATIENCE})
print(client.pid, flush=True)
raise SystemExit(5)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=PATIENCE)
    assert done.returncode == 5, done.stderr
    assert gone(int(done.stdout)) and done.stderr == ""


def test_sockets_are_closed(fake, recwarn):
    client = fake(capture_output=True)
    client.close()
    del client
    gc.collect()
    assert [str(w.message) for w in recwarn if issubclass(w.category, ResourceWarning)] == []


# ------------------------------------------------------------------------------------------------ others who connect


def test_whoever_else_connects_is_sent_away(tmp_path, monkeypatch, caplog):
    """Somebody without the key comes first, talks nonsense or pretends to be the debuggee; then the right one comes."""
    script = tmp_path / "fake_debuggee.py"
    strangers = '''
import os, socket, sys
from engine.debug.protocol import *
port = int(sys.argv[sys.argv.index("--connect") + 1])
first = socket.create_connection(("127.0.0.1", port))
first.sendall(b"GET / HTTP/1.1\\r\\n\\r\\n")
second = Connection(socket.create_connection(("127.0.0.1", port)))
try:
    authenticate_as_server(second, "some other key", "stranger")
except AuthenticationError:
    pass
'''
    script.write_text(strangers + FAKE)
    (tmp_path / "train.py").write_text("")
    monkeypatch.setenv("FAKE_MODE", "")
    with Client.launch(tmp_path / "train.py", command=(str(script),), timeout=PATIENCE) as client:
        assert client.name == "fake" and evaluate(client, "1") == "1"
    assert len([r for r in caplog.records if "sent away" in r.message]) == 2


def test_a_process_that_ends_in_its_handshake_is_nobody_else(tmp_path, caplog):
    script = tmp_path / "ends.py"
    script.write_text(
        "import os, socket, sys\nsocket.create_connection(('127.0.0.1', int(sys.argv[sys.argv.index('--connect') + 1])))\n"
        "os._exit(3)\n"
    )
    (tmp_path / "train.py").write_text("")
    with pytest.raises(ConnectionLost, match="ended before it connected: .*3"):
        Client.launch(tmp_path / "train.py", command=(str(script),), timeout=PATIENCE)
    assert not caplog.records


@pytest.fixture
def listening():
    """A process that listens, played by a thread: answers one request 'status', then notes what disconnect said."""
    heard = []

    def serve(listener):
        sock, _ = listener.accept()
        with Connection(sock) as connection:
            try:
                authenticate_as_server(connection, "secret", "listener")
            except AuthenticationError as error:
                heard.append(error)
                return
            connection.send(event("initialized"))
            while (message := connection.receive()) is not None:
                heard.append((message["command"], message["arguments"]))
                connection.send(response(message, {"state": "running"}))
                connection.send(event("continued"))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield listener.getsockname()[1], heard
        thread.join(PATIENCE)


def test_attach_and_leave_it_running(listening):
    port, heard = listening
    with Client.attach("127.0.0.1", port, "secret") as client:
        assert client.name == "listener" and not client.launched and client.exit_code is None
        assert client.request("status")["state"] == "running"
    assert heard == [("status", {}), ("disconnect", {"terminateDebuggee": False})]


def test_attach_with_the_wrong_key(listening):
    port, heard = listening
    with pytest.raises(AuthenticationError, match="the key is wrong"):
        Client.attach("127.0.0.1", port, "guess")
    assert isinstance(heard[0] if heard else AuthenticationError(), AuthenticationError)


def test_attach_where_nothing_listens():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(OSError):
        Client.attach("127.0.0.1", port, "secret")


# ------------------------------------------------------------------------------------------------ processes


def test_words_for_exit_codes():
    assert exit_words(0) == "ended with exit code 0"
    assert exit_words(-99) == "killed by signal 99"
    assert exit_words(0xC0000005) == "ended with exit code 0xc0000005 (an invalid memory access)"
    if os.name == "posix":
        assert exit_words(-11) == "killed by signal 11 (SIGSEGV: an invalid memory access, or a recursion without end)"


def test_output_in_odd_pieces_is_decoded():
    got = []
    code = (
        "import sys, time; out = sys.stdout.buffer; out.write('∇'.encode()[:2]); out.flush(); time.sleep(0.1); "
        r"out.write('∇'.encode()[2:] + b'\xff')"
    )
    process = Process([sys.executable, "-c", code], "key", lambda *what: got.append(what))
    assert process.end(PATIENCE) == 0
    assert {category for category, _ in got} == {"stdout"} and "".join(text for _, text in got) == "∇\ufffd"
