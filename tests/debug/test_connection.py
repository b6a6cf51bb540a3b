"""Connections, and the handshake: nobody without the key gets in, and nobody makes the other side wait."""

import socket
import threading

import numpy as np
import pytest

from engine.debug import protocol
from engine.debug.protocol import (
    AuthenticationError,
    Connection,
    ProtocolError,
    VersionError,
    authenticate_as_client,
    authenticate_as_server,
    encode,
    event,
    request,
    response,
)
from engine.debug.wire import handshake
from tests.debug.processes import PATIENCE


def sent(message):
    return b"".join(encode({"seq": 1, **message}))


# ------------------------------------------------------------------------------------------------ connections


@pytest.fixture
def pair():
    left, right = (Connection(s) for s in socket.socketpair())
    yield left, right
    left.close()
    right.close()


def test_messages_are_numbered_and_threads_do_not_mix_them(pair):
    left, right = pair
    for connection in pair:
        connection.trust()
    body = {"a": np.arange(30_000, dtype=np.float32), "b": np.ones(3)}

    def send_ten():
        for _ in range(10):
            left.send(event("note", body))

    threads = [threading.Thread(target=send_ten) for _ in range(4)]
    for thread in threads:
        thread.start()
    got = [right.receive() for _ in range(40)]
    for thread in threads:
        thread.join()
    assert [m["seq"] for m in got] == list(range(1, 41))
    assert all(m["body"]["a"].shape == (30_000,) and m["body"]["b"].tolist() == [1, 1, 1] for m in got)


def test_what_is_sent_at_once_waits_for_nobody_and_arrives_whole_and_in_order(pair):
    left, right = pair
    for connection in pair:
        connection.trust()
    small, large = np.arange(3.0), np.arange(4_000_000, dtype=np.float32)
    assert left.send_own(event("note", {"n": 1, "a": small, "views": {"b": [{"data": small[0]}]}}))
    # Nobody reads: the end of this one follows when somebody does, and until then nothing else is sent.
    assert left.send_own(event("note", {"n": 2, "a": large}))
    assert not left.send_own(event("note", {"n": 3}))
    last = threading.Thread(target=left.send, args=(event("note", {"n": 4}),))
    last.start()
    got = [right.receive() for _ in range(3)]
    last.join(30)
    assert [m["body"]["n"] for m in got] == [1, 2, 4]
    assert got[0]["body"]["a"].tolist() == [0, 1, 2] and got[0]["body"]["views"] == {"b": [{"data": 0.0}]}
    assert np.array_equal(got[1]["body"]["a"].numpy(), large)
    assert left.send_own(event("note", {"n": 5})) and right.receive()["body"] == {"n": 5}


def test_what_is_sent_at_once_without_room_is_not_begun(pair):
    left, right = pair
    for connection in pair:
        connection.trust()
    left._socket.setblocking(False)
    filled = 0
    try:
        while True:
            filled += left._socket.send(b"x" * 65536)
    except BlockingIOError:
        left._socket.setblocking(True)
    assert not left.send_own(event("note", {"n": 1}))
    while filled:
        filled -= len(right._socket.recv(filled))
    assert left.send_own(event("note", {"n": 2})) and right.receive()["body"] == {"n": 2}


def test_what_is_sent_at_once_to_nobody_raises(pair):
    left, right = pair
    right.close()
    with pytest.raises(OSError):
        left.send_own(event("note", {}))
    with pytest.raises(ProtocolError, match="cannot hold a set"):
        left.send_own(event("note", {"a": set()}))
    with pytest.raises(OSError):  # and nobody is kept from sending by that
        left.send(event("note", {}))


def test_a_reserved_number_is_kept(pair):
    left, right = pair
    seq = left.reserve()
    assert left.send(event("x")) != seq
    assert left.send({"seq": seq, **event("y")}) == seq
    assert [right.receive()["event"], right.receive()["seq"]] == ["x", seq]


def test_the_end_of_a_connection_is_none(pair):
    left, right = pair
    left.send(event("x"))
    left.close()
    left.close()
    assert right.receive()["event"] == "x"
    assert right.receive() is None
    assert left.receive() is None
    with pytest.raises(OSError):
        left.send(event("x"))


def test_closing_wakes_the_thread_that_receives(pair):
    got = []
    thread = threading.Thread(target=lambda: got.append(pair[0].receive()))
    thread.start()
    pair[0].close()
    thread.join(PATIENCE)
    assert got == [None]


def test_a_message_that_cannot_travel_sends_nothing(pair):
    left, right = pair
    with pytest.raises(ProtocolError):
        left.send(event("x", {"v": object()}))
    left.send(event("y"))
    assert right.receive()["event"] == "y"


def test_receiving_in_time(pair):
    with pytest.raises(TimeoutError):
        pair[0].receive(0.01)
    pair[1].send(event("late"))
    assert pair[0].receive()["event"] == "late"


# ------------------------------------------------------------------------------------------------ handshake


def both_sides(pair, server_key="secret", client_key="secret"):
    """(what the server's side came to, what the client's side came to): results or errors."""
    results = {}

    def run(name, function, *arguments):
        try:
            results[name] = function(*arguments)
        except Exception as error:
            results[name] = error

    server = threading.Thread(target=run, args=("server", authenticate_as_server, pair[0], server_key, "train.py", 90.0))
    server.start()
    run("client", authenticate_as_client, pair[1], client_key, 90.0)
    server.join()
    return results["server"], results["client"]


def test_the_right_key_opens(pair):
    done, hello = both_sides(pair)
    assert done is None and hello["name"] == "train.py" and hello["version"] == protocol.PROTOCOL_VERSION
    pair[0].send(event("x", {"a": np.zeros(10_000)}))  # the narrow limits are lifted
    assert pair[1].receive()["body"]["a"].shape == (10_000,)
    pair[1].send(event("x", {"a": "x" * 100_000}))
    assert len(pair[0].receive()["body"]["a"]) == 100_000


def test_the_wrong_key_is_told_and_closed(pair):
    for result in both_sides(pair, client_key="guess"):
        assert isinstance(result, AuthenticationError) and "key is wrong" in str(result)
    assert pair[0].receive() is None and pair[1].receive() is None


def test_an_empty_key_is_a_mistake(pair):
    with pytest.raises(ValueError, match="key"):
        authenticate_as_server(pair[0], "")


def test_a_debuggee_without_the_key_is_refused(pair):
    def pretend():
        pair[0].send(event("challenge", {"version": 1, "nonce": "a" * 64, "name": "", "pid": 1}))
        asked = pair[0].receive()
        pair[0].send(response(asked, {"mac": asked["arguments"]["mac"]}))  # the client's own proof, sent back

    thread = threading.Thread(target=pretend)
    thread.start()
    with pytest.raises(AuthenticationError, match="does not know the key"):
        authenticate_as_client(pair[1], "secret")
    thread.join()


def test_another_version_is_named(pair, monkeypatch):
    pair[0].send(event("challenge", {"version": 99, "nonce": "a" * 64, "name": "", "pid": 1}))
    with pytest.raises(VersionError, match="version 99 .* version 1"):
        authenticate_as_client(pair[1], "secret")


def test_a_client_of_another_version_is_told(pair):
    pair[1].send(request("authenticate", {"version": 99, "mac": "", "nonce": "a" * 64}))
    with pytest.raises(VersionError, match="99"):
        authenticate_as_server(pair[0], "secret")
    pair[1].receive()
    answer = pair[1].receive()
    assert answer["body"]["error"]["id"] == "version" and not answer["success"]
    assert pair[1].receive() is None


@pytest.mark.parametrize("side", [authenticate_as_server, authenticate_as_client])
def test_a_silent_peer_does_not_block(pair, side):
    with pytest.raises(AuthenticationError, match="within 0.1 seconds"):
        side(pair[0], "secret", timeout=0.1)


def test_a_computer_that_stood_still_is_not_held_against_the_other_side(pair, monkeypatch):
    halted, receive = [], Connection.receive

    def halted_once(self, timeout=None):
        if self is pair[1] and not halted:
            halted.append(timeout)
            raise TimeoutError("the clock went on meanwhile")
        return receive(self, timeout)

    monkeypatch.setattr(Connection, "receive", halted_once)
    assert [isinstance(result, Exception) for result in both_sides(pair)] == [False, False]


@pytest.mark.parametrize("side", [authenticate_as_server, authenticate_as_client])
def test_a_dripping_peer_does_not_block(side):
    ours, theirs = socket.socketpair()
    stop = threading.Event()

    def drip():
        try:
            theirs.sendall(b"Content-Length: 99\r\n\r\n")
            while not stop.wait(0.03):
                theirs.sendall(b" ")
        except OSError:
            return

    thread = threading.Thread(target=drip)
    thread.start()
    with pytest.raises(AuthenticationError, match="within"):
        side(Connection(ours), "secret", timeout=0.2)
    stop.set()
    thread.join()
    theirs.close()


@pytest.mark.parametrize("side", [authenticate_as_server, authenticate_as_client])
@pytest.mark.parametrize("data", [
    b"GET / HTTP/1.1\r\n\r\n", b"Content-Length: 999999\r\n\r\n", b"Content-Length: 2\r\nArrays-Length: 4\r\n\r\n{}1234",
    sent(event("note")), sent(request("evaluate", {"expression": "1"})), b"",
    sent(request("authenticate", {"version": 1, "mac": "ü", "nonce": "a" * 20})),
    sent(request("authenticate", {"version": 1, "mac": 5})),
    sent(event("challenge", {"version": 1})), sent(event("challenge", {"version": True})),
    sent(event("challenge", {"version": 1, "nonce": "é" * 20})),
], ids=lambda d: repr(d[-30:]))  # fmt: skip
def test_whatever_else_is_refused(data, side):
    ours, theirs = socket.socketpair()
    theirs.sendall(data)
    theirs.shutdown(socket.SHUT_WR)
    with pytest.raises((AuthenticationError, VersionError)):
        side(Connection(ours), "secret")
    theirs.close()


def test_nonces_are_fresh_and_the_key_never_travels(monkeypatch):
    seen = []
    for _ in range(2):
        sockets = socket.socketpair()
        pair = [Connection(s) for s in sockets]
        original = pair[0].send
        monkeypatch.setattr(pair[0], "send", lambda m, original=original: (seen.append(m), original(m))[1])
        other = pair[1].send
        monkeypatch.setattr(pair[1], "send", lambda m, other=other: (seen.append(m), other(m))[1])
        both_sides(pair, "the secret", "the secret")
    assert len(seen) == 6 and "the secret" not in repr(seen)
    nonces = [(m.get("body") or m.get("arguments"))["nonce"] for m in seen if "response" not in m["type"]]
    assert len(set(nonces)) == 4
    assert handshake.mac("k", "client", "n") != handshake.mac("k", "server", "n")
