"""Losses over classes: cross-entropy and negative log-likelihood, each one op with its reduction."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.definitions import loss_classification as formulas
from engine.definitions.contract import Definition
from engine.definitions.softmax import softmax_forward
from engine.device import contiguous, empty
from engine.errors import DtypeError, GradientError, ShapeError
from engine.function import Function, apply
from engine.kernels import derive
from engine.kernels.cpu import loss_classification as kernels
from engine.ops.index_check import check_indices, position
from engine.ops.loss_base import checked_reduction, refuse_legacy, tensors
from engine.tensor import Tensor, wrap

# Elementary operations an element, in the unit of engine.kernels.jit.PARALLEL_WORK.
_WORK = 1.0

_FLOAT64 = np.dtype(np.float64)


class RowLoss(Function):
    """A loss of rows of class scores. ``w`` (C) weighs the classes."""

    row_definition: Definition
    saves_inputs = (1,)
    told_at_once = True

    def __init__(self, w: np.ndarray | None = None, reduction: str = "mean") -> None:
        self.w = w
        self.reduction = reduction
        self.mean = reduction == "mean"
        if reduction == "none":
            self.definitions = self.definitions | {"y": self.row_definition}

    @property
    def divisor(self) -> float:
        """What the sum of the rows is divided by: for the mean the sum of the labels' weights."""
        return self.totals[1].item() if self.mean else 1.0

    def _prepare(self, x: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows of scores, and room for the loss and for the rows' losses."""
        self.shape, self.t = x.shape, t
        self.w = empty((0,), x.dtype, x) if self.w is None else contiguous(self.w)
        # The sums of losses and weights.
        self.totals = empty((2,), _FLOAT64, x)
        rows = as_rows(x)
        return rows, empty((1,), x.dtype, x), empty((rows.shape[0],), x.dtype, x)

    def _result(self, y: np.ndarray, losses: np.ndarray) -> np.ndarray:
        if self.reduction == "none":
            return losses.reshape(self.shape[:1] + self.shape[2:] if len(self.shape) > 1 else ())
        return y.reshape(())

    def _unrows(self, rows: np.ndarray) -> np.ndarray:
        shape = self.shape
        if len(shape) <= 2:
            return rows.reshape(shape)
        return contiguous(np.moveaxis(rows.reshape(shape[:1] + shape[2:] + shape[1:2]), -1, 1))

    def canonical(self, name: str, array: np.ndarray) -> np.ndarray:
        if name in ("x", "dx", "dt", "p"):
            return as_rows(array)
        if name == "t":
            return as_rows(array) if array.dtype.kind == "f" else array.reshape(-1)
        if name == "dy":
            rows = math.prod(self.shape) // max(1, self.shape[1 if len(self.shape) > 1 else 0])
            return np.broadcast_to(array.reshape(-1), (rows,))
        return array.reshape(-1) if name == "y" and self.reduction == "none" else array


class CrossEntropy(RowLoss):
    """y = Σ -w[t] log softmax(x)[t] / divisor for labels t"""

    stays_finite = True
    definitions = {
        "y": formulas.cross_entropy_reduced,
        "dx": formulas.cross_entropy_backward,
        "p": softmax_forward,
    }
    row_definition = formulas.cross_entropy_row

    def __init__(
        self, w: np.ndarray | None = None, ignore_index: int = -100, smoothing: float = 0.0, reduction: str = "mean"
    ) -> None:
        super().__init__(w, reduction)
        self.ignore_index, self.smoothing = int(ignore_index), float(smoothing)

    def forward(self, x: np.ndarray, t: np.ndarray) -> np.ndarray:
        rows, y, losses = self._prepare(x, contiguous(t))
        self.p = p = empty(rows.shape, x.dtype, x)
        kernels.cross_entropy_forward.sized(p.size * _WORK, p)(
            y, losses, p, self.totals, rows, self.t.reshape(-1), self.w, self.ignore_index, self.smoothing, self.mean
        )
        return self._result(y, losses)

    def backward(self, dy: np.ndarray) -> tuple[np.ndarray | None, ...]:
        p = self.p
        dx = empty(p.shape, p.dtype, p)
        kernels.cross_entropy_backward.sized(p.size * _WORK, dx)(
            dx, p, self.t.reshape(-1), self.w, contiguous(dy).reshape(-1), self.totals, self.ignore_index,
            self.smoothing, self.mean,
        )
        return self._unrows(dx), None


class SoftCrossEntropy(RowLoss):
    """y = Σ -w t log softmax(x) / divisor for class probabilities t"""

    name = "CrossEntropy"
    definitions = {
        "y": formulas.soft_cross_entropy_reduced,
        "dx": formulas.soft_cross_entropy_backward,
        "dt": formulas.soft_cross_entropy_backward_target,
        "p": softmax_forward,
    }
    row_definition = formulas.soft_cross_entropy_row
    saves_inputs = (0, 1)

    def __init__(self, w: np.ndarray | None = None, smoothing: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(w, reduction)
        self.smoothing = float(smoothing)

    def forward(self, x: np.ndarray, t: np.ndarray) -> np.ndarray:
        rows, y, losses = self._prepare(x, as_rows(t))
        self.x = rows
        self.p = p = empty(rows.shape, x.dtype, x)
        kernels.soft_cross_entropy_forward.sized(p.size * _WORK, losses)(
            y, losses, p, self.totals, rows, self.t, self.w, self.smoothing, self.mean
        )
        return self._result(y, losses)

    def backward(self, dy: np.ndarray) -> tuple[np.ndarray | None, ...]:
        p = self.p
        dx = dt = None
        if self.needs[0]:
            dx = empty(p.shape, p.dtype, p)
            kernels.soft_cross_entropy_backward.sized(p.size * _WORK, dx)(
                dx, p, self.t, self.w, contiguous(dy).reshape(-1), self.totals, self.smoothing, self.mean
            )
            dx = self._unrows(dx)
        if self.needs[1]:
            dt = empty(p.shape, p.dtype, p)
            definition = self.definitions["dt"]
            dy = contiguous(self.canonical("dy", dy))
            derive.sized(definition, p.size * p.shape[1], dt)(dt, *self.operands(definition, {"dy": dy}))
            dt = self._unrows(dt)
        return dx, dt


class NllLoss(RowLoss):
    """y = Σ -w[t] x[t] / divisor for labels t and log-probabilities x"""

    definitions = {"y": formulas.nll_loss_reduced, "dx": formulas.nll_loss_backward}
    row_definition = formulas.nll_loss_row

    def __init__(self, w: np.ndarray | None = None, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(w, reduction)
        self.ignore_index = int(ignore_index)

    def forward(self, x: np.ndarray, t: np.ndarray) -> np.ndarray:
        rows, y, losses = self._prepare(x, contiguous(t))
        kernels.nll_loss_forward.sized(0, losses)(
            y, losses, self.totals, rows, self.t.reshape(-1), self.w, self.ignore_index, self.mean
        )
        self.rows = rows.shape
        return self._result(y, losses)

    def backward(self, dy: np.ndarray) -> tuple[np.ndarray | None, ...]:
        dx = empty(self.rows, dy.dtype, dy)
        kernels.nll_loss_backward.sized(0, dx)(
            dx, self.t.reshape(-1), self.w, contiguous(dy).reshape(-1), self.totals, self.ignore_index, self.mean
        )
        return self._unrows(dx), None


def as_rows(x: np.ndarray) -> np.ndarray:
    """(N, C, d1, ...) as (N·d1·..., C), in row-major memory; (C) as (1, C)."""
    if x.ndim == 2:
        return contiguous(x)
    if x.ndim == 1:
        return contiguous(x).reshape(1, -1)
    return contiguous(np.moveaxis(x, 1, -1)).reshape(-1 if x.size else 0, x.shape[1])


# ---- checks ----


def _class_weights(op: str, weight: Tensor | None, input: Tensor, classes: int) -> np.ndarray | None:
    if weight is None:
        return None
    w = weight._array
    if weight._requires_grad:
        raise GradientError(f"{op}: the gradient with respect to weight is not available; detach() it")
    if w.shape != (classes,):
        raise ShapeError(
            f"{op}: weight tensor should be defined either for all {classes} classes or no classes but got weight "
            f"tensor of shape {w.shape}; weight.shape must be ({classes},)"
        )
    if w.dtype != input._array.dtype:
        raise DtypeError(f"{op}: expected weight to be {input.dtype} as the input is, but it is {weight.dtype}")
    return w


def _check_scores(op: str, input: Tensor, target: Tensor) -> int:
    """The number of classes."""
    tensors(op, input, target)
    x = input._array
    if x.dtype.kind != "f":
        raise DtypeError(f"{op}: input has dtype {input.dtype}; it must be float")
    if x.ndim == 0:
        raise ShapeError(f"{op}: input has no dimensions; it must have shape (C), (N, C) or (N, C, d1, ...)")
    return x.shape[1] if x.ndim > 1 else x.shape[0]


def _check_labels(op: str, input: Tensor, target: Tensor, classes: int, ignore_index: int) -> Tensor:
    x, t = input._array, target._array
    if t.dtype.kind not in "iu":
        raise DtypeError(
            f"{op}: expected scalar type Long of target but found {target.dtype}; class labels must be int64 "
            "(target.long() converts)"
        )
    expected = x.shape[:1] + x.shape[2:] if x.ndim > 1 else ()
    if t.shape != expected and not (x.ndim == 1 and t.shape == (1,)):
        raise ShapeError(
            f"{op}: Expected target size {list(expected)}, got {list(t.shape)}: input has shape {x.shape}, "
            "so that target.shape must be the input's without dimension 1"
        )
    if t.dtype != np.int64:
        t = t.astype(np.int64)
        target = wrap(t)
    target_shape, input_shape = t.shape, x.shape

    def complain(place: int, label: int) -> IndexError:
        return IndexError(
            f"{op}: Target {label} is out of bounds: target[{position(place, target_shape)}] is {label} but input has "
            f"{classes} classes (shape {input_shape}); labels must be in [0, {classes - 1}] or ignore_index {ignore_index}"
        )

    check_indices(kernels.first_bad_label, t, (classes, ignore_index), complain)
    return target


# ---- public functions ----


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-log softmax(x) of the right class, as one op.

    Args:
        input: scores (logits), (C), (N, C) or (N, C, d1, ...).
        target: int64 labels in [0, C), of the input's shape without dimension C; or float probabilities of the
            input's shape and dtype.
        weight: (C), a factor for each class.
        ignore_index: rows with this label have no loss and do not count in the mean.
        reduction: ``"none"``, ``"mean"`` (weighted by the labels' weights) or ``"sum"``.
        label_smoothing: the share of each label's probability that is spread evenly over all classes, in [0, 1].

    Raises:
        IndexError: a label that is no class; the message says where. (On the GPU it is raised by what next waits for it,
            a value that is read: :mod:`engine.device.faults`.)
        ShapeError, DtypeError: operands that do not fit.
    """
    op = "cross_entropy"
    refuse_legacy(op, size_average, reduce)
    checked_reduction(op, reduction)
    classes = _check_scores(op, input, target)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    w = _class_weights(op, weight, input, classes)
    x, t = input._array, target._array
    if t.shape != x.shape:
        target = _check_labels(op, input, target, classes, ignore_index)
        return apply(CrossEntropy(w, ignore_index, label_smoothing, reduction), input, target)
    if t.dtype != x.dtype:
        raise DtypeError(
            f"{op}: Expected floating point type for target with class probabilities, got {target.dtype}: target has "
            f"the input's shape {x.shape}, so that it must have its dtype {input.dtype} too"
        )
    if ignore_index >= 0:
        raise RuntimeError(f"{op}: ignore_index is not supported for floating point target")
    return apply(SoftCrossEntropy(w, label_smoothing, reduction), input, target)


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """Minus the log-probability of the right class; arguments and errors as of :func:`cross_entropy` with labels."""
    refuse_legacy("nll_loss", size_average, reduce)
    checked_reduction("nll_loss", reduction)
    classes = _check_scores("nll_loss", input, target)
    w = _class_weights("nll_loss", weight, input, classes)
    target = _check_labels("nll_loss", input, target, classes, ignore_index)
    return apply(NllLoss(w, ignore_index, reduction), input, target)
