"""Whole sessions at the terminal, with real processes: scripted ones, faults of scripts, and one on a pseudo-terminal."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from tests.debug.processes import PATIENCE, wait_for

ROOT = Path(__file__).resolve().parents[2]
CLASSIFY = Path(__file__).parent / "sessions" / "classify.py"


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "engine", "debug", *map(str, arguments)]


def session(tmp_path: Path, commands: str, script: Path = CLASSIFY, *arguments: str) -> subprocess.CompletedProcess:
    """Carry out a scripted session."""
    file = tmp_path / "commands.txt"
    file.write_text(commands)
    environment = dict(os.environ, TMPDIR=str(tmp_path))
    line = command("--commands", file, *arguments, script)
    return subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240)


def passes(tmp_path: Path, commands: str, script: Path = CLASSIFY, *arguments: str, code: int = 0) -> str:
    """Carry out a session that must succeed and leave nothing behind; what it printed."""
    done = session(tmp_path, commands, script, *arguments)
    assert done.returncode == code, done.stdout + done.stderr
    assert not list(tmp_path.glob("nablascope-*"))
    return done.stdout


def script(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "script.py"
    path.write_text(text)
    return path


def test_steps_levels_and_numbers(tmp_path):
    out = passes(
        tmp_path,
        """
        b op Linear forward in fc2
        c
        expect forward Linear "fc2" → y (8, 3)
        assert tuple(y.shape) == (8, 3)
        explain y[0, 1]
        expect the kernel agrees
        into y[0, 1]
        element 4
        expect total =
        tensor fc1.weight[0]
        expect fc1.weight (8, 4) float32
        hist y 4
        cl
        op
        expect forward CrossEntropy
        back op
        expect past
        expect forward Linear "fc2"
        run until step 2
        expect step 2
        batch
        expect batch 2 of loader
        w
        expect classify.py:36
        curve
        """,
    )
    assert "Traceback" not in out


def test_time_travel_beyond_the_history_and_resuming(tmp_path):
    out = passes(
        tmp_path,
        """
        run until step 12
        digest
        b 40
        c
        cl
        goto 20
        expect step 2
        back op
        run until step 12
        digest
        c
        expect the script has ended with exit code 0
        back batch
        expect batch 3 of loader
        """,
    )
    digests = [line for line in out.splitlines() if len(line) == 32 and all(c in "0123456789abcdef" for c in line)]
    assert len(digests) == 2 and digests[0] == digests[1]


def test_forks_differ_where_they_were_changed(tmp_path):
    passes(
        tmp_path,
        """
        b op Linear forward in fc2
        c
        c
        cl
        set y[0, 1] = 5
        op
        tensor x[0, 1]
        expect 5
        run until step 4
        run 1
        run until step 4
        compare
        expect the loss first differs at step 1
        expect first difference: forward Linear
        expect y[0, 1]: -0.18
        expect and 5
        freeze fc1.weight
        assert not model.fc1.weight.requires_grad and model.fc1.bias.requires_grad
        set optimizer.param_groups[0]["lr"] = 0.5
        assert optimizer.param_groups[0]["lr"] == 0.5
        run 1
        assert model.fc1.weight.requires_grad and optimizer.param_groups[0]["lr"] == 0.1
        set labels[2] = 0
        assert int(labels[2]) == 0
        """,
    )


def test_parameters_and_restart(tmp_path):
    passes(
        tmp_path,
        """
        run until step 1
        digest
        restart
        set parameters learning_rate = 0.5
        run until step 2
        assert learning_rate == 0.5
        run 1
        run until step 2
        compare 1 2
        expect the loss first differs at step 1
        expect update
        """,
        CLASSIFY, "-p", "epochs=2",
    )  # fmt: skip


def test_the_same_weights_after_a_restart(tmp_path):
    out = passes(tmp_path, "run until step 1\ndigest\nrestart\nrun until step 1\ndigest\n")
    lines = out.splitlines()
    digests = [lines[i + 1] for i, line in enumerate(lines) if line == "(nabla) digest"]
    assert len(digests) == 2 and digests[0] == digests[1]


@pytest.mark.parametrize(
    ("text", "commands", "code"),
    [
        ("raise ValueError('bad luck')", "c\nexpect ValueError: bad luck\nw\nexpect script.py:4\nback op\nexpect past", 1),
        ("raise ValueError('bad luck')", "catch uncaught off\nexpect uncaught exceptions: off\nc\nexpect exit code 1", 1),
        ("try:\n    int('x')\nexcept ValueError:\n    pass",
         "catch raised\nc\nexpect ValueError: invalid literal\nw\nexpect script.py:5\nc\nexpect exit code 0", 0),
        ("import sys\nsys.exit(7)", "c\nexpect exit code 7", 7),
        ("import os\nos.abort()", "c\nexpect is lost\nrestart\nexpect script.py:1\nop\nexpect forward", 0),
        ("z = bytearray(1 << 50)", "c\nexpect MemoryError", 1),
        ("print('all is well')", "c\nexpect exit code 0\nback op\nexpect past\nexpect forward Mul", 0),
    ],
)
def test_faults_of_scripts(tmp_path, text, commands, code):
    path = script(tmp_path, f"import engine as torch\nx = torch.ones(3)\ny = x * 2\n{text}\n")
    passes(tmp_path, commands, path, code=code)


def test_a_gpu_that_is_not_there_is_told_where_the_script_asks_for_it(tmp_path):
    hidden = "import os\nos.environ['CUDA_VISIBLE_DEVICES'] = ''\nimport engine as torch\n"
    path = script(tmp_path, f"{hidden}def there():\n    return torch.ones(3).to('cuda')\nthere()\n")
    commands = "c\nexpect DeviceError: cuda: \nexpect Without a GPU use device='cpu'\nw\nexpect script.py:5 there\nup\n"
    commands += "expect script.py:6 <module>\nup || continue\nexpect <module> is the outermost\n"
    # The exit code is the script's, which an exception has ended.
    passes(tmp_path, commands, path, code=1)
    done = session(tmp_path, "c\nup\nup\necho never\n", path)
    assert done.returncode == 1 and "*** <module> is the outermost frame" in done.stdout and "never" not in done.stdout


def test_a_syntax_error_is_told(tmp_path):
    done = session(tmp_path, "c", script(tmp_path, "if x\n  y\n"))
    assert done.returncode == 2
    assert "line 1: SyntaxError" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_first_failure_ends_a_scripted_session(tmp_path):
    done = session(tmp_path, "assert 1 == 1\nassert 1 == 2\necho never\n")
    assert done.returncode == 1
    assert "assertion failed: 1 == 2" in done.stdout
    assert "never" not in done.stdout


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a pseudo-terminal")
def test_ctrl_c_pauses_and_ctrl_d_quits(tmp_path):
    mark = tmp_path / "reached"
    loop = f"while True:\n    i += 1\n    if i == 101:\n        open({str(mark)!r}, 'w').close()\n"
    path = script(tmp_path, "import engine as torch\ny = torch.ones(3) * 2\ni = 0\n" + loop)
    terminal = Terminal(command(path), dict(os.environ, TERM="xterm", NO_COLOR="1", XDG_STATE_HOME=str(tmp_path)))
    try:
        assert "script.py:1" in terminal.until("(nabla) ")
        terminal.send("c\r")
        assert wait_for(mark.exists)
        terminal.send("\x03")
        assert "pause" in terminal.until("(nabla) ")
        terminal.send("p i > 100\r")
        assert "True" in terminal.until("(nabla) ")
        terminal.send("\x04")
        assert terminal.wait() == 0
    finally:
        terminal.end()
    assert (tmp_path / "nablascope" / "history").read_text().splitlines()[-1] == "p i > 100"


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs POSIX signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT", "SIGKILL"])
def test_no_orphan_stays(tmp_path, name):
    (tmp_path / "temporary").mkdir()
    note = f"import os\nopen({str(tmp_path / 'pid')!r}, 'w').write(f'{{os.getpid()}}.')\n"
    path = script(tmp_path, note + "while True:\n    pass\n")
    file = tmp_path / "commands.txt"
    file.write_text("c\necho never\n")
    environment = dict(os.environ, TMPDIR=str(tmp_path / "temporary"))
    line = command("--commands", file, path)
    with subprocess.Popen(line, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as terminal:
        assert wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().endswith("."))
        terminal.send_signal(getattr(signal, name))
        out, _ = terminal.communicate(timeout=PATIENCE)
    pid = int((tmp_path / "pid").read_text().rstrip("."))
    assert wait_for(lambda: not alive(pid))
    assert "never" not in out and terminal.returncode != 0
    if name != "SIGKILL":
        assert not list((tmp_path / "temporary").iterdir())


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class Terminal:
    """A process on a pseudo-terminal."""

    def __init__(self, line: list[str], environment: dict[str, str]) -> None:
        import pty

        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(ROOT)
            os.execve(line[0], line, environment)

    def send(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def until(self, text: str, timeout: float = PATIENCE) -> str:
        """What it writes up to ``text``."""
        found, end = "", time.monotonic() + timeout
        while text not in found and time.monotonic() < end:
            if select.select([self.fd], [], [], 0.2)[0]:
                found += os.read(self.fd, 65536).decode(errors="replace")
        assert text in found, found
        return found

    def wait(self, timeout: float = PATIENCE) -> int | None:
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    os.read(self.fd, 65536)
                except OSError:
                    time.sleep(0.05)
        return None

    def end(self) -> None:
        if self.pid:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


def test_attach_pauses_steps_and_leaves_the_process_alone(tmp_path):
    text = """
        import sys
        import engine as torch
        import engine.debug
        address = engine.debug.listen(key="secret")
        print(address.port, flush=True)
        engine.debug.wait_for_client()
        x = torch.ones(3)
        for i in range(int(1e9)):
            y = x * 2
            if i > 100 and not engine.debug.is_client_connected():
                sys.exit(5)
    """
    path = script(tmp_path, textwrap.dedent(text))
    commands = tmp_path / "commands.txt"
    commands.write_text(
        "op 2\nexpect forward Mul\nassert float(y[0]) == 2\nback op\nexpect past\nrestart || continue\nfork || continue\n"
    )
    program = [sys.executable, path]
    with subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=_with_root()) as listening:
        assert listening.stdout is not None
        port = listening.stdout.readline().strip()
        line = [sys.executable, "-m", "engine", "attach", "--commands", str(commands), f"127.0.0.1:{port}"]
        wrong, done = [
            subprocess.run(
                line, cwd=ROOT, env=_with_root(NABLASCOPE_KEY=key), capture_output=True, text=True, timeout=PATIENCE
            )
            for key in ("guess", "secret")
        ]
        assert wrong.returncode == 1 and "key" in wrong.stderr
        assert done.returncode == 0, done.stdout + done.stderr
        assert "was attached to, not launched" in done.stdout and "keeps no recording" in done.stdout
        assert listening.wait(PATIENCE) == 5


def _with_root(**more: str) -> dict[str, str]:
    return dict(os.environ, PYTHONPATH=str(ROOT), **more)
