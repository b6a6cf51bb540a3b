"""Why an element has its value: its formula, the formula with its numbers, and everything that went into it.

The definition of the element is run in plain Python, in float64, on arrays of :class:`~engine.debug.explain.traced.Traced`
numbers. That gives the whole expression: each element read is a *contributor* with its share,

    share = value · (d result / d value),

which for a sum of products is the product that the element takes part in, and for a maximum the value of the one
chosen. For sums of products the shares of one factor (with the bias) add up to the result.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from engine.debug.events import Event
from engine.debug.explain.explanation import Contributor, Explanation
from engine.debug.explain.formula import at_element, element
from engine.debug.explain.numbers import number, operation, simplest, with_numbers
from engine.debug.explain.operand import Operand
from engine.debug.explain.reading import ExplainError, Question, explainable, label_of, question, scalar
from engine.debug.explain.recording_arrays import RecordingArray, TracedArray, plain
from engine.debug.explain.traced import Tape, TooLong, Traced, rebuilt, value_of
from engine.plural import plural

__all__ = ["Contributor", "ExplainError", "Explanation", "explain", "explainable"]

#: Rounding allowed, in units of the dtype's epsilon times what :func:`_scale` finds. Kernels were seen to need 0.6.
_ROUNDINGS = 8.0


def explain(event: Event, name: str, index: Iterable[int], max_terms: int = 200_000) -> Explanation:
    """Explain element ``index`` of array ``name`` of ``event``.

    Args:
        name: an output (``"y"``), a gradient (``"dx"``), an intermediate with a definition (``"rstd"``), or a result
            of an update (``"w_new"``); ``"dx[1]"`` where there are several. :func:`explainable` lists them.
        index: in the tensor's own shape.
        max_terms: with more elements than that read, contributors have no shares and there are no numbers.

    Raises:
        ExplainError: there is no such array or element, or nothing defines it; the message says what there is.
    """
    asked = question(event, name, index)
    tape = Tape(max_terms)
    try:
        return _with_shares(asked, tape)
    except TooLong:
        return _without_shares(asked)
    finally:
        tape.clear()


def _with_shares(asked: Question, tape: Tape) -> Explanation:
    arrays = [TracedArray(operand, tape) for operand in asked.operands]
    function, _ = rebuilt(asked.definition.function, noting=True)

    def given(name: str, value: Any) -> Any:
        return Traced(tape, "given", name, None, value) if type(value) is float else scalar(value)

    node = asked.evaluate(function, arrays, given)
    result = plain(value_of(node))
    with np.errstate(all="ignore"):
        if type(node) is Traced:
            tape.differentiate(node)
        scale = _scale(tape, result)
    contributors = _contributors(asked, [leaf for leaf in tape if leaf.op == "read"])
    numbers, cause = _numbers(asked, node, contributors), _cause(asked, tape, result, contributors)
    return _explanation(asked, result, scale, contributors, numbers, cause, "\n".join(tape.notes))


def _without_shares(asked: Question) -> Explanation:
    arrays = [RecordingArray(operand) for operand in asked.operands]
    function, _ = rebuilt(asked.definition.function)
    result = plain(asked.evaluate(function, arrays))
    reads = {(array.operand, index): value for array in arrays for index, value in array.seen.items()}
    leaves = [_Leaf(operand, index, value) for (operand, index), value in reads.items()]
    contributors = _contributors(asked, leaves)
    read = f"{len(contributors)} {plural(len(contributors), 'element')} read"
    numbers = f"{element(asked.name, asked.index)} = {number(result)} ({read})"
    largest = max(abs(result), *(abs(leaf.value) for leaf in leaves))
    # Without derivatives only a rough bound: no term is larger than a product of two of the largest numbers.
    scale = math.sqrt(len(leaves)) * float(max(largest, largest * largest))
    return _explanation(asked, result, scale, contributors, numbers, "", "", complete=False)


class _Leaf(NamedTuple):
    left: Operand
    right: tuple[int, ...]
    value: Any
    derivative: float | None = None


def _scale(tape: Tape, result: Any) -> float:
    """√Σ(v·dr/dv)²: how much the result moves when every number on the way is rounded once."""
    squares = [result * result]
    for node in tape:
        if node.derivative is not None:
            square = (node.value * node.derivative) ** 2
            if square < math.inf:
                squares.append(square)
    return math.sqrt(math.fsum(squares)) if math.isfinite(squares[0]) else math.inf


def _contributors(asked: Question, leaves: list) -> list[Contributor]:
    """The leaves as contributors, in their order, with their places in the tensors' own shapes."""
    found: list[Contributor | None] = [None] * len(leaves)
    for operand in asked.operands:
        numbers = [i for i, leaf in enumerate(leaves) if leaf.left is operand]
        if not numbers:
            continue
        places = operand.places(np.array([leaves[i].right for i in numbers]))
        for i, (part, index) in zip(numbers, places, strict=True):
            name = operand.parts[part][0]
            found[i] = _contributor(leaves[i], name, index, label_of(asked.event, name))
    return [contributor for contributor in found if contributor is not None]


def _contributor(leaf: Any, name: str, index: tuple[int, ...], label: str) -> Contributor:
    value = plain(leaf.value)
    if type(leaf) is not Traced:
        return Contributor(name, index, value, None, None, False, label)
    derivative = float(leaf.derivative or 0.0)
    share = float(value * derivative) if value and derivative else 0.0
    return Contributor(name, index, value, share, derivative, leaf.derivative is None, label)


def _numbers(asked: Question, node: Any, contributors: list[Contributor]) -> str:
    left, node = element(asked.name, asked.index), simplest(node)
    named = ""
    if type(node) is Traced and node.op == "given":
        named, node = f"{node.left} = ", node.value
    if type(node) is not Traced:
        because = ", ".join(f"{element(c.tensor, c.index)} = {number(c.value)}" for c in contributors[:4])
        more = ", …" if len(contributors) > 4 else ""
        return f"{left} = {named}{number(node)}" + (f" (because of {because}{more})" if because else "")
    if node.op == "read":
        part, index = node.left.place(node.right)
        return f"{left} = {element(node.left.parts[part][0], index)} = {number(node.value)}"
    return f"{left} = {with_numbers(node, asked.dtype.itemsize <= 4, asked.event.kind == 'update')}"


def _cause(asked: Question, tape: Tape, result: Any, contributors: list[Contributor]) -> str:
    """What made the result NaN or infinite: the first number of that kind on the way, read or computed."""
    actual = asked.actual
    if math.isfinite(result):
        if not math.isfinite(actual):
            return _overflow(asked, result) if math.isinf(actual) else f"the kernel made {actual} of finite numbers"
        return ""
    for node in tape:
        if node.derivative is not None and (node.value != node.value if result != result else math.isinf(node.value)):
            if node.op == "given":
                return f"{node.left} is {number(node.value)}"
            if node.op != "read":
                return operation(node)
            part, index = node.left.place(node.right)
            return f"{element(node.left.parts[part][0], index)} is {number(node.value)} already"
    where = ", ".join(f"{element(c.tensor, c.index)} = {number(c.value)}" for c in contributors[:4])
    return f"the formula has the value {number(result)} where {where}"


def _overflow(asked: Question, result: float) -> str:
    largest = float(np.finfo(asked.dtype).max)
    if abs(result) > largest:
        return f"{number(result)} is beyond the range of {asked.dtype} (±{largest:.4g})"
    return f"a number on the way overflowed in {asked.dtype}: here, in float64, it does not"


def _explanation(
    asked: Question, result: Any, scale: float, contributors: list, numbers: str, cause: str, note: str,
    complete: bool = True,
) -> Explanation:  # fmt: skip
    event, actual = asked.event, asked.actual
    latex, text = asked.formula()
    tolerance, agrees = _compared(result, actual, scale, asked.dtype)
    return Explanation(
        op=event.name,
        name=asked.name,
        index=asked.index,
        label=label_of(event, asked.name),
        latex=latex,
        plain=text,
        here=at_element(asked),
        numbers=numbers,
        parameters={name: plain(value) for name, value in asked.parameters.items()},
        result=result,
        actual=actual,
        difference=0.0 if result == actual else float(actual) - float(result),
        tolerance=tolerance,
        agrees=agrees,
        cause=cause,
        note=note,
        complete=complete,
        contributors=contributors,
        launch=asked.launch,
    )


def _compared(result: Any, actual: Any, scale: float, dtype: np.dtype) -> tuple[float, bool]:
    """The tolerance, and whether ``actual`` is ``result`` within it."""
    if dtype.kind != "f":
        return 0.0, bool(result == actual)
    limits = np.finfo(dtype)
    if not (math.isfinite(result) and math.isfinite(actual)):
        with np.errstate(over="ignore"):
            rounded = float(dtype.type(result))
        return 0.0, rounded == actual or (rounded != rounded and actual != actual)
    tolerance = _ROUNDINGS * float(limits.eps) * scale + float(limits.tiny)
    return tolerance, abs(actual - result) <= tolerance
