"""Learning rates that are too high or too low, by the size of the updates and by what the loss does."""

from __future__ import annotations

import math
import statistics
from typing import Any

from engine.debug.diagnostics.check import PERSISTENT, Check
from engine.debug.diagnostics.finding import Place, number
from engine.debug.diagnostics.nonfinite import SLOWER
from engine.debug.diagnostics.passes import Pass, Series
from engine.debug.diagnostics.place import script_line
from engine.debug.squares import euclidean_norm

#: Norm of an update / norm of the weight: some 1e-3 is usual; these are two orders off it in either direction.
HIGH, LOW = 1e-1, 1e-5
#: A ratio so high, step after step, with no gain: the loss jumps over its valley.
JUMPING = 0.3
_SOURCE = "cs231n, Neural networks part 3, ratio of weights:updates (should be around 1e-3)"
FASTER = 'for g in optimizer.param_groups: g["lr"] *= 100'


class LearningRate(Check):
    """The ratio is measured in passes that are looked at; the loss in every pass."""

    finds = {
        "learning-rate-high": (),
        "learning-rate-low": ("vanishing-gradients", "symmetric-initialisation", "dead-relu"),
    }

    def __init__(self, run: Any) -> None:
        super().__init__(run)
        self.fresh()

    def fresh(self) -> None:
        self.ratios: list[float] = []
        self.low = 0
        self.place = Place()
        self.rates: list[float] = []

    def updated(self, this: Pass, optimizer: Any, ratios: dict[int, tuple[Any, float]]) -> None:
        matrices = {key: ratio for key, (p, ratio) in ratios.items() if p._array.ndim > 1}
        largest = max((matrices or {key: ratio for key, (_, ratio) in ratios.items()}).values())
        self.ratios = [*self.ratios[-20:], largest]
        self.rates = [_number(group.get("lr", math.nan)) for group in optimizer.param_groups]
        self.place = Place(type(optimizer).__name__, "", "", *script_line(), self.run.step)
        self.low = self.low + 1 if largest < LOW else 0
        losses = this.site.losses
        if self.low >= PERSISTENT and losses.count >= 50 and self.run.single_loss:
            self._check_low(this, losses, largest)

    def _check_low(self, this: Pass, losses: Series, ratio: float) -> None:
        first, last = statistics.fmean(losses.first[:10]), statistics.fmean(losses.last[-10:])
        # Where the gradient is small too, training has ended, or something else is wrong.
        steep = any(norm > 1e-3 * euclidean_norm(p._array) for p, norm in this.norms.values())
        if not steep or first - last > 0.05 * abs(first):
            return
        self.report(
            "learning-rate-low", "warning", "The learning rate is too low",
            "Each step changes the weights so little that training would take very long, though there is a slope to go "
            "down.",
            f"An update is at most {number(ratio)} of its weight (usual: 0.001), and over {losses.count} steps the loss "
            f"went from {number(first)} to {number(last)}.",
            "Raise the learning rate tenfold or a hundredfold.", self.place,
            {"ratio": ratio, "loss_first": first, "loss_last": last, "lr": self.rates}, FASTER, _SOURCE,
            1 / max(ratio, 1e-30),
        )  # fmt: skip

    def loss(self, this: Pass, losses: Series) -> None:
        if losses.count < 4 or not self.run.single_loss:
            return
        last = losses.last
        start = losses.first[0]
        a, b, c, now = last[-4:]
        if start <= 0 or not math.isfinite(a + b + c + now):
            return
        if a < b < c < now or (now > 1e3 * start and now > a):
            ratio = statistics.median(self.ratios[-3:]) if self.ratios else None
            if now > 10 * start and ratio > HIGH if ratio is not None else now > 100 * start:
                self._report_high(this, "the loss rises", ratio, start, now)
                return
        if losses.count >= 50 and losses.count % 10 == 0 and len(self.ratios) >= 6 and min(self.ratios[-3:]) > JUMPING:
            # Not the first steps, whose updates are often long.
            recent = last[-20:]
            mean = statistics.fmean(recent)
            if mean >= statistics.fmean(losses.first[:5]) and statistics.pstdev(recent) > 0.1 * mean:
                self._report_high(this, "the loss jumps up and down", min(self.ratios[-3:]), start, mean)

    def _report_high(self, this: Pass, what: str, ratio: float | None, start: float, now: float) -> None:
        share = "" if ratio is None else f"An update is {number(ratio)} of its weight (usual: 0.001). "
        evidence: dict[str, Any] = {"loss_first": start, "loss_now": now, "lr": self.rates}
        if ratio is not None:
            evidence["ratio"] = ratio
        self.report(
            "learning-rate-high", "error", "The learning rate is too high",
            f"The steps are so long that they jump over the valley of the loss: {what}.",
            f"{share}The loss was {number(start)} at first and is {number(now)}.",
            "Lower the learning rate tenfold.", self.place if self.place.file else this.place(),
            evidence, SLOWER, _SOURCE, begins=this.best_step(),
        )  # fmt: skip


def _number(value: Any) -> float:
    return float(value.item() if hasattr(value, "item") else value)
