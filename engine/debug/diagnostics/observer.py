"""The observer that gathers what the checks look at, at little cost, and calls them at their moments.

Once a training has settled, the passes between those that are looked at are followed at a distance: modules, lines and
single updates are not heard of, and the checks hear of a loss or of gradients only in some passes and where these are
not usual. Which op ran where is then told by the pass before that was followed closely.
"""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from engine import trace
from engine.debug.diagnostics import kinds
from engine.debug.diagnostics.check import Check
from engine.debug.diagnostics.finding import Finding
from engine.debug.diagnostics.passes import Pass, Record, Site
from engine.debug.diagnostics.place import script_line
from engine.debug.diagnostics.registry import CHECKS
from engine.debug.diagnostics.run import LoaderState, Run
from engine.debug.diagnostics.schedule import Schedule
from engine.debug.diagnostics.updates import Updates
from engine.debug.memory import ARRAYS
from engine.function import Function
from engine.tensor import Tensor

#: Ops kept without a backward pass in sight: a script that evaluates and forgets no_grad shall not fill the memory.
_MOST_OPS = 20_000
#: Groups of calls that are heard while a pass is followed closely, and from a distance.
_CLOSE = frozenset(("forward", "update", "change", "module", "pass", "batch"))
_DISTANT = _CLOSE - {"update", "module"}
_EVALUATING = (*kinds.LOSSES, *kinds.MODAL)
_MOMENTS = tuple(name for name in vars(Check) if not name.startswith("_") and name not in ("finds", "report"))


class Diagnostics(trace.Observer):
    """Watches a training run and reports its faults.

    Works by itself (``trace.set_observer(Diagnostics(report=print))``, or as a ``with`` block, which also hears of
    errors that the script raises), and as a listener to which another observer forwards its calls.

    Args:
        report: called with each :class:`Finding`; all are kept in ``findings`` too.
        every: checks that pass over arrays look at the first three passes of each loss and then at every n-th; later
            at fewer, see :class:`~engine.debug.diagnostics.schedule.Schedule`.
        checks: classes of checks; all of the registry when None.
        steps: says how many optimizer steps have ended, where another counts them: it may have heard of some that this
            observer has not, as in a replay on its way. Otherwise those are counted that are heard of.
    """

    watches = _CLOSE

    def __init__(
        self,
        report: Callable[[Finding], Any] | None = None,
        every: int = 10,
        checks: Iterable[type[Check]] | None = None,
        steps: Callable[[], int] | None = None,
    ) -> None:
        if every < 1:
            raise ValueError(f"Diagnostics: every must be at least 1, got {every}")
        self._schedule = Schedule(every)
        self._steps = steps
        self._close = True
        self.run = run = Run(report)
        chosen = [kind(run) for kind in (CHECKS if checks is None else checks)]
        for check in chosen:
            run.explanations.update(check.finds)
        # For each moment the methods of the checks that override it.
        self._at: dict[str, list[Callable]] = {
            name: [getattr(c, name) for c in chosen if getattr(type(c), name) is not getattr(Check, name)]
            for name in _MOMENTS
        }
        self._ops: list[tuple] = []
        self._updates = Updates()
        self._entered: set[int] = set()
        self._leaves: dict[int, Tensor] = {}
        self._looking = False
        #: Whether the checks are asked about the pass at work.
        self._asking = True
        #: Whether something was evaluated since the last pass.
        self._evaluated_since = False
        self._loader: Any = None
        self._optimizer: Any = None
        self._heard: BaseException | None = None
        self._previous: trace.Observer | None = None

    @property
    def findings(self) -> list[Finding]:
        """What was found, in the order of reporting."""
        return self.run.findings

    def __enter__(self) -> Diagnostics:
        self._previous = trace.set_observer(self)
        return self

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        trace.set_observer(self._previous)
        if error is not None:
            self.exception(error)

    def _follow(self, closely: bool) -> None:
        """From here on hear of everything, or only of what costs little."""
        if closely is not self._close:
            self._close = closely
            self.watches = _CLOSE if closely else _DISTANT
            # Modules that were entered unheard are not left either.
            self.run.stack.clear()
            self.run.module = None
            trace.renew()

    def exception(self, error: BaseException) -> None:
        """The script has raised ``error``: say what led to it, where a check knows."""
        if error is not self._heard:
            self._heard = error
            self._ask("failed", error)

    def _ask(self, moment: str, *arguments: Any) -> None:
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is what checks look for
            for method in self._at[moment]:
                try:
                    method(*arguments)
                except Exception as error:
                    # A training run must not end because of a check of it.
                    self._dismiss(method.__self__, moment, error)

    def _dismiss(self, check: Check, moment: str, error: Exception) -> None:
        self._at = {name: [m for m in methods if m.__self__ is not check] for name, methods in self._at.items()}
        warnings.warn(
            f"diagnostics: the check {type(check).__name__} failed ({moment}: {type(error).__name__}: {error}) and is "
            "switched off for this run",
            RuntimeWarning,
            stacklevel=2,
        )

    # ---- forward ----

    def after_forward(self, function: Function, inputs: tuple, outputs: tuple) -> None:
        if function.seq < 0:
            if self._close and isinstance(outputs[0]._array, ARRAYS):
                self._ask("unrecorded", function, inputs, outputs)
            if isinstance(function, _EVALUATING):
                self._evaluated(function, inputs, outputs)
            return
        ops = self._ops
        if self._close:
            ops.append((function, inputs, outputs, self.run.module, *script_line(sys._getframe(1))))
        else:
            ops.append((function, inputs, outputs))
        if len(ops) > _MOST_OPS:
            ops.clear()

    def after_forwards(self, ops: list[trace.Ran]) -> None:
        # From a distance only: nothing is noted of an op but itself.
        self._ops += [op for op in ops if op[0].seq >= 0]
        if len(self._ops) > _MOST_OPS:
            self._ops.clear()

    @property
    def can_wait(self) -> bool:  # type: ignore[override]
        return not self._close

    @property
    def looks_back(self) -> bool:  # type: ignore[override]
        return self.run.this is None or self.run.this.looks_back

    def _evaluated(self, function: Function, inputs: tuple, outputs: tuple) -> None:
        run = self.run
        if not isinstance(outputs[0]._array, ARRAYS):
            return
        self._evaluated_since = True
        self._follow(self._schedule.evaluated(self._close))
        record = Record(function, inputs, outputs, run.module, *script_line())
        self._ask("evaluated", record)
        if isinstance(function, kinds.LOSSES):
            run.evaluations.add(record, run.loader)

    # ---- modules ----

    def enter_module(self, module: Any, inputs: tuple) -> None:
        if not self._close:
            return
        run = self.run
        if not run.stack:
            run.roots[id(module)] = module
        run.stack.append(module)
        run.module = module
        if id(module) not in self._entered:
            self._entered.add(id(module))
            self._ask("entering", module, inputs)

    def exit_module(self, module: Any, outputs: Any) -> None:
        run = self.run
        if outputs is None and (error := sys.exc_info()[1]) is not None:
            self.exception(error)
        if run.stack:
            run.stack.pop()
        run.module = run.stack[-1] if run.stack else None

    # ---- backward ----

    def begin_backward(self, roots: tuple[Tensor, ...], seeds: tuple[Tensor | None, ...]) -> None:
        run = self.run
        self._count()
        if not isinstance(roots[0]._array, ARRAYS):
            # A replay passes over this step without computing it.
            run.this, self._looking = None, False
            return
        place = script_line()
        site = run.sites.get(place)
        if site is None:
            site = run.sites[place] = Site(*place)
        due = self._schedule.due(site)
        self._looking = due and self._close
        if run.evaluations:
            for evaluation, value in run.evaluations.end():
                self._ask("evaluation", evaluation, value)
        self._leaves = {} if self._close else site.leaves
        run.this = this = Pass(run, site, roots, seeds, self._ops, self._looking)
        if this.scalar:
            site.losses.append(this.loss)
        usual = math.isfinite(this.loss) and not self._evaluated_since
        self._asking = self._close or not usual or self._schedule.asks(site)
        self._evaluated_since = False
        if run.loader is not self._loader:
            self._loader = run.loader
            if run.loader is not None:
                run.loaders.setdefault(run.loader, LoaderState()).trained = True
        if this.scalar and self._asking:
            self._ask("loss", this, site.losses)
        if self._looking:
            if site.count == 0:
                self._ask("first_pass", this)
            self._ask("forward", this)
        # Arrays that are kept through the backward pass cannot be used again in it: it would run through other memory, and
        # be slower by more than all that is done here.
        if usual and (not self._close or self._schedule.settled(site)):
            this.let_go()
        if due == self._looking:
            site.count += 1

    def end_backward(self, roots: tuple[Tensor, ...]) -> None:
        this = self.run.this
        if this is not None:
            if self._close:
                this.site.followed(self._leaves, this.op_places())
            if self._asking or not this.site.is_usual():
                this.measure(self._leaves)
                self._ask("gradients", this)
            this.release()
            if not self._looking:
                self._follow(self._schedule.wants(this.site))
        self._ops = []

    # ---- updates ----

    def before_update(self, kind: str, tensor: Tensor, details: Any) -> bool | None:
        if not self._close and kind != "in-place":
            return None
        if kind == "gradient":
            if details is None:
                self._leaves[id(tensor)] = tensor
            if tensor._grad is not None:
                self._ask("accumulating", tensor, details)
        elif self._looking and kind == "optimizer":
            self._updates.before(tensor)
        elif kind == "in-place" and tensor._requires_grad and tensor._function is None and tensor._grad is not None:
            # An update by the script itself: for an initialisation there would be no gradient.
            self.run.optimized[id(tensor)] = tensor
            self._ask("overwriting", tensor)
        return None

    def after_update(self, kind: str, tensor: Tensor, details: Any) -> None:
        if self._looking and kind == "optimizer":
            self._updates.after(tensor)

    def begin_step(self, optimizer: Any) -> None:
        run = self.run
        if optimizer is not self._optimizer:
            self._optimizer = optimizer
            if optimizer not in run.optimizers and run.begins(optimizer):
                self._ask("fresh")
        if self._close:
            self._ask("stepping", optimizer)

    def end_step(self, optimizer: Any) -> None:
        run = self.run
        run.step += 1
        self._count()
        if self._looking and run.this is not None:
            if ratios := self._updates.take():
                self._ask("updated", run.this, optimizer, ratios)
            self._follow(self._schedule.wants(run.this.site))

    def _count(self) -> None:
        if self._steps is not None:
            self.run.step = self._steps()

    # ---- batches ----

    def begin_epoch(self, loader: Any) -> None:
        state = self.run.loaders.setdefault(loader, LoaderState())
        state.passes += 1
        if state.trained:
            self.run.epoch += 1
        elif self.run.this is not None:
            # An evaluation: in which mode the model is, only its modules tell.
            self._follow(True)

    def batch(self, loader: Any, index: int, batch: Any, samples: Any) -> None:
        run = self.run
        run.loader, run.samples = loader, samples
        self._count()
        self._ops.clear()
        if index == 0:
            run.loaders.setdefault(loader, LoaderState()).place = script_line()

    def end_epoch(self, loader: Any) -> None:
        self._ask("epoch", loader)
        if self.run.loader is loader:
            self.run.loader = self.run.samples = None
