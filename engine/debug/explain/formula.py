"""A definition's formula at one element, as text."""

from __future__ import annotations

import math
import re
from typing import Any

from engine.debug.explain.operand import Operand
from engine.debug.explain.reading import Question

#: Where the private characters begin that stand for what is done.
_FIRST = 0xF0000
_BRACKET = re.compile(r"(\w*)(\u0302?)\[([^\[\]]*)\]")


def element(name: str, index: tuple[Any, ...]) -> str:
    """``x[3, 2]``; the name alone where there is no index."""
    return f"{name}[{', '.join(map(str, index))}]" if index else name


def at_element(question: Question) -> str:
    """The plain formula with this element's index, in the tensors' own shapes where that can be said."""
    values = dict(zip(question.definition.index, question.canonical, strict=True))
    _, text = question.formula(element=True)
    if values:
        names = "|".join(map(re.escape, values))
        # A name before a bracket is an array; one behind a letter, a digit or Σ_ is not this index.
        text = re.sub(rf"(?<!\w)({names})(?![\w\u0302]|\[|\()", lambda found: str(values[found[1]]), text)
    else:
        text = re.sub(rf"^{question.definition.result}\b", question.name, text)
    return _brackets(question, text)


def _brackets(question: Question, text: str) -> str:
    """``text`` with the indices in its brackets turned into those of the tensors' own shapes, the inner ones first."""
    done: list[str] = []

    def turned(found: re.Match) -> str:
        done.append(_own(question, *found.groups()))
        return chr(_FIRST + len(done) - 1)

    before = ""
    while before != text:
        before, text = text, _BRACKET.sub(turned, text)
    while any(ord(sign) >= _FIRST for sign in text):
        text = "".join(done[ord(sign) - _FIRST] if ord(sign) >= _FIRST else sign for sign in text)
    return text


def _own(question: Question, name: str, hat: str, inside: str) -> str:
    """A bracket of a formula with its indices turned into those of the tensor's own shape."""
    indices = [_folded(part.strip()) for part in inside.split(",")] if inside.strip() else []
    unchanged = f"{name}{hat}[{', '.join(indices)}]"
    same = indices == [str(i) for i in question.canonical]
    if name == question.definition.result and same:
        return element(question.name, question.index)
    operand = next((o for o in question.operands if o.name == name and not hat), None)
    if operand is None:
        # A name that the formula makes up (x̂, g) has the shape of the result.
        return element(name + hat, question.index) if same and (name or hat) else unchanged
    if len(indices) != operand.canonical.ndim or not operand.canonical.size:
        return unchanged
    return _place(operand, indices) or unchanged


def _place(operand: Operand, indices: list[str]) -> str | None:
    """``indices`` (numbers, and what a sum runs over) in own shape; None where one is no axis of it."""
    fixed = [int(i) if i.isdecimal() else 0 for i in indices]
    if any(i >= extent for i, extent in zip(fixed, operand.shape, strict=True)):
        return None
    part, own = operand.place(tuple(fixed))
    shown: list[Any] = list(own)
    for axis, index in enumerate(indices):
        last = operand.shape[axis] - 1
        if index.isdecimal() or last == 0:
            continue
        there, moved = operand.place((*fixed[:axis], last, *fixed[axis + 1 :]))
        changed = [k for k in range(len(own)) if own[k] != moved[k]]
        if there != part or len(changed) != 1 or moved[changed[0]] != last or own[changed[0]] != 0:
            return None
        shown[changed[0]] = index
    return element(operand.parts[part][0], tuple(shown))


def _folded(index: str) -> str:
    """An index with its numbers added up: ``2·1 + i - 1`` is ``1 + i``."""
    index = re.sub(r"⌊(\d+)/(\d+)⌋", lambda found: str(int(found[1]) // int(found[2])), index)
    index = re.sub(r"^(\d+) mod (\d+)$", lambda found: str(int(found[1]) % int(found[2])), index)
    if not re.fullmatch(r"[\w·]+( [+-] [\w·]+)+|\d+·\d+", index):
        return index
    whole, rest = 0, ""
    for sign, term in re.findall(r"([+-]?) ?([\w·]+)", index):
        factors = term.split("·")
        if all(map(str.isdecimal, factors)):
            whole += (-1 if sign == "-" else 1) * math.prod(map(int, factors))
        else:
            rest += f" {sign or '+'} {term}"
    if not whole and rest:
        return rest[3:] if rest.startswith(" +") else f"-{rest[3:]}"
    return f"{whole}{rest}"
