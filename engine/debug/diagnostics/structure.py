"""The build of the network: layers without an activation between them, and strong dropout."""

from __future__ import annotations

from engine.debug.diagnostics.check import Check
from engine.debug.diagnostics.kinds import VIEWS, BatchNorm, Dropout, Linear
from engine.debug.diagnostics.passes import Pass

STRONG_DROPOUT = 0.5


class Structure(Check):
    """Once for each line at which backward begins."""

    finds = {"no-activation": (), "strong-dropout": ()}

    def first_pass(self, this: Pass) -> None:
        for record in this.records:
            function = record.function
            if isinstance(function, Linear):
                before = this.producer(record, 0, (*VIEWS, Dropout, BatchNorm))
                # What something else reads too, as the way around a residual block does, is needed for that.
                if before is not None and isinstance(before.function, Linear) and this.readers(before) == 1:
                    inputs, middle = before.inputs[1]._array.shape[::-1]
                    outputs = record.inputs[1]._array.shape[0]
                    # A narrower layer between is a product of two small matrices, which one layer would not be.
                    if middle >= min(inputs, outputs):
                        self.report(
                            "no-activation", "hint", "No activation between two linear layers",
                            "Two linear layers in a row compute what a single one can: the first of them adds weights, but "
                            "nothing that the network could not do without it.",
                            f"A layer {inputs} -> {middle} goes straight into a layer {middle} -> {outputs}.",
                            "Put an activation (ReLU, Tanh) between them.", this.place(record),
                            {"inputs": inputs, "middle": middle, "outputs": outputs}, None,
                            "Goodfellow, Bengio and Courville 2016, Deep Learning, section 6.1",
                        )  # fmt: skip
            elif isinstance(function, Dropout) and function.p > STRONG_DROPOUT:
                self.report(
                    "strong-dropout", "hint", "Dropout of more than half of the units",
                    "The network trains with less than half of its units at a time, which usually slows learning more than "
                    "it helps against overfitting.",
                    f"p = {function.p}.", "Try p between 0.2 and 0.5.", this.place(record), {"p": function.p},
                    "for m in model.modules():\n    if 'Dropout' in type(m).__name__: m.p = 0.5",
                    "Srivastava et al. 2014, Dropout, section 7.3 (best between 0.4 and 0.8 of units kept)", function.p,
                )  # fmt: skip
