"""The arrays of an event, by the names that the definitions give them."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from engine.debug.history import History
from engine.debug.memory import ARRAYS
from engine.debug.names import Names
from engine.function import Function
from engine.optim.optimizer import Optimizer
from engine.tensor import Tensor


@cache
def _input_names(kind: type[Function]) -> tuple[tuple[str, ...], bool]:
    """The names that ``forward`` gives its inputs, and whether one name takes all of them (``*x``)."""
    parameters = [p for p in inspect.signature(kind.forward).parameters.values() if p.name != "self"]
    if parameters and parameters[0].kind is inspect.Parameter.VAR_POSITIONAL:
        return (parameters[0].name,), True
    return tuple([p.name for p in parameters]), False


def named_inputs(function: Function, values: Sequence[Any]) -> dict[str, Any]:
    """``values``, one for each input of ``function``, under the inputs' names; what is None is left out."""
    names, together = _input_names(type(function))
    if together:
        return {names[0]: tuple(values)} if any(value is not None for value in values) else {}
    return {name: value for name, value in zip(names, values) if value is not None}


def op_arrays(function: Function, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> dict[str, Any]:
    """Inputs and outputs of an op that has run forward, by name."""
    arrays = named_inputs(function, [t._array for t in inputs])
    for i, output in enumerate(outputs):
        arrays[function.returns[i] if i < len(function.returns) else f"y{i}"] = output._array
    return arrays


def forward_arrays(
    function: Function, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...], names: Names
) -> tuple[dict[str, Any], dict[str, str]]:
    """Inputs and outputs of an op by name, and of those that are parameters or buffers the name of that."""
    arrays = op_arrays(function, inputs, outputs)
    labels = {}
    for name, tensor in named_inputs(function, inputs).items():
        for i, part in enumerate(tensor if type(tensor) is tuple else (tensor,)):
            label = names.tensor(part)
            if not label and function.seq >= 0 and part.requires_grad:
                label = names.trained(part, sys._getframe(1))
            if label:
                labels[f"{name}[{i}]" if type(tensor) is tuple else name] = label
    return arrays, labels


def gradient_arrays(
    function: Function, gradients: Sequence[np.ndarray | None], found: Sequence[np.ndarray | None]
) -> dict[str, Any]:
    """The gradients that arrived at an op's outputs, and those that it sends to its inputs, by name."""
    arrays = {}
    for i, gradient in enumerate(gradients):
        if gradient is not None:
            arrays[f"d{function.returns[i] if i < len(function.returns) else f'y{i}'}"] = gradient
    for name, value in named_inputs(function, found).items():
        arrays[f"d{name}"] = value
    return arrays


class Update:
    """What an optimizer's update of one parameter takes, copied before it, and what it wrote."""

    def __init__(self, optimizer: Optimizer, parameter: Tensor, history: History) -> None:
        self._optimizer, self._parameter = optimizer, parameter
        self._definitions = optimizer.definitions_for(parameter)
        if self._definitions:
            operands = optimizer.operands_for(parameter)  # type: ignore[attr-defined]
        else:
            gradient = parameter._grad
            operands = {"w": parameter._array} | ({} if gradient is None else {"dw": gradient._array})
        self._before: dict[str, Any] = {}
        self._numbers: dict[str, Any] = {}
        for name, value in operands.items():
            if not isinstance(value, ARRAYS):
                self._numbers[name] = value
            elif name == "dw":
                self._before[name] = value
            else:
                self._before[name] = history.copy_of(value)
        history.overwriting(parameter._array)

    def finish(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """(arrays, details) of the event, after the update."""
        if self._definitions:
            after = self._optimizer.results_for(self._parameter)  # type: ignore[attr-defined]
        else:
            after = {"w_new": self._parameter._array}
        details = {
            "definitions": self._definitions,
            "parameters": self._numbers,
            "shape": tuple(self._parameter._array.shape),
        }
        return self._before | after, details
