"""The training loop, and its state: what a checkpoint needs to continue as if nothing had happened."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from engine.checkpoint import save
from engine.errors import CheckpointError, DataError, EngineError
from engine.nn.module import Module
from engine.optim import Optimizer
from engine.tensor import Tensor, no_grad
from engine.trainer.evaluation import batch_count, batch_limit, batches
from engine.trainer.measures import Measures, batch_size
from engine.trainer.randomness import Randomness
from engine.trainer.schedule import Schedule

if TYPE_CHECKING:
    from engine.trainer.trainer import Trainer


class NonFiniteLossError(EngineError, ArithmeticError):
    """The loss became NaN or infinite; the message names epoch, batch and step."""


class Fit:
    """One run of ``Trainer.fit``."""

    def __init__(
        self,
        trainer: Trainer,
        model: Module,
        loss_fn: Any,
        optimizer: Optimizer,
        loaders: tuple[Any, Any],
        scheduler: Any,
    ) -> None:
        self.trainer, self.model, self.loss_fn, self.optimizer = trainer, model, loss_fn, optimizer
        self.train_loader, self.val_loader = loaders
        self.schedule = Schedule(scheduler)
        self.randomness = Randomness(*loaders)
        self.measures = Measures(trainer.metrics, loss_fn)
        self.limit = batch_limit(self.train_loader, trainer.limit_train_batches)
        #: Where the next batch is: its epoch, and its number in it.
        self.epoch = self.batch = 0
        self._epoch_state: dict[str, Any] = {}
        self._resume_state: dict[str, Any] | None = None
        self._seconds = 0.0
        self._last_finite: float | None = None

    # ---- the loop ----

    def run(self) -> None:
        """Train until the last epoch is done or a callback has set ``trainer.should_stop``."""
        trainer = self.trainer
        self.model.train()
        trainer.call("on_train_start")
        if self._resume_state is not None:
            self.randomness.restore(self._resume_state)
        while self.epoch < trainer.max_epochs and not trainer.should_stop:
            trainer.current_epoch = self.epoch
            self._run_epoch()
        trainer.call("on_train_end")

    def _run_epoch(self) -> None:
        trainer = self.trainer
        if not self.batch:
            self.measures.reset()
            self._seconds = 0.0
            trainer.call("on_train_epoch_start")
        self._started = time.perf_counter() - self._seconds
        lr = self._lr()
        trainer.progress_bar.begin_epoch(self.epoch, batch_count(self.train_loader, self.limit), self.batch)
        for batch_idx, batch in self._batches():
            self._train_batch(batch, batch_idx)
        if not self.measures.samples:
            raise DataError(f"fit: train_loader gave no batch in epoch {self.epoch}")
        row = {"epoch": self.epoch, **numbers(self.measures.results("train_"))}
        if self.val_loader is not None:
            row.update(numbers(trainer.evaluate_batches(self.model, self.loss_fn, self.val_loader, "val_", True)))
        row["lr"] = lr
        row["seconds"] = time.perf_counter() - self._started
        self._end_epoch(row)

    def _end_epoch(self, row: dict[str, Any]) -> None:
        trainer = self.trainer
        self.schedule.after_epoch(self.epoch, row)
        self.epoch, self.batch = self.epoch + 1, 0
        trainer.history.rows.append(row)
        trainer.callback_metrics = row
        trainer.progress_bar.end_epoch(row)
        trainer.call("on_train_epoch_end")

    def _batches(self) -> Any:
        """The rest of the epoch's batches."""
        if not self.batch:
            self._epoch_state = self.randomness.state()
            return batches(self.train_loader, self.limit)
        # The order of the epoch was drawn at its beginning: draw it again, pass over what is done, and go on
        # with the generators where they were when the checkpoint was written.
        present = self.randomness.state()
        self.randomness.restore(self._epoch_state)
        rest = batches(self.train_loader, self.limit)
        for _ in range(self.batch):
            next(rest)
        self.randomness.restore(present)
        return rest

    def _train_batch(self, batch: Any, batch_idx: int) -> None:
        trainer, model, optimizer = self.trainer, self.model, self.optimizer
        trainer.call("on_train_batch_start", batch, batch_idx)
        optimizer.zero_grad()
        loss, output, target = trainer.step(model, self.loss_fn, batch)
        value = loss_value(loss)
        if trainer.terminate_on_nan and not math.isfinite(value):
            raise NonFiniteLossError(self._non_finite(value, batch_idx))
        self._last_finite = value
        trainer.call("on_before_backward", loss)
        loss.backward()
        trainer.call("on_after_backward")
        trainer.clip_gradients(model)
        trainer.call("on_before_optimizer_step", optimizer)
        optimizer.step()
        trainer.global_step += 1
        lr = self._lr()
        self.schedule.after_batch(trainer.global_step)
        with no_grad():
            self.measures.update(value, output, target, batch_size(target))
        self.batch = batch_idx + 1
        if trainer.global_step % trainer.log_every_n_steps == 0:
            trainer.history.steps.append(
                {"step": trainer.global_step, "epoch": self.epoch, "batch": batch_idx, "train_loss": value, "lr": lr}
            )
        trainer.progress_bar.batch(value)
        trainer.call("on_train_batch_end", {"loss": loss.detach(), "output": output}, batch, batch_idx)

    def _lr(self) -> float:
        return float(self.optimizer.param_groups[0]["lr"])

    def _non_finite(self, value: float, batch_idx: int) -> str:
        before = (
            "it is the first batch" if self._last_finite is None else f"the loss before was {self._last_finite:.4g}"
        )
        return (
            f"fit: the loss is {value} at epoch {self.epoch}, batch {batch_idx} (both from 0; step "
            f"{self.trainer.global_step}); {before}, lr is {self._lr():.4g}. The parameters are as before this batch. "
            "Look for NaN in the data, lower the learning rate, or set gradient_clip_val; "
            "Trainer(terminate_on_nan=False) would go on"
        )

    # ---- the state ----

    def state(self, weights_only: bool = False) -> dict[str, Any]:
        """What a checkpoint of this moment contains."""
        trainer = self.trainer
        checkpoint: dict[str, Any] = {
            "epoch": self.epoch,
            "global_step": trainer.global_step,
            "state_dict": self.model.state_dict(),
        }
        if not weights_only:
            scheduler = self.schedule.scheduler
            checkpoint.update(
                batch=self.batch,
                optimizer=self.optimizer.state_dict(),
                scheduler=None if scheduler is None else scheduler.state_dict(),
                randomness=self.randomness.state(),
                history=trainer.history.state_dict(),
                callbacks={key: callback.state_dict() for key, callback in trainer.keyed_callbacks()},
            )
        if not weights_only and self.batch:
            checkpoint["in_epoch"] = {
                "randomness": self._epoch_state,
                "measures": self.measures.state_dict(),
                "seconds": time.perf_counter() - self._started,
            }
        trainer.call("on_save_checkpoint", checkpoint)
        return checkpoint

    def save(self, path: Any, weights_only: bool = False) -> None:
        """Write :meth:`state` to ``path``."""
        save(self.state(weights_only), path)

    def restore(self, checkpoint: Any) -> None:
        """Become what :meth:`state` described.

        Raises:
            CheckpointError: the checkpoint has only weights, or was written with other parts than this run's.
        """
        if not isinstance(checkpoint, dict) or "optimizer" not in checkpoint or "randomness" not in checkpoint:
            raise CheckpointError(
                "fit: ckpt_path is not the checkpoint of a run (it is a state_dict, or was saved with "
                "save_weights_only=True); load the weights with model.load_state_dict(...) and begin a new run"
            )
        trainer, scheduler = self.trainer, self.schedule.scheduler
        if (checkpoint["scheduler"] is None) != (scheduler is None):
            raise CheckpointError(
                f"fit: the checkpoint has {'no' if scheduler else 'a'} scheduler's state but this run has "
                f"{'a' if scheduler else 'no'} scheduler; resume with the same parts"
            )
        self.model.load_state_dict(checkpoint["state_dict"])
        self.optimizer.load_state_dict(checkpoint["optimizer"])
        if scheduler is not None:
            scheduler.load_state_dict(checkpoint["scheduler"])
        # So that a scheduler which is stepped next does not warn of a missing step of the optimizer.
        self.optimizer._opt_called = checkpoint["global_step"] > 0
        self.epoch, self.batch = checkpoint["epoch"], checkpoint["batch"]
        trainer.global_step, trainer.current_epoch = checkpoint["global_step"], self.epoch
        trainer.history.load_state_dict(checkpoint["history"])
        trainer.callback_metrics = trainer.history.rows[-1] if trainer.history.rows else {}
        if self.batch:
            within = checkpoint["in_epoch"]
            self._epoch_state = within["randomness"]
            self.measures.load_state_dict(within["measures"])
            self._seconds = within["seconds"]
        for key, callback in trainer.keyed_callbacks():
            if key in checkpoint["callbacks"]:
                callback.load_state_dict(checkpoint["callbacks"][key])
        # Restored when training begins, after everything that may draw before.
        self._resume_state = checkpoint["randomness"]
        trainer.call("on_load_checkpoint", checkpoint)


def loss_value(loss: Any) -> float:
    """The loss as a number.

    Raises:
        DataError: the loss is not a tensor of one element.
    """
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        found = f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
        raise DataError(f"the loss function returned {found}; expected a tensor of one element (reduction='mean')")
    return float(loss.item())


def numbers(results: dict[str, Any]) -> dict[str, Any]:
    """The entries that fit into a cell of a table."""
    return {name: value for name, value in results.items() if isinstance(value, (int, float))}
