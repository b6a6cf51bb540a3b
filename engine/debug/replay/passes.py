"""Which epoch and which batch it is, as far as DataLoaders tell."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

from engine.debug.outlook import batch_count, sample_count
from engine.tensor import is_grad_enabled
from engine.utils.data.dataloader import newest_pass

#: Where in the code something is called for, and from where that, and so on outwards.
_Place = tuple[tuple[CodeType, int], ...]
#: Class and length of a dataset.
_Kind = tuple[type, int]


def _always() -> bool:
    """Stands in for the iterator of a pass that nobody saw begin."""
    return True


class _Course:
    """Passes that begin at one place, over one DataLoader or over several, each made for one pass.

    Attributes:
        number: that of the newest loader. loader: itself, while a pass is at work.
        goes_on: gives the iterator of the newest pass, or None once nobody can go on with it.
        begun: passes so far that are epochs; the one that is at work counts until its end says otherwise.
        since: the tick at which the newest pass began; None where nobody saw it begin.
        stepped: whether an optimizer step has ended in the newest pass, or right behind it.
        batch: number of the newest batch of the newest pass, from 0; -1 before the first.
        count: how many batches that pass has; None where its loader cannot tell.
        trains: whether optimizer steps end in the passes; None while that is open.
    """

    __slots__ = (
        "_dataset", "_kind", "_over_this", "_taken_back", "batch", "begun", "count", "goes_on", "loader", "number", "since",
        "stepped", "trains",
    )  # fmt: skip

    def __init__(self, number: int, loader: Any, kind: _Kind | None) -> None:
        self.begun, self.batch = 0, -1
        self.count: int | None = None
        self.since: int | None = None
        self.stepped = self._taken_back = False
        self.loader: Any = None
        self.goes_on: Callable[[], object] = _always
        self.trains = None if is_grad_enabled() else False
        self.take(number, loader, kind)

    def take(self, number: int, loader: Any, kind: _Kind | None) -> None:
        """The next pass is one over ``loader``, which is new."""
        self.number, self._kind, self._over_this = number, kind, 0
        self._dataset = _held(loader.dataset)

    def goes_on_with(self, loader: Any, kind: _Kind | None) -> bool:
        """Whether ``loader``, which is new, is this one's made anew. One that was passed over repeatedly is not made in
        each epoch: a new one begins another training then."""
        same = self._dataset() is loader.dataset or (kind is not None and kind == self._kind)
        return same and self._over_this <= 1

    def begin(self, loader: Any, tick: int) -> None:
        """A pass over ``loader`` begins."""
        self.begun, self._over_this = self.begun + 1, self._over_this + 1
        self.loader, self.batch, self.count = loader, -1, batch_count(loader)
        self.goes_on = newest_pass() or _always
        self.since, self.stepped, self._taken_back = tick, False, False

    def step(self) -> None:
        """An optimizer step has ended in the newest pass, or right behind it: it is an epoch."""
        self.trains = self.stepped = True
        if self._taken_back:
            self.begun, self._taken_back = self.begun + 1, False

    def leave(self, went_back: Callable[[int], bool]) -> None:
        """The pass is over."""
        self.loader, self.goes_on = None, _always
        self.trains = bool(self.trains)
        if not self.stepped and self.since is not None and not went_back(self.since):
            self.begun, self._taken_back = self.begun - 1, True


class Passes:
    """Counts passes over DataLoaders. Those for training are the ones during which optimizer steps end.

    What is done in a pass decides whether it is an epoch: an optimizer step must have ended in it, or right behind it, or a
    backward pass begun, whose gradients a later step uses. Before its end nobody knows: a pass at work that may be one
    counts. So a pass that prints shapes, or looks at the data otherwise, is called epoch 1 while it lasts, and the first
    one that trains is epoch 1 too, be it over the same loader at the same place.

    A script may make its loader anew for each epoch: where a pass begins over a new one, at a place where another one was
    passed over only once, that one's count goes on if the dataset is the same, or of the same class and length. Passes
    over one loader that begin at several places count together where steps end in them (a loop that goes on with the
    training), and not where none do (a look at the first batch, an accuracy). A pass whose iterator is gone, as that of
    ``next(iter(loader))``, is over.

    Args:
        went_back: whether a backward pass has begun after a tick.

    Attributes:
        epochs: epochs begun of the training that the last step belonged to; until one has ended, over the newest loader.
        batch: number of the newest batch of the innermost pass, from 0; -1 before the first.
        count: how many batches that pass has; None where its loader cannot tell.
    """

    def __init__(self, went_back: Callable[[int], bool]) -> None:
        self.epochs, self.batch = 0, -1
        self.count: int | None = None
        self._went_back = went_back
        # Loaders by number: none is kept that is gone, nor is its dataset.
        self._numbers: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._given = 0
        self._by_place: dict[_Place, list[_Course]] = {}
        self._by_loader: dict[int, list[_Course]] = {}
        #: Passes at work, outermost first; the one that has ended last; the one of the training.
        self._active: list[_Course] = []
        self._ended: _Course | None = None
        self._training: _Course | None = None

    def begin(self, loader: Any, frame: FrameType | None, tick: int) -> None:
        """A pass over ``loader`` begins at ``tick``, called for by ``frame``."""
        course = self._course(loader, _place(frame))
        for one in [one for one in self._active if one.number == course.number]:
            self._leave_from(one)
        course.begin(loader, tick)
        self._active.append(course)
        if self._training is None or not self._training.trains:
            self._training = course
        self._count()
        self.batch, self.count = -1, course.count

    def hand_out(self, loader: Any, index: int) -> None:
        """Batch number ``index`` of a pass over ``loader``."""
        course = self._active[-1] if self._active else None
        if course is None or course.loader is not loader or course.batch != index - 1:
            # Passes inside of this one were left before their ends, or it began before anybody looked.
            course = self._after(loader, index - 1) or self._course(loader, ())
            if course in self._active:
                self._leave(self._active.index(course) + 1)
            else:
                course.loader = loader
                self._active.append(course)
            self._count()
        course.batch = self.batch = index
        self.count = course.count

    def end(self, loader: Any) -> None:
        """A pass over ``loader`` has come to its end."""
        course = self._after(loader, None)
        if course is not None:
            self._end(course)

    def end_abandoned(self) -> bool:
        """The innermost passes that nobody can go on with are over: whether there were such."""
        found = False
        while self._active and self._active[-1].goes_on() is None:
            self._end(self._active[-1])
            found = True
        return found

    def _end(self, course: _Course) -> None:
        self._leave_from(course)
        self._ended = course
        self._count()
        if self._active:
            self.batch, self.count = self._active[-1].batch, self._active[-1].count

    @property
    def at_work(self) -> bool:
        """Whether a pass over a loader has begun and not ended."""
        return bool(self._active)

    @property
    def evaluating(self) -> tuple[Any, Any] | None:
        """The loader of the innermost pass, where that is not the one for training, and what stands for it also when it
        is made anew; else None."""
        if not self._active or self._training is None or self._active[-1].number == self._training.number:
            return None
        return self._active[-1].loader, self._active[-1]

    def train(self) -> int:
        """An optimizer step has ended: the innermost pass is one for training. Returns ``epochs``."""
        self.end_abandoned()
        course = self._active[-1] if self._active else self._ended
        if course is not None and (course is not self._training or not course.stepped):
            course.step()
            self._training = course
            self._count()
        return self.epochs

    def _course(self, loader: Any, place: _Place) -> _Course:
        """The passes that one over ``loader`` at ``place`` belongs to."""
        here = self._by_place.setdefault(place, [])
        number = self._numbers.get(loader)
        if number is None:
            number = self._numbers[loader] = self._given = self._given + 1
        found = next((one for one in here if one.number == number), None)
        if found is not None:
            return found
        samples = sample_count(loader)
        kind = None if samples is None else (type(loader.dataset), samples)
        found = next((one for one in reversed(here) if one.goes_on_with(loader, kind)), None)
        if found is None:
            found = _Course(number, loader, kind)
            here.append(found)
        else:
            others = self._by_loader[found.number]
            others.remove(found)
            if not others:
                del self._by_loader[found.number]
            found.take(number, loader, kind)
        self._by_loader.setdefault(number, []).append(found)
        return found

    def _after(self, loader: Any, batch: int | None) -> _Course | None:
        """The pass over ``loader`` whose newest batch is number ``batch``, or its last one; else the innermost."""
        known = self._by_loader.get(self._numbers.get(loader, 0), [])
        inner = sorted(known, key=lambda one: -self._active.index(one) if one in self._active else 1)
        at = [one for one in inner if one.batch == (batch if batch is not None else (one.count or 0) - 1)]
        return next(iter(at or inner), None)

    def _passes_of(self, course: _Course) -> int:
        """How many epochs have begun of the training that ``course`` belongs to."""
        return sum(one.begun for one in self._by_loader[course.number] if one is course or one.trains is not False)

    def _count(self) -> None:
        if self._training is not None:
            self.epochs = self._passes_of(self._training)

    def _leave_from(self, course: _Course) -> None:
        """The pass of ``course`` is over, if it is at work, and with it those inside of it."""
        if course in self._active:
            self._leave(self._active.index(course))

    def _leave(self, at: int) -> None:
        """All passes at work but the ``at`` outermost are over."""
        for one in self._active[at:]:
            one.leave(self._went_back)
        del self._active[at:]


def _place(frame: FrameType | None) -> _Place:
    """Where ``frame`` and what called it are at work; what watches the run stands between and does not count. Not the user's
    frames alone: a Trainer's loops for training and for validation are lines of the engine.
    """
    while frame is not None and frame.f_globals.get("__name__", "").startswith("engine.debug."):
        frame = frame.f_back
    place = []
    while frame is not None:
        place.append((frame.f_code, frame.f_lineno))
        frame = frame.f_back
    return tuple(place)


def _held(dataset: Any) -> Callable[[], Any]:
    """What returns ``dataset`` as long as the script has it; lists and the like, which nobody can watch, are kept."""
    try:
        return weakref.ref(dataset)
    except TypeError:
        return lambda: dataset
