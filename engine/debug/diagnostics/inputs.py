"""Inputs that are far from mean 0 and standard deviation 1, and features of very different size."""

from __future__ import annotations

import numpy as np

from engine.debug.diagnostics.check import Check
from engine.debug.diagnostics.finding import number
from engine.debug.diagnostics.passes import Pass, Record
from engine.debug.statistics.observer import summarize

#: Beyond these an input counts as unscaled. Coordinates of -6 ... 6 and pixels of 0 ... 1 are well inside.
LARGE, SMALL = 10.0, 0.01
#: Ratio of root mean squares of features that are mostly not 0; of tables with at most so many features.
FEATURES_APART, FEATURES = 100.0, 1000
_SOURCE = "LeCun, Bottou, Orr and Müller 1998, Efficient BackProp, section 4.3 (normalizing the inputs)"


class Inputs(Check):
    """Once, on the data that the first weighted op takes."""

    finds = {"unscaled-inputs": (), "feature-scales": ()}

    def first_pass(self, this: Pass) -> None:
        for record in this.weighted:
            for tensor, edge in zip(record.inputs, record.function.edges):
                x = tensor._array
                if edge is None and x.ndim >= 2 and x.shape[0] >= 2 and x.dtype.kind == "f":
                    self._look(this, record, x)
                    return

    def _look(self, this: Pass, record: Record, x: np.ndarray) -> None:
        s = summarize(x)
        if s.nans or s.infs:
            return  # has no size; another check says so
        evidence = {"mean": s.mean, "std": s.std, "min": s.min, "max": s.max}
        if x.ndim == 2 and 2 <= x.shape[1] <= FEATURES and x.shape[0] >= 8:
            dense = np.flatnonzero((x != 0).mean(axis=0) > 0.5)
            size = np.sqrt(np.square(x[:, dense].astype(np.float64)).mean(axis=0))
            if size.size > 1 and size.max() > FEATURES_APART * size.min() and size.max() > 1:
                i, j = int(dense[size.argmin()]), int(dense[size.argmax()])
                evidence |= {"small_feature": i, "small": size.min(), "large_feature": j, "large": size.max()}
                self.report(
                    "feature-scales", "warning", "Features of very different size",
                    "The largest features drown the others: they dominate every sum, and one learning rate cannot suit "
                    "the weights of both.",
                    f"Feature {j} has typical size {number(size.max())}, feature {i} has {number(size.min())}.",
                    "Standardise each feature: subtract its mean and divide by its standard deviation over the training "
                    "set.", this.place(record), evidence, None, _SOURCE, size.max() / size.min(),
                )  # fmt: skip
                return
        largest = max(abs(s.min), abs(s.max))
        if s.std > LARGE or abs(s.mean) > LARGE or 0 < largest < SMALL:
            self.report(
                "unscaled-inputs", "warning", "The inputs are not scaled",
                "Layers are initialised for inputs of mean 0 and standard deviation 1. Others make the first outputs and "
                "gradients too large or too small.",
                f"The inputs run from {number(s.min)} to {number(s.max)}, with mean {number(s.mean)} and standard "
                f"deviation {number(s.std)}.",
                "Divide by the largest value (pixels: by 255), or standardise over the training set.",
                this.place(record), evidence, None, _SOURCE, max(s.std, abs(s.mean), 1 / max(largest, 1e-30)),
            )  # fmt: skip
