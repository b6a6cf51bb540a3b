"""``Link``: the one object of the window that speaks to the engine process. It never lets the window wait."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from gui.asking import Then, unless_lost
from gui.linking.moving import Moving


class Link(Moving):
    """See :meth:`launch`, :meth:`ask`, :meth:`move`. All methods are called in the window's thread and return at once.

    Its signals are those of :class:`gui.linking.signals.LinkSignals`.
    """

    def show_saved(self, answer: Callable[[Hashable, str, dict[str, Any]], dict[str, Any] | None]) -> None:
        """Until there is a session again, answer asks from a file: ``answer(key, command, arguments)`` or None."""
        self._asking.saved = answer

    def answers_given(self) -> dict[Hashable, tuple[str, dict[str, Any], dict[str, Any]]]:
        """By key the newest question of each that was answered: command, arguments, body."""
        return dict(self._asking.answered)

    def configure(self, command: str, arguments: dict[str, Any], then: Then | None = None) -> None:
        """A setting: a request ``set...`` or one that switches statistics or diagnostics; ``then`` whenever it is sent."""
        name = str((arguments.get("source") or {}).get("path", ""))
        self._settings[command, name] = command, arguments, then
        if self._session is not None:
            refused = unless_lost(self.failed.emit)
            self.ask(("setting", command, name), command, arguments, then or (lambda body: None), refused)

    def set_breakpoints(self, path: str, breakpoints: list[dict[str, Any]], then: Then | None = None) -> None:
        """Replace the breakpoints of a file (the protocol's SourceBreakpoints)."""
        self.configure("setBreakpoints", {"source": {"path": path}, "breakpoints": breakpoints}, then)

    def set_watchpoints(self, watchpoints: list[dict[str, Any]], then: Then | None = None) -> None:
        """Replace the watchpoints."""
        self.configure("setWatchpoints", {"breakpoints": watchpoints}, then)

    def hold_back(self) -> None:
        """Bring nothing into the window until :meth:`release`: who is to hear of it is not there yet."""
        self._posts.hold()

    def release(self) -> None:
        """Bring what has been held back, and what comes from now on."""
        self._posts.release()

    def keep_waiting(self) -> None:
        """It may take its time: be silent about it for as long once more."""
        self._watchdog.wait()

    @property
    def engine_halted(self) -> bool:
        """Whether a signal has halted the process of the current run."""
        return self._session is not None and self._session.current.client.halted

    def resume_engine(self) -> None:
        """Let that process go on."""
        if self._session is not None:
            self._session.current.client.resume()
            self.keep_waiting()

    def end_engine(self) -> None:
        """End the process of the current run at once, whatever it does; of one that was attached to only the connection.

        The signal ``lost`` follows.
        """
        session = self._session
        if session is None:
            self.stop()
        else:
            ended = "it did not answer and was ended" if session.current.client.launched else "it did not answer"
            self._aside(lambda: session.current.client.kill(ended))

    def stop(self) -> None:
        """End the script and its processes, also where it hangs."""
        if self._session is not None or self._moving is not None or self._asking.saved is not None:
            self._end_session()
            self.starting.emit("")
            self.runs_changed.emit([])
            self.closed.emit()

    def close(self, timeout: float = 8.0) -> bool:
        """End everything; whether all threads have ended within ``timeout`` seconds."""
        self._end_session()
        self._posts.close()
        self._mover.close()
        self._asking.close()
        self._watchdog.close()
        for thread in self._asides:
            thread.join(timeout)
        ended = self._mover.join(timeout) and self._asking.join(timeout) and self._watchdog.join(timeout)
        return ended and not any(thread.is_alive() for thread in self._asides)
