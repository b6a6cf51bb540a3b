"""A stop: where the script stands, or the cursor in its past, and how that is told to the client."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from engine.debug.evaluation import said
from engine.debug.events import Event
from engine.debug.lines import user_frames


@dataclass
class Stop:
    """One stop.

    Attributes:
        reason: of the stop, as the event ``stopped`` of the protocol names it.
        event: what has happened there.
        frames: the user's frames that were active, innermost first; of the present also when ``live`` is false.
        live: whether the script stands here, or only the cursor does.
        description: one sentence.
        hits: breakpoints that were hit.
        more: further fields of the message: tensor, index, sample, text.
    """

    reason: str
    event: Event
    frames: list[FrameType] = field(default_factory=list)
    live: bool = True
    description: str = ""
    hits: Sequence[int] = ()
    more: dict[str, Any] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """The body of the event ``stopped``."""
        event = self.event
        is_op = event.function is not None or event.kind == "update"
        return {
            "reason": self.reason,
            "description": self.description or describe(event),
            "position": list(event.position),
            "level": event.level if event.level != "detail" else "op",
            "kind": event.kind,
            "file": event.file or None,
            "line": event.line or None,
            "function": self.frames[0].f_code.co_name if self.frames else None,
            "module": event.module or None,
            "op": event.name if is_op else None,
            "name": event.name,
            "direction": event.direction or None,
            "origin": list(event.origin) if event.origin else None,
            "epoch": event.epoch,
            "epochs": event.epochs,
            "batch": event.batch,
            "batches": event.batches,
            "step": event.step,
            "hitBreakpointIds": list(self.hits),
            "live": self.live,
            "seq": event.seq,
            "threadId": 1,
            "tensors": tensors(event),
            **self.more,
        }


def tensors(event: Event) -> list[dict[str, Any]]:
    """The arrays of ``event``: name, label, shape, dtype."""
    found = []
    value: Any
    for name, value in event.arrays.items():
        parts = [(f"{name}[{i}]", part) for i, part in enumerate(value)] if type(value) is tuple else [(name, value)]
        for part_name, array in parts:
            if array is not None and (array.size or event.kind != "update"):  # an optimizer's absent state has no elements
                shape = event.details.get("shape", array.shape) if event.kind == "update" else array.shape
                entry = {"name": part_name, "shape": list(shape), "dtype": str(array.dtype)}
                label = event.labels.get(part_name)
                found.append({**entry, "label": label} if label else entry)
    return found


def describe(event: Event) -> str:
    """``event`` in a few words that go on after "stopped at"; the end of the script is a sentence."""
    where = f' "{event.module}"' if event.module else ""
    if event.direction == "update":
        return f"update {event.details.get('parameter') or 'a parameter'} ({event.name})"
    if event.direction:
        return f"{event.direction} {event.name}{where}"
    return {
        "line": f"line {event.line}" + (f" in {event.name}" if event.name != "<module>" else ""),
        "epoch": f"the beginning of a pass over {event.name}",
        "end_epoch": f"the end of the pass over {event.name}",
        "batch": f"the end of step {event.step}" if event.name == "step" else f"batch {event.batch} of {event.name}",
        "begin_step": f"the beginning of the step of {event.name}",
        "end_step": f"the end of the step of {event.name}",
        "enter": f"the call of {event.name}{where}",
        "exit": f"the return from {event.name}{where}",
        "exception": f"{event.name}: {said(event.details.get('error', ''))}".removesuffix(": "),
        "end": "the script has ended",
    }.get(event.kind, event.kind.replace("_", " "))


def plain_stop(event: Event, reason: str, frame: FrameType | None) -> Stop:
    """A stop where a step ends; at an exception and at the end the event is the reason."""
    more = {}
    if event.kind in ("exception", "end"):
        reason = event.kind
        more = {"exitCode": event.details["exitCode"]} if event.kind == "end" else {"text": said(event.details["error"])}
    return Stop(reason, event, user_frames(frame), more=more)


def hit_stop(event: Event, hits: Sequence[Any], frame: FrameType | None) -> Stop:
    """A stop at breakpoints; the first hit that names a tensor says which element."""
    named = next((hit for hit in hits if hit.tensor), hits[0])
    more = {"tensor": named.tensor, "index": named.index, "sample": named.sample} if named.tensor else {}
    if named.dataset_index is not None:
        more["datasetIndex"] = named.dataset_index
    ids = [id for hit in hits for id in hit.ids]
    return Stop(hits[0].reason, event, user_frames(frame), True, "; ".join(hit.description for hit in hits), ids, more)


def again_stop(event: Event, hits: Sequence[Any], frame: FrameType | None) -> Stop:
    """As :func:`hit_stop`, of a recorded ``event`` at which breakpoints stopped the run before, or would have."""
    stop = hit_stop(event, hits, frame)
    stop.more["again"] = True
    return stop
