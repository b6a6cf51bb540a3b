"""Moves of the current run, and what else has to wait for the run to stand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from engine.debug.session import Session, SessionError, Stop
from gui.asking import Then, runs_of
from gui.linking.arriving import FAR
from gui.linking.beginning import Beginning

#: What is said to a move where there is no run.
NO_SCRIPT = "No script is open. Open one (Ctrl+O) or choose a sample."
#: What is said to a move while a session's file is shown.
ONLY_SHOWN = "What is shown comes from the session's file; it can be stepped once its runs are replayed."
#: Seconds that a last thing may take before the window goes.
LAST = 2.5
#: Seconds after which a script is asked to pause once more.
_AGAIN = 0.1
#: Moves during which the current process itself runs the script.
_PAUSABLE = ("launch", "continue", "runTo", "next", "stepIn", "stepOut")


class Moving(Beginning):
    """Moves runs, one after the other, in the mover's thread."""

    def move(self, command: str, **arguments: Any) -> None:
        """Move the current run: a request of the protocol that moves, or "pause".

        While the script runs freely everything but "pause" is dropped; during a shorter move the newest one waits, behind
        the other requests that do.
        """
        session = self._session
        if session is None:
            if self._moving is None:
                self.failed.emit(NO_SCRIPT if self._asking.saved is None else ONLY_SHOWN)
        elif command == "pause":
            if self._moving is not None:
                if self._moving in _PAUSABLE:
                    self._watchdog.paused()
                self._ask_to_pause(session)
        elif self._moving in FAR or self._moving == "launch":
            return
        elif command == "goto" and "position" in arguments:
            self._start(command, lambda: session.travel(arguments["position"]))
        else:
            self._start(command, lambda: session.step(command, **arguments))

    def fork(
        self, edits: Sequence[dict[str, Any]], name: str | None = None, parameters: Sequence[str] = (),
        step: int | None = None,
    ) -> None:  # fmt: skip
        """A second run from here on, or from the end of a step, changed by ``edits``; it becomes current."""
        session = self._session
        if session is not None:
            self._after_pause("fork", lambda: session.fork(edits, name, parameters=parameters, step=step).stop)

    def restart(self, parameters: Sequence[str] | None = None, name: str | None = None) -> None:
        """Begin anew; with ``parameters`` (``NAME=VALUE``) as another run beside the current one."""
        session = self._session
        self._told_of_tape = ""  # the new run has another one; where that cannot be written either, it is told again
        if self._asking.saved is not None:
            self.failed.emit(ONLY_SHOWN)
        elif session is not None and session.program is not None:
            self._after_pause("restart", lambda: session.restart(parameters, name))
        elif self._launched is not None:
            again = dict(self._launched)
            again["parameters"] = (*again["parameters"], *(parameters or ()))
            self.launch(**again)
        else:
            self.failed.emit("The process was attached to, not started here: it cannot be started again.")

    def switch(self, run: int | str) -> None:
        """Make another run current, by number or name."""
        session = self._session
        if session is not None:
            self._after_pause("switch", lambda: session.switch(run).stop)

    def rename(self, run: int, name: str) -> None:
        """Call the run of a number ``name``; it goes on meanwhile."""
        session = self._session
        if session is None:
            self.failed.emit(ONLY_SHOWN)
            return
        try:
            session.rename(run, name)
        except SessionError as error:
            self.failed.emit(f"The run keeps its name: {error}.")
        else:
            self.runs_changed.emit(runs_of(session))

    def drop(self, run: int | str) -> None:
        """End a run that is not current, and forget it."""
        session = self._session
        if session is not None:
            self._after_pause("drop", lambda: session.drop(run))

    def compare(self, a: int | str, b: int | str, then: Then) -> None:
        """Where two runs first differ: ``then`` gets what ``Session.compare`` returns."""
        session = self._session

        def job() -> None:
            assert session is not None
            result = session.compare(a, b)
            self._posts.post(lambda: self._session is session and then(result))

        if session is None:
            self.failed.emit(ONLY_SHOWN)
        else:
            self._after_pause("compare", job)

    def work(self, what: str, job: Callable[[Session], Any], then: Callable[[Any], object], said: str) -> None:
        """Do something with the session when it stands still, in the mover's thread: ``then(result)`` in the window's.

        ``said``: what is done, for ``working``.
        """
        session = self._session

        def work() -> None:
            assert session is not None
            self._posts.post(lambda: self.working.emit(said))
            try:
                result = job(session)
            finally:
                self._posts.post(lambda: self.working.emit(""))
            self._posts.post(lambda: self._session is session and then(result))

        if session is not None:
            self._after_pause(what, work)

    def finish_with(self, job: Callable[[Session], object], patience: float = LAST) -> bool:
        """Do a last thing with the session, paused if it runs, and wait for it; False where it cannot be done.

        Where it takes longer than ``patience`` seconds the processes of the runs are ended, for one may hang: what is on
        the disk has to do then, and it gets as much time once more.
        """
        session, begun, done = self._session, threading.Event(), threading.Event()
        if session is None or self._moving == "launch":
            return False

        def work() -> None:
            begun.set()
            try:
                job(session)
            finally:
                done.set()

        def pause() -> None:
            while not begun.wait(_AGAIN):  # a script that has not begun to move does not hear it
                session.pause()

        if self._moving is not None:
            self._aside(pause)
        self._waiting.clear()
        self._mover.put("last", work)
        if not self._watchdog.is_silent and done.wait(patience):
            return True
        session.give_up("it did not answer")
        return done.wait(patience)

    def touch(self) -> None:
        """Have everything shown anew, because something at this stop was changed (evaluated, edited)."""
        if self._stop is not None:
            self._emit_stop({**self._stop, "revision": self._stop.get("revision", 0) + 1})

    def _after_pause(self, what: str, job: Callable[[], Any]) -> None:
        if self._moving in FAR and self._session is not None:
            self._ask_to_pause(self._session)
        self._start(what, job, replaceable=False)

    def _start(self, what: str, job: Callable[[], Stop | None], replaceable: bool = True) -> None:
        """Do it in the mover's thread now, or when that has finished what it does and what waits for it.

        Of moves that wait one after the other only the newest is kept, where they are ``replaceable``.
        """
        if self._moving is None and not self._waiting:
            self._put(what, job)
            return
        if replaceable and self._waiting and self._waiting[-1][2]:
            self._waiting.pop()
        self._waiting.append((what, job, replaceable))
