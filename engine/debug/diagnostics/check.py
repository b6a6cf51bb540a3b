"""What a check is: it overrides the moments that it wants to see, and reports findings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from engine.debug.diagnostics.finding import Finding, Place

if TYPE_CHECKING:
    from engine.debug.diagnostics.evaluations import Evaluation
    from engine.debug.diagnostics.passes import Pass, Record, Series
    from engine.debug.diagnostics.run import Run
    from engine.function import Function

#: Number of looked-at passes in a row that must agree before what may be chance is reported.
PERSISTENT = 5


class Check:
    """Base of the checks.

    Class attributes that a subclass declares:

    * ``finds``: for each kind of finding (id) the findings that explain it: once one of these was reported, it is not.
    """

    finds: ClassVar[dict[str, tuple[str, ...]]] = {}

    def __init__(self, run: Run) -> None:
        self.run = run

    # ---- moments ----

    def first_pass(self, this: Pass) -> None:
        """The first backward pass that begins at a line of the script; forward has run."""

    def forward(self, this: Pass) -> None:
        """A backward pass begins that is looked at closely (the first three of a line, then every n-th)."""

    def loss(self, this: Pass, losses: Series) -> None:
        """A backward pass begins; ``losses`` are those of this line so far, this one included.

        Of a training that has settled, only some passes, and all whose loss is not finite.
        """

    def gradients(self, this: Pass) -> None:
        """A backward pass has ended; ``this.norms`` are the parameters' gradient norms.

        Of a training that has settled, only some passes, and all whose gradients are not finite or much larger.
        """

    def stepping(self, optimizer: Any) -> None:
        """An optimizer step begins, any one."""

    def updated(self, this: Pass, optimizer: Any, ratios: dict[int, tuple[Any, float]]) -> None:
        """An optimizer step after a pass that was looked at has ended.

        ``ratios`` has for the id of each parameter (parameter, norm of the change / norm before).
        """

    def evaluated(self, record: Record) -> None:
        """An op of a kind that matters for evaluation has run without being recorded for backward."""

    def unrecorded(self, function: Function, inputs: tuple, outputs: tuple) -> None:
        """An op has run without being recorded for backward: of an evaluation, or arithmetic on data."""

    def evaluation(self, evaluation: Evaluation, value: float) -> None:
        """A pass of losses without training has ended with the mean ``value``."""

    def epoch(self, loader: Any) -> None:
        """A pass over a DataLoader has ended."""

    def accumulating(self, leaf: Any, by: Any) -> None:
        """A gradient is about to be added to the one that ``leaf`` has, or, ``by`` an optimizer, to be zeroed."""

    def overwriting(self, parameter: Any) -> None:
        """A leaf that requires grad and has one is about to be changed in place, by the script's own update."""

    def entering(self, module: Any, inputs: tuple) -> None:
        """A module without children is called for the first time."""

    def failed(self, error: BaseException) -> None:
        """The script has raised ``error``."""

    def fresh(self) -> None:
        """Another training begins in the same script: what was counted so far says nothing about it."""

    # ---- reporting ----

    def report(
        self,
        id: str,
        severity: str,
        title: str,
        cause: str,
        sentence: str,
        suggestion: str,
        place: Place,
        evidence: dict[str, Any],
        what_if: str | None = None,
        source: str = "",
        badness: float = 1.0,
        begins: int | None = None,
    ) -> None:
        """Report a finding, unless it is known or explained by another; see :class:`Finding` for the arguments."""
        self.run.report(
            Finding(id, title, severity, cause, sentence, suggestion, place, evidence, what_if, source, badness, begins)
        )
