"""How much an optimizer step changes each parameter."""

from __future__ import annotations

import numpy as np

from engine.debug.memory import ARRAYS
from engine.tensor import Tensor

#: Elements of a parameter that are looked at; of a larger one each n-th. The ratio is asked for its order of magnitude, and
#: a copy of 100 MB is as long as the update itself.
MOST = 1 << 20


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
        size = 0.0 if before is None else float(np.linalg.norm(before))
        if size > 0:
            change = float(np.linalg.norm(_looked_at(parameter._array) - before))
            self._ratios[id(parameter)] = (parameter, change / size)

    def take(self) -> dict[int, tuple[Tensor, float]]:
        """For the id of each parameter (parameter, ratio); a new collection begins."""
        ratios, self._ratios = self._ratios, {}
        return ratios


def _looked_at(array: np.ndarray) -> np.ndarray:
    """``array``, or every n-th element of one that is large and lies on the CPU."""
    if array.size <= MOST or type(array) is not np.ndarray or not array.flags.c_contiguous:
        return array
    # An odd step: with an even one, columns of a matrix would never be seen.
    return array.reshape(-1)[:: -(-array.size // MOST) | 1]
