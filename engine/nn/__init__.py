"""Modules and layers (``torch.nn``)."""

from __future__ import annotations

from typing import Any

from engine.errors import MissingError
from engine.nn import functional, init
from engine.nn.activation import (
    CELU,
    ELU,
    GELU,
    SELU,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    LeakyReLU,
    LogSigmoid,
    LogSoftmax,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softmin,
    Softplus,
    Softsign,
    Tanh,
    Tanhshrink,
)
from engine.nn.containers import ModuleDict, ModuleList, ParameterDict, ParameterList, Sequential
from engine.nn.linear import Flatten, Identity, Linear, Unflatten
from engine.nn.module import Module
from engine.nn.parameter import Buffer, Parameter


def __getattr__(name: str) -> Any:
    raise MissingError(f"module 'engine.nn' has no '{name}': this subset of PyTorch lacks torch.nn.{name}")
