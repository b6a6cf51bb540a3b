"""When a learning-rate scheduler takes its steps."""

from __future__ import annotations

from typing import Any

from engine.optim.lr_scheduler import OneCycleLR, ReduceLROnPlateau

_KEYS = {"scheduler", "interval", "frequency", "monitor"}


class Schedule:
    """A scheduler, stepped after every epoch or after every batch.

    Args:
        scheduler: None, a scheduler, or Lightning's dict: ``{"scheduler": …, "interval": "epoch" or "step",
            "frequency": 1, "monitor": "val_loss"}``. By itself a OneCycleLR, which PyTorch defines
            by batches, is stepped after every batch, every other after every epoch. ``monitor`` is the column
            that ReduceLROnPlateau is handed: by default ``val_loss``, or ``train_loss`` without validation.

    Raises:
        ValueError: a dict with unknown or contradictory entries.
    """

    def __init__(self, scheduler: Any) -> None:
        given = scheduler if isinstance(scheduler, dict) else {"scheduler": scheduler}
        if not set(given) <= _KEYS or "scheduler" not in given:
            raise ValueError(f"scheduler: expected a dict with {sorted(_KEYS)}, got the keys {sorted(given)}")
        self.scheduler = given["scheduler"]
        by_batch = isinstance(self.scheduler, OneCycleLR)
        self.interval = given.get("interval", "step" if by_batch else "epoch")
        self.frequency = given.get("frequency", 1)
        self.monitor = given.get("monitor")
        self._plateau = isinstance(self.scheduler, ReduceLROnPlateau)
        if self.interval not in ("epoch", "step") or self.frequency < 1:
            raise ValueError(
                f"scheduler: interval must be 'epoch' or 'step' and frequency at least 1, got {self.interval!r} "
                f"and {self.frequency}"
            )
        if self._plateau and self.interval == "step":
            raise ValueError("scheduler: ReduceLROnPlateau looks at results of epochs; its interval must be 'epoch'")

    def after_batch(self, global_step: int) -> None:
        """``global_step`` batches have been trained on."""
        if self.scheduler is not None and self.interval == "step" and global_step % self.frequency == 0:
            self.scheduler.step()

    def after_epoch(self, epoch: int, row: dict[str, Any]) -> None:
        """Epoch ``epoch`` (from 0) is done, with the results ``row``.

        Raises:
            KeyError: row lacks what ReduceLROnPlateau is to look at.
        """
        if self.scheduler is None or self.interval != "epoch" or (epoch + 1) % self.frequency:
            return
        if not self._plateau:
            self.scheduler.step()
            return
        monitor = self.monitor or ("val_loss" if "val_loss" in row else "train_loss")
        if monitor not in row:
            raise KeyError(f"scheduler: ReduceLROnPlateau monitors {monitor!r}, but there are only {', '.join(row)}")
        self.scheduler.step(row[monitor])
