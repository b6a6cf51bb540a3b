"""Where an array that an op has read can be changed so that the op reads the change."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import CodeType, FrameType
from typing import Any

import numpy as np

from engine.debug.events import Event
from engine.tensor import Tensor


def source_of(
    events: Sequence[Event], reader: Event, array: np.ndarray, frames: Iterable[FrameType]
) -> dict[str, Any] | None:
    """What to refer to, and at which event: the array of the op that computed it; else the variable that holds it, before
    the op of ``reader`` runs. None where neither is known.

    Args:
        events: the history, in its order.
        frames: the user's, innermost first, in which the script stands now.
    """
    before = [event for event in events if event.seq < reader.seq]
    for event in reversed(before):
        if event.kind == "forward":
            # What an op computes it has not read: a name whose array it did not have before.
            for name, value in event.arrays.items():
                if value is array and event.function is not None and name in event.function.returns:
                    return {"event": event.seq, "name": name}
    for frame in frames:
        code = frame.f_code
        if not _holds(code, reader):
            continue
        names = (*frame.f_locals.items(), *frame.f_globals.items())
        name = next((name for name, value in names if _is_of(value, array)), None)
        here = next((event for event in reversed(before) if _holds(code, event)), None)
        if name is not None and here is not None:
            return {"event": here.seq, "expression": name}
    return None


def _holds(code: CodeType, event: Event) -> bool:
    """Whether the line that was at work at ``event`` is one of ``code`` itself."""
    return event.file == code.co_filename and any(line == event.line for _, _, line in code.co_lines())


def _is_of(value: Any, array: np.ndarray) -> bool:
    return isinstance(value, Tensor) and value._array is array
