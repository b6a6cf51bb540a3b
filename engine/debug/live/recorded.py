"""A step of a run that is watched closely, out of its history."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from engine.debug.events import Event
from engine.debug.history import History
from engine.debug.live.picture import Batch, Forward
from engine.debug.live.structure import Op, Place, places
from engine.debug.memory import ARRAYS
from engine.debug.references import array_of
from engine.debug.views.losses import is_loss


class Recorded:
    """What :class:`~engine.debug.live.picture.Picture` keeps of a step, out of its events.

    Args:
        events: of the step, in their order: see :func:`last_step`.

    Attributes:
        ops: those that ran forward, in their order.
        loss: the last loss that was computed. handed_out: the batch; None without a DataLoader.
    """

    def __init__(self, events: Iterable[Event]) -> None:
        events = list(events)
        found = places(events)
        self.ops = [Op(found[event.seq][1], event.name) for event in events if event.kind == "forward"]
        #: Nothing is copied: what is recorded does not change.
        self.parts: dict[str, tuple[np.ndarray, tuple[int, ...]]] = {}
        self._events = {found[event.seq]: event for event in events if event.seq in found}
        loss = next((event for event in reversed(events) if event.kind == "forward" and is_loss(event)), None)
        self.loss = None if loss is None or loss.function is None else Forward(loss.function, loss.arrays)
        batch = next((event for event in events if event.kind == "batch"), None)
        self.handed_out = None if batch is None else _batch(batch)

    def array(self, place: Place, name: str) -> np.ndarray | None:
        """What was recorded under that name there; None where there is no such array."""
        event = self._events.get(place)
        return None if event is None else array_of(event, name)


def _batch(event: Event) -> Batch:
    arrays = [array for array in event.arrays.values() if isinstance(array, ARRAYS)]
    details = event.details
    return Batch(arrays, details["samples"], details["loader"], event.name, event.epoch, details.get("index", event.batch))


def last_step(history: History) -> list[Event] | None:
    """The events of the newest step that has ended, without lines, from its batch on where it had one of a DataLoader;
    None where its beginning is not remembered.
    """
    found: list[Event] = []
    for event in reversed(history):
        if not found:
            if event.kind == "end_step":
                found.append(event)
        elif event.kind in ("end_step", "epoch", "end_epoch"):
            break
        elif event.kind == "batch":
            if event.details.get("loader") is not None:
                found.append(event)
            break
        elif event.kind != "line":
            found.append(event)
    else:
        if not history.complete:
            return None
    return found[::-1] or None
