"""Callback: what can be hooked into a training run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.nn import Module
    from engine.optim import Optimizer
    from engine.tensor import Tensor
    from engine.trainer.trainer import Trainer


class Callback:
    """Does nothing at every hook; a subclass overrides what it needs.

    In ``fit`` the order is: fit_start, train_start, then for each epoch train_epoch_start, its batches,
    validation_start to validation_end where there is a validation loader, train_epoch_end (now
    ``trainer.history`` has the epoch's row), and at last train_end, fit_end. For each batch: train_batch_start,
    before_backward, after_backward, before_optimizer_step, train_batch_end. Epochs and batches count from 0.
    """

    def on_fit_start(self, trainer: Trainer, model: Module) -> None:
        """``fit`` begins; a checkpoint to resume from has been loaded."""

    def on_fit_end(self, trainer: Trainer, model: Module) -> None:
        """``fit`` is about to return."""

    def on_train_start(self, trainer: Trainer, model: Module) -> None:
        """The first epoch is about to begin."""

    def on_train_end(self, trainer: Trainer, model: Module) -> None:
        """The last epoch is done, or training was interrupted from the keyboard."""

    def on_train_epoch_start(self, trainer: Trainer, model: Module) -> None:
        """An epoch begins; not called for an epoch that is resumed in its middle."""

    def on_train_epoch_end(self, trainer: Trainer, model: Module) -> None:
        """An epoch is done, its validation too; ``trainer.callback_metrics`` is its row of the history."""

    def on_train_batch_start(self, trainer: Trainer, model: Module, batch: Any, batch_idx: int) -> None:
        """A batch is about to be trained on."""

    def on_train_batch_end(self, trainer: Trainer, model: Module, outputs: Any, batch: Any, batch_idx: int) -> None:
        """A batch is done; ``outputs`` is a dict with ``"loss"`` (detached) and ``"output"``, the model's."""

    def on_before_backward(self, trainer: Trainer, model: Module, loss: Tensor) -> None:
        """The loss is known, backward is about to run."""

    def on_after_backward(self, trainer: Trainer, model: Module) -> None:
        """The gradients are known and not yet clipped."""

    def on_before_optimizer_step(self, trainer: Trainer, model: Module, optimizer: Optimizer) -> None:
        """The gradients are final; the parameters are about to change."""

    def on_validation_start(self, trainer: Trainer, model: Module) -> None:
        """Validation begins; the model is in evaluation mode."""

    def on_validation_end(self, trainer: Trainer, model: Module) -> None:
        """Validation is done."""

    def on_validation_batch_start(self, trainer: Trainer, model: Module, batch: Any, batch_idx: int) -> None:
        """A validation batch is about to be evaluated."""

    def on_validation_batch_end(
        self, trainer: Trainer, model: Module, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """A validation batch is done; ``outputs`` as in :meth:`on_train_batch_end`."""

    def on_exception(self, trainer: Trainer, model: Module, exception: BaseException) -> None:
        """Training was ended by ``exception``, which may be a KeyboardInterrupt."""

    def on_save_checkpoint(self, trainer: Trainer, model: Module, checkpoint: dict[str, Any]) -> None:
        """``checkpoint`` is about to be saved and may be added to."""

    def on_load_checkpoint(self, trainer: Trainer, model: Module, checkpoint: dict[str, Any]) -> None:
        """``checkpoint`` was loaded; model, optimizer and scheduler have their state already."""

    def state_dict(self) -> dict[str, Any]:
        """What the callback wants in checkpoints."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take back what :meth:`state_dict` returned."""
