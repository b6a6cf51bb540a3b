"""The samples of a batch: label, prediction, probabilities, loss; which were worst; and how classes were confused."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.debug.events import Event
from engine.debug.memory import ARRAYS, on_cpu
from engine.debug.views.arrays import view
from engine.debug.views.losses import is_loss, loss_event, probabilities, sample_losses
from engine.function import Function

__all__ = ["batch_view", "is_loss", "loss_event", "page", "samples"]

#: Samples that an answer may hold, classes of a confusion matrix, and samples in the order of the worst.
MOST_SAMPLES = 1024
MOST_CLASSES = 256
MOST_WORST = 256

#: Rows and columns of a sample's picture, and numbers of a sample that is no picture.
_PICTURE = (64, 64)
_NUMBERS = (1, 1024)

#: How many classes are named for each sample, and how many numbers of a sample a column holds.
_TOP = 3
_WIDEST = 64


def samples(
    labels: np.ndarray | None,
    outputs: np.ndarray | None = None,
    function: Function | None = None,
    indices: Any = None,
) -> dict[str, Any]:
    """What the network made of each sample of a batch, in columns.

    Args:
        labels: what the batch gives beside the inputs: class labels (N) or (N, d1, ...), class probabilities (N, C), or
            targets in the outputs' shape; None where there are none.
        outputs: the network's outputs, the first argument of the loss: (N, C), (N), (N, 1), (N, C, d1, ...) ...
        function: the loss op, as its forward event keeps it; without it there are no losses, and several scores of
            a sample are taken for logits.
        indices: of the samples in the dataset.

    Returns:
        ``total``: samples of the batch (N). Columns, None where they cannot be known: ``indices`` (int64); ``labels``,
        ``predictions``: classes (int64; -1 where the outputs are NaN), or numbers or vectors where the targets are no
        classes; ``correct``: bool, or for several predictions in each sample the share that is right (float32);
        ``classes``, ``probabilities`` (N, 3): the most probable classes; ``losses``. About the whole batch:
        ``worst``: positions in the batch, the greatest loss first, of mistakes only where there are classes;
        ``mistakes``, ``scored``: how many predictions are wrong, of how many; ``confusion``: (C, C) int64 counts, a
        row for each label, a column for each prediction, or None; ``meanLoss``: of the finite losses.
    """
    first = labels if labels is not None and labels.ndim else outputs
    total = len(first) if first is not None and first.ndim else 0
    if outputs is not None and (outputs.ndim == 0 or len(outputs) != total):
        outputs = None
    chances = None if outputs is None else probabilities(function, outputs)
    true, predicted = _classes(labels, outputs, chances)
    losses = None
    if function is not None and labels is not None and outputs is not None:
        losses = sample_losses(function, outputs, labels)
    right = None if predicted is None or true is None else predicted == true
    scored = None if true is None else true >= 0
    best, best_chances = _top(chances)
    return {
        "total": total,
        "indices": _indices(indices, total),
        "labels": _column(labels if true is None else true),
        "predictions": _column(outputs if predicted is None else predicted),
        "correct": _share(right, scored),
        "classes": best,
        "probabilities": best_chances,
        "losses": losses,
        "worst": _worst(losses, right, scored),
        "mistakes": None if right is None or scored is None else int(np.count_nonzero(~right & scored)),
        "scored": None if right is None or scored is None else int(np.count_nonzero(scored)),
        "confusion": _confusion(true, predicted, chances),
        "meanLoss": _mean(losses),
    }


def batch_view(parts: Sequence[np.ndarray], loss: Event | None = None, indices: Any = None) -> dict[str, Any]:
    """:func:`samples` of a batch, and its ``inputs``; cut a :func:`page` out of it before it is sent.

    Args:
        parts: the batch's arrays: inputs first, labels last.
        loss: the forward event of the loss that was computed of it, if it has been.
        indices: of the samples in the dataset.
    """
    inputs = parts[0] if parts else None
    labels = parts[-1] if len(parts) > 1 else None
    outputs, function = None, None
    given = (loss.arrays.get("x"), loss.arrays.get("t")) if loss is not None else (None, None)
    if loss is not None and isinstance(given[0], ARRAYS) and isinstance(given[1], ARRAYS):
        outputs, labels, function = given[0], given[1], loss.function
    if labels is None and outputs is None and inputs is not None and inputs.ndim:
        return {**samples(None, None, None, indices), "total": len(inputs), "inputs": inputs,
                "indices": _indices(indices, len(inputs))}  # fmt: skip
    result = samples(on_cpu(labels), on_cpu(outputs), function, indices)
    fits = inputs is not None and inputs.ndim > 0 and len(inputs) == result["total"]
    return {**result, "inputs": inputs if fits else None}


#: The columns of :func:`samples`.
_COLUMNS = ("indices", "labels", "predictions", "correct", "classes", "probabilities", "losses")


def page(result: dict[str, Any], start: int = 0, count: int | None = None) -> dict[str, Any]:
    """The samples from ``start`` on of a batch's view, at most ``MOST_SAMPLES``.

    Columns are cut; ``inputs`` becomes :func:`~engine.debug.views.arrays.view` of these samples: pictures in at most
    64 × 64 blocks, other inputs in at most 1024 numbers each.
    """
    total = result["total"]
    start = min(max(0, start), total)
    part = slice(start, start + max(0, min(MOST_SAMPLES, total if count is None else count)))
    body = {**result, "start": start}
    for name in _COLUMNS:
        if body[name] is not None:
            body[name] = body[name][part].copy()
    inputs = body.get("inputs")
    if inputs is not None:
        shown = on_cpu(inputs[part])
        picture = shown.ndim > 2
        rows = shown if picture else shown.reshape(len(shown), 1, math.prod(shown.shape[1:]))
        found = view(rows, None, _PICTURE if picture else _NUMBERS)
        if not picture:
            found["data"] = found["data"].reshape(found["data"].shape[0], found["data"].shape[2])
        body["inputs"] = {**found, "shape": list(inputs.shape), "selected": list(shown.shape)}
    return body


def _classes(
    labels: np.ndarray | None, outputs: np.ndarray | None, chances: np.ndarray | None
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """(labels, predictions) as int64 classes of one shape; each None where there is no such thing."""
    predicted = None
    if chances is not None:
        several = chances.ndim >= 2 and chances.shape[1] > 1
        soft = labels if labels is not None and labels.dtype.kind == "f" and labels.shape == chances.shape else None
        # Several sigmoids in a sample are labels of their own where the targets are not those of one class.
        one_of_many = several and (soft is None or _sums_to_one(soft))
        predicted = chances.argmax(axis=1) if one_of_many else (chances > 0.5).astype(np.int64)
        broken = np.isnan(chances)
        predicted[broken.any(axis=1) if one_of_many else broken] = -1
        if one_of_many and soft is not None:
            labels = soft.argmax(axis=1)
    if labels is None:
        return None, predicted
    whole = labels.dtype.kind in "iub" or (predicted is not None and bool(np.isin(labels, (0, 1)).all()))
    if not whole or (predicted is None and outputs is not None):
        return None, predicted
    true = labels.astype(np.int64)
    if predicted is None or true.shape == predicted.shape:
        return true, predicted
    return (true, predicted.reshape(true.shape)) if true.size == predicted.size else (true, None)


def _sums_to_one(labels: np.ndarray) -> bool:
    return bool(np.abs(labels.sum(axis=1) - 1).max(initial=0) < 1e-3)


def _top(chances: np.ndarray | None) -> tuple[np.ndarray | None, np.ndarray | None]:
    if chances is None or chances.ndim != 2 or chances.shape[1] < 2:
        return None, None
    kept = min(_TOP, chances.shape[1])
    # NaN first: what is broken must be seen.
    keys = np.where(np.isnan(chances), np.inf, chances)
    best = np.argpartition(-keys, kept - 1, axis=1)[:, :kept]
    best = np.take_along_axis(best, np.argsort(-np.take_along_axis(keys, best, 1), axis=1, kind="stable"), 1)
    return best.astype(np.int64), np.take_along_axis(chances, best, 1).astype(np.float32)


def _column(values: np.ndarray | None) -> np.ndarray | None:
    """``values``; None where each sample has too many numbers."""
    if values is None or values.ndim == 0 or values.size > _WIDEST * max(1, len(values)):
        return None
    return values


def _share(right: np.ndarray | None, scored: np.ndarray | None) -> np.ndarray | None:
    if right is None or scored is None or right.ndim == 0:
        return None
    if right.size == len(right):
        return right.reshape(-1)
    counted = scored.reshape(len(scored), -1)
    hits = (right.reshape(counted.shape) & counted).sum(axis=1)
    return (hits / np.maximum(1, counted.sum(axis=1))).astype(np.float32)


def _worst(losses: np.ndarray | None, right: np.ndarray | None, scored: np.ndarray | None) -> np.ndarray | None:
    if losses is None:
        return None
    # A NaN or infinite loss is worse than any other.
    keys = np.where(np.isfinite(losses), losses, np.inf)
    order = np.argsort(-keys, kind="stable")
    if right is not None and scored is not None:
        wrong = np.logical_and(~right, scored).reshape(len(losses), -1).max(axis=1)
        order = order[np.flatnonzero(wrong[order])]
    return order[:MOST_WORST].astype(np.int64)


def _confusion(true: np.ndarray | None, predicted: np.ndarray | None, chances: np.ndarray | None) -> np.ndarray | None:
    if true is None or predicted is None or chances is None:
        return None
    # As many predictions as probabilities: each is one of two classes.
    classes = 2 if chances.size == predicted.size else chances.shape[1]
    if classes > MOST_CLASSES:
        return None
    known = (true >= 0) & (true < classes) & (predicted >= 0)
    flat = np.bincount(true[known] * classes + predicted[known], minlength=classes * classes)
    return flat.reshape(classes, classes).astype(np.int64)


def _indices(indices: Any, total: int) -> np.ndarray | None:
    if indices is None:
        return None
    found = np.asarray(indices)
    return found.astype(np.int64) if found.shape == (total,) and found.dtype.kind in "iu" else None


def _mean(losses: np.ndarray | None) -> float | None:
    if losses is None:
        return None
    finite = losses[np.isfinite(losses)]
    return float(finite.mean(dtype=np.float64)) if finite.size else None
