"""Einstein summation: general subscripts, by permutations and one batched matrix product for each pair of operands."""

from __future__ import annotations

import math
import string
from typing import Any

from engine.errors import ShapeError
from engine.ops.arithmetic import mul
from engine.ops.matmul import bmm
from engine.ops.reduction import sum as reduce_sum
from engine.tensor import Tensor

_LETTERS = string.ascii_uppercase + string.ascii_lowercase


def einsum(equation: str, *operands: Tensor | list[Tensor] | tuple[Tensor, ...]) -> Tensor:
    """``einsum("bij,bjk->bik", x, y)``: multiply, and sum over every letter that is not in the result.

    Letters name dimensions; ``...`` stands for any leading ones, which broadcast. Without ``->`` the result has the
    letters that occur once, in alphabetical order. A letter twice in one operand takes its diagonal.

    Raises:
        ShapeError: when letters and dimensions do not fit.
        ValueError: when the equation is not well-formed.
    """
    tensors: list[Any] = list(operands)
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = list(tensors[0])
    inputs, output = _parse(equation, tensors)
    sizes = _sizes(equation, inputs, tensors)
    terms = [_diagonals(names, tensor) for names, tensor in zip(inputs, tensors, strict=True)]
    names, tensor = terms[0]
    for position, (other_names, other) in enumerate(terms[1:], start=2):
        later = set(output).union(*[n for n, _ in terms[position:]])
        names, tensor = _contract(names, tensor, other_names, other, later, sizes)
    surplus = tuple([i for i, name in enumerate(names) if name not in output])
    if surplus:
        tensor = reduce_sum(tensor, surplus)
        names = [name for name in names if name in output]
    return tensor.permute([names.index(name) for name in output]) if names != output else tensor


def _parse(equation: str, tensors: list[Tensor]) -> tuple[list[list[str]], list[str]]:
    """The names of each operand's dimensions and of the result's; an ellipsis becomes numbered names."""
    text = equation.replace(" ", "")
    left, arrow, right = text.partition("->")
    parts = left.split(",")
    if len(parts) != len(tensors):
        raise ValueError(f"einsum: {equation!r} names {len(parts)} operands, but {len(tensors)} were given")
    inputs = [_names(equation, part, tensor._array.ndim) for part, tensor in zip(parts, tensors, strict=True)]
    dots = max((len([n for n in names if n.startswith(".")]) for names in inputs), default=0)
    leading = [f".{i}" for i in reversed(range(dots))]
    once = [name for name in _LETTERS if left.count(name) == 1]
    if not arrow:
        return inputs, leading + once
    letters = right.replace("...", "", 1)
    if len(set(letters)) != len(letters) or any(c not in left or c not in _LETTERS for c in letters):
        raise ValueError(f"einsum: the result of {equation!r} must name letters of the operands, each once")
    before, dotted, after = right.partition("...")
    return inputs, [*before, *(leading if dotted else []), *after]


def _names(equation: str, part: str, ndim: int) -> list[str]:
    before, dotted, after = part.partition("...")
    named = len(before) + len(after)
    if any(c not in _LETTERS for c in before + after):
        raise ValueError(f"einsum: {part!r} in {equation!r} may hold letters and one '...' only")
    if named > ndim or (named < ndim and not dotted):
        raise ShapeError(
            f"einsum: {part!r} in {equation!r} names {named} dimensions, but the operand has {ndim}; "
            "they must be as many"
        )
    return [*before, *[f".{i}" for i in reversed(range(ndim - named))], *after]


def _sizes(equation: str, inputs: list[list[str]], tensors: list[Tensor]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for names, tensor in zip(inputs, tensors, strict=True):
        for name, extent in zip(names, tensor._array.shape, strict=True):
            known = sizes.get(name, 1)
            if extent not in (1, known) and known != 1:
                raise ShapeError(
                    f"einsum: dimension {name!r} of {equation!r} has extent {known} in one operand and {extent} in "
                    f"another (shape {tensor._array.shape}); they must be equal"
                )
            sizes[name] = extent if known == 1 else known
    return sizes


def _diagonals(names: list[str], tensor: Tensor) -> tuple[list[str], Tensor]:
    names = list(names)
    for name in [n for n in dict.fromkeys(names) if names.count(n) > 1]:
        while names.count(name) > 1:
            first = names.index(name)
            second = names.index(name, first + 1)
            if tensor._array.shape[first] != tensor._array.shape[second]:
                raise ShapeError(
                    f"einsum: dimension {name!r} is repeated with different extents in {tensor._array.shape}"
                )
            tensor = tensor.diagonal(0, first, second)
            names = [n for i, n in enumerate(names) if i not in (first, second)] + [name]
    return names, tensor


def _contract(
    a_names: list[str], a: Tensor, b_names: list[str], b: Tensor, later: set[str], sizes: dict[str, int]
) -> tuple[list[str], Tensor]:
    """The product of two operands, summed over the letters that nothing needs any more."""
    a_names, a = _reduce_own(a_names, a, set(b_names) | later)
    b_names, b = _reduce_own(b_names, b, set(a_names) | later)
    shared = [n for n in a_names if n in b_names]
    # An extent of 1 that broadcasts cannot be part of a matrix product.
    whole = all(a._array.shape[a_names.index(n)] == b._array.shape[b_names.index(n)] for n in shared)
    summed = [n for n in shared if n not in later]
    batch = [n for n in shared if n in later]
    rows = [n for n in a_names if n not in shared]
    columns = [n for n in b_names if n not in shared]
    if not whole or not (summed or (rows and columns)):
        return _multiply(a_names, a, b_names, b, summed)
    left = _arranged(a_names, a, [batch, rows, summed], sizes)
    right = _arranged(b_names, b, [batch, summed, columns], sizes)
    order = [*batch, *rows, *columns]
    return order, bmm(left, right).reshape([sizes[n] for n in order])


def _reduce_own(names: list[str], tensor: Tensor, needed: set[str]) -> tuple[list[str], Tensor]:
    own = tuple([i for i, n in enumerate(names) if n not in needed])
    if not own:
        return names, tensor
    return [n for n in names if n in needed], reduce_sum(tensor, own)


def _arranged(names: list[str], tensor: Tensor, groups: list[list[str]], sizes: dict[str, int]) -> Tensor:
    order = [n for group in groups for n in group]
    if order != names:
        tensor = tensor.permute([names.index(n) for n in order])
    return tensor.reshape([math.prod([sizes[n] for n in group]) for group in groups])


def _multiply(
    a_names: list[str], a: Tensor, b_names: list[str], b: Tensor, summed: list[str]
) -> tuple[list[str], Tensor]:
    order = [*a_names, *[n for n in b_names if n not in a_names]]
    result = mul(_aligned(a_names, a, order), _aligned(b_names, b, order))
    return _reduce_own(order, result, set(order) - set(summed))


def _aligned(names: list[str], tensor: Tensor, order: list[str]) -> Tensor:
    present = [n for n in order if n in names]
    if present != names:
        tensor = tensor.permute([names.index(n) for n in present])
    shape = tensor._array.shape
    return tensor.reshape([shape[present.index(n)] if n in names else 1 for n in order])


METHODS: dict = {}
FUNCTIONS = ("einsum",)
