"""Deterministic time travel: a fresh process runs the script again, up to a place that the recorded run has been at.

Phases: the set-up and the first steps are *computed*; then steps are *skipped*: the script's Python runs, random
numbers are drawn, what it reads out of tensors comes from the tape, and no kernel runs on what depends on
parameters; at a checkpoint the contents are *restored*; from there everything is computed again and, like the
beginning, compared with the tape. Past the end of the tape the run goes on as any recorded one.

Skipping is sound: what is not computed is :class:`~engine.debug.hollow.Hollow`, and asking for its contents ends the
replay with ContentsSkipped. The same replay without skipping then does it.
"""

from __future__ import annotations

import operator
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np

from engine import trace
from engine.debug import checkpoints, hollow
from engine.debug.events import Position
from engine.debug.hollow import ContentsSkipped, is_hollow
from engine.debug.recorded import Tape
from engine.debug.restoring import restore
from engine.debug.skipping import Skipping
from engine.debug.tape import COMPUTED_STEPS, INTERVAL, NEVER, Recorder
from engine.debug.tape_folder import Recording, copy_file
from engine.debug.taped_values import GAP, THROUGH, decode, encode, same
from engine.function import Function
from engine.tensor import Tensor

_ENGINE = str(Path(__file__).parent.parent) + os.sep
_array_of = operator.attrgetter("_array")


class Divergence(NamedTuple):
    """Where a replay did something else than the recorded run: the script is not deterministic, or was changed."""

    tick: int
    what: str
    expected: Any
    got: Any
    file: str
    line: int

    def __str__(self) -> str:
        place = f" ({self.file}, line {self.line})" if self.file else ""
        return (
            f"the script is not deterministic: at tick {self.tick}{place} {self.what} was {self.got}, "
            f"in the recorded run it was {self.expected}"
        )


class Replayer(Recorder):
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
        on_divergence: called with the first :class:`Divergence`; from there the run is one of its own.
        divergence: that one, or None.
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
        super().__init__(into or recording, interval)
        self.source = recording
        self.target = target
        self.on_full: Callable[[], None] = lambda: None
        self.on_divergence: Callable[[Divergence], None] = lambda divergence: None
        self.divergence: Divergence | None = None
        self.failed: ContentsSkipped | None = None
        self.skipped_to = 0
        self._limit = (1 << 62 if skip else 0) if isinstance(skip, bool) else int(skip)
        self._close_steps = close_steps
        self._losses = self._reads = self._ends = 0
        #: From the beginning on, because it must know who shares the memory of tensors when skipping begins.
        self._skipping: Skipping | None = None
        self.full_from = 0

    def prepare(self) -> None:
        """Load the tape and plan the replay; before the recorder is attached.

        Raises:
            RecordingError: the folder holds no recording.
        """
        tape = self.source.load()
        self._use(tape)
        if self.recording is not self.source and self.recording is not None:
            self.recording.adopt(self.source)
        self._ends = tape.ticks
        self._append_code, self._append_loss, self._append_read = self._check_code, self._check_loss, self._check_read
        self.repeats = tape.ticks > 0
        self._plan(tape)
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

    def cut(self) -> None:
        """Forget what the tape says of the time after the present: from here on the run is one of its own.

        Whoever changes the past calls this first. Files that the run had written by now, and has removed since, are put
        back; those that it has overwritten since stay as they are.
        """
        for path, kept in self.tape.files_at(self.tick).items():
            if kept:
                copy_file(self.source.kept / kept, Path(path))
        self.tape.cut(self.tick, self._losses, self._reads)
        self.skipped_to, self._skipping = 0, None
        self._record_on()
        if self.recording is not None:
            self.recording.rewrite()
            checkpoints.drop_after(self.recording.checkpoints, self.tick)

    def _record_on(self) -> None:
        self.repeats = False
        self._append_code, self._append_loss = self.tape.codes.append, self._tape_loss
        self._append_read = self._tape_read

    def fail(self, what: str) -> NoReturn:
        """End this replay: it needs ``what``, which was skipped."""
        self.failed = ContentsSkipped(f"{what} needed")
        raise self.failed

    # ---- comparing with the tape ----

    @property
    def checking(self) -> bool:
        """Whether what happens is on the tape already."""
        return self._append_read == self._check_read

    def _check_code(self, code: int) -> None:
        tape, tick = self.tape, self.tick
        if not self.computes and (self.failed or hollow.raised):
            # A script that has caught it must not go on.
            raise self.failed or hollow.raised  # type: ignore[misc]
        if tick > self._ends:
            self._pass_the_end(code)
        elif tape.codes[tick - 1] != code:
            self._diverge("what happened", tape.name(tape.codes[tick - 1]), tape.name(code), tick - 1)
            self._append_code(code)

    def _pass_the_end(self, code: int) -> None:
        left = self.tape.reads[self._reads :]
        if left:
            self._diverge("a value read", left[0], "missing", self._ends)
        self._record_on()
        self._append_code(code)

    def _check_loss(self, a: np.ndarray) -> None:
        if self._losses >= len(self.tape.losses):
            self._tape_loss(a)
            self._losses += 1
            return
        expected = self.last_loss = self.tape.losses[self._losses]
        if self.computes and a.size == 1 and not same(expected, float(a.item())):
            self._diverge("the loss", expected, a.item(), self.tick)
            self._append_loss(a)
            return
        self._losses += 1

    def _check_read(self, value: Any) -> None:
        if self._reads >= len(self.tape.reads):
            self._tape_read(value)
        elif not same(self._expected_read(), value):
            self._diverge("a value read", self._expected_read(), value, self.tick)
            self._append_read(value)
            return
        self._reads += 1

    def _expected_read(self) -> Any:
        """The next value on the tape, if it was read at this tick."""
        return self.tape.reads[self._reads] if self.tape.read_ticks[self._reads] == self.tick else "no value"

    def _diverge(self, what: str, expected: Any, got: Any, last: int) -> None:
        file, line = _script_line()
        divergence = Divergence(self.tick, what, expected, got, file, line)
        if not self.computes:
            self.fail(f"{divergence}; what was skipped is")
        tick, self.tick = self.tick, last
        self.cut()
        self.tick = tick
        if self.divergence is None:
            self.divergence = divergence
            self.on_divergence(divergence)

    # ---- reads ----

    def read(self, what: str, compute: Callable[[], Any]) -> Any:
        if self._deep:
            return compute()
        if self._append_read != self._check_read or self._reads >= len(self.tape.reads):
            return super().read(what, compute)
        expected = self._expected_read()
        if what == "file":
            # What lies in the folder now is what the run has left there, not what it found.
            self._reads += 1
            return decode(expected)
        if expected == THROUGH:
            self._reads += 1
            return compute()
        if not self.computes:
            return self._read_skipped(what, compute, expected)
        self._deep += 1
        try:
            value = compute()
        finally:
            self._deep -= 1
        self._append_read(expected if expected == GAP else encode(value))
        return self._skipping.handed(value) if what == "numpy" and self._skipping is not None else value

    def _read_skipped(self, what: str, compute: Callable[[], Any], expected: Any) -> Any:
        skipping = self._skipping
        assert skipping is not None
        if expected == "no value":
            self._diverge("a value read", expected, what, self.tick)
        self._reads += 1
        if what != "numpy" and expected != GAP:
            return decode(expected)
        self._deep += 1
        try:
            value = compute()
        finally:
            self._deep -= 1
        if what != "numpy":
            return value
        if not is_hollow(value):
            return skipping.handed(value)
        return self.fail("an array that is not on the tape is") if expected == GAP else skipping.lent(decode(expected), value)

    def wrote(self, path: str) -> None:
        if not self.repeats:
            super().wrote(path)

    def removed(self, path: str) -> None:
        if not self.repeats:
            super().removed(path)

    def opened(self, path: str) -> str:
        kept = self.tape.files_at(self.tick).get(path) if self.repeats else None
        return str(self.source.kept / kept) if kept else path

    def sharing(self, array: np.ndarray) -> None:
        if self._skipping is not None:
            self._skipping.share(array)

    # ---- while skipping ----

    def run_forward(self, function: Function, inputs: tuple[Tensor, ...]) -> Any:
        if self.computes:
            return function.forward(*map(_array_of, inputs))
        return self._skipping.run_forward(function, inputs)  # type: ignore[union-attr]

    def run_backward(self, function: Function, gradients: list[np.ndarray | None]) -> Any:
        if self.computes:
            return function.backward(*gradients)
        return self._skipping.run_backward(function, gradients)  # type: ignore[union-attr]

    def before_update(self, kind: str, tensor: Tensor, details: Any) -> bool | None:
        super().before_update(kind, tensor, details)
        return None if self.computes else self._skipping.forbids(kind, tensor, details)  # type: ignore[union-attr]

    def before_write(self, tensor: Tensor, values: Any, details: Any) -> bool | None:
        super().before_update("in-place", tensor, details)
        return None if self.computes else self._skipping.forbids_write(tensor, values)  # type: ignore[union-attr]


def _script_line() -> tuple[str, int]:
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_ENGINE):
        frame = frame.f_back
    return ("", 0) if frame is None else (frame.f_code.co_filename, frame.f_lineno)
