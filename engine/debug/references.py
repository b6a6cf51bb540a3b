"""What a client's reference to a tensor means: an array of a recorded event, a parameter by name, or an expression."""

from __future__ import annotations

import re
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from engine.debug.evaluation import quiet
from engine.debug.events import Event
from engine.debug.history import History
from engine.debug.memory import ARRAYS
from engine.debug.names import Names
from engine.debug.server import RequestFailedError
from engine.tensor import Tensor

_PART = re.compile(r"(?P<name>\w+)\[(?P<number>\d+)\]$")


class Found(NamedTuple):
    """An array, and where it comes from: the event and its name there, or the tensor that holds it now."""

    array: np.ndarray
    event: Event | None = None
    name: str = ""
    tensor: Tensor | None = None


def array_of(event: Event, name: str) -> np.ndarray | None:
    """The array ``name`` of ``event``, in the shape that its owner has; None when there is none of that name."""
    value = event.arrays.get(name)
    part = _PART.match(name)
    if value is None and part is not None:
        parts = event.arrays.get(part["name"])
        number = int(part["number"])
        value = parts[number] if type(parts) is tuple and number < len(parts) else None
    if value is None and event.function is not None:
        value = event.function.__dict__.get(name)
    if not isinstance(value, ARRAYS):
        return None
    shape = event.details.get("shape")
    if event.kind == "update" and shape is not None and value.size == int(np.prod(shape)):
        return value.reshape(shape)
    return value


def origin(history: History, name: str, before: int | None = None) -> tuple[Event, str] | None:
    """The newest event that computed what is called ``name``, and its name there; not after event ``before``.

    ``conv1.weight.grad`` was computed by the backward of the op that used ``conv1.weight``, ``conv1.weight`` by the
    optimizer's update.
    """
    gradient = name.endswith(".grad")
    wanted = name.removesuffix(".grad")
    for event in reversed(history):
        if before is not None and event.seq > before:
            continue
        if gradient and event.kind == "backward":
            for array, label in event.labels.items():
                if label == wanted and f"d{array}" in event.arrays:
                    return event, f"d{array}"
        if not gradient and event.kind == "update" and event.details.get("parameter") == wanted:
            return event, "w_new"
    return None


def _is_variable(name: str, frame: FrameType | None) -> bool:
    """Whether ``name`` is a variable that code in ``frame`` sees."""
    return frame is not None and (name in frame.f_locals or name in frame.f_globals)


class References:
    """Looks references up.

    Args:
        history: the recorded events.
        names: of parameters.
    """

    def __init__(self, history: History, names: Names) -> None:
        self.history, self._names = history, names

    def find(
        self, reference: dict[str, Any], at: Event, frame: FrameType | None, standing: FrameType | None = None
    ) -> Found:
        """What ``reference`` means with the cursor at ``at`` and the script in ``frame`` (None: in the past, and then in
        ``standing``, whose variables are none of the past's).

        A name alone is an array of the event first. With a ``frameId`` it is a variable there first: the ``b`` of a matrix
        product is not the script's ``b``.

        Raises:
            RequestFailedError: there is no such event, array or tensor.
        """
        if "event" in reference:
            event = at if reference["event"] == at.seq else self.history.get(reference["event"])
            if event is None:
                gone = f"event {reference['event']} is not in the history any more; step on or back to an op that is"
                raise RequestFailedError("failed", gone)
            array = array_of(event, reference["name"])
            if array is None:
                known = ", ".join(event.arrays) or "none"
                raise RequestFailedError("failed", f"{event.name} has no array {reference['name']!r}; it has: {known}")
            return Found(array, event, reference["name"])
        text = reference["expression"].strip()
        if "frameId" not in reference or not _is_variable(text, frame or standing):
            array = array_of(at, text)
            if array is not None:
                return Found(array, at, text)
        return self._expression(text, at, frame)

    def _expression(self, text: str, at: Event, frame: FrameType | None) -> Found:
        name = text.removesuffix(".grad")
        known = self._names.tensor_named(name)
        if known is None and frame is not None:
            self._names.learn_all(frame)
            known = self._names.tensor_named(name)
        value = frame.f_locals.get(name, frame.f_globals.get(name)) if frame is not None else None
        if isinstance(value, Tensor) and value is not known:
            known = None  # a tensor that was called by its variable, which holds another one by now
        if known is not None and frame is None:
            return self._of_then(text, at)
        if known is not None:
            tensor = known._grad if text.endswith(".grad") else known
            if tensor is None:
                raise RequestFailedError("failed", f"{text}: there is no gradient now")
            made = origin(self.history, text)
            # What was computed last is what the name means, unless something changed it in between.
            array = array_of(*made) if made is not None else None
            if made is not None and array is not None and array.size == tensor._array.size:
                return Found(tensor._array, made[0], made[1], tensor)
            return Found(tensor._array, None, text, tensor)
        if frame is None:
            names = ", ".join(at.arrays) or "none"
            text = f"{text}: variables are those of the present; of the past, arrays of the event are known ({names}), and "
            text += "parameters by name"
            raise RequestFailedError("failed", text)
        try:
            with quiet():
                value = eval(text, frame.f_globals, frame.f_locals)
        except Exception as error:
            raise RequestFailedError("failed", f"{text}: {type(error).__name__}: {error}") from None
        return self._value(text, value, at)

    def _of_then(self, text: str, at: Event) -> Found:
        """The parameter or gradient ``text`` as it was at ``at``, which lies in the past."""
        made = origin(self.history, text, at.seq)
        used = None
        for event in reversed(self.history):
            label = next((name for name, label in event.labels.items() if label == text and name in event.arrays), None)
            if label is None or event.kind == "update":
                continue
            if made is not None and event.seq < made[0].seq:
                break
            if event.seq <= at.seq or made is None:
                used = event, label
                if event.seq <= at.seq:
                    break
        for place in (made, used):
            array = array_of(*place) if place is not None else None
            if place is not None and array is not None:
                return Found(array, *place)
        raise RequestFailedError("failed", f"{text}: no recorded event tells what it was here")

    def _value(self, text: str, value: Any, at: Event) -> Found:
        if isinstance(value, Tensor):
            for event in (at, *reversed(self.history)):
                for name, array in event.arrays.items():
                    if array is value._array and name not in ("x", "input") and event.direction:
                        return Found(value._array, event, name, value)
            return Found(value._array, None, text, value)
        if isinstance(value, ARRAYS):
            return Found(value, None, text)
        raise RequestFailedError("failed", f"{text}: is a {type(value).__name__}, not a tensor")
