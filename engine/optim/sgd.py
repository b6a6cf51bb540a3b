"""Stochastic gradient descent, with momentum and Nesterov's variant.

Sources: Robbins and Monro 1951, "A stochastic approximation method"; Polyak 1964 (momentum); Nesterov's momentum
in the form of Sutskever, Martens, Dahl and Hinton 2013, "On the importance of initialization and momentum in
deep learning". As in PyTorch, the learning rate multiplies the whole buffer, and the buffer starts as the first
gradient.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from engine.definitions import optim as definitions
from engine.definitions.contract import Definition
from engine.kernels.cpu import optim as kernels
from engine.optim.kernel_optimizer import KernelOptimizer, check_at_least_zero, refuse
from engine.optim.slot import Slot
from engine.tensor import Tensor

_NONE, _BUFFER = (), ("momentum_buffer",)


class SGD(KernelOptimizer):
    """w ← w − lr·m with m ← momentum·m + (1 − dampening)·(dw + weight_decay·w); without momentum m is the gradient.

    Args:
        params: tensors, (name, tensor) pairs, or groups.
        lr: learning rate, ≥ 0.
        momentum: share of the old buffer that is kept, ≥ 0; 0: no buffer.
        dampening: share of the gradient that does not enter the buffer.
        weight_decay: weight of the L2 penalty, ≥ 0.
        nesterov: walk along g + momentum·m; needs momentum > 0 and no dampening.
        maximize: walk uphill.
        foreach, fused: accepted; there is one implementation.
        differentiable: must be False.

    State: ``momentum_buffer``, from the first step with momentum on.

    Raises:
        ValueError: for a hyper-parameter out of its range.
    """

    _arrays: ClassVar = {"m": "momentum_buffer"}
    _kernel = kernels.sgd_update
    _parameters = ("lr", "momentum", "dampening", "weight_decay", "nesterov", "maximize")
    _work = 0.2

    def __init__(
        self,
        params: Iterable,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_at_least_zero({"learning rate": lr, "momentum value": momentum, "weight_decay value": weight_decay})
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        refuse("SGD", differentiable=differentiable)
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
                "foreach": foreach,
                "differentiable": differentiable,
                "fused": fused,
            },
        )
        if fused and foreach:
            raise RuntimeError("`fused` and `foreach` cannot be `True` together.")

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return _BUFFER if group["momentum"] != 0 else _NONE

    def _scalars(self, group: dict[str, Any]) -> tuple:
        return (
            float(group["lr"]),
            float(group["momentum"]),
            float(group["dampening"]),
            float(group["weight_decay"]),
            int(group["nesterov"]),
            int(group["maximize"]),
        )

    def _lacks_state(self, state: dict[str, Any]) -> bool:
        return state.get("momentum_buffer") is None

    def _advance(self, slot: Slot) -> tuple:
        if slot.fresh:
            slot.fresh = False
            return (1,)
        return (0,)

    def _progress(self, state: dict[str, Any]) -> dict[str, Any]:
        return {"first": int(self._lacks_state(state))}

    def _definitions(self, group: dict[str, Any]) -> dict[str, Definition]:
        result = {"w_new": definitions.sgd_weight}
        if group["momentum"] != 0:
            result["m_new"] = definitions.sgd_momentum
        return result
