"""Framing: what is sent arrives in whatever pieces, and whatever else arrives is refused with a clear sentence."""

import json
import math
import struct
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.debug.protocol import (
    DTYPES,
    MAX_ARRAYS,
    MAX_DEPTH,
    MAX_HEADER,
    MAX_JSON,
    Array,
    Decoder,
    ProtocolError,
    TooLargeError,
    encode,
    event,
)


def sent(message):
    return b"".join(encode(message))


def raw(message, block=b"", **lengths):
    """Bytes of a message that encode() would refuse to write."""
    text = message if isinstance(message, bytes) else json.dumps(message).encode()
    fields = {"Content-Length": len(text)} | ({"Arrays-Length": len(block)} if block else {}) | lengths
    return "".join(f"{k}: {v}\r\n" for k, v in fields.items()).encode() + b"\r\n" + text + block


def note(body, seq=1):
    return {"seq": seq, **event("note", body)}

# ------------------------------------------------------------------------------------------------ round trips

names = st.text(max_size=8).filter(lambda s: s != "$array")
leaves = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=12)
values = st.recursive(leaves, lambda v: st.lists(v, max_size=4) | st.dictionaries(names, v, max_size=4), max_leaves=20)


@given(st.dictionaries(names, values, max_size=5), st.integers(0, 2**40))
def test_what_json_has_arrives(body, seq):
    message = note(body, seq)
    assert Decoder().feed(sent(message)) == [message]


def test_floats_that_json_lacks_and_odd_text_arrive():
    body = {"nan": math.nan, "inf": math.inf, "ninf": -math.inf, "text": "∇ Φ\ud800\x00\"\\\r\n\r\n", "deep": [(1, 2)]}
    got = Decoder().feed(sent(note(body)))[0]["body"]
    assert math.isnan(got["nan"]) and got["inf"] == math.inf and got["ninf"] == -math.inf
    assert got["text"] == body["text"] and got["deep"] == [[1, 2]]


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3, 4)], ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_of_each_dtype_arrive(dtype, shape):
    original = np.array(np.arange(math.prod(shape)).reshape(shape) % 2 + 1, dtype)
    if dtype.startswith("<f") and original.size:
        original.reshape(-1)[0] = np.nan
    got = Decoder().feed(sent(note({"a": [original, {"again": original}], "b": True})))[0]["body"]
    for array in (got["a"][0], got["a"][1]["again"]):
        assert isinstance(array, Array) and array.dtype == dtype and array.shape == shape
        np.testing.assert_array_equal(array.numpy(), original)
        assert array.numpy().dtype == original.dtype
        np.testing.assert_array_equal(np.array(array.tolist(), dtype=dtype).reshape(shape), original)


def test_arrays_that_are_not_contiguous_and_scalars():
    base = np.arange(24, dtype=np.float32).reshape(4, 6)
    got = Decoder().feed(sent(note({"t": base.T, "s": base[::2, ::-3], "x": np.float32(1.5), "n": np.int64(3)})))[0]["body"]
    np.testing.assert_array_equal(got["t"].numpy(), base.T)
    np.testing.assert_array_equal(got["s"].numpy(), base[::2, ::-3])
    assert got["x"] == 1.5 and type(got["x"]) is float and got["n"] == 3 and type(got["n"]) is int


def test_an_array_needs_no_numpy_and_is_sent_on():
    array = Array("<f4", (2, 3), struct.pack("<6f", 1, 2, 3, 4, 5, 6))
    assert array.tolist() == [[1, 2, 3], [4, 5, 6]]
    got = Decoder().feed(sent(note({"a": array})))[0]["body"]["a"]
    assert got == array and got != Array("<f4", (3, 2), array.data)
    assert sent(note({"a": got})) == sent(note({"a": array}))


def test_contents_of_arrays_are_not_copied_on_the_way_out():
    original = np.zeros(1000, np.float32)
    buffers = encode(note({"a": original}))
    original[:] = 7
    assert Decoder().feed(b"".join(buffers))[0]["body"]["a"].tolist() == [7.0] * 1000


@pytest.mark.parametrize("value", [
    {1, 2}, b"x", object(), {1: 2}, {"$array": 0}, np.zeros(2, complex), np.array(["a"]), np.zeros(2, ">f4"),
    np.zeros(2, "M8[s]"), np.array([None]), 1 << 20000,
], ids=lambda v: type(v).__name__)  # fmt: skip
def test_what_cannot_travel_is_refused(value):
    if isinstance(value, int) and not hasattr(sys, "get_int_max_str_digits"):
        pytest.skip("this Python writes integers of any length")
    with pytest.raises(ProtocolError):
        encode(note({"value": value}))


def test_cycles_are_refused():
    cycle = []
    cycle.append(cycle)
    with pytest.raises(ProtocolError, match="deeper"):
        encode(note({"value": cycle}))


def test_too_much_is_refused(monkeypatch):
    monkeypatch.setattr("engine.debug.wire.framing.MAX_JSON", 1000)
    with pytest.raises(TooLargeError, match="JSON"):
        encode(note({"text": "x" * 1000}))
    monkeypatch.setattr("engine.debug.wire.framing.MAX_ARRAYS", 1000)
    with pytest.raises(TooLargeError, match="arrays"):
        encode(note({"a": np.zeros(100), "b": np.zeros(100)}))


# ------------------------------------------------------------------------------------------------ in pieces, in bad order

@given(st.lists(st.integers(1, 60), min_size=1, max_size=20))
def test_pieces_of_any_size_make_the_same_messages(sizes):
    messages = [note({"n": i, "a": np.arange(i, dtype=np.int32)}, seq=i) for i in range(4)]
    stream = b"".join(map(sent, messages))
    decoder, got, at, i = Decoder(), [], 0, 0
    while at < len(stream):
        size = sizes[i % len(sizes)]
        got += decoder.feed(stream[at : at + size])
        at, i = at + size, i + 1
    assert [m["seq"] for m in got] == [0, 1, 2, 3]
    assert [m["body"]["a"].tolist() for m in got] == [[], [0], [0, 1], [0, 1, 2]]


def decode_anyhow(data, pieces=1):
    """Feed ``data``; the messages, or ProtocolError. Any other error fails the test that calls this."""
    decoder = Decoder()
    size = max(1, -(-len(data) // pieces))
    messages = []
    for i in range(0, len(data), size):
        messages += decoder.feed(data[i : i + size])
    assert len(decoder._buffer) <= len(data)
    return messages


def refused(data, match=None, pieces=1):
    with pytest.raises(ProtocolError, match=match) as caught:
        decode_anyhow(data, pieces)
    assert len(str(caught.value)) < 500


@given(st.binary(max_size=300), st.sampled_from([b"", b"Content-Length: ", b"Content-Length: 20\r\n\r\n"]))
def test_garbage_raises_protocol_errors_only(data, start):
    try:
        decode_anyhow(start + data, pieces=3)
    except ProtocolError as error:
        assert str(error)


VALID = sent(note({"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": [1, {"c": "d"}], "e": np.float16([1])}))


changes = st.lists(st.tuples(st.integers(0, len(VALID) - 1), st.integers(0, 255)), min_size=1, max_size=4)


@given(changes, st.integers(0, len(VALID)))
def test_broken_messages_raise_protocol_errors_only(changes, end):
    data = bytearray(VALID)
    for place, value in changes:
        data[place] = value
    try:
        decode_anyhow(bytes(data))
        decode_anyhow(bytes(data[:end]))
    except ProtocolError as error:
        assert str(error)


@given(st.integers(0, len(VALID) - 1))
def test_truncated_messages_wait_for_more(end):
    decoder = Decoder()
    assert decoder.feed(VALID[:end]) == []
    assert len(decoder.feed(VALID[end:])) == 1


@pytest.mark.parametrize("header", [
    b"GET / HTTP/1.1\r\n\r\n", b"\r\n\r\n", b"content-length: 2\r\n\r\n{}", b"Content-Length: -1\r\n\r\n",
    b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    b"Content-Length: 2\r\nArrays-Length: 0\r\nArrays-Length: 0\r\n\r\n{}",
    b"Content-Length: 2\r\nX: 1\r\n\r\n{}", b"Content-Length: \r\n\r\n", b"Content-Length: 1e3\r\n\r\n",
    b"Content-Length: +2\r\n\r\n{}",
    "Content-Length: ²\r\n\r\n".encode("latin-1"), b"Content-Length: 2 \r\n\r\n{}",
    b"Content-Length: 2\nArrays-Length: 0\r\n\r\n{}",
    b"Content-Length: 2\r\nArrays-Length: -8\r\n\r\n{}",
], ids=repr)  # fmt: skip
def test_bad_headers(header):
    refused(header)
    refused(header, pieces=len(header))


@pytest.mark.parametrize("size", [MAX_JSON + 1, 2**63, 10**400])
def test_huge_lengths_are_refused_before_anything_is_held(size):
    refused(b"Content-Length: %d\r\n\r\n" % size, "limit")
    refused(b"Content-Length: 2\r\nArrays-Length: %d\r\n\r\n{}" % max(size, MAX_ARRAYS + 1), "limit")


def test_a_header_without_end_is_refused():
    refused(b"Content-Length: " + b"1" * MAX_HEADER, "header")
    decoder = Decoder()
    assert decoder.feed(b"Content-Length: " + b"1" * (MAX_HEADER - 100)) == []


@pytest.mark.parametrize("text", [
    b"", b"{", b"[]", b"1", b"null", b'"x"', b"\xff\xfe{}", b'{"seq": 1} x', b"{}", b'{"type": "event"}', b"[" * 100_000,
    b'{"a":' * 50_000, b'{"$array": 0}', b'{"seq": ' + b"9" * 10_000 + b"}",
    '{"seq": 1, "type": "event", "event": "x"}'.encode("utf-16"),
], ids=lambda t: repr(t[:20]))  # fmt: skip
def test_json_that_is_no_message(text):
    refused(raw(text))


@pytest.mark.parametrize("change", [
    {"seq": None}, {"seq": "1"}, {"seq": True}, {"type": "no"}, {"type": []}, {"event": 5}, {"body": []}, {"body": None},
    {"type": "request"}, {"type": "request", "command": "x", "arguments": []}, {"type": "response", "command": "x"},
    {"type": "response", "command": "x", "request_seq": 1, "success": 1},
    {"type": "response", "command": "x", "request_seq": 1, "success": False}, {"arrays": {}}, {"arrays": [1]},
], ids=repr)  # fmt: skip
def test_envelopes_that_are_wrong(change):
    refused(raw(note({}) | change))


def test_what_may_be_left_out_is_there_afterwards():
    got = Decoder().feed(raw({"seq": 1, "type": "event", "event": "x"}) + raw({"seq": 2, "type": "request", "command": "y"}))
    assert got[0]["body"] == {} and got[1]["arguments"] == {}


def test_depth_is_limited_to_the_same_on_both_sides():
    def nested(levels):
        value = 0
        for _ in range(levels):
            value = [value]
        return {"seq": 1, **event("x"), "body": {"v": value}}

    deepest = nested(MAX_DEPTH - 2)
    assert Decoder().feed(sent(deepest)) == [deepest]
    with pytest.raises(ProtocolError, match="deeper"):
        encode(nested(MAX_DEPTH - 1))
    refused(raw(nested(MAX_DEPTH - 1)), "deeper")


ENTRY = {"dtype": "<f4", "shape": [2], "offset": 0}


@pytest.mark.parametrize("change", [
    {"offset": 1}, {"offset": -1}, {"offset": 2**70}, {"offset": 0.0}, {"offset": True}, {"offset": None}, {"dtype": "<f8"},
    {"dtype": "|O"}, {"dtype": "O"}, {"dtype": ">f4"}, {"dtype": "f4"}, {"dtype": ["<f4"]}, {"dtype": "<f4,<f4"},
    {"shape": [3]}, {"shape": [-2]}, {"shape": 2}, {"shape": [2.0]}, {"shape": [True]}, {"shape": [2**40, 2**40]},
    {"shape": [0, 2**40]}, {"shape": [0, 2**27, 2**27]}, {"shape": [1] * 33}, {"shape": None}, {"more": 1},
], ids=repr)  # fmt: skip
def test_arrays_that_do_not_fit_their_block(change):
    refused(raw(note({"a": {"$array": 0}}) | {"arrays": [ENTRY | change]}, bytes(8)))


def test_references_that_lead_nowhere():
    for reference in (1, -1, 0.0, None, True, "0", [0], 10**30):
        refused(raw(note({"a": {"$array": reference}}) | {"arrays": [ENTRY]}, bytes(8)), "refers to array")
    refused(raw(note({"a": {"$array": 0, "b": 1}}) | {"arrays": [ENTRY]}, bytes(8)), "refers to array")
    assert decode_anyhow(raw(note({"a": {"$array": 0}}) | {"arrays": [ENTRY]}, bytes(8)))


def test_after_an_error_the_stream_stays_broken():
    decoder = Decoder()
    with pytest.raises(ProtocolError):
        decoder.feed(b"garbage")
    with pytest.raises(ProtocolError):
        decoder.feed(VALID)


def test_messages_before_an_error_are_had_one_by_one():
    decoder = Decoder()
    decoder.append(VALID + b"garbage")
    assert decoder.pop()["event"] == "note"
    with pytest.raises(ProtocolError):
        decoder.pop()
