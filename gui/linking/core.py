"""What all parts of the link share: its signals, its threads, and the session that there is."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Hashable
from typing import Any

from PyQt6.QtCore import QObject

from engine.debug.session import Session, Stop
from gui.asking import REFUSALS, Asking, Otherwise, Then, runs_of
from gui.linking.signals import LinkSignals
from gui.timers import repeating, single_shot
from gui.watchdog import Watchdog
from gui.work import Jobs, Posts

#: Milliseconds that a move may take before the window shows that the script runs.
_BLINK = 90
#: Milliseconds between looks whether the engine process is still there.
_LOOK = 400
#: Milliseconds at a stop after which the tape is written, so that a process that dies can be replayed to there.
_FLUSH = 300

#: How it begins what an engine says of a tape that cannot be written, and what can be done.
_TAPE = "the tape"
_NO_TAPE = (
    "The run goes on; going far back, forks and saving need room there. Make some, or start Nablascope with another TMPDIR."
)


class Core(LinkSignals):
    """The state of a link. See :class:`gui.link.Link`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._posts = Posts(self)
        self._asking = Asking(self._posts, lambda: self._session, self._look)
        self._mover = Jobs(1, "move")
        self._asides: list[threading.Thread] = []
        self._session: Session | None = None
        self._coming: Session | None = None
        self._launched: dict[str, Any] | None = None
        self._settings: dict[tuple[str, str], tuple[str, dict[str, Any], Then | None]] = {}
        self._generation = 0
        self._moving: str | None = None
        #: What is to be done when the run stands again, oldest first: what it is, how, and whether a newer move may take
        #: its place.
        self._waiting: deque[tuple[str, Callable[[], Stop | None], bool]] = deque()
        self._stop: dict[str, Any] | None = None
        self._gone = False
        #: What was said of a tape that could not be written, while that holds.
        self._told_of_tape = ""
        self._blink = single_shot(self, _BLINK, self.resumed.emit)
        self._flush = single_shot(self, _FLUSH, self._write_tape)
        self._watch = repeating(self, _LOOK, self._look)
        self._timers = [self._blink, self._flush, self._watch]
        self._watchdog = Watchdog(self._posts, lambda: self._session, self)
        self._watchdog.silent.connect(self.silent)
        self._watchdog.answering.connect(self.answering)

    @property
    def active(self) -> bool:
        """Whether there is a session."""
        return self._session is not None

    @property
    def runs(self) -> list[dict[str, Any]] | None:
        """The runs of the session as ``State.runs`` holds them; None where there is none."""
        return None if self._session is None else runs_of(self._session)

    @property
    def moving(self) -> bool:
        """Whether the script runs, or is being started."""
        return self._moving is not None

    @property
    def quiet(self) -> bool:
        """Whether nothing moves, and all that was asked is answered."""
        return self._moving is None and self._asking.idle and self._posts.idle

    def ask(
        self, key: Hashable, command: str, arguments: dict[str, Any], then: Then, otherwise: Otherwise | None = None,
        run: int | None = None,
    ) -> None:  # fmt: skip
        """Ask the current run, or the one with the number ``run``. Of the asks of one key only the newest is answered, by
        ``then(body)`` or ``otherwise(message)`` in the window's thread. Arrays in the body are the protocol's;
        ``.numpy()`` makes them NumPy's.
        """
        self._asking.ask(key, command, arguments, then, otherwise, run)

    def forget(self, key: Hashable) -> None:
        """An answer to this key is not wanted any more."""
        self._asking.forget(key)

    def _emit_stop(self, stop: dict[str, Any]) -> None:
        self._stop = stop
        # What the panels ask now is answered in a moment: they are painted with it, once and all together.
        self._posts.expect(lambda: not self._asking.idle)
        self.stopped.emit(stop)

    def _write_tape(self) -> None:
        session = self._session
        if session is not None and session.current.recording is not None and self._moving is None:
            self.ask(("link", "flush"), "flushRecording", {}, self._written, self._not_written)

    def _written(self, _body: dict[str, Any]) -> None:
        told, self._told_of_tape = self._told_of_tape, ""
        if told:
            self.mended.emit(told)

    def _not_written(self, why: str) -> None:
        """The tape is not on the disk: told once, until it is again."""
        if why.startswith(_TAPE) and not self._told_of_tape:
            self._refuse(why)

    def _refuse(self, why: str) -> None:
        """Tell that something was refused; of a tape that cannot be written what to do, and until when that holds."""
        if why.startswith(_TAPE):
            why = self._told_of_tape = f"{why[:1].upper()}{why[1:]}. {_NO_TAPE}"
        self.failed.emit(why)

    def _lose(self, session: Session, stop: Stop) -> None:
        """The process is gone; what it showed last stays on the screen."""
        if not self._gone:
            self._gone = True
            self.runs_changed.emit(runs_of(session))
            self.idle.emit()
            if stop.reason == "exited":
                self.ended.emit(dict(stop))
            else:
                self.lost.emit(str(stop.get("description", "")))

    def _look(self) -> None:
        """Notice that the process has gone while nobody was waiting for it."""
        session = self._session
        if session is None or self._moving is not None or self._gone or session.current.stop is None:
            return
        # At a script's end its process still answers; only after "exited" it may go.
        if (why := session.current.client.lost) and session.current.stop.reason != "exited":
            self._lose(session, session.current.lose(why))
        for run in session.runs:
            if run is not session.current and run.state not in ("lost", "ended") and (why := run.client.lost):
                run.lose(why)
                self.runs_changed.emit(runs_of(session))
                self.failed.emit(f"The engine process of {run.name} is gone: {why}. Switch to it to replay it.")

    def _post_answer(self, then: Then | None, body: dict[str, Any]) -> None:
        if then is not None:
            self._posts.post(lambda: then(body))

    def _end_session(self, forget: bool = True) -> None:
        self._generation += 1
        session, self._session, self._coming = self._session or self._coming, None, None
        self._moving = self._stop = None
        self._told_of_tape = ""
        self._waiting.clear()
        if forget:
            self._asking.forget_all()
        for timer in self._timers:
            timer.stop()
        self._watchdog.end()
        if session is not None:
            self._aside(session.close)

    def _aside(self, call: Callable[[], object]) -> None:
        """Do something in a thread of its own, because the mover's is busy."""

        def work() -> None:
            try:
                call()
            except REFUSALS as error:
                logging.getLogger(__name__).info("%s", error)

        self._asides = [thread for thread in self._asides if thread.is_alive()]
        thread = threading.Thread(target=work, daemon=True, name="aside")
        self._asides.append(thread)
        thread.start()
