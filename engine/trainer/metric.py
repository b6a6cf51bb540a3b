"""Metrics: measures of outputs against targets, added up batch by batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine import metrics
from engine.errors import DataError


class Metric:
    """A measure of outputs against targets, added up over batches.

    A subclass overrides ``reset``, ``update`` and ``compute``; everything that it adds up are attributes, which
    is what checkpoints keep.
    """

    #: The name in tables, behind ``train_`` or ``val_``.
    name = "metric"
    #: Scores above it mean class 1, where there is one score per sample; None: chosen by the loss function.
    threshold: float | None = None

    def reset(self) -> None:
        """Forget all batches."""
        raise NotImplementedError(f"{type(self).__name__} has no reset()")

    def update(self, output: Any, target: Any) -> None:
        """Add a batch: what the model returned, and what it should have."""
        raise NotImplementedError(f"{type(self).__name__} has no update()")

    def compute(self) -> Any:
        """The measure over all batches since ``reset``: a number, an array, or None for none."""
        raise NotImplementedError(f"{type(self).__name__} has no compute()")

    def state_dict(self) -> dict[str, Any]:
        """Everything that was added up."""
        return dict(vars(self))

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take back what :meth:`state_dict` returned."""
        vars(self).update(state_dict)

    def _classes(self, output: Any, target: Any) -> tuple[np.ndarray, np.ndarray]:
        found = class_labels(output, target, 0.5 if self.threshold is None else self.threshold)
        if found is None:
            raise DataError(
                f"{self.name}: output of shape {_shape(output)} and target of shape {_shape(target)}, "
                f"{metrics.to_numpy(target).dtype}, are not classes: expected scores (N, C, ...) with class numbers "
                "(N, ...) or one-hot rows, or one score per sample with targets 0 and 1"
            )
        return found


class Accuracy(Metric):
    """The share of samples whose class was predicted, in [0, 1]; see :func:`class_labels`."""

    name = "accuracy"

    def __init__(self, threshold: float | None = None) -> None:
        self.threshold = threshold
        self.reset()

    def reset(self) -> None:
        self.correct = self.total = 0

    def update(self, output: Any, target: Any) -> None:
        predicted, true = self._classes(output, target)
        self.correct += int(np.count_nonzero(predicted == true))
        self.total += true.size

    def compute(self) -> float | None:
        return self.correct / self.total if self.total else None


class AccuracyOfClasses(Accuracy):
    """Accuracy where the first batch looks like a classification, and nothing where it does not."""

    def reset(self) -> None:
        super().reset()
        self.applies: bool | None = None

    def update(self, output: Any, target: Any) -> None:
        if self.applies is None:
            self.applies = class_labels(output, target, 0.5) is not None
        if self.applies:
            super().update(output, target)


class ConfusionMatrix(Metric):
    """How often each class (row) was predicted as each class (column): int64, shape (C, C)."""

    name = "confusion_matrix"

    def __init__(self, threshold: float | None = None) -> None:
        self.threshold = threshold
        self.reset()

    def reset(self) -> None:
        self.matrix = np.zeros((0, 0), np.int64)

    def update(self, output: Any, target: Any) -> None:
        predicted, true = self._classes(output, target)
        scores = metrics.to_numpy(output)
        columns = scores.shape[1] if scores.ndim >= 2 else 2
        count = max(2, columns, self.matrix.shape[0], int(true.max(initial=0)) + 1)
        grown = metrics.confusion_matrix(true, predicted, labels=np.arange(count))
        known = self.matrix.shape[0]
        grown[:known, :known] += self.matrix
        self.matrix = grown

    def compute(self) -> Any:
        return self.matrix.copy()


class _ClassScore(ConfusionMatrix):
    """A score made of the confusion matrix.

    Args:
        average: ``"macro"`` (mean over the classes), ``"weighted"``, ``"micro"``, or ``"binary"``: that of class 1.
        threshold: see :class:`Metric`.
    """

    _index = 0

    def __init__(self, average: str = "macro", threshold: float | None = None) -> None:
        if average not in ("macro", "weighted", "micro", "binary"):
            raise ValueError(
                f"{type(self).__name__}: average must be macro, weighted, micro or binary, got {average!r}"
            )
        self.average = average
        super().__init__(threshold)

    def compute(self) -> Any:
        matrix = self.matrix
        # Classes that neither occur nor were predicted do not count, as in sklearn.metrics.
        seen = (matrix.sum(0) + matrix.sum(1)) > 0
        if self.average == "binary":
            seen = np.arange(len(matrix)) == 1
        counts = (np.diag(matrix)[seen], matrix.sum(1)[seen], matrix.sum(0)[seen])
        return metrics.scores_of_counts(*counts, "macro" if self.average == "binary" else self.average)[self._index]


class Precision(_ClassScore):
    """TP / (TP + FP), averaged over the classes; see :func:`engine.metrics.precision_recall_f1`."""

    name, _index = "precision", 0


class Recall(_ClassScore):
    """TP / (TP + FN), averaged over the classes; see :func:`engine.metrics.precision_recall_f1`."""

    name, _index = "recall", 1


class F1Score(_ClassScore):
    """2 TP / (2 TP + FP + FN), averaged over the classes; see :func:`engine.metrics.precision_recall_f1`."""

    name, _index = "f1", 2


def class_labels(output: Any, target: Any, threshold: float) -> tuple[np.ndarray, np.ndarray] | None:
    """The predicted and the true classes, both flat; None where output and target are not those of a classification.

    Scores (N, C, ...) with C ≥ 2 go with class numbers (N, ...) or one-hot rows (N, C, ...), and the highest
    score is the prediction. One score per sample, (N,) or (N, 1), goes with as many targets 0 and 1, and scores
    above ``threshold`` predict 1.
    """
    scores, true = metrics.to_numpy(output), metrics.to_numpy(target)
    if scores.ndim >= 2 and scores.shape[1] >= 2:
        if true.shape == scores.shape[:1] + scores.shape[2:] and true.dtype.kind in "iub":
            return scores.argmax(axis=1).ravel(), true.ravel()
        if true.shape == scores.shape and _one_hot(true):
            return scores.argmax(axis=1).ravel(), true.argmax(axis=1).ravel()
        return None
    one_each = scores.ndim in (1, 2) and scores.size == true.size == scores.shape[0]
    if not one_each or not np.isin(true, (0, 1)).all():
        return None
    return (scores > threshold).astype(np.int64).ravel(), true.astype(np.int64).ravel()


def _one_hot(rows: np.ndarray) -> bool:
    return bool(((rows == 0) | (rows == 1)).all() and (rows.sum(axis=1) == 1).all())


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(metrics.to_numpy(value).shape)
