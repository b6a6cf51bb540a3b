"""Initial weights: rows that are all alike, and signals that grow or die from layer to layer."""

from __future__ import annotations

import numpy as np

from engine.debug.diagnostics.check import Check
from engine.debug.diagnostics.finding import number
from engine.debug.diagnostics.kinds import Add, Convolution, Linear, is_kind
from engine.debug.diagnostics.passes import Pass, Record
from engine.debug.memory import on_cpu

#: Standard deviation of the last layer's output / that of the first layer's, with at least so many layers.
SHRUNK, GROWN, LAYERS = 1e-3, 1e3, 4


class Initialisation(Check):
    """Once for each line at which backward begins, before the first step."""

    finds = {
        "symmetric-initialisation": (),
        "initial-scale": ("symmetric-initialisation", "unscaled-inputs", "feature-scales"),
    }

    def first_pass(self, this: Pass) -> None:
        if self.run.step - self.run.began > len(self.run.optimizers):
            return
        for record in this.weighted:
            weight = record.leaf_weight()
            if weight is not None and is_kind(record.function, (Linear, Convolution)):
                w = on_cpu(weight._array)
                alike = w.shape[0] > 1 and w.size > w.shape[0] and bool((w == w[:1]).all())
                if (alike or (w.shape[0] > 1 and not w.any())) and this.is_hidden(record):
                    self._symmetric(this, record, w)
        self._scale(this)

    def _symmetric(self, this: Pass, record: Record, w: np.ndarray) -> None:
        zero = not w.any()
        if zero and any(isinstance(c.function, Add) for c in this.consumers.get(id(record.function), ())):
            # A branch beside a shortcut that begins at 0 on purpose.
            return
        weight = record.leaf_weight()
        self.report(
            "symmetric-initialisation", "error", "All units of a hidden layer begin alike",
            "Units with equal weights compute the same and get the same gradient, so they stay equal for ever: the layer "
            "works like a single unit." + (" With all weights 0 the layers before get no gradient either." if zero else ""),
            f"All {w.shape[0]} rows of the weight (shape {w.shape}) are equal; the first element is {number(w.flat[0])}.",
            "Draw the weights at random (leave the layer's own initialisation, or use nn.init.kaiming_uniform_).",
            this.place(record, weight), {"rows": w.shape[0], "value": float(w.flat[0])},
            "for m in model.modules():\n    if hasattr(m, 'reset_parameters'): m.reset_parameters()",
            "Goodfellow, Bengio and Courville 2016, Deep Learning, section 8.4 (breaking symmetry)",
        )  # fmt: skip

    def _scale(self, this: Pass) -> None:
        layers = this.weighted
        if len(layers) < LAYERS:
            return
        stds = [float(record.array.std()) for record in layers]
        ratio = stds[-1] / stds[0] if stds[0] > 0 else 0.0
        if SHRUNK <= ratio <= GROWN or not np.isfinite(ratio) or ratio == 0:
            return
        grows = ratio > 1
        self.report(
            "initial-scale", "hint", f"The signal {'grows' if grows else 'dies'} from layer to layer",
            f"Before the first step each layer makes the numbers {'larger' if grows else 'smaller'}; in deep networks the "
            "same happens to the gradients.",
            f"The standard deviation is {number(stds[0])} behind the first of {len(layers)} weighted layers and "
            f"{number(stds[-1])} behind the last.",
            "Use an initialisation that keeps the size: nn.init.kaiming_normal_ for ReLU, xavier_normal_ for tanh.",
            this.place(layers[-1], layers[-1].leaf_weight()), {"stds": stds, "ratio": ratio}, None,
            "Glorot and Bengio 2010; He et al. 2015, Delving deep into rectifiers, section 2.2",
            max(ratio, 1 / ratio),
        )  # fmt: skip
