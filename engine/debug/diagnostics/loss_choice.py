"""Losses that do not fit what is put into them."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.debug.diagnostics.check import Check
from engine.debug.diagnostics.finding import number
from engine.debug.diagnostics.kinds import (
    BinaryCrossEntropyWithLogits,
    CrossEntropy,
    LogSoftmax,
    MseLoss,
    NllLoss,
    Relu,
    Sigmoid,
    SoftCrossEntropy,
    Softmax,
)
from engine.debug.diagnostics.passes import Pass, Record
from engine.debug.diagnostics.place import script_line
from engine.plural import plural

_LOGITS = "torch.nn.CrossEntropyLoss and BCEWithLogitsLoss, documentation: the input is expected to contain logits"


class LossChoice(Check):
    """Once for each line at which backward begins."""

    finds = {
        "softmax-twice": (), "sigmoid-twice": (), "activation-before-loss": (), "nll-without-log": (),
        "cross-entropy-single-column": (), "mse-for-classes": (),
    }  # fmt: skip

    def first_pass(self, this: Pass) -> None:
        for record in this.losses:
            function, x = record.function, record.inputs[0]._array
            before = this.producer(record)
            kind = None if before is None else before.function
            if isinstance(function, (CrossEntropy, SoftCrossEntropy)):
                self._cross_entropy(this, record, kind, x)
            elif isinstance(function, BinaryCrossEntropyWithLogits):
                if isinstance(kind, Sigmoid):
                    self._twice(this, record, "sigmoid")
                elif isinstance(kind, (Relu, Softmax)):
                    self._activation(this, record, kind.name)
            elif isinstance(function, NllLoss) and not isinstance(kind, LogSoftmax):
                self._nll(this, record, kind, x)
            elif isinstance(function, MseLoss):
                self._one_hot(this, record, x, record.inputs[1]._array)

    def _cross_entropy(self, this: Pass, record: Record, kind: Any, x: np.ndarray) -> None:
        if x.ndim > 1 and x.shape[1] == 1:
            self.report(
                "cross-entropy-single-column", "error", "Cross-entropy over a single class",
                "The softmax of one number is always 1, so that the loss is 0 for every sample and nothing is learned.",
                f"The scores have shape {x.shape}: one column. The loss is {number(float(record.array.mean()))}.",
                "Use BCEWithLogitsLoss with float targets of shape (N, 1), or give the model one output for each class.",
                this.place(record), {"classes": 1, "loss": float(record.array.mean())},
            )  # fmt: skip
        elif isinstance(kind, (Softmax, LogSoftmax)):
            self._twice(this, record, "softmax", isinstance(kind, LogSoftmax))
        elif isinstance(kind, (Sigmoid, Relu)):
            self._activation(this, record, kind.name)

    def _twice(self, this: Pass, record: Record, what: str, harmless: bool = False) -> None:
        loss = record.function.name
        x = record.inputs[0]._array
        if harmless:
            cause = f"{loss} applies log-softmax itself. A second one changes nothing, but is computed for nothing."
        else:
            cause = (
                f"{loss} applies the {what} itself, so that it is applied twice: the loss stays far from 0 even where the "
                "model is right, and the gradients are small."
            )
        self.report(
            f"{what}-twice", "hint" if harmless else "error", f"{what.capitalize()} is applied twice", cause,
            f"What goes into {loss} comes from {'log-' if harmless else ''}{what}: it lies between {number(float(x.min()))} "
            f"and {number(float(x.max()))}.",
            f"Leave the {what} out of the model in training; apply it where probabilities are shown.",
            this.place(record), {"min": float(x.min()), "max": float(x.max())}, None, _LOGITS,
        )  # fmt: skip

    def _activation(self, this: Pass, record: Record, before: str) -> None:
        loss = record.function.name
        self.report(
            "activation-before-loss", "error", f"{before} in front of {loss}",
            f"{loss} expects logits, which may be any numbers. {before} cuts off a part of them, so that some answers "
            "cannot be given.",
            f"What goes into {loss} comes from {before}.", f"Leave the last {before} out of the model.",
            this.place(record), {"min": float(record.inputs[0]._array.min())}, None, _LOGITS,
        )  # fmt: skip

    def _nll(self, this: Pass, record: Record, kind: Any, x: np.ndarray) -> None:
        if x.ndim < 2 or not x.size:
            return
        total = np.exp(x.astype(np.float64)).sum(axis=1)
        worst = float(np.abs(total - 1).max())
        if worst < 1e-2:
            return
        given = "probabilities (a softmax)" if isinstance(kind, Softmax) else "scores that are no log-probabilities"
        self.report(
            "nll-without-log", "error", "NLLLoss without log-softmax",
            f"NLLLoss expects logarithms of probabilities, but gets {given}: the loss can become negative without end and "
            "says nothing about the classes.",
            f"exp of the inputs adds up to {number(float(total[0]))} in the first sample; it must be 1.",
            "Put LogSoftmax(dim=1) in front, or use CrossEntropyLoss on the scores.",
            this.place(record), {"sum": float(total[0]), "worst": worst}, None, "torch.nn.NLLLoss, documentation",
        )  # fmt: skip

    def _one_hot(self, this: Pass, record: Record, x: np.ndarray, t: np.ndarray) -> None:
        if t.ndim == 2 and t.shape[1] >= 2 and t.shape[0] >= 2 and x.shape == t.shape:
            one_hot = bool(((t == 0) | (t == 1)).all()) and bool((t.sum(axis=1) == 1).all())
            if one_hot and t.any(axis=0).sum() > 1:
                self._classes(this.place(record), t.shape[1], "one-hot rows")

    def entering(self, module: Any, inputs: tuple) -> None:
        if type(module).__name__ != "MSELoss" or len(inputs) < 2:
            return
        target = getattr(inputs[1], "_array", None)
        if target is None or target.dtype.kind not in "iu" or target.size < 6:
            return
        labels = np.unique(target)
        if 3 <= labels.size <= 20 and int(labels[0]) == 0 and int(labels[-1]) == labels.size - 1:
            from engine.debug.diagnostics.finding import Place

            place = Place("MseLoss", "", "", *script_line(), self.run.step)
            self._classes(place, int(labels.size), "whole numbers, 0, 1, 2 ...")

    def _classes(self, place: Any, classes: int, form: str) -> None:
        self.report(
            "mse-for-classes", "hint", "Squared error on class labels",
            "The targets look like classes. Squared error treats class numbers as amounts, or gives weak gradients where "
            "the model is quite wrong.",
            f"The targets are {form} ({classes} {plural(classes, 'class', 'classes')}).",
            "Use CrossEntropyLoss with int64 labels of shape (N) and one output for each class.",
            place, {"classes": classes}, None,
            "Goodfellow, Bengio and Courville 2016, Deep Learning, section 6.2.2",
        )  # fmt: skip
