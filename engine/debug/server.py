"""The debuggee's end of the socket: requests come in on a thread of their own and are answered where they may be.

What looks into the script or runs it on is answered on the script's thread: at once while it is stopped, else at its next
tick. What must work at any time (pause, breakpoints, status, terminate) is answered on the reader's thread.
"""

from __future__ import annotations

import queue
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from engine.debug.protocol import ArgumentsError, UnknownCommandError, check_request
from engine.debug.wire.arrays import ProtocolError
from engine.debug.wire.connection import Connection, error_response, event, response
from engine.debug.wire.messages import REQUESTS

#: Seconds that a request may wait for the script's next tick before it is told that the script is busy.
PATIENCE = 6.0

#: Seconds for which the end of the process waits for a client that does not read.
_FAREWELL = 1.0

#: Seconds between two looks at whether there is progress to report.
_HEARTBEAT = 1 / 30


class RequestFailedError(Exception):
    """A request that cannot be done; ``id`` is one of the protocol's errors, ``details`` go into its body."""

    def __init__(self, id: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.id, self.details = id, details


Handler = Callable[[dict[str, Any]], dict[str, Any] | None]


class Server:
    """One connection's requests.

    Args:
        connection: after its handshake.
        handle: answers a request (command, arguments) with a body; called on the thread that the request needs.
        attention: called on the reader's thread when requests wait for the script's next tick.
        progress: what to report while the script runs; None when nothing is new.
        lost: called on the reader's thread when the client is gone.
        begins: whether the script's thread waits for ``configurationDone``; else the script runs already, and that is
            answered at once.

    Attributes:
        parted: set when the client is gone, and all that was done for it is undone.
    """

    def __init__(
        self,
        connection: Connection,
        handle: Callable[[str, dict[str, Any]], dict[str, Any] | None],
        attention: Callable[[], None],
        progress: Callable[[], dict[str, Any] | None],
        lost: Callable[[], None],
        begins: bool,
    ) -> None:
        self._connection = connection
        self._begins = begins
        self._handle, self._attention, self._progress, self._lost = handle, attention, progress, lost
        self._waiting: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._overdue: dict[int, tuple[float, dict[str, Any]]] = {}
        self._lock = threading.Lock()
        #: Whether the script stands and its thread waits for requests.
        self.standing = False
        #: Until when (``time.monotonic``) others report the progress: the script waits for each thread that wakes.
        self.reported_until = 0.0
        self.closed = False
        self.parted = threading.Event()

    def start(self) -> None:
        """Begin to listen."""
        threading.Thread(target=self._read, name="nablascope-reader", daemon=True).start()
        threading.Thread(target=self._beat, name="nablascope-heartbeat", daemon=True).start()

    def send(self, name: str, body: dict[str, Any] | None = None) -> None:
        """Send an event; nothing happens where the client is gone."""
        self._send(event(name, body))

    def send_own(self, name: str, body: dict[str, Any]) -> bool:
        """Send an event, of which all names are the debugger's own, where nothing has to be waited for: whether it was
        sent, or the client is gone.
        """
        try:
            return self.closed or self._connection.send_own(event(name, body))
        except OSError:
            self.closed = True
            return True

    def say_goodbye(self, body: dict[str, Any]) -> None:
        """The process ends by itself: send ``terminated``, else the client takes it for killed."""
        if not self.closed:
            with suppress(OSError):  # the client is gone or hangs: it need not hear it
                self._connection.send_last(event("terminated", body), _FAREWELL)

    # ---- on the script's thread ----

    def wait(self) -> bool:
        """Answer the next request, however long it takes to come; False when the client is gone."""
        request = self._waiting.get()
        if request is None:
            return False
        self._answer_waiting(request)
        return True

    def attend(self) -> None:
        """Answer what is waiting, while the script runs."""
        while True:
            try:
                request = self._waiting.get_nowait()
            except queue.Empty:
                return
            if request is not None:
                self._answer_waiting(request)

    # ---- on the reader's thread ----

    def _read(self) -> None:
        while True:
            try:
                message = self._connection.receive()
            except (ProtocolError, OSError) as error:
                self.send("output", {"category": "console", "output": f"the connection is closed: {error}\n"})
                break
            if message is None:
                break
            if message["type"] != "request":
                continue
            try:
                check_request(message)
            except (ArgumentsError, UnknownCommandError) as error:
                self._send(error_response(message, error.id, str(error)))
                continue
            self._receive(message)
        self.closed = True
        self._connection.close()
        self._lost()
        self._waiting.put(None)
        self.parted.set()

    def _receive(self, message: dict[str, Any]) -> None:
        when = REQUESTS[message["command"]].when
        if when == "always" or (when == "start" and not self._begins):
            self._answer(message)
        elif when == "start":
            self._waiting.put(message)
        elif when == "stopped" and not self.standing:
            self._send(error_response(message, "notStopped", f"{message['command']}: the script runs; pause it first"))
        else:
            with self._lock:
                self._overdue[message["seq"]] = (time.monotonic() + PATIENCE, message)
            self._waiting.put(message)
            if not self.standing:
                self._attention()

    def _answer_waiting(self, message: dict[str, Any]) -> None:
        """Answer a request that has waited, unless it was told already that the script is busy, or the client has gone."""
        with self._lock:
            overdue = self._overdue.pop(message["seq"], None)
        if not self.closed and (overdue is not None or REQUESTS[message["command"]].when == "start"):
            self._answer(message)

    def _answer(self, message: dict[str, Any]) -> None:
        try:
            answer = response(message, self._handle(message["command"], message["arguments"]) or {})
        except RequestFailedError as error:
            answer = error_response(message, error.id, str(error), **error.details)
        except Exception as error:
            # A fault of the debugger's own, or of the user's code that it ran: the script must not die of it.
            text = "".join(traceback.format_exception(error)[-3:])
            answer = error_response(message, "failed", f"{type(error).__name__}: {error}", traceback=text)
        self._send(answer)

    def _send(self, message: dict[str, Any]) -> None:
        if self.closed:
            return
        try:
            self._connection.send(message)
        except ProtocolError as error:
            if message["type"] == "response":
                request = {"seq": message["request_seq"], "command": message["command"]}
                self._send(error_response(request, error.id, str(error)))
        except OSError:
            self.closed = True

    # ---- on the heartbeat's thread ----

    def _beat(self) -> None:
        while not self.closed:
            time.sleep(max(_HEARTBEAT, self.reported_until - time.monotonic()))
            if self.standing:
                continue
            body = None if time.monotonic() < self.reported_until else self._progress()
            if body is not None:
                self.send("progress", body)
            now = time.monotonic()
            with self._lock:
                late = [seq for seq, (deadline, _) in self._overdue.items() if deadline < now]
                messages = [self._overdue.pop(seq)[1] for seq in late]
            for message in messages:
                text = f"{message['command']}: the script has not called the engine for {PATIENCE:g} s; pause it, then ask"
                self._send(error_response(message, "busy", text))
