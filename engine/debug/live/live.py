"""``Live``: pictures of a run that is not watched closely, as often as the client wants and the script can bear."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

from engine import trace
from engine.debug.events import Event
from engine.debug.history import BUDGET, History
from engine.debug.listeners import Leans, guarded
from engine.debug.live.outbox import Outbox
from engine.debug.live.picture import Batch, Looking, Picture
from engine.debug.live.recorded import Recorded, last_step
from engine.debug.live.structure import Place, Structure, newest_places
from engine.debug.live.turns import Turns
from engine.debug.live.views import ClassNames, Subscription
from engine.debug.watching import Watcher

#: Seconds between the beginnings of two pictures, at least.
INTERVAL = 1 / 32

#: How many times longer than a picture costs the time to the next one is, at least.
AMORTISED = 15.0

#: Seconds after a stop in which a run that is watched closely is not looked at: most steps are over by then.
SETTLED = 0.25

#: Seconds for which steps are watched closely when the structure is told, until the client says what it wants to see: of
#: a run that has ended by then there would be no numbers.
LINGER = 0.25

#: Bytes of the one step that is watched closely: more than there are.
_NO_LIMIT = 1 << 62


class Live(trace.Observer):
    """Listens while the script runs freely; when a picture is due it has one step looked at.

    The first step is watched closely, for its structure, and so are those after it as long as the client has not said yet
    what it wants to see (:data:`LINGER` at most). Of later ones only references are kept to the arrays that it wants. Parts
    of them are copied on the script's thread, where nothing changes meanwhile: what is small is made into a picture and sent
    there too, what is larger by a thread of its own, and very large ones are made small at once. Of pictures that a slow
    client has not taken only the newest is kept. A step of which a picture wants nothing is not looked at.

    Where breakpoints have the whole run watched closely, pictures are made of what is recorded of a step anyway.

    Which of several networks is shown says :class:`~engine.debug.live.turns.Turns`.

    Args:
        watcher: whose recorder counts, and whose listeners and names are used.
        resume: attach again what watches a free run.
        send: as of :class:`~engine.debug.live.outbox.Outbox`, for the body of an event ``snapshot``.
        failed: told of an error of this, which ends it.
    """

    watches = frozenset(("pass", "batch"))

    def __init__(
        self,
        watcher: Watcher,
        resume: Callable[[], None],
        send: Callable[[dict[str, Any], bool], bool],
        failed: Callable[[trace.Observer, Exception], None],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._watcher, self._resume, self._clock = watcher, resume, clock
        self._outbox = Outbox(send, lambda error: self._broken(self, error))
        self._failed = failed
        self._subscription = Subscription(0, enabled=False)
        self._told: int | None = None
        self._left: dict[int, Place] = {}
        #: What both are of, and both together: the same object as long as both are the same.
        self._together: tuple[Any, Any, dict[int, Place]] = (None, None, {})
        self._turns, self._classes = Turns(), ClassNames()
        self._settled = 0.0
        self._lingers_until = 0.0
        self._stood_at: int | None = None
        self._due = 0.0
        self._picture: Picture | None = None
        #: What the picture that is being taken answers.
        self._asked = self._subscription
        self._full: _StepWatcher | None = None
        self._attached: trace.Observer | None = None
        #: What watches the steps that are not looked at.
        self._base: trace.Observer | None = None
        self._handed_out: Batch | None = None
        self.guard = guarded(self, self._broken)
        self._looking = Looking()
        self._looking_guard = guarded(self._looking, self._broken)
        self._leans = Leans()

    # ---- what is wanted; from any thread ----

    @property
    def on(self) -> bool:
        """Whether a client wants pictures, and nothing has gone wrong with them."""
        return self._subscription.enabled and not self.guard.broken

    def subscribe(self, subscription: Subscription) -> None:
        """Want these views from now on."""
        self._looking_guard.broken = False
        self._subscription = subscription

    # ---- on the script's thread ----

    def remember(self, places: Mapping[int, Place]) -> None:
        """References of the client may be to these events, which are about to be forgotten."""
        self._left = dict(places)

    def went_on(self, seq: int | None) -> None:
        """The script has stood at event ``seq``, and runs again."""
        self._settled, self._stood_at = self._clock() + SETTLED, seq

    def end(self) -> list[Event]:
        """The script has ended: the events since the beginning of its last step, where this has watched that closely."""
        watcher = self._full
        if watcher is None or watcher.ended is None or not self._heard:
            return []
        events = list(watcher.history)
        watcher.history.clear()
        return events

    def drop(self) -> None:
        """Something else begins to watch: the step that is being looked at is not seen to its end."""
        self._picture = self._full = self._attached = self._base = None

    def attach(self, observer: trace.Observer) -> None:
        """Have ``observer``, which calls this, watch the run, but for the steps that are looked at."""
        self._base = observer
        self._watch_by(observer)

    def _watch_by(self, observer: trace.Observer) -> None:
        self._attached = observer
        trace.set_observer(observer)

    @property
    def _heard(self) -> bool:
        """Whether it is still this that watches: the recorder, which is called first, may have made way for a stop."""
        return trace.observer is self._attached

    def batch(self, loader: Any, index: int, batch: Any, samples: Any) -> None:
        if self._picture is None and self._full is None and self._heard:
            now = self._clock()
            if now >= self._due:
                named, epoch = self._subscription.shows_batch, self._watcher.recorder.epochs
                self._handed_out = Batch.of(loader, index, batch, samples, epoch, named)
                self._begin(now)
                if self._full is not None:
                    self._full.handed_out(loader, index, batch, samples)

    def end_step(self, optimizer: Any) -> None:
        if not self._heard:
            return
        self._turns.stepped(optimizer, now := self._clock())
        if self._picture is not None:
            self._finish(self._picture)
            now = self._clock()
        if self._heard and self._full is None and now >= self._due:
            self._handed_out = None
            self._begin(now)

    def step_recorded(self, history: History, optimizer: Any) -> None:
        """A step of a run that is watched closely has ended."""
        now = self._clock()
        self._turns.stepped(optimizer, now)
        if now < self._due or now < self._settled:
            return
        try:
            self._look_back(history, now)
        except Exception as error:
            self.guard.broken = True
            self._broken(self, error)

    def _look_back(self, history: History, now: float) -> None:
        self._due = max(self._due + INTERVAL, now)
        if not self._wants_something or (events := last_step(history)) is None:
            return
        if self._stood_at is not None:
            self.remember(newest_places(history, self._stood_at))
            self._stood_at = None
        structure = self._structure
        if structure is None:
            self._tell(events)
            return
        recorded = Recorded(events)
        if self._turns.fits(recorded.ops == structure.ops, now):
            self._answer(structure, recorded, now)

    @property
    def _structure(self) -> Structure | None:
        return self._turns.structure

    @property
    def _wants_something(self) -> bool:
        """Whether a view is wanted, or the structure is not known yet, be it to the client only."""
        subscription = self._subscription
        return self._structure is None or bool(subscription.views) or self._told != subscription.number

    def _begin(self, now: float) -> None:
        """Have the step that begins now looked at."""
        self._due = max(self._due + INTERVAL, now)
        structure, subscription = self._structure, self._subscription
        if not self._wants_something:
            return
        if structure is None:
            self._full = _StepWatcher(self._watcher, self._seen)
            self._watch_by(self._full)
            return
        self._asked = subscription
        plan = subscription.wanted(self._places(structure))
        recorder = self._watcher.recorder
        self._picture = Picture(structure.ops, plan, self._watcher.names, self._handed_out, lambda: recorder.epochs)
        if not plan.looks:
            return
        self._looking.at(self._picture)
        listeners = [*self._watcher.listeners, self._looking_guard, self.guard]
        self._watch_by(self._leans.of(self._watcher.recorder, listeners))

    def _places(self, structure: Structure) -> dict[int, Place]:
        left, known, together = self._together
        if left is not self._left or known is not structure.places:
            together = self._left | structure.places
            self._together = self._left, structure.places, together
        return together

    def _finish(self, picture: Picture) -> None:
        """The step has ended: send what was seen of it."""
        self._picture = self._looking.picture = None
        structure, now = self._structure, self._clock()
        looked = picture.plan.looks
        fits = structure is not None and self._turns.fits(picture.complete if looked else None, now)
        if structure is not None and fits and self._asked is self._subscription:
            self._answer(structure, picture, now - picture.seconds)
        if looked and self._base is not None and self._heard:
            self._watch_by(self._base)

    def _answer(self, structure: Structure, seen: Picture | Recorded, began: float) -> None:
        """Send what was seen of a step; ``began``: when the work for it has."""
        subscription, watcher = self._subscription, self._watcher
        views = subscription.answered(seen, self._places(structure), watcher.names, self._classes, watcher.recorder.steps)
        # Without the sending: that wakes the client, which may then have this processor for longer than all of this takes.
        cost = self._clock() - began
        self._post(structure, subscription, views)
        self._rest(cost)

    def _seen(self, watcher: _StepWatcher) -> None:
        """A step was watched closely: from now on its structure is known."""
        if self._full is not watcher:
            return
        if watcher.ended is None:
            self._tell(list(watcher.history))
            self._lingers_until = self._clock() + LINGER
        watcher.keep_last_step()
        if self._subscription.views or self._clock() >= self._lingers_until:
            self._full = None
            self._resume()

    def _tell(self, events: list[Event]) -> None:
        """Show steps of the structure of this one from now on, and say what it is."""
        now = self._clock()
        structure = Structure(events, self._watcher.names)
        self._turns.take(structure, now)
        self._told = None
        self._post(structure, self._subscription, {})
        self._rest(self._clock() - now)

    def _post(self, structure: Structure, subscription: Subscription, views: dict[str, Any]) -> None:
        recorder = self._watcher.recorder
        body: dict[str, Any] = {
            "subscription": subscription.number, "step": recorder.steps, "epoch": recorder.epochs,
            "batch": recorder.batches, "views": views,
        }  # fmt: skip
        if self._told != subscription.number:
            self._told = subscription.number
            body.update(graph=structure.graph, events=structure.events)
        self._outbox.put(body)

    def _rest(self, cost: float) -> None:
        self._due = max(self._due, self._clock() + AMORTISED * cost)

    def _broken(self, listener: trace.Observer, error: Exception) -> None:
        self._subscription = Subscription(0, enabled=False)
        self.drop()
        self._failed(self, error)


class _StepWatcher(Watcher):
    """Watches a step closely, on behalf of another watcher, whose listeners and numbers it shares; and on, until it is no
    longer wanted.

    Attributes:
        ended: the last event of the last step that has ended; None where none has yet.
    """

    def __init__(self, watcher: Watcher, seen: Callable[[_StepWatcher], None]) -> None:
        super().__init__(watcher.recorder)
        self.names, self.listeners = watcher.names, watcher.listeners
        # A step is seen whole however much it computes, or its structure would lack a beginning, and no later step fit it.
        self.history.budget = _NO_LIMIT
        self._seq = watcher._seq
        # That each step ends a batch is only told where there is no DataLoader: here nobody asks.
        self._loaders = [None]
        self._owner, self._seen_by = watcher, seen
        self.ended: int | None = None

    def consider(self, event: Event, frame: FrameType | None) -> None:
        self._owner._seq = self._seq

    def batch(self, loader: Any, index: int, batch: Any, samples: Any) -> None:
        if self.ended is None:  # what was seen before it belongs to no step that has an end
            self.history.clear()
        super().batch(loader, index, batch, samples)

    def end_step(self, optimizer: Any) -> None:
        super().end_step(optimizer)
        if trace.observer is self:
            self._seen_by(self)

    def keep_last_step(self) -> None:
        """A step has ended: forget those before it. One that follows may be too large to be seen whole."""
        if self.ended is not None:
            self.history.forget(self.ended)
        self.ended, self.history.budget = self._seq - 1, BUDGET
