"""Deterministic time travel: a fresh process runs the script again, up to a place that the recorded run has been at.

Phases: the set-up and the first steps are *computed*; then steps are *skipped*: the script's Python runs, random
numbers are drawn, what it reads out of tensors comes from the tape, and no kernel runs on what depends on
parameters; at a checkpoint the contents are *restored*; from there everything is computed again and, like the
beginning, compared with the tape. Past the end of the tape the run goes on as any recorded one.

Skipping is sound: what is not computed is :class:`~engine.debug.replay.hollow.Hollow`, and asking for its contents ends the
replay with ContentsSkipped. The same replay without skipping then does it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from engine import trace
from engine.debug.events import Position
from engine.debug.replay import checkpoints, hollow
from engine.debug.replay.following import Follower
from engine.debug.replay.hollow import ContentsSkipped, is_hollow
from engine.debug.replay.recorder import COMPUTED_STEPS, INTERVAL, NEVER, Recorder
from engine.debug.replay.recording import Recording
from engine.debug.replay.restoring import restore
from engine.debug.replay.skipping import Skipping
from engine.debug.replay.tape import Tape
from engine.debug.replay.values import GAP, decode
from engine.function import Function
from engine.tensor import Tensor

_array_of = operator.attrgetter("_array")


class Replayer(Follower):
    """Repeats a recorded run, then records on.

    Args:
        recording: of the run.
        target: where to go. Up to the end of the tape the engine writes no files: the recorded run has written them.
        skip: whether to pass over steps without computing them; a number: only over those before this tick.
        into: the recording to keep the run in from now on; None: the same one. Another one gets the tape as well,
            and the checkpoints.
        close_steps: how many steps before the target ``on_full`` is called.
        interval: seconds between checkpoints.

    Attributes:
        full_from: the tick at which ``on_full`` is called: the end of a step before the target, or 0.
        on_full: called on the script's thread when that is reached.
        skipped_to: the tick of the checkpoint that was restored, or is to be; 0 for none.
        failed: the ContentsSkipped that was raised, if any; the replay is of no use then.
    """

    def __init__(
        self,
        recording: Recording,
        target: Position,
        skip: bool | int = True,
        *,
        into: Recording | None = None,
        close_steps: int = 2,
        interval: float = INTERVAL,
    ) -> None:
        super().__init__(recording, into or recording, interval)
        self.target = target
        self.on_full: Callable[[], None] = lambda: None
        self.failed: ContentsSkipped | None = None
        self.skipped_to = 0
        self._limit = (1 << 62 if skip else 0) if isinstance(skip, bool) else int(skip)
        self._close_steps = close_steps
        #: From the beginning on, because it must know who shares the memory of tensors when skipping begins.
        self._skipping: Skipping | None = None
        self.full_from = 0

    def prepare(self) -> None:
        """Load the tape and plan the replay; before the recorder is attached.

        Raises:
            RecordingError: the folder holds no recording.
        """
        self.load()
        self._plan(self.tape)
        if self.full_from == 0:
            self.on_full()

    def _plan(self, tape: Tape) -> None:
        steps = tape.step_ticks()
        close = int((steps <= self.target.tick).sum()) - self._close_steps
        self.full_from = int(steps[close - 1]) if close > 0 else 0
        first = int(steps[COMPUTED_STEPS - 1]) if len(steps) >= COMPUTED_STEPS else NEVER
        last = min(self.full_from, self._limit, tape.ticks)
        usable = [tick for tick in checkpoints.available(self.source.checkpoints) if first < tick <= last]
        self.skipped_to = usable[-1] if usable else 0
        self._skipping = Skipping(self) if usable else None

    # ---- the phases ----

    def end_step(self, optimizer: Any) -> None:
        super().end_step(optimizer)
        if self.skipped_to:
            if self.tick == self.skip_from:
                self._begin_skipping()
            elif self.tick == self.skipped_to:
                self._restore()
        if self.tick == self.full_from:
            self.on_full()

    def _begin_skipping(self) -> None:
        if trace.on_forward is not self or trace.on_pass is not self:
            # Another observer stands between (anomaly mode): what it looks at must be computed.
            self.skipped_to, self._skipping = 0, None
            return
        self.computes = False
        self.watches = frozenset(trace.GROUPS) - {"module"}
        trace.set_observer(self)

    def _restore(self) -> None:
        self.computes = True
        self._skipping = None
        self.watches = Recorder.watches
        wrong = restore(self, self.skipped_to)
        if wrong is not None:
            self.fail(f"the checkpoint does not fit: {wrong}; what was skipped is")
        trace.set_observer(self)

    def _checkpoint(self) -> None:
        if self.computes:
            super()._checkpoint()

    def fail(self, what: str) -> NoReturn:
        """End this replay: it needs ``what``, which was skipped."""
        self.failed = ContentsSkipped(f"{what} needed")
        raise self.failed

    # ---- what is on the tape ----

    def _check_code(self, code: int) -> None:
        if not self.computes and (self.failed or hollow.raised):
            # A script that has caught it must not go on.
            raise self.failed or hollow.raised  # type: ignore[misc]
        super()._check_code(code)

    def _diverge(self, what: str, expected: Any, got: Any, last: int) -> None:
        if not self.computes:
            self.fail(f"at tick {self.tick} {what} was {got} in place of {expected}; what was skipped is")
        super()._diverge(what, expected, got, last)

    def cut(self) -> None:
        super().cut()
        self.skipped_to, self._skipping = 0, None

    def _read_on_tape(self, what: str, compute: Callable[[], Any], expected: Any) -> Any:
        skipping = self._skipping
        if self.computes:
            value = super()._read_on_tape(what, compute, expected)
            return skipping.handed(value) if what == "numpy" and skipping is not None else value
        assert skipping is not None
        if expected == "no value":
            self._diverge("a value read", expected, what, self.tick)
        self._reads += 1
        if what != "numpy" and expected != GAP:
            return decode(expected)
        value = self._quietly(compute)
        if what != "numpy":
            return value
        if not is_hollow(value):
            return skipping.handed(value)
        if expected == GAP:
            self.fail("an array that is not on the tape is")
        return skipping.lent(decode(expected), value)

    def sharing(self, array: np.ndarray) -> None:
        if self._skipping is not None:
            self._skipping.share(array)

    # ---- while skipping ----

    @property
    def runs(self) -> bool:  # type: ignore[override]
        return not self.computes

    def run_forward(self, function: Function, inputs: tuple[Tensor, ...]) -> Any:
        if self.computes:
            return function.forward(*map(_array_of, inputs))
        return self._skipping.run_forward(function, inputs)  # type: ignore[union-attr]

    def run_backward(self, function: Function, gradients: list[np.ndarray | None]) -> Any:
        if self.computes:
            return function.backward(*gradients)  # type: ignore[arg-type]
        return self._skipping.run_backward(function, gradients)  # type: ignore[union-attr]

    def before_update(self, kind: str, tensor: Tensor, details: Any) -> bool | None:
        super().before_update(kind, tensor, details)
        return None if self.computes else self._skipping.forbids(kind, tensor, details)  # type: ignore[union-attr]

    def before_write(self, tensor: Tensor, values: Any, details: Any) -> bool | None:
        super().before_update("in-place", tensor, details)
        return None if self.computes else self._skipping.forbids_write(tensor, values)  # type: ignore[union-attr]
