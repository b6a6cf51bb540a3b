"""Class labels: out of range, unevenly frequent, or in sorted order."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.debug.diagnostics.check import Check
from engine.debug.diagnostics.finding import Place, number, percent
from engine.debug.diagnostics.kinds import LABEL_LOSSES, BinaryCrossEntropy, BinaryCrossEntropyWithLogits
from engine.debug.diagnostics.passes import Pass, Series, Site
from engine.debug.diagnostics.place import is_library, script_line
from engine.plural import plural

#: The rarest class has at most this share of the most frequent one's samples.
RARE = 0.1
#: Labels kept of the first pass over the data, and passes that stand for it where there is no DataLoader.
MOST_LABELS, PASSES = 200_000, 20
_BINARY = (BinaryCrossEntropy, BinaryCrossEntropyWithLogits)


class Labels(Check):
    """Labels are gathered during the first pass over the data only."""

    finds = {
        "labels-out-of-range": (),
        "class-imbalance": ("labels-out-of-range",),
        "unshuffled-data": ("labels-out-of-range",),
    }

    def __init__(self, run: Any) -> None:
        super().__init__(run)
        self.fresh()

    def fresh(self) -> None:
        self.seen: dict[Site, list[np.ndarray]] = {}
        self.finished: set[Site] = set()

    # ---- range ----

    def forward(self, this: Pass) -> None:
        for record in this.losses:
            if isinstance(record.function, _BINARY):
                t = record.inputs[1]._array
                low, high = (float(t.min()), float(t.max())) if t.size else (0.0, 1.0)
                if low < 0 or high > 1:
                    self._out_of_range(
                        this.place(record), f"Targets run from {number(low)} to {number(high)}.", "0 and 1",
                        {"min": low, "max": high, "index": [int(i) for i in np.argwhere((t < 0) | (t > 1))[0]]},
                    )  # fmt: skip

    def failed(self, error: BaseException) -> None:
        if not isinstance(error, IndexError):
            return
        place, found = ("", 0), None
        trace = error.__traceback__
        while trace is not None:
            frame = trace.tb_frame
            if not is_library(frame.f_code.co_filename):
                place = frame.f_code.co_filename, trace.tb_lineno
            elif frame.f_code.co_name in ("cross_entropy", "nll_loss") and "target" in frame.f_locals:
                found = frame.f_locals
            trace = trace.tb_next
        if found is None:
            return
        if not place[0]:
            # Still on its way out: the frames of the script are not in the traceback yet.
            place = script_line()
        x, t = found["input"]._array, found["target"]._array
        classes = x.shape[1] if x.ndim > 1 else x.shape[0]
        bad = ((t < 0) | (t >= classes)) & (t != found["ignore_index"])
        if not bad.any():
            return
        index = [int(i) for i in np.argwhere(bad)[0]]
        label = int(t[tuple(index)])
        evidence = {"classes": classes, "label": label, "index": index, "bad": int(bad.sum())}
        wrong = int(bad.sum())
        sentence = f"{wrong} of {t.size} {plural(t.size, 'label')} {plural(wrong, 'is', 'are')} no class; "
        sentence += f"target[{', '.join(map(str, index))}] is {label}"
        sample = self.run.sample(index[0]) if index else None
        if sample is not None:
            evidence["sample"] = sample
            sentence += f" (sample [{sample}] of the dataset)"
        sentence += f", and the model has {classes} {plural(classes, 'output')}."
        self._out_of_range(Place("CrossEntropy", "", "", *place, self.run.step), sentence, f"0 ... {classes - 1}", evidence)

    def _out_of_range(self, place: Place, sentence: str, allowed: str, evidence: dict[str, Any]) -> None:
        self.report(
            "labels-out-of-range", "error", "Labels out of range",
            f"The loss takes labels {allowed}; others have no output that could answer them.", sentence,
            "Count classes from 0, give the model one output for each class, and mark labels to be left out with "
            "ignore_index.", place, evidence,
        )  # fmt: skip

    # ---- frequency and order ----

    def loss(self, this: Pass, losses: Series) -> None:
        site = this.site
        if site in self.finished:
            return
        labels = _labels(this)
        if labels is None:
            self.finished.add(site)
            return
        seen = self.seen.setdefault(site, [])
        seen.append(labels.reshape(-1).copy())
        if sum(map(len, seen)) > MOST_LABELS or (self.run.loader is None and len(seen) >= PASSES):
            self._finish(site, None)

    def epoch(self, loader: Any) -> None:
        state = self.run.loaders.get(loader)
        if state is not None and state.trained:
            for site in list(self.seen):
                self._finish(site, state.place)

    def _finish(self, site: Site, loader_place: tuple[str, int] | None) -> None:
        self.finished.add(site)
        batches = self.seen.pop(site)
        labels = np.concatenate(batches)
        values, counts = np.unique(labels, return_counts=True)
        if values.size < 2 or labels.size < max(100, 20 * values.size):
            return
        place = Place("", "", "", *(loader_place or (site.file, site.line)), self.run.step)
        if counts.min() <= RARE * counts.max():
            self._imbalance(place, values, counts)
        if loader_place is not None and len(batches) >= 4:
            self._order(place, labels, counts / labels.size)

    def _imbalance(self, place: Place, values: np.ndarray, counts: np.ndarray) -> None:
        rare, often = int(counts.argmin()), int(counts.argmax())
        share = float(counts[rare] / counts.sum())
        self.report(
            "class-imbalance", "hint", "Classes are unevenly frequent",
            "Always answering the most frequent class is a good answer for the loss, and accuracy hides that the rare "
            "class is not learned.",
            f"Class {values[rare]} has {counts[rare]} of {counts.sum()} samples ({percent(share)}), class {values[often]} "
            f"has {counts[often]}.",
            "Weigh the classes (weight= or pos_weight= of the loss), draw them evenly (WeightedRandomSampler), and look at "
            "each class's recall.", place,
            {"counts": {str(v): int(c) for v, c in zip(values, counts)}, "share": share}, None,
            "Google, Machine Learning Crash Course, Imbalanced datasets (moderate: minority of 1-20 %)",
        )  # fmt: skip

    def _order(self, place: Place, labels: np.ndarray, shares: np.ndarray) -> None:
        equal = float((labels[1:] == labels[:-1]).mean())
        expected = float(np.square(shares).sum())
        deviation = (expected * (1 - expected) / labels.size) ** 0.5
        if equal < (1 + expected) / 2 or equal < expected + 6 * deviation:
            return
        self.report(
            "unshuffled-data", "warning", "The data are not shuffled",
            "Samples of one class come one after another, so that each batch shows the model only a part of the classes, "
            "and it forgets the others meanwhile.",
            f"{percent(equal)} of neighbouring samples have the same class; in random order it would be "
            f"{percent(expected)}.",
            "Pass shuffle=True to the DataLoader.", place, {"equal": equal, "expected": expected}, None,
            "Bottou 2012, Stochastic gradient descent tricks (randomly shuffle the training examples)",
        )  # fmt: skip


def _labels(this: Pass) -> np.ndarray | None:
    """The labels of a pass whose loss is one op, perhaps scaled; None where there are none, or classes are weighed."""
    function: Any = this.roots[0]._function
    for _ in range(3):
        if function is None:
            return None
        if isinstance(function, (*LABEL_LOSSES, *_BINARY)):
            return _labels_of(function)
        edge = function.edges[0] if function.edges else None
        function = None if edge is None or edge[1] < 0 else edge[0]
    return None


def _labels_of(function: Any) -> np.ndarray | None:
    t, weighed = function.t, function.w.size or getattr(function, "pw", function.w).size
    if weighed:
        return None
    if hasattr(function, "ignore_index"):
        # Labels of pixels are uneven by nature.
        return t[t != function.ignore_index] if t.ndim == 1 else None
    single = t.ndim == 1 or (t.ndim == 2 and t.shape[1] == 1)
    return t if single and bool(((t == 0) | (t == 1)).all()) else None
