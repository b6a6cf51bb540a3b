"""Adam: steps of the size of the learning rate, along the mean of gradients over their root mean square.

Sources: Kingma and Ba 2015, "Adam: a method for stochastic optimization"; AMSGrad: Reddi, Kale and Kumar 2018,
"On the convergence of Adam and beyond".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from engine.definitions import optim as definitions
from engine.definitions.contract import Definition
from engine.kernels.cpu import optim as kernels
from engine.optim.kernel_optimizer import KernelOptimizer, check_at_least_zero, number, refuse
from engine.tensor import Tensor

_MOMENTS = ("step", "exp_avg", "exp_avg_sq")
_MOMENTS_AND_LARGEST = (*_MOMENTS, "max_exp_avg_sq")


class Adam(KernelOptimizer):
    """w ← w − lr·m̂/(√v̂ + eps), m̂ and v̂ the bias-corrected running means of g and g², g = dw + weight_decay·w.

    Args:
        params: tensors, (name, tensor) pairs, or groups.
        lr: learning rate, ≥ 0.
        betas: shares of the old means that are kept, of g and of g²; floats, 0 ≤ β < 1.
        eps: added to the root, ≥ 0.
        weight_decay: weight of the L2 penalty, ≥ 0; see AdamW for decay that bypasses the means.
        amsgrad: divide by the largest v̂ so far.
        maximize: walk uphill.
        decoupled_weight_decay: make it AdamW.
        foreach, fused: accepted; there is one implementation.
        capturable, differentiable: must be False.

    State: ``step`` (float32, no dimensions), ``exp_avg`` (m), ``exp_avg_sq`` (v), ``max_exp_avg_sq`` with amsgrad.

    Raises:
        ValueError: for a hyper-parameter out of its range.
    """

    _arrays: ClassVar = {"m": "exp_avg", "v": "exp_avg_sq", "vmax": "max_exp_avg_sq"}
    _parameters = ("lr", "beta1", "beta2", "eps", "weight_decay", "maximize")
    _kernel = kernels.adam_update
    _takes_step = True
    _work = 0.6

    def __init__(
        self,
        params: Iterable,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        check_at_least_zero({"learning rate": lr, "epsilon value": eps})
        for i, beta in enumerate(betas):
            if not 0.0 <= number(beta) < 1.0:
                raise ValueError(f"Invalid beta parameter at index {i}: {beta}")
        check_at_least_zero({"weight_decay value": weight_decay})
        if not (all(isinstance(b, float) for b in betas) or all(isinstance(b, Tensor) for b in betas)):
            raise ValueError("betas must be either both floats or both Tensors")
        refuse(type(self).__name__, capturable=capturable, differentiable=differentiable)
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": tuple(number(b) for b in betas),
                "eps": eps,
                "weight_decay": weight_decay,
                "amsgrad": amsgrad,
                "maximize": maximize,
                "foreach": foreach,
                "capturable": capturable,
                "differentiable": differentiable,
                "fused": fused,
                "decoupled_weight_decay": decoupled_weight_decay,
            },
        )
        if fused and foreach:
            raise RuntimeError("`fused` and `foreach` cannot be `True` together.")

    def _kernel_for(self, group: dict[str, Any]) -> Any:
        return kernels.adamw_update if group["decoupled_weight_decay"] else kernels.adam_update

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return _MOMENTS_AND_LARGEST if group["amsgrad"] else _MOMENTS

    def _scalars(self, group: dict[str, Any]) -> tuple:
        beta1, beta2 = group["betas"]
        return (
            float(group["lr"]),
            float(beta1),
            float(beta2),
            float(group["eps"]),
            float(group["weight_decay"]),
            int(group["maximize"]),
        )

    def _definitions(self, group: dict[str, Any]) -> dict[str, Definition]:
        if group["decoupled_weight_decay"]:
            names = ("adamw_weight", "adamw_mean", "adamw_square", "adamw_largest")
        else:
            names = ("adam_weight", "adam_mean", "adam_square", "adam_largest")
        found = [getattr(definitions, name) for name in names[: 4 if group["amsgrad"] else 3]]
        return {definition.result: definition for definition in found}
