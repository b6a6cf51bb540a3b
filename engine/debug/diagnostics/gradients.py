"""Gradients that explode, over time or towards the first layers, and gradients that vanish."""

from __future__ import annotations

import math
import statistics
from typing import Any

from engine.debug.diagnostics.check import Check
from engine.debug.diagnostics.finding import number
from engine.debug.diagnostics.passes import Pass, Record, Site
from engine.debug.squares import euclidean_norm, sum_of_squares

#: A norm this many times the usual one has exploded; one this many times that of the first passes is no return to it.
JUMP, ABOVE_START = 100.0, 10.0
#: Ratio of the gradient's root mean square in the first layer to that in the last, with at least so many layers.
VANISHED, EXPLODED, LAYERS = 1e-4, 1e3, 4
#: Norm of a weight's gradient / norm of the weight, from the start, where the loss is a mean.
STEEP = 1e5
_SOURCE = "Glorot and Bengio 2010, Understanding the difficulty of training deep feedforward neural networks, section 4"
_CLIPPING = "Pascanu, Mikolov and Bengio 2013, On the difficulty of training recurrent neural networks, section 3.2"
CLIP = """import engine.nn.utils as utils
optimizer.register_step_pre_hook(lambda o, a, k: utils.clip_grad_norm_(
    [p for g in o.param_groups for p in g["params"]], 1.0) and None)"""


class Gradients(Check):
    """Norms over time in every pass, norms over depth in passes that are looked at."""

    finds = {
        "exploding-gradients": ("learning-rate-high", "unscaled-inputs", "feature-scales"),
        "vanishing-gradients": ("dead-relu", "symmetric-initialisation"),
    }

    def __init__(self, run: Any) -> None:
        super().__init__(run)
        self.small: dict[Site, int] = {}
        self.large: dict[Site, int] = {}
        self.steep: dict[Site, int] = {}
        self.mean = False

    def forward(self, this: Pass) -> None:
        # Asked now, while the ops have their parameters. A sum over many samples is large without being a fault.
        losses = this.losses
        self.mean = bool(losses) and all(getattr(r.function, "reduction", "") == "mean" for r in losses)

    def gradients(self, this: Pass) -> None:
        if not math.isfinite(this.norm):
            return
        norms = this.site.norms
        if norms.count >= 10 and this.norm > ABOVE_START * max(norms.first[:3]):
            usual = statistics.median(norms.last[-50:])
            # A sample that a trained network gets wrong makes a jump too, but none beyond the size of the weights.
            weights = math.sqrt(sum(sum_of_squares(p._array) for p, _ in this.norms.values()))
            if this.norm > max(JUMP * usual, weights):
                self._jumped(this, usual)
        norms.append(this.norm)
        if this.looked_at:
            self._over_depth(this)
            if this.site.count <= 3:
                self._at_start(this)

    def _jumped(self, this: Pass, usual: float) -> None:
        self.report(
            "exploding-gradients", "error", "Gradients explode",
            "The gradients have become far larger than they were, so that one step throws the weights off what they "
            "have learned.",
            f"The norm of all gradients is {number(this.norm)}; over the passes before, its median was {number(usual)}.",
            "Use a smaller learning rate, or clip the norm of the gradients (nn.utils.clip_grad_norm_).",
            this.place(), {"norm": this.norm, "usual_norm": usual}, CLIP, _CLIPPING, this.norm / max(usual, 1e-30),
        )  # fmt: skip

    def _at_start(self, this: Pass) -> None:
        if not self.mean:
            return
        steep = []
        for p, norm in this.norms.values():
            size = euclidean_norm(p._array) if p._array.ndim > 1 else 0.0
            if size and norm > STEEP * size:
                steep.append((p, norm / size))
        site = this.site
        self.steep[site] = self.steep.get(site, 0) + 1 if steep else 0
        if self.steep[site] == 2:
            p, ratio = max(steep, key=lambda pair: pair[1])
            record = next((r for r in this.weighted if r.leaf_weight() is p), None)
            self.report(
                "exploding-gradients", "error", "Gradients explode",
                "The gradients are so much larger than the weights that a step at a usual learning rate throws the weights "
                "off.",
                f"The gradient's norm is {number(ratio)} times that of the weight {self.run.parameter_name(p)}.",
                "Initialise with smaller weights (He or Xavier), scale the targets, normalise, or clip the norm of the "
                "gradients.", this.place(record, p), {"ratio": ratio, "norm": this.norm}, CLIP, _CLIPPING, ratio,
            )  # fmt: skip

    def _over_depth(self, this: Pass) -> None:
        layers: list[tuple[Record, Any, float]] = []
        for record in this.weighted:
            weight = record.leaf_weight()
            if weight is not None and id(weight) in this.norms:
                layers.append((record, weight, this.norms[id(weight)][1] / math.sqrt(weight._array.size)))
        if len(layers) < LAYERS or not layers[0][2] or not layers[-1][2]:
            return
        first, last = layers[0][2], layers[-1][2]
        site, ratio = this.site, first / last
        self.small[site] = self.small.get(site, 0) + 1 if ratio < VANISHED else 0
        self.large[site] = self.large.get(site, 0) + 1 if ratio > EXPLODED else 0
        evidence = {"first": first, "last": last, "ratio": ratio, "layers": [rms for _, _, rms in layers]}
        sentence = (
            f"The root mean square of the gradient is {number(last)} in the last of {len(layers)} layers and "
            f"{number(first)} in the first."
        )
        place = this.place(layers[0][0], layers[0][1])
        if self.small[site] == 3:
            self.report(
                "vanishing-gradients", "warning", "Gradients vanish on the way to the first layers",
                "Each layer makes the gradient smaller on its way back, so that the first layers hardly learn.",
                sentence, "Use ReLU in place of sigmoid or tanh, He or Xavier initialisation, batch norm, shortcuts, or "
                "fewer layers.", place, evidence, None, _SOURCE, 1 / ratio,
            )  # fmt: skip
        if self.large[site] == 2:
            self.report(
                "exploding-gradients", "error", "Gradients explode on the way to the first layers",
                "Each layer makes the gradient larger on its way back, so that one learning rate cannot suit all layers.",
                sentence, "Initialise with smaller weights (He or Xavier), normalise, or clip the norm of the gradients.",
                place, evidence, CLIP, _CLIPPING, ratio,
            )  # fmt: skip
