"""Batch normalisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine import trace
from engine.nn import functional as F
from engine.nn import init
from engine.nn.make import new_parameter, new_tensor, reset_affine
from engine.nn.module import Module
from engine.nn.parameter import Parameter
from engine.tensor import Tensor, wrap


class _BatchNorm(Module):
    """Normalises every channel over the batch (and the positions): y = (x - mean)/√(var + eps)·weight + bias.

    In training mean and variance are those of the batch, and the running ones move towards them by ``momentum``
    (by 1/number of batches when it is None); in evaluation the running ones are used. ``running_var`` holds the
    unbiased variance.

    Args:
        num_features: number of channels C.
        eps: added to the variance.
        momentum: weight of the newest batch in the running statistics.
        affine: whether there are ``weight`` and ``bias``, which begin at 1 and 0.
        track_running_stats: whether there are running statistics; without, the batch's are always used.
        bias: whether there is a ``bias``, when affine.
    """

    _version = 2

    weight: Parameter | None
    bias: Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self.weight = new_parameter((num_features,), device, dtype) if affine else None
        self.bias = new_parameter((num_features,), device, dtype) if affine and bias else None
        tracks = track_running_stats
        self.register_buffer("running_mean", new_tensor((num_features,), device, dtype) if tracks else None)
        self.register_buffer("running_var", new_tensor((num_features,), device, dtype) if tracks else None)
        self.register_buffer("num_batches_tracked", wrap(np.array(0, np.int64)) if tracks else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Set the running mean to 0, the running variance to 1 and the number of batches to 0."""
        if self.track_running_stats:
            for name, value in (("running_mean", 0), ("running_var", 1), ("num_batches_tracked", 0)):
                init.constant_(getattr(self, name), value)

    def reset_parameters(self) -> None:
        """Reset the running statistics, the weight to 1 and the bias to 0."""
        self.reset_running_stats()
        reset_affine(self)

    def _check_input_dim(self, input: Tensor) -> None:
        raise NotImplementedError

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        momentum = 0.0 if self.momentum is None else self.momentum
        mean, variance = self.running_mean, self.running_var
        if self.training and self.track_running_stats:
            if self.num_batches_tracked is not None:
                counter = self.num_batches_tracked
                self._count_batch(counter)
                if self.momentum is None:
                    momentum = 1.0 / trace.reading("item", lambda: int(counter._array))
            return F.batch_norm(input, mean, variance, self.weight, self.bias, True, momentum, self.eps)
        if self.training:
            return F.batch_norm(input, None, None, self.weight, self.bias, True, momentum, self.eps)
        by_batch = mean is None and variance is None
        return F.batch_norm(input, mean, variance, self.weight, self.bias, by_batch, momentum, self.eps)

    def _count_batch(self, counter: Tensor) -> None:
        observer = trace.on_change
        if observer is None or not observer.before_update("buffer", counter, self):
            counter._array += 1
        counter._bump()
        if observer is not None:
            observer.after_update("buffer", counter, self)

    def _load_from_state_dict(
        self,
        state_dict: Mapping[str, Any],
        prefix: str,
        local_metadata: dict,
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        # Before version 2 the number of batches was not part of the state.
        key = prefix + "num_batches_tracked"
        if (local_metadata.get("version") or 1) < 2 and self.track_running_stats and key not in state_dict:
            state_dict = {**state_dict, key: self.num_batches_tracked}
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
        )

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of (N, C) or (N, C, L). See :class:`BatchNorm2d` for the arguments."""

    def _check_input_dim(self, input: Tensor) -> None:
        if input._array.ndim not in (2, 3):
            raise ValueError(f"expected 2D or 3D input (got {input.dim()}D input)")


class BatchNorm2d(_BatchNorm):
    __doc__ = _BatchNorm.__doc__

    def _check_input_dim(self, input: Tensor) -> None:
        if input._array.ndim != 4:
            raise ValueError(f"expected 4D input (got {input.dim()}D input)")
