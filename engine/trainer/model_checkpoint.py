"""ModelCheckpoint: keeps the best, the latest or all states of a training run in files."""

from __future__ import annotations

import contextlib
import math
import os
import re
from typing import Any

from engine import trace
from engine.trainer.callback import Callback
from engine.trainer.callbacks import check_mode, monitored

SUFFIX = ".safetensors"
LAST = "last"


class ModelCheckpoint(Callback):
    """Saves the run after epochs (or steps); ``fit(ckpt_path=...)`` continues from any of the files.

    Args:
        dirpath: the folder, made when needed; ``checkpoints`` in the current folder when None.
        filename: without suffix; ``{epoch}``, ``{step}`` and columns of the history such as
            ``{val_loss:.2f}`` are filled in as ``epoch=3`` and ``val_loss=0.12``. By default ``{epoch}-{step}``.
        monitor: the column that decides which files are best; the latest are best when None.
        verbose: say what is saved.
        save_last: also keep the newest state under the name ``last``.
        save_top_k: so many of the best files are kept: -1 all, 0 none.
        save_weights_only: files of the model's state only, which cannot be continued from.
        mode: ``"min"`` or ``"max"``: which values of ``monitor`` are best.
        auto_insert_metric_name: false fills in values without ``name=``.
        every_n_train_steps: save after every n-th step of training.
        every_n_epochs: save after every n-th epoch; 1 unless every_n_train_steps is given.

    Attributes:
        best_model_path, best_model_score: the best file so far (the newest without ``monitor``).
        best_k_models: path -> score of the files that are kept. last_model_path: where ``last`` is.

    Raises:
        ValueError: arguments that contradict each other.
    """

    def __init__(
        self,
        dirpath: str | os.PathLike | None = None,
        filename: str | None = None,
        monitor: str | None = None,
        verbose: bool = False,
        save_last: bool | None = None,
        save_top_k: int = 1,
        save_weights_only: bool = False,
        mode: str = "min",
        auto_insert_metric_name: bool = True,
        every_n_train_steps: int | None = None,
        every_n_epochs: int | None = None,
    ) -> None:
        check_mode(mode, "ModelCheckpoint")
        if save_top_k < -1:
            raise ValueError(f"ModelCheckpoint: save_top_k must be at least -1, got {save_top_k}")
        if monitor is None and save_top_k not in (-1, 0, 1):
            raise ValueError(f"ModelCheckpoint: save_top_k={save_top_k} needs a monitor; without one use -1, 0 or 1")
        if monitor is not None and every_n_train_steps is not None:
            raise ValueError("ModelCheckpoint: monitor is known after epochs only; leave every_n_train_steps out")
        if every_n_train_steps is not None and every_n_epochs is not None:
            raise ValueError("ModelCheckpoint: every_n_train_steps and every_n_epochs exclude each other")
        self.dirpath = os.path.abspath("checkpoints" if dirpath is None else os.fspath(dirpath))
        self.filename = "{epoch}-{step}" if filename is None else filename
        self.monitor, self.verbose, self.mode = monitor, verbose, mode
        self.save_last, self.save_top_k, self.save_weights_only = bool(save_last), save_top_k, save_weights_only
        self.auto_insert_metric_name = auto_insert_metric_name
        self.every_n_train_steps = every_n_train_steps
        self.every_n_epochs = 1 if every_n_epochs is None and every_n_train_steps is None else every_n_epochs
        self.best_model_path = self.last_model_path = ""
        self.best_model_score: float | None = None
        self.best_k_models: dict[str, float] = {}

    def on_train_batch_end(self, trainer: Any, model: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if self.every_n_train_steps and trainer.global_step % self.every_n_train_steps == 0:
            self._save(trainer, None)

    def on_train_epoch_end(self, trainer: Any, model: Any) -> None:
        if self.every_n_epochs and (trainer.current_epoch + 1) % self.every_n_epochs == 0:
            score = None if self.monitor is None else monitored(trainer, self.monitor, "ModelCheckpoint")
            self._save(trainer, score)

    def _save(self, trainer: Any, score: float | None) -> None:
        os.makedirs(self.dirpath, exist_ok=True)
        dropped = None
        if self.save_top_k and self._is_among_best(score):
            path = self._free_path(self._name(trainer))
            dropped = self._enter(path, score)
            self._write(trainer, path)
        if self.save_last:
            self.last_model_path = os.path.join(self.dirpath, LAST + SUFFIX)
            self._write(trainer, self.last_model_path)
        # Only now that the new file is safe.
        if dropped is not None:
            _remove(dropped)

    def _write(self, trainer: Any, path: str) -> None:
        trainer.save_checkpoint(path, self.save_weights_only)
        if self.verbose:
            trainer.message(f"ModelCheckpoint: saved {path}")

    def _rank(self, score: float | None) -> float:
        """Smaller is better; NaN is worst."""
        if score is None:
            return 0.0
        if math.isnan(score):
            return math.inf
        return score if self.mode == "min" else -score

    def _is_among_best(self, score: float | None) -> bool:
        if self.monitor is None or self.save_top_k < 0 or len(self.best_k_models) < self.save_top_k:
            return True
        return self._rank(score) < max(map(self._rank, self.best_k_models.values()))

    def _enter(self, path: str, score: float | None) -> str | None:
        """Count ``path`` among the best files; the file that has to go for it."""
        dropped = None
        if self.save_top_k > 0 and len(self.best_k_models) >= self.save_top_k:
            # max() gives the first of equals, which is the oldest.
            dropped = max(self.best_k_models, key=lambda known: self._rank(self.best_k_models[known]))
            del self.best_k_models[dropped]
        self.best_k_models[path] = 0.0 if score is None else score
        if self.monitor is None:
            self.best_model_path = path
        else:
            self.best_model_path = min(self.best_k_models, key=lambda known: self._rank(self.best_k_models[known]))
            self.best_model_score = self.best_k_models[self.best_model_path]
        return dropped

    def _name(self, trainer: Any) -> str:
        values = {**trainer.callback_metrics, "epoch": trainer.current_epoch, "step": trainer.global_step}

        def fill(match: re.Match) -> str:
            name, form = match[1], match[2] or ""
            if name not in values:
                raise KeyError(f"ModelCheckpoint: filename has {{{name}}}, but there are only {', '.join(values)}")
            text = format(values[name], form)
            return f"{name}={text}" if self.auto_insert_metric_name else text

        return re.sub(r"\{([^{}:]+)(?::([^{}]*))?\}", fill, self.filename)

    def _free_path(self, name: str) -> str:
        path, version = os.path.join(self.dirpath, name + SUFFIX), 0
        while _exists(path):
            version += 1
            path = os.path.join(self.dirpath, f"{name}-v{version}{SUFFIX}")
        return path

    def state_dict(self) -> dict[str, Any]:
        names = ("best_model_path", "best_model_score", "best_k_models", "last_model_path")
        return {name: getattr(self, name) for name in names}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        vars(self).update(state_dict)


def _exists(path: str) -> bool:
    # What lies in the folder decides names: a replay must find what the recorded run found.
    return trace.reading("file", lambda: os.path.exists(path))


def _remove(path: str) -> None:
    observer = trace.observer
    if observer is None or not observer.repeats:
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)
    if observer is not None:
        observer.removed(os.path.realpath(path))
