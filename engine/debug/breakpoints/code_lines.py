"""Which lines of a file carry code, so that a breakpoint there can ever be reached, and the text that runs, which its file
need not have any more."""

from __future__ import annotations

import linecache
import os
import tokenize
from bisect import bisect_left
from types import CodeType

_normal: dict[str, str] = {}
#: By normal path the texts of :func:`keep_text`.
_running: dict[str, str] = {}


def normal_path(path: str) -> str:
    """One spelling for each file: absolute, links followed, case as the system compares it."""
    known = _normal.get(path)
    if known is None:
        # Cells of a notebook have names such as <ipython-input-3>, which are no paths.
        known = _normal[path] = path if path.startswith("<") else os.path.normcase(os.path.realpath(path))
    return known


def keep_text(path: str, text: str) -> None:
    """The script ``path`` runs with this text from now on: its file may be edited or go meanwhile.

    Twice: Python's own cache, from which tracebacks have their lines, knows one spelling of a path, and anybody may clear
    it.
    """
    _running[normal_path(path)] = text
    linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)


def running_text(path: str) -> str | None:
    """The text that :func:`keep_text` was told of this file, or None."""
    return _running.get(normal_path(path))


def lines_with_code(path: str) -> list[int]:
    """The lines of the file, or of the text that runs in its place, at which the interpreter can stop, ascending.

    Raises:
        ValueError: the file is missing, cannot be read or is not Python; the message says so in one sentence.
    """
    try:
        code = compile(_source(path), path, "exec", dont_inherit=True)
    except FileNotFoundError:
        raise ValueError(f"there is no file {path}") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from None
    except SyntaxError as error:
        where = f"line {error.lineno} of " if error.lineno else ""
        raise ValueError(f"{where}{path} is not Python: {error.msg}") from None
    except ValueError as error:
        raise ValueError(f"{path} is not Python: {error}") from None
    found: set[int] = set()
    waiting = [code]
    while waiting:
        code = waiting.pop()
        # Line 0 is where a module's own prologue stands.
        found.update(line for _, _, line in code.co_lines() if line)
        waiting += [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return sorted(found)


def line_to_stop_at(path: str, line: int, lines: list[int]) -> int:
    """``line`` itself where it carries code, else the next line that does.

    Raises:
        ValueError: there is none.
    """
    at = bisect_left(lines, line)
    if line < 1:
        raise ValueError(f"lines are counted from 1, not {line}")
    if at == len(lines):
        raise ValueError(f"no code at line {line} of {os.path.basename(path)} or after it")
    return lines[at]


def _source(path: str) -> str:
    if (text := running_text(path)) is not None:
        return text
    if path.startswith("<"):
        lines = linecache.getlines(path)
        if not lines:
            raise FileNotFoundError(path)
        return "".join(lines)
    with tokenize.open(path) as file:
        return file.read()
