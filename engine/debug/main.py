"""The process that a client launches: ``python -m engine.debug.main --connect PORT`` runs one script under the debugger.

It connects back to the client, proves that it knows the key (environment variable ``NABLASCOPE_KEY``), takes the
request ``launch``, and runs the script on its main thread. It never outlives the client.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any

from engine.debug.wire.arrays import ProtocolError
from engine.debug.wire.connection import Connection, error_response, event, response
from engine.debug.wire.handshake import authenticate_as_server
from engine.debug.wire.process import LIFELINE_VARIABLE

if TYPE_CHECKING:
    from engine.debug.debuggee import Debuggee

#: The environment variable that holds the key; scripts and processes that they start do not see it.
KEY = "NABLASCOPE_KEY"


def main() -> int:
    """Serve the client that started this process, until it is gone; the script's exit code."""
    parser = argparse.ArgumentParser(prog="python -m engine.debug.main")
    parser.add_argument("--connect", type=int, required=True, metavar="PORT", help="where the client listens, on loopback")
    parser.add_argument("--warm", action="store_true", help="load the engine before there is a script")
    given = parser.parse_args()
    port = given.connect
    key = os.environ.pop(KEY, "")
    if not key:
        print(f"engine.debug.main: no key in {KEY}; this program is started by nablascope", file=sys.stderr)
        return 2
    _end_with_client()
    if sys.stderr is not None:
        faulthandler.enable(all_threads=False)  # which line a crash in native code came from, nobody else can tell
    connection = Connection(socket.create_connection(("127.0.0.1", port), timeout=10))
    authenticate_as_server(connection, key, "launched")
    if given.warm:
        _warm_up()
    request = _launch_request(connection)
    if request is None:
        return 0
    return _serve(connection, request)


def _end_with_client() -> None:
    """Have the system end this process when the client's is gone: no thread sees that while one call holds Python's lock."""
    if (given := os.environ.pop(LIFELINE_VARIABLE, "")) and sys.platform == "linux":
        import fcntl

        lifeline = int(given)
        os.set_inheritable(lifeline, False)  # what the script starts may live on
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
        # SIGIO, which ends a process, is sent when something is written, which nobody does, and when the other end closes.
        fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)


def _warm_up() -> None:
    """Load what every script needs: the engine, and Numba with one kernel, which brings LLVM along."""
    import engine
    import engine.debug.launch
    from engine import nn

    nn.functional.relu(engine.zeros(4, 4))


def _launch_request(connection: Connection) -> dict[str, Any] | None:
    """The request ``launch``; None when the client is gone or has changed its mind."""
    while (message := connection.receive()) is not None:
        if message["type"] != "request":
            continue
        if message["command"] == "launch":
            return message
        if message["command"] in ("disconnect", "terminate"):
            connection.send(response(message))
            return None
        connection.send(error_response(message, "badArguments", f"{message['command']}: send launch first"))
    return None


def _serve(connection: Connection, request: dict[str, Any]) -> int:
    # Imported here: the client has its connection before Numba is loaded.
    from engine.debug.launch import Launch
    from engine.debug.replay.recording import RecordingError
    from engine.script.program import ScriptError

    try:
        launch = Launch(request["arguments"])
    except (ScriptError, RecordingError, OSError, ValueError, ProtocolError) as error:
        connection.send(error_response(request, "failed", str(error)))
        connection.send(event("exited", {"exitCode": 2}))
        connection.close()
        return 2
    connection.send(response(request))
    debuggee = launch.debuggee(lambda: os._exit(1))
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, debuggee.keyboard)
    debuggee.connect(connection)
    debuggee.send("initialized")
    if not debuggee.configured():
        return 1
    code = launch.run(debuggee)
    _goodbye(debuggee, code)
    return code


def _goodbye(debuggee: Debuggee, code: int) -> None:
    flush()
    debuggee.send("exited", {"exitCode": code})
    debuggee.send("terminated")


def flush() -> None:
    """Write out what the script has printed, where it has left its streams open."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()


if __name__ == "__main__":
    # The exit code is handed on without running what the script left behind: threads of its own that never end.
    result = main()
    flush()
    os._exit(result)
