"""What a definition is: the maths of an op, written once, one element at a time.

An *element function* is a plain Python function that computes ONE element of one output, or of one gradient,
from the op's operands by scalar loops::

    @defines("y[n, o]", reads="x w b", latex=r"y_{n,o} = b_o + \\sum_{i} x_{n,i}\\,w_{o,i}")
    def linear_forward(x, w, b, n, o):
        total = 0.0
        for i in range(w.shape[1]):
            total += x[n, i] * w[o, i]
        ...
        return total

Its arguments are first the arrays it reads, then the op's parameters (numbers, or tuples of numbers), and last
the index of the element. An operand that is absent (a layer without bias) is an array of size 0. It uses
scalars, ``range``, ``if``, ``math`` and helper functions of the same kind only, so that all of these come from
the one text: the textbook kernel, the CPU and the CUDA kernel (:mod:`engine.kernels.derive`), the explanation
of a number (run it on arrays that record what is read), and stepping through it line by line.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass

from engine.definitions.settings import general

_RESULT = re.compile(r"^\s*(\w+)\s*\[([^\]]*)\]\s*$")

_registry: dict[str, Definition] = {}


@dataclass(frozen=True, slots=True)
class Definition:
    """An element function and what its arguments mean. Calling it computes one element.

    Attributes:
        function: the element function itself.
        result: name of the array that it computes an element of (``"y"``, ``"dx"``).
        index: names of the index arguments, one for each dimension of the result.
        arrays: names of the arrays it reads.
        parameters: names of the numbers and tuples of numbers it takes.
        templates: the formula for a typesetter and for a terminal, with parts that depend on settings
            (:mod:`engine.definitions.settings`).
    """

    function: Callable
    result: str
    index: tuple[str, ...]
    arrays: tuple[str, ...]
    parameters: tuple[str, ...]
    templates: tuple[str, str]

    @property
    def latex(self) -> str:
        """The formula for a typesetter, with the settings that say most."""
        return general(self.templates[0])

    @property
    def plain(self) -> str:
        """The formula for a terminal, with the settings that say most."""
        return general(self.templates[1])

    @property
    def name(self) -> str:
        return self.function.__name__

    @property
    def arguments(self) -> tuple[str, ...]:
        """Names of the arguments before the index: arrays, then parameters."""
        return self.arrays + self.parameters

    def __call__(self, *arguments):
        return self.function(*arguments)


def defines(result: str, *, reads: str, latex: str, plain: str) -> Callable[[Callable], Definition]:
    """Decorator: make an element function a :class:`Definition`.

    Args:
        result: ``"y[n, o]"``: the array that is computed and its index.
        reads: names of the arrays, separated by spaces; they must be the first arguments.
        latex, plain: the formula, with the names of the arguments; what only some settings compute stands in ``⟦ ⟧``
            (:mod:`engine.definitions.settings`), so that a formula shown is the one that was computed.

    Raises:
        ValueError: when the arguments of the function do not fit.
    """
    parsed = _RESULT.match(result)
    if parsed is None:
        raise ValueError(f"defines: {result!r} is not of the form 'y[n, o]'")
    index = tuple(part.strip() for part in parsed[2].split(",") if part.strip())
    arrays = tuple(reads.split())

    def decorate(function: Callable) -> Definition:
        names = tuple(inspect.signature(function).parameters)
        last = len(names) - len(index)
        if names[: len(arrays)] != arrays or names[last:] != index:
            raise ValueError(
                f"defines: {function.__name__}{names} must take the arrays {arrays} first and the index {index} last"
            )
        if function.__name__ in _registry:
            raise ValueError(f"defines: {function.__name__} is defined twice")
        definition = Definition(function, parsed[1], index, arrays, names[len(arrays) : last], (latex, plain))
        _registry[function.__name__] = definition
        return definition

    return decorate


def registry() -> dict[str, Definition]:
    """Every definition by name, in the order of definition."""
    return dict(_registry)


def computed_as(note: Callable[..., str]) -> Callable[[Callable], Callable]:
    """Decorator of a helper function that computes otherwise than its formula says: ``note`` says how, and why.

    Args:
        note: takes the function's arguments; "" where it computes as the formula says.
    """

    def decorate(function: Callable) -> Callable:
        function.computed_as = note  # type: ignore[attr-defined]
        return function

    return decorate
