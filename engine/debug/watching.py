"""Watching a run closely: an event of everything that the engine does and of every line, kept in the history."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np

from engine import trace
from engine.debug.event_arrays import Update, forward_arrays, gradient_arrays
from engine.debug.events import Event, Position, frozen
from engine.debug.history import History
from engine.debug.lines import depth_of, user_frame
from engine.debug.listeners import Guarded
from engine.debug.names import Names, calls
from engine.debug.replay.recorder import Recorder
from engine.function import Function
from engine.tensor import Tensor


class Watcher(trace.Observer):
    """Makes events, and asks :meth:`consider` about each.

    Args:
        recorder: counts first.

    Attributes:
        history: the window of the past.
        names: what the user calls modules and parameters.
        listeners: observers that are handed every call: statistics, diagnoses.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.history = History()
        self.names = Names()
        self.listeners: list[Guarded] = []
        self._seq = 0
        self._tick = -1
        self._fine = self._line = 0
        self._modules: list[tuple[Any, str]] = []
        #: The calls of those of them, the first ones, that were under way when watching began: nobody tells when they end.
        self._under_way: list[FrameType] = []
        self._gradient_before: np.ndarray | None = None

    def consider(self, event: Event, frame: FrameType | None) -> None:
        """``event`` has happened, while ``frame`` of the user's was at work."""
        raise NotImplementedError

    def _emit(self, kind: str, name: str, *, ticks: bool = False, frame: FrameType | None = None, **fields: Any) -> Event:
        recorder = self.recorder
        if recorder.tick != self._tick:
            self._tick, self._fine, self._line = recorder.tick, 0, 0
        if not ticks:
            self._fine += 1
        frame = user_frame(frame or sys._getframe(2)) if kind != "end" else None
        if self._under_way:
            self._leave_ended()
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
            epochs=recorder.epoch_count,
            batches=recorder.batch_count,
            **fields,
        )
        self._seq += 1
        self.history.add(event)
        self.consider(event, frame)
        return event

    # ---- modules that were entered unwatched ----

    def _enter_under_way(self, frame: FrameType | None) -> None:
        """Watching begins in ``frame``: the modules that it runs in were entered before. None: it is at work in none."""
        self._modules.clear()
        self._under_way.clear()
        for call in list(calls(frame))[::-1]:
            module = call.f_locals["self"]
            if not self._modules:
                self.names.learn_called(module, call)
            self._modules.append((module, self.names.module(module)))
            self._under_way.append(call)

    def _leave_ended(self) -> None:
        going_on = set(calls(sys._getframe(1)))
        while self._under_way and self._under_way[-1] not in going_on:
            self._under_way.pop()
            del self._modules[len(self._under_way)]

    # ---- the observer's calls ----

    def run_forward(self, function: Function, inputs: tuple[Tensor, ...]) -> Any:
        for listener in self.listeners:
            listener.before_forward(function, inputs)
        return self.recorder.run_forward(function, inputs)

    def after_forward(self, function: Function, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> None:
        if self.recorder.ends_turn(function) and not self.recorder.in_pass:
            self._ended_batch()
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
                self._gradient_before = self.history.copy_of(tensor._grad._array)
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
            self.names.learn_called(module, sys._getframe(1))
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
            del self._under_way[len(self._modules) :]
        found = outputs if isinstance(outputs, (tuple, list)) else (outputs,)
        arrays = {f"output{i}": t._array for i, t in enumerate(found) if isinstance(t, Tensor)}
        path = self.names.module(module)
        self._emit("exit", type(module).__name__, module=path, arrays=arrays, depth=len(self._modules))

    def begin_backward(self, roots: tuple[Tensor, ...], seeds: tuple[Tensor | None, ...]) -> None:
        self.recorder.begin_backward(roots, seeds)
        for listener in self.listeners:
            listener.begin_backward(roots, seeds)
        arrays = {"loss": roots[0]._array} if roots else {}
        self._emit("begin_backward", "backward", ticks=True, arrays=arrays)

    def end_backward(self, roots: tuple[Tensor, ...]) -> None:
        self.recorder.end_backward(roots)
        for listener in self.listeners:
            listener.end_backward(roots)
        self._emit("end_backward", "backward")

    def made_optimizer(self, optimizer: Any) -> None:
        self.recorder.made_optimizer(optimizer)

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
        if not self.recorder.in_pass:
            self._ended_batch()

    def _ended_batch(self) -> None:
        """In a loop without a DataLoader each step, of an optimizer or by hand, ends a batch."""
        self._emit("batch", "step", frame=sys._getframe(2), details={"loader": None, "samples": None})

    def begin_epoch(self, loader: Any) -> None:
        self.recorder.begin_epoch(loader)
        for listener in self.listeners:
            listener.begin_epoch(loader)
        name = loader_name(loader, user_frame(sys._getframe(1)))
        self._emit("epoch", name, ticks=True, details={"loader": loader})

    def batch(self, loader: Any, index: int, batch: Any, samples: Any) -> None:
        self.recorder.batch(loader, index, batch, samples)
        for listener in self.listeners:
            listener.batch(loader, index, batch, samples)
        self.handed_out(loader, index, batch, samples)

    def handed_out(self, loader: Any, index: int, batch: Any, samples: Any) -> None:
        """Make the event of a batch."""
        parts = batch if isinstance(batch, (tuple, list)) else (batch,)
        arrays = {f"batch{i}": t._array for i, t in enumerate(parts) if isinstance(t, Tensor)}
        name = loader_name(loader, user_frame(sys._getframe(1)))
        details = {"loader": loader, "samples": samples, "index": index}
        self._emit("batch", name, ticks=True, arrays=arrays, details=details)

    def end_epoch(self, loader: Any) -> None:
        self.recorder.end_epoch(loader)
        for listener in self.listeners:
            listener.end_epoch(loader)
        name = loader_name(loader, user_frame(sys._getframe(1)))
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

    @property
    def looks_back(self) -> bool:  # type: ignore[override]
        return any(listener.looks_back for listener in self.listeners)

    # ---- lines ----

    def on_line(self, frame: FrameType) -> None:
        tick = self.recorder.tick
        if tick != self._tick:
            self._tick, self._line = tick, 0
        self._line += 1
        self._fine = 0
        if self._under_way:
            self._leave_ended()
        event = Event(
            self._seq, Position(tick, self._line), "line", frame.f_code.co_name,
            self._modules[-1][1] if self._modules else "", frame.f_code.co_filename, frame.f_lineno,
            epoch=self.recorder.epochs, batch=self.recorder.batches, step=self.recorder.steps,
            depth=len(self._modules), frames=depth_of(frame),
            epochs=self.recorder.epoch_count, batches=self.recorder.batch_count,
        )  # fmt: skip
        self._seq += 1
        self.history.add(event)
        self.consider(event, frame)


def loader_name(loader: Any, frame: FrameType | None) -> str:
    """The variable that holds ``loader`` where it is iterated, or its class."""
    if frame is not None:
        for names in (frame.f_locals, frame.f_globals):
            for name, value in names.items():
                if value is loader:
                    return name
    return type(loader).__name__
