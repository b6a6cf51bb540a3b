"""The cell tagged ``parameters`` of a script in percent format, and overriding what it sets.

A cell begins at a line ``# %%`` and ends before the next; ``# %% tags=["parameters"]`` tags it. The convention is
papermill's: the values given from outside are assigned right after the cell, so the cell itself holds the defaults.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

TAG = "parameters"

_CELL = re.compile(r"#\s*%%(?P<rest>.*)")
_TAGS = re.compile(r"tags\s*=\s*\[(?P<tags>[^\]]*)\]")


class ParameterError(ValueError):
    """A parameter that the script does not have, or a value that it cannot take."""


def cell_range(source: str) -> tuple[int, int] | None:
    """First and last line (from 1) of the first cell tagged ``parameters``; None without one."""
    first = None
    last = source.count("\n") + 1
    for line, comment in _comments(source):
        match = _CELL.fullmatch(comment)
        if match is None:
            continue
        if first is not None:
            last = line - 1
            break
        if _is_tagged(match["rest"]):
            first = line
    return None if first is None else (first, last)


def defaults(tree: ast.Module, lines: tuple[int, int]) -> dict[str, Any]:
    """Names that the statements in ``lines`` assign, in order; their values where those are literals, else ``...``."""
    found: dict[str, Any] = {}
    for statement in _statements(tree, lines):
        if isinstance(statement, ast.AnnAssign) and statement.value is not None:
            found.update(_pairs(statement.target, statement.value))
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                found.update(_pairs(target, statement.value))
    return found


def parse_settings(settings: Iterable[str], known: Mapping[str, Any]) -> dict[str, Any]:
    """Values of ``NAME=VALUE`` texts, read with the kind of the default that they replace.

    Args:
        settings: the texts.
        known: the defaults, as :func:`defaults` returns them.

    Raises:
        ParameterError: no ``=``, a name that is not in ``known``, or a value of another kind.
    """
    values = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        name = name.strip()
        if not equals or not name:
            raise ParameterError(f"parameter {setting!r}: write NAME=VALUE")
        if name not in known:
            names = ", ".join(known) or "none"
            raise ParameterError(f"parameter {name!r} is not in the script's parameters cell; it has: {names}")
        values[name] = _read(name, text.strip(), known[name])
    return values


def override(tree: ast.Module, lines: tuple[int, int], values: Mapping[str, Any]) -> None:
    """Assign ``values`` right after the last statement that begins in ``lines``; line numbers stay as they are."""
    inside = _statements(tree, lines)
    after = tree.body.index(inside[-1]) + 1
    for offset, (name, value) in enumerate(values.items()):
        assignment = ast.parse(f"{name} = {value!r}").body[0]
        for node in ast.walk(assignment):
            if hasattr(node, "lineno"):
                ast.copy_location(node, inside[-1])
        tree.body.insert(after + offset, assignment)


def _comments(source: str) -> Iterable[tuple[int, str]]:
    """Comments that stand alone on their line, unindented; text in strings that looks like one is none."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and token.start[1] == 0:
            yield token.start[0], token.string


def _is_tagged(rest: str) -> bool:
    match = _TAGS.search(rest)
    if match is None:
        return False
    return TAG in [tag.strip().strip("\"'") for tag in match["tags"].split(",")]


def _statements(tree: ast.Module, lines: tuple[int, int]) -> list[ast.stmt]:
    return [statement for statement in tree.body if lines[0] <= statement.lineno <= lines[1]]


def _pairs(target: ast.expr, value: ast.expr) -> dict[str, Any]:
    if isinstance(target, ast.Name):
        return {target.id: _literal(value)}
    if isinstance(target, ast.Tuple | ast.List):
        values: Sequence[ast.expr] = [ast.Constant(...)] * len(target.elts)
        if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts):
            values = value.elts
        pairs: dict[str, Any] = {}
        for part, given in zip(target.elts, values):
            pairs.update(_pairs(part, given))
        return pairs
    return {}


def _literal(value: ast.expr) -> Any:
    try:
        return ast.literal_eval(value)
    except ValueError:
        return ...


def _read(name: str, text: str, default: Any) -> Any:
    if isinstance(default, bool):
        if text.lower() in ("true", "false"):
            return text.lower() == "true"
        raise ParameterError(f"parameter {name!r}: expected True or False, got {text!r}")
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        value = text
    if isinstance(default, int | float):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ParameterError(f"parameter {name!r}: expected a number such as {default!r}, got {text!r}")
        return float(value) if isinstance(default, float) else value
    if isinstance(default, str) and not isinstance(value, str):
        return text
    if isinstance(default, tuple | list) and not isinstance(value, tuple | list):
        raise ParameterError(f"parameter {name!r}: expected values such as {default!r}, got {text!r}")
    return value
