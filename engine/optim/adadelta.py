"""Adadelta: gradients scaled by the root mean square of past steps over that of past gradients.

Source: Zeiler 2012, "ADADELTA: an adaptive learning rate method".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from engine.definitions import optim as definitions
from engine.definitions.contract import Definition
from engine.kernels.cpu import optim as kernels
from engine.optim.kernel_optimizer import KernelOptimizer, check_at_least_zero, number, refuse
from engine.tensor import Tensor

_NAMES = ("step", "square_avg", "acc_delta")


class Adadelta(KernelOptimizer):
    """w ← w − lr·Δ with Δ = √(u + eps)/√(v + eps)·g; v and u are running means of g² and Δ².

    Args:
        params: tensors, (name, tensor) pairs, or groups.
        lr: learning rate, ≥ 0; 1 is the paper's rule.
        rho: share of the old means that is kept, 0 ≤ rho ≤ 1.
        eps: added under the roots, ≥ 0.
        weight_decay: weight of the L2 penalty, ≥ 0.
        maximize: walk uphill.
        foreach: accepted; there is one implementation.
        capturable, differentiable: must be False.

    State: ``step``, ``square_avg`` (v), ``acc_delta`` (u).

    Raises:
        ValueError: for a hyper-parameter out of its range.
    """

    _arrays: ClassVar = {"v": "square_avg", "u": "acc_delta"}
    _kernel = kernels.adadelta_update
    _parameters = ("lr", "rho", "eps", "weight_decay", "maximize")
    _work = 0.6

    def __init__(
        self,
        params: Iterable,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_at_least_zero({"learning rate": lr})
        if not 0.0 <= number(rho) <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_at_least_zero({"epsilon value": eps, "weight_decay value": weight_decay})
        refuse("Adadelta", capturable=capturable, differentiable=differentiable)
        super().__init__(
            params,
            {
                "lr": lr,
                "rho": rho,
                "eps": eps,
                "weight_decay": weight_decay,
                "maximize": maximize,
                "capturable": capturable,
                "foreach": foreach,
                "differentiable": differentiable,
            },
        )

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return _NAMES

    def _scalars(self, group: dict[str, Any]) -> tuple:
        return (
            float(group["lr"]),
            float(group["rho"]),
            float(group["eps"]),
            float(group["weight_decay"]),
            int(group["maximize"]),
        )

    def _definitions(self, group: dict[str, Any]) -> dict[str, Definition]:
        return {
            "w_new": definitions.adadelta_weight,
            "v_new": definitions.adadelta_square,
            "u_new": definitions.adadelta_steps,
        }
