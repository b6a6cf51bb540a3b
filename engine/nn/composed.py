"""Functions of :mod:`engine.nn.functional` that are composed of ops, as PyTorch composes them."""

from __future__ import annotations

import math

import numpy as np

from engine import dtypes
from engine.device import zeros
from engine.errors import DtypeError, MissingError, ShapeError
from engine.ops.activation import relu6
from engine.ops.dropout import dropout
from engine.ops.softmax import softmax
from engine.tensor import Tensor, no_grad, wrap


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """input / max(‖input‖ₚ, eps), the norm taken along ``dim``."""
    length = input.norm(p, dim, keepdim=True).clamp_min(eps)
    return input / length.expand_as(input)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """x1·x2 / (max(‖x1‖, eps)·max(‖x2‖, eps)) along ``dim``."""
    lengths = []
    for x in (x1, x2):
        length = x.norm(2, dim, keepdim=True)
        with no_grad():
            least = length.clamp_min(eps)
        # As in PyTorch the gradient takes the norm as it is, also where eps replaced it.
        lengths.append(length + (least - length).detach())
    return (x1 / lengths[0] * (x2 / lengths[1])).sum(dim)


def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """‖x1 - x2 + eps‖ₚ along the last dimension."""
    return (x1 - x2 + eps).norm(p, -1, keepdim=keepdim)


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Class numbers (*) as int64 vectors (*, num_classes) with a single 1.

    Args:
        num_classes: number of classes; the greatest class number plus one when -1.

    Raises:
        DtypeError: ``tensor`` is not int64.
        RuntimeError: a class number is negative or too large.
    """
    classes = tensor._array
    if classes.dtype != np.int64:
        raise DtypeError(f"one_hot is only applicable to index tensor of type LongTensor, got {tensor.dtype}")
    if classes.size == 0:
        if num_classes <= 0:
            raise ShapeError("Can not infer total number of classes from empty tensor.")
    else:
        lowest, highest = int(classes.min()), int(classes.max())
        if lowest < 0:
            raise RuntimeError(f"Class values must be non-negative, got {lowest}")
        if num_classes == -1:
            num_classes = highest + 1
        elif highest >= num_classes:
            raise RuntimeError(
                f"Class values must be smaller than num_classes, got {highest} with num_classes={num_classes}"
            )
    out = zeros((*classes.shape, num_classes), np.dtype(np.int64), classes)
    np.put_along_axis(out, classes[..., None], 1, axis=-1)
    return wrap(out)


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    """softmax(query·keyᵀ·scale + mask)·value over the last two dimensions.

    Args:
        query: (*, L, E). key: (*, S, E). value: (*, S, V).
        attn_mask: (*, L, S); bool (True takes part) or float (added).
        dropout_p: probability of dropping a weight; also outside training, as in PyTorch.
        is_causal: let position l attend to positions up to l only; excludes ``attn_mask``.
        scale: 1/√E when None.

    Returns:
        (*, L, V).
    """
    if is_causal and attn_mask is not None:
        raise RuntimeError("scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True")
    scale = 1.0 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = (query @ key.transpose(-2, -1)) * scale
    if is_causal:
        attn_mask = wrap(np.tril(np.ones((query.shape[-2], key.shape[-2]), np.bool_)))
    if attn_mask is not None:
        if attn_mask.dtype is dtypes.bool_:
            scores = scores.masked_fill(attn_mask.logical_not(), -math.inf)
        else:
            scores = scores + attn_mask
    weights = softmax(scores, -1)
    if dropout_p > 0:
        weights = dropout(weights, dropout_p, True)
    return weights @ value


def tanhshrink(input: Tensor) -> Tensor:
    """x - tanh(x)."""
    return input - input.tanh()


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """ReLU6(x + 3)/6.

    Raises:
        MissingError: for ``inplace=True``.
    """
    _refuse_in_place("hardsigmoid", inplace)
    return relu6(input + 3) / 6


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x·ReLU6(x + 3)/6.

    Raises:
        MissingError: for ``inplace=True``.
    """
    _refuse_in_place("hardswish", inplace)
    return input * relu6(input + 3) / 6


def _refuse_in_place(op: str, inplace: bool) -> None:
    if inplace:
        raise MissingError(f"{op}: inplace=True is not available in this engine; use inplace=False")


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x where x > 0, weight·x elsewhere; one weight, or one for each channel (dimension 1).

    Raises:
        ShapeError: the number of weights is neither 1 nor the number of channels.
    """
    count = weight.numel()
    if count != 1:
        channels = input.shape[1] if input.ndim > 1 else 1
        if count != channels:
            raise ShapeError(
                f"prelu: weight has {count} elements but input has {channels} channels (shape {tuple(input.shape)}); "
                "weight must have one element, or one for each channel"
            )
        weight = weight.reshape(1, count, *(1,) * (input.ndim - 2))
    return input.where(input > 0, weight * input)
