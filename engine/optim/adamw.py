"""AdamW: Adam whose weight decay shrinks the weights directly and does not enter the means.

Source: Loshchilov and Hutter 2019, "Decoupled weight decay regularization".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.optim.adam import Adam
from engine.tensor import Tensor


class AdamW(Adam):
    """w ← (1 − lr·weight_decay)·w − lr·m̂/(√v̂ + eps).

    Arguments and state are those of :class:`Adam`; weight_decay is 0.01 by default.
    """

    def __init__(
        self,
        params: Iterable,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """As :meth:`Optimizer.load_state_dict`; the decay stays decoupled whatever was saved."""
        super().load_state_dict(state_dict)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True
