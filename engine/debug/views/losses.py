"""The loss of each sample of a batch: the loss op once more, with ``reduction="none"``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from engine.debug.evaluation import quiet
from engine.debug.events import Event
from engine.debug.memory import ARRAYS, on_cpu
from engine.function import Function
from engine.ops import loss, loss_binary, loss_classification, loss_regression
from engine.ops.loss_base import ElementLoss
from engine.ops.loss_classification import RowLoss
from engine.tensor import Tensor, wrap


def is_loss(event: Event) -> bool:
    """Whether the event's op is one of the engine's losses."""
    return isinstance(event.function, (RowLoss, ElementLoss))


def loss_event(events: Iterable[Event]) -> Event | None:
    """The newest forward event of a loss; ``events`` may come in any order."""
    found = [event for event in events if event.kind == "forward" and is_loss(event)]
    return max(found, key=lambda event: event.seq) if found else None


def _weights(f: Any, name: str = "w") -> Tensor | None:
    # A loss without weights keeps an empty array in their place.
    array = getattr(f, name, None)
    return wrap(on_cpu(array)) if isinstance(array, ARRAYS) and array.size else None


def _cross_entropy(f: Any, x: Tensor, t: Tensor) -> Tensor:
    return loss.cross_entropy(
        x, t, _weights(f), reduction="none", label_smoothing=f.smoothing, ignore_index=getattr(f, "ignore_index", -100)
    )


#: Class of a loss -> the same loss of every element or row.
_UNREDUCED: dict[type[Function], Callable[[Any, Tensor, Tensor], Tensor]] = {
    loss_classification.CrossEntropy: _cross_entropy,
    loss_classification.SoftCrossEntropy: _cross_entropy,
    loss_classification.NllLoss: lambda f, x, t: loss.nll_loss(
        x, t, _weights(f), ignore_index=f.ignore_index, reduction="none"
    ),
    loss_binary.BinaryCrossEntropy: lambda f, x, t: loss.binary_cross_entropy(x, t, _weights(f), reduction="none"),
    loss_binary.BinaryCrossEntropyWithLogits: lambda f, x, t: loss.binary_cross_entropy_with_logits(
        x, t, _weights(f), reduction="none", pos_weight=_weights(f, "pw")
    ),
    loss_binary.KlDiv: lambda f, x, t: loss.kl_div(x, t, reduction="none", log_target=f.log_target),
    loss_regression.MseLoss: lambda f, x, t: loss.mse_loss(x, t, reduction="none"),
    loss_regression.L1Loss: lambda f, x, t: loss.l1_loss(x, t, reduction="none"),
    loss_regression.SmoothL1Loss: lambda f, x, t: loss.smooth_l1_loss(x, t, reduction="none", beta=f.beta),
    loss_regression.HuberLoss: lambda f, x, t: loss.huber_loss(x, t, reduction="none", delta=f.delta),
}


def sample_losses(function: Function, x: np.ndarray, t: np.ndarray) -> np.ndarray | None:
    """The loss of each sample, float32 or float64, shape (N,): the mean over all that belongs to it.

    Weights of classes are in it; what the op divides the sum by is not.

    Args:
        function: the loss op, as its forward event keeps it.
        x, t: what it was given: predictions and targets, samples along dimension 0.

    Returns:
        None where the op is no loss that is known here, or there is no sample dimension.
    """
    unreduced = _UNREDUCED.get(type(function))
    if unreduced is None or x.ndim == 0 or not len(x):
        return None
    with quiet(calls=False):
        terms = unreduced(function, wrap(x), wrap(t))._array
    if terms.ndim == 0 or terms.shape[0] != len(x):
        return None
    return terms.reshape(len(x), -1).mean(axis=1) if terms.ndim > 1 else terms.copy()


def probabilities(function: Function | None, x: np.ndarray) -> np.ndarray | None:
    """What the outputs ``x`` mean as probabilities, by the loss that they go into, in their shape.

    Softmax over dimension 1 for cross-entropy (and, of several scores and without a known loss, by assumption), exp for
    the negative log-likelihood, the logistic function for binary cross-entropy with logits; None for other losses.
    """
    if x.ndim == 0 or x.dtype.kind != "f":
        return None
    with np.errstate(all="ignore"):
        if isinstance(function, loss_classification.NllLoss):
            return np.exp(x)
        if isinstance(function, loss_binary.BinaryCrossEntropy):
            return x
        if isinstance(function, loss_binary.BinaryCrossEntropyWithLogits):
            return 0.5 * (1 + np.tanh(0.5 * x))
        if isinstance(function, (loss_classification.CrossEntropy, loss_classification.SoftCrossEntropy)) or (
            function is None and x.ndim >= 2 and x.shape[1] > 1
        ):
            powers = np.exp(x - x.max(axis=1, keepdims=True)) if x.ndim > 1 else np.exp(x - x.max())
            return powers / powers.sum(axis=min(1, x.ndim - 1), keepdims=True)
    return None
