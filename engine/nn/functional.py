"""Functions of neural networks (``torch.nn.functional``): the ops of :mod:`engine.ops`, and compositions of them."""

from __future__ import annotations

from typing import Any

from engine.errors import MissingError
from engine.nn.composed import (
    cosine_similarity,
    hardsigmoid,
    hardswish,
    normalize,
    one_hot,
    pairwise_distance,
    prelu,
    scaled_dot_product_attention,
    tanhshrink,
)
from engine.ops.activation import (
    celu,
    elu,
    gelu,
    hardtanh,
    leaky_relu,
    logsigmoid,
    mish,
    relu,
    relu6,
    relu_,
    selu,
    sigmoid,
    silu,
    softplus,
    softsign,
    tanh,
)
from engine.ops.conv import conv1d, conv2d, conv_transpose1d, conv_transpose2d
from engine.ops.dropout import dropout, dropout1d, dropout2d
from engine.ops.embedding import embedding
from engine.ops.linear import linear
from engine.ops.loss_binary import binary_cross_entropy, binary_cross_entropy_with_logits, kl_div
from engine.ops.loss_classification import cross_entropy, nll_loss
from engine.ops.loss_regression import huber_loss, l1_loss, mse_loss, smooth_l1_loss
from engine.ops.norm import batch_norm, group_norm, instance_norm, layer_norm
from engine.ops.padding import pad
from engine.ops.pool import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    avg_pool1d,
    avg_pool2d,
    max_pool1d,
    max_pool2d,
)
from engine.ops.softmax import log_softmax, softmax, softmin
from engine.ops.upsample import interpolate

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "avg_pool1d",
    "avg_pool2d",
    "batch_norm",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "celu",
    "conv1d",
    "conv2d",
    "conv_transpose1d",
    "conv_transpose2d",
    "cosine_similarity",
    "cross_entropy",
    "dropout",
    "dropout1d",
    "dropout2d",
    "elu",
    "embedding",
    "gelu",
    "group_norm",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "huber_loss",
    "instance_norm",
    "interpolate",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logsigmoid",
    "max_pool1d",
    "max_pool2d",
    "mish",
    "mse_loss",
    "nll_loss",
    "normalize",
    "one_hot",
    "pad",
    "pairwise_distance",
    "prelu",
    "relu",
    "relu6",
    "relu_",
    "scaled_dot_product_attention",
    "selu",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "softmax",
    "softmin",
    "softplus",
    "softsign",
    "tanh",
    "tanhshrink",
]


def __getattr__(name: str) -> Any:
    raise MissingError(
        f"module 'engine.nn.functional' has no '{name}': this subset of PyTorch lacks torch.nn.functional.{name}"
    )
