"""Changes of a run at one position: what makes a fork differ from the run that it shares its past with."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from engine.checkpoint.atomic import write_atomically
from engine.debug.events import Event, Position
from engine.debug.references import References, array_of
from engine.debug.script_parameters import assign_parameters
from engine.debug.server import RequestFailedError
from engine.debug.views.expressions import evaluate


class EditLog:
    """The edits that a run has had, by position; part of its recording, so that a replay makes them too.

    Args:
        folder: of the recording; None keeps them in memory.
    """

    def __init__(self, folder: str | os.PathLike | None) -> None:
        self._path = None if folder is None else Path(folder) / "edits.json"
        self._edits: list[tuple[Position, list[dict[str, Any]]]] = []
        if self._path is not None and self._path.exists():
            self._edits = [(Position(*place), edits) for place, edits in json.loads(self._path.read_text())]

    def __iter__(self) -> Iterator[tuple[Position, list[dict[str, Any]]]]:
        return iter(self._edits)

    def __len__(self) -> int:
        return len(self._edits)

    def adopt(self, other: EditLog) -> None:
        """Take over what ``other`` has."""
        self._edits = list(other)
        self._write()

    def cut(self, target: Position) -> None:
        """Forget what comes after ``target``: from there on the run is another."""
        self._edits = [(place, edits) for place, edits in self if place <= target]
        self._write()

    def append(self, position: Position, edits: list[dict[str, Any]]) -> None:
        """Note edits made at ``position``."""
        self._edits.append((position, [_plain(edit) for edit in edits]))
        self._write()

    def _write(self) -> None:
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path, json.dumps([[list(place), edits] for place, edits in self._edits]).encode())


def _plain(edit: dict[str, Any]) -> dict[str, Any]:
    """``edit`` as JSON can keep it: whole arrays as lists."""
    value: Any = edit.get("value")
    return {**edit, "value": value.numpy().tolist()} if hasattr(value, "numpy") else edit


def apply_edits(edits: list[dict[str, Any]], event: Event, frame: FrameType | None, references: References) -> None:
    """Carry out ``edits`` at ``event``, where the script stands in ``frame``.

    Raises:
        RequestFailedError: an edit cannot be made; those before it have been.
    """
    for edit in edits:
        if edit["kind"] == "exec":
            run_code(edit["code"], frame)
        elif edit["kind"] == "parameters":
            assign_parameters(edit["settings"], frame)
        else:
            _write(edit, event, frame, references)


def run_code(code: str, frame: FrameType | None) -> None:
    """Execute statements with the names of ``frame``; what they assign to is changed there.

    Raises:
        RequestFailedError: there is no frame, or the code raises.
    """
    if frame is None:
        raise RequestFailedError("failed", "no code of the script is at work here, so none can be changed")
    # As what is typed at a stop is run: quietly, and with the frame's variables known to functions in it.
    evaluate(frame, code, True)


def _write(edit: dict[str, Any], event: Event, frame: FrameType | None, references: References) -> None:
    reference = edit["reference"]
    if "event" in reference:
        # Numbers of events belong to one process; what is meant is the event that the run stands at.
        reference = {"event": event.seq, "name": reference["name"]}
    found = references.find(reference, event, frame)
    array = found.tensor._array if found.tensor is not None else found.array
    name = str(reference.get("name") or reference.get("expression"))
    value = edit["value"].numpy() if hasattr(edit["value"], "numpy") else edit["value"]
    index = edit.get("index")
    place: Any = ... if index is None else tuple(index) if isinstance(index, (list, tuple)) else index
    if index is not None:
        _check(name, array, place)
    references.history.overwriting(array)
    if found.event is event and array is not event.arrays.get(found.name) and found.name in event.arrays:
        # The event that the run stands at shows what the run goes on with; what came before keeps what it saw.
        references.history.replace(event, found.name, array)
    try:
        array[place] = np.asarray(value).astype(array.dtype)
    except (ValueError, IndexError, TypeError) as error:
        raise RequestFailedError("failed", f"{name}: cannot be set to {value!r}: {error}") from None
    if found.event is event:
        event.details.setdefault("edited", []).append((found.name, place if isinstance(place, tuple) else (place,)))
    # As with PyTorch's .data the change is not counted: an op that has run before and needs the tensor for its backward
    # takes it as it is now, where counting the change would make backward refuse.


def was_edited(event: Event, name: str, index: tuple[int, ...]) -> bool:
    """Whether element ``index`` of the array ``name`` was set by an edit made at ``event``, after its op had run."""
    array = array_of(event, name)
    if array is None:
        return False
    for of, place in event.details.get("edited", ()):
        if of == name and (place == (...,) or tuple(i % n for i, n in zip(place, array.shape)) == index[: len(place)]):
            return True
    return False


def edited_inputs(event: Event, explained: str) -> list[str]:
    """The names of the other arrays of the op that edits made at ``event`` have changed: it had read them before."""
    return list(dict.fromkeys(name for name, _ in event.details.get("edited", ()) if name != explained))


def _check(name: str, array: np.ndarray, place: Any) -> None:
    numbers = place if isinstance(place, tuple) else (place,)
    inside = len(numbers) <= array.ndim and all(-n <= i < n for i, n in zip(numbers, array.shape))
    if not inside:
        raise RequestFailedError("failed", f"{name}: has no element {list(numbers)}; its shape is {array.shape}")
