"""Helpers around parameters and gradients (``torch.nn.utils``)."""

from __future__ import annotations

from typing import Any

from engine.errors import MissingError
from engine.nn.utils import rnn
from engine.nn.utils.clip_grad import clip_grad_norm_, clip_grad_value_, clip_grads_with_norm_, get_total_norm
from engine.nn.utils.convert_parameters import parameters_to_vector, vector_to_parameters

__all__ = [
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
    "parameters_to_vector",
    "rnn",
    "vector_to_parameters",
]


def __getattr__(name: str) -> Any:
    raise MissingError(f"module 'engine.nn.utils' has no '{name}': this subset of PyTorch lacks torch.nn.utils.{name}")
