"""The terms that an explained number is the sum of, made out of its contributors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gui.numbers import format_number


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
        beyond: how many smaller ones there are besides; beyond_share: their sum; beyond_deciding: those that only decide.
    """

    terms: tuple[Term, ...]
    summands: bool
    beyond: int = 0
    beyond_share: float = 0.0
    beyond_deciding: int = 0

    @property
    def count(self) -> int:
        """All that the result is computed from."""
        return sum(not term.decides for term in self.terms) + self.beyond - self.beyond_deciding

    @cached_property
    def largest(self) -> float:
        """The largest |share|, 0.0 where none is finite."""
        return max((abs(t.share) for t in self.terms if t.share is not None and math.isfinite(t.share)), default=0.0)


def terms_of(explanation: Mapping[str, Any]) -> Terms:
    """The terms of an answer to ``explain`` with its contributors in the order of the terms."""
    contributors, about = explanation["contributors"], explanation["terms"]
    terms, end = [], 0
    for size in about["sizes"]:
        start, end = end, end + size
        first = contributors[start]
        terms.append(Term(tuple(contributors[start:end]), first["share"], bool(first["decides"])))
    beyond = about["beyond"]
    return Terms(tuple(terms), about["summands"], beyond["count"], beyond["share"], beyond["deciding"])


def element_name(tensor: str, index: Sequence[int]) -> str:
    """``w[1, 3]``; the tensor's name alone where it has no dimension."""
    return f"{tensor}[{', '.join(map(str, index))}]" if index else tensor


def _factor(value: Any, follows: bool) -> str:
    text = format_number(value)
    return f"({text})" if follows and text.startswith("-") else text
