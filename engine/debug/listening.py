"""Let a client attach to this process: ``listen()``, ``wait_for_client()``, ``breakpoint()``, as debugpy names them.

In any script or notebook::

    import engine.debug
    host, port, key = engine.debug.listen()
    engine.debug.wait_for_client()

and elsewhere ``nablascope attach HOST:PORT``. Only loopback is served unless another host is asked for; to reach a
process on another machine take an SSH tunnel (``ssh -L 5678:127.0.0.1:5678 machine``). Whoever has the key can run code
in this process.
"""

from __future__ import annotations

import atexit
import os
import secrets
import socket
import sys
import threading
import traceback
from contextlib import suppress
from typing import NamedTuple

from engine.debug import stepping
from engine.debug.debuggee import Debuggee
from engine.debug.exit_status import exit_status, watch_exit
from engine.debug.main import KEY
from engine.debug.replay.recorder import Recorder
from engine.debug.wire.arrays import ProtocolError
from engine.debug.wire.connection import Connection, event
from engine.debug.wire.handshake import authenticate_as_server

#: Seconds that a client waits for the one before it to go, before it is sent away.
_PARTING = 2.0


class Address(NamedTuple):
    """Where a client finds this process, and the key that it needs."""

    host: str
    port: int
    key: str


class _Listener:
    """The socket that clients connect to, one after the other."""

    def __init__(self, host: str, port: int, key: str) -> None:
        self.key = key
        self.debuggee = Debuggee(Recorder(None), False, self._gone)
        self.arrived = threading.Event()
        self.debuggee.on_configured = self.arrived.set
        self._joining = threading.Lock()
        self._socket = socket.create_server((host, port))
        bound = self._socket.getsockname()
        self.address = Address(bound[0], bound[1], key)
        self.debuggee.debugger.attach()
        watch_exit()
        atexit.register(self._say_goodbye)
        threading.Thread(target=self._accept, name="nablascope-listener", daemon=True).start()

    def _accept(self) -> None:
        while True:
            sock, _ = self._socket.accept()
            # A client that is slow to prove itself must not keep others waiting.
            threading.Thread(target=self._welcome, args=(Connection(sock),), daemon=True).start()

    def _welcome(self, connection: Connection) -> None:
        try:
            authenticate_as_server(connection, self.key, os.path.basename(sys.argv[0] or "python"))
        except (ProtocolError, OSError) as error:
            print(f"nablascope: a client was refused: {error}", file=sys.stderr)
            return
        with self._joining:
            server = self.debuggee.server
            if server is None or server.parted.wait(_PARTING):
                self.debuggee.connect(connection)
                self.debuggee.send("initialized")
                return
        text = "another client is attached to this process; it has to disconnect first\n"
        with suppress(OSError):  # it has gone meanwhile
            connection.send(event("output", {"category": "console", "output": text}))
            connection.send(event("terminated", {"reason": "occupied"}))
        connection.close()

    def _gone(self) -> None:
        self.arrived.clear()

    def _say_goodbye(self) -> None:
        """This process ends by itself, which a client cannot tell from its having been killed."""
        server, error = self.debuggee.server, getattr(sys, "last_value", None)
        if server is None:
            return
        if error is None or hasattr(sys, "ps1"):  # at a prompt, and in a notebook, it is of any cell before
            server.say_goodbye({"reason": "ended", **exit_status()})
        else:
            text = "".join(traceback.format_exception_only(type(error), error)).strip()
            server.say_goodbye({"reason": "exception", "text": text})


_listener: _Listener | None = None


def listen(address: tuple[str, int] | int = ("127.0.0.1", 0), key: str | None = None) -> Address:
    """Begin to listen for clients; training goes on meanwhile.

    Call it on the thread that trains, which is the one that a client can stop. A second call returns the address of
    the first.

    Args:
        address: host and port, or a port on loopback; port 0 takes any that is free.
        key: what a client must know; by default that of the environment variable NABLASCOPE_KEY, or a new one, which
            is printed on stderr.

    Raises:
        OSError: the address is in use.
    """
    global _listener
    if _listener is None:
        host, port = ("127.0.0.1", address) if isinstance(address, int) else address
        given = key or os.environ.get(KEY)
        _listener = _Listener(host, port, given or secrets.token_hex(16))
        found = _listener.address
        shown = "its key is the one given" if given else f"the key is {found.key}"
        print(f"nablascope: listening on {found.host}:{found.port}; {shown}", file=sys.stderr, flush=True)
    return _listener.address


def is_client_connected() -> bool:
    """Whether a client is attached."""
    return _listener is not None and _listener.debuggee.connected


def wait_for_client() -> None:
    """Wait until a client is attached and has set its breakpoints.

    Raises:
        RuntimeError: ``listen`` was not called.
    """
    if _listener is None:
        raise RuntimeError("wait_for_client: call engine.debug.listen() first")
    while not _listener.arrived.wait(0.1):
        # On this thread, since it is the one that requests before configurationDone are answered on.
        _listener.debuggee.answer_waiting()
    _listener.debuggee.answer_waiting()


def breakpoint() -> None:
    """Stop at the caller's next line, if a client is attached."""
    if _listener is not None and _listener.debuggee.connected:
        debugger = _listener.debuggee.debugger
        debugger.plan = stepping.Plan(lambda event: event.kind == "line", "breakpoint")
        debugger.watch_from(sys._getframe(1))
