"""What is measured over an epoch: the mean loss, and the chosen metrics."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from engine import trace
from engine.trainer.metric import Accuracy, AccuracyOfClasses, ConfusionMatrix, F1Score, Metric, Precision, Recall


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


def batch_size(value: Any) -> int:
    """The extent of the first dimension of the first tensor in ``value``; 1 for anything without dimensions."""
    if isinstance(value, (list, tuple)) and value:
        return batch_size(value[0])
    if isinstance(value, Mapping) and value:
        return batch_size(next(iter(value.values())))
    shape = getattr(value, "shape", ())
    return shape[0] if shape else 1


def _update(metric: Metric, output: Any, target: Any) -> None:
    """Add a batch to ``metric``; an observer may know its state afterwards without the arrays."""
    if trace.on_read is None:
        metric.update(output, target)
        return

    def updated() -> dict[str, Any]:
        metric.update(output, target)
        return metric.state_dict()

    metric.load_state_dict(trace.on_read.read("metric", updated))


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
            _update(metric, output, target)

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
