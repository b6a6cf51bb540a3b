"""What an explained number was computed from: the elements that were read, and the terms that it is the sum of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple

#: How far the terms' sum may lie from the result, relative to the terms' sizes, for them to be called its summands.
_CLOSE = 1e-6


class Contributor(NamedTuple):
    """An element that was read.

    Attributes:
        tensor, index: where it lies, in the tensor's own shape (``"x"``; ``"x[1]"`` for the second of several inputs).
        value: what it is.
        share: value · derivative. derivative: d result / d value. Both None where the sum was too long for them.
        decides: it was only compared, or used as an index, and is not part of the expression.
        label: the parameter or buffer that it belongs to (``"conv1.weight"``), or "".
    """

    tensor: str
    index: tuple[int, ...]
    value: Any
    share: float | None
    derivative: float | None
    decides: bool
    label: str

    def to_json(self) -> dict[str, Any]:
        """Plain values by the attributes' names."""
        return self._asdict() | {"index": list(self.index)}


def weight(contributor: Contributor) -> tuple[bool, float]:
    """By what contributors are sorted: the largest |share| first, what only decides last."""
    share = contributor.share or 0.0
    return contributor.decides, -math.inf if math.isnan(share) else -abs(share)


def largest_terms(
    contributors: Sequence[Contributor], result: Any, limit: int | None
) -> tuple[list[Contributor], dict[str, Any]]:
    """The contributors of the largest terms, at most ``limit`` of them, and what the protocol says of the terms."""
    terms, summands = terms_of(contributors, result)
    ends = list(accumulate(map(len, terms)))
    count = len(terms) if limit is None else sum(end <= limit for end in ends)
    left = [term[0] for term in terms[count:]]
    shares = [first.share for first in left if first.share is not None and math.isfinite(first.share)]
    beyond = {"count": len(left), "share": math.fsum(shares), "deciding": sum(first.decides for first in left)}
    about = {"sizes": [len(term) for term in terms[:count]], "summands": summands, "beyond": beyond}
    return [contributor for term in terms[:count] for contributor in term], about


def terms_of(contributors: Sequence[Contributor], result: Any) -> tuple[list[list[Contributor]], bool]:
    """The factors of each term, the largest term first, and whether the terms add up to ``result``.

    Contributors that were read one after another, lie in different tensors and have the same share are taken as the
    factors of one product; that is kept only where the products add up to the result.
    """
    groups = _products(contributors)
    summands = _sum_is(groups, result)
    if not summands:
        groups = [[contributor] for contributor in contributors]
        summands = _sum_is(groups, result)
    return sorted(groups, key=lambda group: weight(group[0])), summands


def _products(contributors: Sequence[Contributor]) -> list[list[Contributor]]:
    groups: list[list[Contributor]] = []
    for contributor in contributors:
        if groups and contributor.share is not None and not contributor.decides and _same_product(groups[-1], contributor):
            groups[-1].append(contributor)
        else:
            groups.append([contributor])
    return groups


def _same_product(group: Sequence[Contributor], other: Contributor) -> bool:
    first, share = group[0].share, other.share
    if first is None or share is None or group[0].decides:
        return False
    if first != share and not math.isclose(first, share, rel_tol=1e-12):
        return False
    return all(contributor.tensor != other.tensor for contributor in group)


def _sum_is(groups: Sequence[Sequence[Contributor]], result: Any) -> bool:
    shares = [group[0].share for group in groups if not group[0].decides and group[0].share is not None]
    if not isinstance(result, (int, float)) or not all(map(math.isfinite, [*shares, result])):
        return False
    return abs(math.fsum(shares) - result) <= _CLOSE * max(math.fsum(map(abs, shares)), abs(result))
