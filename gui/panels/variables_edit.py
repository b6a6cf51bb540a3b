"""What a new value of a variable, of a watched expression, or of an element of a tensor is as an edit of a fork."""

from __future__ import annotations

import ast
from typing import Any

from gui.state import Selection
from gui.widgets.variable_tree import Node


def edit_of(node: Node, text: str) -> dict[str, Any] | None:
    """The protocol's edit that gives ``node`` the value of the expression ``text``; None where there is none.

    Elements of a tensor are written into its array; everything else is assigned by a statement of the script.
    """
    indices: list[int] = []
    top = node
    while isinstance(parent := top.parent(), Node) and parent.is_tensor and top.name.isdecimal():
        indices.insert(0, int(top.name))
        top = parent
    if indices:
        number = _number(text)
        if number is None or not top.expression:
            return None
        reference = Selection(expression=top.expression).reference
        return {"kind": "tensor", "reference": reference, "index": indices, "value": number}
    if node.kind not in ("variable", "watch") or not node.expression:
        return None
    return {"kind": "exec", "code": f"{node.expression} = {text}"}


def _number(text: str) -> float | int | None:
    try:
        value = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError):
        try:
            return float(text)  # nan, inf
        except ValueError:
            return None
    return value if isinstance(value, (int, float)) else None
