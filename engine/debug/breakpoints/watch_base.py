"""What watchpoints look at: the arrays of an event, what users call them, and the sample an element belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import translate
from typing import Any, NamedTuple

import numpy as np

from engine.debug.events import Event
from engine.debug.memory import ARRAYS


class Batch(NamedTuple):
    """The batch that the run works on.

    Attributes:
        size: number of samples, None where it is not known.
        samples: their numbers in the dataset, None where they are not known.
    """

    size: int | None = None
    samples: Any = None

    @classmethod
    def of(cls, event: Event) -> Batch:
        """The batch that a "batch" event hands out; no batch for any other event."""
        if event.kind != "batch":
            return cls()
        samples = event.details.get("samples")
        if samples is not None and hasattr(samples, "__len__"):
            return cls(len(samples), samples)
        first = next((a for value in event.arrays.values() for _, a in parts("", value) if a.ndim), None)
        return cls(None if first is None else first.shape[0])

    def place(self, event: Event, name: str, array: np.ndarray, index: tuple[int, ...]) -> dict[str, Any]:
        """``index`` with the ``sample`` of the batch and the ``dataset_index`` it belongs to, where there are any.

        An array whose first extent is the batch's size is taken for one with a row for each sample, unless it is
        a parameter or a parameter's gradient.
        """
        found: dict[str, Any] = {"index": index, "sample": None, "dataset_index": None}
        if not index or array.shape[0] != self.size or _of_parameter(event, name):
            return found
        found["sample"] = row = index[0]
        if self.samples is not None:
            number = self.samples[row]
            found["dataset_index"] = int(number) if isinstance(number, (int, np.integer)) else None
        return found


def _of_parameter(event: Event, name: str) -> bool:
    if event.kind in ("update", "gradient") or name in ("w", "dw"):
        return True
    base = name.removeprefix("d") if event.kind == "backward" else name
    # The bias of a layer whose parameters belong to no module has no label.
    return base in event.labels or (base == "b" and ("w" in event.arrays or "dw" in event.arrays))


@dataclass(slots=True)
class Finding:
    """What a watchpoint found: a sentence, and where; the attributes are those of ``Hit``."""

    sentence: str
    tensor: str | None = None
    index: tuple[int, ...] | None = None
    sample: int | None = None
    dataset_index: int | None = None


class Watchpoint:
    """Looks at each event of the kinds ``events`` and says what it found.

    Attributes:
        kind: its name in :mod:`engine.debug.breakpoints.watchpoints`.
        events: the kinds of events that it wants.
    """

    kind = ""
    events: frozenset[str] = frozenset()

    def check(self, event: Event, batch: Batch) -> Finding | None:
        """What is wrong with ``event``; None where nothing is.

        Raises:
            ValueError: the watchpoint does not fit the run (an index outside of the tensor); it is of no use then.
        """
        raise NotImplementedError

    def recall(self, event: Event) -> Finding | None:
        """What it finds in ``event``, which lies in the past; changes nothing."""
        return self.check(event, Batch())


class TensorPattern:
    """Which arrays are meant: ``"conv1.weight"``, ``"*.weight.grad"``, an array ``"y"``, or one of a module ``"conv1:y"``.

    Wildcards are those of ``fnmatch``; capitals count. A parameter is looked at where it is updated, its ``.grad``
    where a gradient is accumulated into it.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._match = re.compile(translate(text)).match

    def fits_label(self, name: str) -> bool:
        """Whether the parameter (or gradient) of this name is meant."""
        return bool(name) and self._match(name) is not None

    def fits_array(self, event: Event, name: str) -> bool:
        """Whether the array ``name`` of ``event`` is meant."""
        return self._match(name) is not None or self._match(f"{event.module}:{name}") is not None


def parts(name: str, value: Any) -> Iterator[tuple[str, np.ndarray]]:
    """The arrays of one entry of an event, by name: those of a tuple are called ``x[0]``, ``x[1]`` ..."""
    if isinstance(value, ARRAYS):
        yield name, value
    elif isinstance(value, tuple):
        for i, item in enumerate(value):
            if isinstance(item, ARRAYS):
                yield f"{name}[{i}]", item


def produced(event: Event) -> list[tuple[str, np.ndarray]]:
    """The arrays that the event wrote: outputs, gradients that went out, updated weights and state."""
    arrays = event.arrays
    if event.kind == "forward":
        names = ("y",) if event.function is None else event.function.returns
        return [found for n in names if n in arrays for found in parts(n, arrays[n])]
    if event.kind == "backward":
        arrived = arrivals(event)
        # The gradient of an input called "d" is "dd"; an input of that name is no gradient itself.
        names = [n for n in arrays if n[0] == "d" and n not in arrived and f"d{n}" not in arrays]
        return [found for n in names for found in parts(n, arrays[n])]
    if event.kind == "update":
        return [(n, shaped(event, a)) for n in arrays if n.endswith("_new") for n, a in parts(n, arrays[n])]
    return list(parts("grad", arrays.get("grad")))


def received(event: Event) -> list[tuple[str, np.ndarray]]:
    """The arrays that the event worked on; of a backward event only the gradients that arrived."""
    arrays = event.arrays
    if event.kind == "backward":
        names = [n for n in arrivals(event) if n in arrays]
    elif event.kind == "update":
        return [(n, shaped(event, a)) for n in arrays if not n.endswith("_new") for n, a in parts(n, arrays[n])]
    else:
        made = {"grad"} if event.kind == "gradient" else set(("y",) if event.function is None else event.function.returns)
        names = [n for n in arrays if n not in made]
    return [found for n in names for found in parts(n, arrays[n])]


def arrivals(event: Event) -> tuple[str, ...]:
    """The names that the gradients of the op's outputs have in a backward event."""
    return ("dy",) if event.function is None else tuple([f"d{name}" for name in event.function.returns])


def shaped(event: Event, array: np.ndarray) -> np.ndarray:
    """An array of an update, which is flat, in the parameter's shape."""
    shape = event.details.get("shape")
    if shape is None or array.shape == tuple(shape) or array.size != int(np.prod(shape)):
        return array
    return array.reshape(shape)


def label_of(event: Event, name: str) -> str:
    """What the user calls an array: ``"conv1.weight"``, ``"conv1.weight.grad"``; ``""`` for one without a name."""
    if event.kind == "gradient":
        label = event.labels.get("grad", "")
        return f"{label}.grad" if label and not label.endswith(".grad") else label
    if event.kind == "update" and name.endswith("_new"):
        return event.labels.get(name) or event.labels.get(name.removesuffix("_new"), "")
    return event.labels.get(name, "")


def candidates(event: Event, pattern: TensorPattern | None) -> list[tuple[str, np.ndarray]]:
    """The arrays to look at: those that ``pattern`` means, or without one all that the event wrote."""
    made = produced(event)
    if pattern is None:
        # A first gradient is the array that a backward event has just shown.
        return made if event.kind != "gradient" or "before" in event.arrays else []
    chosen = [(n, a) for n, a in made if pattern.fits_label(label_of(event, n)) or pattern.fits_array(event, n)]
    return chosen + [(n, a) for n, a in received(event) if pattern.fits_array(event, n)]


def op_text(event: Event) -> str:
    """The op in words: ``"forward of Linear (fc1)"``, ``"SGD's update of fc1.weight"``."""
    if event.kind == "update":
        label = event.labels.get("w") or event.labels.get("w_new")
        return f"{event.name}'s update of {label or 'a parameter without a name'}"
    if event.kind == "gradient":
        return f"accumulation into {label_of(event, 'grad') or 'a gradient'}"
    return f"{event.kind} of {event.name}" + (f" ({event.module})" if event.module else "")


def tensor_text(event: Event, name: str) -> str:
    """An array in words: ``"y of Linear (fc1)"``, ``"fc1.weight"``."""
    label = label_of(event, name)
    if label:
        return label
    if event.kind == "update":
        return f"{name} in {op_text(event)}"
    module = f" ({event.module})" if event.module else ""
    return f"{name} of {event.name}{module}"


def place_text(place: dict[str, Any]) -> str:
    """``" at [3, 7], sample [3] of the batch ([4711] of the dataset)"``; ``""`` for the only element."""
    if not place["index"]:
        return ""
    text = f" at {list(place['index'])}"
    if place["sample"] is not None:
        text += f", sample [{place['sample']}] of the batch"
        if place["dataset_index"] is not None:
            text += f" ([{place['dataset_index']}] of the dataset)"
    return text
