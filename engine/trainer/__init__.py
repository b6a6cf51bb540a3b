"""A training loop with the names of Lightning's: metrics, callbacks, history, checkpoints, exact resumption."""

from __future__ import annotations

from engine.trainer.callback import Callback
from engine.trainer.callbacks import CSVLogger, EarlyStopping, LearningRateMonitor
from engine.trainer.fit import NonFiniteLossError
from engine.trainer.history import History
from engine.trainer.measures import Mean
from engine.trainer.metric import Accuracy, ConfusionMatrix, F1Score, Metric, Precision, Recall
from engine.trainer.model_checkpoint import ModelCheckpoint
from engine.trainer.randomness import seed_everything
from engine.trainer.trainer import Trainer

__all__ = [
    "Accuracy",
    "CSVLogger",
    "Callback",
    "ConfusionMatrix",
    "EarlyStopping",
    "F1Score",
    "History",
    "LearningRateMonitor",
    "Mean",
    "Metric",
    "ModelCheckpoint",
    "NonFiniteLossError",
    "Precision",
    "Recall",
    "Trainer",
    "seed_everything",
]
