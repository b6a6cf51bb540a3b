"""Measures of a classifier, with the names and conventions of ``sklearn.metrics``, in plain NumPy.

Labels are integers, bools or strings in tensors, arrays or sequences; true labels come first. Nothing here is
recorded for a gradient or seen by a debugger.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from engine.device import on_host
from engine.errors import DataError, ShapeError
from engine.tensor import Tensor

_AVERAGES = (None, "binary", "micro", "macro", "weighted")


class PrecisionRecallF1(NamedTuple):
    """Numbers when they were averaged, arrays with one entry per label when not."""

    precision: Any
    recall: Any
    f1: Any
    #: True samples of each label; None when the scores were averaged.
    support: Any


def predicted_classes(output: Any, threshold: float = 0.5) -> np.ndarray:
    """The classes that a network's output stands for: int64.

    Args:
        output: scores of C ≥ 2 classes in dimension 1, shape (N, C, ...): the class with the highest score,
            the first of equals, shape (N, ...). Otherwise one score per sample, shape (N,) or (N, 1, ...):
            1 where it is above ``threshold``, else 0, same shape.
        threshold: 0.5 for probabilities, 0 for logits.
    """
    scores = to_numpy(output)
    if scores.ndim >= 2 and scores.shape[1] >= 2:
        return scores.argmax(axis=1)
    return (scores > threshold).astype(np.int64)


def accuracy_score(y_true: Any, y_pred: Any, *, normalize: bool = True) -> float:
    """The share of labels that agree, in [0, 1]; with ``normalize=False`` their number. NaN without samples."""
    true, predicted = _labels(y_true, y_pred)
    correct = float(np.count_nonzero(true == predicted))
    if not normalize:
        return correct
    return correct / true.size if true.size else math.nan


def confusion_matrix(
    y_true: Any, y_pred: Any, *, labels: Sequence | np.ndarray | None = None, normalize: str | None = None
) -> np.ndarray:
    """How often each true label (row) was predicted as each label (column): int64, shape (C, C).

    Args:
        labels: the order of rows and columns; pairs with other labels are left out. By default all labels
            that occur, sorted.
        normalize: ``"true"`` divides by the sum of the row, ``"pred"`` by that of the column, ``"all"`` by
            that of the matrix; the result is float64, and 0 where the sum is 0.

    Raises:
        ShapeError: the two have different shapes.
        ValueError: normalize is something else; no label occurs or one is given twice.
    """
    if normalize not in (None, "true", "pred", "all"):
        raise ValueError(f"confusion_matrix: normalize must be 'true', 'pred', 'all' or None, got {normalize!r}")
    true, predicted = _labels(y_true, y_pred)
    names = _label_order(true, predicted, labels)
    rows, columns = _positions(true, names), _positions(predicted, names)
    known = (rows >= 0) & (columns >= 0)
    count = len(names)
    flat = np.bincount(rows[known] * count + columns[known], minlength=count * count)
    matrix = flat.reshape(count, count).astype(np.int64)
    if normalize is None:
        return matrix
    axis = {"true": 1, "pred": 0, "all": None}[normalize]
    return _ratio(matrix, matrix.sum(axis=axis, keepdims=True), 0.0)


def precision_recall_f1(
    y_true: Any,
    y_pred: Any,
    *,
    labels: Sequence | np.ndarray | None = None,
    pos_label: Any = 1,
    average: str | None = None,
    zero_division: float = 0.0,
) -> PrecisionRecallF1:
    """Precision TP / (TP + FP), recall TP / (TP + FN) and F1 = 2 TP / (2 TP + FP + FN).

    This is ``sklearn.metrics.precision_recall_fscore_support`` with beta 1.

    Args:
        labels: whose scores are wanted, in this order; by default all labels that occur, sorted.
        pos_label: the label that ``average="binary"`` reports.
        average: None gives arrays over the labels; ``"macro"`` their mean; ``"weighted"`` their mean weighted
            by support; ``"micro"`` the scores of the added TP, FP and FN; ``"binary"`` those of ``pos_label``.
        zero_division: the score where its denominator is 0; NaN is left out of means.

    Raises:
        ShapeError: the two have different shapes.
        ValueError: an unknown average, or ``"binary"`` with more than two labels.
    """
    if average not in _AVERAGES:
        raise ValueError(f"precision_recall_f1: average must be one of {_AVERAGES}, got {average!r}")
    true, predicted = _labels(y_true, y_pred)
    if average == "binary":
        labels = [_binary_label(true, predicted, pos_label)]
    names = _label_order(true, predicted, labels)
    rows, columns = _positions(true, names), _positions(predicted, names)
    hits = np.bincount(rows[(rows >= 0) & (rows == columns)], minlength=len(names))
    support = np.bincount(rows[rows >= 0], minlength=len(names))
    claimed = np.bincount(columns[columns >= 0], minlength=len(names))
    return scores_of_counts(hits, support, claimed, average, zero_division)


def scores_of_counts(
    hits: np.ndarray, support: np.ndarray, claimed: np.ndarray, average: str | None, zero_division: float = 0.0
) -> PrecisionRecallF1:
    """The scores when of each label ``hits`` samples were found, ``support`` exist and ``claimed`` were predicted."""
    if average == "micro":
        hits, support, claimed = hits.sum(keepdims=True), support.sum(keepdims=True), claimed.sum(keepdims=True)
    precision = _ratio(hits, claimed, zero_division)
    recall = _ratio(hits, support, zero_division)
    f1 = _ratio(2 * hits, claimed + support, zero_division)
    if average is None:
        return PrecisionRecallF1(precision, recall, f1, support)
    weights = support if average == "weighted" else np.ones_like(support)
    means = [_mean(values, weights, zero_division) for values in (precision, recall, f1)]
    return PrecisionRecallF1(means[0], means[1], means[2], None)


def precision_score(y_true: Any, y_pred: Any, *, average: str | None = "binary", **options: Any) -> Any:
    """The precision of :func:`precision_recall_f1`, which describes the options."""
    return precision_recall_f1(y_true, y_pred, average=average, **options).precision


def recall_score(y_true: Any, y_pred: Any, *, average: str | None = "binary", **options: Any) -> Any:
    """The recall of :func:`precision_recall_f1`, which describes the options."""
    return precision_recall_f1(y_true, y_pred, average=average, **options).recall


def f1_score(y_true: Any, y_pred: Any, *, average: str | None = "binary", **options: Any) -> Any:
    """The F1 of :func:`precision_recall_f1`, which describes the options."""
    return precision_recall_f1(y_true, y_pred, average=average, **options).f1


def classification_report(
    y_true: Any,
    y_pred: Any,
    *,
    labels: Sequence | np.ndarray | None = None,
    target_names: Sequence[str] | None = None,
    digits: int = 2,
    zero_division: float = 0.0,
) -> str:
    """Precision, recall, F1 and support of every label, and their averages, as a text table.

    Args:
        labels: as in :func:`precision_recall_f1`.
        target_names: what the labels are called in the table, in their order.
        digits: decimals of the scores.

    Raises:
        ValueError: target_names has another length than the labels.
    """
    true, predicted = _labels(y_true, y_pred)
    order = _label_order(true, predicted, labels)
    names = [str(name) for name in (order if target_names is None else target_names)]
    if len(names) != len(order):
        raise ValueError(f"classification_report: {len(names)} target_names for {len(order)} labels")
    options: dict[str, Any] = {"labels": order, "zero_division": zero_division}
    precision, recall, f1, supports = precision_recall_f1(true, predicted, **options)
    total = int(supports.sum())
    width = max(len("weighted avg"), digits, *map(len, names))

    def line(name: str, *cells: str) -> str:
        return f"{name:>{width}} " + "".join(f" {cell:>9}" for cell in cells)

    def scores(values: Sequence) -> list[str]:
        return [f"{value:.{digits}f}" for value in values]

    lines = [line("", "precision", "recall", "f1-score", "support"), ""]
    for name, *values, support in zip(names, precision, recall, f1, supports, strict=True):
        lines.append(line(name, *scores(values), str(support)))
    lines.append("")
    averages = {kind: precision_recall_f1(true, predicted, average=kind, **options) for kind in _AVERAGES[2:]}
    # When every label is counted, the micro averages are all equal to the accuracy.
    if set(np.union1d(true, predicted)) <= set(order):
        lines.append(line("accuracy", "", "", *scores(averages["micro"][2:3]), str(total)))
    else:
        lines.append(line("micro avg", *scores(averages["micro"][:3]), str(total)))
    for kind in ("macro", "weighted"):
        lines.append(line(f"{kind} avg", *scores(averages[kind][:3]), str(total)))
    return "\n".join(lines) + "\n"


def to_numpy(values: Any) -> np.ndarray:
    """A tensor's memory, or anything else as an array."""
    return on_host(values._array) if isinstance(values, Tensor) else np.asarray(values)


def _labels(y_true: Any, y_pred: Any) -> tuple[np.ndarray, np.ndarray]:
    true, predicted = to_numpy(y_true), to_numpy(y_pred)
    if true.shape != predicted.shape:
        raise ShapeError(
            f"y_true has shape {true.shape} but y_pred has shape {predicted.shape}; they must be equal "
            "(predicted_classes() makes labels of a network's output)"
        )
    for name, array in (("y_true", true), ("y_pred", predicted)):
        if array.dtype.kind == "f" and not np.array_equal(array, np.floor(array)):
            raise DataError(f"{name} has {array.dtype} values that are no labels, such as {_fraction(array)}")
    return true.ravel(), predicted.ravel()


def _fraction(array: np.ndarray) -> float:
    return float(array[array != np.floor(array)].flat[0])


def _label_order(true: np.ndarray, predicted: np.ndarray, labels: Sequence | np.ndarray | None) -> np.ndarray:
    if labels is None:
        return np.union1d(true, predicted)
    order = to_numpy(labels)
    if order.size == 0 or len(np.unique(order)) != order.size:
        raise ValueError(f"labels must name at least one label and none twice, got {order.tolist()}")
    return order


def _positions(values: np.ndarray, order: np.ndarray) -> np.ndarray:
    """The index in ``order`` of each value; -1 where it is not in it."""
    if not order.size:
        return np.empty((0,), np.int64)
    sorting = np.argsort(order)
    found = np.searchsorted(order, values, sorter=sorting)
    candidates = sorting[np.minimum(found, order.size - 1)]
    return np.where(order[candidates] == values, candidates, -1)


def _binary_label(true: np.ndarray, predicted: np.ndarray, pos_label: Any) -> Any:
    present = np.union1d(true, predicted)
    if present.size > 2:
        raise ValueError(
            f"precision_recall_f1: average='binary' is for two labels, but {present.size} occur; "
            "choose 'macro', 'micro', 'weighted' or None"
        )
    if present.size == 2 and pos_label not in present:
        raise ValueError(f"precision_recall_f1: pos_label={pos_label!r} is none of the labels {present.tolist()}")
    return pos_label


def _ratio(numerator: np.ndarray, denominator: np.ndarray, otherwise: float) -> np.ndarray:
    out = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), otherwise, np.float64)
    return np.divide(numerator, denominator, out=out, where=denominator != 0)


def _mean(values: np.ndarray, weights: np.ndarray, otherwise: float) -> float:
    counted = ~np.isnan(values)
    total = weights[counted].sum()
    return float((values[counted] * weights[counted]).sum() / total) if total else float(otherwise)
