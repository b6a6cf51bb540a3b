"""Computes what a line of an explanation says, as a student with a calculator would: ``3·0.5 + 4·(-1) = -2.5``."""

from __future__ import annotations

import ast
import math
import re

#: What stands in a line and how Python writes it; the order matters.
_SIGNS = (("·", "*"), ("²", "**2"), ("³", "**3"), ("^", "**"), (" mod ", " % "), ("π", "pi"), ("−", "-"))
_FUNCTIONS = {
    "exp": math.exp, "ln": math.log, "sqrt": math.sqrt, "abs": abs, "tanh": math.tanh, "erf": math.erf, "sin": math.sin,
    "cos": math.cos, "tan": math.tan, "sinh": math.sinh, "cosh": math.cosh, "arcsin": math.asin, "arccos": math.acos,
    "arctan": math.atan, "atan2": math.atan2, "floor": math.floor, "ceil": math.ceil, "trunc": math.trunc, "pi": math.pi,
    "max": max, "min": min, "inf": math.inf, "nan": math.nan,
}  # fmt: skip


def value_of(line: str) -> tuple[float, float]:
    """What ``name = expression = result`` says: (what the expression comes to, the result as it stands there).

    Raises:
        SyntaxError: the line is no expression; nothing else is let through than arithmetic.
    """
    _, *parts = line.split(" = ")
    parts[-1] = parts[-1].partition(" (because")[0]
    return computed(parts[0]), float(parts[-1])


def computed(text: str) -> float:
    """The value of an expression as it is written."""
    for sign, python in _SIGNS:
        text = text.replace(sign, python)
    text = _absolute(_roots(text))
    tree = ast.parse(text.strip(), mode="eval")
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    if not names <= _FUNCTIONS.keys():
        raise SyntaxError(f"{text}: {sorted(names - _FUNCTIONS.keys())} are no functions")
    return float(eval(compile(tree, "<line>", "eval"), {"__builtins__": {}}, _FUNCTIONS))


def _roots(text: str) -> str:
    while "√" in text:
        at = text.rindex("√")
        end = _end(text, at + 1)
        text = f"{text[:at]}sqrt({text[at + 1 : end]}){text[end:]}"
    return text


def _end(text: str, at: int) -> int:
    """Behind the bracket, or the number or name, that begins at ``at``."""
    if text[at] != "(":
        found = re.match(r"\d[\d.]*(e[+-]?\d+)?|\w+", text[at:])
        assert found is not None, text
        return at + found.end()
    depth = 0
    for i in range(at, len(text)):
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        if depth == 0:
            return i + 1
    raise SyntaxError(f"a bracket is never closed: {text}")


def _absolute(text: str) -> str:
    """``|x|`` as a call: a bar opens where a number or a bracket may begin."""
    found, opens = "", True
    for sign in text:
        if sign == "|":
            found += "abs(" if opens else ")"
        else:
            found += sign
        if sign not in " |":
            opens = sign in "(+-*/%,"
        elif sign == "|":
            opens = found.endswith("(")
    return found
