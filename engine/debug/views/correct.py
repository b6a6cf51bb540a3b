"""How many predictions of a batch are right, from what a loss is given."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.ops.loss_binary import BinaryCrossEntropy, BinaryCrossEntropyWithLogits
from engine.ops.loss_classification import RowLoss


def terms(kind: type, shape: tuple[int, ...]) -> int:
    """How many terms a loss op of class ``kind`` has for predictions of a shape: rows of class scores, or elements."""
    size = math.prod(shape)
    if issubclass(kind, RowLoss):
        return size // max(1, shape[1]) if len(shape) > 1 else 1
    return size


def correct_of(function: Any, x: np.ndarray, t: np.ndarray) -> tuple[int, int]:
    """(predictions that are right, predictions that there are a target for); (-1, 0) where the loss is not of classes.

    A loss over rows of class scores predicts the class of the greatest score (dimension 1; a row with a NaN predicts
    nothing), and labels that it ignores are no targets. Binary cross-entropy predicts 1 where the probability is above
    one half (a logit above 0), each element by itself.

    Args:
        function: the loss op.
        x: predictions (N, C), (N, C, d1, ...), (C), or for binary losses of any shape.
        t: labels in the shape of ``x`` without dimension 1, or probabilities in the shape of ``x``.
    """
    if isinstance(function, RowLoss):
        return _of_classes(function, x, t)
    if isinstance(function, (BinaryCrossEntropy, BinaryCrossEntropyWithLogits)) and x.shape == t.shape and x.size:
        border = 0.5 if isinstance(function, BinaryCrossEntropy) else 0.0
        # A NaN is on neither side.
        right = np.where(t > 0.5, x > border, x <= border)
        return int(np.count_nonzero(right)), x.size
    return -1, 0


def _of_classes(function: Any, x: np.ndarray, t: np.ndarray) -> tuple[int, int]:
    if not x.size or not x.ndim:
        return -1, 0
    axis = 1 if x.ndim > 1 else 0
    true = t.argmax(axis=axis) if t.dtype.kind == "f" else t
    right = x.argmax(axis=axis) == true
    if not math.isfinite(x.sum()):
        right &= ~np.isnan(x.max(axis=axis))
    ignored = getattr(function, "ignore_index", None)
    if ignored is None or t.dtype.kind == "f":
        return int(np.count_nonzero(right)), true.size
    if ignored >= 0:
        right &= true != ignored
    return int(np.count_nonzero(right)), true.size - int(np.count_nonzero(true == ignored))
