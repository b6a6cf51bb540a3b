"""RMSprop: gradients over their root mean square.

Sources: Hinton 2012, lecture 6 of "Neural networks for machine learning"; centred: Graves 2013, "Generating
sequences with recurrent neural networks". As in PyTorch, eps is added after the root.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from engine.definitions import optim as definitions
from engine.definitions.contract import Definition
from engine.kernels.cpu import optim as kernels
from engine.optim.kernel_optimizer import KernelOptimizer, check_at_least_zero, refuse
from engine.tensor import Tensor

#: State in use, by (momentum, centered).
_NAMES = {
    (False, False): ("step", "square_avg"),
    (True, False): ("step", "square_avg", "momentum_buffer"),
    (False, True): ("step", "square_avg", "grad_avg"),
    (True, True): ("step", "square_avg", "momentum_buffer", "grad_avg"),
}


class RMSprop(KernelOptimizer):
    """w ← w − lr·g/(√v + eps) with v the running mean of g², g = dw + weight_decay·w.

    Args:
        params: tensors, (name, tensor) pairs, or groups.
        lr: learning rate, ≥ 0.
        alpha: share of the old mean that is kept, ≥ 0.
        eps: added to the root, ≥ 0.
        weight_decay: weight of the L2 penalty, ≥ 0.
        momentum: walk along m ← momentum·m + g/(√v + eps), ≥ 0.
        centered: divide by the standard deviation: v minus the square of the mean of g, under the root.
        maximize: walk uphill.
        foreach: accepted; there is one implementation.
        capturable, differentiable: must be False.

    State: ``step``, ``square_avg`` (v), ``momentum_buffer`` (m) and ``grad_avg`` (a) where in use.

    Raises:
        ValueError: for a hyper-parameter out of its range.
    """

    _arrays: ClassVar = {"v": "square_avg", "a": "grad_avg", "m": "momentum_buffer"}
    _kernel = kernels.rmsprop_update
    _parameters = ("lr", "alpha", "eps", "weight_decay", "momentum", "maximize")
    _work = 0.6

    def __init__(
        self,
        params: Iterable,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_at_least_zero(
            {
                "learning rate": lr,
                "epsilon value": eps,
                "momentum value": momentum,
                "weight_decay value": weight_decay,
                "alpha value": alpha,
            }
        )
        refuse("RMSprop", capturable=capturable, differentiable=differentiable)
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "alpha": alpha,
                "eps": eps,
                "centered": centered,
                "weight_decay": weight_decay,
                "capturable": capturable,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
            },
        )

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return _NAMES[group["momentum"] > 0, bool(group["centered"])]

    def _scalars(self, group: dict[str, Any]) -> tuple:
        return (
            float(group["lr"]),
            float(group["alpha"]),
            float(group["eps"]),
            float(group["weight_decay"]),
            float(group["momentum"]),
            int(group["maximize"]),
        )

    def _definitions(self, group: dict[str, Any]) -> dict[str, Definition]:
        result = {"w_new": definitions.rmsprop_weight, "v_new": definitions.rmsprop_square}
        if group["centered"]:
            result["a_new"] = definitions.rmsprop_mean
        if group["momentum"] > 0:
            result["m_new"] = definitions.rmsprop_momentum
        return result
