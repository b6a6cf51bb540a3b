"""How a link begins: a script is started, a session out of a file is brought back, a process is joined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from engine.debug.session import RequestError, Run, Session, Stop
from gui.asking import REFUSALS, Otherwise, send
from gui.linking.arriving import Arriving

#: What is to be looked at where a process cannot be joined.
_LISTENS = "engine.debug.listen() in the process prints the address and the key."
#: How it begins what is said of a script that has not come to its first line.
NOT_BEGUN = "The script could not begin: "


class Beginning(Arriving):
    """Begins sessions, in the mover's thread."""

    def launch(
        self, path: str, parameters: Sequence[str] = (), as_torch: bool = False, arguments: Sequence[str] = (),
        cwd: str | None = None,
    ) -> None:  # fmt: skip
        """Start a script in a process of its own, in the place of what there is, and stop at its first line."""
        self._launched = {
            "path": path, "parameters": tuple(parameters), "as_torch": as_torch, "arguments": tuple(arguments), "cwd": cwd,
        }  # fmt: skip
        self._begin(
            "Starting the engine process",
            lambda on_event, comes: Session.launch(
                path, arguments, parameters=parameters, as_torch=as_torch, cwd=cwd, capture_output=True, on_event=on_event,
                spare=True, on_session=comes,
            ),
            lambda error: f"{NOT_BEGUN}{error}",
        )  # fmt: skip

    def resume(
        self, path: str, parameters: Sequence[str], as_torch: bool, arguments: Sequence[str], cwd: str | None,
        bring: Callable[[Session], Any], then: Callable[[Any], object], otherwise: Otherwise,
    ) -> None:  # fmt: skip
        """Start a session whose runs ``bring(session)`` brings back, in the mover's thread; ``then`` gets what that has
        returned. Where it raises what a session raises, ``otherwise(message)`` is called instead; :meth:`abandon` ends it.
        """
        self._end_session(forget=False)
        generation = self._generation
        self._moving, self._gone = "launch", False
        self._launched = {
            "path": path, "parameters": tuple(parameters), "as_torch": as_torch, "arguments": tuple(arguments), "cwd": cwd,
        }  # fmt: skip
        try:
            session = self._coming = Session.reopen(
                path, arguments, as_torch=as_torch, cwd=cwd, capture_output=True, spare=True,
                on_event=self._listener(generation),
            )  # fmt: skip
        except OSError as error:  # no folder for its tapes
            self._not_resumed(str(error), otherwise)
            return
        for command, settings, _ in self._settings.values():
            session.preset(command, **settings)

        def job() -> None:
            try:
                result = bring(session)
            except REFUSALS as error:
                session.close()
                text = str(error)
                self._posts.post(lambda: self._generation == generation and self._not_resumed(text, otherwise))
                return
            if self._generation != generation:
                session.close()
                return
            self._posts.post(lambda: self._generation == generation and self._resumed(session, result, then))

        self._mover.put(("launch", generation), job)

    def _resumed(self, session: Session, result: Any, then: Callable[[Any], object]) -> None:
        self._session, self._coming, self._asking.saved = session, None, None
        self._watch.start()
        self._watchdog.begin()
        self._arrive(session, session.current.stop)
        for (command, name), (_, arguments, told) in list(self._settings.items()):
            # They hold already; what became of each breakpoint is known only now.
            self.ask(("setting", command, name), command, arguments, told or (lambda _: None), lambda _: None)
        then(result)

    def _not_resumed(self, message: str, otherwise: Otherwise) -> None:
        self._coming = self._moving = None
        self.starting.emit("")
        otherwise(message)

    def abandon(self) -> None:
        """End what :meth:`resume` has begun; what is shown stays."""
        if self._coming is not None:
            self._end_session(forget=False)
            self.starting.emit("")

    def attach(self, host: str, port: int, key: str) -> None:
        """Join a process that called ``engine.debug.listen()``, and pause it."""

        def refused(error: Exception) -> str:
            cause = str(getattr(error, "strerror", None) or error).rstrip(".")
            return f"{host}:{port} cannot be joined: {cause}. {_LISTENS}"

        self._launched = None
        self._begin(
            f"Connecting to {host}:{port}",
            lambda on_event, comes: Session.attach(host, port, key, on_event=on_event, on_session=comes),
            refused,
        )

    def _begin(
        self, what: str, make: Callable[[Any, Any], Session], refused: Callable[[Exception], str]
    ) -> None:  # fmt: skip
        """``refused``: what is said of an error in the place of the session."""
        self._end_session()
        generation = self._generation
        self._moving, self._gone = "launch", False
        self._watchdog.begin()
        self.starting.emit(what)

        def current() -> bool:
            return self._generation == generation

        def job() -> None:
            if not current():
                return
            session = None
            try:
                session = make(self._listener(generation), self._comes(generation))
                stop = self._start_up(session, current)
            except REFUSALS as error:
                if session is not None:
                    session.close()
                text = refused(error)
                self._posts.post(lambda: current() and self._not_begun(text))
                return
            if stop is None or not current():
                session.close()
                return
            self._posts.post(lambda: self._arrive(session, stop))

        self._mover.put(("launch", generation), job)

    def _start_up(self, session: Session, current: Callable[[], bool]) -> Stop | None:
        """Up to the first stop; None where the session is not wanted any more."""
        self._posts.post(lambda: current() and self._take(session))
        attached = session.program is None
        if not attached:
            self._set_up(session)
        stop = session.start() if current() else None
        if attached and stop is not None and not stop.ended:
            self._set_up(session)  # only now: a script in one long call hears of it when it stands
        return stop

    def _set_up(self, session: Session) -> None:
        """Tell the process what is set."""
        for command, arguments, then in list(self._settings.values()):
            with suppress(RequestError):
                body = send(session, command, arguments)
                self._post_answer(then, body)

    def _listener(self, generation: int) -> Callable[[Run, dict[str, Any]], None]:
        """What hears the events of the session that is begun now, in a thread of the client's."""

        def on_event(run: Run, message: dict[str, Any]) -> None:
            if self._generation == generation and (self._session is None or self._session.current is run):
                self._event(message)

        return on_event

    def _comes(self, generation: int) -> Callable[[Session], None]:
        """What is told, in the mover's thread, of the session that is begun now, so that it can be ended meanwhile."""

        def comes(session: Session) -> None:
            self._coming = session
            if self._generation != generation:
                session.close()

        return comes

    def _take(self, session: Session) -> None:
        self._session, self._coming = session, None
        self._watch.start()
        if session.program is None:
            self._watchdog.stood()  # it is there; the script may take its time
            self._watchdog.paused()
            self.starting.emit("Pausing the script")
        else:
            self.starting.emit("Running the script up to its first line")

    def _not_begun(self, message: str) -> None:
        self._session = self._coming = self._moving = None
        self._waiting.clear()
        self._watch.stop()
        self._watchdog.end()
        self.starting.emit("")
        self.failed.emit(message)
        self.closed.emit()
