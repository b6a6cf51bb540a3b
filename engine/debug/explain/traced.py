"""Numbers that remember how they were computed, so that an element function leaves its whole expression behind.

Element functions are plain Python. Given arrays of :class:`Traced` numbers they run unchanged, and every operation
writes a node on a :class:`Tape`: value, operation, operands. Walking the tape backwards gives the derivative of
the result with respect to every element that was read. Where Python raises and a kernel gives inf or NaN (division by
zero, ``math.log(0)``, overflow) the nodes have the kernel's value: that of IEEE 754, by NumPy.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from engine.debug.explain.derivatives import divided, floored, partials, power, remainder


class TooLong(Exception):
    """The evaluation reads more than the tape was allowed to hold."""


class Tape(list):
    """The nodes in the order of their making. ``calls`` counts reads, also those of an element read before.

    Attributes:
        notes: what helper functions said of how they computed (:func:`engine.definitions.contract.computed_as`).
    """

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit
        self.notes: dict[str, None] = {}
        self.calls = 0

    def count(self) -> None:
        """Note one more read.

        Raises:
            TooLong: when the tape holds more than four nodes for each of ``limit`` reads, or ten times as many reads.
        """
        self.calls += 1
        if len(self) > 4 * self.limit or self.calls > 10 * self.limit:
            raise TooLong

    def differentiate(self, result: Traced) -> None:
        """Set ``derivative`` of every node that ``result`` is computed from: d result / d node."""
        result.derivative = 1.0
        for node in reversed(self):
            d = node.derivative
            if d is None or node.op in ("read", "given"):
                continue
            left, right = node.left, node.right
            slopes = partials(node.op, value_of(left), value_of(right), node.value)
            for operand, partial in zip((left, right), slopes, strict=True):
                if type(operand) is Traced:
                    before = operand.derivative
                    change = d * partial if d else 0.0
                    operand.derivative = change if before is None else before + change


class Traced:
    """A number, and the operation and operands it came from. ``derivative`` is None for what the result does not use.

    Leaves have the operations ``"read"`` (operand, index) and ``"given"`` (a parameter's name).
    """

    __slots__ = ("derivative", "left", "op", "right", "tape", "value")

    #: NumPy's scalars leave arithmetic with these numbers to them.
    __array_ufunc__ = None

    def __init__(self, tape: Tape, op: str, left: Any, right: Any, value: Any) -> None:
        self.tape, self.op, self.left, self.right, self.value = tape, op, left, right, value
        self.derivative: float | None = None
        tape.append(self)

    def __add__(self, other: Any) -> Traced:
        return Traced(self.tape, "+", self, other, self.value + (other.value if type(other) is Traced else other))

    def __radd__(self, other: Any) -> Traced:
        return Traced(self.tape, "+", other, self, other + self.value)

    def __sub__(self, other: Any) -> Traced:
        return Traced(self.tape, "-", self, other, self.value - value_of(other))

    def __rsub__(self, other: Any) -> Traced:
        return Traced(self.tape, "-", other, self, other - self.value)

    def __mul__(self, other: Any) -> Traced:
        return Traced(self.tape, "*", self, other, self.value * (other.value if type(other) is Traced else other))

    def __rmul__(self, other: Any) -> Traced:
        return Traced(self.tape, "*", other, self, other * self.value)

    def __truediv__(self, other: Any) -> Traced:
        return Traced(self.tape, "/", self, other, divided(self.value, value_of(other)))

    def __rtruediv__(self, other: Any) -> Traced:
        return Traced(self.tape, "/", other, self, divided(other, self.value))

    def __pow__(self, other: Any) -> Traced:
        return Traced(self.tape, "**", self, other, power(self.value, value_of(other)))

    def __rpow__(self, other: Any) -> Traced:
        return Traced(self.tape, "**", other, self, power(other, self.value))

    def __mod__(self, other: Any) -> Traced:
        return Traced(self.tape, "%", self, other, remainder(self.value, value_of(other)))

    def __rmod__(self, other: Any) -> Traced:
        return Traced(self.tape, "%", other, self, remainder(other, self.value))

    def __floordiv__(self, other: Any) -> Traced:
        return Traced(self.tape, "floor", self / other, None, floored(math.floor, divided(self.value, value_of(other))))

    def __neg__(self) -> Traced:
        return Traced(self.tape, "neg", self, None, -self.value)

    def __abs__(self) -> Traced:
        return Traced(self.tape, "abs", self, None, abs(self.value))

    def __lt__(self, other: Any) -> bool:
        return bool(self.value < value_of(other))

    def __le__(self, other: Any) -> bool:
        return bool(self.value <= value_of(other))

    def __gt__(self, other: Any) -> bool:
        return bool(self.value > value_of(other))

    def __ge__(self, other: Any) -> bool:
        return bool(self.value >= value_of(other))

    def __eq__(self, other: Any) -> bool:
        return bool(self.value == value_of(other))

    def __ne__(self, other: Any) -> bool:
        return bool(self.value != value_of(other))

    def __hash__(self) -> int:
        return hash(self.value)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __index__(self) -> int:
        return self.value.__index__()


def value_of(number: Any) -> Any:
    """The plain number behind ``number``."""
    return number.value if type(number) is Traced else number


class _Math:
    """Stands for the module ``math`` in element functions: takes traced numbers, and never raises."""

    inf, nan, pi, e = math.inf, math.nan, math.pi, math.e

    def __getattr__(self, name: str) -> Any:
        function, by_numpy = getattr(math, name), getattr(np, _NUMPY.get(name, name), None)
        whole = name in ("floor", "ceil", "trunc")

        def plain(*values: Any) -> Any:
            if whole:
                return floored(function, values[0])
            try:
                return np.float64(function(*values))
            except (ValueError, OverflowError):
                return by_numpy(*map(np.float64, values)) if by_numpy else np.float64(math.nan)

        def call(*arguments: Any) -> Any:
            for argument in arguments:
                if type(argument) is Traced:
                    value = plain(*map(value_of, arguments))
                    value = value if whole else float(value)
                    return Traced(argument.tape, name, arguments[0], arguments[1] if len(arguments) > 1 else None, value)
            return plain(*arguments)

        setattr(self, name, call)
        return call

    @staticmethod
    def isnan(value: Any) -> bool:
        return math.isnan(value_of(value))

    @staticmethod
    def isinf(value: Any) -> bool:
        return math.isinf(value_of(value))


_NUMPY = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2", "pow": "power"}

safe_math = _Math()


def _noting(function: Callable, note: Callable[..., str]) -> Callable:
    """``function``, which leaves ``note`` of its arguments on their tape."""

    def call(*arguments: Any) -> Any:
        tape = next((found for a in arguments if (found := getattr(a, "tape", None)) is not None), None)
        said = note(*map(value_of, arguments)) if tape is not None else ""
        if tape is not None and said:
            tape.notes[said] = None
        return function(*arguments)

    return call


@lru_cache(maxsize=1024)
def rebuilt(function: types.FunctionType, noting: bool = False) -> tuple[Callable, tuple[types.FunctionType, ...]]:
    """A copy of an element function that uses :data:`safe_math`, and all functions it may call.

    With ``noting`` those that compute otherwise than their formula leave a note on the tape. The copies
    share the code of the originals, so line numbers and file stay.
    """
    namespace: dict[str, Any] = {"__builtins__": function.__globals__["__builtins__"]}
    found: list[types.FunctionType] = []

    def copy(original: types.FunctionType) -> Callable:
        found.append(original)
        for name in original.__code__.co_names:
            value = original.__globals__.get(name)
            if name in namespace or name not in original.__globals__:
                continue
            if isinstance(value, types.ModuleType) and value.__name__ == "math":
                namespace[name] = safe_math
            elif isinstance(value, types.FunctionType):
                namespace[name] = value  # Stops a function that calls itself.
                namespace[name] = copy(value)
            else:
                namespace[name] = value
        made = types.FunctionType(
            original.__code__, namespace, original.__name__, original.__defaults__, original.__closure__
        )
        note = getattr(original, "computed_as", None) if noting else None
        return made if note is None else _noting(made, note)

    return copy(function), tuple(found)
