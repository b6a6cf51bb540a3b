"""Which step a place lies in. People count the optimizer's steps from 1, as they do epochs and batches. No Qt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Events, and what batches are called, that are the end of the step that has just ended, not the beginning of the next.
_ENDS = ("end_step", "end_epoch", "end")
_END_OF_STEP = ("batch", "step")


def begins(stop: Mapping[str, Any] | None) -> bool:
    """Whether a stop is the first line of a run, of which nothing has been seen before: also one with a breakpoint there."""
    stop = stop or {}
    return stop.get("reason") == "entry" or bool(stop.get("entry"))


def step_number(place: Mapping[str, Any] | None) -> int:
    """The number of the step that a stop, an event or a progress lies in, from 1 on.

    The engine says how many steps have ended (``step``). The next one lasts from there to its own end, which is still in
    it; and behind the last step of a script that has ended there is none.
    """
    place = place or {}
    ended = int(place.get("step") or 0)
    at_end = place.get("kind") in _ENDS or (place.get("kind"), place.get("name")) == _END_OF_STEP
    return ended if ended and at_end else ended + 1
