"""Formulas as text: a definition's formula at one element, and an expression with its numbers."""

from __future__ import annotations

import re
from typing import Any

from engine.debug.explain.operand import Operand
from engine.debug.explain.reading import Question
from engine.debug.explain.traced import Traced, value_of

#: Terms shown at the head of a long sum or product, on the outside and within.
_HEAD = (4, 2)
#: Numbers shown in all, and how deep brackets go, before a part stands as its value.
_NUMBERS, _DEPTH = 48, 7

_SUM, _PRODUCT, _POWER, _ATOM = range(4)
_BRACKET = re.compile(r"(\w*)(\u0302?)\[([^\[\]]*)\]")


def number(value: Any) -> str:
    """``value`` in at most five significant digits; whole numbers as they are."""
    if isinstance(value, bool) or value is None or isinstance(value, (tuple, list, str)):
        return str(value)
    if isinstance(value, float) or not hasattr(value, "__index__"):
        return f"{float(value):.5g}"
    return str(int(value))


def element(name: str, index: tuple[Any, ...]) -> str:
    """``x[3, 2]``; the name alone where there is no index."""
    return f"{name}[{', '.join(map(str, index))}]" if index else name


# ---- the formula at an element ----


def at_element(question: Question) -> str:
    """The definition's plain formula with this element's index, in the tensors' own shapes where that can be said."""
    values = dict(zip(question.definition.index, question.canonical, strict=True))
    text = question.definition.plain
    if values:
        names = "|".join(map(re.escape, values))
        # A name before a bracket is an array; one behind a letter, a digit or Σ_ is not this index.
        text = re.sub(rf"(?<!\w)({names})(?![\w\u0302]|\[|\()", lambda found: str(values[found[1]]), text)
    if not values:
        text = re.sub(rf"^{question.definition.result}\b", question.name, text)
    absent = [operand.name for operand in question.operands if operand.shape == (0,)]
    without = f" (without {', '.join(absent)})" if absent else ""
    return _BRACKET.sub(lambda found: _own(question, *found.groups()), text) + without


def _own(question: Question, name: str, hat: str, inside: str) -> str:
    """A bracket of a formula with its indices turned into those of the tensor's own shape."""
    unchanged = f"{name}{hat}[{inside}]"
    indices = [part.strip() for part in inside.split(",")] if inside.strip() else []
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
    """``indices`` (numbers, and names of what a sum runs over) in own shape; None where a name is no axis of it."""
    if not all(i.isdecimal() or i.isidentifier() for i in indices):
        return None
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


# ---- an expression with its numbers ----


class Numbers:
    """Writes the expression of a traced number: sums and products flat, long ones cut, parts within by their values."""

    def __init__(self) -> None:
        self._left = _NUMBERS
        self._written: set[int] = set()

    def write(self, node: Any, level: int = _SUM, depth: int = 0) -> str:
        """``node`` as text; in brackets where it binds less than ``level``. What was written before stands as its value."""
        node = simplest(node)
        if type(node) is not Traced or node.op == "read" or depth > _DEPTH or self._left <= 0 or id(node) in self._written:
            self._left -= 1
            return self._value(value_of(node), level)
        self._written.add(id(node))
        text, own = self._operation(node, depth)
        return text if own >= level else f"({text})"

    @staticmethod
    def _value(value: Any, level: int) -> str:
        text = number(value)
        return f"({text})" if text.startswith("-") and level > _SUM else text

    def _operation(self, node: Traced, depth: int) -> tuple[str, int]:
        op, inner = node.op, depth + 1
        if op in ("+", "-"):
            return self._sum(node, depth)
        if op == "*":
            return self._product(node, depth)
        if op == "/":
            return f"{self.write(node.left, _PRODUCT, inner)}/{self.write(node.right, _POWER, inner)}", _PRODUCT
        if op == "%":
            return f"{self.write(node.left, _POWER, inner)} mod {self.write(node.right, _POWER, inner)}", _SUM
        if op == "**":
            return f"{self.write(node.left, _ATOM, inner)}^{self.write(node.right, _ATOM, inner)}", _POWER
        if op == "neg":
            return f"-{self.write(node.left, _PRODUCT, inner)}", _SUM
        if op == "abs":
            return f"|{self.write(node.left, _SUM, inner)}|", _ATOM
        arguments = [self.write(node.left, _SUM, inner)]
        if node.right is not None:
            arguments.append(self.write(node.right, _SUM, inner))
        return f"{op}({', '.join(arguments)})", _ATOM

    def _sum(self, node: Traced, depth: int) -> tuple[str, int]:
        terms: list[tuple[str, Any]] = []
        rest: Any = node
        while type(rest) is Traced and rest.op in ("+", "-") and (rest is node or id(rest) not in self._written):
            terms.append((rest.op, rest.right))
            rest = rest.left
        if type(rest) is Traced or value_of(rest) != 0 or terms[-1][0] == "-":
            terms.append(("+", rest))
        terms.reverse()
        head, cut = self._shown(terms, depth)
        places = list(range(len(head)))
        if cut and not depth:
            # What zeros add says nothing: behind a ReLU they would be all that is seen.
            places = [i for i, (_, term) in enumerate(terms[:-1]) if value_of(term) != 0][: len(head)] or places
        text, before = "", -1
        for i in places:
            if i > before + 1:
                text += " + …" if text else "…"
            op, term = terms[i]
            text += (f" {op} " if text else "") + self.write(term, _PRODUCT if op == "-" else _SUM, depth + 1)
            before = i
        if cut:
            op, term = terms[-1]
            more = f" ({len(terms) - len(head) - 1} more)" if depth else ""
            gap = f" + …{more}" if before < len(terms) - 2 else ""
            text += f"{gap} {op} {self.write(term, _PRODUCT if op == '-' else _SUM, depth + 1)}"
            text += "" if depth else f" ({len(terms)} terms)"
        return text.replace("+ -", "- "), _SUM

    def _product(self, node: Traced, depth: int) -> tuple[str, int]:
        factors: list[Any] = []
        rest: Any = node
        while type(rest) is Traced and rest.op == "*":
            factors.append(rest.right)
            rest = rest.left
        if type(rest) is Traced or value_of(rest) != 1 or len(factors) < 2:
            factors.append(rest)
        factors.reverse()
        head, cut = self._shown(factors, depth)
        text = "·".join([self.write(factor, _POWER, depth + 1) for factor in head])
        if cut:
            text += f"·…·{self.write(factors[-1], _POWER, depth + 1)}"
            text += f" ({len(factors)} factors)" if depth == 0 else ""
        return text, _PRODUCT

    @staticmethod
    def _shown(parts: list, depth: int) -> tuple[list, bool]:
        """The parts to show first, and whether some are left out before the last."""
        head = _HEAD[min(depth, 1)]
        return (parts, False) if len(parts) <= head + 2 else (parts[:head], True)


def simplest(node: Any) -> Any:
    """``node`` without the zeros that sums begin with."""
    while type(node) is Traced and node.op == "+" and type(node.left) is not Traced and node.left == 0:
        node = node.right
    return node


def operation(node: Traced) -> str:
    """The last step of ``node`` with the values it was given: ``log(0) = -inf``."""
    operands = [number(value_of(o)) for o in (node.left, node.right) if o is not None]
    if len(operands) == 2 and node.op in _SIGNS:
        text = f" {_SIGNS[node.op]} ".join(f"({o})" if o.startswith("-") else o for o in operands)
    elif node.op == "neg":
        text = f"-({operands[0]})"
    else:
        text = f"{node.op}({', '.join(operands)})"
    return f"{text} = {number(node.value)}"


_SIGNS = {"+": "+", "-": "-", "*": "·", "/": "/", "**": "^", "%": "mod"}
