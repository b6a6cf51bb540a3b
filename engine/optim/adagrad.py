"""Adagrad: gradients over the root of the sum of all their squares so far.

Source: Duchi, Hazan and Singer 2011, "Adaptive subgradient methods for online learning and stochastic optimization".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from engine.definitions import optim as definitions
from engine.definitions.contract import Definition
from engine.device import full
from engine.kernels.cpu import optim as kernels
from engine.optim.kernel_optimizer import KernelOptimizer, check_at_least_zero, refuse
from engine.optim.optimizer import step_counter
from engine.tensor import Tensor, wrap

_NAMES = ("step", "sum")


class Adagrad(KernelOptimizer):
    """s ← s + g², w ← w − lr/(1 + (step − 1)·lr_decay)·g/(√s + eps), g = dw + weight_decay·w.

    Args:
        params: tensors, (name, tensor) pairs, or groups.
        lr: learning rate, ≥ 0.
        lr_decay: how fast the learning rate falls with the steps, ≥ 0.
        weight_decay: weight of the L2 penalty, ≥ 0.
        initial_accumulator_value: where s starts, ≥ 0.
        eps: added to the root, ≥ 0.
        maximize: walk uphill.
        foreach, fused: accepted; there is one implementation.
        differentiable: must be False.

    State, from the start: ``step``, ``sum`` (s).

    Raises:
        ValueError: for a hyper-parameter out of its range.
    """

    _arrays: ClassVar = {"s": "sum"}
    _kernel = kernels.adagrad_update
    _parameters = ("lr", "lr_decay", "eps", "weight_decay", "maximize")
    _takes_step = True
    _work = 0.4

    def __init__(
        self,
        params: Iterable,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_at_least_zero(
            {
                "learning rate": lr,
                "lr_decay value": lr_decay,
                "weight_decay value": weight_decay,
                "initial_accumulator_value value": initial_accumulator_value,
                "epsilon value": eps,
            }
        )
        refuse("Adagrad", differentiable=differentiable)
        super().__init__(
            params,
            {
                "lr": lr,
                "lr_decay": lr_decay,
                "eps": eps,
                "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "fused": fused,
            },
        )
        if fused and foreach:
            raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p] = self._initial_state(p, group)

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return _NAMES

    def _scalars(self, group: dict[str, Any]) -> tuple:
        return (
            float(group["lr"]),
            float(group["lr_decay"]),
            float(group["eps"]),
            float(group["weight_decay"]),
            int(group["maximize"]),
        )

    def _initial_state(self, p: Tensor, group: dict[str, Any]) -> dict[str, Tensor]:
        start = self.defaults["initial_accumulator_value"]
        return {"step": step_counter(), "sum": wrap(full(p._array.shape, start, p._array.dtype, p._array))}

    def _definitions(self, group: dict[str, Any]) -> dict[str, Definition]:
        return {"w_new": definitions.adagrad_weight, "s_new": definitions.adagrad_sum}
