"""Losses of numbers: mean squared error, absolute error, smooth L1 and Huber, each one op with its reduction."""

from __future__ import annotations

from typing import Any

from engine.definitions import loss_regression as formulas
from engine.function import apply
from engine.kernels.cpu import loss_regression as kernels
from engine.ops.loss_base import ElementLoss, checked_reduction, refuse_legacy, same_shape
from engine.tensor import Tensor


class MseLoss(ElementLoss):
    """y = Σ (x - t)² / divisor"""

    stays_finite = True
    definitions = {
        "y": formulas.mse_loss_reduced,
        "dx": formulas.mse_loss_backward,
        "dt": formulas.mse_loss_backward_target,
    }
    element_definitions = definitions | {"y": formulas.mse_loss_element}
    reduced_kernel, backward_kernel = kernels.mse_loss_reduced, kernels.mse_loss_backward


class L1Loss(ElementLoss):
    """y = Σ |x - t| / divisor"""

    stays_finite = True
    definitions = {
        "y": formulas.l1_loss_reduced,
        "dx": formulas.l1_loss_backward,
        "dt": formulas.l1_loss_backward_target,
    }
    element_definitions = definitions | {"y": formulas.l1_loss_element}
    reduced_kernel, backward_kernel = kernels.l1_loss_reduced, kernels.l1_loss_backward


class SmoothL1Loss(ElementLoss):
    """y = Σ (d²/(2 beta) where |d| < beta, else |d| - beta/2) / divisor, with d = x - t"""

    stays_finite = True
    definitions = {
        "y": formulas.smooth_l1_loss_reduced,
        "dx": formulas.smooth_l1_loss_backward,
        "dt": formulas.smooth_l1_loss_backward_target,
    }
    element_definitions = definitions | {"y": formulas.smooth_l1_loss_element}
    reduced_kernel, backward_kernel = kernels.smooth_l1_loss_reduced, kernels.smooth_l1_loss_backward

    def __init__(self, beta: float = 1.0, reduction: str = "mean", divisor: float | None = None) -> None:
        super().__init__(reduction, divisor)
        self.beta = float(beta)
        self.parameters = (self.beta,)


class HuberLoss(ElementLoss):
    """y = Σ (d²/2 where |d| <= delta, else delta (|d| - delta/2)) / divisor, with d = x - t"""

    stays_finite = True
    definitions = {
        "y": formulas.huber_loss_reduced,
        "dx": formulas.huber_loss_backward,
        "dt": formulas.huber_loss_backward_target,
    }
    element_definitions = definitions | {"y": formulas.huber_loss_element}
    reduced_kernel, backward_kernel = kernels.huber_loss_reduced, kernels.huber_loss_backward

    def __init__(self, delta: float = 1.0, reduction: str = "mean", divisor: float | None = None) -> None:
        super().__init__(reduction, divisor)
        self.delta = float(delta)
        self.parameters = (self.delta,)


# ---- public functions ----


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Squared error (x - t)²: each, their mean, or their sum.

    Shapes that differ are broadcast with a warning.

    Raises:
        ValueError: unknown reduction.
        ShapeError, DtypeError: operands that do not fit.
    """
    refuse_legacy("mse_loss", size_average, reduce, weight)
    checked_reduction("mse_loss", reduction)
    return apply(MseLoss(reduction), *same_shape("mse_loss", input, target))


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Absolute error |x - t|; arguments and errors as of :func:`mse_loss`."""
    refuse_legacy("l1_loss", size_average, reduce, weight)
    checked_reduction("l1_loss", reduction)
    return apply(L1Loss(reduction), *same_shape("l1_loss", input, target))


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Squared error divided by 2·beta where |x - t| < beta, else |x - t| - beta/2 (Girshick, 2015).

    With beta = 0 it is :func:`l1_loss`. Other arguments and errors as of :func:`mse_loss`.

    Raises:
        RuntimeError: beta < 0.
    """
    refuse_legacy("smooth_l1_loss", size_average, reduce)
    checked_reduction("smooth_l1_loss", reduction)
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta, got {beta}")
    function = L1Loss(reduction) if beta == 0 else SmoothL1Loss(beta, reduction)
    return apply(function, *same_shape("smooth_l1_loss", input, target))


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """Half the squared error where |x - t| <= delta, else delta·(|x - t| - delta/2) (Huber, 1964).

    Other arguments and errors as of :func:`mse_loss`.

    Raises:
        RuntimeError: delta <= 0.
    """
    refuse_legacy("huber_loss", weight=weight)
    checked_reduction("huber_loss", reduction)
    if delta <= 0:
        raise RuntimeError(f"huber_loss does not support non-positive values for delta, got {delta}")
    return apply(HuberLoss(delta, reduction), *same_shape("huber_loss", input, target))
