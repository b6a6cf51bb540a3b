"""The terms that an explained number is the sum of, made out of its contributors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gui.numbers import format_number

#: How far the terms' sum may lie from the result, relative to the terms' sizes, for them to be called its summands.
_CLOSE = 1e-6


@dataclass(frozen=True)
class Term:
    """One summand.

    Attributes:
        contributors: its factors, as ``explain`` lists them.
        share: what it adds to the result; None where that was not computed.
        decides: it was only compared, or used as an index.
    """

    contributors: tuple[Mapping[str, Any], ...]
    share: float | None
    decides: bool = False

    @property
    def label(self) -> str:
        """``x[0, 3] · w[1, 3]``"""
        return " · ".join(element_name(c["tensor"], c["index"]) for c in self.contributors)

    @property
    def numbers(self) -> str:
        """``0.9 · (-0.2)``"""
        return " · ".join(_factor(c["value"], i > 0) for i, c in enumerate(self.contributors))


@dataclass(frozen=True)
class Terms:
    """The terms of a result, the largest first.

    Attributes:
        terms: those that it is computed from, then those that only decide.
        summands: whether they add up to the result. Otherwise each share is value · derivative: how strongly the result
            hangs on it.
    """

    terms: tuple[Term, ...]
    summands: bool

    @cached_property
    def largest(self) -> float:
        """The largest |share|, 0.0 where none is finite."""
        return max((abs(t.share) for t in self.terms if t.share is not None and math.isfinite(t.share)), default=0.0)


def terms_of(explanation: Mapping[str, Any]) -> Terms:
    """The terms of an answer to ``explain``.

    Contributors that were read one after another, lie in different tensors and have the same share are taken as the
    factors of one product; that is kept only where the products add up to the result.
    """
    contributors = explanation.get("contributors") or []
    result = explanation.get("result")
    whole = len(contributors) == explanation.get("total", len(contributors))
    grouped = _products(contributors)
    if not whole or _sum_is(grouped, result):
        return Terms(_ordered(grouped), whole)
    single = [Term((c,), c["share"], bool(c["decides"])) for c in contributors]
    return Terms(_ordered(single), _sum_is(single, result))


def element_name(tensor: str, index: Sequence[int]) -> str:
    """``w[1, 3]``; the tensor's name alone where it has no dimension."""
    return f"{tensor}[{', '.join(map(str, index))}]" if index else tensor


def _factor(value: Any, follows: bool) -> str:
    text = format_number(value)
    return f"({text})" if follows and text.startswith("-") else text


def _products(contributors: Sequence[Mapping[str, Any]]) -> list[Term]:
    groups: list[list[Mapping[str, Any]]] = []
    for c in contributors:
        if groups and c["share"] is not None and not c["decides"] and _same_product(groups[-1], c):
            groups[-1].append(c)
        else:
            groups.append([c])
    return [Term(tuple(group), group[0]["share"], bool(group[0]["decides"])) for group in groups]


def _same_product(group: Sequence[Mapping[str, Any]], other: Mapping[str, Any]) -> bool:
    first, share = group[0]["share"], other["share"]
    if first is None or not (first == share or math.isclose(first, share, rel_tol=1e-12)) or group[0]["decides"]:
        return False
    return all(c["tensor"] != other["tensor"] for c in group)


def _sum_is(terms: Sequence[Term], result: Any) -> bool:
    shares = [t.share for t in terms if not t.decides and t.share is not None]
    if not isinstance(result, (int, float)) or not all(map(math.isfinite, [*shares, result])):
        return False
    return abs(math.fsum(shares) - result) <= _CLOSE * max(math.fsum(map(abs, shares)), abs(result))


def _ordered(terms: Sequence[Term]) -> tuple[Term, ...]:
    def weight(term: Term) -> tuple[bool, float]:
        share = term.share if term.share is not None else 0.0
        return term.decides, -math.inf if math.isnan(share) else -abs(share)

    return tuple(sorted(terms, key=weight))
