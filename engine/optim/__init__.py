"""``torch.optim``: optimisers and learning-rate schedulers."""

from __future__ import annotations

from typing import Any

from engine.errors import MissingError
from engine.optim import lr_scheduler
from engine.optim.adadelta import Adadelta
from engine.optim.adagrad import Adagrad
from engine.optim.adam import Adam
from engine.optim.adamw import AdamW
from engine.optim.optimizer import Optimizer
from engine.optim.rmsprop import RMSprop
from engine.optim.sgd import SGD

__all__ = ["SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "lr_scheduler"]

_MISSING = (
    "ASGD",
    "Adafactor",
    "Adamax",
    "LBFGS",
    "Muon",
    "NAdam",
    "RAdam",
    "Rprop",
    "SparseAdam",
    "swa_utils",
)


def __getattr__(name: str) -> Any:
    if name in _MISSING:
        raise MissingError(f"this engine has no torch.optim.{name}; it has {', '.join(__all__)}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
