"""The process of a debuggee, as seen by the client that started it: spawn, read its output, end it, say how it ended."""

from __future__ import annotations

import codecs
import os
import re
import signal
import subprocess
import sys
import sysconfig
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

#: The folder that holds the package ``engine`` that this file belongs to.
ROOT = Path(__file__).resolve().parents[3]

#: Environment variable that hands the key to the debuggee; it takes it out at once.
KEY_VARIABLE = "NABLASCOPE_KEY"

#: Environment variable that names the descriptor of a pipe whose other end this process holds as long as it lives.
LIFELINE_VARIABLE = "NABLASCOPE_LIFELINE"

_POSIX = os.name == "posix"
#: Characters of what it wrote to stderr last that are told; and that are kept, among them the stack of a crash.
_TAIL, _KEPT = 4000, 40_000

#: How the stack begins that Python writes when a signal ends it (``faulthandler``), and a frame of it.
_CRASH, _FRAME = "Fatal Python error: ", re.compile(r'^  File "(.+)", line (\d+) in ', re.MULTILINE)

_SIGNALS = {
    "SIGKILL": "most likely for lack of memory",
    "SIGSEGV": "an invalid memory access, or a recursion without end",
    "SIGBUS": "an invalid memory access",
    "SIGABRT": "it aborted itself",
    "SIGILL": "an instruction that this processor lacks",
    "SIGFPE": "an integer division by zero in native code",
    "SIGTERM": "somebody asked it to end",
}
_WINDOWS_CODES = {0xC0000005: "an invalid memory access", 0xC00000FD: "a stack overflow", 0xC0000409: "it aborted itself"}


def exit_words(code: int) -> str:
    """How a process ended, in words: ``"killed by signal 9 (SIGKILL: most likely for lack of memory)"``."""
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            return f"killed by signal {-code}"
        hint = _SIGNALS.get(name)
        return f"killed by signal {-code} ({name}{f': {hint}' if hint else ''})"
    if hint := _WINDOWS_CODES.get(code & 0xFFFFFFFF):
        return f"ended with exit code {code:#x} ({hint})"
    return f"ended with exit code {code}"


class Process:
    """A child in a process group of its own, which ends with it.

    Args:
        command: program and arguments.
        key: the secret of the connection, handed over in the environment.
        on_output: if given, called with (``"stdout"`` or ``"stderr"``, text) from two threads, for whatever it
            writes; otherwise it writes where this process writes.
    """

    def __init__(self, command: Sequence[str], key: str, on_output: Callable[[str, str], object] | None = None) -> None:
        pipe = subprocess.PIPE if on_output else None
        lifeline, self._lifeline = os.pipe() if sys.platform == "linux" else (-1, -1)
        # Started in ROOT, not in the user's folder: -m looks there first, and a folder named engine may lie in it.
        try:
            self.popen = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=_environment(key, lifeline), cwd=ROOT,
                start_new_session=_POSIX, creationflags=0 if _POSIX else subprocess.CREATE_NEW_PROCESS_GROUP,  # type: ignore[attr-defined]
                pass_fds=[lifeline] if lifeline >= 0 else (),
            )  # fmt: skip
        except BaseException:
            _close(self._lifeline)
            raise
        finally:
            _close(lifeline)
        self._tail = ""
        self._reaping = threading.Lock()
        #: Should this process end while a thread is still busy ending the child, nothing of it may stay.
        self._finalizer = weakref.finalize(self, _kill_group, os.getpid(), self.popen, self._lifeline)
        self._readers = []
        for category, stream in (("stdout", self.popen.stdout), ("stderr", self.popen.stderr)):
            if on_output and stream:
                arguments = (stream, category, on_output)
                reader = threading.Thread(target=self._read, args=arguments, daemon=True, name=f"debuggee {category}")
                self._readers.append(reader)
                reader.start()

    def _read(self, stream: IO[bytes], category: str, on_output: Callable[[str, str], object]) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        with stream:
            while data := os.read(stream.fileno(), 65536):
                if text := decoder.decode(data):
                    if category == "stderr":
                        self._tail = (self._tail + text)[-_KEPT:]
                    on_output(category, text)

    def poll(self) -> int | None:
        """Its exit code, or None while it runs. What is left of its process group is killed when it has ended."""
        with self._reaping:
            if self.popen.returncode is None and hasattr(os, "waitid"):
                # Look without reaping: as long as the child is a zombie nobody else can get its group's number.
                try:
                    ended = os.waitid(os.P_PID, self.popen.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
                except ChildProcessError:  # somebody else has reaped it; Popen knows how to live with that
                    return self.popen.poll()
                if ended is None:
                    return None
                self._signal_group("SIGKILL")
            code = self.popen.poll()
            if code is not None:
                self._finalizer()
            return code

    def wait(self, timeout: float) -> int | None:
        """Its exit code, or None if it still runs after ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        pause = 0.002
        while (code := self.poll()) is None and time.monotonic() < deadline:
            time.sleep(pause)
            pause = min(2 * pause, 0.05)
        return code

    @property
    def halted(self) -> bool:
        """Whether a signal has halted it (SIGSTOP), and none has let it go on."""
        with self._reaping:
            if self.popen.returncode is None and hasattr(os, "waitid"):
                with suppress(ChildProcessError):  # somebody else has reaped it
                    return os.waitid(os.P_PID, self.popen.pid, os.WSTOPPED | os.WNOWAIT | os.WNOHANG) is not None
        return False

    def resume(self) -> None:
        """Let it go on where it is halted."""
        self._signal_group("SIGCONT")

    def end(self, grace: float) -> int | None:
        """Make sure that it has ended: wait ``grace`` seconds, then ask it to end, then kill it. Its exit code."""
        code = self.wait(grace)
        for name in ("SIGTERM", "SIGKILL"):
            if code is None:
                self._signal_group(name)
                code = self.wait(1.0)
        if threading.current_thread() not in self._readers:
            self.join_readers()
        return code

    def kill(self) -> int | None:
        """End it at once, also where it hangs or has been halted. Its exit code."""
        if self.poll() is None:
            self._signal_group("SIGKILL")
        return self.wait(1.0)

    def _signal_group(self, name: str) -> None:
        with suppress(OSError):
            if _POSIX:
                os.killpg(self.popen.pid, getattr(signal, name))
            elif name == "SIGTERM":
                self.popen.terminate()
            else:
                self.popen.kill()

    def join_readers(self) -> None:
        """Wait until its output has been read, as far as that ends soon."""
        for reader in self._readers:
            reader.join(1.0)

    def words(self) -> str:
        """How it ended, with the end of what it wrote to stderr where that was captured."""
        code = self.poll()
        if code is None:
            return "its process still runs"
        self.join_readers()
        tail, crash, stack = self._tail.partition(_CRASH)
        tail = tail[-_TAIL:].strip()
        was, where = ("was ", _place(stack) if crash else "") if code < 0 else ("", "")
        return f"its process {was}{exit_words(code)}{where}" + (f"; its last words:\n{tail}" if tail and code else "")


def _place(stack: str) -> str:
    """Where the user's code was, innermost call first in ``stack``: ``" at line 7 of script.py"``; "" where it was not."""
    paths = sysconfig.get_paths()
    folders = [str(ROOT / "engine"), *(paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))]
    foreign = ("<", *(os.path.join(folder, "") for folder in folders))
    found = next((frame for frame in _FRAME.finditer(stack) if not frame[1].startswith(foreign)), None)
    return f" at line {found[2]} of {found[1]}" if found else ""


def _kill_group(creator: int, popen: subprocess.Popen[bytes], lifeline: int) -> None:
    if os.getpid() != creator:
        return
    if popen.returncode is None:
        with suppress(OSError):
            if _POSIX:
                os.killpg(popen.pid, signal.SIGKILL)
            else:
                popen.kill()
    _close(lifeline)


def _close(descriptor: int) -> None:
    if descriptor >= 0:
        os.close(descriptor)


def _environment(key: str, lifeline: int) -> dict[str, str]:
    """This process's environment with the key, the lifeline, and a PYTHONPATH that finds this very ``engine`` first."""
    environment = dict(os.environ)
    paths = [os.path.abspath(path) for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *paths])
    environment[KEY_VARIABLE] = key
    if lifeline >= 0:
        environment[LIFELINE_VARIABLE] = str(lifeline)
    environment.setdefault("PYTHONIOENCODING", "utf-8:backslashreplace")
    return environment
