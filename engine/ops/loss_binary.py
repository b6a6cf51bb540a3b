"""Binary cross-entropy, of probabilities and of logits, and Kullback-Leibler divergence, each one op."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from engine import trace
from engine.definitions import loss_binary as formulas
from engine.device import contiguous, empty
from engine.errors import DtypeError, GradientError, ShapeError
from engine.function import apply
from engine.kernels.cpu import loss_binary as kernels
from engine.ops.elementwise import broadcast_shape, cast, common_dtype
from engine.ops.loss_base import REDUCTIONS, ElementLoss, broadcast, checked_reduction, refuse_legacy, tensors
from engine.tensor import Tensor


class BinaryCrossEntropy(ElementLoss):
    """y = -Σ w (t log x + (1 - t) log(1 - x)) / divisor; w (shape of x) may be absent."""

    definitions = {
        "y": formulas.binary_cross_entropy_reduced,
        "dx": formulas.binary_cross_entropy_backward,
        "dt": formulas.binary_cross_entropy_backward_target,
    }
    element_definitions = definitions | {"y": formulas.binary_cross_entropy_element}
    reduced_kernel, backward_kernel = kernels.binary_cross_entropy_reduced, kernels.binary_cross_entropy_backward
    work = 1.0

    def __init__(self, w: np.ndarray | None = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.w = w

    def forward(self, x: np.ndarray, t: np.ndarray) -> np.ndarray:
        self.w = _weights(self.w, x)
        self.parameters = (self.w.reshape(-1),)
        return super().forward(x, t)

    def _target_gradient(self, dy: np.ndarray, dx: np.ndarray | None) -> np.ndarray:
        return self.derived_gradient("dt", dy)


class BinaryCrossEntropyWithLogits(ElementLoss):
    """y = -Σ w (pw t log s + (1 - t) log(1 - s)) / divisor, s = sigmoid(x); w and pw may be absent."""

    stays_finite = True
    definitions = {
        "y": formulas.binary_cross_entropy_with_logits_reduced,
        "dx": formulas.binary_cross_entropy_with_logits_backward,
        "dt": formulas.binary_cross_entropy_with_logits_backward_target,
    }
    element_definitions = definitions | {"y": formulas.binary_cross_entropy_with_logits_element}
    reduced_kernel = kernels.binary_cross_entropy_with_logits_reduced
    backward_kernel = kernels.binary_cross_entropy_with_logits_backward
    work = 1.0

    def __init__(
        self, w: np.ndarray | None = None, pw: np.ndarray | None = None, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction)
        self.w, self.pw = w, pw

    def forward(self, x: np.ndarray, t: np.ndarray) -> np.ndarray:
        self.w, self.pw = _weights(self.w, x), _weights(self.pw, x)
        self.parameters = (self.w.reshape(-1), self.pw.reshape(-1))
        return super().forward(x, t)

    def _target_gradient(self, dy: np.ndarray, dx: np.ndarray | None) -> np.ndarray:
        return self.derived_gradient("dt", dy)


class KlDiv(ElementLoss):
    """y = Σ t (log t - x) / divisor; with ``log_target`` Σ exp(t) (t - x) / divisor"""

    definitions = {
        "y": formulas.kl_div_reduced,
        "dx": formulas.kl_div_backward,
        "dt": formulas.kl_div_backward_target,
    }
    element_definitions = definitions | {"y": formulas.kl_div_element}

    def __init__(self, log_target: bool = False, reduction: str = "mean", divisor: float | None = None) -> None:
        super().__init__(reduction, divisor)
        self.log_target = bool(log_target)

    def _gradient(self, dy: np.ndarray) -> np.ndarray:
        return self.derived_gradient("dx", dy)

    def _target_gradient(self, dy: np.ndarray, dx: np.ndarray | None) -> np.ndarray:
        return self.derived_gradient("dt", dy)


def _weights(weight: np.ndarray | None, x: np.ndarray) -> np.ndarray:
    """``weight`` in the shape of ``x``, or an empty array for None."""
    if weight is None:
        return empty((0,), x.dtype, x)
    return contiguous(np.broadcast_to(weight, x.shape))


def _weight_array(op: str, name: str, weight: Tensor | None, input: Tensor) -> np.ndarray | None:
    if weight is None:
        return None
    if weight._requires_grad:
        raise GradientError(f"{op}: the gradient with respect to {name} is not available; detach() it")
    x, w = input._array, weight._array
    fits = w.ndim <= x.ndim and all(a in (1, b) for a, b in zip(w.shape[::-1], x.shape[::-1], strict=False))
    if not fits:
        raise ShapeError(f"{op}: {name} has shape {w.shape}, which does not broadcast to the input's {x.shape}")
    return w.astype(x.dtype, copy=False)


def _check_pair(op: str, input: Tensor, target: Tensor, wrong_size: str) -> None:
    tensors(op, input, target)
    x, t = input._array, target._array
    if x.shape != t.shape:
        raise ShapeError(wrong_size.format(target=target.shape, input=input.shape))
    if x.dtype != t.dtype or x.dtype.kind != "f":
        raise DtypeError(
            f"{op}: found dtype {target.dtype} of target and {input.dtype} of input; both must be the same float "
            "dtype (target.float() converts class labels)"
        )


# ---- public functions ----


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """-w (t log x + (1 - t) log(1 - x)), logarithms at least -100.

    Args:
        input: probabilities in [0, 1], any shape.
        target: of the same shape and dtype, in [0, 1].
        weight: factors that broadcast to the shape.

    Raises:
        RuntimeError: an input outside [0, 1]; the message says where.
        ShapeError, DtypeError: operands that do not fit.
    """
    op = "binary_cross_entropy"
    refuse_legacy(op, size_average, reduce)
    checked_reduction(op, reduction)
    _check_pair(op, input, target, "Using a target size ({target}) that is different to the input size ({input}) is "
                "deprecated. Please ensure they have the same size.")
    x = input._array
    if x.size and not trace.reading("bool", lambda: bool(x.min() >= 0 and x.max() <= 1)):
        where = tuple(int(i) for i in np.argwhere(~((x >= 0) & (x <= 1)))[0])
        raise RuntimeError(f"{op}: all elements of input should be between 0 and 1, input[{where}] is {x[where]}; "
                           "give logits to binary_cross_entropy_with_logits")
    return apply(BinaryCrossEntropy(_weight_array(op, "weight", weight, input), reduction), input, target)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Binary cross-entropy of sigmoid(x), computed without overflow.

    Args:
        input: logits, any shape.
        target: of the same shape and dtype, in [0, 1].
        weight: factors that broadcast to the shape.
        pos_weight: factors of the positive class that broadcast to the shape.

    Raises:
        ShapeError, DtypeError: operands that do not fit.
    """
    op = "binary_cross_entropy_with_logits"
    refuse_legacy(op, size_average, reduce)
    checked_reduction(op, reduction)
    _check_pair(op, input, target, "Target size ({target}) must be the same as input size ({input})")
    function = BinaryCrossEntropyWithLogits(
        _weight_array(op, "weight", weight, input), _weight_array(op, "pos_weight", pos_weight, input), reduction
    )
    return apply(function, input, target)


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """Kullback-Leibler divergence t (log t - x) of log-probabilities x from probabilities t.

    Args:
        input: log-probabilities.
        target: probabilities, or log-probabilities with ``log_target``; shapes broadcast.
        reduction: ``"none"``, ``"mean"`` (over all elements), ``"sum"``, or ``"batchmean"`` (the sum divided by the
            first extent), which is the divergence of the batch.
    """
    refuse_legacy("kl_div", size_average, reduce)
    checked_reduction("kl_div", reduction, (*REDUCTIONS, "batchmean"))
    tensors("kl_div", input, target)
    if reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size."
            "'batchmean' divides only by the batch size, and aligns with the KL div math definition.",
            stacklevel=2,
        )
    dtype = common_dtype(input, target)
    if dtype.kind != "f":
        raise DtypeError(f"kl_div: input is {input.dtype} and target is {target.dtype}; one of them must be float")
    input, target = cast(input, dtype), cast(target, dtype)
    divisor = None
    if reduction == "batchmean":
        reduction, divisor = "sum", float(input._array.shape[0]) if input._array.ndim else 1.0
    shape = broadcast_shape("kl_div", input, target)
    function = KlDiv(log_target, reduction, divisor)
    return apply(function, broadcast(input, shape), broadcast(target, shape))
