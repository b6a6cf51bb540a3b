"""Formulas that depend on settings: what a layer has (a bias, groups) and an optimiser is told (momentum, weight decay).

A definition's ``latex`` and ``plain`` may hold parts in ``⟦ ⟧``, one in another:

* ``⟦b: + b[o]⟧``: the text behind the colon where the condition in front of it holds, else nothing;
  ``⟦not first:momentum·m[i] + g¦g⟧``: else the text behind the bar. What holds most often, or says most, stands first.
* ``⟦=stride[0]¦S⟧``: the value in front of the bar; the symbol behind it where the value cannot be told.

Conditions and values are Python expressions of the definition's own arguments: arrays (true where they are present),
parameters and, of one element, its index.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import CodeType
from typing import Any

_PART = re.compile(r"⟦([^⟦⟧]*)⟧")


class Operand:
    """An array in a condition: true where it is present; its attributes are the array's."""

    def __init__(self, array: Any, ndim: int) -> None:
        self._array, self.ndim = array, ndim

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return self._array.size > 0

    def __getitem__(self, index: Any) -> Any:
        return self._array[index].item()

    def __eq__(self, other: object) -> Any:
        return self._array == other

    def __getattr__(self, name: str) -> Any:
        return getattr(self._array, name)


def general(text: str) -> str:
    """``text`` for the settings that each part names first."""
    return _replaced(text, None)


def special(text: str, given: Mapping[str, Any]) -> str:
    """``text`` for the arguments ``given`` by name: :class:`Operand` for arrays, numbers and tuples for parameters."""
    return _replaced(text, given)


def _replaced(text: str, given: Mapping[str, Any] | None) -> str:
    def part(found: re.Match) -> str:
        head, _, other = found[1].partition("¦")
        if head.startswith("="):
            value = None if given is None else _value(head[1:], given)
            return other if value is None else _text(value)
        condition, colon, then = head.partition(":")
        if not colon:
            raise ValueError(f"⟦{found[1]}⟧ has no colon behind its condition; write ⟦condition:text⟧")
        return then if given is None or _value(condition, given) else other

    before = ""
    while before != text:
        before, text = text, _PART.sub(part, text)
    return text


def _value(expression: str, given: Mapping[str, Any]) -> Any:
    """What ``expression`` is; None where it needs the index, and that is not given."""
    try:
        return eval(_compiled(expression.strip()), {"__builtins__": {"any": any, "float": float}}, dict(given))
    except NameError:
        return None


@lru_cache(maxsize=1024)
def _compiled(expression: str) -> CodeType:
    return compile(expression, f"⟦{expression}⟧", "eval")


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.5g}"
    return str(value)
