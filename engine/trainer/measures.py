"""What is measured over an epoch: the mean loss, and metrics that are added up batch by batch."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Mapping
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
            raise ValueError(f"{type(self).__name__}: average must be macro, weighted, micro or binary, got {average!r}")
        self.average = average
        super().__init__(threshold)

    def compute(self) -> float:
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


class Mean(Metric):
    """The mean of ``function(output, target)`` over the batches, weighted by their sizes."""

    def __init__(self, function: Callable[[Any, Any], Any], name: str | None = None) -> None:
        self.function = function
        self.name = name or getattr(function, "__name__", type(function).__name__)
        self.reset()

    def reset(self) -> None:
        self.sum, self.samples = 0.0, 0

    def update(self, output: Any, target: Any) -> None:
        samples = batch_size(target)
        self.sum += float(self.function(output, target)) * samples
        self.samples += samples

    def compute(self) -> float | None:
        return self.sum / self.samples if self.samples else None

    def state_dict(self) -> dict[str, Any]:
        return {"sum": self.sum, "samples": self.samples}


_BY_NAME: dict[str, Callable[[], Metric]] = {
    kind.name: kind for kind in (Accuracy, Precision, Recall, F1Score, ConfusionMatrix)
}


def make_metrics(wanted: Any, loss_fn: Any) -> list[Metric]:
    """Fresh metrics for one pass over the data.

    Args:
        wanted: None for the accuracy where it applies; else names, Metrics and functions of (output, target), in
            a sequence, or in a mapping from the names that they are to have in tables.
        loss_fn: decides the threshold of one score per sample: 0 for losses of logits, else 0.5.

    Raises:
        ValueError: an unknown name, or two metrics of the same name.
    """
    named: Iterable[tuple[str | None, Any]]
    if wanted is None:
        named = [(None, AccuracyOfClasses())]
    elif isinstance(wanted, Mapping):
        named = wanted.items()
    else:
        named = [(None, metric) for metric in ([wanted] if isinstance(wanted, (str, Metric)) else wanted)]
    made = [_make_metric(name, metric) for name, metric in named]
    names = [metric.name for metric in made]
    if len(set(names)) != len(names) or "loss" in names:
        raise ValueError(f"metrics: the names {names} and 'loss' must all differ; use a dict to name them")
    for metric in made:
        if metric.threshold is None:
            metric.threshold = _threshold(loss_fn)
    return made


def _make_metric(name: str | None, metric: Any) -> Metric:
    if isinstance(metric, str):
        if metric not in _BY_NAME:
            raise ValueError(f"metrics: {metric!r} is unknown; known are {', '.join(_BY_NAME)}, Metrics and functions")
        made = _BY_NAME[metric]()
    elif isinstance(metric, Metric):
        made = copy.deepcopy(metric)
        made.reset()
    elif callable(metric):
        made = Mean(metric)
    else:
        raise ValueError(f"metrics: expected a name, a Metric or a function, got {metric!r}")
    if name is not None:
        made.name = name
    return made


def _threshold(loss_fn: Any) -> float:
    name = getattr(loss_fn, "__name__", type(loss_fn).__name__)
    return 0.0 if re.search("with_?logits", name, re.IGNORECASE) else 0.5


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


def batch_size(value: Any) -> int:
    """The extent of the first dimension of the first tensor in ``value``; 1 for anything without dimensions."""
    if isinstance(value, (list, tuple)) and value:
        return batch_size(value[0])
    if isinstance(value, Mapping) and value:
        return batch_size(next(iter(value.values())))
    shape = getattr(value, "shape", ())
    return shape[0] if shape else 1


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(metrics.to_numpy(value).shape)


class Measures:
    """Loss and metrics of one pass over a loader.

    The loss is the mean over samples: of the batch means weighted by batch sizes, or for a loss function with
    ``reduction="sum"`` of the sums.
    """

    def __init__(self, wanted: Any, loss_fn: Any) -> None:
        self.metrics = make_metrics(wanted, loss_fn)
        self._sums = getattr(loss_fn, "reduction", "mean") == "sum"
        self.reset()

    def reset(self) -> None:
        """Begin a new pass."""
        self.loss_sum, self.samples = 0.0, 0
        for metric in self.metrics:
            metric.reset()

    def update(self, loss: float, output: Any, target: Any, samples: int) -> None:
        """Add a batch."""
        self.loss_sum += loss if self._sums else loss * samples
        self.samples += samples
        for metric in self.metrics:
            metric.update(output, target)

    def results(self, prefix: str = "") -> dict[str, Any]:
        """The loss and the metrics that have a value, their names behind ``prefix``."""
        values = {f"{prefix}loss": self.loss_sum / self.samples if self.samples else float("nan")}
        for metric in self.metrics:
            value = metric.compute()
            if value is not None:
                values[prefix + metric.name] = value
        return values

    def state_dict(self) -> dict[str, Any]:
        """Everything that was added up."""
        states = {metric.name: metric.state_dict() for metric in self.metrics}
        return {"loss_sum": self.loss_sum, "samples": self.samples, "metrics": states}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take back what :meth:`state_dict` returned."""
        self.loss_sum, self.samples = state_dict["loss_sum"], state_dict["samples"]
        for metric in self.metrics:
            metric.load_state_dict(state_dict["metrics"][metric.name])
