"""Parameters that training does not change."""

from __future__ import annotations

from typing import Any

from engine.debug.diagnostics.check import Check
from engine.debug.diagnostics.finding import Place
from engine.debug.diagnostics.passes import Pass
from engine.debug.diagnostics.place import script_line

#: Passes before what is missing is reported; passes from the first with a gradient of 0; looked-at steps without one.
PASSES, ZERO_PASSES, STEPS = 10, 25, 3


class Parameters(Check):
    """Parameters of modules that require grad and are used by forward."""

    finds = {
        "parameter-not-optimized": (),
        "parameter-without-gradient": (),
        "parameter-gradient-zero": (
            "dead-relu", "symmetric-initialisation", "constant-activation", "saturation", "unscaled-inputs",
            "feature-scales", "cross-entropy-single-column",
        ),
    }

    def __init__(self, run: Any) -> None:
        super().__init__(run)
        self.fresh()

    def fresh(self) -> None:
        self.used: dict[int, tuple[Any, str, int, str, Any]] = {}
        self.zero: dict[int, int] = {}
        self.moved: set[int] = set()
        self.missing: dict[int, int] = {}
        self.ready = False

    def forward(self, this: Pass) -> None:
        for record in this.every_record:
            for tensor, edge in zip(record.inputs, record.function.edges):
                if edge is not None and edge[1] < 0 and edge[0] is tensor and id(tensor) not in self.used:
                    self.used[id(tensor)] = (tensor, record.file, record.line, record.function.name, record.module)
        self.ready = True
        if this.site.count < PASSES or not self.run.optimizers:
            return
        optimized = self.run.optimized
        left = [p for p, *_ in self.used.values() if id(p) not in optimized]
        for root in list(self.run.roots.values()) if left else ():
            own = {id(p) for p in root.parameters()}
            lost = [p for p in left if id(p) in own]
            if lost and any(key in optimized for key in own):
                self._not_optimized(lost)

    def _place(self, parameter: Any) -> Place:
        _, file, line, op, module = self.used[id(parameter)]
        return Place(op, self.run.module_name(module), self.run.parameter_name(parameter), file, line, self.run.step)

    def _not_optimized(self, lost: list[Any]) -> None:
        names = [self.run.parameter_name(p) for p in lost]
        self.report(
            "parameter-not-optimized", "warning", "Parameters are in no optimizer",
            "They take part in forward and get gradients, but no optimizer has them: they keep their initial values.",
            f"Not optimised: {', '.join(names[:6])}{' ...' if len(names) > 6 else ''}.",
            "Give the optimizer model.parameters(), after the model is complete; where it is meant, set "
            "requires_grad_(False) on them.", self._place(lost[0]), {"parameters": names},
            'optimizer.add_param_group({"params": [p for p in model.parameters() if not any(p is q for g in '
            'optimizer.param_groups for q in g["params"])]})',
        )  # fmt: skip

    def stepping(self, optimizer: Any) -> None:
        if not self.ready:
            return
        self.ready = False
        lost = []
        for group in optimizer.param_groups:
            for p in group["params"]:
                if p._grad is None and p._requires_grad and id(p) in self.used:
                    self.missing[id(p)] = self.missing.get(id(p), 0) + 1
                    if self.missing[id(p)] == STEPS:
                        lost.append(p)
        if lost:
            names = [self.run.parameter_name(p) for p in lost]
            self.report(
                "parameter-without-gradient", "warning", "Parameters get no gradient",
                "They take part in forward, but the loss does not depend on them in a way that backward can follow, for "
                "example behind detach(), argmax or numpy().",
                f"The gradient is None in {STEPS} looked-at steps in a row: {', '.join(names[:6])}.",
                "Look for detach(), .data, no_grad() or a comparison between these layers and the loss.",
                self._place(lost[0]), {"parameters": names, "line_of_step": script_line()[1]},
            )  # fmt: skip

    def gradients(self, this: Pass) -> None:
        if not this.norm:
            return
        lost = []
        for key, (p, norm) in this.norms.items():
            if norm:
                # Once it has moved, a gradient of 0 says that training has come to its end.
                self.moved.add(key)
            elif key not in self.moved and p._array.ndim > 1:
                self.zero[key] = self.zero.get(key, 0) + 1
                if self.zero[key] == ZERO_PASSES and key in self.used and self.run.root_of(p) is not None:
                    lost.append(p)
        if lost:
            names = [self.run.parameter_name(p) for p in lost]
            self.report(
                "parameter-gradient-zero", "warning", "Parameters have a gradient of 0",
                "Their gradient is exactly 0 in every pass, so that they do not change, while others do.",
                f"Exactly 0 in {ZERO_PASSES} passes in a row: {', '.join(names[:6])}.",
                "Look at what follows these layers: dead units, a factor 0, or a part of the output that the loss ignores.",
                self._place(lost[0]), {"parameters": names, "passes": ZERO_PASSES},
            )  # fmt: skip


