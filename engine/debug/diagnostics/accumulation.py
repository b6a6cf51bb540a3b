"""Gradients of earlier steps that were not cleared and are added to."""

from __future__ import annotations

from typing import Any

from engine.debug.diagnostics.check import Check
from engine.debug.diagnostics.finding import Place
from engine.debug.diagnostics.place import script_line
from engine.debug.memory import ARRAYS


class Accumulation(Check):
    """Adding up several backward passes before a step is deliberate; adding to what a step has used already is not.

    It is reported when a second step uses the sum: gradients that another network's backward leaves behind and that are
    cleared before they are used do no harm.
    """

    finds = {"gradients-not-cleared": ()}

    def __init__(self, run: Any) -> None:
        super().__init__(run)
        self.fresh()

    def fresh(self) -> None:
        # For the id of a parameter the gradient that a step has used, and the line that added to it afterwards.
        self.used: dict[int, Any] = {}
        self.stale: dict[int, tuple[Any, tuple[str, int]]] = {}

    def accumulating(self, leaf: Any, by: Any) -> None:
        key = id(leaf)
        if by is not None:
            self.used.pop(key, None)
            self.stale.pop(key, None)
        elif self.used.get(key) is leaf._grad and isinstance(leaf._grad._array, ARRAYS):
            if leaf._grad._array.any():
                self.stale[key] = (leaf._grad, script_line())
            else:
                # Zeroed by hand.
                self.used.pop(key)
                self.stale.pop(key, None)

    def stepping(self, optimizer: Any) -> None:
        self._use([p for group in optimizer.param_groups for p in group["params"]])

    def overwriting(self, parameter: Any) -> None:
        self._use([parameter])

    def _use(self, parameters: list[Any]) -> None:
        stale = self.stale
        if stale:
            names = [p for p in parameters if id(p) in stale and stale[id(p)][0] is p._grad]
            if names:
                self._tell(names, stale[id(names[0])][1])
            for p in parameters:
                stale.pop(id(p), None)
        for p in parameters:
            if p._grad is not None:
                self.used[id(p)] = p._grad

    def _tell(self, parameters: list[Any], line: tuple[str, int]) -> None:
        name, many = self.run.parameter_name(parameters[0]), len(parameters)
        which = f"{many} parameters, {name} first, were" if many > 1 else f"The parameter {name} was"
        self.report(
            "gradients-not-cleared", "error", "Gradients are not cleared",
            "backward() adds to the gradients that are there. Those of the step before were used and not cleared, so that "
            "each step goes by the sum of all gradients so far.",
            f"{which} updated with gradients that a step had used before.",
            "Call optimizer.zero_grad() before each backward() (once for several, where they shall add up).",
            Place("", "", "", *line, self.run.step), {"parameters": len(parameters)},
            "optimizer.register_step_post_hook(lambda o, a, k: o.zero_grad())",
            "torch.optim.Optimizer.zero_grad, documentation",
        )  # fmt: skip
