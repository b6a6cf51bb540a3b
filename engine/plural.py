"""Words for how many."""

from __future__ import annotations


def plural(count: float, one: str, many: str = "") -> str:
    """``one`` for exactly one, else ``many``, by default ``one`` with an s: ``f"{n} {plural(n, 'unit')}"``."""
    return one if count == 1 else many or f"{one}s"
