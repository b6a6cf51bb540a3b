"""An element of an event's array, its definition, and what that takes: all that explaining and stepping start from."""

from __future__ import annotations

import inspect
import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.debug.events import Event
from engine.debug.explain.operand import Operand
from engine.debug.explain.thread import launch_of
from engine.debug.memory import ARRAYS, all_on_cpu
from engine.definitions import settings
from engine.definitions.contract import Definition
from engine.device import as_array
from engine.device.cuda_array import CudaArray
from engine.errors import EngineError

_PART = re.compile(r"^(\w+)\[(\d+)\]$")


class ExplainError(EngineError, ValueError):
    """A number cannot be explained; the message says why."""


@dataclass
class Question:
    """An element of an event's array, with what its definition takes.

    Attributes:
        name, index: the element, in the tensor's own shape; canonical: in the definition's.
        operands: of the arrays that the definition reads; parameters: the numbers, by name.
        launch: of an element that a GPU computed the thread (:func:`engine.debug.explain.thread.launch_of`).
        result: the array that holds the element.
    """

    event: Event
    definition: Definition
    name: str
    index: tuple[int, ...]
    canonical: tuple[int, ...]
    result: Operand
    part: int
    operands: list[Operand]
    parameters: dict[str, Any]
    launch: dict[str, Any] | None = None

    @property
    def actual(self) -> Any:
        """The kernel's value, as a Python number."""
        return self.result.parts[self.part][1][self.index].item()

    @property
    def dtype(self) -> np.dtype:
        return self.result.parts[self.part][1].dtype

    def formula(self, element: bool = False) -> tuple[str, str]:
        """The definition's formula (LaTeX, plain) with these settings; of this element where values hang on the index."""
        given: dict[str, Any] = dict(self.parameters)
        given |= {o.name: settings.Operand(o.canonical, o.parts[0][1].ndim) for o in self.operands}
        if element:
            given |= zip(self.definition.index, self.canonical, strict=True)
        latex, plain = self.definition.templates
        return settings.special(latex, given), settings.special(plain, given)

    def evaluate(self, function: Callable, arrays: list[Any], given: Callable[[str, Any], Any] | None = None) -> Any:
        """``function``, the definition's or a copy, at this element; without NumPy's warnings.

        Args:
            given: makes of a parameter's name and value what the function takes.

        Raises:
            ExplainError: it reads what the event does not hold.
        """
        try:
            with np.errstate(all="ignore"):
                parameters = [given(n, v) if given else scalar(v) for n, v in self.parameters.items()]
                return function(*arrays, *parameters, *self.canonical)
        except IndexError as error:
            empty = [operand.name for operand in self.operands if not operand.canonical.size]
            raise ExplainError(
                f"{self.event.name}: {self.definition.name} reads {' or '.join(empty) or 'an array'} "
                "where this event holds no elements"
            ) from error


def _on_gpu(arrays: Any) -> bool:
    return any(type(part) is CudaArray for part in (arrays if isinstance(arrays, (tuple, list)) else (arrays,)))


def scalar(value: Any) -> Any:
    """A parameter such that dividing by it never raises."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    return np.float64(value) if isinstance(value, float) else np.int64(value)


def explainable(event: Event) -> dict[str, tuple[int, ...]]:
    """The arrays of ``event`` whose elements can be explained: name -> shape."""
    found: dict[str, tuple[int, ...]] = {}
    for name in _definitions(event):
        arrays = _result(event, name)
        if isinstance(arrays, (tuple, list)):
            found |= {f"{name}[{i}]": part.shape for i, part in enumerate(arrays) if part is not None}
        elif arrays is not None:
            found[name] = arrays.shape
    return found


def label_of(event: Event, name: str) -> str:
    """The parameter or buffer that array ``name`` of ``event`` is, its gradient or its new value; "" where it is none."""
    labels, base = event.labels, name.split("[")[0]
    found = labels.get(name) or labels.get(base) or labels.get(base.removesuffix("_new"), "")
    if found or not base.startswith("d"):
        return found
    label = labels.get(base[1:], "")
    return f"{label}.grad" if label else ""


def question(event: Event, name: str, index: Iterable[int]) -> Question:
    """Look up the element ``index`` of array ``name``, its definition, and what that takes.

    Raises:
        ExplainError: when there is no such array or element, or no definition computes it.
    """
    definitions = _definitions(event)
    if not definitions:
        raise ExplainError(_why_none(event))
    shapes = explainable(event)
    if name not in shapes:
        raise ExplainError(_why_not(event, name, definitions, shapes))
    own = _checked(name, index, shapes[name])
    match = _PART.match(name)
    base, part = (match[1], int(match[2])) if match else (name, 0)
    definition = definitions[base]
    canonical = _canonical_of(event)
    there = _result(event, base)
    arrays = all_on_cpu(there)
    if isinstance(arrays, (tuple, list)):
        # A gradient that nobody asked for is None; its place in the joined layout stays.
        like = all_on_cpu(event.arrays.get(base[1:], arrays))
        arrays = tuple(np.zeros_like(x) if dx is None else dx for dx, x in zip(arrays, like, strict=True))
    try:
        result = Operand(base, arrays, canonical)
        operands = [Operand(operand, all_on_cpu(_operand(event, operand)), canonical) for operand in definition.arrays]
        parameters = {p: _parameter(event, p) for p in definition.parameters}
    except (AttributeError, KeyError, TypeError) as error:
        raise ExplainError(
            f"{event.name}: {definition.name} takes {', '.join(definition.arguments)}, which this event does not hold "
            f"all ({error})"
        ) from error
    place = result.canonical_index(part, own)
    launch = launch_of(definition.name, place, result.shape) if _on_gpu(there) else None
    return Question(event, definition, name, own, place, result, part, operands, parameters, launch)


def _definitions(event: Event) -> dict[str, Definition]:
    if event.kind == "update":
        return event.details.get("definitions", {})
    return event.function.definitions if event.function is not None else {}


def _result(event: Event, name: str) -> Any:
    """The array or arrays called ``name``, or None where this event has not computed them."""
    arrays = event.arrays.get(name)
    if event.kind == "update":
        return None if arrays is None else as_array(arrays).reshape(event.details["shape"])
    function = event.function
    assert function is not None
    outputs = function.returns
    gradient = name.startswith("d") and name not in outputs and name[1:] in _inputs(event)
    if gradient or name in outputs:
        # A backward event explains outputs too where the inputs were recorded with it.
        if gradient or event.kind == "forward" or next(iter(_inputs(event))) in event.arrays:
            return arrays
        return None
    return getattr(function, name, None) if arrays is None else arrays


def _inputs(event: Event) -> tuple[str, ...]:
    assert event.function is not None
    return tuple(inspect.signature(event.function.forward).parameters)


def _operand(event: Event, name: str) -> Any:
    arrays = event.arrays.get(name)
    if event.kind == "update":
        flat = np.empty((0,)) if arrays is None else as_array(arrays)
        return flat.reshape(event.details["shape"] if flat.size else (0,))
    if arrays is None:
        arrays = getattr(event.function, name, None)
    if isinstance(arrays, (tuple, list)) and any(part is None for part in arrays):
        raise KeyError(name)
    return np.empty((0,), np.float32) if arrays is None else arrays


def _parameter(event: Event, name: str) -> Any:
    return event.details["parameters"][name] if event.kind == "update" else getattr(event.function, name)


def _canonical_of(event: Event) -> Callable[[str, Any], np.ndarray]:
    if event.kind == "update":
        return lambda name, array: array.reshape(-1)
    function = event.function
    assert function is not None

    def canonical(name: str, array: Any) -> np.ndarray:
        # An operand that is absent is of size 0, whatever the layout.
        return array if isinstance(array, ARRAYS) and array.shape == (0,) else function.canonical(name, array)

    return canonical


def _checked(name: str, index: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    try:
        index = tuple(operator.index(i) for i in index)
    except TypeError as error:
        raise ExplainError(f"{name}: an index is a tuple of integers, not {index!r}") from error
    if len(index) != len(shape) or any(not 0 <= i < extent for i, extent in zip(index, shape, strict=False)):
        raise ExplainError(f"{name} has no element {list(index)}: its shape is {shape}")
    return index


def _why_none(event: Event) -> str:
    if event.kind == "gradient":
        return (
            "accumulating a gradient has no definition of its own: grad is what it was before plus what arrived; ask the "
            "backward event of the op that uses the tensor"
        )
    if event.kind == "update":
        return (
            f"{event.name} has no definition of its update: only this engine's own optimizers have one; compare the tensor "
            "before and after it"
        )
    if event.function is None:
        return f"a {event.kind} event computes no number; ask a forward, backward or update event"
    module = type(event.function).__module__
    if module == "engine.ops.comparison":
        return (
            f"{event.name} has no definition: it compares or counts, and no gradient comes from it; ask the events that "
            "computed its inputs"
        )
    return (
        f"{event.name} has no definition: it is a Function of the script's own, or one that returns no floats; ask the "
        "events before and after it, or write it with the engine's ops"
    )


def _why_not(event: Event, name: str, definitions: dict[str, Definition], shapes: dict[str, tuple[int, ...]]) -> str:
    known = f"this event explains {', '.join(shapes) or 'nothing'}"
    if name in shapes or name.split("[")[0] in {shape.split("[")[0] for shape in shapes}:
        return f"{event.name} has no array {name}; {known}"
    if event.kind == "update":
        return f"{event.name} has no definition of {name}: it is what the update reads; {known}"
    function = event.function
    assert function is not None
    if name.startswith("d") and name[1:] in function.returns:
        return f"{name} arrived at {event.name} from the op after it: ask that op's backward event; {known}"
    if name.split("[")[0] in _inputs(event):
        return f"{name} is an input of {event.name}: ask the event that computed it; {known}"
    if name in definitions:
        when = "backward has not run here" if event.kind == "forward" else "it was not computed or not recorded"
        return f"{event.name} has no {name} in this {event.kind} event ({when}); {known}"
    return f"{event.name} has no definition of {name}; {known}"
