"""Batch, layer, group and instance norm, each one op.

The functions have the signatures of ``torch.nn.functional``.
"""

from __future__ import annotations

import math

import numpy as np

from engine import trace
from engine.definitions import norm as formulas
from engine.device import contiguous, empty, full, zeros
from engine.errors import DtypeError, MissingError, ShapeError
from engine.function import Function, apply
from engine.kernels.cpu import norm as kernels
from engine.kernels.placing import blend, reciprocal_root
from engine.tensor import Tensor, wrap

# Elementary operations an element, in the unit of engine.kernels.jit.PARALLEL_WORK.
_WORK = 0.7


class _Norm(Function):
    """What the three have in common. ``w`` and ``b`` are absent or hold a number a channel or feature."""

    stays_finite = True
    saves_inputs = (0, 1)
    affine_shape: tuple[int, ...]
    w: np.ndarray

    def _affine(self, x: np.ndarray, w: np.ndarray | None, b: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        absent = empty((0,), x.dtype, x)
        self.w = absent if w is None else contiguous(w).reshape(-1)
        return self.w, absent if b is None else contiguous(b).reshape(-1)

    def _gradients(self, dx: np.ndarray | None, dw: np.ndarray, db: np.ndarray) -> tuple[np.ndarray | None, ...]:
        needs = self.needs
        if len(needs) == 1:
            return (dx,)
        shape = self.affine_shape
        gradients = (dx, dw.reshape(shape) if needs[1] else None)
        return gradients if len(needs) == 2 else (*gradients, db.reshape(shape) if needs[2] else None)


class BatchNorm(_Norm):
    """y = w (x - mean) / sqrt(variance + eps) + b, statistics of each channel.

    In training ``mean`` and ``rstd`` are the batch's and ``variance`` is its biased variance; otherwise ``mean`` and
    ``rstd`` come from the running statistics.
    """

    name = "NativeBatchNorm"
    definitions = {
        "y": formulas.batch_norm_forward,
        "mean": formulas.batch_norm_mean,
        "rstd": formulas.batch_norm_rstd,
        "dx": formulas.batch_norm_backward_input,
        "dw": formulas.batch_norm_backward_weight,
        "db": formulas.batch_norm_backward_bias,
    }
    evaluation_definitions = {name: d for name, d in definitions.items() if name not in ("mean", "rstd")}

    def __init__(self, eps: float, mean: np.ndarray | None = None, variance: np.ndarray | None = None) -> None:
        self.eps = float(eps)
        self.training = mean is None
        if mean is not None and variance is not None:
            self.definitions = self.evaluation_definitions
            self.mean, self.variance = mean.copy(), variance.copy()
            self.rstd = reciprocal_root(variance, self.eps)

    def forward(self, x: np.ndarray, w: np.ndarray | None = None, b: np.ndarray | None = None) -> np.ndarray:
        self.shape = x.shape
        self.x = x = contiguous(x)
        w, b = self._affine(x, w, b)
        self.affine_shape = (x.shape[1],)
        if self.training:
            self.mean, self.rstd, self.variance = _statistics((3, x.shape[1]), x)
        y = empty(x.shape, x.dtype, x)
        if not x.size:
            return y
        flat = _maps(x)
        kernel = kernels.batch_norm_columns_forward if flat.ndim == 2 else kernels.batch_norm_maps_forward
        kernel.sized(x.size * _WORK, y)(
            y.reshape(flat.shape), self.mean, self.rstd, self.variance, flat, w, b, self.eps, self.training
        )
        return y

    def backward(self, dy: np.ndarray) -> tuple[np.ndarray | None, ...]:
        x = _maps(self.x)
        wanted = self.needs[0]
        dx = empty(x.shape if wanted else (0,) * x.ndim, x.dtype, x)
        dw, db = (empty if x.size else zeros)((2, self.shape[1]), x.dtype, x)
        if x.size:
            kernel = kernels.batch_norm_columns_backward if x.ndim == 2 else kernels.batch_norm_maps_backward
            kernel.sized(x.size * _WORK, dx)(
                dx, dw, db, contiguous(dy).reshape(x.shape), x, self.mean, self.rstd, self.w, self.training
            )
        return self._gradients(dx.reshape(self.shape) if wanted else None, dw, db)

    def canonical(self, name: str, array: np.ndarray) -> np.ndarray:
        if name in ("x", "y", "dx", "dy"):
            return array.reshape(*self.shape[:2], math.prod(self.shape[2:]))
        return array


class LayerNorm(_Norm):
    """y = w (x - mean) / sqrt(variance + eps) + b, statistics over the last dimensions, which w and b have."""

    name = "NativeLayerNorm"
    definitions = {
        "y": formulas.layer_norm_forward,
        "mean": formulas.layer_norm_mean,
        "rstd": formulas.layer_norm_rstd,
        "dx": formulas.layer_norm_backward_input,
        "dw": formulas.layer_norm_backward_weight,
        "db": formulas.layer_norm_backward_bias,
    }

    def __init__(self, normalized_shape: tuple[int, ...], eps: float) -> None:
        self.affine_shape = normalized_shape
        self.eps = float(eps)

    def forward(self, x: np.ndarray, w: np.ndarray | None = None, b: np.ndarray | None = None) -> np.ndarray:
        self.shape = x.shape
        self.x = rows = self.canonical("x", contiguous(x))
        w, b = self._affine(x, w, b)
        self.mean, self.rstd = _statistics((2, rows.shape[0]), rows)
        y = empty(rows.shape, x.dtype, x)
        if y.size:
            kernels.layer_norm_forward.sized(y.size * _WORK, y)(y, self.mean, self.rstd, rows, w, b, self.eps)
        return y.reshape(x.shape)

    def backward(self, dy: np.ndarray) -> tuple[np.ndarray | None, ...]:
        x, needs = self.x, self.needs
        dy = self.canonical("dy", contiguous(dy))
        work = x.size * _WORK
        dx = None
        if needs[0]:
            dx = empty(x.shape, x.dtype, x)
            kernels.layer_norm_backward_input.sized(work, dx)(dx, dy, x, self.mean, self.rstd, self.w)
            dx = dx.reshape(self.shape)
        dw, db = empty((2, x.shape[1]), x.dtype, x)
        if True in needs[1:]:
            kernels.layer_norm_backward_affine.sized(work, dw)(dw, db, dy, x, self.mean, self.rstd)
        return self._gradients(dx, dw, db)

    def canonical(self, name: str, array: np.ndarray) -> np.ndarray:
        if name in ("x", "y", "dx", "dy"):
            features = math.prod(self.affine_shape)
            return array.reshape(math.prod(self.shape) // features if features else 0, features)
        return array if name in ("mean", "rstd") else array.reshape(-1)


class GroupNorm(_Norm):
    """y = w (x - mean) / sqrt(variance + eps) + b, statistics of each sample and group of channels."""

    name = "NativeGroupNorm"
    definitions = {
        "y": formulas.group_norm_forward,
        "mean": formulas.group_norm_mean,
        "rstd": formulas.group_norm_rstd,
        "dx": formulas.group_norm_backward_input,
        "dw": formulas.group_norm_backward_weight,
        "db": formulas.batch_norm_backward_bias,
    }

    def __init__(self, num_groups: int, eps: float) -> None:
        self.num_groups = int(num_groups)
        self.eps = float(eps)

    def forward(self, x: np.ndarray, w: np.ndarray | None = None, b: np.ndarray | None = None) -> np.ndarray:
        self.shape = x.shape
        self.affine_shape = (x.shape[1],)
        self.x = x = self.canonical("x", contiguous(x))
        w, b = self._affine(x, w, b)
        self.mean, self.rstd = _statistics((2, x.shape[0], self.num_groups), x)
        y = empty(x.shape, x.dtype, x)
        if y.size:
            kernels.group_norm_forward.sized(y.size * _WORK, y)(y, self.mean, self.rstd, x, w, b, self.eps)
        return y.reshape(self.shape)

    def backward(self, dy: np.ndarray) -> tuple[np.ndarray | None, ...]:
        x, needs = self.x, self.needs
        dy = self.canonical("dy", contiguous(dy))
        work = x.size * _WORK
        dx = None
        if needs[0]:
            dx = empty(x.shape, x.dtype, x)
            if x.size:
                kernels.group_norm_backward_input.sized(work, dx)(dx, dy, x, self.mean, self.rstd, self.w)
            dx = dx.reshape(self.shape)
        dw, db = zeros((2, x.shape[1]), x.dtype, x)
        if True in needs[1:]:
            kernels.group_norm_backward_affine.sized(work, dw)(dw, db, dy, x, self.mean, self.rstd)
        return self._gradients(dx, dw, db)

    def canonical(self, name: str, array: np.ndarray) -> np.ndarray:
        if name in ("x", "y", "dx", "dy"):
            return array.reshape(*self.shape[:2], math.prod(self.shape[2:]))
        return array


def _statistics(shape: tuple[int, ...], x: np.ndarray) -> np.ndarray:
    """Room for means and the like of ``x``: NaN where there is nothing that a kernel could take them of."""
    return empty(shape, x.dtype, x) if x.size else full(shape, math.nan, x.dtype, x)


def _maps(x: np.ndarray) -> np.ndarray:
    """(N, C, d1, ...) as (N, C, M), and as (N, C) where M is 1."""
    if x.ndim == 2:
        return x
    extent = math.prod(x.shape[2:])
    return x.reshape(x.shape[:2] if extent == 1 else (*x.shape[:2], extent))


# ---- checks ----


def _check_input(op: str, input: Tensor, least: int) -> None:
    if not isinstance(input, Tensor):
        raise TypeError(f"{op}(): argument 'input' must be Tensor, not {type(input).__name__}")
    if input._array.dtype.kind != "f":
        raise DtypeError(f"{op}: input has dtype {input.dtype}; it must be float")
    if input._array.ndim < least:
        raise ShapeError(f"{op}: input has shape {input._array.shape}; it needs at least {least} dimensions")


def _check_parameter(op: str, name: str, tensor: Tensor | None, shape: tuple[int, ...], input: Tensor) -> None:
    if tensor is None:
        return
    array = tensor._array
    if array.shape != shape:
        raise ShapeError(f"{op}: {name} has shape {array.shape} but the input of shape {input._array.shape} needs {shape}")
    if array.dtype != input._array.dtype:
        raise DtypeError(f"{op}: input is {input.dtype} and {name} is {tensor.dtype}; they must be the same")


def _operands(
    op: str, input: Tensor, weight: Tensor | None, bias: Tensor | None, shape: tuple[int, ...]
) -> tuple[Tensor, ...]:
    _check_parameter(op, "weight", weight, shape, input)
    _check_parameter(op, "bias", bias, shape, input)
    if weight is None and bias is None:
        return (input,)
    if weight is None:
        weight = wrap(np.ones(shape, input._array.dtype))
    return (input, weight) if bias is None else (input, weight, bias)


def _track(function: Function, running: Tensor, name: str, factor: float | None, momentum: float) -> None:
    """running = (1 - momentum) running + momentum factor ``function.name``, announced."""
    observer = trace.on_change
    if observer is None or not observer.before_update("buffer", running, function):
        blend(running._array, getattr(function, name), 1.0 if factor is None else factor, momentum)
    running._bump()
    if observer is not None:
        observer.after_update("buffer", running, function)


# ---- public functions ----


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-05,
) -> Tensor:
    """Normalise each channel to mean 0 and variance 1 over batch and space, then scale and shift (Ioffe and Szegedy, 2015).

    Args:
        input: (N, C) or (N, C, d1, ...).
        running_mean, running_var: (C) or None. In training they move by ``momentum`` towards the batch's mean and
            unbiased variance, in place; otherwise they are the statistics.
        weight, bias: (C) or None.
        training: use the batch's statistics (with its biased variance).
        eps: added to the variance.

    Raises:
        ValueError: training with a single value per channel.
        ShapeError, DtypeError: operands that do not fit.
    """
    op = "batch_norm"
    _check_input(op, input, 2)
    x = input._array
    shape = (x.shape[1],)
    _check_parameter(op, "running_mean", running_mean, shape, input)
    _check_parameter(op, "running_var", running_var, shape, input)
    operands = _operands(op, input, weight, bias, shape)
    if not training:
        if running_mean is None or running_var is None:
            raise RuntimeError("batch_norm: Expected running_mean and running_var to be defined when training=False")
        return apply(BatchNorm(eps, running_mean._array, running_var._array), *operands)
    count = x.size // x.shape[1] if x.shape[1] else 0
    if count == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {input.shape}")
    function = BatchNorm(eps)
    output = apply(function, *operands)
    if x.size:
        if running_mean is not None:
            _track(function, running_mean, "mean", None, momentum)
        if running_var is not None:
            _track(function, running_var, "variance", count / (count - 1), momentum)
    return output


def layer_norm(
    input: Tensor,
    normalized_shape: tuple[int, ...] | list[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-05,
) -> Tensor:
    """Normalise over the last dimensions, then scale and shift each feature (Ba, Kiros and Hinton, 2016).

    Args:
        input: (*, normalized_shape).
        normalized_shape: the last extents of the input.
        weight, bias: of shape ``normalized_shape``, or None.
        eps: added to the variance.

    Raises:
        ShapeError, DtypeError: operands that do not fit.
    """
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(int(n) for n in normalized_shape)
    _check_input("layer_norm", input, 0)
    x = input._array
    if not shape or x.shape[-len(shape) :] != shape:
        raise ShapeError(
            f"layer_norm: Given normalized_shape={list(shape)}, expected input with shape "
            f"[*, {', '.join(map(str, shape))}], but got input of size {list(x.shape)}"
        )
    return apply(LayerNorm(shape, eps), *_operands("layer_norm", input, weight, bias, shape))


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-05
) -> Tensor:
    """Normalise each sample over groups of channels, then scale and shift each channel (Wu and He, 2018).

    Args:
        input: (N, C, d1, ...).
        num_groups: divides C.
        weight, bias: (C) or None.
        eps: added to the variance.

    Raises:
        ShapeError, DtypeError: operands that do not fit.
    """
    _check_input("group_norm", input, 2)
    channels = input._array.shape[1]
    if num_groups < 1 or channels % num_groups:
        raise ShapeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(input._array.shape)} and num_groups={num_groups}"
        )
    return apply(GroupNorm(num_groups, eps), *_operands("group_norm", input, weight, bias, (channels,)))


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-05,
) -> Tensor:
    """Normalise each channel of each sample over space: group norm with one channel a group.

    Raises:
        MissingError: running statistics are asked for.
        ValueError: a single value per channel.
    """
    if running_mean is not None or running_var is not None or not use_input_stats:
        raise MissingError("instance_norm: running statistics are not available; use track_running_stats=False")
    _check_input("instance_norm", input, 3)
    if math.prod(input._array.shape[2:]) == 1:
        raise ValueError(
            f"Expected more than 1 spatial element when training, got input size {input.shape}"
        )
    return group_norm(input, input._array.shape[1], weight, bias, eps)
