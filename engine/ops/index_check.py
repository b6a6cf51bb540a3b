"""Are all indices in range? On the CPU told at once, on the GPU when the CPU next waits for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine import trace
from engine.device import contiguous


def check_indices(kernel: Any, indices: Any, limits: tuple[int, ...], complain: Callable[[int, int], Exception]) -> None:
    """Run ``kernel(found, indices, *limits, number)``, which looks for the first index that is out of range.

    Args:
        complain: makes the error from the place of that index in the flattened array, and the index.

    Raises:
        Exception: that error. On the GPU it is raised by what next waits for it (:mod:`engine.device.faults`), or at
            once while a debugger looks on, which stops where the error is.
    """
    flat = contiguous(indices).reshape(-1)
    if type(flat) is np.ndarray:
        found = np.zeros(3, np.int64)
        kernel.serial(found, flat, *limits, 1)
        if found[0]:
            raise complain(int(found[1]), int(found[2]))
        return
    from engine.device import faults

    found, number = faults.expect(complain)
    kernel.cuda(found, flat, *limits, number)
    if trace.on_forward is not None:
        faults.look()


def position(place: int, shape: tuple[int, ...]) -> str:
    """Element number ``place`` of an array of ``shape``, as its indices are written."""
    return ", ".join(str(int(i)) for i in np.unravel_index(place, shape))
