"""What a link tells the window: its signals, in one place for the true link and for those that stand in for it."""

from __future__ import annotations

from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal


class LinkSignals(QObject):
    """The signals of a link.

    Attributes:
        begins: what ``starting`` has said last, for who is made while a process starts.

    Signals:
        stopped(dict): the script stands somewhere: body of the protocol's event; also after a switch of runs.
        resumed(): a move takes longer than a blink.
        idle(): what was running has ended without a new stop.
        snapped(dict): event ``snapshot`` of the current run: what a step of a free run looked like.
        progressed(dict), output(category, text), diagnosed(dict), breakpoint_changed(dict): events of the current run.
        runs_changed(list): see ``State.runs``. Not before ``stopped``, whose listeners look at :attr:`runs`.
        failed(message): something was refused.
        mended(message): what ``failed`` has said does not hold any more.
        lost(message): the engine process is gone.
        ended(dict): the process that was attached to has come to its end by itself: how, as a
            :class:`engine.debug.run.Stop`.
        starting(what): what the engine process is doing until it is ready; "" when it is.
        working(what): what is done with the session that may take long; "" when it is done.
        closed(): there is no script any more.
        silent(kind), answering(): see :class:`gui.watchdog.Watchdog`; the link's ``keep_waiting`` and ``end_engine`` answer.
    """

    stopped = pyqtSignal(dict)
    resumed = pyqtSignal()
    idle = pyqtSignal()
    progressed = pyqtSignal(dict)
    snapped = pyqtSignal(dict)
    output = pyqtSignal(str, str)
    diagnosed = pyqtSignal(dict)
    breakpoint_changed = pyqtSignal(dict)
    runs_changed = pyqtSignal(list)
    failed = pyqtSignal(str)
    mended = pyqtSignal(str)
    lost = pyqtSignal(str)
    ended = pyqtSignal(dict)
    starting = pyqtSignal(str)
    working = pyqtSignal(str)
    closed = pyqtSignal()
    silent = pyqtSignal(str)
    answering = pyqtSignal()

    begins = ""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.starting.connect(self._begin_with)

    def _begin_with(self, what: str) -> None:
        self.begins = what

    @property
    def runs(self) -> list[dict[str, Any]] | None:
        """The runs as ``State.runs`` holds them; None where there is no session."""
        return None
