"""The window of the past: the newest events with their arrays, within a budget of bytes.

Events refer to the engine's own arrays. Ops never write their inputs, so most stay what they were; before anything
is overwritten, :meth:`History.overwriting` replaces every reference to that memory by a copy.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np

from engine.debug.events import Event
from engine.debug.memory import ARRAYS, address, lender
from engine.debug.spread import spread
from engine.device.host import empty
from engine.device.pool import pool
from engine.errors import OutOfMemoryError

#: Bytes of arrays that the window may hold, unless told otherwise.
BUDGET = 256 << 20

#: Events that the window may hold, however small they are.
MOST_EVENTS = 200_000

#: Elements that a thread copies at a time.
_PIECE = 1 << 20

#: Bytes from which two arrays on the same memory weigh as one: whether they are is not worth asking of smaller ones.
_LARGE = 1 << 20


class History:
    """A ring of events.

    Args:
        budget: bytes of arrays; the oldest events are dropped beyond it. One array in many events counts once.

    Attributes:
        complete: whether no event of the run is missing before the oldest one here.
        bytes: of the arrays that are held now.
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self.budget = budget
        self.complete = False
        self.bytes = 0
        self._events: deque[Event] = deque()
        # What an array weighs under (see _weighed) -> [the array, how many places hold it]
        self._held: dict[Any, list] = {}
        # id of the owner of memory -> number of event -> the places in that event that hold an array on it
        self._places: dict[int, dict[int, list[tuple[dict, Any]]]] = {}
        self._copying = False
        pool.on_pressure(self.relieve)

    def __len__(self) -> int:
        return len(self._events)

    def __iter__(self) -> Iterator[Event]:
        return iter(self._events)

    def __reversed__(self) -> Iterator[Event]:
        return reversed(self._events)

    @property
    def first(self) -> Event | None:
        return self._events[0] if self._events else None

    @property
    def last(self) -> Event | None:
        return self._events[-1] if self._events else None

    def get(self, seq: int) -> Event | None:
        """The event with number ``seq``; None when it is not in the window."""
        if not self._events:
            return None
        at = seq - self._events[0].seq
        return self._events[at] if 0 <= at < len(self._events) else None

    def clear(self) -> None:
        """Forget everything: events are about to be missed."""
        self._events.clear()
        self._held.clear()
        self._places.clear()
        self.bytes = 0
        self.complete = False

    def add(self, event: Event) -> None:
        """Append ``event``. Where its number does not follow that of the newest one, events have been missed: what was
        before them is forgotten.
        """
        if self._events and event.seq != self._events[-1].seq + 1:
            self.clear()
        self._events.append(event)
        self._take(event)
        while (self.bytes > self.budget or len(self._events) > MOST_EVENTS) and len(self._events) > 1:
            self._drop()

    def overwriting(self, array: np.ndarray) -> None:
        """``array`` is about to change: events that hold its memory get copies of what is there now."""
        self._overwriting(array)

    def copy_of(self, array: np.ndarray) -> np.ndarray:
        """What ``array``, which is about to change, holds now: the copy that events get of it too, where there is one."""
        return self._overwriting(array).of(array)

    def _overwriting(self, array: np.ndarray) -> Copies:
        places = self._places.pop(id(owner(array)), None)
        copies = Copies()
        if places is None:
            return copies
        self._copying = True
        try:
            self._copy(array, places, copies)
        except OutOfMemoryError:
            # The run goes on; of its past nothing is left.
            self.clear()
        finally:
            self._copying = False
        return copies

    def replace(self, event: Event, name: str, array: np.ndarray) -> None:
        """Let ``event`` show ``array`` as ``name``."""
        known = self.get(event.seq) is event
        if known:
            for before in _arrays(event.arrays[name]):
                self._let_go(before, event.seq)
        event.arrays[name] = array
        if known:
            self._hold(array)
            self._remember(event.seq, event.arrays, name)

    def forget(self, upto: int) -> None:
        """Let go of the events up to number ``upto``."""
        while self._events and self._events[0].seq <= upto:
            self._drop()

    def relieve(self) -> None:
        """A GPU's memory is full: let go of all events but the newest."""
        while len(self._events) > 1 and not self._copying:
            self._drop()

    def _copy(self, array: np.ndarray, places: dict[int, list[tuple[dict, Any]]], copies: Copies) -> None:
        for seq, held in places.items():
            for holder, key in held:
                before = holder[key]
                if type(before) is tuple:
                    holder[key] = tuple([self._copied(a, array, copies) for a in before])
                else:
                    holder[key] = self._copied(before, array, copies)
                self._remember(seq, holder, key)

    def _copied(self, held: Any, changing: np.ndarray, copies: Copies) -> Any:
        if not isinstance(held, ARRAYS) or owner(held) is not owner(changing):
            return held
        copy = copies.of(held)
        self._release(held)
        self._hold(copy)
        return copy

    def _take(self, event: Event) -> None:
        for holder in _holders(event):
            for key, value in holder.items():
                for array in _arrays(value):
                    self._hold(array)
                if isinstance(value, (*ARRAYS, tuple)):
                    self._remember(event.seq, holder, key)

    def _remember(self, seq: int, holder: dict, key: Any) -> None:
        for array in _arrays(holder[key]):
            self._places.setdefault(id(owner(array)), {}).setdefault(seq, []).append((holder, key))

    def _hold(self, array: np.ndarray) -> None:
        entry = self._held.setdefault(_weighed(array), [array, 0])
        entry[1] += 1
        if entry[1] == 1:
            self.bytes += array.nbytes

    def _release(self, array: np.ndarray) -> None:
        key = _weighed(array)
        entry = self._held[key]
        entry[1] -= 1
        if not entry[1]:
            del self._held[key]
            self.bytes -= array.nbytes

    def _drop(self) -> None:
        event = self._events.popleft()
        self.complete = False
        for holder in _holders(event):
            for value in holder.values():
                for array in _arrays(value):
                    self._let_go(array, event.seq)

    def _let_go(self, array: np.ndarray, seq: int) -> None:
        """The event with number ``seq`` holds ``array`` no more."""
        places = self._places.get(id(owner(array)))
        if places is not None:
            places.pop(seq, None)
            if not places:
                del self._places[id(owner(array))]
        self._release(array)


def owner(array: Any) -> Any:
    """What owns the memory of ``array``, an array or a pool's loan: the same for all views of one memory."""
    while type(array.base) is np.ndarray or (isinstance(array.base, np.ndarray) and type(array) is np.ndarray):
        array = array.base
    return lender(array)


class Copies:
    """Copies of arrays that are about to change. Arrays on one memory share one: a parameter is held as it is, and flat."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def of(self, array: np.ndarray) -> np.ndarray:
        """A copy of ``array``."""
        known = self._made.get(id(array))
        if known is None:
            copy = self._view(array)
            # Of the pool, where a step before had its copies: memory that is new to the process takes several times as long.
            if copy is None and type(array) is np.ndarray and array.flags.c_contiguous:
                copy = _duplicate(array)
            known = self._made[id(array)] = array, array.copy() if copy is None else copy
        return known[1]

    def _view(self, array: np.ndarray) -> np.ndarray | None:
        """``array`` as a view of a copy that was made of memory which it lies in."""
        if type(array) is not np.ndarray or array.nbytes < _LARGE or not array.flags.forc:
            return None
        first = address(array)
        for source, copy in self._made.values():
            if type(source) is np.ndarray and source.flags.c_contiguous and copy.flags.c_contiguous:
                start = address(source)
                if start <= first and first + array.nbytes <= start + source.nbytes:
                    return np.ndarray(array.shape, array.dtype, copy, first - start, array.strides)
        return None


def _duplicate(array: np.ndarray) -> np.ndarray:
    """A copy of a contiguous array; of a large one by several threads."""
    copy = empty(array.shape, array.dtype)
    source, target = array.reshape(-1), copy.reshape(-1)
    parts = [slice(at, at + _PIECE) for at in range(0, array.size, _PIECE)]
    spread(lambda part: np.copyto(target[part], source[part]), parts, array.size)
    return copy


def _weighed(array: np.ndarray) -> Any:
    """What an array is counted under: itself, or, where it is large, its memory."""
    return id(array) if array.nbytes < _LARGE else (id(owner(array)), address(array), array.nbytes)


def _holders(event: Event) -> tuple[dict, ...]:
    return (event.arrays,) if event.function is None else (event.arrays, event.function.__dict__)


def _arrays(value: Any) -> tuple:
    if isinstance(value, ARRAYS):
        return (value,)
    if type(value) is tuple:
        return tuple([v for v in value if isinstance(v, ARRAYS)])
    return ()
