"""Events as the debugger makes them, recorded from programs run under an observer."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from engine import optim, trace
from engine.debug.events import Event, Position, frozen
from engine.function import Function
from engine.tensor import Tensor, wrap
from tests.engine.optim.test_definitions import CASES as OPTIMIZERS
from tests.engine.programs import PROGRAMS
from tests.oracle import named_inputs


class EventRecorder(trace.Observer):
    """Makes an Event of every op run forward and backward, and of every update of an optimizer."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._forward: dict[Function, Event] = {}

    def _add(self, kind: str, name: str, **fields: Any) -> Event:
        # In-place ops and accumulation overwrite arrays later.
        fields["arrays"] = {name: _copied(array) for name, array in fields["arrays"].items()}
        event = Event(len(self.events), Position(len(self.events)), kind, name, **fields)
        self.events.append(event)
        return event

    def after_forward(self, function: Function, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> None:
        arrays = named_inputs(function, [t._array for t in inputs])
        arrays |= zip(function.returns, [t._array for t in outputs], strict=True)
        self._forward[function] = self._add("forward", function.name, function=frozen(function), arrays=arrays)

    def run_backward(self, function: Function, gradients: list) -> Any:
        self._frozen = frozen(function)
        return function.backward(*gradients)

    def after_backward(self, function: Function, gradients: tuple, input_gradients: tuple) -> None:
        arrays = dict(self._forward[function].arrays)
        arrived = zip(function.returns, gradients, strict=True)
        arrays |= {f"d{name}": dy for name, dy in arrived if dy is not None}
        found = named_inputs(function, input_gradients)
        arrays |= {f"d{name}": dx for name, dx in found.items() if dx is not None}
        self._add("backward", function.name, function=self._frozen, arrays=arrays)

    def before_update(self, kind: str, tensor: Tensor, details: Any) -> None:
        if kind == "optimizer":
            operands = details.operands_for(tensor)
            self._arrays = {name: value.copy() for name, value in operands.items() if isinstance(value, np.ndarray)}
            self._numbers = {name: value for name, value in operands.items() if name not in self._arrays}

    def after_update(self, kind: str, tensor: Tensor, details: Any) -> None:
        if kind == "optimizer":
            results = {name: value.copy() for name, value in details.results_for(tensor).items()}
            self._add(
                "update", type(details).__name__, arrays=self._arrays | results, labels={"w": "weights"},
                details={
                    "definitions": details.definitions_for(tensor), "parameters": self._numbers,
                    "shape": tensor._array.shape,
                },
            )


def _copied(arrays: Any) -> Any:
    if isinstance(arrays, (tuple, list)):
        return tuple(map(_copied, arrays))
    return None if arrays is None else arrays.copy(order="K")


def events_of(run: Any, *inputs: Tensor) -> list[Event]:
    """The events of ``run(*inputs)`` and of backward from all its float outputs, with gradients about 1."""
    recorder = EventRecorder()
    previous = trace.set_observer(recorder)
    try:
        results = run(*inputs)
        results = results if isinstance(results, (tuple, list)) else (results,)
        for number, result in enumerate(results):
            if isinstance(result, Tensor) and result.requires_grad:
                seed = np.random.default_rng(number).uniform(0.5, 1.5, result.shape).astype(result._array.dtype)
                result.backward(wrap(seed), retain_graph=True)
    finally:
        trace.set_observer(previous)
    return recorder.events


@functools.cache
def recorded(program: str) -> list[Event]:
    """The events of a program of :mod:`tests.engine.programs`."""
    run, inputs = PROGRAMS[program]
    return events_of(run, *inputs())


@functools.cache
def recorded_updates() -> list[Event]:
    """Two updates by every optimizer with every setting that changes its formula."""
    recorder = EventRecorder()
    previous = trace.set_observer(recorder)
    try:
        for name, options in OPTIMIZERS:
            weights = wrap(np.array([[0.5, -1.5], [2.0, 0.25]]))
            weights.requires_grad = True
            optimizer = getattr(optim, name)([weights], **options)
            for gradient in ([[0.3, -0.2], [1.0, 0.7]], [[0.1, 0.4], [-1.0, 0.2]]):
                weights.grad = wrap(np.array(gradient))
                optimizer.step()
    finally:
        trace.set_observer(previous)
    return recorder.events


def event_of(events: list[Event], kind: str, name: str) -> Event:
    """The first event of that kind and name."""
    return next(event for event in events if event.kind == kind and event.name == name)


def array_of(event: Event, name: str) -> Any:
    """The array that a contributor's name stands for, in its own shape."""
    base, _, part = name.partition("[")
    array = event.arrays.get(base)
    if array is None:
        array = getattr(event.function, base)
    array = array[int(part[:-1])] if part else array
    return array.reshape(event.details["shape"]) if event.kind == "update" else array
