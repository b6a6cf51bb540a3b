"""Variance and standard deviation, alone and with the mean; and logsumexp."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from engine.definitions import reduction as definitions
from engine.function import apply
from engine.ops.elementwise import as_float, silent, silently
from engine.ops.reduction import Dims, Reduction, float_only, mean, reduced_dims, totals
from engine.tensor import Tensor


class Var(Reduction):
    """y = Σ (x - mean)² / (n - correction)"""

    definitions = {"y": definitions.var_forward, "dx": definitions.var_backward}
    saves_inputs = (0,)
    everything_number = dims_number = 0

    def __init__(self, dims: tuple[int, ...], keepdim: bool, correction: float) -> None:
        super().__init__(dims, keepdim)
        self.correction = correction

    def variance(self, x: np.ndarray) -> np.ndarray:
        """The variance in float64; keeps ``mean``."""
        self.prepare(x)
        self.x = x
        self.mean = silently(np.divide, totals(x, self.dims), self.n).reshape(self.kept_shape)
        deviation = np.subtract(x, self.mean, dtype=np.float64)
        return silently(np.divide, totals(deviation * deviation, self.dims), max(0.0, self.n - self.correction))

    def forward(self, x: np.ndarray) -> np.ndarray:
        return self.shaped(self.variance(x), x.dtype)

    @silent
    def backward(self, dy: np.ndarray) -> np.ndarray:
        slope = silently(np.divide, 2.0, np.float64(self.n - self.correction)) * self.spread(dy)
        return silently(np.multiply, np.subtract(self.x, self.mean), slope).astype(self.x.dtype)


class Std(Var):
    """y = the root of the variance"""

    definitions = {"y": definitions.std_forward, "dx": definitions.std_backward}
    saves_output = True

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.y = self.shaped(silently(np.sqrt, self.variance(x)), x.dtype)
        return self.y

    @silent
    def backward(self, dy: np.ndarray) -> np.ndarray:
        y = self.spread(self.y).astype(np.float64)
        slope = silently(np.divide, self.spread(dy) / np.float64(self.n - self.correction), y)
        slope = np.where(y == 0, 0.0, slope)
        return silently(np.multiply, np.subtract(self.x, self.mean), slope).astype(self.x.dtype)


class Logsumexp(Reduction):
    """y = ln Σ exp x"""

    definitions = {"y": definitions.logsumexp_forward, "dx": definitions.logsumexp_backward}
    saves_inputs = (0,)
    saves_output = True
    everything_number = dims_number = 0

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.prepare(x)
        self.x = x
        greatest = np.max(x, axis=self.dims, keepdims=True, initial=-np.inf)
        shift = np.where(np.isinf(greatest), x.dtype.type(0), greatest)
        total = totals(silently(np.exp, silently(np.subtract, x, shift)), self.dims)
        self.y = self.shaped(silently(np.log, total) + shift.reshape(total.shape), x.dtype)
        return self.y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        slope = silently(np.exp, silently(np.subtract, self.x, self.spread(self.y)))
        return silently(np.multiply, self.spread(dy), slope)


# ---- public functions ----


def _correction(dim: Any, unbiased: bool | None, correction: float | None) -> tuple[Dims, float]:
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if correction is not None:
        return dim, float(correction)
    return dim, 0.0 if unbiased is False else 1.0


def var(
    input: Tensor, dim: Dims | bool = None, unbiased: bool | None = None, keepdim: bool = False,
    *, correction: float | None = None,
) -> Tensor:
    """The variance over ``dim``: Σ (x - mean)² / (n - correction), with correction 1 unless ``unbiased=False``."""
    return _deviation("var", Var, input, dim, unbiased, keepdim, correction)


def std(
    input: Tensor, dim: Dims | bool = None, unbiased: bool | None = None, keepdim: bool = False,
    *, correction: float | None = None,
) -> Tensor:
    """The standard deviation over ``dim``: the root of :func:`var`."""
    return _deviation("std", Std, input, dim, unbiased, keepdim, correction)


def _deviation(op, kind, input, dim, unbiased, keepdim, correction) -> Tensor:
    dim, correction = _correction(dim, unbiased, correction)
    float_only(op, input)
    function = kind(reduced_dims(dim, input._array.ndim, op), keepdim, correction)
    if math.prod([input._array.shape[d] for d in function.dims]) <= correction:
        warnings.warn(
            f"{op}(): degrees of freedom is <= 0. Correction should be strictly less than the reduction factor "
            "(input numel divided by output numel).",
            stacklevel=3,
        )
    return apply(function, input)


def var_mean(
    input: Tensor, dim: Dims | bool = None, unbiased: bool | None = None, keepdim: bool = False,
    *, correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """(variance, mean) over ``dim``."""
    dims = None if isinstance(dim, bool) else dim
    return var(input, dim, unbiased, keepdim, correction=correction), mean(input, dims, keepdim)


def std_mean(
    input: Tensor, dim: Dims | bool = None, unbiased: bool | None = None, keepdim: bool = False,
    *, correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """(standard deviation, mean) over ``dim``."""
    dims = None if isinstance(dim, bool) else dim
    return std(input, dim, unbiased, keepdim, correction=correction), mean(input, dims, keepdim)


def logsumexp(input: Tensor, dim: int | tuple[int, ...], keepdim: bool = False) -> Tensor:
    """ln Σ exp(x) over ``dim``, without overflow."""
    return apply(Logsumexp(reduced_dims(dim, input._array.ndim, "logsumexp"), keepdim), as_float(input))


METHODS = {"var": var, "std": std, "logsumexp": logsumexp}
FUNCTIONS = ("logsumexp", "std", "std_mean", "var", "var_mean")
