"""What the parameters cell of a script sets, for a form: a cell in percent format tagged ``parameters``."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from dataclasses import dataclass
from typing import Any

_CELL = re.compile(r"#\s*%%(.*)")
_TAGGED = re.compile(r"tags\s*=\s*\[[^\]]*[\"']parameters[\"'][^\]]*\]")


@dataclass(frozen=True)
class Parameter:
    """One name that the cell assigns.

    Attributes:
        name: of the variable.
        value: its default; ``...`` where it is no literal, so that a form cannot offer it.
        text: the default as it is written.
        comment: what stands behind it on its line, or directly above.
        line: where, from 1.
    """

    name: str
    value: Any
    text: str
    comment: str
    line: int


def read_parameters(source: str) -> list[Parameter]:
    """The parameters of a script in order; none without a cell, or where the script is not Python."""
    try:
        comments = _comments(source)
        tree = ast.parse(source)
    except (SyntaxError, tokenize.TokenError, ValueError):
        return []
    lines = _cell(comments, source.count("\n") + 1)
    if lines is None:
        return []
    found: dict[str, Parameter] = {}
    for statement in tree.body:
        if lines[0] < statement.lineno <= lines[1]:
            for name, value in _assigned(statement):
                found[name] = _parameter(name, value, statement, source, comments)
    return list(found.values())


def setting(name: str, value: Any) -> str:
    """``NAME=VALUE`` as ``launch`` takes it."""
    return f"{name}={value if isinstance(value, str) else repr(value)}"


def read_value(text: str, default: Any) -> Any:
    """The value that ``text`` means where ``default`` stood. Raises ValueError: it is of another kind."""
    text = text.strip()
    if isinstance(default, str):
        return text
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise ValueError(f"{text!r} is no value such as {default!r}") from None
    if isinstance(default, bool) and not isinstance(value, bool):
        raise ValueError(f"expected True or False, not {text!r}")
    if isinstance(default, (int, float)) and not isinstance(default, bool):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError(f"expected a number such as {default!r}, not {text!r}")
        return float(value) if isinstance(default, float) else value
    if isinstance(default, (list, tuple)) and not isinstance(value, (list, tuple)):
        raise ValueError(f"expected values such as {default!r}, not {text!r}")
    return value


def _comments(source: str) -> dict[int, tuple[int, str]]:
    """Line -> (column, comment)."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: (t.start[1], t.string) for t in tokens if t.type == tokenize.COMMENT}


def _cell(comments: dict[int, tuple[int, str]], last: int) -> tuple[int, int] | None:
    """Line of the tagged cell's head, and its last line."""
    first = None
    for line, (column, comment) in comments.items():
        match = _CELL.fullmatch(comment) if column == 0 else None
        if match is None:
            continue
        if first is not None:
            return first, line - 1
        if _TAGGED.search(match[1]):
            first = line
    return None if first is None else (first, last)


def _assigned(statement: ast.stmt) -> list[tuple[str, ast.expr]]:
    if isinstance(statement, ast.AnnAssign) and statement.value is not None:
        return _pairs(statement.target, statement.value)
    if isinstance(statement, ast.Assign):
        return [pair for target in statement.targets for pair in _pairs(target, statement.value)]
    return []


def _pairs(target: ast.expr, value: ast.expr) -> list[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        return [(target.id, value)]
    targets, values = getattr(target, "elts", []), getattr(value, "elts", [])
    if len(targets) != len(values):
        return []
    return [pair for part, given in zip(targets, values) for pair in _pairs(part, given)]


def _parameter(
    name: str, value: ast.expr, statement: ast.stmt, source: str, comments: dict[int, tuple[int, str]]
) -> Parameter:
    try:
        literal = ast.literal_eval(value)
    except (ValueError, TypeError):
        literal = ...
    text = ast.get_source_segment(source, value) or ""
    line = statement.end_lineno or statement.lineno
    beside = comments.get(line, (0, ""))[1]
    above = comments.get(statement.lineno - 1, (1, ""))
    comment = beside or (above[1] if above[0] == 0 and "%%" not in above[1] else "")
    return Parameter(name, literal, text, comment.lstrip("# ").strip(), statement.lineno)
