"""Confusion of all batches of a pass over a DataLoader that have been seen. NumPy, no Qt."""

from __future__ import annotations

from typing import Any

import numpy as np


class Tally:
    """The counts of each batch of one pass, of a batch only the newest.

    Attributes:
        place: (run, loader, epoch) of the pass, or None.
    """

    def __init__(self) -> None:
        self.place: tuple | None = None
        self._counts: dict[int, np.ndarray] = {}

    def add(self, run: Any, part: dict[str, Any] | None, confusion: np.ndarray | None) -> None:
        """Take in a batch; one of another pass begins anew."""
        if part is None or confusion is None:
            return
        place = run, part["loader"], part["epoch"]
        known = next(iter(self._counts.values()), confusion)
        if place != self.place or known.shape != confusion.shape:
            self.place, self._counts = place, {}
        self._counts[int(part["batch"])] = confusion

    @property
    def batches(self) -> int:
        """How many batches were seen."""
        return len(self._counts)

    def counts(self) -> np.ndarray | None:
        """The sum over the batches that were seen."""
        return np.sum(list(self._counts.values()), axis=0) if self._counts else None


def accuracy(counts: np.ndarray | None) -> str:
    """The share of right ones in words."""
    total = 0 if counts is None else int(counts.sum())
    if counts is None or not total:
        return ""
    return f"{100 * int(np.trace(counts)) / total:.1f} % of {total:,} right"
