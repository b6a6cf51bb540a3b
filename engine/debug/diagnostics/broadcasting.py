"""Outputs and targets whose shapes differ and are silently made to fit: (N, 1) against (N) gives (N, N)."""

from __future__ import annotations

import numpy as np

from engine.debug.diagnostics.check import Check
from engine.debug.diagnostics.kinds import LOSS_PARTS, Expand, Sub, is_kind
from engine.debug.diagnostics.passes import Pass, Record
from engine.ops.loss_base import ElementLoss


class Broadcasting(Check):
    """Once for each line at which backward begins; losses that are one op, and differences written by hand."""

    finds = {"silent-broadcast": ()}

    def first_pass(self, this: Pass) -> None:
        for record in this.records:
            if isinstance(record.function, ElementLoss):
                output = self._expanded(this, record, 0)
                target = record.inputs[1]._array
                # A broadcast array stands still along the new dimension.
                own = tuple(n for n, stride in zip(target.shape, target.strides) if stride or n == 1)
                if output is not None and np.prod(output) < target.size:
                    self._tell(this, record, output, own)
            elif isinstance(record.function, Sub) and len(record.inputs) == 2:
                for i in (0, 1):
                    output, target = self._expanded(this, record, i), record.inputs[1 - i]._array.shape
                    if output is not None and record.function.edges[1 - i] is None and self._is_loss(this, record):
                        column = ((target[0], 1), target) if len(target) == 1 else (target, target[:1])
                        if {output, target} == set(column) and target[0] > 1:
                            self._tell(this, record, output, target)

    def _expanded(self, this: Pass, record: Record, number: int) -> tuple[int, ...] | None:
        """The shape that input ``number`` had before it was broadcast, or None."""
        edge = record.function.edges[number]
        before = this.by_function.get(id(edge[0])) if edge is not None and edge[1] >= 0 else None
        if before is None or not is_kind(before.function, (Expand,)):
            return None
        return before.inputs[0]._array.shape

    def _is_loss(self, this: Pass, record: Record) -> bool:
        return all(is_kind(behind.function, LOSS_PARTS) for behind in this.leads_on(record))

    def _tell(self, this: Pass, record: Record, output: tuple[int, ...], target: tuple[int, ...]) -> None:
        shape = max((t._array.shape for t in record.inputs), key=len)
        terms = record.inputs[0]._array.size if isinstance(record.function, ElementLoss) else record.array.size
        self.report(
            "silent-broadcast", "error", "Output and target have different shapes",
            "They are broadcast against each other, so that each output is compared with every target, not with its own. "
            "The model learns the mean of the targets at best.",
            f"The output has shape {output}, the target {target}; the loss has {terms} terms in place of "
            f"{int(np.prod(output))}.",
            "Make the shapes equal: target.unsqueeze(1) or output.squeeze(1).",
            this.place(record), {"output": list(output), "target": list(target), "broadcast": list(shape), "terms": terms},
            None, "torch.nn.functional.mse_loss warns of this: \"This will likely lead to incorrect results\"",
        )  # fmt: skip
