"""Dropout of elements and of whole channels.

The mask is drawn where the input lies, from the default generator there, and kept as an attribute of the op, so that it
can be looked at and the output follows from it.
"""

from __future__ import annotations

import warnings

import numpy as np

from engine.definitions import dropout as formulas
from engine.device import empty
from engine.errors import DtypeError, ShapeError
from engine.function import Function, apply
from engine.ops.in_place import overwrite
from engine.random import dropout_mask
from engine.tensor import Tensor


class Dropout(Function):
    """y = x·mask, where the mask broadcasts to x and holds 0 or 1 / (1 - p)."""

    stays_finite = True
    definitions = {"y": formulas.dropout_forward, "dx": formulas.dropout_backward}

    def __init__(self, mask: np.ndarray, p: float) -> None:
        self.mask, self.p = mask, p

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.shape = x.shape
        return np.multiply(x, self.mask, out=empty(x.shape, x.dtype, x))

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return np.multiply(dy, self.mask, out=empty(self.shape, dy.dtype, dy))

    def canonical(self, name: str, array: np.ndarray) -> np.ndarray:
        return np.broadcast_to(array, self.shape).reshape(-1)


class FeatureDropout(Dropout):
    """Dropout whose mask has one number a channel."""


def _drop(
    op: str, kind: type[Dropout], input: Tensor, p: float, training: bool, inplace: bool, mask_shape: tuple[int, ...]
) -> Tensor:
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"{op}: dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0.0 or not input._array.size:
        return input
    if input._array.dtype.kind != "f":
        raise DtypeError(f"{op}: input has dtype {input.dtype}; it must be float")
    function = kind(dropout_mask(mask_shape, p, input._array.dtype, device=input.device), float(p))
    return overwrite(f"{op}_", function, input) if inplace else apply(function, input)


def _channels(op: str, input: Tensor, expected: tuple[int, ...]) -> tuple[int, ...]:
    """(N, C, 1, ...): one number of the mask for each channel."""
    shape = input._array.shape
    if len(shape) not in expected:
        warnings.warn(
            f"{op}: input has {len(shape)} dimensions (shape {shape}), which PyTorch has deprecated; use dropout",
            stacklevel=3,
        )
    if len(shape) < 2:
        raise ShapeError(f"{op}: input has shape {shape}; feature dropout requires at least 2 dimensions")
    return shape[:2] + (1,) * (len(shape) - 2)


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, each element is 0 with probability p, else divided by 1 - p; otherwise the input itself.

    Raises:
        ValueError: p is not in [0, 1].
        DtypeError: the input is not float.
    """
    return _drop("dropout", Dropout, input, p, training, inplace, input._array.shape)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """:func:`dropout` of whole channels of (N, C, L) or (C, L)."""
    shape = input._array.shape
    if len(shape) not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {len(shape)}D input (shape {shape}); "
            "it takes (N, C, L) or (C, L)"
        )
    mask_shape = (*shape[:-1], 1)
    return _drop("dropout1d", FeatureDropout, input, p, training, inplace, mask_shape)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """:func:`dropout` of whole channels of (N, C, H, W); three dimensions are (N, C, L), with PyTorch's warning."""
    if input._array.ndim == 3:
        warnings.warn(
            f"dropout2d: input has 3 dimensions (shape {input._array.shape}), which are taken as (N, C, L), as PyTorch "
            "does for now; use dropout1d for such inputs",
            stacklevel=2,
        )
    mask_shape = _channels("dropout2d", input, (3, 4))
    return _drop("dropout2d", FeatureDropout, input, p, training, inplace, mask_shape)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """:func:`dropout` of whole channels of (N, C, D, H, W) or (C, D, H, W)."""
    shape = input._array.shape
    if len(shape) == 4:
        mask_shape = (shape[0], 1, 1, 1)
    else:
        mask_shape = _channels("dropout3d", input, (5,))
    return _drop("dropout3d", FeatureDropout, input, p, training, inplace, mask_shape)
