"""Answers that are asked for again: about large arrays, by another panel or where the cursor comes back to an event; and
those that stay the same from stop to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from engine.debug.memory import address

Answer = TypeVar("Answer")

#: Bytes of arrays about which answers are kept: those of smaller ones are as soon made.
LARGE = 1 << 20

#: Answers that are kept, most of them of a quarter of a megabyte or less.
MOST = 32


class Kept:
    """Answers by the memory that they are about.

    They hold as long as nothing is written: whoever lets the script run, or changes something at a stop, calls
    :meth:`clear`. The arrays must be held elsewhere meanwhile, as those of recorded events are.
    """

    def __init__(self) -> None:
        self._answers: dict[Any, Any] = {}

    def clear(self) -> None:
        """Something is written, or may be."""
        self._answers.clear()

    def of(self, array: np.ndarray, question: Any, make: Callable[[], Answer]) -> Answer:
        """The answer to ``question`` about ``array``: one that is known, or what ``make()`` returns."""
        if type(array) is not np.ndarray or array.nbytes < LARGE:
            return make()
        key = address(array), array.shape, array.strides, array.dtype.str, question
        if key not in self._answers:
            answer = make()
            if len(self._answers) >= MOST:
                del self._answers[next(iter(self._answers))]
            self._answers[key] = answer
        return self._answers[key]


class Told:
    """The answer to a question that was given last, by its number: while it stays the same it need not be sent again."""

    def __init__(self) -> None:
        self._number = 0
        self._body: dict[str, Any] | None = None

    def answer(self, body: dict[str, Any], known: int | None, **beside: Any) -> dict[str, Any]:
        """``body``, with its ``number`` and what is said ``beside`` it; the number alone where it is ``known``."""
        if body != self._body:
            self._number, self._body = self._number + 1, body
        elif known == self._number:
            return {"number": known}
        return {**body, **beside, "number": self._number}
