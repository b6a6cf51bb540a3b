"""Threads that work for the window, and how what they find comes back into its thread."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from PyQt6.QtCore import QObject, Qt, pyqtSignal

#: Seconds for which calls are carried out before the window is painted, if one does not take longer.
_WHILE = 0.012
#: Seconds between two looks whether there is still something to wait for.
_LOOK = 0.001


class Posts(QObject):
    """Calls from any thread, carried out in the thread of this object, in order; one wake-up for many."""

    _waiting = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._calls: deque[Callable[[], object]] = deque()
        self._lock = threading.Condition()
        self._expecting: Callable[[], bool] | None = None
        self._woken = False
        self._closed = False
        self._held = False
        self._waiting.connect(self._carry_out, Qt.ConnectionType.QueuedConnection)  # pyright: ignore[reportCallIssue]

    def post(self, call: Callable[[], object]) -> None:
        """Have ``call()`` called later."""
        with self._lock:
            if self._closed:
                return
            self._calls.append(call)
            self._lock.notify()
            wake, self._woken = not self._woken, True
            if wake:
                self._waiting.emit()

    @property
    def idle(self) -> bool:
        """Whether nothing waits to be carried out."""
        with self._lock:
            return not self._calls

    def expect(self, more: Callable[[], bool]) -> None:
        """What is soon to arrive belongs to what this turn has brought: have it carried out before the window is painted,
        until ``more()`` is false or the while of a turn is over. Called in the thread of this object.
        """
        self._expecting = more

    def hold(self) -> None:
        """Carry out nothing before :meth:`release`."""
        self._held = True

    def release(self) -> None:
        """Carry out what waits, soon, and what comes from now on."""
        self._held = False
        self._put_back(())

    def close(self) -> None:
        """Forget what waits; nothing is accepted any more."""
        with self._lock:
            self._closed = True
            self._calls.clear()

    def _carry_out(self) -> None:
        """Carry out what waits, and what arrives meanwhile: else it would find the window painted without it, and paint it
        once more. Not for ever: at the end of a while painting has its turn.
        """
        end = time.monotonic() + _WHILE
        while not self._held:
            with self._lock:
                calls, self._calls = self._calls, deque()
                self._woken = bool(calls)
            if not calls:
                if self._awaits(end):
                    continue
                return
            while calls:
                call = calls.popleft()
                late = time.monotonic() > end
                try:
                    call()
                except BaseException:
                    # What fails is for whoever called; the others must not be lost with it.
                    self._put_back(calls)
                    raise
                if late:
                    self._put_back(calls)
                    return

    def _awaits(self, end: float) -> bool:
        """Wait for what is expected, not beyond ``end``: whether something has arrived."""
        while self._expecting is not None and self._expecting() and time.monotonic() < end:
            with self._lock:
                if self._calls or self._lock.wait(_LOOK):
                    return True
        self._expecting = None
        return False

    def _put_back(self, calls: Sequence[Callable[[], object]]) -> None:
        with self._lock:
            self._calls.extendleft(reversed(calls))
            self._woken = bool(self._calls)
            if self._woken:
                self._waiting.emit()


class Jobs:
    """Threads that carry out jobs, oldest first. Of the jobs that wait under one key only the newest is kept."""

    def __init__(self, threads: int, name: str) -> None:
        self._waiting: OrderedDict[Hashable, Callable[[], object]] = OrderedDict()
        lock = threading.Lock()
        self._changed, self._done = threading.Condition(lock), threading.Condition(lock)
        self._closed = False
        self._working: list[Hashable] = []
        self._threads = [
            threading.Thread(target=self._work, daemon=True, name=f"{name} {number + 1}") for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is being done."""
        with self._changed:
            return not self._waiting and not self._working

    def wait_for(self, concerned: Callable[[Hashable], bool], timeout: float) -> bool:
        """Whether the jobs under all keys that are ``concerned`` are done within ``timeout`` seconds."""
        with self._done:
            return self._done.wait_for(lambda: not any(map(concerned, (*self._waiting, *self._working))), timeout)

    def put(self, key: Hashable, job: Callable[[], object]) -> None:
        """Have ``job()`` done, instead of what waits under ``key``."""
        with self._changed:
            self._waiting.pop(key, None)
            self._waiting[key] = job
            self._changed.notify()

    def close(self) -> None:
        """Forget what waits, and end the threads when they have finished what they do."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()
            self._done.notify_all()

    def join(self, timeout: float) -> bool:
        """Whether the threads have ended within ``timeout`` seconds each."""
        for thread in self._threads:
            thread.join(timeout)
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                key, job = self._waiting.popitem(last=False)
                self._working.append(key)
            try:
                job()
            except Exception:
                logging.getLogger(__name__).exception("a job of the window failed")
            finally:
                with self._done:
                    self._working.remove(key)
                    self._done.notify_all()
            del job


class Latest:
    """What arrives from another thread many times a second: the newest of each name, handed on when there is time."""

    def __init__(self, posts: Posts, hand_on: Callable[[dict[str, Any]], object]) -> None:
        self._posts = posts
        self._hand_on = hand_on
        self._lock = threading.Lock()
        self._values: dict[str, Any] = {}

    def put(self, name: str, value: Any, join: Callable[[Any, Any], Any] | None = None) -> None:
        """A newer value; ``join(old, new)`` makes one of both where the old one still waits."""
        with self._lock:
            first = not self._values
            if join is not None and name in self._values:
                value = join(self._values[name], value)
            self._values[name] = value
        if first:
            self._posts.post(self._take)

    def _take(self) -> None:
        with self._lock:
            values, self._values = self._values, {}
        self._hand_on(values)
