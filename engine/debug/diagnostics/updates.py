"""How much an optimizer step changes each parameter."""

from __future__ import annotations

import numpy as np

from engine.debug.memory import ARRAYS
from engine.debug.squares import euclidean_norm
from engine.tensor import Tensor

#: Elements of a parameter that are looked at; of a larger one a run of so many out of each n runs. The ratio is asked for
#: its order of magnitude, and to read 100 MB takes as long as the update itself.
MOST, RUN = 1 << 20, 64


class Updates:
    """Norms of the changes of one step, relative to the parameters' norms before."""

    def __init__(self) -> None:
        self._before: dict[int, np.ndarray] = {}
        self._ratios: dict[int, tuple[Tensor, float]] = {}

    def before(self, parameter: Tensor) -> None:
        """``parameter`` is about to change: what is looked at of it is kept until :meth:`after`."""
        if isinstance(parameter._array, ARRAYS):
            self._before[id(parameter)] = _looked_at(parameter._array).copy()

    def after(self, parameter: Tensor) -> None:
        """``parameter`` has changed. A parameter that was 0 has no ratio."""
        before = self._before.pop(id(parameter), None)
        with np.errstate(over="ignore", invalid="ignore"):
            size = 0.0 if before is None else euclidean_norm(before)
            if size > 0:
                change = euclidean_norm(_looked_at(parameter._array) - before)
                self._ratios[id(parameter)] = (parameter, change / size)

    def take(self) -> dict[int, tuple[Tensor, float]]:
        """For the id of each parameter (parameter, ratio); a new collection begins."""
        ratios, self._ratios = self._ratios, {}
        return ratios


def _looked_at(array: np.ndarray) -> np.ndarray:
    """``array``, or runs of elements out of one that is large and lies on the CPU."""
    if array.size <= MOST or type(array) is not np.ndarray or not array.flags.c_contiguous:
        return array
    # One out of an odd number: out of an even one, columns of a matrix would never be seen.
    every = RUN * (-(-array.size // MOST) | 1)
    return array.reshape(-1)[: array.size // every * every].reshape(-1, every)[:, :RUN]
