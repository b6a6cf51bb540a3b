"""The Network panel's events: asks for those up to the stop, as many as it takes to know what each node has computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gui.network.log import KINDS, EventLog

if TYPE_CHECKING:
    from gui.panels.panel import Panel

#: Events asked for at once.
EVENTS = 5000


class Events:
    """Args:
        arrived: is called when all events up to the stop are known, with the number of the oldest that is to be had.

    Attributes:
        log: what is known.
    """

    def __init__(self, panel: Panel, arrived: Callable[[int], object]) -> None:
        self._panel, self._arrived = panel, arrived
        self.log = EventLog()
        #: The stop whose events are on their way: before they are here nobody knows what is old there.
        self._awaited: Any = None

    @property
    def awaited(self) -> bool:
        """Whether those up to the stop are still on their way."""
        return self._awaited is not None and self._awaited is self._panel.state.stop

    def ask(self) -> None:
        """Ask for the events up to the stop: those that are new, or where these are very many, for the newest alone."""
        stop, log = self._panel.state.stop, self.log
        at, self._awaited = (stop or {}).get("seq"), stop
        if at is not None and log.next and at >= log.next + EVENTS:
            log.clear()
        start: int | None = log.next or None
        if at is not None and log.first is not None and at < log.first and not log.complete:
            # Back to before what is known.
            log.clear()
            start = max(0, at - EVENTS // 2)
        arguments = {"kinds": KINDS, "count": EVENTS, **({} if start is None else {"from": start})}

        def answered(body: dict[str, Any]) -> None:
            self._take(body, start, at)

        def refused(message: str) -> None:
            self._awaited = None
            self._panel.head.set_problem(message)

        self._panel.ask("events", "events", arguments, answered, refused)

    def _take(self, body: dict[str, Any], start: int | None, at: int | None) -> None:
        """Take in an answer; those from ``start`` on were asked for, at event ``at``."""
        events, oldest, log = body["events"], body.get("first") or 0, self.log
        log.extend(events, oldest)
        if start is None or log.first is None or log.first <= oldest:
            log.complete = len(events) < EVENTS
        if len(events) >= EVENTS and start is not None:
            if at is not None and log.next > at:
                self._arrived(oldest)
            if at is None:
                log.clear()  # where it stands the newest ones tell, and what lies between is not needed
            self.ask()
            return
        if body.get("last") is not None:
            log.next = max(log.next, body["last"] + 1)
        self._awaited = None
        self._arrived(oldest)
