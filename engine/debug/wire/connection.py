"""A socket that carries messages, and the constructors of messages."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from contextlib import suppress
from typing import Any

from engine.debug.wire.arrays import MAX_ARRAYS
from engine.debug.wire.framing import MAX_JSON, Decoder, encode

#: Largest JSON before the handshake (engine.debug.wire.handshake) is through; arrays are not accepted at all.
_UNPROVEN_JSON = 16 * 1024
_SMALL = 512 * 1024
_CHUNK = 256 * 1024
#: A call that sends does not wait for the other side; None where the platform knows no such call.
_AT_ONCE: int | None = getattr(socket, "MSG_DONTWAIT", None)


def request(command: str, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
    """A request; :meth:`Connection.send` numbers it."""
    return {"type": "request", "command": command, "arguments": arguments or {}}


def response(request: dict[str, Any], body: dict[str, Any] | None = None) -> dict[str, Any]:
    """The answer to ``request``."""
    return _response(request, True) | {"body": body or {}}


def error_response(request: dict[str, Any], id: str, message: str, **more: Any) -> dict[str, Any]:
    """The answer to a ``request`` that could not be done: one clear sentence, an id of ``ERRORS``, and its details."""
    return _response(request, False) | {"message": message, "body": {"error": {"id": id, **more}}}


def event(name: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """An event."""
    return {"type": "event", "event": name, "body": body or {}}


def _response(request: dict[str, Any], success: bool) -> dict[str, Any]:
    return {"type": "response", "request_seq": request["seq"], "command": request["command"], "success": success}


class Connection:
    """Messages over a connected stream socket, which it owns from now on.

    Any thread may send; one thread receives. It starts with the narrow limits that hold before the handshake.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._decoder = Decoder(_UNPROVEN_JSON, 0)
        self._sending = threading.Lock()
        self._numbers = itertools.count(1)
        with suppress(OSError):  # a local socket of another family has no such option
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(None)

    def trust(self) -> None:
        """Lift the limits to those that hold after the handshake."""
        self._decoder.max_json = MAX_JSON
        self._decoder.max_arrays = MAX_ARRAYS

    def reserve(self) -> int:
        """A number for a message that is sent later; no other message gets it."""
        return next(self._numbers)

    def send(self, message: dict[str, Any]) -> int:
        """Send ``message``, numbered unless it has a ``seq`` already; its number.

        Raises ProtocolError (TooLargeError) with nothing sent where it cannot travel, OSError where the connection is gone.
        """
        with self._sending:
            if "seq" not in message:
                message = {"seq": self.reserve(), **message}
            buffers = encode(message)
            if sum(map(len, buffers)) <= _SMALL:
                # Each piece that is sent wakes the other side; to put these together costs less.
                self._socket.sendall(b"".join(buffers))
            else:
                for buffer in buffers:
                    self._socket.sendall(buffer)
        return message["seq"]

    def send_own(self, message: dict[str, Any]) -> bool:
        """Send ``message``, of which all names are the debugger's own, where that does not wait for anybody: whether it was
        sent. What the other side has no room for at the moment follows on a thread of its own.

        Raises as :meth:`send` does.
        """
        if _AT_ONCE is None or not self._sending.acquire(blocking=False):
            return False
        rest = b""
        try:
            data = b"".join(encode({"seq": self.reserve(), **message}, own=True))
            rest = data[self._socket.send(data, _AT_ONCE) :]
        except BlockingIOError:
            return False
        finally:
            if rest:
                threading.Thread(target=self._send_rest, args=(rest,), name="nablascope-rest", daemon=True).start()
            else:
                self._sending.release()
        return True

    def _send_rest(self, rest: bytes) -> None:
        """Send the end of a message; until then nobody else sends."""
        try:
            with suppress(OSError):  # who receives is told that the other side is gone
                self._socket.sendall(rest)
        finally:
            self._sending.release()

    def send_last(self, message: dict[str, Any], patience: float) -> None:
        """Send a last message before this process ends, which does not wait longer than ``patience`` seconds for another
        side that does not read. Raises OSError where it cannot be sent.
        """
        if not self._sending.acquire(timeout=patience):
            raise TimeoutError("what was sent before has not left yet")
        try:
            self._socket.settimeout(patience)
            self._socket.sendall(b"".join(encode({"seq": self.reserve(), **message})))
        finally:
            self._sending.release()

    def receive(self, timeout: float | None = None) -> dict[str, Any] | None:
        """The next message; None when the other side has closed the connection or is gone.

        Raises ProtocolError for garbage and TimeoutError when the message is not complete after ``timeout`` seconds.
        A timeout is for the handshake only: while it runs it also holds for what other threads send.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        try:
            while (message := self._decoder.pop()) is None:
                if deadline is not None:
                    self._socket.settimeout(max(deadline - time.monotonic(), 1e-3))
                data = self._read()
                if not data:
                    return None
                self._decoder.append(data)
                if deadline is not None and time.monotonic() > deadline:
                    raise TimeoutError("no complete message arrived in time")
            return message
        finally:
            if deadline is not None:
                with suppress(OSError):
                    self._socket.settimeout(None)

    def _read(self) -> bytes:
        try:
            return self._socket.recv(_CHUNK)
        except TimeoutError:
            raise
        except OSError:  # reset by the other side, or closed by this one
            return b""

    def close(self) -> None:
        """Close the socket; a thread that waits in :meth:`receive` gets None. Calling it again does nothing."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
