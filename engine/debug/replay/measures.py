"""What the curves of a run are made of besides the losses of its backward passes, noticed in passing.

Losses of passes without training, how many predictions were right, learning rates, norms of the gradients, and where
epochs begin. What costs time is measured only as often as its share of the run stays small; each value says where it
was measured, so that nothing is interpolated.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from time import perf_counter, thread_time
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from engine.debug.lines import user_frame
from engine.debug.replay.passes import Passes
from engine.debug.replay.tape import EPOCH, EVALUATION, GRADIENT, RATE, TRAINING, Tape
from engine.debug.squares import sum_of_squares
from engine.debug.views.correct import correct_of, terms
from engine.function import Function
from engine.ops.loss_base import ElementLoss
from engine.ops.loss_classification import RowLoss
from engine.tensor import Tensor

#: A quantity is measured again when so many times the time that it took has passed: it takes 0.03 % of the time at most.
_SHARE = 3200.0

#: Ops between the root of a backward pass and a loss that is a term of it, and losses that wait for one.
_DEEPEST = 64
_MOST_WAITING = 10_000


def is_loss(function: Function) -> bool:
    """Whether an op is one of the engine's losses."""
    return isinstance(function, (RowLoss, ElementLoss))


#: A loss that was computed: number of its op, steps ended, class of the op, how it was reduced and to what, shape of the
#: predictions, how many were right (-1: not counted) of how many, and the number of the site.
_Loss = tuple[int, int, type, str, np.ndarray, tuple[int, ...], int, int, int]


def _row(loss: _Loss) -> tuple[int, float, int, int, int]:
    """Step, mean, terms, right ones and site, as rows of the tape have them."""
    _, step, kind, reduction, y, shape, correct, scored, site = loss
    count = terms(kind, shape)
    if y.size == 1:
        mean = float(y.reshape(-1)[0]) / (max(1, count) if reduction == "sum" else 1)
    else:
        mean = float(np.add.reduce(y, axis=None, dtype=np.float64)) / y.size if y.size else math.nan
    return step, mean, scored if correct >= 0 else count, correct, site


def _next(due: float, began: float) -> float:
    """When to measure again what was due at ``due`` and took from ``began``, by this thread's clock, to now: a thread that
    was halted meanwhile would measure no more for a minute. The first time says nothing of what it costs: code is loaded
    then, and the curve would have a gap of hundreds of steps behind its first value.
    """
    now = perf_counter()
    return now + _SHARE * (thread_time() - began) if due else now


class _Optimizer(NamedTuple):
    """An optimizer by its number, kept so that its id stays its own, and the learning rates of its groups."""

    number: int
    optimizer: Any
    rates: list[Any]


class Measures:
    """Writes rows of ``tape.measures``; the recorder calls it.

    A loss whose op is recorded belongs to the training if the next backward pass runs through it; else, and under
    ``no_grad``, to an evaluation. Evaluations are told apart by the DataLoader at work where that is not the one of the
    training, else by the line of the script and the one that it was called from.

    Attributes:
        tape: where the rows go.
        until: rows up to this tick are on the tape already (of a run that is repeated).
        epoch: number of the newest epoch that was noted.
    """

    def __init__(self, tape: Tape, until: int = 0) -> None:
        self.tape, self.until = tape, until
        self.epoch = 0
        # Losses whose ops were recorded, until a backward pass says what they were for.
        self._waiting: list[_Loss] = []
        self._sites: dict[tuple, int] = {}
        self._optimizers: dict[int, _Optimizer] = {}
        self._due_training = self._due_gradient = self._due_evaluation = 0.0
        self._evaluated: tuple[int, int] = (-1, -1)
        self._scoring, self._cost = False, 0.0

    # ---- losses ----

    def loss(self, tick: int, step: int, function: Any, inputs: tuple[Tensor, ...], output: Tensor, passes: Passes) -> None:
        """A loss op has run, while ``passes`` over DataLoaders were at work."""
        if tick <= self.until:
            return
        seq, waiting = function.seq, self._waiting
        x = inputs[0]._array
        if seq >= 0 and not waiting:
            # What comes once in each step of a training has to be quick.
            correct, scored = -1, 0
            if perf_counter() >= self._due_training:
                correct, scored = self._correct_of_training(function, x, inputs[1]._array)
            reduction, shape = function.reduction, x.shape
            waiting.append((seq, step, function.__class__, reduction, output._array, shape, correct, scored, 0))
            return
        site = self._site(passes.evaluating, inputs[1], sys._getframe(1))
        correct, scored = self._correct_of_evaluation((step, site), function, x, inputs[1]._array)
        kind, reduction, shape = function.__class__, function.reduction, x.shape
        found = seq, step, kind, reduction, output._array, shape, correct, scored, site
        if seq < 0:
            self._write(tick, EVALUATION, *_row(found))
            return
        if len(waiting) >= _MOST_WAITING:
            self._evaluations(tick, waiting)
            waiting.clear()
        waiting.append(found)

    def backward(self, tick: int, root: Tensor) -> None:
        """A backward pass begins at ``root``."""
        waiting = self._waiting
        if not waiting:
            return
        if len(waiting) == 1 and root._function is not None and root._function.seq == waiting[0][0]:
            if waiting[0][6] >= 0:
                self._write(tick, TRAINING, *_row(waiting[0]))
            waiting.clear()
            return
        found = _ancestors(root._function, {loss[0] for loss in waiting})
        self._evaluations(tick, [loss for loss in waiting if loss[0] not in found])
        for loss in waiting:
            if loss[0] in found and loss[6] >= 0:
                self._write(tick, TRAINING, *_row(loss))
        waiting.clear()

    def _evaluations(self, tick: int, losses: Sequence[_Loss]) -> None:
        for loss in losses:
            self._write(tick, EVALUATION, *_row(loss))

    def _correct_of_training(self, function: Any, x: np.ndarray, t: np.ndarray) -> tuple[int, int]:
        began = thread_time()
        found = correct_of(function, x, t)
        self._due_training = _next(self._due_training, began)
        return found

    def _correct_of_evaluation(
        self, one: tuple[int, int], function: Any, x: np.ndarray, t: np.ndarray
    ) -> tuple[int, int]:
        """As for training, but of all batches of an evaluation or of none."""
        if one != self._evaluated:
            self._evaluated, self._cost = one, 0.0
            self._scoring = perf_counter() >= self._due_evaluation
        if not self._scoring:
            return -1, 0
        began = thread_time()
        found = correct_of(function, x, t)
        if self._due_evaluation:  # what the first batch of all cost says nothing of the others
            self._cost += thread_time() - began
        self._due_evaluation = perf_counter() + _SHARE * self._cost
        return found

    def _site(self, evaluating: tuple[Any, Any] | None, target: Tensor, frame: FrameType) -> int:
        """The number of the place that is evaluated at; ``tape.sites`` has its name."""
        own = user_frame(frame)
        loader, passes = evaluating or (None, None)
        if passes is not None or own is None:
            key: tuple = (id(passes),)
        else:
            back = user_frame(own.f_back)
            key = own.f_code, own.f_lineno, 0 if back is None else back.f_lineno
        site = self._sites.get(key)
        if site is None:
            sites, name = self.tape.sites, _name(target if loader is None else loader, own)
            if loader is None:
                name = ":".join([name, *map(str, key[1:])])
            if name not in sites:
                sites.append(name)
            site = self._sites[key] = sites.index(name)
        return site

    # ---- steps ----

    def begin_step(self, tick: int, step: int, optimizer: Any) -> None:
        """An optimizer is about to make the run's step number ``step`` (from 0)."""
        known = self._optimizers.get(id(optimizer))
        if known is None:
            known = self._optimizers[id(optimizer)] = _Optimizer(len(self._optimizers), optimizer, [])
        rates = [group["lr"] for group in optimizer.param_groups]
        if rates != known.rates:
            self._note_rates(tick, step, known, rates)
        if perf_counter() >= self._due_gradient and tick > self.until:
            began = thread_time()
            self._write(tick, GRADIENT, step, norm_of(optimizer), 0, -1, known.number)
            self._due_gradient = _next(self._due_gradient, began)

    def _note_rates(self, tick: int, step: int, known: _Optimizer, rates: list[Any]) -> None:
        for group, rate in enumerate(rates):
            if tick > self.until and known.rates[group : group + 1] != [rate]:
                self._write(tick, RATE, step, float(rate), 0, -1, known.number << 8 | group)
        known.rates[:] = rates

    def begin_epoch(self, tick: int, step: int, epoch: int) -> None:
        """Step number ``step`` was the first of pass number ``epoch`` over the DataLoader that it trains on."""
        self.epoch = epoch
        if tick > self.until and epoch:
            self._write(tick, EPOCH, step, epoch, 0, -1, 0)

    def _write(self, tick: int, *row: float) -> None:
        self.tape.measures.extend((tick, *row))


def norm_of(optimizer: Any) -> float:
    """The Euclidean norm of all gradients that an optimizer's step uses; NaN where there is none."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    gradients = [p._grad._array.reshape(-1) for p in parameters if p._grad is not None]
    total = 0.0
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for g in gradients:
            square = sum_of_squares(g)
            if not square or not math.isfinite(square):
                # Beyond the range of float32.
                g = g.astype(np.float64)
                square = sum_of_squares(g)
            total += square
    return math.sqrt(total) if gradients and total >= 0 else math.nan


def _ancestors(function: Any, wanted: set[int]) -> set[int]:
    """Which of the ``wanted`` ops a backward pass from ``function`` runs through, near its root."""
    found: set[int] = set()
    near, depth = [function] if function is not None else [], 0
    seen: set[int] = set()
    while near and depth < _DEEPEST and found != wanted:
        found |= {one.seq for one in near} & wanted
        following = []
        for one in near:
            for edge in one.edges:
                if edge is not None and edge[1] >= 0 and id(edge[0]) not in seen and edge[0].seq >= min(wanted):
                    seen.add(id(edge[0]))
                    following.append(edge[0])
        near, depth = following, depth + 1
    return found


def _name(thing: Any, frame: FrameType | None) -> str:
    """The variable that holds ``thing`` in the outermost of the frames from ``frame`` on; "" where none does."""
    found = ""
    while frame is not None:
        for names in (frame.f_locals, frame.f_globals):
            found = next((name for name, value in names.items() if value is thing), found)
        frame = user_frame(frame.f_back)
    return found
