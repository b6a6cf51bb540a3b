"""The handshake that must come before anything else on a connection.

M is HMAC-SHA256 as hexadecimal digits; nonces are random and fresh::

    debuggee  event     challenge     {"version", "nonce": S, "name", "pid"}
    client    request   authenticate  {"version", "nonce": C, "mac": M(key, "client" + S)}
    debuggee  response  authenticate  {"mac": M(key, "server" + C)}

Each side proves that it knows the key, and neither sends it. A wrong key or another version gets one error response,
then the connection is closed. Until it is through, no message may exceed 16 KiB or carry arrays.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Callable
from typing import Any

from engine.debug.wire.arrays import ProtocolError
from engine.debug.wire.connection import Connection, error_response, event, request, response
from engine.debug.wire.framing import PROTOCOL_VERSION

#: Seconds that the handshake may take. It takes milliseconds; but a computer that swaps, sleeps or trains on all its
#: processors may leave one of the two standing for long.
HANDSHAKE_TIMEOUT = 30.0

#: Seconds of one wait. A wait that took longer is not held against the other side: this process stood still itself.
_WAIT = 1.0


class AuthenticationError(ProtocolError):
    """The other side does not know the key, or did not go through the handshake in time."""

    id = "authentication"


class VersionError(ProtocolError):
    """The other side speaks another version of the protocol."""

    id = "version"


def mac(key: str, label: str, nonce: str) -> str:
    """HMAC-SHA256 of ``label + nonce`` under ``key``, as hexadecimal digits."""
    return hmac.new(key.encode(), (label + nonce).encode(), "sha256").hexdigest()


def authenticate_as_server(
    connection: Connection, key: str, name: str = "", timeout: float = HANDSHAKE_TIMEOUT
) -> None:
    """The debuggee's side of the handshake; ``name`` says what is debugged.

    Raises AuthenticationError or VersionError, with the connection closed, for a client that has the wrong key,
    speaks another version, sends something else or nothing.
    """
    nonce = secrets.token_hex(32)
    challenge = {"version": PROTOCOL_VERSION, "nonce": nonce, "name": name, "pid": os.getpid()}

    def talk(read: Callable[[], dict[str, Any]]) -> None:
        connection.send(event("challenge", challenge))
        message = read()
        if message["type"] != "request" or message["command"] != "authenticate":
            raise AuthenticationError("the client must send the request 'authenticate' before anything else")
        arguments = message["arguments"]
        error = _version_problem("the client", arguments) or (
            None if _same(arguments.get("mac"), mac(key, "client", nonce)) else AuthenticationError("the key is wrong")
        )
        theirs = arguments.get("nonce")
        if error is None and not _is_nonce(theirs):
            error = AuthenticationError("'nonce' must be a string of 16 to 256 ASCII characters")
        if error is not None:
            connection.send(error_response(message, error.id, str(error)))
            raise error
        connection.trust()
        connection.send(response(message, {"mac": mac(key, "server", str(theirs))}))

    _handshake(connection, key, timeout, "the client", talk)


def authenticate_as_client(connection: Connection, key: str, timeout: float = HANDSHAKE_TIMEOUT) -> dict[str, Any]:
    """The client's side of the handshake; returns the body of the challenge (``name`` and ``pid`` of the debuggee).

    Raises AuthenticationError or VersionError, with the connection closed.
    """
    found: dict[str, Any] = {}

    def talk(read: Callable[[], dict[str, Any]]) -> None:
        message = read()
        if message["type"] != "event" or message["event"] != "challenge":
            raise AuthenticationError("what answers there is no debuggee: it did not begin with the event 'challenge'")
        found.update(message["body"])
        if error := _version_problem("the debuggee", found):
            raise error
        if not _is_nonce(found.get("nonce")):
            raise AuthenticationError("the debuggee's challenge has no proper nonce")
        nonce = secrets.token_hex(32)
        proof = mac(key, "client", found["nonce"])
        connection.send(request("authenticate", {"version": PROTOCOL_VERSION, "mac": proof, "nonce": nonce}))
        answer = read()
        if answer["type"] != "response" or answer["command"] != "authenticate":
            raise AuthenticationError("the debuggee did not answer the request 'authenticate'")
        if not answer["success"]:
            error = answer["body"].get("error")
            kind = VersionError if isinstance(error, dict) and error.get("id") == VersionError.id else AuthenticationError
            raise kind(f"the debuggee refused: {answer['message']}")
        if not _same(answer["body"].get("mac"), mac(key, "server", nonce)):
            raise AuthenticationError("the debuggee does not know the key")
        connection.trust()

    _handshake(connection, key, timeout, "the debuggee", talk)
    return found


def _handshake(
    connection: Connection, key: str, timeout: float, other: str, talk: Callable[[Callable[[], dict[str, Any]]], None]
) -> None:
    """Run ``talk(read)``, which may wait ``timeout`` seconds; every failure closes the connection and is an error of this
    module.
    """
    if not key:
        raise ValueError("a connection needs a key that is not empty")
    left = timeout

    def read() -> dict[str, Any]:
        nonlocal left
        while True:
            wait = max(min(left, _WAIT), 1e-3)
            try:
                message = connection.receive(wait)
                break
            except TimeoutError:
                left -= wait
                if left <= 0:
                    raise
        if message is None:
            raise AuthenticationError(f"{other} closed the connection during the handshake")
        return message

    try:
        talk(read)
    except (AuthenticationError, VersionError):
        connection.close()
        raise
    except TimeoutError:
        connection.close()
        raise AuthenticationError(f"{other} did not go through the handshake within {timeout:g} seconds") from None
    except (ProtocolError, OSError) as error:
        connection.close()
        raise AuthenticationError(f"the handshake with {other} failed: {error}") from None


def _version_problem(other: str, body: dict[str, Any]) -> VersionError | None:
    version = body.get("version")
    if type(version) is int and version == PROTOCOL_VERSION:
        return None
    return VersionError(
        f"{other} speaks version {str(version)[:20]} of the protocol, this side version {PROTOCOL_VERSION}: "
        "both must come from the same Nablascope"
    )


def _same(given: Any, expected: str) -> bool:
    return isinstance(given, str) and given.isascii() and hmac.compare_digest(given, expected)


def _is_nonce(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and 16 <= len(value) <= 256
