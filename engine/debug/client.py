"""``Client``: one debuggee, as seen from the other end of the socket. Standard library only, no NumPy."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import sys
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from engine.debug.wire.connection import Connection, event, request
from engine.debug.wire.handshake import HANDSHAKE_TIMEOUT, AuthenticationError, VersionError, authenticate_as_client
from engine.debug.wire.inbox import ConnectionLost, Inbox, RequestError, receive_all
from engine.debug.wire.process import Process

__all__ = ["Client", "ConnectionLost", "RequestError"]

#: Seconds between looks at a child that has not connected yet.
_LOOK = 0.1
#: Seconds that a debuggee gets to end by itself.
_GRACE = 2.0
#: Seconds until a process that was started must be ready. From a cold disk, or beside others that train, reading Python,
#: Numba and the engine takes minutes; a process that ends before is noticed at once.
START_TIMEOUT = 180.0
#: Seconds in which a computer must answer that a process is attached to; it then has time for the handshake.
CONNECT_TIMEOUT = 10.0


class Client:
    """A connection to one debuggee: made by :meth:`launch` or :meth:`attach`, ended by :meth:`close` or ``with``.

    Any thread may ask and wait. Events are queued for :meth:`next_event` and :meth:`wait_for`; ``on_event``, if given,
    sees each first, in the thread that read it, and keeps it out of the queue by returning True. It must not ask the
    client for anything: the answer could not be read.

    Attributes:
        name: what the debuggee calls itself.
        pid: its process.
        launched: whether this client started it, so that it ends with this client.
    """

    def __init__(self, connection: Connection, hello: dict[str, Any], process: Process | None, inbox: Inbox) -> None:
        self.name = str(hello.get("name", ""))
        self.pid = hello.get("pid")
        self.launched = process is not None
        self._connection = connection
        self._process = process
        self._inbox = inbox
        #: The answer to ``graph`` that came last.
        self._graph: dict[str, Any] = {}
        self._reader = threading.Thread(
            target=receive_all, args=(connection, process, inbox), daemon=True, name="debuggee messages"
        )
        self._reader.start()
        self._finalizer = weakref.finalize(self, _release, os.getpid(), connection, process)

    # ------------------------------------------------------------------------------------------------ making one

    @classmethod
    def launch(
        cls,
        program: str | os.PathLike[str],
        arguments: Sequence[str] = (),
        *,
        python: str = sys.executable,
        cwd: str | os.PathLike[str] | None = None,
        parameters: Sequence[str] = (),
        as_torch: bool = False,
        stop_on_entry: bool = True,
        recording: str | os.PathLike[str] | None = None,
        replay: dict[str, Any] | None = None,
        threads: int | None = None,
        capture_output: bool = False,
        on_event: Callable[[dict], object] | None = None,
        timeout: float = START_TIMEOUT,
        command: Sequence[str] = ("-m", "engine.debug.main"),
        on_process: Callable[[Process], object] | None = None,
    ) -> Client:
        """Start a process for a script and prepare it: set breakpoints next, then ``request("configurationDone")``.

        Args:
            program, cwd, recording: paths, relative ones from here (``program`` from ``cwd``).
            arguments, parameters, as_torch, stop_on_entry, replay, threads: as in the request ``launch``.
            python: the interpreter.
            capture_output: deliver what it writes as events ``output``; otherwise it writes where this process writes.
            timeout: seconds until it must be ready.
            command: what the interpreter runs, before ``--connect PORT``.
            on_process: called with the process as soon as it is there; another thread may end it then.

        Raises:
            ConnectionLost: the process ended before it was ready, or was not ready in time.
            RequestError: it refused, e.g. because there is no such script.
        """
        deadline = time.monotonic() + timeout
        client = cls.prepare(
            python=python, capture_output=capture_output, on_event=on_event, timeout=timeout, command=command,
            on_process=on_process,
        )
        client.begin(
            program, arguments, cwd=cwd, parameters=parameters, as_torch=as_torch, stop_on_entry=stop_on_entry,
            recording=recording, replay=replay, threads=threads, timeout=max(deadline - time.monotonic(), 0.1),
        )  # fmt: skip
        return client

    @classmethod
    def prepare(
        cls,
        *,
        python: str = sys.executable,
        capture_output: bool = False,
        on_event: Callable[[dict], object] | None = None,
        timeout: float = START_TIMEOUT,
        command: Sequence[str] = ("-m", "engine.debug.main"),
        warm: bool = False,
        on_process: Callable[[Process], object] | None = None,
    ) -> Client:
        """Start a process that waits to be told its script by :meth:`begin`.

        Args:
            warm: load the engine meanwhile; else it is loaded for the script.

        Raises ConnectionLost where the process ends before it has connected, or does not connect in time.
        """
        inbox = Inbox(on_event)
        key = secrets.token_hex(32)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            line = [python, *(["-u"] if capture_output else []), *command, "--connect", str(listener.getsockname()[1])]
            process = Process(line + (["--warm"] if warm else []), key, _deliver_to(inbox) if capture_output else None)
            try:
                if on_process is not None:
                    on_process(process)
                connection, hello = _accept(listener, process, key, time.monotonic() + timeout)
            except BaseException:
                process.end(0.0)
                raise
        return cls(connection, hello, process, inbox)

    def begin(
        self,
        program: str | os.PathLike[str],
        arguments: Sequence[str] = (),
        *,
        cwd: str | os.PathLike[str] | None = None,
        parameters: Sequence[str] = (),
        as_torch: bool = False,
        stop_on_entry: bool = True,
        recording: str | os.PathLike[str] | None = None,
        replay: dict[str, Any] | None = None,
        threads: int | None = None,
        timeout: float = START_TIMEOUT,
    ) -> None:
        """Give a prepared process its script; arguments and errors are those of :meth:`launch`."""
        deadline = time.monotonic() + timeout
        folder = os.path.abspath(cwd or os.curdir)
        wanted = {
            "program": os.path.join(folder, program), "arguments": list(arguments), "cwd": folder,
            "parameters": list(parameters), "asTorch": as_torch, "stopOnEntry": stop_on_entry,
            "recording": None if recording is None else os.path.abspath(recording), "replay": replay, "threads": threads,
        }  # fmt: skip
        try:
            self.request("launch", max(deadline - time.monotonic(), 0.1), **wanted)
            self.wait_for("initialized", max(deadline - time.monotonic(), 0.1))
        except TimeoutError:
            self.close()
            raise ConnectionLost(f"the engine process was not ready within {timeout:g} seconds") from None
        except BaseException:
            self.close()
            raise

    @classmethod
    def attach(
        cls,
        host: str,
        port: int,
        key: str,
        *,
        on_event: Callable[[dict], object] | None = None,
        timeout: float = HANDSHAKE_TIMEOUT,
        on_connection: Callable[[Connection], object] | None = None,
    ) -> Client:
        """Connect to a process that called ``engine.debug.listen()``.

        ``timeout``: seconds for the handshake. ``on_connection``: called with the connection before that; another thread
        may close it then.

        Raises OSError where nothing listens, AuthenticationError for a wrong key, VersionError; ConnectionLost where another
        client is attached, or the process goes or hangs meanwhile.
        """
        deadline = time.monotonic() + timeout
        connection = Connection(socket.create_connection((host, port), min(timeout, CONNECT_TIMEOUT)))
        if on_connection is not None:
            on_connection(connection)
        hello = authenticate_as_client(connection, key, timeout)
        client = cls(connection, hello, None, Inbox(on_event))
        try:
            said = client.wait_for(("initialized", "terminated"), max(deadline - time.monotonic(), 0.1))
            if said["event"] == "terminated" and said["body"].get("reason") == "occupied":
                raise ConnectionLost("another client is attached to the process; it has to disconnect first")
            if said["event"] == "terminated":
                raise ConnectionLost("the process has come to its end")
        except TimeoutError:
            client.close()
            raise ConnectionLost(f"the process has not answered within {timeout:g} seconds") from None
        except BaseException:
            client.close()
            raise
        return client

    # ------------------------------------------------------------------------------------------------ asking

    def request(self, command: str, timeout: float | None = None, **arguments: Any) -> dict[str, Any]:
        """Ask and wait for the answer's body. Arguments that are None are left out. The ``graph`` of the stop is the very
        same object for as long as it stays the same: then it is not sent again.

        Raises RequestError where the debuggee refuses, ConnectionLost where it is gone, TimeoutError after ``timeout``
        seconds, ProtocolError where an argument cannot travel.
        """
        if command != "graph" or arguments:
            return self._request(command, timeout, **arguments)
        known = self._graph
        body = self._request(command, timeout, unless=known.get("number"))
        if "nodes" not in body:
            return known
        self._graph = body
        return body

    def _request(self, command: str, timeout: float | None, **arguments: Any) -> dict[str, Any]:
        inbox = self._inbox
        seq = self._connection.reserve()
        with inbox.changed:
            inbox.answers[seq] = None
        try:
            message = request(command, {name: value for name, value in arguments.items() if value is not None})
            try:
                self._connection.send({"seq": seq, **message})
            except OSError:  # the reader notices too, and knows why
                self._connection.close()
            answer = inbox.answer(seq, timeout)
        finally:
            with inbox.changed:
                del inbox.answers[seq]
        if answer is None:
            raise TimeoutError(f"{command}: no answer within {timeout:g} seconds")
        if not answer["success"]:
            raise RequestError(answer["message"], answer["body"])
        return answer["body"]

    def next_event(self, timeout: float | None = None) -> dict[str, Any]:
        """The oldest event not fetched yet, ``{"event": name, "body": {...}, ...}``; waits for one.

        Raises TimeoutError, or ConnectionLost when there will be none.
        """
        return self._take(lambda _: True, "event", timeout)

    def wait_for(self, names: str | Sequence[str], timeout: float | None = None) -> dict[str, Any]:
        """The oldest event with one of these names; events of other names stay in the queue.

        A script that may end before it stops is waited for with ``("stopped", "terminated")``: only the loss of the
        connection ends the wait otherwise. Raises as :meth:`next_event` does.
        """
        wanted = (names,) if isinstance(names, str) else tuple(names)
        return self._take(lambda message: message["event"] in wanted, " or ".join(map(repr, wanted)), timeout)

    def drain(self) -> list[dict[str, Any]]:
        """All events that have arrived, without waiting."""
        with self._inbox.changed:
            found = list(self._inbox.events)
            self._inbox.events.clear()
        return found

    def _take(self, fits: Callable[[dict], bool], what: str, timeout: float | None) -> dict[str, Any]:
        message = self._inbox.take(fits, timeout)
        if message is None:
            raise TimeoutError(f"no {what} within {timeout:g} seconds")
        return message

    # ------------------------------------------------------------------------------------------------ ending

    @property
    def lost(self) -> str | None:
        """Why there is no connection any more, or None while there is one."""
        return self._inbox.lost

    @property
    def goodbye(self) -> dict[str, Any] | None:
        """Body of the event ``terminated`` of a process that has said that it ends; None of one that has not."""
        return self._inbox.goodbye

    @property
    def exit_code(self) -> int | None:
        """Exit code of a process that was launched and has ended."""
        return self._process.poll() if self._process else None

    @property
    def halted(self) -> bool:
        """Whether the process that was launched has been halted by a signal."""
        return self._process is not None and self._process.halted

    def resume(self) -> None:
        """Let a process that was halted go on."""
        if self._process is not None:
            self._process.resume()

    def close(self, terminate: bool | None = None) -> None:
        """End the session. ``terminate``: end the script too (by default if this client launched it).

        A process that was launched is gone afterwards, even if it hangs; ``terminate=False`` is for attached ones only.
        """
        if self.lost is None and self._finalizer.alive:
            wish = self.launched if terminate is None else terminate
            try:
                self.request("disconnect", _GRACE, terminateDebuggee=wish)
            except TimeoutError:
                if self._process is not None:
                    self._process.kill()  # it hangs: it would not end by itself either
            except (RequestError, ConnectionLost) as error:
                logging.getLogger(__name__).debug("disconnect: %s", error)
        self._inbox.lose("the client has closed the connection")
        self._finalizer()
        if threading.current_thread() is not self._reader:
            self._reader.join(_GRACE)

    def kill(self, why: str) -> None:
        """End a process that was launched at once, whatever it does; ``why`` becomes :attr:`lost`."""
        self._inbox.lose(why)
        if self._process is not None:
            self._process.kill()
        self._connection.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _release(creator: int, connection: Connection, process: Process | None) -> None:
    """Let go of the debuggee; run once, by close(), when a client is forgotten, or when this process ends."""
    if os.getpid() != creator:  # a fork of this process ends: neither is its own
        return
    connection.close()
    if process is not None:
        process.end(_GRACE)


def _deliver_to(inbox: Inbox) -> Callable[[str, str], None]:
    def deliver(category: str, text: str) -> None:
        inbox.add_event({"seq": 0, **event("output", {"category": category, "output": text})})

    return deliver


def _accept(listener: socket.socket, process: Process, key: str, deadline: float) -> tuple[Connection, dict[str, Any]]:
    """The connection of the process that was started; whoever else connects is sent away."""
    listener.settimeout(_LOOK)
    while (left := deadline - time.monotonic()) > 0:
        try:
            sock = listener.accept()[0]
        except TimeoutError:
            if process.poll() is not None:
                raise ConnectionLost(f"the engine process ended before it connected: {process.words()}") from None
            continue
        connection = Connection(sock)
        try:
            return connection, authenticate_as_client(connection, key, min(left, HANDSHAKE_TIMEOUT))
        except VersionError:
            raise
        except AuthenticationError as error:
            if process.wait(_LOOK) is not None:
                continue  # it was the process itself, which has ended meanwhile
            logging.getLogger(__name__).warning("somebody else connected to the debugger and was sent away: %s", error)
    raise ConnectionLost("the engine process did not connect in time")
