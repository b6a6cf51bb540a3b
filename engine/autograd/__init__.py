"""Automatic differentiation (``torch.autograd``)."""

from __future__ import annotations

from typing import Any

from engine.autograd import function
from engine.autograd.anomaly import (
    detect_anomaly,
    is_anomaly_check_nan_enabled,
    is_anomaly_enabled,
    set_detect_anomaly,
)
from engine.autograd.check import GradcheckError, gradcheck, gradgradcheck
from engine.autograd.function import Function
from engine.autograd.variable import Variable
from engine.backward import backward, grad
from engine.errors import MissingError
from engine.tensor import enable_grad, inference_mode, no_grad, set_grad_enabled

__all__ = [
    "Function",
    "GradcheckError",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "function",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "is_anomaly_check_nan_enabled",
    "is_anomaly_enabled",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]


def __getattr__(name: str) -> Any:
    raise MissingError(f"module 'engine.autograd' has no '{name}': this subset of PyTorch lacks torch.autograd.{name}")
