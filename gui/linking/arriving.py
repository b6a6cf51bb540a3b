"""What comes from the engine process: where a move has led, and the events on the way."""

from __future__ import annotations

from typing import Any

from PyQt6.QtCore import QObject

from engine.debug.session import Session, Stop
from gui.asking import runs_of
from gui.linking.core import Core
from gui.live import joined
from gui.timers import repeating
from gui.work import Latest

#: Milliseconds after which a pause is asked for again while the script has not stopped.
_PAUSE = 150
#: Characters of output that may wait to be shown.
_OUTPUT = 200_000


class Arriving(Core):
    """Takes in stops and events, and tells them by signals."""

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

    def _refused(self, session: Session, message: str) -> None:
        if self._session is session:
            self._moving = self._next = None
            self._blink.stop()
            self._pause.stop()
            self.idle.emit()
            self.failed.emit(message)
            self._look()

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
