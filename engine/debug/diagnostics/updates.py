"""How much an optimizer step changes each parameter."""

from __future__ import annotations

import numpy as np

from engine.debug.memory import ARRAYS
from engine.tensor import Tensor


class Updates:
    """Norms of the changes of one step, relative to the parameters' norms before."""

    def __init__(self) -> None:
        self._before: dict[int, np.ndarray] = {}
        self._ratios: dict[int, tuple[Tensor, float]] = {}

    def before(self, parameter: Tensor) -> None:
        """``parameter`` is about to change: a copy is kept until :meth:`after`."""
        if isinstance(parameter._array, ARRAYS):
            self._before[id(parameter)] = parameter._array.copy()

    def after(self, parameter: Tensor) -> None:
        """``parameter`` has changed. A parameter that was 0 has no ratio."""
        before = self._before.pop(id(parameter), None)
        size = 0.0 if before is None else float(np.linalg.norm(before))
        if size > 0:
            self._ratios[id(parameter)] = (parameter, float(np.linalg.norm(parameter._array - before)) / size)

    def take(self) -> dict[int, tuple[Tensor, float]]:
        """For the id of each parameter (parameter, ratio); a new collection begins."""
        ratios, self._ratios = self._ratios, {}
        return ratios
