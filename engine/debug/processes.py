"""Starting, replaying and ending the processes of a session's runs. Standard library only, no NumPy."""

from __future__ import annotations

import shutil
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from engine.debug.client import Client, ConnectionLost, RequestError
from engine.debug.run import Run, Stop
from engine.debug.wire.connection import Connection
from engine.debug.wire.process import Process
from engine.temporary import make_folder, remove_folder

OnEvent = Callable[[Run, dict[str, Any]], object]

#: Seconds after a replay's stop in which its output may still be on its way through the pipes.
_SETTLING = 0.05

#: Events that are handed on as they arrive, and not waited for.
_PASSING = ("output", "progress", "snapshot", "diagnostic", "breakpoint")


class SessionError(Exception):
    """Something that the session cannot do; the message says why."""


#: Options of a launch that are those of the process, not of the script.
_OF_PROCESSES = ("python", "capture_output", "command")


class Spare:
    """A process that is being started in the background, so that the next replay need not wait for Python and Numba.

    Args:
        prepare: starts it: (client, the list that its run will stand in).
    """

    def __init__(self, prepare: Callable[[], tuple[Client, list[Run]]]) -> None:
        self._prepare = prepare
        self._made: tuple[Client, list[Run]] | None = None
        self._thread = threading.Thread(target=self._run, name="nablascope-spare", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        # Without it the replay starts a process of its own, and says what is wrong if that fails as well.
        with suppress(ConnectionLost, OSError):
            self._made = self._prepare()

    def take(self) -> tuple[Client, list[Run]] | None:
        """The process, once it is there; None where it is not alive."""
        self._thread.join()
        return self._made if self._made is not None and self._made[0].lost is None else None

    def close(self) -> None:
        """End the process."""
        self._thread.join()
        if self._made is not None:
            self._made[0].close()


class Processes:
    """Makes the processes of runs. Each keeps its tape in a folder of its own inside of one that :meth:`close` removes.

    Args:
        options: what every process is launched with; None where the session is attached to one.
        client_class: what launches them.
        on_event: see :class:`engine.debug.session.Session`.

    Attributes:
        settings: requests that every process is sent before its script begins, by command and file.
        on_replay: called with (run, body of an event ``progress``) while a replay is on its way, in the client's thread.
    """

    def __init__(self, options: dict[str, Any] | None, client_class: type[Client], on_event: OnEvent | None) -> None:
        self.settings: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {}
        self.on_replay: OnEvent | None = None
        self._keeps_spare = bool(options and options.get("spare"))
        self._options = {name: value for name, value in options.items() if name != "spare"} if options else options
        self._spare: Spare | None = None
        self._client_class = client_class
        self._on_event = on_event
        #: Processes that replay and belong to no run of the session yet; closing ends them.
        self._coming: set[Client] = set()
        #: What is being started and does not answer yet; closing ends it at once.
        self._starting: set[Process | Client | Connection] = set()
        self._closed = False
        self._folder = _temporary_folder()
        self._started = 0
        self._numbers = 0
        self._finalizer = weakref.finalize(self, remove_folder, self._folder)

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._closed

    def reserve(self, number: int) -> None:
        """Give runs to come numbers above this one."""
        self._numbers = max(self._numbers, number)

    # ---- making ----

    def launch(self, replay: dict[str, Any] | None = None, name: str | None = None, number: int = 0, **fields: Any) -> Run:
        """A run with a fresh process, not yet begun. Raises what ``Client.launch`` does, SessionError when attached.

        Args:
            replay: of the request ``launch``.
            name, number: of the run; without them it gets the next ones.
            fields: further attributes of the run.
        """
        if self._options is None:
            raise SessionError("the process was attached to, not launched: there is no script to start again")
        if self._closed:
            raise SessionError("the session is closed")
        self._started += 1
        recording = self._folder / f"recording-{self._started}"
        recording.mkdir()
        script = {
            **self._options, "parameters": list(fields.get("parameters", ())), "recording": str(recording), "replay": replay,
        }  # fmt: skip
        spare, self._spare = self._spare, None
        prepared = spare.take() if spare is not None else None
        if prepared is not None:
            client, holder = prepared
            with self._starts(client):
                client.begin(**{name: value for name, value in script.items() if name not in _OF_PROCESSES})
        else:
            holder = []
            with self._starts() as started:
                client = self._client_class.launch(
                    **script, on_event=lambda message: self._seen(holder, message), on_process=started
                )
        if not number:
            number = self._numbers = self._numbers + 1
        run = Run(number, name or f"run {number}", client, recording, muted=replay is not None, **fields)
        self._hand_on(run, holder)
        if self._closed:
            self.discard(run)
            raise SessionError("the session is closed")
        return run

    def fresh(self, **fields: Any) -> Run:
        """A run with a fresh process that has begun and stands at its first stop. Raises as :meth:`launch` does."""
        run = self.launch(**fields)
        try:
            self.begin(run, None)
        except BaseException:
            self.discard(run)
            raise
        return run

    def attach(self, host: str, port: int, key: str) -> Run:
        """A run whose process is there already. Raises what ``Client.attach`` does; closing ends the attempt."""
        holder: list[Run] = []
        with self._starts() as started:
            client = self._client_class.attach(
                host, port, key, on_event=lambda message: self._seen(holder, message), on_connection=started
            )
        run = Run(1, "run 1", client, None)
        self._hand_on(run, holder)
        return run

    def replay(self, of: Run, place: dict[str, Any], failure: str, *, set_up: bool = True, **fields: Any) -> Run:
        """A run with a fresh process that has replayed the tape of ``of`` up to ``place``, and stands there.

        Args:
            place: ``at`` or ``before``, ``level``, ``breakpoints``, ``edits``: of the request ``launch``'s ``replay``.
            failure: how the message of the SessionError begins that is raised where it does not get there; nothing of
                the process stays then.
            set_up: whether it gets the session's settings.
        """
        recording = self.require_tape(of)
        self.flush(of)
        if not any(recording.iterdir()):
            raise SessionError(f"{failure}: its process was gone before anything of it was written; restart it")
        place = {"recordedScript": True, **place}  # the file may have been edited meanwhile
        return self.replay_tape(recording, place, failure, set_up=set_up, parameters=of.parameters, **fields)

    def replay_tape(
        self, recording: Path, place: dict[str, Any], failure: str, *, set_up: bool = True, **fields: Any
    ) -> Run:
        """As :meth:`replay`, of a tape that lies in the folder ``recording`` and belongs to no run."""
        replay = {"recording": str(recording), **place}
        run = self._launch_replay(replay, failure, fields)
        try:
            stop = self.begin(run, None, set_up)
            if stop.get("restart"):
                # It needed contents that it had skipped: once more, computing everything.
                self.discard(run)
                fields["number"] = run.number
                run = self._launch_replay(replay | stop["restart"], failure, fields)
                stop = self.begin(run, None, set_up)
            if stop.reason in ("exited", "lost"):
                said = " ".join(note["body"]["output"].strip() for note in run.notes)
                raise SessionError(f"{failure}: {said or _gist(stop.get('description', ''))}")
        except BaseException:
            self.discard(run)
            raise
        finally:
            self._coming.discard(run.client)
        if self._options is not None and self._options.get("capture_output"):
            time.sleep(_SETTLING)
        run.muted = False
        for note in run.notes:
            self._seen([run], note)
        run.notes.clear()
        return run

    def _launch_replay(self, replay: dict[str, Any], failure: str, fields: dict[str, Any]) -> Run:
        try:
            run = self.launch(replay, **fields)
        except (ConnectionLost, RequestError) as error:
            raise SessionError(f"{failure}: {_gist(str(error))}") from error
        self._coming.add(run.client)
        return run

    # ---- events ----

    def _hand_on(self, run: Run, holder: list[Run]) -> None:
        """Let events that arrive belong to ``run``; what has arrived before is handed on now."""
        run.heard_by = holder
        holder.append(run)
        for message in run.client.drain():
            self._seen(holder, message)

    def _seen(self, holder: list[Run], message: dict[str, Any]) -> bool:
        """An event as it arrives, in the client's thread; True keeps it out of the queue."""
        if not holder or message["event"] not in _PASSING:
            return False
        run = holder[0]
        progress = message["body"] if message["event"] == "progress" else message["body"].get("progress")
        if progress is not None:
            run.progress = progress
            if run.muted and self.on_replay is not None:
                self.on_replay(run, run.progress)
        if run.divergence is None and message["body"].get("divergence"):
            run.divergence = message["body"]["divergence"]
        if run.muted:
            if message["event"] == "output" and message["body"].get("category") == "console":
                run.notes.append(message)
        elif self._on_event is not None:
            self._on_event(run, message)
        return True

    # ---- running ----

    def begin(self, run: Run, timeout: float | None, set_up: bool = True) -> Stop:
        """Send what is set, let the script begin (pause one that was attached to), wait for its first stop."""
        try:
            if set_up:
                for command, arguments in list(self.settings.values()):  # another thread may set something meanwhile
                    run.client.request(command, **arguments)
            run.client.request("configurationDone")
            if self._options is None:
                run.client.request("pause")
        except ConnectionLost as lost:
            return run.lose(str(lost))
        run.state = "running"
        stop = self.wait(run, timeout)
        if self._keeps_spare and self._spare is None:
            self._spare = Spare(self._prepare)
        return stop

    def _prepare(self) -> tuple[Client, list[Run]]:
        assert self._options is not None
        holder: list[Run] = []
        process = {name: value for name, value in self._options.items() if name in _OF_PROCESSES}
        on_event = lambda message: self._seen(holder, message)  # noqa: E731
        with self._starts() as started:
            return self._client_class.prepare(**process, on_event=on_event, warm=True, on_process=started), holder

    @contextmanager
    def _starts(self, client: Client | None = None) -> Iterator[Callable[[Process | Connection], object]]:
        """While this lasts, closing ends ``client`` or what is handed over, rather than wait for it."""
        mine: list[Process | Client | Connection] = []

        def started(what: Process | Client | Connection) -> None:
            mine.append(what)
            self._starting.add(what)
            if self._closed:
                _kill(what)

        try:
            if client is not None:
                started(client)
            yield started
        finally:
            self._starting.difference_update(mine)

    def wait(self, run: Run, timeout: float | None) -> Stop:
        """Wait until it stops, ends or is lost. Raises TimeoutError."""
        names = ("stopped", "exited", "terminated") if run.muted else ("stopped", "exited")
        try:
            return run.arrive(run.client.wait_for(names, timeout))
        except ConnectionLost as lost:
            return run.lose(str(lost))

    def flush(self, run: Run) -> None:
        """Have the tape written; of a process that is gone, what it had written has to do."""
        if run.recording is not None:
            with suppress(ConnectionLost):
                run.client.request("flushRecording")

    def require_tape(self, run: Run) -> Path:
        """The folder of its tape; raises SessionError where ``run`` cannot be replayed."""
        if run.recording is None:
            raise SessionError("an attached process keeps no recording: looking back ends where its history begins")
        return run.recording

    # ---- ending ----

    def replace(self, old: Run, new: Run) -> None:
        """Give ``old`` the process, tape and place of ``new``, and end the process that it had."""
        client, recording = old.client, old.recording
        old.heard_by.clear()
        old.client, old.recording, old.heard_by = new.client, new.recording, new.heard_by
        old.heard_by[:] = [old]
        old.stop, old.state, old.exit_code, old.progress = new.stop, new.state, new.exit_code, new.progress
        client.close()
        if recording is not None:
            shutil.rmtree(recording, ignore_errors=True)

    def discard(self, run: Run) -> None:
        """End the process of ``run``, and remove its tape."""
        self._coming.discard(run.client)
        run.client.close()
        if run.recording is not None:
            shutil.rmtree(run.recording, ignore_errors=True)

    def end(self) -> None:
        """End the processes that are on their way or wait to be used."""
        self._keeps_spare = False
        self._closed = True
        for what in list(self._starting):
            _kill(what)
        spare, self._spare = self._spare, None
        together([*(client.close for client in list(self._coming)), *([spare.close] if spare is not None else [])])

    def close(self) -> None:
        """Remove all tapes, and end what :meth:`end` ends."""
        self.end()
        self._finalizer()


def _temporary_folder() -> Path:
    """A new one for the tapes of runs. Raises OSError."""
    try:
        return make_folder()
    except OSError as error:
        why = f"the runs cannot be recorded ({error.strerror or error})"
        raise OSError(f"{why}; set TMPDIR to a folder that you may write to, and that has room") from None


def together(calls: Sequence[Callable[[], object]]) -> None:
    """Make all calls at once, and wait until they have returned: ending one process must not wait for another."""
    threads = [threading.Thread(target=call, name="nablascope-end", daemon=True) for call in calls[1:]]
    for thread in threads:
        thread.start()
    for call in calls[:1]:
        call()
    for thread in threads:
        thread.join()


def _kill(what: Process | Client | Connection) -> None:
    if isinstance(what, Connection):
        what.close()
    elif isinstance(what, Process):
        what.kill()
    else:
        what.kill("the session is closed")


def _gist(text: str) -> str:
    """``text``; of one that ends with a traceback, what it was raised with."""
    return text.strip().splitlines()[-1] if "Traceback (most recent call last)" in text else text
