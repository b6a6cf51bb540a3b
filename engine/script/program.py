"""A training script as a program: reading it, setting its parameters, and the ``__main__`` that it runs in."""

from __future__ import annotations

import ast
import contextlib
import os
import sys
import tokenize
import types
from collections.abc import Iterator, Sequence
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

from engine.script import parameters as cell

_AS_TORCH = str(Path(__file__).with_name("as_torch.py"))


class ScriptError(Exception):
    """A script that cannot be started; the message says why, in one line."""


def prepare(
    file: str, arguments: Sequence[str] = (), settings: Sequence[str] = (), text: str | None = None
) -> tuple[types.CodeType, list[str]]:
    """Compile the script with its parameters set; also return the arguments that are left to the script.

    ``text`` is taken instead of what the file has now.

    Raises:
        ScriptError: there is no such file, it is no Python, or a parameter does not fit.
    """
    source: bytes | str = text or ""
    if text is None:
        source, text = read_script(file)
    try:
        tree = ast.parse(source, file)
    except (SyntaxError, ValueError) as error:
        raise ScriptError(_syntax_message(file, error)) from None
    lines = cell.cell_range(text)
    own, rest = _split(arguments) if lines else ([], list(arguments))
    settings = [*settings, *own]
    if settings:
        if lines is None:
            raise ScriptError(f'{file}: has no cell tagged "parameters" (# %% tags=["parameters"]), so nothing to set')
        try:
            values = cell.parse_settings(settings, cell.defaults(tree, lines))
        except cell.ParameterError as error:
            raise ScriptError(f"{file}: {error}") from None
        cell.override(tree, lines, values)
    try:
        return compile(tree, file, "exec", dont_inherit=True), rest
    except (SyntaxError, ValueError) as error:
        raise ScriptError(_syntax_message(file, error)) from None


def read_script(file: str) -> tuple[bytes, str]:
    """The script's bytes, and its text as decoded by Python's rules.

    Raises:
        ScriptError: it cannot be read or decoded, or is no script.
    """
    path = Path(file)
    if os.path.isdir(file):
        raise ScriptError(f"{file}: is a folder; name a script in it")
    if os.path.exists(file) and not os.path.isfile(file):  # reading from a pipe would wait for who writes
        raise ScriptError(f"{file}: is no ordinary file")
    if path.suffix == ".ipynb":
        raise ScriptError(f"{file}: is a notebook; convert it with 'jupytext --to py:percent {file}'")
    try:
        source = path.read_bytes()
    except FileNotFoundError:
        raise ScriptError(f"{file}: no such file") from None
    except OSError as error:
        raise ScriptError(f"{file}: cannot be read: {error.strerror or error}") from None
    try:
        encoding, _ = tokenize.detect_encoding(BytesIO(source).readline)
        return source, TextIOWrapper(BytesIO(source), encoding).read()
    except (SyntaxError, UnicodeDecodeError) as error:
        raise ScriptError(f"{file}: is not Python source: {error}") from None


def imported(text: str) -> set[str]:
    """The top-level packages that a script, which is Python, imports anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").partition(".")[0])
    return found


@contextlib.contextmanager
def main_module(file: str, arguments: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Make a fresh ``__main__``, ``sys.argv`` and ``sys.path[0]`` as Python does for a script; yield its names."""
    main = types.ModuleType("__main__")
    main.__dict__.update(__file__=file, __builtins__=__builtins__, __spec__=None, __cached__=None)
    saved = sys.argv, sys.path[:], sys.modules["__main__"]
    sys.argv = [file, *arguments]
    sys.path[:1] = [os.path.dirname(os.path.realpath(file))]
    sys.modules["__main__"] = main
    try:
        yield main.__dict__
    finally:
        sys.argv, sys.path[:], sys.modules["__main__"] = saved


def exit_meaning(asked: object) -> tuple[int, str | None]:
    """What Python makes of what ``SystemExit`` was given: the exit code, and the text that it writes to stderr, if any."""
    if asked is None or isinstance(asked, int):
        return (asked or 0) & 0xFF, None
    return 1, str(asked)


def exit_code(request: SystemExit) -> int:
    """The exit code that Python gives for ``SystemExit``; a message goes to stderr."""
    code, text = exit_meaning(request.code)
    if text is not None:
        print(text, file=sys.stderr)
    return code


def show_error(error: BaseException, file: str) -> None:
    """Print the traceback from the script's first frame on, in the way that the script may have set."""
    frames = []
    place = error.__traceback__
    while place is not None:
        frames.append(place)
        place = place.tb_next
    files = [frame.tb_frame.f_code.co_filename for frame in frames]
    first = files.index(file) if file in files else 0
    last = len(frames) - 1
    while last > first and (files[last] == _AS_TORCH or files[last].startswith("<frozen importlib")):
        # Where a missing name is reported from says nothing about the script.
        last -= 1
    frames[last].tb_next = None
    # As Python does: what runs at the end of the process, and pdb.pm(), can find it.
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, frames[first]
    sys.stdout.flush()
    sys.excepthook(type(error), error.with_traceback(frames[first]), frames[first])


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """``-p NAME=VALUE`` and ``--parameters NAME=VALUE`` before a ``--``, and the other arguments."""
    own: list[str] = []
    rest: list[str] = []
    waiting = list(arguments)
    while waiting:
        argument = waiting.pop(0)
        if argument == "--":
            rest += waiting
            break
        if argument in ("-p", "--parameters") and waiting:
            own.append(waiting.pop(0))
        elif argument.startswith("--parameters="):
            own.append(argument.partition("=")[2])
        else:
            rest.append(argument)
    return own, rest


def _syntax_message(file: str, error: SyntaxError | ValueError) -> str:
    if isinstance(error, SyntaxError) and error.lineno is not None:
        line = (error.text or "").strip()
        return f"{file}, line {error.lineno}: {type(error).__name__}: {error.msg}" + (f": {line}" if line else "")
    return f"{file}: is not Python source: {error}"
