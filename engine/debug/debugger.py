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

import numpy as np

from engine import trace
from engine.debug import stepping
from engine.debug.breakpoints.registry import Breakpoints
from engine.debug.evaluation import Expression
from engine.debug.event_arrays import Update, forward_arrays, gradient_arrays
from engine.debug.events import Event, Position, frozen
from engine.debug.history import History
from engine.debug.lines import LineTracer, depth_of, user_frame
from engine.debug.listeners import Guarded, guarded, lean
from engine.debug.names import Names
from engine.debug.replay.recorder import NEVER, Recorder
from engine.debug.stops import Stop, hit_stop, plain_stop
from engine.function import Function
from engine.tensor import Tensor


class Waypoint(NamedTuple):
    """A place that a replay passes: watched closely from the tick ``full_from`` on, and what is done on arrival."""

    position: Position
    full_from: int
    arrive: Callable[[Event, FrameType | None], None]


class Debugger(trace.Observer):
    """Watches closely, and stops.

    Args:
        recorder: counts and keeps the tape.
        wait: called at each stop, on the script's thread; it returns with the plan that the user wants to go on with.
        attend: called on the script's thread when the reader of the socket wants its attention.

    Attributes:
        history: the window of the past.
        names: what the user calls modules and parameters.
        breakpoints: of all kinds.
        listeners: observers that are handed every call: statistics, diagnostics.
        plan: where to stop next.
        watching: whether this observer itself is attached.
        waypoints: of a replay, in order: the run's edits before its target, and the target.
        pending: the run's edits after the target: it is that run only if it meets them again.
    """

    def __init__(
        self,
        recorder: Recorder,
        wait: Callable[[Stop], stepping.Plan],
        attend: Callable[[], None],
    ) -> None:
        self.recorder = recorder
        self.history = History()
        self.names = Names()
        self.breakpoints = Breakpoints()
        self.listeners: list[Guarded] = []
        self.plan = stepping.running()
        self.watching = False
        self.waypoints: list[Waypoint] = []
        self.pending: list[Waypoint] = []
        #: The newest stop, and whether the script stands at it.
        self.stop: Stop | None = None
        self.stopped = False
        self._wait, self._attend = wait, attend
        self._lines = LineTracer(self._on_line, self._on_return, self._on_raise)
        self._wanted = False
        self._seq = 0
        self._tick = -1
        self._fine = self._line = 0
        self._modules: list[tuple[Any, str]] = []
        self._loaders: list[Any] = []
        self._gradient_before: np.ndarray | None = None
        self._raised: BaseException | None = None
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

    def _choose(self, frame: FrameType | None) -> None:
        """Attach what the plan, the breakpoints and the listeners need."""
        if self.waypoints:
            # On the way to a place that is known nothing else matters, however close to it a breakpoint is.
            far = self.recorder.tick < self.waypoints[0].full_from
            close = not far
        else:
            far = self.plan.far is not None and self.plan.far()
            close = (self.plan.stops is not None and not far) or self._has_breakpoints or self._edit_is_near
        if close:
            if not self.watching:
                self.watching = True
                self.history.clear()
                self.history.complete = self.recorder.tick == 0
            trace.set_observer(self)
            self._lines.start(frame)
        else:
            self._lines.stop()
            if self.watching:
                # From here on events are missed: what was seen before is no longer what came just before.
                self.history.clear()
            self.watching = False
            # On its way a replay repeats what was looked at already, and its skipped steps have no contents.
            trace.set_observer(lean(self.recorder, [] if self.waypoints else self.listeners))
        self.recorder.stop_at = self._next_look() if far else NEVER
        if self.pending and not self.watching:
            self.recorder.stop_at = min(self.recorder.stop_at, self.pending[0].full_from)
        if self._wanted:
            # Asked for by another thread meanwhile, and overwritten by the line above.
            self.recorder.stop_at = 0

    def _next_look(self) -> int:
        """The tick at which to ask again whether what the plan waits for is near."""
        return self.waypoints[0].full_from if self.waypoints else self.recorder.tick + 1

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
        self.stop, self.stopped = stop, True
        try:
            self.plan = self._wait(stop)
        finally:
            self.stopped = False
        self._choose(frame)

    def _consider(self, event: Event, frame: FrameType | None) -> None:
        """Stop at ``event`` where something wants it."""
        if self.waypoints:
            while self.waypoints and event.position >= self.waypoints[0].position:
                # Reached; or it was missed, and this is what follows it.
                self.waypoints.pop(0).arrive(event, frame)
                self._choose(frame)
            return
        while self.pending and event.position >= self.pending[0].position:
            self.pending.pop(0).arrive(event, frame)
        hits = self._hits(event, frame)
        stopping = [hit for hit in hits if hit.stops]
        for hit in hits:
            if hit.log is not None:
                self.log(hit.log, event)
        stops = self.plan.stops
        if stopping:
            self.halt(hit_stop(event, stopping, frame), frame)
        elif event.kind in stepping.ALWAYS or (stops is not None and stops(event)):
            self.halt(plain_stop(event, self.plan.reason, frame), frame)

    def _hits(self, event: Event, frame: FrameType | None) -> list:
        if event.kind == "line" and frame is not None:
            hit = self.breakpoints.on_line(event.file, event.line, frame, lambda: self._counters(event))
            return [] if hit is None else [hit]
        return self.breakpoints.on_event(event, lambda: self.namespace(event, frame))

    def would_stop(self, event: Event) -> bool:
        """Whether a breakpoint would have stopped the run at a recorded event."""
        if event.kind == "line":
            return event.line in self.breakpoints.lines_of(event.file)
        return self.breakpoints.would_reach(event, lambda: self.namespace(event, None))

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
        names.update({name: wrap(a) for name, a in event.arrays.items() if isinstance(a, np.ndarray)})
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

    # ---- events ----

    def _emit(self, kind: str, name: str, *, ticks: bool = False, frame: FrameType | None = None, **fields: Any) -> Event:
        recorder = self.recorder
        if recorder.tick != self._tick:
            self._tick, self._fine, self._line = recorder.tick, 0, 0
        if not ticks:
            self._fine += 1
        frame = user_frame(frame or sys._getframe(2)) if kind != "end" else None
        module = fields.pop("module", None)
        event = Event(
            seq=self._seq,
            position=Position(self._tick, self._line, self._fine),
            kind=kind,
            name=name,
            module=module if module is not None else (self._modules[-1][1] if self._modules else ""),
            file=frame.f_code.co_filename if frame is not None else "",
            line=frame.f_lineno if frame is not None else 0,
            epoch=recorder.epochs,
            batch=recorder.batches,
            step=recorder.steps,
            depth=fields.pop("depth", len(self._modules)),
            frames=depth_of(frame),
            **fields,
        )
        self._seq += 1
        self.history.add(event)
        self._consider(event, frame)
        return event

    # ---- the observer's calls ----

    def run_forward(self, function: Function, inputs: tuple[Tensor, ...]) -> Any:
        for listener in self.listeners:
            listener.before_forward(function, inputs)
        return self.recorder.run_forward(function, inputs)

    def after_forward(self, function: Function, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> None:
        self.recorder.after_forward(function, inputs, outputs)
        for listener in self.listeners:
            listener.after_forward(function, inputs, outputs)
        arrays, labels = forward_arrays(function, inputs, outputs, self.names)
        event = self._emit("forward", function.name, ticks=True, function=frozen(function), arrays=arrays, labels=labels)
        if function.seq >= 0:
            # Backward frees what the function holds; what it was given then is wanted beside its gradients.
            function.__dict__["_forward_event"] = event

    def run_backward(self, function: Function, gradients: list[np.ndarray | None]) -> Any:
        forward = function.__dict__.pop("_forward_event", None)
        saved = frozen(function)
        for listener in self.listeners:
            listener.before_backward(function, tuple(gradients))
        results = self.recorder.run_backward(function, gradients)
        found = results if isinstance(results, tuple) else (results,)
        for listener in self.listeners:
            listener.after_backward(function, tuple(gradients), found)
        if forward is not None:
            function.__dict__["_forward_event"] = forward  # with retain_graph it is wanted again
        arrays = dict(forward.arrays) if forward is not None else {}
        arrays.update(gradient_arrays(function, gradients, found))
        self._emit(
            "backward",
            function.name,
            function=saved,
            arrays=arrays,
            labels=forward.labels if forward is not None else {},
            module=forward.module if forward is not None else "",
            origin=(forward.file, forward.line) if forward is not None else None,
        )
        return results

    def before_update(self, kind: str, tensor: Tensor, details: Any) -> bool | None:
        forbidden = self.recorder.before_update(kind, tensor, details)
        for listener in self.listeners:
            listener.before_update(kind, tensor, details)
        if kind == "gradient":
            self._gradient_before = None
            if tensor._grad is not None:
                self._gradient_before = tensor._grad._array.copy()
                self.history.overwriting(tensor._grad._array)
        elif kind == "optimizer":
            self._update = Update(details, tensor, self.history)
        else:
            self.history.overwriting(tensor._array)
        return forbidden

    def after_update(self, kind: str, tensor: Tensor, details: Any) -> None:
        self.recorder.after_update(kind, tensor, details)
        for listener in self.listeners:
            listener.after_update(kind, tensor, details)
        label = self.names.tensor(tensor)
        module = label.rpartition(".")[0]
        if kind == "optimizer":
            arrays, more = self._update.finish()
            labels = dict.fromkeys(("w", "w_new"), label) if label else {}
            self._emit(
                "update", type(details).__name__, arrays=arrays, labels=labels, module=module,
                details={**more, "parameter": label, "optimizer": details},
            )  # fmt: skip
        elif kind == "gradient":
            arrays = {"grad": tensor._grad._array} if tensor._grad is not None else {}
            if self._gradient_before is not None:
                arrays["before"] = self._gradient_before
            self._emit(
                "gradient", label or "grad", arrays=arrays, labels={"grad": f"{label}.grad"} if label else {},
                module=module,
            )  # fmt: skip
        elif self.recorder.tick == self._tick:
            self._fine += 1

    def enter_module(self, module: Any, inputs: tuple) -> None:
        for listener in self.listeners:
            listener.enter_module(module, inputs)
        if not self._modules:
            frame = user_frame(sys._getframe(1))
            self.names.learn(module, {**frame.f_globals, **frame.f_locals} if frame is not None else {})
        path = self.names.module(module)
        depth = len(self._modules)
        self._modules.append((module, path))
        arrays = {f"input{i}": t._array for i, t in enumerate(inputs) if isinstance(t, Tensor)}
        self._emit("enter", type(module).__name__, module=path, arrays=arrays, depth=depth)

    def exit_module(self, module: Any, outputs: Any) -> None:
        for listener in self.listeners:
            listener.exit_module(module, outputs)
        # Watching may have begun inside of a module: then what is left was never seen to be entered.
        if self._modules and self._modules[-1][0] is module:
            self._modules.pop()
        found = outputs if isinstance(outputs, (tuple, list)) else (outputs,)
        arrays = {f"output{i}": t._array for i, t in enumerate(found) if isinstance(t, Tensor)}
        path = self.names.module(module)
        self._emit("exit", type(module).__name__, module=path, arrays=arrays, depth=len(self._modules))

    def begin_backward(self, roots: tuple[Tensor, ...]) -> None:
        self.recorder.begin_backward(roots)
        for listener in self.listeners:
            listener.begin_backward(roots)
        arrays = {"loss": roots[0]._array} if roots else {}
        self._emit("begin_backward", "backward", ticks=True, arrays=arrays)

    def end_backward(self, roots: tuple[Tensor, ...]) -> None:
        self.recorder.end_backward(roots)
        for listener in self.listeners:
            listener.end_backward(roots)
        self._emit("end_backward", "backward")

    def begin_step(self, optimizer: Any) -> None:
        self.recorder.begin_step(optimizer)
        for listener in self.listeners:
            listener.begin_step(optimizer)
        self._emit("begin_step", type(optimizer).__name__, ticks=True)

    def end_step(self, optimizer: Any) -> None:
        self.recorder.end_step(optimizer)
        for listener in self.listeners:
            listener.end_step(optimizer)
        self._emit("end_step", type(optimizer).__name__, ticks=True)
        if not self._loaders:
            # A loop without a DataLoader: each optimizer step ends a batch.
            self._emit("batch", "step", details={"loader": None, "samples": None})

    def begin_epoch(self, loader: Any) -> None:
        self.recorder.begin_epoch(loader)
        for listener in self.listeners:
            listener.begin_epoch(loader)
        self._loaders.append(loader)
        name = _loader_name(loader, user_frame(sys._getframe(1)))
        self._emit("epoch", name, ticks=True, details={"loader": loader})

    def batch(self, loader: Any, index: int, batch: Any, samples: Any) -> None:
        self.recorder.batch(loader, index, batch, samples)
        for listener in self.listeners:
            listener.batch(loader, index, batch, samples)
        parts = batch if isinstance(batch, (tuple, list)) else (batch,)
        arrays = {f"batch{i}": t._array for i, t in enumerate(parts) if isinstance(t, Tensor)}
        name = _loader_name(loader, user_frame(sys._getframe(1)))
        details = {"loader": loader, "samples": samples, "index": index}
        self._emit("batch", name, ticks=True, arrays=arrays, details=details)

    def end_epoch(self, loader: Any) -> None:
        self.recorder.end_epoch(loader)
        for listener in self.listeners:
            listener.end_epoch(loader)
        if loader in self._loaders:
            self._loaders.remove(loader)
        name = _loader_name(loader, user_frame(sys._getframe(1)))
        self._emit("end_epoch", name, ticks=True, details={"loader": loader})

    def read(self, what: str, compute: Callable[[], Any]) -> Any:
        return self.recorder.read(what, compute)

    def made(self, tensor: Tensor) -> None:
        self.recorder.made(tensor)

    def sharing(self, array: np.ndarray) -> None:
        self.recorder.sharing(array)

    def wrote(self, path: str) -> None:
        self.recorder.wrote(path)

    def removed(self, path: str) -> None:
        self.recorder.removed(path)

    def opened(self, path: str) -> str:
        return self.recorder.opened(path)

    @property
    def computes(self) -> bool:  # type: ignore[override]
        return self.recorder.computes

    @property
    def repeats(self) -> bool:  # type: ignore[override]
        return self.recorder.repeats

    # ---- lines ----

    def _on_line(self, frame: FrameType) -> None:
        tick = self.recorder.tick
        if tick != self._tick:
            self._tick, self._line = tick, 0
        self._line += 1
        self._fine = 0
        event = Event(
            self._seq, Position(tick, self._line), "line", frame.f_code.co_name,
            self._modules[-1][1] if self._modules else "", frame.f_code.co_filename, frame.f_lineno,
            epoch=self.recorder.epochs, batch=self.recorder.batches, step=self.recorder.steps,
            depth=len(self._modules), frames=depth_of(frame),
        )  # fmt: skip
        self._seq += 1
        self.history.add(event)
        self._consider(event, frame)

    def _on_return(self, frame: FrameType) -> None:
        """Nothing: the next line of the caller is where a step out stops."""

    def _on_raise(self, frame: FrameType, error: BaseException) -> None:
        if error is self._raised or isinstance(error, (StopIteration, GeneratorExit)):
            return
        self._raised = error
        if self.breakpoints.has_exceptions and self.breakpoints.on_exception(error, False) is not None:
            self.exception(error, frame)

    def exception(self, error: BaseException, frame: FrameType | None) -> None:
        """Stop at an exception: where it was raised, or after it has ended the script."""
        self._emit("exception", type(error).__name__, frame=frame, details={"error": error})

    def end(self, code: int) -> None:
        """The script has ended with ``code``: the last stop, from which the past can be looked at."""
        self._modules.clear()
        self._emit("end", "end", details={"exitCode": code})


def _loader_name(loader: Any, frame: FrameType | None) -> str:
    """The variable that holds ``loader`` where it is iterated, or its class."""
    if frame is not None:
        for names in (frame.f_locals, frame.f_globals):
            for name, value in names.items():
                if value is loader:
                    return name
    return type(loader).__name__
