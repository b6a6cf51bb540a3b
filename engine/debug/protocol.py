"""The protocol between a debuggee and its client: the one module of the debugger that other programs need to know.

It needs nothing but Python's standard library. The vocabulary is that of the Debug Adapter Protocol, with requests of
its own for tensors. The parts, all of whose public names are here:

- :mod:`engine.debug.wire.framing`: messages as bytes (``encode``, ``Decoder``, the limits; ``Array`` is in ``wire.arrays``);
- :mod:`engine.debug.wire.connection`: ``Connection``, the constructors of messages; :mod:`engine.debug.wire.handshake`;
- :mod:`engine.debug.wire.messages`: the tables ``REQUESTS``, ``EVENTS``, ``STRUCTURES``, ``ERRORS``: what there is to say;
- here: ``check_request`` and ``check_event``, which hold a message against the tables.

Three types of messages, each a JSON object with a ``seq`` that its sender counts::

    {"seq", "type": "request", "command", "arguments"}
    {"seq", "type": "response", "request_seq", "command", "success": true, "body"}
    {"seq", "type": "response", "request_seq", "command", "success": false, "message", "body": {"error": {"id", ...}}}
    {"seq", "type": "event", "event", "body"}

Only clients send requests; each gets exactly one response, in whatever order. A session:

1. The debuggee connects to the client that launched it, or a client to the process that listens. Either way the
   debuggee begins the handshake with the event ``challenge``; see :mod:`engine.debug.wire.handshake`.
2. The client sends ``launch`` (not when it attached); the debuggee answers and sends ``initialized``.
3. The client sets breakpoints and sends ``configurationDone``: the script runs, up to the first event ``stopped``.
4. While it is stopped the client looks (``stackTrace``, ``variables``, ``tensor``, ``explain`` ...) and moves
   (``next``, ``stepBack``, ``continue`` ...); while it runs there are ``progress`` and ``pause``.
5. ``terminated`` and ``exited`` end the script; ``disconnect`` ends the session.

A place in a run is a position ``[tick, line, fine]``, the same in every run of the script with the same seed; a
tensor is named by a reference: ``{"event": seq, "name": "y"}`` or ``{"expression": "model.fc.weight.grad"}``.
"""

from __future__ import annotations

import re
from typing import Any

from engine.debug.wire.arrays import DTYPES, MAX_ARRAYS, Array, ProtocolError, TooLargeError
from engine.debug.wire.connection import Connection, error_response, event, request, response
from engine.debug.wire.framing import MAX_DEPTH, MAX_HEADER, MAX_JSON, PROTOCOL_VERSION, Decoder, encode
from engine.debug.wire.handshake import (
    HANDSHAKE_TIMEOUT,
    AuthenticationError,
    VersionError,
    authenticate_as_client,
    authenticate_as_server,
)
from engine.debug.wire.messages import ALIASES, ERRORS, EVENTS, EXCEPTION_FILTERS, REQUESTS, STRUCTURES

__all__ = [
    "ALIASES", "DTYPES", "ERRORS", "EVENTS", "EXCEPTION_FILTERS", "HANDSHAKE_TIMEOUT", "MAX_ARRAYS", "MAX_DEPTH",
    "MAX_HEADER", "MAX_JSON", "PROTOCOL_VERSION", "REQUESTS", "STRUCTURES", "ArgumentsError", "Array",
    "AuthenticationError", "Connection", "Decoder", "ProtocolError", "TooLargeError", "UnknownCommandError",
    "VersionError", "authenticate_as_client", "authenticate_as_server", "check_event", "check_request", "encode",
    "error_response", "event", "request", "response",
]  # fmt: skip


class UnknownCommandError(ProtocolError):
    """A request that the table does not have."""

    id = "unknownCommand"


class ArgumentsError(ProtocolError):
    """An argument is missing, unknown or of the wrong type."""

    id = "badArguments"


def check_request(message: dict[str, Any]) -> None:
    """Hold a request against :data:`REQUESTS`.

    Raises UnknownCommandError or ArgumentsError; ``error_response(message, error.id, str(error))`` answers it.
    """
    command = message["command"]
    if command not in REQUESTS:
        raise UnknownCommandError(f"there is no request {command[:60]!r}; there are: {', '.join(sorted(REQUESTS))}")
    if problem := _fields_problem(message.get("arguments", {}), REQUESTS[command].arguments, closed=True):
        raise ArgumentsError(f"{command}: {problem}")


def check_event(message: dict[str, Any]) -> None:
    """Hold an event against :data:`EVENTS`; fields beyond the table are allowed. Raises ProtocolError."""
    name = message["event"]
    if name not in EVENTS:
        raise ProtocolError(f"there is no event {name[:60]!r}")
    if problem := _fields_problem(message.get("body", {}), EVENTS[name].body, closed=False):
        raise ProtocolError(f"{name}: {problem}")


def _fields_problem(given: dict[str, Any], fields: dict[str, str], closed: bool) -> str | None:
    """What is wrong with an object, or None. ``closed``: names beyond the table are wrong."""
    types = {name.removesuffix("?"): kind for name, kind in fields.items()}
    for name in fields:
        if not name.endswith("?") and name not in given:
            return f"{name!r} is missing"
    for name, value in given.items():
        if name in types:
            if problem := _problem(value, types[name]):
                return f"{name!r} {problem}"
        elif closed:
            return f"{name[:60]!r} is unknown; known: {', '.join(types) or 'none'}"
    return None


_PLAIN = {"str": str, "int": int, "bool": bool, "object": dict, "array": Array, "null": type(None)}


def _problem(value: Any, kind: str) -> str | None:
    """What is wrong with a value of type ``kind``, as the end of a sentence, or None."""
    kind = ALIASES.get(kind, kind)
    choices = _choices(kind)
    if len(choices) > 1:
        problems = [_problem(value, choice) for choice in choices]
        if None in problems:
            return None
        # Of alternatives among objects, tell what the closest one lacks rather than list them all.
        inside = [p for p, c in zip(problems, choices) if isinstance(value, dict) and c in STRUCTURES and p]
        return " or ".join(dict.fromkeys(inside)) if inside else f"must be {' or '.join(choices)}, not {_shown(value)}"
    if kind == "any":
        return None
    if kind.startswith("["):
        return _list_problem(value, kind[1:-1])
    if kind.startswith("'"):
        return None if value == kind[1:-1] else f"must be {kind}, not {_shown(value)}"
    if kind in STRUCTURES:
        if not isinstance(value, dict):
            return f"must be an object ({kind}), not {_shown(value)}"
        problem = _fields_problem(value, STRUCTURES[kind], closed=True)
        return f"({kind}): {problem}" if problem else None
    if kind == "number":
        fits = isinstance(value, (int, float)) and not isinstance(value, bool)
    else:
        fits = isinstance(value, _PLAIN[kind]) and (kind != "int" or not isinstance(value, bool))
    return None if fits else f"must be {kind}, not {_shown(value)}"


def _list_problem(value: Any, kind: str) -> str | None:
    if not isinstance(value, list):
        return f"must be a list, not {_shown(value)}"
    for i, item in enumerate(value):
        if problem := _problem(item, kind):
            return f"[{i}] {problem}"
    return None


def _choices(kind: str) -> list[str]:
    """The alternatives of a type, split at the bars outside of brackets."""
    return [part.strip() for part in re.split(r"\|(?![^\[]*\])", kind)]


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
