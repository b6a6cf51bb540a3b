"""Trainer: a configured training loop."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from engine.checkpoint import load
from engine.device import Device, tensor_device
from engine.errors import DataError
from engine.nn.module import Module
from engine.optim import Optimizer
from engine.tensor import Tensor
from engine.trainer.callback import Callback
from engine.trainer.evaluation import batch_limit, batches, evaluation_mode, joined, split_batch
from engine.trainer.fit import Fit, loss_value
from engine.trainer.history import History
from engine.trainer.measures import Measures, batch_size
from engine.trainer.model_checkpoint import ModelCheckpoint
from engine.trainer.progress import Progress
from engine.trainer.randomness import seed_everything


class Trainer:
    """Trains, evaluates and predicts; arguments and callbacks are named as in Lightning, epochs count from 0.

    A batch of the loaders is ``(x, y)``: the loss is ``loss_fn(model(x), y)``. Longer batches give all parts but
    the last to the model, a batch of one part is input and target at once (autoencoders). Anything else: derive
    from Trainer and override :meth:`step`.

    Args:
        max_epochs: the number of epochs, counted over resumptions.
        callbacks: called in this order, ModelCheckpoints last.
        metrics: besides the loss. None: the accuracy, where outputs and targets are those of a classification.
            Else names (``"accuracy"``, ``"precision"``, ``"recall"``, ``"f1"``, ``"confusion_matrix"``), Metrics
            and functions of (output, target), in a sequence, or in a dict under names of their own.
        progress: show a progress bar; where stderr is no terminal, one line per epoch.
        device: ``"cpu"``.
        seed: seeds all generators when ``fit`` begins a new run (the model was initialised before that).
        log_every_n_steps: how often ``history.steps`` gets a row.
        gradient_clip_val: the limit that gradients are clipped to before each step.
        gradient_clip_algorithm: ``"norm"`` (of all gradients together) or ``"value"`` (each element).
        limit_train_batches, limit_val_batches: use so many batches (int) or that share of them (float).
        terminate_on_nan: whether a NaN or infinite loss ends training with an error.

    Attributes:
        history: the table of the last ``fit``. callback_metrics: its newest row.
        current_epoch, global_step: of the last ``fit``; a step is an update of the parameters.
        should_stop: a callback sets it to end training after the epoch.
        interrupted: whether the last ``fit`` was ended from the keyboard.
    """

    def __init__(
        self,
        *,
        max_epochs: int = 10,
        callbacks: Sequence[Callback] | Callback | None = None,
        metrics: Any = None,
        progress: bool = True,
        device: str | Device = "cpu",
        seed: int | None = None,
        log_every_n_steps: int = 50,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str = "norm",
        limit_train_batches: int | float | None = None,
        limit_val_batches: int | float | None = None,
        terminate_on_nan: bool = True,
    ) -> None:
        if max_epochs < 0 or log_every_n_steps < 1:
            raise ValueError(
                f"Trainer: max_epochs must be at least 0 and log_every_n_steps at least 1, got {max_epochs} "
                f"and {log_every_n_steps}"
            )
        if gradient_clip_algorithm not in ("norm", "value"):
            raise ValueError(
                f"Trainer: gradient_clip_algorithm must be 'norm' or 'value', got {gradient_clip_algorithm!r}"
            )
        given = [callbacks] if isinstance(callbacks, Callback) else list(callbacks or ())
        # A checkpoint contains the other callbacks' states, so that they have to be up to date.
        self.callbacks: list[Callback] = sorted(given, key=lambda callback: isinstance(callback, ModelCheckpoint))
        self.max_epochs = max_epochs
        self.metrics = metrics
        self.progress = progress
        self.device = tensor_device(device)
        self.seed = seed
        self.log_every_n_steps = log_every_n_steps
        self.gradient_clip_val = gradient_clip_val
        self.gradient_clip_algorithm = gradient_clip_algorithm
        self.limit_train_batches = limit_train_batches
        self.limit_val_batches = limit_val_batches
        self.terminate_on_nan = terminate_on_nan
        self._fit: Fit | None = None
        self._begin()

    def _begin(self) -> None:
        self.history = History()
        self.callback_metrics: dict[str, Any] = {}
        self.current_epoch = self.global_step = 0
        self.should_stop = self.interrupted = False
        self.progress_bar = Progress(False, self.max_epochs)

    # ---- training ----

    def fit(
        self,
        model: Module,
        loss_fn: Any,
        optimizer: Optimizer,
        train_loader: Iterable,
        val_loader: Iterable | None = None,
        scheduler: Any = None,
        ckpt_path: str | os.PathLike | None = None,
    ) -> History:
        """Train ``model``.

        Args:
            model: trained in place; a Ctrl+C leaves it as the last finished step made it.
            loss_fn: called as ``loss_fn(output, target)``, returns a tensor of one element.
            optimizer: of the model's parameters.
            train_loader: a DataLoader, or anything that gives batches each time it is iterated.
            val_loader: evaluated after each epoch.
            scheduler: of the learning rate; see :class:`~engine.trainer.schedule.Schedule`.
            ckpt_path: a checkpoint of ModelCheckpoint or :meth:`save_checkpoint` to continue from. With the same
                parts the run continues bit by bit like one that was never interrupted.

        Returns:
            The history; after Ctrl+C that of the finished epochs.

        Raises:
            NonFiniteLossError: the loss is NaN or infinite, unless ``terminate_on_nan`` is false.
            DataError: batches, outputs or losses are not what was described.
            CheckpointError: the checkpoint cannot be read or does not fit.
        """
        if not isinstance(model, Module):
            raise TypeError(f"fit: model must be an nn.Module, got {type(model).__name__}")
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"fit: optimizer must be an Optimizer, got {type(optimizer).__name__}")
        self._begin()
        self._fit = fit = Fit(self, model, loss_fn, optimizer, (train_loader, val_loader), scheduler)
        if ckpt_path is not None:
            fit.restore(load(ckpt_path))
        elif self.seed is not None:
            seed_everything(self.seed)
        self.progress_bar = Progress(self.progress, self.max_epochs)
        self._run(fit)
        return self.history

    def _run(self, fit: Fit) -> None:
        try:
            self.call("on_fit_start")
            fit.run()
        except KeyboardInterrupt as interrupt:
            self.progress_bar.close()
            self.interrupted = self.should_stop = True
            self.progress_bar.message(f"training was interrupted in epoch {self.current_epoch}")
            self.call("on_exception", interrupt)
            self.call("on_train_end")
        except BaseException as exception:
            self.call("on_exception", exception)
            raise
        finally:
            self.progress_bar.close()
        self.call("on_fit_end")

    def step(self, model: Module, loss_fn: Any, batch: Any) -> tuple[Tensor, Any, Any]:
        """(loss, output, target) of a batch, in training and in evaluation."""
        inputs, target = split_batch(batch)
        output = model(*inputs)
        return loss_fn(output, target), output, target

    def clip_gradients(self, model: Module) -> None:
        """Limit the gradients as configured."""
        if self.gradient_clip_val is None:
            return
        from engine.nn.utils import clip_grad_norm_, clip_grad_value_

        clip = clip_grad_norm_ if self.gradient_clip_algorithm == "norm" else clip_grad_value_
        clip(model.parameters(), self.gradient_clip_val)

    def save_checkpoint(self, filepath: str | os.PathLike, weights_only: bool = False) -> None:
        """Write a checkpoint that :meth:`fit` continues from: of this moment, or of the end of the last ``fit``.

        It is a dict with the model's state under ``"state_dict"``; with ``weights_only`` with little else.

        Raises:
            RuntimeError: there was no ``fit`` yet.
        """
        self.current_fit.save(filepath, weights_only)

    @property
    def current_fit(self) -> Fit:
        """The run in progress, or the last one."""
        if self._fit is None:
            raise RuntimeError("Trainer: there was no fit() yet")
        return self._fit

    # ---- without training ----

    def evaluate(self, model: Module, loss_fn: Any, loader: Iterable) -> dict[str, Any]:
        """``{"loss": …, "accuracy": …}`` and the other metrics over all batches of ``loader``.

        The model evaluates (no dropout, running statistics), nothing is recorded; afterwards it is as before.

        Raises:
            DataError: the loader gave no batch.
        """
        return self.evaluate_batches(model, loss_fn, loader)

    def evaluate_batches(
        self, model: Module, loss_fn: Any, loader: Iterable, prefix: str = "", in_fit: bool = False
    ) -> dict[str, Any]:
        """The results over ``loader``, their names behind ``prefix``; with ``in_fit`` the callbacks are told."""
        measures = Measures(self.metrics, loss_fn)
        call = self.call if in_fit else _no_call
        with evaluation_mode(model):
            call("on_validation_start")
            for batch_idx, batch in batches(loader, batch_limit(loader, self.limit_val_batches)):
                call("on_validation_batch_start", batch, batch_idx)
                loss, output, target = self.step(model, loss_fn, batch)
                measures.update(loss_value(loss), output, target, batch_size(target))
                call("on_validation_batch_end", {"loss": loss, "output": output}, batch, batch_idx)
            call("on_validation_end")
        if not measures.samples:
            raise DataError("evaluate: the loader gave no batch")
        return measures.results(prefix)

    def predict(self, model: Module, loader: Iterable) -> Any:
        """The model's outputs for all batches of ``loader``, joined along dimension 0.

        Targets in the batches are ignored. Models that return tuples or dicts of tensors give tuples or dicts.

        Raises:
            DataError: the loader gave no batch.
        """
        with evaluation_mode(model):
            outputs = [model(*split_batch(batch)[0]) for batch in loader]
        if not outputs:
            raise DataError("predict: the loader gave no batch")
        return joined(outputs)

    # ---- callbacks ----

    def call(self, hook: str, *arguments: Any) -> None:
        """Call ``hook`` of every callback."""
        model = self.current_fit.model
        for callback in self.callbacks:
            getattr(callback, hook)(self, model, *arguments)

    def keyed_callbacks(self) -> Iterator[tuple[str, Callback]]:
        """Every callback with the name that its state has in checkpoints."""
        counts: dict[str, int] = {}
        for callback in self.callbacks:
            name = type(callback).__qualname__
            counts[name] = counts.get(name, 0) + 1
            yield (name if counts[name] == 1 else f"{name}#{counts[name]}"), callback

    def message(self, text: str) -> None:
        """A line on stderr, when progress is shown."""
        self.progress_bar.message(text)


def _no_call(hook: str, *arguments: Any) -> None:
    """Outside ``fit`` no callback is told."""
