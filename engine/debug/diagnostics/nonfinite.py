"""NaN and infinity: which op, which element and which sample they come from first."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.debug.diagnostics.check import Check
from engine.debug.diagnostics.finding import Place, number
from engine.debug.diagnostics.kinds import MASKS, is_kind
from engine.debug.diagnostics.passes import Pass, Record, Series
from engine.debug.diagnostics.place import script_line
from engine.debug.memory import on_cpu
from engine.debug.statistics.observer import summarize
from engine.plural import plural

SLOWER = 'for g in optimizer.param_groups: g["lr"] *= 0.1'

#: By op what can be tried; the user can fit it to the script, as all trials.
TRIALS = {
    "Log": "torch.log = torch.Tensor.log = lambda x, log=torch.log: log(x.clamp(min=1e-7))",
    "Sqrt": "torch.sqrt = torch.Tensor.sqrt = lambda x, sqrt=torch.sqrt: sqrt(x.clamp(min=1e-12))",
    "Div": "torch.Tensor.__truediv__ = lambda x, y, div=torch.div: div(x, y + 1e-7 * (y == 0))",
}

#: For the op that made them: why, and what to do.
_REASONS = {
    "Log": ("the logarithm of 0 is -inf and that of a negative number is NaN", "Clamp the argument above 0 first"),
    "Div": ("a division by 0, or by a number so small that the result overflows", "Add a small eps to the divisor"),
    "Reciprocal": ("a division by 0", "Add a small eps to the divisor"),
    "Sqrt": ("the root of a negative number, or its slope at 0, which is infinite", "Add a small eps under the root"),
    "LinalgVectorNorm": ("the norm has no slope at 0", "Add a small eps, or leave zero vectors out"),
    "Exp": ("e to the power of more than 88 is too large for float32", "Subtract the maximum first, or use a log form"),
    "Pow": ("a power of a negative number, or one that is too large", "Look at the base and at the exponent"),
    "CrossEntropy": ("all labels are ignored, or the scores are too large", "Look at the labels of this batch"),
}
#: The same in the backward pass, where it is another reason.
_SLOPES = {
    "Log": "the slope 1/x of the logarithm at 0, or at a number so small that the result overflows, is infinite",
    "Pow": "the slope of a root at 0 is infinite",
}
_OVERFLOW = ("the numbers have grown beyond what float32 holds (3.4e38)", "A smaller learning rate keeps them small")
#: Before the first update that was seen no learning rate has had any part in it.
_BEGUN_LARGE = (_OVERFLOW[0], "Begin with smaller weights (nn.init), or scale the inputs")


class NonFinite(Check):
    """Loss and gradient norms are looked at in every pass; arrays only once one of them is not finite."""

    finds = {"non-finite": ()}

    def __init__(self, run: Any) -> None:
        super().__init__(run)
        self.silent = False
        #: Whether a pass with a finite loss was seen: a replay begins in the middle of a run, and knows nothing before.
        self._was_finite = False
        #: Reports the first op since the last pass that made NaN or infinity unrecorded.
        self._origin: Callable[[], None] | None = None

    def fresh(self) -> None:
        self.silent = self._was_finite = False
        self._origin = None

    def unrecorded(self, function: Any, inputs: tuple, outputs: tuple) -> None:
        """An infinity may be meant, for a mask; it is told once a single number (a mean, a loss) is not finite either."""
        array = outputs[0]._array
        if not isinstance(array, np.ndarray) or (self._origin is None) is not (function.name in _REASONS):
            return
        if self._origin is None:
            if not_finite(array) and not any(not_finite(on_cpu(tensor._array)) for tensor in inputs):
                file, line = script_line()
                place = Place(function.name, self.run.module_name(self.run.module), "", file, line, self.run.step)
                self._origin = self._made(place, function.name, "forward", array, inputs)
        elif array.size == 1 and not_finite(array):
            self._origin()

    def loss(self, this: Pass, losses: Series) -> None:
        self._look(this)
        self._origin = None

    def _look(self, this: Pass) -> None:
        if math.isfinite(this.loss):
            self.silent, self._was_finite = False, True
        elif not self.silent:
            self.silent = True
            self._forward(this)

    def gradients(self, this: Pass) -> None:
        if self.silent or math.isfinite(this.norm):
            return
        if not this.looks_back:
            self.silent = True
            self._overflowed(this)
            return
        for function, gradients, input_gradients in this.backward_ops():
            bad = [i for i, g in enumerate(input_gradients) if g is not None and not_finite(g)]
            if bad and not any(g is not None and not_finite(g) for g in gradients):
                record = this.by_function.get(id(function))
                self.silent = True
                first = on_cpu(input_gradients[bad[0]])
                self._tell(this, record, function.name, "backward", first, record and record.inputs)
                return

    def _overflowed(self, this: Pass) -> None:
        """Nothing is kept of a pass whose ops all stay finite: which gradients are wrong is all that is known."""
        wrong = [leaf for leaf, norm in this.norms.values() if not math.isfinite(norm)]
        bad = [leaf for leaf in wrong if leaf._grad is not None and not_finite(leaf._grad._array)]
        where = "The norm of all gradients is beyond the range of its numbers."
        evidence: dict[str, Any] = {"norm": this.norm}
        if bad:
            where, evidence = _where(self.run, on_cpu(bad[0]._grad._array), False)  # type: ignore[union-attr]
        evidence["direction"] = "backward"
        place = this.place(parameter=bad[0] if bad else None)
        self.report(
            "non-finite", "error", "Gradients become NaN or infinite in the backward pass",
            f"The loss is finite, and so is what each op of this pass makes of small numbers: {_OVERFLOW[0]}, or a "
            "weight is infinite and an activation hides it.", where, f"{_OVERFLOW[1]}.", place, evidence, SLOWER,
            begins=this.best_step(),
        )  # fmt: skip

    def _forward(self, this: Pass) -> None:
        masked: set[int] = set()
        for record in this.records:
            outputs = [t._array for t in record.outputs if not_finite(t._array)]
            if not outputs:
                continue
            bad = [i for i, t in enumerate(record.inputs) if not_finite(t._array)]
            edges = [record.function.edges[i] for i in bad]
            made = [edge for edge in edges if edge is not None and edge[1] >= 0]
            if is_kind(record.function, MASKS):
                masked.add(id(record.function))
            elif not bad or (made and np.isnan(outputs[0]).any() and not _nan(record.inputs)):
                return self._tell(this, record, record.function.name, "forward", outputs[0], record.inputs)
            elif len(made) < len(bad):
                # Not an op's result, but data or a parameter.
                i = next(i for i, edge in zip(bad, edges) if edge is None or edge[1] < 0)
                return self._given(this, record, i)
            elif all(id(edge[0]) in masked for edge in made):
                masked.add(id(record.function))

    def _given(self, this: Pass, record: Record, i: int) -> None:
        tensor, edge = record.inputs[i], record.function.edges[i]
        where, evidence = _where(self.run, tensor._array, edge is None)
        if edge is None and self._origin is not None:
            return self._origin()
        if edge is None:
            title = f"The data for {record.function.name} are not finite"
            cause = (
                "NaN or infinity is in the data already, or arithmetic on them made it before (a logarithm of 0, a division "
                "by 0); it spreads to the loss and from there to every weight."
            )
            suggestion = (
                "Look at this sample, and drop or repair it before training. A breakpoint on NaN or infinity stops at the "
                "op that makes it, if any does."
            )
            code = None
            place = this.place(record)
        else:
            title, code = "The optimizer made a weight NaN or infinite", SLOWER
            cause = "Gradients were finite, but the update overflowed, or the weight was not finite from the start."
            suggestion = "Use a smaller learning rate, and look at how the weight was initialised."
            if not self._was_finite and self.run.step:
                title, code = "A weight was NaN or infinite already", None
                cause = f"It became so in one of the {self.run.step:,} steps before, which were not watched here."
                suggestion = "Go back to a step where the loss is a number, and on from there: the op is named then."
            place = this.place(record, edge[0])
        begins = None if code is None else this.best_step()
        self.report("non-finite", "error", title, cause, where, suggestion, place, evidence, code, begins=begins)

    def _tell(self, this: Pass, record: Record | None, op: str, direction: str, array: np.ndarray, inputs: Any) -> None:
        self._made(this.place(record), op, direction, array, inputs)()

    def _made(self, place: Place, op: str, direction: str, array: np.ndarray, inputs: Any) -> Callable[[], None]:
        """Reports an op that made them: what there is to tell of it is gathered now, while its arrays are there."""
        reason, advice = _REASONS.get(op, _BEGUN_LARGE if self.run.step == 0 else _OVERFLOW)
        if direction == "backward":
            reason = _SLOPES.get(op, reason)
        where, evidence = _where(self.run, array, True)
        evidence["direction"] = direction
        index = evidence["index"]
        there = {}
        for i, tensor in enumerate(inputs or ()):
            if tensor._array.shape == array.shape and array.ndim:
                there[f"input{i}"] = float(tensor._array[tuple(index)])
        evidence.update(there)
        if there:
            where += f" The {plural(len(there), 'input')} there {plural(len(there), 'is', 'are')} "
            where += f"{' and '.join(map(number, there.values()))}."
        title = f"{op} makes NaN or infinity in its {direction} pass"
        cause = f"Everything that went in is finite; what came out is not: {reason}."
        code, begins = None, None
        if (reason, advice) == _OVERFLOW:
            code, begins = SLOWER, self.run.this.best_step() if self.run.this is not None else None
        elif op in TRIALS:
            code, begins = TRIALS[op], self.run.step  # before the step that would make every weight NaN
        told = "non-finite", "error", title, cause, where, f"{advice}.", place, evidence, code
        return functools.partial(self.report, *told, begins=begins)


def _where(run: Any, array: np.ndarray, by_sample: bool) -> tuple[str, dict[str, Any]]:
    """The first element that is not finite, in words and in numbers."""
    summary = summarize(array)
    index = [int(i) for i in np.argwhere(~np.isfinite(array))[0]]
    value = float(array[tuple(index)])
    evidence: dict[str, Any] = {
        "nans": summary.nans, "infs": summary.infs, "count": summary.count, "index": index, "value": value,
    }  # fmt: skip
    bad, kind = summary.nans or summary.infs, "NaN" if summary.nans else "infinite"
    many = f"{bad} of {summary.count} elements {'is' if bad == 1 else 'are'} {kind}"
    also = f" and {summary.infs} infinite" if summary.nans and summary.infs else ""
    sentence = f"Its only element is {kind}" if summary.count == 1 else many + also
    sentence += f", first [{', '.join(map(str, index))}]" if index else ""
    if by_sample and index and array.shape[0] > 1:
        evidence["row"] = index[0]
        if (sample := run.sample(index[0])) is not None:
            evidence["sample"] = sample
            sentence += f" (sample [{sample}] of the dataset)"
    return sentence + ".", evidence


def not_finite(array: np.ndarray) -> bool:
    """Whether a float array holds NaN or infinity."""
    return array.dtype.kind == "f" and not bool(np.isfinite(array).all())


def _nan(tensors: tuple) -> bool:
    return any(t._array.dtype.kind == "f" and bool(np.isnan(t._array).any()) for t in tensors)
