"""Asking the engine process without waiting: of the questions of one key only the newest is answered."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable
from typing import Any

from engine.debug.protocol import ProtocolError
from engine.debug.session import ConnectionLost, RequestError, Session, SessionError
from gui.work import Jobs, Posts

#: What a session may raise where something cannot be done; everything else is a fault of ours.
REFUSALS = (RequestError, ConnectionLost, SessionError, ProtocolError, TimeoutError, OSError)

#: Seconds that a move waits at most for the settings that were asked for before it.
_SETTLING = 10.0

#: What is said of a question that finds no process.
_LOST = "The engine process is gone. Restart the script (Ctrl+Shift+F5), or replay it to here."
_PARTED = "The process that was attached to is gone. Attach again once it listens."
LOST = (_LOST, _PARTED)

Then = Callable[[dict[str, Any]], object]
Otherwise = Callable[[str], object]


def unless_lost(tell: Otherwise) -> Otherwise:
    """``tell``, but for what :data:`LOST` says: that is told for all questions at once, with what to do."""
    return lambda why: None if why in LOST else tell(why)


class Asking:
    """Questions, in threads of their own.

    Args:
        posts: brings the answers into the window's thread.
        current: the session that is there now.
        gone: called in the window's thread when a question finds no process.
    """

    def __init__(self, posts: Posts, current: Callable[[], Session | None], gone: Callable[[], object]) -> None:
        self._posts = posts
        self._current = current
        self._gone = gone
        self._jobs = Jobs(3, "ask")
        self._newest: dict[Hashable, int] = {}
        #: The newest answer of each key, with its question: what is on the screen.
        self.answered: dict[Hashable, tuple[str, dict[str, Any], dict[str, Any]]] = {}
        #: Answers out of a session's file while that has no process yet: (key, command, arguments) -> body.
        self.saved: Callable[[Hashable, str, dict[str, Any]], dict[str, Any] | None] | None = None
        self._numbers = itertools.count(1)

    def ask(
        self, key: Hashable, command: str, arguments: dict[str, Any], then: Then, otherwise: Otherwise | None = None,
        run: int | None = None,
    ) -> None:  # fmt: skip
        """See :meth:`gui.link.Link.ask`."""
        number = self._newest[key] = next(self._numbers)
        session = self._current()
        if session is None and self.saved is not None:
            body = self.saved(key, command, arguments)
            if body is not None:
                self._posts.post(lambda: self._newest.get(key) == number and self._current() is None and then(body))
            return
        if session is None:
            if otherwise is not None:
                self._posts.post(lambda: otherwise("No script is open."))
            return

        def finish(callback: Callable[[Any], object] | None, value: Any) -> None:
            if callback is not None and self._newest.get(key) == number and self._current() is session:
                callback(value)

        def job() -> None:
            if self._newest.get(key) != number:
                return
            try:
                body = send(session, command, arguments) if run is None else send_to(session, run, command, arguments)
            except RequestError as error:
                # What needs a stop is asked again at the next one.
                if error.id != "notStopped":
                    self._posts.post(lambda text=str(error): finish(otherwise, text))
            except ConnectionLost:
                why = _PARTED if session.program is None else _LOST
                self._posts.post(lambda: (self._gone(), finish(otherwise, why)))
            except REFUSALS as error:
                self._posts.post(lambda text=str(error): finish(otherwise, text))
            else:
                self._posts.post(lambda: (self._keep(key, number, command, arguments, body), finish(then, body)))

        self._jobs.put(key, job)

    @property
    def idle(self) -> bool:
        """Whether all questions are answered."""
        return self._jobs.idle

    def wait_for_settings(self) -> None:
        """Wait, in another thread than the window's, until the settings that were asked for have reached the engine.

        It does not wait for long: a run that hangs is asked too, and must not hold up the others.
        """
        self._jobs.wait_for(lambda key: isinstance(key, tuple) and key[:1] == ("setting",), _SETTLING)

    def forget(self, key: Hashable) -> None:
        """An answer to this key is not wanted any more."""
        self._newest.pop(key, None)
        self.answered.pop(key, None)

    def forget_all(self) -> None:
        """No answer is wanted any more."""
        self._newest.clear()
        self.answered.clear()
        self.saved = None

    def _keep(self, key: Hashable, number: int, command: str, arguments: dict[str, Any], body: dict[str, Any]) -> None:
        if self._newest.get(key) == number:
            self.answered[key] = command, arguments, body

    def close(self) -> None:
        """End the threads."""
        self._jobs.close()

    def join(self, timeout: float) -> bool:
        """Whether the threads have ended within ``timeout`` seconds each."""
        return self._jobs.join(timeout)


def send(session: Session, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Ask ``session``; what is a setting is remembered there for all its runs."""
    if command.startswith("set") and command.endswith(("Breakpoints", "Watchpoints")):
        return session.configure(command, **arguments)
    if command in ("statistics", "diagnostics") and "enabled" in arguments:
        return session.listen_to(command, **arguments)
    return session.request(command, **arguments)


def send_to(session: Session, number: int, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Ask a run of ``session`` that need not be the current one; that its process is gone is a refusal then."""
    run = session.find(number)
    try:
        return run.client.request(command, **arguments)
    except ConnectionLost:
        if run is session.current:
            raise
        raise SessionError(f"{run.name} cannot be asked: its process is gone; switch to it and step back") from None


def runs_of(session: Session) -> list[dict[str, Any]]:
    """The runs of a session as the state holds them."""
    return [
        {
            "name": run.name, "number": run.number, "state": run.state, "current": run is session.current,
            "parent": run.parent.number if run.parent else None, "parameters": list(run.parameters),
            "assigned": list(run.assigned), "edits": len(run.edits),
            "forkedAt": list(run.forked_at) if run.forked_at else None,
            "position": list(run.stop.position) if run.stop and run.stop.position else None,
            "replayable": run.recording is not None, "process": run.client.pid,
        }
        for run in session.runs
    ]  # fmt: skip
