"""Curves of the loss: overfitting, and a loss that does not fall."""

from __future__ import annotations

import math
import statistics
from typing import Any

from engine.debug.diagnostics.check import Check
from engine.debug.diagnostics.evaluations import Evaluation
from engine.debug.diagnostics.finding import Place, number
from engine.debug.diagnostics.passes import Pass, Series
from engine.plural import plural

#: The validation loss lies so far above its minimum (as a share of it, and of its first value), for so many evaluations
#: since, while the training loss has gone on falling to at most this share.
RISE, RISE_OF_FIRST, EVALUATIONS, FALL = 0.2, 0.05, 5, 0.8
#: A loss that has fallen by less than this share over so many passes does not fall.
FLAT, PASSES, MEAN_OF = 0.005, 300, 25


class Curves(Check):
    """Means of numbers that the script computes anyway."""

    finds = {
        "overfitting": ("training-mode-in-evaluation",),
        "loss-not-decreasing": (
            "learning-rate-high", "learning-rate-low", "non-finite", "dead-relu", "symmetric-initialisation",
            "vanishing-gradients", "saturation", "constant-activation", "cross-entropy-single-column",
            "parameter-not-optimized", "parameter-without-gradient", "parameter-gradient-zero", "unscaled-inputs",
            "feature-scales", "silent-broadcast", "gradients-not-cleared", "exploding-gradients", "softmax-twice",
            "activation-before-loss", "nll-without-log", "sigmoid-twice", "labels-out-of-range",
        ),
    }  # fmt: skip

    def __init__(self, run: Any) -> None:
        super().__init__(run)
        self.fresh()

    def fresh(self) -> None:
        self.total = self.count = 0.0
        self.closed = False
        #: The name of the module that is evaluated at each place of evaluation.
        self.modules: dict[tuple, str] = {}
        #: Of each place of evaluation: the training loss since the one before, the value, and how many steps had ended.
        self.history: dict[tuple, list[tuple[float, float, int]]] = {}

    def loss(self, this: Pass, losses: Series) -> None:
        if self.closed:
            self.total = self.count = 0.0
            self.closed = False
        self.total += this.loss
        self.count += 1
        if losses.count >= PASSES and losses.count % 100 == 0 and self.run.single_loss:
            self._check_flat(this, losses)

    def _check_flat(self, this: Pass, losses: Series) -> None:
        first = statistics.fmean(losses.first[:MEAN_OF])
        middle, last = statistics.fmean(losses.last[-2 * MEAN_OF : -MEAN_OF]), statistics.fmean(losses.last[-MEAN_OF:])
        if not math.isfinite(last) or min(middle, last) < first - FLAT * abs(first):
            return
        self.report(
            "loss-not-decreasing", "hint", "The loss does not decrease",
            "The training loss is no lower than it was at first: the model has learned nothing from the data so far.",
            f"Mean of the first {MEAN_OF} losses {number(first)}, of the latest {number(last)}, in {losses.count} passes.",
            "Try to overfit a single batch: if that fails too, look at labels, loss and model; else at the learning rate.",
            this.place(), {"first": first, "last": last, "passes": losses.count}, None,
            "cs231n, Neural networks part 3, sanity checks (overfit a tiny subset of data)",
        )  # fmt: skip

    def evaluation(self, evaluation: Evaluation, value: float) -> None:
        if not self.count or not math.isfinite(value):
            return
        self.closed = True
        key = (evaluation.file, evaluation.line, evaluation.name)
        history = self.history.setdefault(key, [])
        history.append((self.total / self.count, value, self.run.step))
        values = [v for _, v, _ in history]
        best = min(range(len(values)), key=values.__getitem__)
        lowest, recent = values[best], values[-3:]
        if len(values) - 1 - best < EVALUATIONS or min(recent) < (1 + RISE) * lowest:
            return
        trained, now = history[best][0], statistics.fmean(t for t, _, _ in history[-3:])
        if min(recent) - lowest < RISE_OF_FIRST * abs(values[0]) or now > FALL * trained:
            return
        run = self.run
        # The name that its module had first: it may have gone, and the fault is one and the same.
        module = self.modules.setdefault(key, run.module_name(evaluation.module))
        place = Place(evaluation.name, module, "", evaluation.file, evaluation.line, run.step)
        ago = len(values) - 1 - best
        self.report(
            "overfitting", "warning", "The model overfits",
            "It learns the training samples by heart, noise included: the training loss goes on falling while the loss on "
            "other samples rises.",
            f"The validation loss was lowest {ago} {plural(ago, 'evaluation')} ago, {number(lowest)}, and is "
            f"{number(values[-1])} now; meanwhile the training loss went from {number(trained)} to {number(now)}.",
            "Stop at the lowest validation loss, or use more data, weight decay, dropout, or a smaller model.",
            place, {"lowest": lowest, "now": values[-1], "train_then": trained, "train_now": now, "evaluation": len(values)},
            self._decay(),
            "Prechelt 1998, Early stopping - but when?", values[-1] / max(lowest, 1e-30), history[best][2],
        )  # fmt: skip

    def _decay(self) -> str:
        """Statements that switch weight decay on. AdamW's takes lr · weight_decay of each weight in a step, the others' adds
        weight_decay times it to its gradient: what is much for these is next to nothing for that.
        """
        decoupled = any(type(optimizer).__name__ == "AdamW" for optimizer in self.run.optimizers)
        value = "0.02 / g['lr']" if decoupled else "1e-2"
        return f'for g in optimizer.param_groups: g["weight_decay"] = {value}'
