"""Which recorded event a finding speaks of, while the history has it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from engine.debug.events import Event
from engine.debug.memory import ARRAYS, all_on_cpu

#: Kinds of events at which a line is shown that no op is to blame for.
_BEGINNINGS = ("begin_backward", "begin_step", "line")


def event_of(history: Iterable[Event], finding: dict[str, Any]) -> Event | None:
    """The event at which a finding shows.

    Args:
        history: events, the oldest first.
        finding: as of ``Finding.to_json``; of its evidence ``direction`` counts: "forward" or "backward". Without one it is
            an op's forward, or an optimizer's update.

    Returns:
        The op named by the finding's place, in its step, direction and module and on its line: of several the first with
        NaN or infinity where the finding speaks of these, else the last. Where no op is to blame: the beginning of that
        line. None where the history has no such event.
    """
    place = finding["place"]
    there = [event for event in history if event.step == place["step"] and _on_line(event, place)]
    if not place["op"]:
        return next((event for event in reversed(there) if event.kind in _BEGINNINGS), None)
    direction = finding.get("evidence", {}).get("direction")
    kinds = ("forward", "update") if direction is None else (direction,)
    found = [event for event in there if event.kind in kinds and event.name == place["op"]]
    # One line may run many modules; how a module is called that is in no other differs between findings and events.
    found = [event for event in found if event.module == place["module"]] or found
    if finding["id"] == "non-finite":
        return next((event for event in found if _not_finite(event) is not None), None)
    return found[-1] if found else None


def _on_line(event: Event, place: dict[str, Any]) -> bool:
    return (event.origin or (event.file, event.line)) == (place["file"], place["line"])


def tensor_of(event: Event, finding: dict[str, Any]) -> str | None:
    """The name of the array of ``event`` that a finding on NaN or infinity speaks of; None for other findings."""
    return _not_finite(event) if finding["id"] == "non-finite" and finding["place"]["op"] else None


def _not_finite(event: Event) -> str | None:
    """The name of the first array of an event that holds NaN or infinity; None where none does."""
    for name, value in event.arrays.items():
        for number, array in enumerate(value if type(value) is tuple else (value,)):
            if isinstance(array, ARRAYS) and array.dtype.kind == "f" and not np.isfinite(all_on_cpu(array)).all():
                return f"{name}[{number}]" if type(value) is tuple else name
    return None
