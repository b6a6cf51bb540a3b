"""Sums of squares that the debugger finds beside a training, on the thread that asks and on no other.

NumPy's BLAS gives a product of long vectors to threads of its own, which go on turning for a while when they have done:
beside the kernels' threads, which they keep from working, a sum of some microseconds cost the training 0.4 ms. Pieces are
too short for that, and their sum in double precision is more exact than one of the whole.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

#: Elements of a piece. OpenBLAS uses threads for more than 10,000.
PIECE = 8192


def sum_of_squares(array: Any) -> float:
    """Σ x² of all elements of an array, on the CPU or a GPU; infinite where squares of its dtype overflow."""
    flat = array if array.ndim == 1 else array.ravel()
    if not isinstance(flat, np.ndarray):
        return float(np.dot(flat, flat))
    if flat.size <= PIECE:
        # The method is quicker than the function.
        return float(flat.dot(flat))
    total = 0.0
    for start in range(0, flat.size, PIECE):
        piece = flat[start : start + PIECE]
        total += float(piece.dot(piece))
    return total


def euclidean_norm(array: Any) -> float:
    """√Σ x² of all elements; see :func:`sum_of_squares`."""
    return math.sqrt(sum_of_squares(array))
