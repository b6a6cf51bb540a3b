"""Following a tape: what happens is compared with what happened in the recorded run, to the bit."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from engine.debug.lines import user_line
from engine.debug.replay import checkpoints
from engine.debug.replay.recorder import INTERVAL, Recorder
from engine.debug.replay.recording import Recording, copy_file
from engine.debug.replay.values import GAP, THROUGH, decode, encode, same


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


class Follower(Recorder):
    """Runs along a tape and compares; past its end it records on.

    Args:
        source: the recording that has the tape.
        into: the recording to keep the run in.
        interval: seconds between checkpoints.

    Attributes:
        on_divergence: called with the first :class:`Divergence`; from there the run is one of its own.
        divergence: that one, or None.
    """

    def __init__(self, source: Recording, into: Recording, interval: float = INTERVAL) -> None:
        super().__init__(into, interval)
        self.source = source
        self.on_divergence: Callable[[Divergence], None] = lambda divergence: None
        self.divergence: Divergence | None = None
        self._losses = self._reads = self._files = self._ends = 0

    def load(self) -> None:
        """Load the tape and begin to follow it.

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

    def cut(self) -> None:
        """Forget what the tape says of the time after the present: from here on the run is one of its own.

        Whoever changes the past calls this first. Files that the run had written by now, and has removed since, are put
        back; those that it has overwritten since stay as they are.
        """
        for path, kept in self.tape.files_at(self.tick).items():
            if kept:
                with contextlib.suppress(OSError):  # the folder may be gone, or be read-only by now
                    copy_file(self.source.kept / kept, Path(path))
        self.tape.cut(self.tick, self._losses, self._reads)
        self.measures.until = self.tick
        self._record_on()
        if self.recording is not None:
            self.recording.rewrite()
            checkpoints.drop_after(self.recording.checkpoints, self.tick)

    def _record_on(self) -> None:
        self.repeats = False
        self._append_code, self._append_loss = self.tape.codes.append, self._tape_loss
        self._append_read = self._tape_read

    # ---- comparing with the tape ----

    @property
    def checking(self) -> bool:
        """Whether what happens is on the tape already."""
        return self._append_read == self._check_read

    @property
    def can_wait(self) -> bool:  # type: ignore[override]
        return not self.checking  # an op that differs is to be told of where it ran

    def _check_code(self, code: int) -> None:
        tape, tick = self.tape, self.tick
        if tick > self._ends:
            self._pass_the_end(code)
        elif tape.codes[tick - 1] != code:
            self._diverge("what happened", tape.name(tape.codes[tick - 1]), tape.name(code), tick - 1)
            self._append_code(code)
        elif tick == self._ends:
            self._note_files()

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
        divergence = Divergence(self.tick, what, expected, got, *user_line(sys._getframe(1)))
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
        if what == "file" and expected != "no value":
            # What lies in the folder now is what the run has left there, not what it found.
            self._reads += 1
            return decode(expected)
        if expected == THROUGH:
            self._reads += 1
            return compute()
        return self._read_on_tape(what, compute, expected)

    def _read_on_tape(self, what: str, compute: Callable[[], Any], expected: Any) -> Any:
        value = self._quietly(compute)
        self._append_read(expected if expected == GAP else encode(value))
        return value

    def _quietly(self, compute: Callable[[], Any]) -> Any:
        """The value of ``compute()``, whose inner reads are not on the tape."""
        self._deep += 1
        try:
            return compute()
        finally:
            self._deep -= 1

    # ---- files ----

    def wrote(self, path: str) -> None:
        if self.repeats:
            self._files += 1
            self._note_files()
        else:
            super().wrote(path)

    def removed(self, path: str) -> None:
        if self.repeats:
            self._files += 1
            self._note_files()
        else:
            super().removed(path)

    def _note_files(self) -> None:
        """Write files from where on the recorded run had not written them yet."""
        if self.tick >= self._ends and self._files >= len(self.tape.files):
            self.repeats = False

    def opened(self, path: str) -> str:
        kept = self.tape.files_at(self.tick).get(path) if self.repeats else None
        return str(self.source.kept / kept) if kept else path
