"""Names of the tensors of a step, the same in every step that runs the same ops in the same order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from engine.function import Function
from engine.tensor import Tensor


def op_names(
    functions: Sequence[Function], name_of: Callable[[Tensor], str], path_of: Callable[[Function], str] | None
) -> list[str]:
    """For each op the path of its module, with a number from that module's second op on; else like ``"relu#2"``."""
    names = []
    counts: Counter[str] = Counter()
    for function in functions:
        path = path_of(function) if path_of is not None else _owner(function, name_of)
        name = path or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", function.name).lower()
        counts[name] += 1
        names.append(name if path and counts[name] == 1 else f"{name}#{counts[name]}")
    return names


def _owner(function: Function, name_of: Callable[[Tensor], str]) -> str:
    """The path of the module whose parameter an op applies to its input: ``"conv1"`` for ``"conv1.weight"``; "" for an op
    that reads parameters alone, such as a print of an element or a penalty.
    """
    names = [name_of(edge[0]) if edge is not None and edge[1] < 0 else "" for edge in function.edges]
    applied = "" if all(names) else next(filter(None, names), "")
    return applied.rpartition(".")[0]


def output_names(functions: Sequence[Function], names: Sequence[str]) -> list[str]:
    """The names of all outputs of all ops: the op's, and of several outputs that of each but the first behind a dot."""
    found = []
    for function, name in zip(functions, names, strict=True):
        returns = function.returns if len(function.returns) == function.outputs else range(function.outputs)
        found += [name if j == 0 else f"{name}.{output}" for j, output in enumerate(returns)]
    return found


def gradient_names(functions: Sequence[Function], names: Sequence[str], backwards: Sequence[Function]) -> list[str]:
    """For each gradient that arrived at an op run backward its output's name and ``.grad``.

    Empty for ops that did not run forward in this step, and for an op that runs backward once more.
    """
    first_of, first = {}, 0
    for function in functions:
        first_of[id(function)] = first
        first += function.outputs
    found = []
    for function in backwards:
        start = first_of.pop(id(function), None)
        found += [
            "" if start is None else f"{names[start + j]}.grad" for j in range(function.outputs)
        ]
    return found
