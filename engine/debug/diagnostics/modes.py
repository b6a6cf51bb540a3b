"""Training and evaluation mode: forgotten model.eval(), forgotten model.train()."""

from __future__ import annotations

from typing import Any

from engine.debug.diagnostics.check import Check
from engine.debug.diagnostics.finding import Place
from engine.debug.diagnostics.kinds import LOSSES, Dropout, is_kind
from engine.debug.diagnostics.passes import Pass, Record

_MODES = "torch.nn.Module.eval, documentation; it matters for Dropout and BatchNorm only"


class Modes(Check):
    """Looks at Dropout and BatchNorm ops; without them the mode does not matter."""

    finds = {"training-mode-in-evaluation": (), "dropout-in-evaluation": (), "evaluation-mode-in-training": ()}

    def __init__(self, run: Any) -> None:
        super().__init__(run)
        self.active: Record | None = None
        self.root: Any = None
        self.told: set[int] = set()
        self.pending: tuple[Any, Place, list[str]] | None = None

    # ---- evaluation ----

    def evaluated(self, record: Record) -> None:
        run = self.run
        if is_kind(record.function, LOSSES):
            if self.active is not None and run.loader is None:
                self._evaluates(self.active)
            self.active = None
            return
        if not (isinstance(record.function, Dropout) or getattr(record.function, "training", False)) or not run.stack:
            return
        root = run.stack[0]
        if not any(id(p) in run.optimized for p in root.parameters()):
            return
        self.active, self.root = record, root
        state = None if run.loader is None else run.loaders.get(run.loader)
        others = any(other.trained for other in run.loaders.values())
        if state is not None and not state.trained and others:
            self._evaluates(record)

    def loss(self, this: Pass, losses: Any) -> None:
        self.active = None

    def _evaluates(self, record: Record) -> None:
        run, op = self.run, record.function.name
        if id(self.root) in self.told:
            return
        place = Place(op, run.module_name(record.module), "", record.file, record.line, run.step)
        if self.root.training:
            self.told.add(id(self.root))
            self.report(
                "training-mode-in-evaluation", "error", "The model is evaluated in training mode",
                "Dropout switches off random units and BatchNorm uses the batch's statistics (and changes the running "
                "ones), so that the result is worse than the model is, and depends on chance.",
                f"{op} is active in a pass without gradients.",
                "Call model.eval() before evaluation, and model.train() before training goes on.",
                place, {"training": True}, "model.eval()", _MODES,
            )  # fmt: skip
        elif isinstance(record.function, Dropout) and "Dropout" not in type(record.module).__name__:
            self.report(
                "dropout-in-evaluation", "error", "Dropout stays active in evaluation",
                "F.dropout does not know the mode of the model: it drops units always, unless it is told.",
                f"{op} with p = {record.function.p} is active though the model is in evaluation mode.",
                "Write F.dropout(x, p, training=self.training), or use nn.Dropout.",
                place, {"p": record.function.p}, None, "torch.nn.functional.dropout, documentation",
            )  # fmt: skip

    # ---- training ----

    def forward(self, this: Pass) -> None:
        self.pending = None
        for root in list(self.run.roots.values()):
            if root.training or not root._modules:
                continue
            idle = [name for name, member in root.named_modules() if _matters(member)]
            record = next((r for r in this.weighted if _owns(root, r)), None) if idle else None
            if record is not None:
                self.pending = (root, this.place(record), idle)
                return

    def stepping(self, optimizer: Any) -> None:
        if self.pending is None:
            return
        root, place, idle = self.pending
        self.pending = None
        optimized = {id(p) for group in optimizer.param_groups for p in group["params"]}
        if not any(id(p) in optimized for p in root.parameters()):
            return
        self.report(
            "evaluation-mode-in-training", "warning", "The model is trained in evaluation mode",
            "Dropout does nothing and BatchNorm's running statistics stand still while the weights change.",
            f"model.training is False in a pass that ends in optimizer.step(); concerned: {', '.join(idle[:5])}.",
            "Call model.train() before training, also after each evaluation.",
            place, {"modules": idle}, "model.train()", _MODES,
        )  # fmt: skip


def _matters(module: Any) -> bool:
    name = type(module).__name__
    if "Dropout" in name:
        return getattr(module, "p", 0) > 0
    return "BatchNorm" in name and getattr(module, "track_running_stats", False)


def _owns(root: Any, record: Record) -> bool:
    weight = record.leaf_weight()
    return any(p is weight for p in root.parameters())
