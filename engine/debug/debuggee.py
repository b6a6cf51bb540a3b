"""The debugged process as the client sees it: a script that runs or stands, a cursor in its past, and their requests."""

from __future__ import annotations

import _thread
import os
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from engine import trace
from engine.debug import stepping
from engine.debug.debugger import Debugger
from engine.debug.edits import EditLog
from engine.debug.events import Event, Position
from engine.debug.explain.kernel_step import ElementSteps
from engine.debug.explain.reading import ExplainError
from engine.debug.interrupting import Interruption
from engine.debug.lines import is_user_file
from engine.debug.live.views import Subscription
from engine.debug.outlook import Speed, compiling, surroundings
from engine.debug.references import References
from engine.debug.replay.recorder import Recorder
from engine.debug.server import RequestFailedError, Server
from engine.debug.stops import Stop, again_stop, describe
from engine.debug.views.kept import Kept, Told
from engine.debug.views.variables import Variables
from engine.debug.wire.connection import Connection

#: Seconds after which a pause that no event of the engine has answered interrupts the script between two lines.
_IMPATIENCE = 0.3

#: Seconds after which an interrupt comes again that has found the debugger at work.
_AGAIN = 0.005

#: The folder of the debugger's own code.
_OWN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "")

#: Seconds after a snapshot in which the next one is expected.
_PICTURED = 0.1


class Debuggee:
    """Joins the debugger to a client.

    Args:
        recorder: of the run.
        launched: whether a client started this process, so that it must not outlive it.
        on_lost: called when the client is gone.

    Attributes:
        debugger: stops the script.
        stop: where the script stands, or stood last.
        cursor: the recorded event that is looked at; that of ``stop`` when the present is.
        element: the computation that is being stepped through, with the place in it.
        statistics, diagnostics: the listeners, once they were asked for.
        kept: answers about large arrays, while the script stands. graph_told: the graph that the client has.
        graph_built: the graph of a pass that was made last.
        place_of_work: device, threads and seed, as of the newest stop.
        bypassed: whether a stop tells that the script computes with PyTorch itself.
    """

    def __init__(self, recorder: Recorder, launched: bool, on_lost: Callable[[], None]) -> None:
        self.recorder = recorder
        self.launched = launched
        self.debugger = Debugger(recorder, self._stand, self._attend)
        self.debugger.log = self._log
        self.server: Server | None = None
        self.stop: Stop | None = None
        self.cursor: Event | None = None
        self.element: tuple[ElementSteps, int] | None = None
        self.variables = Variables()
        self.kept = Kept()
        self.graph_told = Told()
        self.graph_built: Any = None
        self.references = References(self.debugger.history, self.debugger.names)
        self.edit_log: EditLog | None = None
        self.statistics: Any = None
        self.diagnostics: Any = None
        self.ended = False
        self.exit_code: int | None = None
        self._configured = False
        self.on_configured: Callable[[], None] = lambda: None
        self._replayed: dict[str, Any] | None = None
        self._plan: stepping.Plan | None = None
        self._afterwards: list[Callable[[], None]] = []
        self._pausing = False
        self._reported: tuple | None = None
        self._reporting = threading.Lock()
        self.place_of_work: dict[str, Any] = {}
        self.bypassed: Callable[[Stop], bool] = lambda stop: False
        self._speed = Speed()
        self._on_lost = on_lost
        self._interruption = Interruption(self._interrupted)
        self._break = False

    # ---- the client ----

    def connect(self, connection: Connection) -> None:
        """Serve the client at ``connection``, whose handshake is done."""
        self.server = Server(
            connection, self._handle, self.debugger.attention, self._progress, self._lost, begins=self.launched
        )
        self.server.start()

    def configured(self) -> bool:
        """Answer requests until ``configurationDone`` comes; False when the client goes before."""
        assert self.server is not None
        while not self._configured:
            if not self.server.wait():
                return False
        return True

    def configure(self) -> None:
        """The client has set its breakpoints."""
        self._configured = True
        self.on_configured()

    def answer_waiting(self) -> None:
        """Answer the requests that wait; for a thread that waits for something else."""
        if self.server is not None:
            self.server.attend()

    @property
    def connected(self) -> bool:
        return self.server is not None and not self.server.closed

    def send(self, name: str, body: dict[str, Any] | None = None) -> None:
        """Send an event to the client, if there is one."""
        if self.server is not None:
            self.server.send(name, body)

    def _handle(self, command: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
        # Imported with the first request: by then everything it needs is there.
        from engine.debug.requests import HANDLERS

        handler = HANDLERS.get(command)
        if handler is None:
            raise RequestFailedError("unknownCommand", f"{command}: nothing answers this request here")
        try:
            return handler(self, arguments)
        except (ExplainError, ValueError, IndexError) as error:
            # What the user asked for cannot be done; the message says why.
            raise RequestFailedError("failed", str(error)) from error

    def _lost(self) -> None:
        """The client is gone: nothing is watched for it any more."""
        self.debugger.breakpoints.clear()
        for listener in (self.statistics, self.diagnostics):
            if listener is not None:
                self.debugger.unlisten(listener)
        self.statistics = self.diagnostics = None
        if self.debugger.live is not None:
            self.debugger.live.subscribe(Subscription(0, enabled=False))
        self._pausing = False
        self.debugger.attention()
        self._on_lost()

    def finish(self, terminate: bool) -> None:
        """The client says goodbye: end the process, or leave it alone."""
        if terminate:
            # The answer to this request goes out first.
            threading.Timer(0.05, self._exit).start()

    def _exit(self) -> None:
        code = self.exit_code if self.exit_code is not None else 0
        self.send("exited", {"exitCode": code})
        self.send("terminated")
        os._exit(code)

    # ---- on the script's thread ----

    def _stand(self, stop: Stop) -> stepping.Plan:
        """Answer requests until one says how to go on."""
        server = self.server
        if server is None or server.closed:
            return stepping.running()
        self.stop, self.cursor, self.element = stop, stop.event, None
        if self.bypassed(stop):
            stop.more["bypassed"] = "torch"
        self._pausing = False
        self._plan = None
        server.standing = True
        began = time.monotonic()
        self._speed = Speed()
        try:
            if self._replayed is None:
                self.show(stop)
            else:
                self._look_back(stop, self._replayed)
            while self._plan is None:
                if not server.wait():
                    return stepping.running()
                while self._afterwards:
                    self._afterwards.pop(0)()
        finally:
            server.standing = False
            self.recorder.stood(time.monotonic() - began)
            self.kept.clear()
            # A request that came just now has found the script standing: it is answered at the next tick.
            self.debugger.attention()
        self.variables.clear()
        if self._break:
            self._break = False
            _interrupt_soon()
        return self._plan

    def arrived(self, replay: dict[str, Any]) -> None:
        """The next stop is where a replay was to go, or right behind it."""
        if "before" in replay:
            self._replayed = replay

    def _look_back(self, stop: Stop, replay: dict[str, Any]) -> None:
        """Put the cursor where a step back that was beyond the history of another process goes."""
        self._replayed = None
        level = replay.get("level", "op")
        test = self.debugger.would_stop if replay.get("breakpoints") else stepping.back(level, stop.event)
        history = self.debugger.history
        before = [event for event in reversed(history) if event.position < Position(*replay["before"])]
        found = next((event for event in before if test(event)), None)
        if found is not None and replay.get("breakpoints"):
            self.show(self._again(found))
            return
        more = {} if found is not None else {"found": False}
        place = found or (before[-1] if before else stop.event)
        self.cursor = place
        self.show(Stop("replay", place, [], place is stop.event, describe(place), (), more))

    def _attend(self) -> None:
        """The script's next tick: answer what waits; stop at the next event when that was asked for."""
        observer = trace.set_observer(None)
        try:
            if self.server is not None:
                self.server.attend()
        finally:
            trace.set_observer(observer)
        if self._pausing:
            self.debugger.plan = stepping.pause()

    def go(self, plan: stepping.Plan) -> None:
        """Leave the stop with ``plan`` once the request at hand is answered."""

        def leave() -> None:
            self.send("continued", {"threadId": 1})
            self._plan = plan

        self._afterwards.append(leave)

    def place(self, event: Event, reason: str, element: tuple[ElementSteps, int] | None = None, **more: Any) -> None:
        """Put the cursor at ``event`` (and in the computation ``element``), and tell the client, once it is answered."""
        assert self.stop is not None
        self.cursor, self.element = event, element
        live = event is self.stop.event
        frames = self.stop.frames if live else []
        shown = Stop(reason, event, frames, live, describe(event), (), more)
        self._afterwards.append(lambda: self.show(shown))

    def place_at_breakpoint(self, event: Event) -> None:
        """Put the cursor at ``event``, where breakpoints stopped the run or would have, and tell the client what they say
        of it."""
        shown = self._again(event)
        self._afterwards.append(lambda: self.show(shown))

    def _again(self, event: Event) -> Stop:
        """Put the cursor at ``event``, where breakpoints stopped the run or would have: the stop, as they put it."""
        assert self.stop is not None
        self.cursor, self.element = event, None
        shown = again_stop(event, self.debugger.past_hits(event), None)
        shown.live = event is self.stop.event
        shown.frames = self.stop.frames if shown.live else []
        return shown

    def show(self, stop: Stop) -> None:
        """Tell the client where it is."""
        for stream in (sys.stdout, sys.stderr):
            if stream is not None and not stream.closed:
                stream.flush()
        body = stop.body() | self._surroundings()
        if self.element is not None:
            steps, at = self.element
            body.update(level="element", element={**steps.at(at), "index": at, "count": len(steps), "file": steps.file,
                                                  "launch": steps.launch})  # fmt: skip
        self.send("stopped", body)

    def overwriting(self, array: Any) -> None:
        """``array`` is about to change while the script stands."""
        self.kept.clear()
        self.debugger.history.overwriting(array)

    def require_stop(self) -> Event:
        """The event at the cursor.

        Raises:
            RequestFailedError: nothing has been stopped yet.
        """
        if self.cursor is None or self.server is None or not self.server.standing:
            raise RequestFailedError("notStopped", "the script runs; pause it first")
        return self.cursor

    @property
    def standing(self) -> bool:
        """Whether the script stands and its thread answers requests."""
        return self.server is not None and self.server.standing

    @property
    def live(self) -> bool:
        """Whether the cursor is where the script stands."""
        return self.stop is not None and self.cursor is self.stop.event

    # ---- at any time ----

    def pause(self) -> None:
        """Stop at the next event; where none comes, between two lines of the user's."""
        if self.server is not None and self.server.standing:
            return
        self._pausing = True
        self.debugger.attention()
        threading.Timer(_IMPATIENCE, self._interrupt).start()

    def _interrupt(self) -> None:
        if self._pausing and self.server is not None and not self.server.standing:
            self._interruption.send()

    def _interrupted(self, frame: FrameType | None) -> None:
        """Where the script calls no engine: trace its lines from here."""
        if self._pausing:
            self.debugger.plan = stepping.pause()
            self.debugger.watch_from(frame)

    def keyboard(self, _number: int, frame: FrameType | None) -> None:
        """SIGINT: it interrupts the script, as without a debugger, and never the debugger: where it finds that at work,
        it comes again, and to a script that stands once that goes on.
        """
        if self.standing:
            self._break = True
        elif _at_work(frame):
            _interrupt_soon()
        else:
            raise KeyboardInterrupt

    def _surroundings(self) -> dict[str, Any]:
        """Where the run computes, and how much of its past is kept. On the script's thread."""
        history = self.debugger.history
        self.place_of_work = surroundings(self.recorder.optimizers, self.debugger.names.models())
        return {**self.place_of_work, "historyBytes": history.bytes, "historyBudget": history.budget}

    def _progress(self) -> dict[str, Any] | None:
        """Where the run is, where that has changed. On threads of its own."""
        with self._reporting:
            return self._changed_progress()

    def _send_snapshot(self, body: dict[str, Any], at_once: bool) -> bool:
        """Whether a picture was sent; ``at_once``: only where nothing has to be waited for."""
        server = self.server
        if server is None:
            return True
        # One message a picture in place of two: each wakes a thread of the client, and has it paint.
        progress = self._progress()
        if progress is not None:
            body = {**body, "progress": progress}
            server.reported_until = time.monotonic() + _PICTURED
        if not at_once:
            server.send("snapshot", body)
        elif not server.send_own("snapshot", body):
            self._reported = None
            return False
        return True

    def _changed_progress(self) -> dict[str, Any] | None:
        recorder = self.recorder
        here = (recorder.steps, recorder.epochs, recorder.batches, compiling())
        if here == self._reported or self.ended:
            return None
        self._reported = here
        return {
            "step": here[0], "epoch": here[1], "epochs": recorder.epoch_count, "batch": here[2],
            "batches": recorder.batch_count, "compiling": here[3], "loss": recorder.last_loss,
            "stepsPerSecond": self._speed.of(here[0]),
            "historyBytes": self.debugger.history.bytes, "historyBudget": self.debugger.history.budget, **self.place_of_work,
        }  # fmt: skip

    def watch_live(self, subscription: Subscription) -> None:
        """While the script runs freely, send pictures of it with these views."""
        live = self.debugger.show_live(self._send_snapshot, self.listener_failed)
        before = live.on
        live.subscribe(subscription)
        if live.on != before:
            self.debugger.attention()

    def listener_failed(self, listener: trace.Observer, error: Exception) -> None:
        """Statistics, diagnoses or live views have an error of their own: say so, and go on without them."""
        name = type(listener).__name__.lower()
        text = f"{name}: switched off after an error of its own: {type(error).__name__}: {error}\n"
        self.send("output", {"category": "console", "output": text})
        if listener is self.statistics:
            self.statistics = None
        elif listener is self.diagnostics:
            self.diagnostics = None

    def _log(self, text: str, event: Event) -> None:
        self.send("output", {"category": "console", "output": text.rstrip("\n") + "\n"})


def _interrupt_soon() -> None:
    threading.Timer(_AGAIN, _thread.interrupt_main).start()


def _at_work(frame: FrameType | None) -> bool:
    """Whether ``frame`` is the debugger's, or of something that it has called."""
    while frame is not None and not is_user_file(frame.f_code.co_filename):
        if frame.f_code.co_filename.startswith(_OWN):
            return True
        frame = frame.f_back
    return False
