"""Which epoch and which batch it is, as far as DataLoaders tell."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

from engine.debug.outlook import batch_count, sample_count
from engine.tensor import is_grad_enabled

#: Where in the code something is called for, and from where that, and so on outwards.
_Place = tuple[tuple[CodeType, int], ...]
#: Class and length of a dataset.
_Kind = tuple[type, int]


class _Course:
    """Passes that begin at one place, over one DataLoader or over several, each made for one pass.

    Attributes:
        number: that of the newest loader. loader: itself, while a pass is at work.
        begun: passes so far.
        batch: number of the newest batch of the newest pass, from 0; -1 before the first.
        count: how many batches that pass has; None where its loader cannot tell.
        trains: whether optimizer steps end in the passes; None while that is open.
    """

    __slots__ = ("_dataset", "_kind", "_over_this", "batch", "begun", "count", "loader", "number", "trains")

    def __init__(self, number: int, loader: Any, kind: _Kind | None) -> None:
        self.begun, self.batch = 0, -1
        self.count: int | None = None
        self.loader: Any = None
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

    def begin(self, loader: Any) -> None:
        """A pass over ``loader`` begins."""
        self.begun, self._over_this = self.begun + 1, self._over_this + 1
        self.loader, self.batch, self.count = loader, -1, batch_count(loader)

    def leave(self) -> None:
        """The pass is over."""
        self.loader = None
        self.trains = bool(self.trains)


class Passes:
    """Counts passes over DataLoaders. Those for training are the ones during which optimizer steps end.

    A script may make its loader anew for each epoch: where a pass begins over a new one, at a place where another one was
    passed over only once, that one's count goes on if the dataset is the same, or of the same class and length. Passes
    over one loader that begin at several places count together where steps end in them (a loop that goes on with the
    training), and not where none do (a look at the first batch, an accuracy).

    Attributes:
        epochs: passes begun for the training that the last step belonged to; until one has ended, over the newest loader.
        batch: number of the newest batch of the innermost pass, from 0; -1 before the first.
        count: how many batches that pass has; None where its loader cannot tell.
    """

    def __init__(self) -> None:
        self.epochs, self.batch = 0, -1
        self.count: int | None = None
        # Loaders by number: none is kept that is gone, nor is its dataset.
        self._numbers: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._given = 0
        self._by_place: dict[_Place, list[_Course]] = {}
        self._by_loader: dict[int, list[_Course]] = {}
        #: Passes at work, outermost first; the one that has ended last; the one of the training.
        self._active: list[_Course] = []
        self._ended: _Course | None = None
        self._training: _Course | None = None

    def begin(self, loader: Any, frame: FrameType | None) -> None:
        """A pass over ``loader`` begins, called for by ``frame``."""
        course = self._course(loader, _place(frame))
        for one in [one for one in self._active if one.number == course.number]:
            self._leave(one)
        course.begin(loader)
        self._active.append(course)
        if self._training is None or not self._training.trains:
            self._training = course
        self.epochs = self._passes_of(self._training)
        self.batch, self.count = -1, course.count

    def hand_out(self, loader: Any, index: int) -> None:
        """Batch number ``index`` of a pass over ``loader``."""
        course = self._active[-1] if self._active else None
        if course is None or course.loader is not loader or course.batch != index - 1:
            # Passes inside of this one were left before their ends, or it began before anybody looked.
            course = self._after(loader, index - 1) or self._course(loader, ())
            self._leave(course)
            course.loader = loader
            self._active.append(course)
        course.batch = self.batch = index
        self.count = course.count

    def end(self, loader: Any) -> None:
        """A pass over ``loader`` has come to its end."""
        course = self._after(loader, None)
        if course is not None:
            self._leave(course)
            self._ended = course
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
        course = self._active[-1] if self._active else self._ended
        if course is not None and (course is not self._training or not course.trains):
            course.trains, self._training = True, course
            self.epochs = self._passes_of(course)
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
            self._by_loader[found.number].remove(found)
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
        """How many passes have begun for the training that ``course`` belongs to."""
        return sum(one.begun for one in self._by_loader[course.number] if one is course or one.trains is not False)

    def _leave(self, course: _Course) -> None:
        if course in self._active:
            at = self._active.index(course)
            for one in self._active[at:]:
                one.leave()
            del self._active[at:]


def _place(frame: FrameType | None) -> _Place:
    """Where ``frame`` and what called it are at work; what watches the run stands between and does not count."""
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
