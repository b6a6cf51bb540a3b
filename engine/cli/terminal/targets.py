"""What users type for tensors and elements: ``y``, ``y[0, 3]``, ``conv1.weight[0, 0, 1, 1]``, ``x[0, :, 2:5]``."""

from __future__ import annotations

import ast
import re
from typing import Any, NamedTuple

_INTEGER = re.compile(r"[+-]?\d+$")
_SLICE = re.compile(r"[\d\s,:+.-]*$")
_ELEMENT = re.compile(r"\s*(\d[\w.]*\[[\d\s,-]+\])\s*=\s*(?!=)(.+?)\s*$")


class Target(NamedTuple):
    """A name or expression, and what stood in brackets behind it.

    ``index`` where that is one element, ``slice`` where it is a part; both None where nothing of the kind stood there.
    """

    name: str
    index: list[int] | None = None
    slice: str | None = None


def parse_target(text: str, known: tuple[str, ...] = ()) -> Target:
    """Split ``text``. A name of ``known`` is whole even where it ends in brackets (``"x[1]"``)."""
    text = text.strip()
    if text in known or not text.endswith("]"):
        return Target(text)
    start = _opening(text)
    if start is None or not text[:start].strip():
        return Target(text)
    name, inside = text[:start].strip(), text[start + 1 : -1].strip()
    parts = [part.strip() for part in inside.split(",")]
    if inside and all(_INTEGER.match(part) for part in parts):
        return Target(name, [int(part) for part in parts])
    if inside and _SLICE.match(inside):
        return Target(name, None, inside)
    return Target(text)


def _opening(text: str) -> int | None:
    """Where the bracket that ``text`` closes with opens."""
    depth = 0
    for at in range(len(text) - 1, -1, -1):
        depth += {"]": 1, "[": -1}.get(text[at], 0)
        if not depth:
            return at
    return None


def split_assignment(text: str) -> tuple[str, str] | None:
    """The sides of ``TARGET = VALUE``, as Python splits it; None where it is none.

    A parameter that is no name in Python (``0.weight[2, 3]`` of a Sequential) may stand on the left too.
    """
    element = _ELEMENT.match(text)
    if element is not None:
        return element[1], element[2]
    try:
        tree = ast.parse(text.strip(), mode="exec")
    except (SyntaxError, ValueError):
        return None
    if len(tree.body) != 1 or not isinstance(tree.body[0], ast.Assign) or len(tree.body[0].targets) != 1:
        return None
    statement = tree.body[0]
    return ast.unparse(statement.targets[0]), ast.unparse(statement.value)


def literal(text: str) -> Any:
    """The number or other literal that ``text`` is; None where it is none."""
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError):
        return None


def split_condition(text: str) -> tuple[str, str | None]:
    """``"12, x > 3"`` as pdb writes breakpoints: the place and the condition."""
    place, comma, condition = text.partition(",")
    return place.strip(), condition.strip() or None if comma else None
