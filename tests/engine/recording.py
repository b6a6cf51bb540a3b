"""Runs the programs of :mod:`tests.engine.programs` under an observer and keeps every result with its definition."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from engine import optim, trace
from engine.function import Function
from engine.tensor import Tensor, wrap
from tests.engine.optim.test_definitions import CASES as OPTIMIZERS
from tests.engine.programs import PROGRAMS
from tests.oracle import Case, cases, intermediates, named_inputs


class Recorder(trace.Observer):
    """Keeps a :class:`~tests.oracle.Case` of every output and every gradient, and the Functions' classes."""

    def __init__(self) -> None:
        self.cases: list[Case] = []
        self.kinds: set[type[Function]] = set()
        self._arrays: dict[Function, dict[str, Any]] = {}

    def after_forward(
        self, function: Function, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]
    ) -> None:
        self.kinds.add(type(function))
        arrays = named_inputs(function, [t._array for t in inputs])
        arrays |= zip(function.returns, [t._array for t in outputs], strict=True)
        names = [name for name in function.returns if arrays[name].dtype.kind == "f" or name in function.definitions]
        self.cases += cases(function, arrays, names + intermediates(function))
        self._arrays[function] = arrays

    def after_backward(
        self,
        function: Function,
        gradients: tuple[np.ndarray | None, ...],
        input_gradients: tuple[np.ndarray | None, ...],
    ) -> None:
        arrays = self._arrays[function]
        for name, dy in zip(function.returns, gradients, strict=True):
            if dy is not None:
                arrays[f"d{name}"] = dy
        found = named_inputs(function, input_gradients)
        names = []
        for name, dx in found.items():
            if all(d is not None for d in (dx if type(dx) is tuple else (dx,))):
                arrays[f"d{name}"] = dx
                names.append(f"d{name}")
        self.cases += cases(function, arrays, names)


@functools.cache
def record(program: str) -> Recorder:
    """What happened when ``program`` ran forward, and backward from all its float outputs."""
    run, inputs = PROGRAMS[program]
    recorder = Recorder()
    previous = trace.set_observer(recorder)
    try:
        results = run(*inputs())
        results = results if isinstance(results, (tuple, list)) else (results,)
        for number, result in enumerate(results):
            if result.requires_grad:
                generator = np.random.default_rng(number)
                seed = generator.uniform(0.5, 1.5, result.shape).astype(result._array.dtype)
                result.backward(wrap(seed), retain_graph=True)
    finally:
        trace.set_observer(previous)
    return recorder


@functools.cache
def record_optimizers() -> tuple[Case, ...]:
    """The first two updates of every optimizer with every setting that changes its formula, as cases."""

    class Watch(trace.Observer):
        def before_update(self, kind, tensor, details):
            operands = details.operands_for(tensor)
            self.before = {
                name: value.copy() if isinstance(value, np.ndarray) else value for name, value in operands.items()
            }

        def after_update(self, kind, tensor, details):
            results = details.results_for(tensor)
            for name, definition in details.definitions_for(tensor).items():
                operands = [self.before[argument] for argument in definition.arguments]
                found.append(Case(definition, operands, results[name].copy(), f"{type(details).__name__}: {name}"))

    found: list[Case] = []
    previous = trace.set_observer(Watch())
    try:
        for name, options in OPTIMIZERS:
            weights = wrap(np.array([0.5, -1.5, 2.0]))
            weights.requires_grad = True
            optimizer = getattr(optim, name)([weights], **options)
            for gradient in ([0.3, -0.2, 1.0], [0.1, 0.4, -1.0]):
                weights.grad = wrap(np.array(gradient))
                optimizer.step()
    finally:
        trace.set_observer(previous)
    return tuple(found)
