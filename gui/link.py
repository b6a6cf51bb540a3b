"""``Link``: the one object of the window that speaks to the engine process. It never lets the window wait."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal

from engine.debug.session import RequestError, Run, Session, Stop
from gui.asking import REFUSALS, Asking, Otherwise, Then, runs_of, send
from gui.timers import repeating, single_shot
from gui.work import Jobs, Latest, Posts

#: Milliseconds that a move may take before the window shows that the script runs.
_BLINK = 90
#: Milliseconds between looks whether the engine process is still there.
_LOOK = 400
#: Milliseconds at a stop after which the tape is written, so that a process that dies can be replayed to there.
_FLUSH = 300
#: Characters of output that may wait to be shown.
_OUTPUT = 200_000

#: Moves that may take long: what is wanted during one of them has to wait for a pause, or is dropped.
_FAR = ("continue", "reverseContinue", "runTo")


class Link(QObject):
    """See :meth:`launch`, :meth:`ask`, :meth:`move`. All methods are called in the window's thread and return at once.

    Signals:
        stopped(dict): the script stands somewhere: body of the protocol's event; also after a switch of runs.
        resumed(): a move takes longer than a blink.
        idle(): what was running has ended without a new stop.
        progressed(dict), output(category, text), diagnosed(dict), breakpoint_changed(dict): events of the current run.
        runs_changed(list): see ``State.runs``.
        failed(message): something was refused.
        lost(message): the engine process is gone.
        starting(what): what the engine process is doing until it is ready; "" when it is.
        closed(): there is no script any more.
    """

    stopped = pyqtSignal(dict)
    resumed = pyqtSignal()
    idle = pyqtSignal()
    progressed = pyqtSignal(dict)
    output = pyqtSignal(str, str)
    diagnosed = pyqtSignal(dict)
    breakpoint_changed = pyqtSignal(dict)
    runs_changed = pyqtSignal(list)
    failed = pyqtSignal(str)
    lost = pyqtSignal(str)
    starting = pyqtSignal(str)
    closed = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._posts = Posts(self)
        self._latest = Latest(self._posts, self._arrived)
        self._asking = Asking(self._posts, lambda: self._session, self._look)
        self._mover = Jobs(1, "move")
        self._asides: list[threading.Thread] = []
        self._session: Session | None = None
        self._launched: dict[str, Any] | None = None
        self._settings: dict[tuple[str, str], tuple[str, dict[str, Any], Then | None]] = {}
        self._generation = 0
        self._moving: str | None = None
        self._next: Callable[[], None] | None = None
        self._stop: dict[str, Any] | None = None
        self._gone = False
        self._blink = single_shot(self, _BLINK, self.resumed.emit)
        self._flush = single_shot(self, _FLUSH, self._write_tape)
        self._watch = repeating(self, _LOOK, self._look)

    # ------------------------------------------------------------------------------------------------ beginning

    @property
    def active(self) -> bool:
        """Whether there is a session."""
        return self._session is not None

    @property
    def moving(self) -> bool:
        """Whether the script runs, or is being started."""
        return self._moving is not None

    def launch(
        self, path: str, parameters: Sequence[str] = (), as_torch: bool = False, arguments: Sequence[str] = ()
    ) -> None:
        """Start a script in a process of its own, in the place of what there is, and stop at its first line."""
        self._launched = {
            "path": path, "parameters": tuple(parameters), "as_torch": as_torch, "arguments": tuple(arguments),
        }  # fmt: skip
        self._begin(
            "Starting the engine process",
            lambda on_event: Session.launch(
                path, arguments, parameters=parameters, as_torch=as_torch, capture_output=True, on_event=on_event, spare=True
            ),
        )

    def attach(self, host: str, port: int, key: str) -> None:
        """Join a process that called ``engine.debug.listen()``, and pause it."""
        self._launched = None
        self._begin(f"Connecting to {host}:{port}", lambda on_event: Session.attach(host, port, key, on_event=on_event))

    def _begin(self, what: str, make: Callable[[Any], Session]) -> None:
        self._end_session()
        generation = self._generation
        self._moving, self._gone = "launch", False
        self.starting.emit(what)

        def current() -> bool:
            return self._generation == generation

        def on_event(run: Run, message: dict[str, Any]) -> None:
            if current() and (self._session is None or self._session.current is run):
                self._event(message)

        def job() -> None:
            if not current():
                return
            try:
                session = make(on_event)
            except REFUSALS as error:
                self._posts.post(lambda error=error: current() and self._not_begun(str(error)))
                return
            try:
                self._posts.post(lambda: current() and self._take(session))
                for command, arguments, then in list(self._settings.values()):
                    with suppress(RequestError):
                        body = send(session, command, arguments)
                        self._post_answer(then, body)
                stop = session.start() if current() else None
            except REFUSALS as error:
                session.close()
                self._posts.post(lambda error=error: current() and self._not_begun(str(error)))
                return
            if stop is None or not current():
                session.close()
                return
            self._posts.post(lambda: self._arrive(session, stop))

        self._mover.put(("launch", generation), job)

    def _take(self, session: Session) -> None:
        self._session = session
        self._watch.start()
        self.starting.emit("Running the script up to its first line")

    def _not_begun(self, message: str) -> None:
        self._session, self._moving = None, None
        self._watch.stop()
        self.starting.emit("")
        self.failed.emit(message)
        self.closed.emit()

    # ------------------------------------------------------------------------------------------------ asking

    def ask(
        self, key: Hashable, command: str, arguments: dict[str, Any], then: Then, otherwise: Otherwise | None = None
    ) -> None:
        """Ask the current run. Of the asks of one key only the newest is answered, by ``then(body)`` or
        ``otherwise(message)`` in the window's thread. Arrays in the body
        are the protocol's; ``.numpy()`` makes them NumPy's.
        """
        self._asking.ask(key, command, arguments, then, otherwise)

    def forget(self, key: Hashable) -> None:
        """An answer to this key is not wanted any more."""
        self._asking.forget(key)

    # ---- settings: they also hold for the scripts that are started later ----

    def configure(self, command: str, arguments: dict[str, Any], then: Then | None = None) -> None:
        """A setting: a request ``set...`` or one that switches statistics or diagnostics; ``then`` whenever it is sent."""
        name = str((arguments.get("source") or {}).get("path", ""))
        self._settings[command, name] = command, arguments, then
        if self._session is not None:
            self.ask(("setting", command, name), command, arguments, then or (lambda body: None), self.failed.emit)

    def set_breakpoints(self, path: str, breakpoints: list[dict[str, Any]], then: Then | None = None) -> None:
        """Replace the breakpoints of a file (the protocol's SourceBreakpoints)."""
        self.configure("setBreakpoints", {"source": {"path": path}, "breakpoints": breakpoints}, then)

    def set_watchpoints(self, watchpoints: list[dict[str, Any]], then: Then | None = None) -> None:
        """Replace the watchpoints."""
        self.configure("setWatchpoints", {"breakpoints": watchpoints}, then)

    # ------------------------------------------------------------------------------------------------ moving

    def move(self, command: str, **arguments: Any) -> None:
        """Move the current run: a request of the protocol that moves, or "pause".

        While the script runs freely everything but "pause" is dropped; during a shorter move the newest one waits.
        """
        session = self._session
        if session is None:
            if self._moving is None:
                self.failed.emit("No script is open. Open one (Ctrl+O) or choose a sample.")
        elif command == "pause":
            if self._moving is not None:
                self._aside(session.pause)
        elif self._moving in _FAR or self._moving == "launch":
            return
        elif command == "goto" and "position" in arguments:
            self._start(command, lambda: session.travel(arguments["position"]))
        else:
            self._start(command, lambda: session.step(command, **arguments))

    def fork(self, edits: Sequence[dict[str, Any]], name: str | None = None, parameters: Sequence[str] = ()) -> None:
        """A second run from here on, changed by ``edits``; it becomes current."""
        session = self._session
        if session is not None:
            self._after_pause("fork", lambda: session.fork(edits, name, parameters=parameters).stop)

    def restart(self, parameters: Sequence[str] | None = None, name: str | None = None) -> None:
        """Begin anew; with ``parameters`` (``NAME=VALUE``) as another run beside the current one."""
        session = self._session
        if session is not None and session.program is not None:
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

        if session is not None:
            self._after_pause("compare", job)

    def touch(self) -> None:
        """Have everything shown anew, because something at this stop was changed (evaluated, edited)."""
        if self._stop is not None:
            self._emit_stop({**self._stop, "revision": self._stop.get("revision", 0) + 1})

    def _after_pause(self, what: str, job: Callable[[], Any]) -> None:
        if self._moving in _FAR and self._session is not None:
            self._aside(self._session.pause)
        self._start(what, job)

    def _start(self, what: str, job: Callable[[], Stop | None]) -> None:
        """Do it in the mover's thread now, or, instead of what waits, when that has finished what it does."""
        if self._moving is not None:
            self._next = lambda: self._start(what, job)
            return
        session = self._session
        assert session is not None
        self._moving = what
        self._blink.start()

        def work() -> None:
            try:
                stop = job()
            except REFUSALS as error:
                self._posts.post(lambda text=str(error): self._refused(session, text))
            except Exception as error:
                logging.getLogger(__name__).exception("%s failed", what)
                self._posts.post(lambda text=f"{what}: {error!r}": self._refused(session, text))
            else:
                self._posts.post(lambda: self._arrive(session, stop))

        self._mover.put("move", work)

    # ------------------------------------------------------------------------------------------------ arriving

    def _arrive(self, session: Session, stop: Stop | None) -> None:
        """A move is done; ``stop`` is None where it led nowhere else."""
        if self._session is not session:
            return
        began, self._moving = self._moving == "launch", None
        self._blink.stop()
        if began:
            self.starting.emit("")
        self.runs_changed.emit(runs_of(session))
        following, self._next = self._next, None
        if stop is None:
            self.idle.emit()
        elif stop.reason == "lost":
            self._lose(session, stop)
        else:
            self._gone = False
            self._flush.start()
            self._emit_stop(dict(stop))
        if following is not None and self._session is session:
            following()

    def _emit_stop(self, stop: dict[str, Any]) -> None:
        self._stop = stop
        self.stopped.emit(stop)

    def _write_tape(self) -> None:
        session = self._session
        if session is not None and session.current.recording is not None and self._moving is None:
            self.ask(("link", "flush"), "flushRecording", {}, lambda _: None)

    def _refused(self, session: Session, message: str) -> None:
        if self._session is session:
            self._moving = self._next = None
            self._blink.stop()
            self.idle.emit()
            self.failed.emit(message)
            self._look()

    def _lose(self, session: Session, stop: dict[str, Any]) -> None:
        if not self._gone:
            self._gone = True
            self.runs_changed.emit(runs_of(session))
            self.idle.emit()
            self.lost.emit(str(stop.get("description", "")))

    def _look(self) -> None:
        """Notice that the process has gone while nobody was waiting for it."""
        session = self._session
        if session is None or self._moving is not None or self._gone or session.current.stop is None:
            return
        if (why := session.current.client.lost) and session.current.state != "ended":
            self._lose(session, session.current.lose(why))

    def _event(self, message: dict[str, Any]) -> None:
        """An event, in a thread of the client's."""
        name, body = message["event"], message["body"]
        if name == "progress":
            self._latest.put("progress", body)
        elif name == "output":
            self._latest.put("output", [(body["category"], body["output"])], _join_output)
        elif name == "diagnostic":
            self._posts.post(lambda: self.diagnosed.emit(body))
        elif name == "breakpoint":
            self._posts.post(lambda: self.breakpoint_changed.emit(body))

    def _arrived(self, values: dict[str, Any]) -> None:
        if "progress" in values:
            self.progressed.emit(values["progress"])
        for category, text in values.get("output", ()):
            self.output.emit(category, text)

    def _post_answer(self, then: Then | None, body: dict[str, Any]) -> None:
        if then is not None:
            self._posts.post(lambda: then(body))

    # ------------------------------------------------------------------------------------------------ ending

    def stop(self) -> None:
        """End the script and its processes, also where it hangs."""
        if self._session is not None or self._moving is not None:
            self._end_session()
            self.starting.emit("")
            self.runs_changed.emit([])
            self.closed.emit()

    def _end_session(self) -> None:
        self._generation += 1
        session, self._session = self._session, None
        self._moving = self._next = self._stop = None
        self._asking.forget_all()
        for timer in (self._blink, self._watch, self._flush):
            timer.stop()
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

    def close(self, timeout: float = 8.0) -> bool:
        """End everything; whether all threads have ended within ``timeout`` seconds."""
        self._end_session()
        self._posts.close()
        self._mover.close()
        self._asking.close()
        for thread in self._asides:
            thread.join(timeout)
        ended = self._mover.join(timeout) and self._asking.join(timeout)
        return ended and not any(thread.is_alive() for thread in self._asides)


def _join_output(old: list[tuple[str, str]], new: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """One list of both, neighbours of one category joined; of too much the oldest part is left out."""
    for category, text in new:
        if old and old[-1][0] == category:
            old[-1] = category, (old[-1][1] + text)[-_OUTPUT:]
        else:
            old.append((category, text))
    return old[-200:]
