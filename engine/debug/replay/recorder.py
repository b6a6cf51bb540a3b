"""The recorder: what even a free run notices, so that the run can be repeated to any place.

It is the observer of a run that is not watched closely, and costs a few microseconds a step. What it keeps: for each
tick what it was, for each backward the loss, every value that was read out of a tensor, and from time to time a
checkpoint. The script itself is never saved: a replay runs it again, from its beginning.
"""

from __future__ import annotations

import gc
import operator
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from engine import trace
from engine.debug.outlook import epoch_count
from engine.debug.replay import checkpoints
from engine.debug.replay.digest import digest_of
from engine.debug.replay.living import Living
from engine.debug.replay.measures import Measures, is_loss
from engine.debug.replay.passes import Passes
from engine.debug.replay.recording import Recording
from engine.debug.replay.tape import BACKWARD, BATCH, BEGIN_EPOCH, BEGIN_STEP, END_EPOCH, END_STEP, Tape
from engine.debug.replay.values import THROUGH, encode
from engine.function import Function
from engine.tensor import Tensor

#: A tick that no run reaches.
NEVER = 1 << 62

#: Optimizer steps at the beginning of a run that every replay computes; later ones it may skip.
COMPUTED_STEPS = 2

#: Seconds between checkpoints, at least; and how many times longer than one takes the time between them must be.
INTERVAL = 0.5
AMORTISED = 400.0

#: Seconds of work that a checkpoint waits while the user steps: what was stepped by hand is soon replayed, and a
#: checkpoint of 100 MB would take longer than the steps.
STEPPING = 5.0

#: Bits of a tick in the number that identifies a tensor that an op made; the output's number stands above them.
_TICK_BITS = 48

_VALUES = frozenset(("item", "bool", "index"))
_array_of = operator.attrgetter("_array")
_layout_of = operator.attrgetter("shape", "dtype", "strides")

#: Rows of ops whose codes are remembered.
_MOST_ROWS = 256


def _number(outputs: tuple[Tensor, ...], tick: int) -> None:
    """Outputs of an op, which has run at ``tick``, get the numbers that identify them."""
    first = outputs[0]
    if first._made == 0:
        first._made = tick
    if len(outputs) > 1:
        for number, other in enumerate(outputs[1:], 1):
            other._made = tick | number << _TICK_BITS


class Recorder(trace.Observer):
    """Counts ticks and keeps the tape.

    A tick is counted when an op has run forward, when backward begins, when an optimizer step begins and ends, when a
    pass over a DataLoader begins and ends, and for each batch. The calls may also come from an observer that watches
    everything and lets the recorder count first; the ticks are the same.

    Args:
        recording: the folder to keep the tape in; None keeps it in memory, without checkpoints.
        interval: seconds between checkpoints.

    Attributes:
        tick: how many ticks there were.
        stop_at: when ``tick`` is not below it, ``on_stop_at`` is called. Any thread may set it.
        steps: optimizer steps that have ended. A script that changes its weights by hand and has no optimizer ends one
            where, after a backward pass, the next op is recorded for another one.
        epochs: epochs begun over the DataLoader that was at work when the last optimizer step ended, or, until one
            has, over the newest one; :class:`~engine.debug.replay.passes.Passes` says which passes are epochs.
        batches: number of the newest batch in the innermost pass, from 0; -1 before the first.
        batch_count, epoch_count: how many batches that pass has, and how many epochs there will be; None where
            nothing says it.
        last_loss: where the newest backward began; NaN before.
        patience: seconds that a checkpoint may be late.
        tape: everything.
    """

    watches = frozenset(("forward", "pass", "batch", "change", "read"))
    runs = False
    can_wait = True

    def __init__(self, recording: Recording | None = None, interval: float = INTERVAL) -> None:
        self.tick = 0
        self.stop_at = NEVER
        self.on_stop_at: Callable[[], None] = lambda: None
        self.steps = 0
        self.epochs, self.batches = 0, -1
        self.epoch_count: int | None = None
        self.batch_count: int | None = None
        self.last_loss = float("nan")
        self.patience = 0.0
        self.recording, self.interval, self.amortised = recording, interval, AMORTISED
        #: The tick from which on a replay may skip: where the first steps have ended.
        self.skip_from = NEVER
        self.optimizers: list[Any] = []
        self._optimizer: Any = None
        #: Whether steps are counted by backward passes, for there is no optimizer; and whether the next op ends one.
        self._by_hand, self._turns = True, False
        self._made = 0
        self._passes = Passes(self._went_back_since)
        self._deep = 0
        self._due = NEVER if recording is None else time.monotonic() + interval
        self._use(Tape())
        if recording is not None:
            # Checkpoints look for tensors among everything that exists. What was there before the script began, most
            # of it Numba's, holds none.
            gc.freeze()
        self._living = None if recording is None else Living()

    def _use(self, tape: Tape) -> None:
        """Write to the end of ``tape`` from now on."""
        self.tape = tape
        self.measures = Measures(tape, tape.ticks)
        self._codes: dict[tuple, int] = {}
        #: Of ops that were told of together their codes.
        self._rows: dict[tuple, list[int]] = {}
        self._loss_codes: set[int] = set()
        self._append_code = tape.codes.append
        self._append_loss = self._tape_loss
        self._append_read = self._tape_read

    # ---- forward ----

    def run_forward(self, function: Function, inputs: tuple[Tensor, ...]) -> Any:
        return function.forward(*map(_array_of, inputs))

    def after_forward(self, function: Function, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> None:
        first = outputs[0]
        # The usual case, spelled out: this is most of what the recorder costs a small network.
        code = self._codes.get((function.__class__, _layout_of(first._array))) if len(outputs) == 1 else None
        if code is None:
            code = self._code_of(function, outputs)
        self.tick = tick = self.tick + 1
        self._append_code(code)
        if self._turns:
            self.ends_turn(function)
        if len(outputs) > 1 or first._made:
            _number(outputs, tick)
        else:
            first._made = tick
        if code in self._loss_codes and self.computes:
            self.measures.loss(tick, self.steps, function, inputs, first, self._passes)
        if self.stop_at <= tick:
            self.on_stop_at()

    def ends_turn(self, function: Function | None) -> bool:
        """Whether a step made by hand ends here, counting it: ``function`` is the first op of the next one, or, with None,
        the script has ended.
        """
        if not self._turns or (function is not None and function.seq < 0):
            return False
        self.steps, self._turns = self.steps + 1, False
        return True

    def after_forwards(self, ops: list[trace.Ran]) -> None:
        # Who wants something may wait for the call that the ops are told of for: it counts a tick.
        functions, _, outputs = zip(*ops)
        arrays = [output._array for of_one in outputs for output in of_one]
        key = tuple(map(type, functions)), tuple(map(len, outputs)), tuple(map(_layout_of, arrays))
        row = self._rows.get(key)
        if row is None:
            if len(self._rows) >= _MOST_ROWS:
                self._rows.clear()
            row = self._rows[key] = [self._code_of(function, of_one) for function, of_one in zip(functions, outputs)]
        append, tick = self._append_code, self.tick
        if self._turns:
            any(map(self.ends_turn, functions))
        for code, of_one in zip(row, outputs):
            self.tick = tick = tick + 1
            append(code)
            _number(of_one, tick)

    def _code_of(self, function: Function, outputs: tuple[Tensor, ...]) -> int:
        key = function.__class__, *[_layout_of(output._array) for output in outputs]
        return self._codes.get(key) or self._code(key, function, outputs)

    def _code(self, key: tuple, function: Function, outputs: tuple[Tensor, ...]) -> int:
        described = tuple([(t._array.shape, t._array.dtype.str, t._array.strides) for t in outputs])
        # apply() notes the number of outputs where forward returns a tuple, be it of one.
        code = self.tape.code_of(function.name, described, "outputs" in function.__dict__)
        if is_loss(function):
            self._loss_codes.add(code)
        self._codes[key] = code
        return code

    # ---- passes ----

    def begin_backward(self, roots: tuple[Tensor, ...], seeds: tuple[Tensor | None, ...]) -> None:
        self.tick = tick = self.tick + 1
        self._append_code(BACKWARD)
        if self._passes.end_abandoned():
            self.batches, self.batch_count = self._passes.batch, self._passes.count
        self._append_loss(roots[0]._array)
        self.measures.backward(tick, roots[0])
        if self.stop_at <= tick:
            self.on_stop_at()

    def _tape_loss(self, a: np.ndarray) -> None:
        self.last_loss = loss = a.item() if a.size == 1 else float("nan")
        self.tape.losses.append(loss)
        self.tape.loss_steps.append(self.steps)

    def end_backward(self, roots: tuple[Tensor, ...]) -> None:
        if self._by_hand:
            self._turns = True
            self.epochs = self._passes.train()

    def made_optimizer(self, optimizer: Any) -> None:
        self._by_hand = self._turns = False

    def begin_step(self, optimizer: Any) -> None:
        self._by_hand = self._turns = False  # it may have been made before anybody looked
        if optimizer is not self._optimizer:
            self._optimizer = optimizer
            if not any(known is optimizer for known in self.optimizers):
                self.optimizers.append(optimizer)
        self.tick = tick = self.tick + 1
        self._append_code(BEGIN_STEP)
        if self.computes:
            self.measures.begin_step(tick, self.steps, optimizer)
        if self.stop_at <= tick:
            self.on_stop_at()

    def end_step(self, optimizer: Any) -> None:
        self.tick = tick = self.tick + 1
        self.steps = steps = self.steps + 1
        self._append_code(END_STEP)
        if steps == COMPUTED_STEPS:
            self.skip_from = tick
        self.epochs = self._passes.train()
        if self.epochs != self.measures.epoch:
            self.measures.begin_epoch(tick, steps - 1, self.epochs)
        if time.monotonic() >= self._due + self.patience and steps > COMPUTED_STEPS:
            self._checkpoint()
        if self.stop_at <= tick:
            self.on_stop_at()

    # ---- batches ----

    def _went_back_since(self, tick: int) -> bool:
        """Whether a backward pass has begun after ``tick``."""
        try:
            return self.tape.codes.index(BACKWARD, tick, self.tick) >= 0
        except ValueError:
            return False

    @property
    def in_pass(self) -> bool:
        """Whether a pass over a DataLoader is at work."""
        return self._passes.at_work

    def begin_epoch(self, loader: Any) -> None:
        self.tick = tick = self.tick + 1
        self._append_code(BEGIN_EPOCH)
        self._passes.begin(loader, sys._getframe(1), tick)
        self.epochs, self.batches = self._passes.epochs, self._passes.batch
        self.epoch_count, self.batch_count = epoch_count(sys._getframe(1)), self._passes.count
        if self.stop_at <= tick:
            self.on_stop_at()

    def batch(self, loader: Any, index: int, batch: Any, samples: Any) -> None:
        self.tick = tick = self.tick + 1
        self._append_code(BATCH)
        self._passes.hand_out(loader, index)
        self.batches, self.batch_count = index, self._passes.count
        if self.stop_at <= tick:
            self.on_stop_at()

    def end_epoch(self, loader: Any) -> None:
        self.tick = tick = self.tick + 1
        self._append_code(END_EPOCH)
        self._passes.end(loader)
        self.epochs = self._passes.epochs
        self.batches, self.batch_count = self._passes.batch, self._passes.count
        if self.stop_at <= tick:
            self.on_stop_at()

    # ---- changes ----

    def before_update(self, kind: str, tensor: Tensor, details: Any) -> bool | None:
        if kind in ("in-place", "buffer"):
            if tensor._made == 0:
                self.made(tensor)
            tensor.__dict__["_changed_at"] = self.tick
            if kind == "buffer":
                tensor.__dict__["_is_buffer"] = True
        return None

    def made(self, tensor: Tensor) -> None:
        # Numbered within the tick: what one run did not see at another tick does not shift the numbers.
        self._made = max(self._made, self.tick << 16) + 1
        tensor._made = -self._made
        tensor.__dict__["_changed_at"] = self.tick

    # ---- reads ----

    def read(self, what: str, compute: Callable[[], Any]) -> Any:
        if what not in _VALUES:
            return self._read_at_length(what, compute)
        value = compute()
        self._append_read(value)
        return value

    def _read_at_length(self, what: str, compute: Callable[[], Any]) -> Any:
        """A read of something larger than a number, or one that may read, or run ops, on its way."""
        tape = self.tape
        place, tick = len(tape.reads), self.tick
        self._append_read(THROUGH)
        value = compute()
        if self.tick == tick:
            del tape.reads[place:], tape.read_ticks[place:]
            self._append_read(encode(value))
        return value

    def _tape_read(self, value: Any) -> None:
        self.tape.reads.append(value)
        self.tape.read_ticks.append(self.tick)

    # ---- files ----

    def wrote(self, path: str) -> None:
        if self.recording is not None:
            self.tape.files.append((self.tick, path, self.recording.keep(path)))

    def removed(self, path: str) -> None:
        self.tape.files.append((self.tick, path, None))

    # ---- what it is good for ----

    def flush(self) -> None:
        """Write what is new to the recording."""
        if self.recording is not None:
            self.recording.flush(self.tape)

    def stood(self, seconds: float) -> None:
        """The script has stood still for so long: a replay need not, so that no checkpoint is due for it."""
        self._due += seconds

    def _checkpoint(self) -> None:
        assert self._living is not None
        began = time.monotonic()
        # Without it a replay takes longer, or cannot be: nothing that the script should die of. Whoever flushes is told.
        with suppress(OSError):
            checkpoints.take(self, self._living.tensors())
            self.flush()
        now = time.monotonic()
        self._due = now + max(self.interval, self.amortised * (now - began))

    def digest(self) -> str:
        """A hash of all that the run goes on from; see :func:`engine.debug.replay.digest.digest_of`."""
        return digest_of(self)

    def curves(self, start: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Of the backward passes from number ``start`` on: the optimizer steps that had ended, and the losses."""
        tape = self.tape
        return np.array(tape.loss_steps[start:], np.int64), np.array(tape.losses[start:], np.float64)
