"""Framing: messages as bytes, and back. Standard library only.

A message on the wire::

    Content-Length: N\\r\\n
    Arrays-Length: M\\r\\n        only where M > 0
    \\r\\n
    N bytes of JSON (UTF-8)
    M bytes: the arrays' contents, little-endian, C order

The JSON object has a list ``"arrays"`` of ``{"dtype": "<f4", "shape": [2, 3], "offset": 0}`` where there are arrays; in
the message the i-th of them stands as ``{"$array": i}``. Offsets count from the start of the arrays' bytes. Floats
that JSON does not know are the tokens ``NaN``, ``Infinity`` and ``-Infinity``. Nothing that arrives is ever executed
or unpickled; whatever breaks a rule raises :class:`ProtocolError` with a sentence that names it.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from engine.debug.wire.arrays import MAX_ARRAYS, Array, ProtocolError, TooLargeError, bytes_of, flat

#: Version of framing and messages; both sides must have the same.
PROTOCOL_VERSION = 1

MAX_HEADER = 4 * 1024
MAX_JSON = 16 * 1024**2
#: Lists and objects inside each other, the message itself included.
MAX_DEPTH = 64
_FIRST_FIELD = b"Content-Length: "

#: What stands for itself. Looked at where it stands: most of a message is of these, and a call for each takes long.
_PLAIN = frozenset((type(None), bool, int, float, str))

_as_json = json.JSONEncoder(separators=(",", ":")).encode


# ---------------------------------------------------------------------------------------------------- encoding


@lru_cache(maxsize=1024)
def _entry(dtype: str, shape: tuple[int, ...]) -> str:
    """The start of an array's entry, up to its offset, as JSON: few kinds of arrays travel, and those many times a second.

    Raises as :func:`~engine.debug.wire.arrays.bytes_of` does.
    """
    bytes_of(dtype, shape)
    return f'{{"dtype":"{dtype}","shape":{list(shape)},"offset":'


class _Encoder:
    """One message on its way out: replaces arrays, collects their bytes."""

    def __init__(self) -> None:
        self.arrays: list[str] = []
        self.buffers: list[memoryview | bytes] = []
        self.offset = 0

    def plain(self, value: Any, depth: int = 1) -> Any:
        """``value`` in what JSON has, itself where it holds nothing else; arrays become references."""
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if depth > MAX_DEPTH:
            raise ProtocolError(f"a message nests deeper than {MAX_DEPTH} levels")
        if isinstance(value, dict):
            for key in value:
                if not isinstance(key, str) or key == "$array":
                    raise ProtocolError(f"{key!r} cannot be a name in a message: names are strings other than '$array'")
            if _PLAIN.issuperset(map(type, value.values())):
                return value
            return {k: item if type(item) in _PLAIN else self.plain(item, depth + 1) for k, item in value.items()}
        if isinstance(value, (list, tuple)):
            if _PLAIN.issuperset(map(type, value)):
                return value
            return [item if type(item) in _PLAIN else self.plain(item, depth + 1) for item in value]
        return self.array(value)

    def text(self, message: dict[str, Any]) -> str:
        """``message`` as JSON, with references for arrays."""
        return json.JSONEncoder(separators=(",", ":"), default=self.array).encode(message)

    def array(self, value: Any) -> Any:
        """A reference for an array; the value of a scalar of NumPy's."""
        if isinstance(value, Array):
            entry, data = _entry(value.dtype, value.shape), value.data
        else:
            kind = type(value)  # to ask the value itself describes it, which takes longer than to send it
            if not hasattr(kind, "__array_interface__"):
                raise ProtocolError(f"a message cannot hold a {kind.__name__}")
            if not hasattr(kind, "__setitem__"):  # one of NumPy's scalars
                return self.plain(value.item())
            entry = _entry(value.dtype.str, value.shape)
            data = flat(memoryview(value))
        padding = -self.offset % 8
        if padding:
            self.buffers.append(bytes(padding))
        self.buffers.append(data)
        self.arrays.append(f"{entry}{self.offset + padding}}}")
        self.offset += padding + data.nbytes
        return {"$array": len(self.arrays) - 1}


def encode(message: dict[str, Any], own: bool = False) -> list[bytes | memoryview]:
    """The buffers to send for ``message``, one after the other.

    Values may be what JSON has, tuples, :class:`Array`, and NumPy's scalars and arrays. Arrays are not copied where they are
    contiguous: send before they change. Raises ProtocolError for what cannot travel, TooLargeError beyond the limits.

    Args:
        own: all names in it are the debugger's own, and it nests as its tables say: then it is not looked through first,
            which takes longer than all the rest.
    """
    encoder = _Encoder()
    try:
        text = (encoder.text(message) if own else _as_json(encoder.plain(message))).encode("ascii")
        if encoder.arrays:
            text = b"%b,\"arrays\":[%b]}" % (text[:-1], ",".join(encoder.arrays).encode("ascii"))
    except ValueError as error:  # an integer with more digits than Python writes
        raise ProtocolError(f"a message cannot be written as JSON: {error}") from None
    for what, size, limit in (("JSON", len(text), MAX_JSON), ("arrays", encoder.offset, MAX_ARRAYS)):
        if size > limit:
            raise TooLargeError(f"the {what} of a message would take {size} bytes; the limit is {limit}")
    header = b"Content-Length: %d\r\n" % len(text)
    if encoder.offset:
        header += b"Arrays-Length: %d\r\n" % encoder.offset
    return [header + b"\r\n" + text, *(buffer for buffer in encoder.buffers if len(buffer))]


# ---------------------------------------------------------------------------------------------------- decoding


class Decoder:
    """Messages out of a stream of bytes, in whatever pieces they arrive.

    Holds no more than what has arrived, and accepts no message beyond its limits. After a ProtocolError the stream
    has no known place to go on from: every further call raises it again.
    """

    def __init__(self, max_json: int = MAX_JSON, max_arrays: int = MAX_ARRAYS) -> None:
        self.max_json = max_json
        self.max_arrays = max_arrays
        self._buffer = bytearray()
        self._lengths: tuple[int, int] | None = None
        self._failure: ProtocolError | None = None

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """Take further bytes; the messages that are complete with them."""
        self.append(data)
        return list(iter(self.pop, None))

    def append(self, data: bytes) -> None:
        """Take further bytes without decoding them."""
        self._buffer += data

    def pop(self) -> dict[str, Any] | None:
        """The next complete message, or None where more bytes are needed."""
        if self._failure:
            raise self._failure
        try:
            return self._pop()
        except ProtocolError as error:
            self._failure = error
            self._buffer.clear()
            raise

    def _pop(self) -> dict[str, Any] | None:
        if self._lengths is None:
            self._lengths = self._header()
            if self._lengths is None:
                return None
        length, arrays_length = self._lengths
        if len(self._buffer) < length + arrays_length:
            return None
        with memoryview(self._buffer) as view:
            text, arrays = bytes(view[:length]), bytes(view[length : length + arrays_length])
        del self._buffer[: length + arrays_length]
        self._lengths = None
        return _message(text, arrays)

    def _header(self) -> tuple[int, int] | None:
        start = bytes(self._buffer[: len(_FIRST_FIELD)])
        if start != _FIRST_FIELD[: len(start)]:
            raise ProtocolError(f"a message must begin with {_FIRST_FIELD.decode()!r}, not with {start!r}")
        end = self._buffer.find(b"\r\n\r\n", 0, MAX_HEADER)
        if end < 0:
            if len(self._buffer) >= MAX_HEADER:
                raise ProtocolError(f"the header of a message exceeds {MAX_HEADER} bytes")
            return None
        fields: dict[str, int] = {}
        limits = {"Content-Length": self.max_json, "Arrays-Length": self.max_arrays}
        for line in self._buffer[:end].decode("latin-1").split("\r\n"):
            name, colon, value = line.partition(": ")
            if not colon or name not in limits or name in fields:
                raise ProtocolError(f"unknown, broken or repeated header field {line[:80]!r}")
            if not (value.isascii() and value.isdigit()):
                raise ProtocolError(f"{name} must be a number of bytes, not {value[:80]!r}")
            if len(value) > 15 or int(value) > limits[name]:
                raise TooLargeError(f"{name} {value[:80]} exceeds the limit of {limits[name]} bytes")
            fields[name] = int(value)
        del self._buffer[: end + 4]
        return fields["Content-Length"], fields.get("Arrays-Length", 0)


def _message(text: bytes, block: bytes) -> dict[str, Any]:
    try:
        message = json.loads(text.decode("utf-8"))
    except RecursionError:
        raise ProtocolError(f"a message nests deeper than {MAX_DEPTH} levels") from None
    except ValueError as error:
        raise ProtocolError(f"a message is not JSON in UTF-8: {str(error)[:200]}") from None
    if not isinstance(message, dict):
        raise ProtocolError(f"a message must be a JSON object, not {type(message).__name__}")
    entries = message.pop("arrays", [])
    if not isinstance(entries, list):
        raise ProtocolError("'arrays' of a message must be a list")
    view = memoryview(block)
    message = _restore(message, [_array(entry, view) for entry in entries], 1)
    if not isinstance(message, dict):
        raise ProtocolError("a message must be a JSON object, not an array")
    _check_message(message)
    return message


def _array(entry: Any, block: memoryview) -> Array:
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "offset"}:
        raise ProtocolError("an entry of 'arrays' must have exactly dtype, shape and offset")
    size = bytes_of(entry["dtype"], entry["shape"])
    offset = entry["offset"]
    if type(offset) is not int or not 0 <= offset <= len(block) - size:
        raise ProtocolError(f"an array of {size} bytes at offset {str(offset)[:40]} leaves the block of {len(block)} bytes")
    return Array(entry["dtype"], entry["shape"], block[offset : offset + size])


def _restore(value: Any, arrays: list[Array], depth: int) -> Any:
    """``value`` with the arrays in the places that refer to them."""
    if not isinstance(value, (dict, list)):
        return value
    if depth > MAX_DEPTH:
        raise ProtocolError(f"a message nests deeper than {MAX_DEPTH} levels")
    if isinstance(value, list):
        return [item if type(item) in _PLAIN else _restore(item, arrays, depth + 1) for item in value]
    if "$array" not in value:
        return {k: item if type(item) in _PLAIN else _restore(item, arrays, depth + 1) for k, item in value.items()}
    index = value["$array"]
    if len(value) != 1 or type(index) is not int or not 0 <= index < len(arrays):
        raise ProtocolError(f"a message refers to array {str(index)[:40]} of {len(arrays)}")
    return arrays[index]


#: What each type of message must have; what may be left out is an empty object.
_ENVELOPES: dict[str, dict[str, type]] = {
    "request": {"command": str, "arguments": dict},
    "response": {"command": str, "request_seq": int, "success": bool, "body": dict},
    "event": {"event": str, "body": dict},
}


def _check_message(message: dict[str, Any]) -> None:
    kind = message.get("type")
    if not isinstance(kind, str) or kind not in _ENVELOPES:
        raise ProtocolError(f"the type of a message must be one of {', '.join(_ENVELOPES)}, not {str(kind)[:40]!r}")
    if type(message.get("seq")) is not int:
        raise ProtocolError("the seq of a message must be an integer")
    for name, expected in _ENVELOPES[kind].items():
        if expected is dict:
            message.setdefault(name, {})
        if type(message.get(name)) is not expected:
            raise ProtocolError(f"{name!r} of a {kind} must be of type {expected.__name__}")
    if kind == "response" and not message["success"] and not isinstance(message.get("message"), str):
        raise ProtocolError("a response that reports an error must have a 'message' of type str")
