"""What explaining an element answers with."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from engine.debug.explain.terms import Contributor, largest_terms, weight

__all__ = ["Contributor", "Explanation"]


@dataclass
class Explanation:
    """Why one element has its value.

    Attributes:
        op, name, index: the element; ``label`` the parameter it belongs to, or "".
        latex, plain: the definition's formula with the settings that hold. here: ``plain`` at this element.
        numbers: the expression with its numbers.
        parameters: the numbers that the definition takes, by name.
        contributors: every element that was read, in the order of reading.
        result: the definition's value in float64; actual: the kernel's; difference: actual - result.
        tolerance: how far they may lie apart: 8 ε √Σ(v·dr/dv)² over every number v that the result r is computed from,
            ε the epsilon of the array's dtype: rounding errors, taken as independent.
        agrees: whether they are the same within ``tolerance``, or alike infinite or NaN.
        nonfinite: contributors to the expression that are inf or NaN. cause: what made the result so, or "".
        note: where it is computed otherwise than the formula says (so that nothing overflows): how, and why; or "".
        complete: False where the sum was too long for shares.
        launch: of an element that a GPU computed the thread (:func:`engine.debug.explain.thread.launch_of`), else None.
    """

    op: str
    name: str
    index: tuple[int, ...]
    label: str
    latex: str
    plain: str
    here: str
    numbers: str
    parameters: dict[str, Any]
    result: Any
    actual: Any
    difference: float
    tolerance: float
    agrees: bool
    cause: str
    note: str
    complete: bool
    contributors: list[Contributor] = field(repr=False)
    launch: dict[str, Any] | None = None

    @property
    def nonfinite(self) -> list[Contributor]:
        return [c for c in self.contributors if not c.decides and not math.isfinite(c.value)]

    def to_json(self, limit: int | None = None, order: str = "read") -> dict[str, Any]:
        """Everything as plain values.

        Args:
            limit: at most so many contributors.
            order: ``"read"``, or ``"share"``: the largest |share| first, what only decides last; or ``"terms"``: so too,
                but by the terms of :func:`engine.debug.explain.terms.terms_of`, none of which is cut, with an entry
                ``terms`` about them.
        """
        body = {name: value for name, value in self.__dict__.items() if name != "contributors"}
        shown = sorted(self.contributors, key=weight) if order == "share" else self.contributors
        if order == "terms":
            shown, body["terms"] = largest_terms(self.contributors, self.result, limit)
        shares = [c.share for c in self.contributors if c.share is not None]
        return body | {
            "index": list(self.index),
            "contributors": [c.to_json() for c in shown[:limit]],
            "total": len(self.contributors),
            "sum_of_shares": math.fsum(shares) if all(map(math.isfinite, shares)) else math.nan,
            "nonfinite": [c.to_json() for c in self.nonfinite[:limit]],
        }

    def __str__(self) -> str:
        verdict = "as the kernel computed" if self.agrees else f"but the kernel computed {self.actual!r}"
        return "\n".join(filter(None, (self.here, f"{self.numbers}, {verdict}", self.note, self.cause)))
