"""``nablascope debug`` and ``nablascope attach``: the debugger at the terminal."""

from __future__ import annotations

import getpass
import io
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

import engine.cli.terminal.breaking
import engine.cli.terminal.looking
import engine.cli.terminal.moving
import engine.cli.terminal.session_commands
import engine.cli.terminal.tensors
import engine.cli.terminal.what_if  # noqa: F401  (importing them fills the table of commands)
from engine.cli.main import PROGRAM
from engine.cli.terminal import completion
from engine.cli.terminal.shell import Shell
from engine.cli.terminal.text import Style
from engine.debug.protocol import AuthenticationError, VersionError
from engine.debug.session import ConnectionLost, RequestError, Run, Session, SessionError

#: Exit codes: a scripted session failed; the command line cannot be used.
FAILED = 1
USAGE_ERROR = 2

_LAST_PORT = 65535

#: At the end of a line of a scripted session: its failure does not end the session.
_GO_ON = "|| continue"


def debug_command(
    file: str,
    arguments: Sequence[str] = (),
    *,
    parameters: Sequence[str] = (),
    as_torch: bool = False,
    threads: int | None = None,
    commands: str | None = None,
) -> int:
    """Debug the script ``file``; the script's exit code where it has ended, 1 where ``commands`` failed, 2 for bad usage.

    Args:
        file, arguments, parameters, as_torch, threads: as of :func:`engine.cli.run.run_command`.
        commands: a file of commands, one a line, to be carried out instead of asking the user; ``"-"``: standard input.
    """
    lines = None
    if commands is not None:
        lines = _read_commands(commands)
        if lines is None:
            return USAGE_ERROR
    if os.path.isdir(file) or not os.path.exists(file):
        return _refuse(f"debug: {file}: {'is a folder; name a script in it' if os.path.isdir(file) else 'no such file'}")
    heard: list[Shell] = []
    try:
        session = Session.launch(
            os.path.abspath(file), arguments, parameters=parameters, as_torch=as_torch, threads=threads,
            capture_output=True, on_event=_to(heard), spare=lines is None and sys.stdin.isatty(),
        )  # fmt: skip
    except RequestError as error:
        return _refuse(f"debug: {error}")
    except ConnectionLost as error:
        return _refuse(f"debug: the script's process could not be started: {error}", FAILED)
    except OSError as error:  # no room for its tapes
        return _refuse(f"debug: {error}", FAILED)
    return _session(session, heard, lines)


def attach_command(address: str, *, key_file: str | None = None, commands: str | None = None) -> int:
    """Debug a process that called ``engine.debug.listen()``.

    Args:
        address: ``HOST:PORT``.
        key_file: a file with the key, which otherwise comes from NABLASCOPE_KEY or is asked for.
        commands: as of :func:`debug_command`.
    """
    place = read_address(address)
    if place is None:
        return _refuse(f"attach: {expected(address)}")
    lines = None
    if commands is not None:
        lines = _read_commands(commands)
        if lines is None:
            return USAGE_ERROR
    try:
        key = read_key(key_file)
    except (OSError, EOFError) as error:
        return _refuse(f"attach: the key cannot be read: {error}")
    heard: list[Shell] = []
    try:
        session = Session.attach(*place, key, on_event=_to(heard))
    except (AuthenticationError, VersionError, ConnectionLost, OSError) as error:
        cause = str(getattr(error, "strerror", None) or error).rstrip(".")
        listens = "engine.debug.listen() in the process prints the address and the key"
        return _refuse(f"attach: {address} cannot be joined: {cause}. {listens}", FAILED)
    return _session(session, heard, lines)


def _to(heard: list[Shell]) -> Callable[[Run, dict[str, Any]], None]:
    """Hand events on to the shell, which is made after the session that they come from."""

    def hear(run: Run, message: dict[str, Any]) -> None:
        if heard:
            heard[0].heard(run, message)

    return hear


def read_address(text: str) -> tuple[str, int] | None:
    """Host and port of ``HOST:PORT``; None where it is none."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or not 0 < int(port) <= _LAST_PORT:
        return None
    return host.strip("[]") or "127.0.0.1", int(port)


def expected(address: str) -> str:
    """What is said of an ``address`` that is none."""
    return f"expected HOST:PORT with a port from 1 to {_LAST_PORT}, got {address!r}"


def read_key(path: str | None) -> str:
    """The key of a process that listens: from the file, from NABLASCOPE_KEY, or asked for. Raises OSError, EOFError."""
    if path is not None:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    return os.environ.get("NABLASCOPE_KEY") or getpass.getpass("key: ")


def _read_commands(path: str) -> list[str] | None:
    if path == "-":
        return sys.stdin.read().splitlines()
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        _refuse(f"debug: the commands {path} cannot be read: {error}")
        return None


def _refuse(text: str, code: int = USAGE_ERROR) -> int:
    print(f"{PROGRAM} {text}", file=sys.stderr)
    return code


def _session(session: Session, heard: list[Shell], lines: list[str] | None) -> int:
    """Carry out the session to its end; the exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    shell = Shell(session, sys.stdout, Style(colours), lines is None)
    heard.append(shell)
    ran = True
    try:
        # The line is cut, or somebody ends this process: then the script's must not stay behind.
        for name in ("SIGHUP", "SIGTERM"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), _end)
        ran = _begin(shell)
        if lines is not None:
            ran = scripted(shell, lines) and ran
        elif ran or session.current.stop is not None:
            interactive(shell)
    finally:
        code = session.current.exit_code
        session.close()
    if not ran and lines is not None:
        return FAILED
    return 0 if code is None else code & 0xFF if code >= 0 else 128 - code


def _end(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def _begin(shell: Shell) -> bool:
    """Up to the first stop; False where there is none, which is said."""
    try:
        shell.begin()
    except (SessionError, RequestError, ConnectionLost, OSError) as error:
        shell.say(f"*** {error}")
        return False
    except KeyboardInterrupt:
        return False
    return True


def interactive(shell: Shell) -> None:
    """Ask the user for commands until the session is over."""
    history = completion.install(shell)
    while not shell.done:
        try:
            line = _ask(shell)
            if line is None:
                break
            shell.run_line(line)
        except KeyboardInterrupt:
            print("\n'quit' or Ctrl+D ends the session")
    completion.save(history)


def _ask(shell: Shell) -> str | None:
    """What the user types next; None at Ctrl+D."""
    try:
        return input(shell.prompt)
    except EOFError:
        print()
        return None


def scripted(shell: Shell, lines: Sequence[str]) -> bool:
    """Carry out lines of commands, each shown after the prompt; False at the first that fails."""
    for line in lines:
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        forgiven = line.endswith(_GO_ON)
        line = line.removesuffix(_GO_ON).strip()
        print(f"{shell.prompt}{line}", flush=True)
        if not shell.run_line(line) and not forgiven:
            return False
        if shell.done:
            break
    return True
