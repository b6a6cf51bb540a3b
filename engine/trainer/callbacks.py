"""Ready-made callbacks: stopping early, noting learning rates, writing the table."""

from __future__ import annotations

import math
import os
from typing import Any

from engine import trace
from engine.tensor import wrap
from engine.trainer.callback import Callback


def monitored(trainer: Any, monitor: str, who: str) -> float:
    """The newest value of ``monitor``.

    Raises:
        RuntimeError: there is no such column.
    """
    if monitor not in trainer.callback_metrics:
        available = ", ".join(trainer.callback_metrics)
        hint = "; give fit() a val_loader" if monitor.startswith("val_") else ""
        raise RuntimeError(f"{who}: there is no {monitor!r} to monitor, only {available}{hint}")
    return float(trainer.callback_metrics[monitor])


def check_mode(mode: str, who: str) -> None:
    """Raise ValueError unless ``mode`` is "min" or "max"."""
    if mode not in ("min", "max"):
        raise ValueError(f"{who}: mode must be 'min' or 'max', got {mode!r}")


class EarlyStopping(Callback):
    """Ends training when a result has not improved for ``patience`` epochs.

    Args:
        monitor: the column of the history.
        min_delta: an improvement is more than this.
        patience: so many epochs in a row without improvement end training.
        verbose: say why.
        mode: ``"min"`` or ``"max"``: which way the result improves.
        strict: a missing column is an error; else the epoch is passed over.
        check_finite: stop when the result is NaN or infinite.
        stopping_threshold: stop when the result is better than this.
        divergence_threshold: stop when the result is worse than this.
        restore_best_weights: when training ends, for whatever reason but an exception, put the model's
            parameters and buffers back to those of the best epoch.

    Attributes:
        best_score, best_epoch, wait_count: of the epochs so far. stopped_epoch: 0 unless it stopped.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 3,
        verbose: bool = False,
        mode: str = "min",
        strict: bool = True,
        check_finite: bool = True,
        stopping_threshold: float | None = None,
        divergence_threshold: float | None = None,
        restore_best_weights: bool = False,
    ) -> None:
        check_mode(mode, "EarlyStopping")
        self.monitor, self.min_delta, self.patience, self.verbose = monitor, abs(min_delta), patience, verbose
        self.mode, self.strict, self.check_finite = mode, strict, check_finite
        self.stopping_threshold, self.divergence_threshold = stopping_threshold, divergence_threshold
        self.restore_best_weights = restore_best_weights
        self.wait_count = self.stopped_epoch = 0
        self.best_score = math.inf if mode == "min" else -math.inf
        self.best_epoch: int | None = None
        self._best_weights: dict[str, Any] | None = None

    def on_train_epoch_end(self, trainer: Any, model: Any) -> None:
        if not self.strict and self.monitor not in trainer.callback_metrics:
            return
        score = monitored(trainer, self.monitor, "EarlyStopping")
        reason = self._judge(score)
        if self.wait_count == 0 and math.isfinite(score):
            self.best_epoch = trainer.current_epoch
            if self.restore_best_weights:
                self._best_weights = _copy(model.state_dict())
        if reason:
            self.stopped_epoch = trainer.current_epoch
            trainer.should_stop = True
            if self.verbose:
                trainer.message(f"EarlyStopping after epoch {trainer.current_epoch}: {reason}")

    def on_train_end(self, trainer: Any, model: Any) -> None:
        if self._best_weights is not None:
            model.load_state_dict(self._best_weights)

    def _judge(self, score: float) -> str | None:
        """Take note of an epoch's score; the reason to stop, if there is one."""
        name = self.monitor
        if self.check_finite and not math.isfinite(score):
            self.wait_count += 1
            return f"{name} is {score}"
        if self._better(score, self.best_score, self.min_delta):
            self.best_score, self.wait_count = score, 0
        else:
            self.wait_count += 1
        if self.stopping_threshold is not None and self._better(score, self.stopping_threshold):
            return f"{name} = {score:.4g} is better than {self.stopping_threshold}"
        if self.divergence_threshold is not None and self._better(self.divergence_threshold, score):
            return f"{name} = {score:.4g} is worse than {self.divergence_threshold}"
        if self.wait_count >= self.patience:
            return f"{name} has not improved on {self.best_score:.4g} for {self.wait_count} epochs"
        return None

    def _better(self, a: float, b: float, by: float = 0.0) -> bool:
        return a + by < b if self.mode == "min" else a - by > b

    def state_dict(self) -> dict[str, Any]:
        names = ("wait_count", "stopped_epoch", "best_score", "best_epoch")
        return {**{name: getattr(self, name) for name in names}, "best_weights": self._best_weights}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        state = dict(state_dict)
        self._best_weights = state.pop("best_weights")
        vars(self).update(state)


def _copy(state: dict[str, Any]) -> dict[str, Any]:
    return {name: trace.made(wrap(tensor._array.copy())) for name, tensor in state.items()}


class LearningRateMonitor(Callback):
    """Adds the learning rate of every parameter group to the history.

    The columns are ``lr-Adam``, or with several groups ``lr-Adam/pg1``, ``lr-Adam/pg2`` ...

    Args:
        logging_interval: ``"epoch"``: the rates at the beginning of each epoch, in ``history.rows``; ``"step"``:
            those of each logged step, in ``history.steps``; None: both.
    """

    def __init__(self, logging_interval: str | None = None) -> None:
        if logging_interval not in (None, "epoch", "step"):
            raise ValueError(
                f"LearningRateMonitor: logging_interval must be 'epoch', 'step' or None, got {logging_interval!r}"
            )
        self.logging_interval = logging_interval
        self._of_epoch: dict[str, float] = {}
        self._of_step: dict[str, float] = {}

    def on_train_epoch_start(self, trainer: Any, model: Any) -> None:
        self._of_epoch = _rates(trainer.current_fit.optimizer)

    def on_train_epoch_end(self, trainer: Any, model: Any) -> None:
        if self.logging_interval != "step":
            trainer.callback_metrics.update(self._of_epoch)

    def on_train_batch_start(self, trainer: Any, model: Any, batch: Any, batch_idx: int) -> None:
        if self.logging_interval != "epoch" and (trainer.global_step + 1) % trainer.log_every_n_steps == 0:
            self._of_step = _rates(trainer.current_fit.optimizer)

    def on_train_batch_end(self, trainer: Any, model: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if self.logging_interval != "epoch" and trainer.global_step % trainer.log_every_n_steps == 0:
            trainer.history.steps[-1].update(self._of_step)

    def state_dict(self) -> dict[str, Any]:
        return {"of_epoch": self._of_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._of_epoch = state_dict["of_epoch"]


def _rates(optimizer: Any) -> dict[str, float]:
    name, groups = f"lr-{type(optimizer).__name__}", optimizer.param_groups
    if len(groups) == 1:
        return {name: float(groups[0]["lr"])}
    return {f"{name}/pg{number}": float(group["lr"]) for number, group in enumerate(groups, 1)}


class CSVLogger(Callback):
    """Writes the table of epochs to ``path`` after every epoch, each time as a whole."""

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = path

    def on_train_epoch_end(self, trainer: Any, model: Any) -> None:
        trainer.history.to_csv(self.path)
