"""What is done in the mover's thread, and what comes from the engine process: where a move has led, and events."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import QObject

from engine.debug.session import Session, Stop
from gui.asking import REFUSALS, runs_of
from gui.linking.core import Core
from gui.live import joined
from gui.timers import repeating
from gui.work import Latest

#: Milliseconds after which a pause is asked for again while the script has not stopped.
_PAUSE = 150
#: Moves that may take long: what is wanted during one of them has to wait for a pause, or is dropped.
FAR = ("continue", "reverseContinue", "runTo")
#: What waits for the run to stand, and lets it stand: it is not shown as running meanwhile.
_BESIDE = ("compare", "save", "drop")
#: Characters of output that may wait for the window, which has other things to do at times.
_OUTPUT = 200_000


class Arriving(Core):
    """Does what waits one after the other, takes in stops and events, and tells them by signals."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._latest = Latest(self._posts, self._arrived)
        self._pause = repeating(self, _PAUSE, self._pause_again)
        self._timers.append(self._pause)

    def _arrive(self, session: Session, stop: Stop | None) -> None:
        """A move is done; ``stop`` is None where it led nowhere else."""
        if self._session is not session:
            return
        began, self._moving = self._moving == "launch", None
        self._blink.stop()
        self._pause.stop()
        self._watchdog.stood()
        if began:
            self.starting.emit("")
        gone = stop is not None and (stop.reason == "lost" or (stop.reason == "exited" and session.program is None))
        if stop is None or gone:
            self.runs_changed.emit(runs_of(session))
        if stop is None:
            self._flush.start()  # it may have kept the tape from being written
            self.idle.emit()
        elif gone:
            self._gone = False  # told again, where it was known: else the key that was pressed would do nothing
            self._lose(session, stop)
        else:  # who hears of the stop looks at the runs too
            self._gone = False
            self._flush.start()
            self._emit_stop(dict(stop))
        self._go_on(session)

    def _refused(self, session: Session, message: str) -> None:
        if self._session is session:
            self._moving = None
            # Moves that wait were wanted from where this one led; the others are wanted anywhere.
            kept = [entry for entry in self._waiting if not entry[2]]
            self._waiting.clear()
            self._waiting.extend(kept)
            self._blink.stop()
            self._pause.stop()
            self.idle.emit()
            self._refuse(message)
            self._flush.start()
            self._look()
            self._go_on(session)

    def _go_on(self, session: Session) -> None:
        """The run stands: do what has waited longest, if it is still there."""
        if self._session is session and self._moving is None and self._waiting:
            what, job, _ = self._waiting.popleft()
            self._put(what, job)
            if what in FAR and self._waiting:
                self._ask_to_pause(session)  # else the rest would wait for as long as the script runs

    def _put(self, what: str, job: Callable[[], Stop | None]) -> None:
        session = self._session
        assert session is not None
        self._moving = what
        if what not in _BESIDE:
            self._blink.start()

        def work() -> None:
            self._asking.wait_for_settings()  # a breakpoint that was set before a move holds for it
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

    def _ask_to_pause(self, session: Session) -> None:
        self._aside(session.pause)
        # The script may not have begun to move: then it does not hear this, and is asked again.
        self._pause.start()

    def _event(self, message: dict[str, Any]) -> None:
        """An event, in a thread of the client's."""
        name, body = message["event"], message["body"]
        if name == "progress":
            self._latest.put("progress", body)
        elif name == "snapshot":
            self._latest.put("snapshot", body, joined)
        elif name == "output":
            self._latest.put("output", [(body["category"], body["output"])], _join_output)
        elif name == "diagnostic":
            self._posts.post(lambda: self.diagnosed.emit(body))
        elif name == "breakpoint":
            self._posts.post(lambda: self.breakpoint_changed.emit(body))

    def _arrived(self, values: dict[str, Any]) -> None:
        if "progress" in values:
            self.progressed.emit(values["progress"])
        if "snapshot" in values and self._moving is not None:
            self.snapped.emit(values["snapshot"])
        for category, text in values.get("output", ()):
            self.output.emit(category, text)

    def _pause_again(self) -> None:
        if self._session is not None and self._moving is not None:
            self._aside(self._session.pause)
        else:
            self._pause.stop()


def _join_output(old: list[tuple[str, str]], new: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """One list of both, neighbours of one category joined; of too much the oldest part is left out."""
    for category, text in new:
        if old and old[-1][0] == category:
            old[-1] = category, (old[-1][1] + text)[-_OUTPUT:]
        else:
            old.append((category, text))
    return old[-200:]
