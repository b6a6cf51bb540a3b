"""``Watchdog``: notices that the engine process answers no more, or that a script which was asked to pause does not."""

from __future__ import annotations

import time
from collections.abc import Callable

from PyQt6.QtCore import QObject, pyqtSignal

from engine.debug.protocol import ProtocolError
from engine.debug.session import ConnectionLost, RequestError, Session
from gui.timers import repeating
from gui.work import Jobs, Posts

#: Milliseconds between two looks.
_LOOK = 500
#: Seconds from one look to the next that count at most: after a longer time the window itself has been standing.
_LONGEST = 1.5
#: Seconds between an answer and the next question.
_PAUSE = 1.0
#: Seconds without an answer after which it is said. One that compiles kernels answers later than it should, but sooner.
PATIENCE = 5.0
#: Seconds after which a start is slow: reading the engine from a cold disk takes that long.
START = 20.0


class Watchdog(QObject):
    """Asks ``status`` once a second, in a thread of its own: of all requests the one that is answered at any time.

    Args:
        posts: brings answers into the window's thread.
        current: the session that there is now.

    Signals:
        silent(kind): nothing has been heard for too long. kind: "engine" does not answer; "pause" it answers, but the
            script has not come to a place where it can pause; "start" it is not there yet.
        answering(): it is heard again.
    """

    silent = pyqtSignal(str)
    answering = pyqtSignal()

    def __init__(self, posts: Posts, current: Callable[[], Session | None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._posts, self._current = posts, current
        self._jobs = Jobs(1, "watchdog")
        self._number = 0
        #: Seconds that this window has been awake: what stops it as well (a computer that sleeps) is no one's silence.
        self._awake = 0.0
        self._looked: float | None = None
        self._asked: float | None = None
        self._answered = 0.0
        self._pausing: float | None = None
        self._starting: float | None = None
        self._said = ""
        self._timer = repeating(self, _LOOK, self._look)

    @property
    def is_silent(self) -> bool:
        """Whether nothing has been heard for too long."""
        return bool(self._said)

    # ---- what goes on ----

    def begin(self) -> None:
        """A process is being started."""
        self._forget()
        self._looked = None
        self._starting = self._now()
        self._timer.start()

    def stood(self) -> None:
        """The script stands somewhere: it has started, or paused."""
        self._starting = self._pausing = None
        if self._said in ("start", "pause"):
            self._heard()

    def paused(self) -> None:
        """The script was asked to pause."""
        if self._pausing is None:
            self._pausing = self._now()

    def wait(self) -> None:
        """The user wants to wait: say it again only after as long once more."""
        now = self._now()
        self._said = ""
        self._asked = now if self._asked is not None else None
        self._pausing = now if self._pausing is not None else None
        self._starting = now if self._starting is not None else None

    def end(self) -> None:
        """There is nothing to watch any more."""
        self._timer.stop()
        self._forget()

    def _forget(self) -> None:
        self._number += 1
        self._asked = self._pausing = self._starting = None
        self._answered = 0.0
        if self._said:
            self._heard()

    def close(self) -> None:
        """End the thread."""
        self._timer.stop()
        self._jobs.close()

    def join(self, timeout: float) -> bool:
        """Whether the thread has ended within ``timeout`` seconds."""
        return self._jobs.join(timeout)

    # ---- looking ----

    def _now(self) -> float:
        now = time.monotonic()
        if self._looked is not None:
            self._awake += min(now - self._looked, _LONGEST)
        self._looked = now
        return self._awake

    def _look(self) -> None:
        now, session = self._now(), self._current()
        if session is not None and self._asked is None and now - self._answered > _PAUSE:
            self._ask(session)
        if not self._said:
            for kind, since, patience in (
                ("start", self._starting, START), ("engine", self._asked, PATIENCE), ("pause", self._pausing, PATIENCE),
            ):  # fmt: skip
                if since is not None and now - since > patience:
                    self._said = kind
                    self.silent.emit(kind)
                    return

    def _ask(self, session: Session) -> None:
        self._asked = self._now()
        number = self._number

        def job() -> None:
            try:
                session.request("status")
                answered = True
            except RequestError:
                answered = True
            except (ConnectionLost, ProtocolError, OSError):
                answered = False  # gone is not silent; the link notices
            self._posts.post(lambda: self._heard_from(number, answered))

        self._jobs.put("status", job)

    def _heard_from(self, number: int, answered: bool) -> None:
        if number != self._number:
            return
        self._asked = None
        self._answered = self._now()
        if self._said == "engine" and answered:
            self._heard()

    def _heard(self) -> None:
        self._said = ""
        self.answering.emit()
