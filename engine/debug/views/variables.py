"""The tree of variables at a stop, in the Debug Adapter Protocol's terms, and evaluation in a frame.

A reference is the number of something that can be unfolded. It holds until :meth:`Variables.clear`; numbers are never
used again, so that a reference of an earlier stop is told from a new one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any

from engine.debug.views import expressions
from engine.debug.views.arrays import describe
from engine.debug.views.children import Child, Inside, inside
from engine.debug.views.expressions import NOTHING, EvaluationError, Overwriting, aside
from engine.debug.views.scopes import scope, scope_names
from engine.debug.views.texts import array_of, text, type_text
from engine.tensor import Tensor

#: Variables that one answer may hold, and characters of an evaluated value's text.
MOST_VARIABLES = 1000
LONGEST_RESULT = 10_000


@dataclass(frozen=True)
class _Node:
    """Something that can be unfolded: a scope of ``frame``, or ``value``, which ``expression`` evaluates to (if known)."""

    frame: FrameType | None
    scope: str | None = None
    value: Any = None
    expression: str | None = None

    def inside(self) -> Inside:
        if self.scope is not None and self.frame is not None:
            return Inside(scope(self.frame, self.scope))
        return inside(self.value)


class Variables:
    """References of one stop. All methods run on the script's thread."""

    def __init__(self) -> None:
        self._nodes: dict[int, _Node] = {}
        self._numbers: dict[tuple, int] = {}
        self._last = 0

    def clear(self) -> None:
        """Forget all references: the script goes on."""
        self._nodes.clear()
        self._numbers.clear()

    # ---- looking ----

    def scopes(self, frame: FrameType) -> list[dict[str, Any]]:
        """The scopes of ``frame``: Locals (in functions), Globals, Tensors (those at hand, and modules' parameters)."""
        names = scope_names(frame)
        return [
            {
                "name": name,
                "variablesReference": self._number(_Node(frame, scope=name), (id(frame), name)),
                "expensive": name == "Globals" and "Locals" in names,
            }
            for name in names
        ]

    def variables(
        self, reference: int, start: int = 0, count: int | None = None, filter: str | None = None
    ) -> list[dict[str, Any]]:
        """What is inside of ``reference``: named members first, then elements.

        Args:
            start, count: which of these (of those that ``filter`` leaves); at most ``MOST_VARIABLES``; 0 means all.
            filter: ``"named"`` or ``"indexed"``: only these.

        Returns:
            For each: ``name``, ``value`` (text), ``type``, ``variablesReference`` (0: nothing inside),
            ``evaluateName`` (an expression for it, where there is one), ``namedVariables`` and ``indexedVariables``
            (how many are inside), and for tensors ``tensor``: shape, dtype, requiresGrad, hasGrad.

        Raises:
            EvaluationError: the reference is not of this stop.
        """
        node = self._node(reference)
        content = node.inside()
        named = content.named if filter != "indexed" else []
        elements = content.count if filter != "named" else 0
        start = max(0, start)
        stop = start + min(count or MOST_VARIABLES, MOST_VARIABLES)
        found = list(named[start:stop])
        first = max(0, start - len(named))
        last = min(elements, stop - len(named))
        if last > first:
            found += content.elements(first, last)
        with aside():
            return [self._variable(child, node) for child in found]

    def evaluate(
        self,
        frame: FrameType | None,
        expression: str,
        context: str = "repl",
        names: Mapping[str, Any] | None = None,
        overwriting: Overwriting | None = None,
        expandable: bool = True,
    ) -> dict[str, Any]:
        """The value of ``expression`` with the names of ``frame``; without a frame, with ``names`` alone.

        Args:
            context: ``"repl"`` also allows statements; what they assign is assigned in the frame.
            names: further names, for where the frame has none of that name.
            overwriting: told of each tensor's array before it is changed in place (:meth:`History.overwriting`).
            expandable: whether the value is kept so that it can be unfolded; False while the script runs.

        Returns:
            ``result`` (text; empty for statements), ``type``, ``variablesReference``, ``namedVariables``,
            ``indexedVariables``, ``output`` (what was printed) and for tensors ``tensor``: their description
            (:func:`~engine.debug.views.arrays.describe`), requiresGrad, hasGrad.

        Raises:
            EvaluationError: syntax errors and what the code raises: ``"NameError: name 'z' is not defined"``.
        """
        value, output = expressions.evaluate(frame, expression, context == "repl", overwriting, names)
        if value is NOTHING or (value is None and context == "repl"):
            return {"result": "", "type": "", "variablesReference": 0, "output": output}
        with aside():
            own_name = None if context == "repl" else _operand(expression)
            body = self._value(value, frame, own_name, expandable)
            return {"result": text(value, LONGEST_RESULT), **body, "output": output, **_tensor(value, True)}

    # ---- changing ----

    def is_scope(self, reference: int) -> bool:
        """Whether ``reference`` is a frame's scope, so that what is inside has plain names."""
        return self._node(reference).scope is not None

    def set_variable(
        self, reference: int, name: str, value: str, overwriting: Overwriting | None = None
    ) -> dict[str, Any]:
        """Put the value of the expression ``value`` into the place ``name`` inside of ``reference``.

        Raises:
            EvaluationError: there is no such place, it cannot be changed, or what the code raises.
        """
        node = self._node(reference)
        if node.frame is None:
            raise EvaluationError(f"{name}: there is no frame here to evaluate {value!r} in")
        child = _child(node.inside(), name)
        if node.scope is not None:
            target = child.suffix if child is not None and child.suffix is not None else name
            return self.set_expression(node.frame, target, value, overwriting)
        if child is None or child.assign is None:
            raise EvaluationError(f"{name}: there is no such variable here, or it cannot be changed")
        new, _ = expressions.evaluate(node.frame, value, False, overwriting)
        with aside(overwriting):
            child.assign(new)
        changed = _child(node.inside(), name)
        with aside():
            return self._result(new if changed is None else changed.value, node, child)

    def set_expression(
        self, frame: FrameType, target: str, value: str, overwriting: Overwriting | None = None
    ) -> dict[str, Any]:
        """Assign the value of the expression ``value`` to ``target``: ``"lr"``, ``"model.fc.weight[0, 3]"``.

        Raises:
            EvaluationError: target is nothing that can be assigned to, or what the code raises.
        """
        new = expressions.assign(frame, target, value, overwriting)
        with aside():
            return {"value": text(new), **self._value(new, frame, target), **_tensor(new)}

    # ---- references ----

    def _node(self, reference: int) -> _Node:
        node = self._nodes.get(reference)
        if node is None:
            raise EvaluationError(f"there is no variable {reference} at this stop; references end when the script goes on")
        return node

    def _number(self, node: _Node, key: tuple) -> int:
        number = self._numbers.get(key)
        if number is None:
            self._last += 1
            number = self._numbers[key] = self._last
            self._nodes[number] = node
        return number

    def _variable(self, child: Child, node: _Node) -> dict[str, Any]:
        body = self._result(child.value, node, child)
        return {"name": child.name, **body}

    def _result(self, value: Any, node: _Node, child: Child) -> dict[str, Any]:
        expression = None
        if child.suffix is not None:
            expression = child.suffix if node.scope is not None else node.expression and node.expression + child.suffix
        body = {"value": text(value), **self._value(value, node.frame, expression), **_tensor(value)}
        return {**body, "evaluateName": expression} if expression else body

    def _value(self, value: Any, frame: FrameType | None, expression: str | None, keep: bool = True) -> dict[str, Any]:
        """Type and reference of a value."""
        content = inside(value)
        body: dict[str, Any] = {"type": type_text(value), "variablesReference": 0}
        if content and keep:
            node = _Node(frame, value=value, expression=expression)
            body["variablesReference"] = self._number(node, (id(value), id(frame), expression))
            body["namedVariables"], body["indexedVariables"] = len(content.named), content.count
        return body


def _operand(expression: str) -> str:
    """``expression``, in parentheses where an index could not simply be written after it."""
    plain = expression.strip()
    return plain if re.fullmatch(r"[\w.]+(\[\w+\])*", plain) and not plain[0].isdigit() else f"({plain})"


def _child(content: Inside, name: str) -> Child | None:
    found = next((child for child in content.named if child.name == name), None)
    if found is None and content.count:
        if name.isdecimal():
            elements = content.elements(int(name), int(name) + 1) if int(name) < content.count else []
        else:
            elements = content.elements(0, content.count)
        found = next((child for child in elements if child.name == name), None)
    return found


def _tensor(value: Any, numbers: bool = False) -> dict[str, Any]:
    array = array_of(value)
    if array is None or array.dtype.kind not in "fiub":
        return {}
    body = describe(array) if numbers else {"shape": list(array.shape), "dtype": str(array.dtype)}
    if isinstance(value, Tensor):
        body.update(requiresGrad=value._requires_grad, hasGrad=value._grad is not None)
    return {"tensor": body}
