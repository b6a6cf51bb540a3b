"""The debugger proper: it watches a run closely, keeps its history, and stops it.

Two ways of watching. Running free, the :class:`~engine.debug.replay.recorder.Recorder` alone is attached: it counts
ticks and keeps what a replay needs. With a step to take, a breakpoint or a watchpoint, the Debugger itself is attached:
it lets the Recorder count first, makes an :class:`~engine.debug.events.Event` of everything, and stops where a plan or
a breakpoint says so. Both ways count the same ticks, so a position means the same in each.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, NamedTuple

from engine import trace
from engine.debug import stepping
from engine.debug.breakpoints.point import Hit
from engine.debug.breakpoints.registry import Breakpoints
from engine.debug.evaluation import Expression
from engine.debug.events import Event, Position
from engine.debug.lines import LineTracer, user_frame
from engine.debug.listeners import Leans, guarded
from engine.debug.live.live import Live
from engine.debug.live.structure import newest_places
from engine.debug.memory import ARRAYS
from engine.debug.replay.recorder import NEVER, STEPPING, Recorder
from engine.debug.stops import Stop, hit_stop, plain_stop
from engine.debug.watching import Watcher


class Waypoint(NamedTuple):
    """A place that a replay passes: watched closely from the tick ``full_from`` on, and what is done on arrival."""

    position: Position
    full_from: int
    arrive: Callable[[Event, FrameType | None], None]


class Debugger(Watcher):
    """Watches closely, and stops.

    Args:
        recorder: counts and keeps the tape.
        wait: called at each stop, on the script's thread; it returns with the plan that the user wants to go on with.
        attend: called on the script's thread when the reader of the socket wants its attention.

    Attributes:
        breakpoints: of all kinds.
        plan: where to stop next.
        watching: whether this observer itself is attached.
        waypoints: of a replay, in order: the run's edits before its target, and the target.
        live: takes pictures of a free run, once a client wanted some.
        pending: the run's edits after the target: it is that run only if it meets them again.
    """

    def __init__(
        self,
        recorder: Recorder,
        wait: Callable[[Stop], stepping.Plan],
        attend: Callable[[], None],
    ) -> None:
        super().__init__(recorder)
        self.breakpoints = Breakpoints()
        self.plan = stepping.running()
        self.watching = False
        self.waypoints: list[Waypoint] = []
        self.pending: list[Waypoint] = []
        self._wait, self._attend = wait, attend
        self._lines = LineTracer(self.on_line, self._on_raise)
        self._wanted = False
        self._raised: BaseException | None = None
        self.live: Live | None = None
        self._leans = Leans()
        recorder.on_stop_at = self._on_attention

    # ---- how closely ----

    def attach(self) -> None:
        """Begin to watch, as closely as the plan and the breakpoints need."""
        self._choose(sys._getframe(1))

    def detach(self) -> None:
        """Watch no more."""
        self._lines.stop()
        self.watching = False
        trace.set_observer(None)

    def attention(self) -> None:
        """Have ``attend`` called on the script's thread at the next tick. Any thread may call this."""
        self._wanted = True
        self.recorder.stop_at = 0
        trace.tell_at_once()

    def _choose(self, frame: FrameType | None) -> None:
        """Attach what the plan, the breakpoints and the listeners need."""
        trace.tell()
        self.recorder.patience = STEPPING if self.plan.stops is not None and self.plan.far is None else 0.0
        if self.live is not None:
            self.live.drop()
        if self.waypoints:
            # On the way to a place that is known nothing else matters, however close to it a breakpoint is.
            # While a replay skips, it must be the observer itself.
            far = self.recorder.tick < self.waypoints[0].full_from or not self.recorder.computes
            close = not far
        else:
            far = self.plan.far is not None and self.plan.far()
            close = (self.plan.stops is not None and not far) or self._has_breakpoints or self._edit_is_near
        if close:
            if not self.watching:
                self.watching = True
                self.history.clear()
                self.history.complete = self.recorder.tick == 0
                self._enter_under_way(frame)
            trace.set_observer(self)
            self._lines.start(frame)
        else:
            self._lines.stop()
            if self.watching:
                if self.live is not None:
                    self.live.remember(newest_places(self.history))
                # From here on events are missed: what was seen before is no longer what came just before.
                self.history.clear()
                self._enter_under_way(None)
            self.watching = False
            # On its way a replay repeats what was looked at already, and its skipped steps have no contents.
            if self.live is not None and self.live.on and not self.waypoints:
                self.live.attach(self._leans.of(self.recorder, [*self.listeners, self.live.guard]))
            else:
                trace.set_observer(self._leans.of(self.recorder, [] if self.waypoints else self.listeners))
        self.recorder.stop_at = self._next_look() if far else NEVER
        if self.pending and not self.watching:
            self.recorder.stop_at = min(self.recorder.stop_at, self.pending[0].full_from)
        if self._wanted:
            # Asked for by another thread meanwhile, and overwritten by the line above.
            self.recorder.stop_at = 0
        if self.recorder.stop_at != NEVER:
            trace.tell_at_once()

    def _next_look(self) -> int:
        """The tick at which to ask again whether what the plan waits for is near."""
        following = self.recorder.tick + 1
        return max(self.waypoints[0].full_from, following) if self.waypoints else following

    @property
    def _edit_is_near(self) -> bool:
        return bool(self.pending) and self.recorder.tick >= self.pending[0].full_from

    @property
    def _has_breakpoints(self) -> bool:
        points = self.breakpoints
        return points.has_lines or points.needs_full or points.has_exceptions

    def watch_from(self, frame: FrameType | None) -> None:
        """Begin to watch in the middle of a line of ``frame``: the plan has changed while the script ran."""
        self._choose(frame)

    def _on_attention(self) -> None:
        """The recorder's tick has reached ``stop_at``: someone wants something."""
        self._wanted = False
        self.recorder.stop_at = NEVER
        self._attend()
        self._choose(sys._getframe(1))

    def show_live(
        self, send: Callable[[dict[str, Any], bool], bool], failed: Callable[[trace.Observer, Exception], None]
    ) -> Live:
        """What takes pictures of a free run for the client; made the first time."""
        if self.live is None:
            self.live = Live(self, lambda: self._choose(sys._getframe(1)), send, failed)
            self.live.remember(newest_places(self.history))
        return self.live

    def listen(self, listener: trace.Observer, failed: Callable[[trace.Observer, Exception], None]) -> None:
        """Hand every call on to ``listener``; should it raise, it is dropped and ``failed`` is told."""

        def drop(broken: trace.Observer, error: Exception) -> None:
            self.unlisten(broken)
            failed(broken, error)

        self.listeners.append(guarded(listener, drop))
        self.attention()

    def unlisten(self, listener: trace.Observer) -> None:
        """Hand nothing on to ``listener`` any more."""
        self.listeners = [other for other in self.listeners if other.listener is not listener]
        self.attention()

    # ---- stopping ----

    def halt(self, stop: Stop, frame: FrameType | None) -> None:
        """Stand still at ``stop`` until the user wants to go on, then watch as that needs."""
        trace.set_observer(None)
        sys.settrace(None)
        self.names.learn_all(frame)
        self.plan = self._wait(stop)
        if self.live is not None:
            last = self.history.last
            self.live.went_on(None if last is None else last.seq)
        self._choose(frame)

    def end_step(self, optimizer: Any) -> None:
        super().end_step(optimizer)
        if self.watching and self.live is not None and self.live.on and not self.waypoints:
            self.live.step_recorded(self.history, optimizer)

    def consider(self, event: Event, frame: FrameType | None) -> None:
        """Stop at ``event`` where something wants it."""
        if self.waypoints:
            while self.waypoints and event.position >= self.waypoints[0].position:
                # Reached; or it was missed, and this is what follows it.
                self.waypoints.pop(0).arrive(event, frame)
                self._choose(frame)
            return
        while self.pending and event.position >= self.pending[0].position:
            self.pending.pop(0).arrive(event, frame)
            self._choose(frame)
        hits = self._hits(event, frame)
        stopping = [hit for hit in hits if hit.stops]
        for hit in hits:
            if hit.log is not None:
                self.log(hit.log, event)
        stops = self.plan.stops
        if stopping:
            stop = hit_stop(event, stopping, frame)
            if self.plan.reason == "entry":
                stop.more["entry"] = True  # what comes first is the breakpoint, and the run begins all the same
            self.halt(stop, frame)
        elif event.kind in stepping.ALWAYS or (stops is not None and stops(event)):
            self.halt(plain_stop(event, self.plan.reason, frame), frame)

    def _hits(self, event: Event, frame: FrameType | None) -> list:
        if event.kind == "line" and frame is not None:
            hit = self.breakpoints.on_line(event.file, event.line, frame, lambda: self._counters(event), event.seq)
            return [] if hit is None else [hit]
        return self.breakpoints.on_event(event, lambda: self.namespace(event, frame))

    def would_stop(self, event: Event) -> bool:
        """Whether a breakpoint stopped the run at a recorded event, or would have."""
        return bool(self.past_hits(event))

    def past_hits(self, event: Event) -> list[Hit]:
        """The breakpoints that stopped the run at a recorded event, or would have."""
        return self.breakpoints.past_hits(event, lambda: self.namespace(event, None))

    def log(self, text: str, event: Event) -> None:
        """A log point's text; the server replaces this by sending it to the client."""
        print(text, file=sys.stderr)

    def namespace(self, event: Event, frame: FrameType | None) -> dict[str, Any]:
        """The names that a condition at ``event`` may use: the op's arrays, the script's names, and the counters.

        What stands first here wins: ``y`` is the op's output although the script has a ``y`` of its own, and ``step`` is
        the script's variable where it has one.
        """
        from engine.tensor import wrap

        names: dict[str, Any] = self._counters(event)
        if frame is not None:
            names.update(frame.f_globals)
            names.update(frame.f_locals)
        names.update({name: wrap(a) for name, a in event.arrays.items() if isinstance(a, ARRAYS)})
        return names

    def _counters(self, event: Event) -> dict[str, Any]:
        return {"epoch": event.epoch, "batch": event.batch, "step": event.step, "loss": self.recorder.last_loss}

    def condition(self, text: str) -> stepping.Test:
        """A test of live events by a Python expression; a name that is not there yet makes it false.

        Raises:
            ValueError: the text is no expression.
        """
        expression = Expression(text)

        def holds(event: Event) -> bool:
            if event.kind not in ("line", "batch", "end_step", "begin_backward", "forward"):
                return False
            try:
                return expression.holds(self.namespace(event, user_frame(sys._getframe(1))))
            except NameError:
                return False

        return holds

    def _on_raise(self, frame: FrameType, error: BaseException) -> None:
        if error is self._raised or isinstance(error, (StopIteration, GeneratorExit)):
            return
        self._raised = error
        if self.breakpoints.has_exceptions and self.breakpoints.on_exception(error, False) is not None:
            self.exception(error, frame)

    def exception(self, error: BaseException, frame: FrameType | None) -> None:
        """Stop at an exception: where it was raised, or after it has ended the script."""
        trace.tell()
        self._emit("exception", type(error).__name__, frame=frame, details={"error": error})

    def end(self, code: int) -> None:
        """The script has ended with ``code``: the last stop, from which the past can be looked at."""
        trace.tell()
        self._enter_under_way(None)
        self.recorder.ends_turn(None)
        if self.live is not None and not self.watching:
            for event in self.live.end():
                self.history.add(event)
                self._tick, self._line, self._fine = event.position
        self._emit("end", "end", details={"exitCode": code})
