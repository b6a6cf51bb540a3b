"""``Session``: the runs of one debugging session, and travelling in their time. Standard library only, no NumPy.

A process is never rewound. What lies in the history that a process keeps it shows by itself; for what lies before, the
session starts a fresh process that replays the recorded tape up to there and takes the place of the old one. A fork is
a fresh process too: it replays up to where the cursor is, is changed there, and stays beside the first.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from engine.debug.beginning import beginnings
from engine.debug.client import Client, ConnectionLost, RequestError
from engine.debug.processes import OnEvent, Processes, SessionError, together
from engine.debug.run import Run, Stop
from engine.debug.saved_runs import SavedRun, bring_back
from engine.temporary import temporary_folder

__all__ = ["ConnectionLost", "RequestError", "Run", "SavedRun", "Session", "SessionError", "Stop", "temporary_folder"]

#: Requests that go back in time, with which a run can be asked even when its process is gone.
_BACKWARDS = ("stepBack", "reverseContinue", "goto")

#: Requests with which a script may run for long.
_FAR = ("continue", "runTo")


class Session:
    """One or more runs of a script, of which one is ``current``. Made by :meth:`launch`, :meth:`attach`, :meth:`reopen`.

    Every call may raise RequestError where the debuggee refuses. ``on_event(run, message)``, if given, sees the events
    ``output``, ``progress``, ``diagnostic`` and ``breakpoint`` as they arrive, in a thread of the client's; it must not
    ask anything of the session there.

    Attributes:
        runs: all runs, the first of them run 1.
        current: the run that requests go to.
        program: path of the script; None when attached.
    """

    def __init__(self, options: dict[str, Any] | None, client_class: type[Client], on_event: OnEvent | None) -> None:
        self.runs: list[Run] = []
        self.current: Run
        self.program = None if options is None else str(options["program"])
        self._processes = Processes(options, client_class, on_event)

    # ------------------------------------------------------------------------------------------------ making one

    @classmethod
    def launch(
        cls,
        program: str | os.PathLike[str],
        arguments: Sequence[str] = (),
        *,
        parameters: Sequence[str] = (),
        as_torch: bool = False,
        cwd: str | os.PathLike[str] | None = None,
        capture_output: bool = False,
        threads: int | None = None,
        on_event: OnEvent | None = None,
        client_class: type[Client] = Client,
        spare: bool = False,
        on_session: Callable[[Session], object] | None = None,
        **more: Any,
    ) -> Session:
        """Start a process for the script. Set breakpoints next, then :meth:`start`.

        With ``spare`` a second process is kept ready, with the engine loaded: going back in time and forking then take
        a second less. ``on_session`` is given the session before its process is started: :meth:`close`, in another
        thread, ends that at once. The other arguments, and ``more``, are those of
        :meth:`engine.debug.client.Client.launch`, which says what it raises.
        """
        session = cls.reopen(
            program, arguments, as_torch=as_torch, cwd=cwd, capture_output=capture_output, threads=threads,
            on_event=on_event, client_class=client_class, spare=spare, **more,
        )  # fmt: skip
        try:
            if on_session is not None:
                on_session(session)
            run = session._processes.launch(parameters=tuple(parameters))
        except BaseException:
            session.close()
            raise
        session.runs.append(run)
        session.current = run
        return session

    @classmethod
    def reopen(
        cls,
        program: str | os.PathLike[str],
        arguments: Sequence[str] = (),
        *,
        on_event: OnEvent | None = None,
        client_class: type[Client] = Client,
        **options: Any,
    ) -> Session:
        """A session without a process and without runs, for :meth:`bring_back`; arguments as of :meth:`launch`."""
        return cls({"program": program, "arguments": list(arguments), **options}, client_class, on_event)

    @classmethod
    def attach(
        cls, host: str, port: int, key: str, *, on_event: OnEvent | None = None, client_class: type[Client] = Client,
        on_session: Callable[[Session], object] | None = None,
    ) -> Session:  # fmt: skip
        """Connect to a process that called ``engine.debug.listen()``. It can be stepped, but not replayed or forked.

        ``on_session`` is that of :meth:`launch`.
        """
        session = cls(None, client_class, on_event)
        try:
            if on_session is not None:
                on_session(session)
            run = session._processes.attach(host, port, key)
        except BaseException:
            session.close()
            raise
        session.runs.append(run)
        session.current = run
        return session

    def start(self, timeout: float | None = None) -> Stop:
        """Let the script of the current run begin (one that was attached to is paused); wait for its first stop."""
        return self._processes.begin(self.current, timeout)

    # ------------------------------------------------------------------------------------------------ saved ones

    def saved_runs(self) -> list[SavedRun]:
        """What :meth:`bring_back` needs of every run. The tapes are written; they stay where they are while nothing moves.

        Raises SessionError: the process was attached to, and keeps no tape.
        """
        for run in self.runs:
            self._processes.require_tape(run)
            self._processes.flush(run)
        return [SavedRun.of(run) for run in self.runs]

    def preset(self, command: str, **arguments: Any) -> None:
        """A setting, as of :meth:`configure` and :meth:`listen_to`, for the processes of a session that has none yet."""
        key = (arguments.get("source") or {}).get("path", "") if command.startswith("set") else ""
        self._processes.settings[command, key] = command, arguments

    def bring_back(
        self, runs: Sequence[SavedRun], current: int, *, skip: bool = True, on_progress: OnEvent | None = None
    ) -> list[str]:
        """Replay saved runs to where they stood, in a session made by :meth:`reopen`; the one numbered ``current`` first.

        Args:
            skip: whether steps before a checkpoint may be passed over; not where the script, or what runs it, has
                changed since: everything is then computed, and compared with the tape.
            on_progress: called with (run, body of an event ``progress``) on the way, in a thread of the client's.

        Returns:
            Why runs other than the current one could not be brought back, a sentence each; they are missing.

        Raises:
            SessionError: the current one cannot be, or the session was closed meanwhile.
        """
        return bring_back(self, self._processes, runs, current, skip, on_progress)

    # ------------------------------------------------------------------------------------------------ asking

    def request(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Ask the current run anything that does not move it."""
        return self.current.client.request(command, **arguments)

    def configure(self, command: str, **arguments: Any) -> dict[str, Any]:
        """A request ``set...Breakpoints`` or ``setWatchpoints``: for all runs, and for every process yet to come."""
        return self._setting(command, (arguments.get("source") or {}).get("path", ""), arguments)

    def listen_to(self, command: str, **arguments: Any) -> dict[str, Any]:
        """A request that switches ``statistics`` or ``diagnostics`` on or off, likewise for all runs."""
        return self._setting(command, "", arguments)

    def _setting(self, command: str, key: str, arguments: dict[str, Any]) -> dict[str, Any]:
        body = self.current.client.request(command, **arguments)
        self._processes.settings[command, key] = command, arguments
        for run in self.runs:
            if run is not self.current and run.state != "lost":
                with suppress(ConnectionLost):
                    run.client.request(command, **arguments)
        return body

    # ------------------------------------------------------------------------------------------------ moving

    def step(self, command: str, timeout: float | None = None, **arguments: Any) -> Stop:
        """Send a request that moves (``next``, ``continue``, ``stepBack`` ...) and wait for where it leads.

        What lies before the history of the process is replayed. Raises TimeoutError when it has not stopped after
        ``timeout`` seconds: it runs on then, and :meth:`wait` waits on.
        """
        run = self.current
        if command == "continue" and run.state == "ended" and run.stop is not None:
            return run.stop  # going on from there would end the process, and with it the view of its past
        run.client.drain()
        try:
            if command in _FAR or arguments.get("granularity") in ("batch", "epoch"):
                with suppress(RequestError):  # a full disk must not keep it from running
                    self._processes.flush(run)  # should the process die on its way, a replay gets as far as here
            run.client.request(command, **arguments)
        except RequestError as error:
            if error.id != "beyondHistory":
                raise
            return self._replay_to(run, error.error)
        except ConnectionLost as lost:
            stop = run.stop if run.state == "lost" and run.stop is not None else run.lose(str(lost))
            if command not in _BACKWARDS or stop.position is None or run.recording is None:
                return stop
            return self._replay_to(run, _backwards(command, arguments, stop))
        except KeyboardInterrupt:
            run.state = "running"  # it has been told to move, and may have run for long before it has said so
            raise
        run.state = "running"
        return self.wait(timeout)

    def wait(self, timeout: float | None = None) -> Stop:
        """Wait until the current run stops, ends or is lost. Raises TimeoutError after ``timeout`` seconds."""
        return self._processes.wait(self.current, timeout)

    def pause(self) -> None:
        """Ask the current run to stop where it is; :meth:`wait` returns when it does."""
        self.request("pause")

    def travel(self, position: Sequence[int], timeout: float | None = None, *, live: bool = False) -> Stop:
        """Go to a position of the current run, in the past or in what is to come.

        Within the history only the cursor moves, and the script's variables stay those of the present. With ``live``
        the process is exchanged for one that stands there, so that they are those of then.
        """
        stop, target = self.current.stop, list(position)
        if live:
            return stop if stop is not None and stop.live and list(stop.position or ()) == target else (
                self._replay_to(self.current, {"at": target})
            )
        if stop is not None and stop.position is not None and self.current.state != "lost" and tuple(target) > stop.position:
            return self.step("runTo", timeout, position=target)
        return self.step("goto", timeout, position=target)

    # ------------------------------------------------------------------------------------------------ what if

    def fork(
        self, edits: Sequence[dict[str, Any]], name: str | None = None, *, parameters: Sequence[str] = (),
        step: int | None = None,
    ) -> Run:  # fmt: skip
        """A second run that shares the past of the current one up to the cursor, is changed there, and becomes current.

        Args:
            edits: ``{"kind": "exec", "code"}``, ``{"kind": "parameters", "settings"}`` (``NAME=VALUE``) or
                ``{"kind": "tensor", "reference", "index", "value"}``.
            name: of the run (``"run 2"`` ...).
            parameters: further ``NAME=VALUE`` for the script; with these the run shares no past and starts anew.
            step: fork where so many optimizer steps had just ended, not at the cursor.

        Raises:
            SessionError: the run stands nowhere, has not come to that step, the edits cannot be made, or its process cannot
                be started.
        """
        parent = self.current
        name = self._free(name)
        if parameters:
            if edits:
                raise SessionError("a run with other parameters starts anew: changes at this stop cannot be made in it")
            return self._another(parent, name, parameters)
        if parent.stop is None or parent.stop.position is None:
            raise SessionError(f"{parent.name} stands nowhere yet; start it before it is forked")
        self._processes.require_tape(parent)
        places = [parent.stop.position] if step is None else self._ends_of(parent, step)
        run = self._forked(parent, places, list(edits), name)
        self.runs.append(run)
        self.current = run
        return run

    def _forked(self, parent: Run, places: Sequence[Sequence[int]], edits: list[dict[str, Any]], name: str | None) -> Run:
        """At the first of the places at which the names are known that the edits need."""
        failure = f"{parent.name} cannot be forked here"
        for at in places:
            place = {"at": list(at), "edits": edits}
            try:
                return self._processes.replay(
                    parent, place, failure, name=name, parent=parent, forked_at=tuple(at), edits=edits
                )
            except SessionError as error:
                if "NameError" not in str(error) or at is places[-1]:
                    raise
        raise SessionError(failure)

    def _ends_of(self, run: Run, step: int) -> list[tuple[int, ...]]:
        """Where so many steps have ended: for none, the places at which what comes first can still be changed."""
        found = run.client.request("locate", step=step)["position"]
        if found is None:
            raise SessionError(f"{run.name} has not come to the end of step {step}; run it to there before it is forked")
        return [tuple(found)] if step > 0 else beginnings(self, run)

    def restart(self, parameters: Sequence[str] | None = None, name: str | None = None) -> Stop:
        """Begin anew, with the same initial weights: a fresh process in the place of the current run's.

        With ``parameters`` (``NAME=VALUE``) it becomes another run beside it.
        """
        if parameters:
            self._another(self.current, self._free(name), parameters)
            assert self.current.stop is not None
            return self.current.stop
        old = self.current
        new = self._processes.fresh(name=old.name, number=old.number, parameters=old.parameters)
        self._processes.replace(old, new)
        old.edits, old.forked_at, old.parent = [], None, None
        assert old.stop is not None
        return old.stop

    def _free(self, name: str | None) -> str | None:
        """``name``, with a number behind it where a run has it: the same edit may be tried twice."""
        taken = {run.name for run in self.runs}
        again = (f"{name} ({number})" for number in itertools.count(2))
        return name if name not in taken else next(other for other in again if other not in taken)

    def _another(self, parent: Run, name: str | None, parameters: Sequence[str]) -> Run:
        names = {setting.partition("=")[0].strip() for setting in parameters}
        kept = [setting for setting in parent.parameters if setting.partition("=")[0].strip() not in names]
        run = self._processes.fresh(name=name, parameters=(*kept, *parameters))
        self.runs.append(run)
        self.current = run
        return run

    def switch(self, which: int | str | Run) -> Run:
        """Make another run current, by number, name or itself."""
        self.current = self.find(which)
        return self.current

    def find(self, which: int | str | Run) -> Run:
        """A run by number (also as text), by name, or itself. Raises SessionError when there is none."""
        for run in self.runs:
            if run is which or which in (run.number, str(run.number), run.name):
                return run
        raise SessionError(f"there is no run {which!r}; there are: {', '.join(run.name for run in self.runs)}")

    def rename(self, which: int | str | Run, name: str) -> None:
        """Call a run ``name``. Raises SessionError where that is no name, or another run has it."""
        run, name = self.find(which), name.strip()
        if not name:
            raise SessionError("a run cannot be without a name")
        if name.isdecimal():
            raise SessionError(f"a run cannot be called {name}: by a number alone runs are found already")
        if any(other.name == name for other in self.runs if other is not run):
            raise SessionError(f"there is a run {name!r} already")
        run.name = name

    def drop(self, which: int | str | Run) -> None:
        """End a run that is not the current one, and forget it."""
        run = self.find(which)
        if run is self.current:
            raise SessionError(f"{run.name} is the current run; switch to another one first")
        self.runs.remove(run)
        self._processes.discard(run)

    def compare(self, a: int | str | Run, b: int | str | Run) -> dict[str, Any]:
        """Where two runs first differ, and their curves: see :func:`engine.debug.compare.compare`."""
        from engine.debug.compare import compare

        return compare(self, self.find(a), self.find(b))

    # ------------------------------------------------------------------------------------------------ ending

    def give_up(self, why: str) -> None:
        """End the processes of all runs at once, whatever they do; the runs stay, with what is written of their tapes."""
        together([partial(run.client.kill, why) for run in self.runs])

    def close(self, terminate: bool | None = None) -> None:
        """End all runs and remove their recordings. ``terminate``: end an attached process too."""
        together([self._processes.end, *(partial(run.client.close, terminate) for run in self.runs)])
        self._processes.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ------------------------------------------------------------------------------------------------ replays

    def examiner(self, run: Run, place: dict[str, Any]) -> Run:
        """A process beside ``run`` that has replayed it to a place (``at``, or ``before`` and ``level``) and stands there.

        :meth:`discard` ends it.
        """
        failure = f"{run.name} cannot be replayed"
        return self._processes.replay(run, place, failure, name=run.name, number=run.number, set_up=False)

    def discard(self, run: Run) -> None:
        """End the process of an examiner, and remove its tape."""
        self._processes.discard(run)

    def _replay_to(self, run: Run, where: dict[str, Any]) -> Stop:
        """Exchange the process of ``run`` for one that has replayed it to ``where``."""
        place = {name: where[name] for name in ("at", "before", "level", "breakpoints") if name in where}
        failure = f"{run.name} cannot be replayed to there"
        exit_code = run.exit_code
        while True:
            self._processes.replace(run, self._processes.replay(run, place, failure, name=run.name, number=run.number))
            stop = run.stop
            assert stop is not None
            run.exit_code = exit_code  # looking back does not undo how the script has ended
            if stop.get("found", True) or stop.position is None or list(stop.position) >= list(place.get("before", ())):
                return stop
            # A replay remembers some steps before its end only; what is looked for lies before these.
            place = {**place, "before": list(stop.position)}


def _backwards(command: str, arguments: dict[str, Any], stop: Stop) -> dict[str, Any]:
    """Where a request to go back leads, in the words of a replay, when no process is there to say it."""
    if command == "goto":
        return {"at": arguments["position"]} if "position" in arguments else {"at": stop["position"]}
    if stop.get("lastSeen") and stop.reason == "lost":
        # The place where it was seen last lies before the one where it was lost: that is one step back.
        return {"at": stop["position"]}
    if command == "reverseContinue":
        return {"before": stop["position"], "level": "run", "breakpoints": True}
    return {"before": stop["position"], "level": arguments.get("granularity") or stop.get("level") or "op"}
