"""What a client has received and not fetched yet, and the thread that receives it."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from engine.debug.wire.arrays import ProtocolError
from engine.debug.wire.connection import Connection
from engine.debug.wire.process import Process

#: Seconds that a process whose connection has ended gets to end too, before it is said how it ended.
_GRACE = 2.0
_CLOSED = "the debuggee closed the connection"


class RequestError(Exception):
    """The debuggee could not do what it was asked. ``str()`` is its one clear sentence.

    Attributes:
        id: a key of ``ERRORS``.
        error: the details: ``id`` and what else belongs to it (``before`` and ``level`` for ``beyondHistory``).
        body: the whole body of the response.
    """

    def __init__(self, message: str, body: dict[str, Any]) -> None:
        super().__init__(message)
        error = body.get("error")
        self.error: dict[str, Any] = error if isinstance(error, dict) else {}
        self.id = str(self.error.get("id", "failed"))
        self.body = body


class ConnectionLost(Exception):
    """The debuggee is gone; the message says how, where that is known."""


class Inbox:
    """What has arrived and not been fetched. Shared by the client and its reader thread, which knows no client, so
    that a client that nobody holds any more can go."""

    def __init__(self, on_event: Callable[[dict], object] | None) -> None:
        self.changed = threading.Condition()
        self.events: deque[dict[str, Any]] = deque()
        self.answers: dict[int, dict[str, Any] | None] = {}
        self.lost: str | None = None
        self.on_event = on_event
        #: Body of the event ``terminated``, once it has come.
        self.goodbye: dict[str, Any] | None = None

    def add(self, message: dict[str, Any]) -> None:
        if message["type"] == "event":
            self.add_event(message)
            return
        with self.changed:
            if message.get("request_seq") in self.answers:  # else: whoever asked has given up
                self.answers[message["request_seq"]] = message
                self.changed.notify_all()

    def add_event(self, message: dict[str, Any]) -> None:
        if message["event"] == "terminated":
            self.goodbye = message["body"]
        try:
            if self.on_event and self.on_event(message) is True:
                return
        except Exception:
            logging.getLogger(__name__).exception("on_event failed for the event %r", message["event"])
        with self.changed:
            # Nobody wants the older of two reports on progress.
            if message["event"] == "progress" and self.events and self.events[-1]["event"] == "progress":
                self.events.pop()
            self.events.append(message)
            self.changed.notify_all()

    def lose(self, reason: str) -> None:
        with self.changed:
            self.lost = self.lost or reason
            self.changed.notify_all()

    def answer(self, seq: int, timeout: float | None) -> dict[str, Any] | None:
        """The response to the request ``seq``, for which a place is kept; None when the time is up."""
        with self.changed:
            self.changed.wait_for(lambda: self.answers[seq] is not None or self.lost is not None, timeout)
            if self.answers[seq] is None and self.lost is not None:
                raise ConnectionLost(self.lost)
            return self.answers[seq]

    def take(self, fits: Callable[[dict[str, Any]], bool], timeout: float | None) -> dict[str, Any] | None:
        """The oldest event that ``fits``, out of the queue; None when the time is up."""
        found: list[int] = []

        def find() -> bool:
            found[:] = [next((i for i, message in enumerate(self.events) if fits(message)), -1)]
            return found[0] >= 0

        with self.changed:
            self.changed.wait_for(lambda: find() or self.lost is not None, timeout)
            if find():
                message = self.events[found[0]]
                del self.events[found[0]]
                return message
            if self.lost is not None:
                raise ConnectionLost(self.lost)
        return None


def _give_way() -> None:
    """Have this thread wait until a processor is free, rather than take that of the very thread whose message woke it: a
    script that sends pictures was held up by 0.2 ms for each, and by 0.07 so.
    """
    if sys.platform == "linux":
        with suppress(OSError):  # where that is not allowed it goes on as it is
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def receive_all(connection: Connection, process: Process | None, inbox: Inbox) -> None:
    """The reader thread: sort what arrives until the connection ends, then say why it did."""
    reason = ""
    _give_way()
    try:
        while (message := connection.receive()) is not None:
            inbox.add(message)
    except ProtocolError as error:
        reason = f"the debuggee sent something that is no message: {error}"
    finally:  # whatever happens to this thread, nobody waits for it in vain
        connection.close()
        if process is not None and process.wait(_GRACE) is not None and not reason:
            reason = process.words()  # that it has closed its end as well goes without saying
        elif process is not None:
            reason = f"{reason or _CLOSED}; {process.words()}"
        inbox.lose(reason or _CLOSED)
