"""Units that have stopped working: dead ReLUs, saturated sigmoids, layers that answer every sample alike."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.debug.diagnostics.check import PERSISTENT, Check
from engine.debug.diagnostics.finding import percent
from engine.debug.diagnostics.kinds import Relu, Sigmoid, Tanh
from engine.debug.diagnostics.passes import Pass, Record
from engine.plural import plural

#: Share of a layer's units, and that in a layer of fewer than 64, where half of them may begin so by chance. With fewer
#: than so many samples in a batch a unit may be zero for all of them.
DEAD_UNITS, DEAD_OF_FEW, SAMPLES = 0.5, 0.75, 8
#: Share of a layer's outputs at which the slope is below 0.01 (sigmoid) or 0.02 (tanh).
SATURATED, MARGIN = 0.5, 0.01
LEAKY = """import engine.nn as nn
for parent in model.modules():
    for name, child in list(parent.named_children()):
        if isinstance(child, nn.ReLU): setattr(parent, name, nn.LeakyReLU(0.1))"""


class Activations(Check):
    """In passes that are looked at; what is reported held in several in a row."""

    finds = {
        "dead-relu": ("symmetric-initialisation",),
        "saturation": ("unscaled-inputs", "feature-scales"),
        "constant-activation": (
            "dead-relu", "symmetric-initialisation", "saturation", "non-finite", "cross-entropy-single-column",
            "unscaled-inputs", "feature-scales", "learning-rate-high",
        ),
    }  # fmt: skip

    def __init__(self, run: Any) -> None:
        super().__init__(run)
        self.dead: dict[tuple, tuple[np.ndarray, int]] = {}
        self.counts: dict[tuple, int] = {}

    def fresh(self) -> None:
        self.dead.clear()
        self.counts.clear()

    def forward(self, this: Pass) -> None:
        for record in this.records:
            y = record.array
            if isinstance(record.function, Relu) and y.ndim > 1 and y.size:
                self._relu(this, record, y)
            elif isinstance(record.function, (Sigmoid, Tanh)) and y.size and this.is_hidden(record):
                self._saturation(this, record, y)
        self._constant(this)

    def _relu(self, this: Pass, record: Record, y: np.ndarray) -> None:
        units = y.max(axis=0).reshape(y.shape[1], -1).max(axis=1) <= 0
        key = (this.site, record.key)
        before, count = self.dead.get(key, (units, 0))
        dead, count = (before & units, count + 1) if before.shape == units.shape else (units, 1)
        self.dead[key] = (dead, count)
        share = float(dead.mean())
        everything = share == 1 and count == 3
        if count == PERSISTENT:
            del self.dead[key]
        many = share >= (DEAD_UNITS if units.size >= 64 else DEAD_OF_FEW) and y.shape[0] >= SAMPLES and units.size >= 4
        if not everything and (count < PERSISTENT or not many):
            return
        self.report(
            "dead-relu", "error" if share > 0.9 else "warning",
            "All ReLU units of a layer are dead" if share == 1 else "Many ReLU units are dead",
            "These units are 0 for every sample. The slope of ReLU is 0 there, so they get no gradient and never "
            "recover.",
            f"{int(dead.sum())} of {dead.size} units ({percent(share)}) {plural(int(dead.sum()), 'was', 'were')} 0 for all "
            f"samples in {count} looked-at {plural(count, 'batch', 'batches in a row')}.",
            "Start again with a smaller learning rate or smaller biases, or use LeakyReLU.",
            this.place(record),
            {"share": share, "dead": int(dead.sum()), "units": int(dead.size), "checks": count, "batch": y.shape[0]},
            LEAKY, "cs231n, Neural networks part 1, commonly used activation functions (up to 40 % die at too high rates)",
            share,
        )  # fmt: skip

    def _saturation(self, this: Pass, record: Record, y: np.ndarray) -> None:
        low = MARGIN - 1 if isinstance(record.function, Tanh) else MARGIN
        share = float(((y < low) | (y > 1 - MARGIN)).mean())
        key = (this.site, record.key)
        # A network that has learned may saturate: it is a fault where it keeps from learning.
        first = this.site.losses.first
        learned = bool(first) and this.loss < 0.5 * first[0]
        self.counts[key] = count = self.counts.get(key, 0) + 1 if share > SATURATED and not learned else 0
        if count != 3:
            return
        self.report(
            "saturation", "warning", f"{record.function.name} is saturated",
            "Most outputs lie at the flat ends of the curve, where the slope is almost 0: hardly any gradient comes "
            "through to the layers before.",
            f"{percent(share)} of the outputs are within {MARGIN} of the ends, and the loss has not halved yet.",
            "Scale the inputs, use smaller initial weights (Xavier), normalise before the activation, or use ReLU.",
            this.place(record), {"share": share, "margin": MARGIN, "count": int(y.size)}, None,
            "Glorot and Bengio 2010, section 3", share,
        )  # fmt: skip

    def _constant(self, this: Pass) -> None:
        layers = this.weighted
        if not layers:
            return
        data = layers[0].inputs[0]._array
        if data.ndim < 2 or data.shape[0] < 2 or not _varies(data):
            return
        for record in layers:
            y = record.array
            key = (this.site, record.key)
            constant = y.ndim > 1 and y.shape[0] == data.shape[0] and not _varies(y)
            self.counts[key] = count = self.counts.get(key, 0) + 1 if constant else 0
            if count == PERSISTENT:
                self.report(
                    "constant-activation", "warning", "A layer answers every sample alike",
                    "The output of this layer does not depend on the sample: what was put in is lost here.",
                    f"All {y.shape[0]} rows of the output (shape {y.shape}) were equal in {count} looked-at batches.",
                    "Look at the layers before: dead or saturated units, weights that are 0, or data that are constant.",
                    this.place(record), {"rows": y.shape[0], "checks": count},
                )  # fmt: skip
                return


def _varies(x: np.ndarray) -> bool:
    """Whether the rows differ by more than rounding."""
    if not x.size:
        return False
    if np.abs(x[:2] - x[:1]).max() > 1e-3 * np.abs(x[:2]).max():
        # The usual case, without looking at all of it.
        return True
    return bool(np.abs(x - x[:1]).max() > 1e-6 * np.abs(x).max())
