"""What breakpoints of every kind share: id, condition, hit condition, log message, and the hit that they report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from engine.debug.breakpoints.watch_base import Batch
from engine.debug.evaluation import Expression, HitCondition, LogMessage, error_text
from engine.debug.events import Event

#: Gives the names that a condition may use; called only where there is a condition or a message.
Names = Callable[[], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Hit:
    """A breakpoint was reached.

    Attributes:
        ids: of the breakpoints.
        reason: ``"breakpoint"``, ``"op breakpoint"``, ``"module breakpoint"``, ``"data breakpoint"``, ``"exception"``.
        description: a sentence for the user.
        stops: whether the run stops; a log point lets it go on.
        log: what log points say.
        tensor, index: the array (by its name in the event) and the element that a watchpoint found.
        sample: the row of the batch that the element belongs to; dataset_index: its number in the dataset.
    """

    ids: tuple[int, ...]
    reason: str
    description: str
    stops: bool = True
    log: str | None = None
    tensor: str | None = None
    index: tuple[int, ...] | None = None
    sample: int | None = None
    dataset_index: int | None = None


class Match(NamedTuple):
    """What a breakpoint waits for has happened: in a sentence, and where (tensor, index, sample, dataset_index)."""

    description: str
    place: dict[str, Any] = {}


class Point:
    """What all breakpoints share: condition, hit condition, log message.

    Args:
        id: its number, unique in the process.
        specification: as the client sent it.

    Raises:
        ValueError: the specification is wrong.

    Attributes:
        hits: how often it was reached with its condition true.
        stops: the hits that have stopped the run, by the numbers of their events.
        message: a remark for the client, or ``""``.
    """

    reason = "breakpoint"
    #: Kinds of events that it is asked about.
    kinds: frozenset[str] = frozenset()

    def __init__(self, id: int, specification: Mapping[str, Any]) -> None:
        self.id = id
        self.hits = 0
        #: What was told at each stop, by the number of its event; as many as a user has seen stops.
        self.stops: dict[int, Hit] = {}
        self.verified = True
        self.message = ""
        condition, log = text_of(specification, "condition"), text_of(specification, "logMessage")
        self.condition = Expression(condition) if condition else None
        self.hit_condition = HitCondition(text_of(specification, "hitCondition"))
        self.log = LogMessage(log) if log else None

    def body(self) -> dict[str, Any]:
        """What the client is told."""
        told: dict[str, Any] = {"id": self.id, "verified": self.verified}
        return {**told, "message": self.message} if self.message else told

    def match(self, event: Event, batch: Batch) -> Match | None:
        """What to say of ``event`` if it is what the breakpoint waits for, whatever its conditions."""
        raise NotImplementedError

    def recall(self, event: Event) -> Match | None:
        """As :meth:`match`, of a recorded ``event``; changes nothing."""
        return self.match(event, Batch())

    def on_event(self, event: Event, names: Names, batch: Batch) -> Hit | None:
        """The hit, if ``event`` is what it waits for and its conditions hold."""
        found = self.match(event, batch)
        return None if found is None else self.noted(event.seq, self.reached(names, found.description, **found.place))

    def noted(self, seq: int, hit: Hit | None) -> Hit | None:
        """``hit``, which is remembered where it stops the run at event number ``seq``."""
        if hit is not None and hit.stops:
            self.stops[seq] = hit
        return hit

    def past_hit(self, event: Event, names: Names) -> Hit | None:
        """The hit that stopped the run at a recorded ``event``, or would have had it been set; counts nothing.

        Which hits count, and conditions on what is gone, cannot be said of the past: then only what did stop counts.
        """
        if event.seq in self.stops:
            return self.stops[event.seq]
        found = None if self.log is not None or self.hit_condition.counts else self.recall(event)
        if found is None:
            return None
        try:
            holds = self.condition is None or self.condition.holds(names())
        except (Exception, SystemExit):
            return None
        return Hit((self.id,), self.reason, found.description, **found.place) if holds else None

    def reached(self, names: Names, description: str, **place: Any) -> Hit | None:
        """The hit, if the conditions hold. A condition that raises stops the run, or is what the log point says."""
        if self.condition is not None:
            try:
                if not self.condition.holds(names()):
                    return None
            except (Exception, SystemExit) as error:
                return self._failed(description, error)
        self.hits += 1
        if not self.hit_condition.holds(self.hits):
            return None
        log = None if self.log is None else self.log.text(names)
        return Hit((self.id,), self.reason, description, log is None, log, **place)

    def _failed(self, description: str, error: BaseException) -> Hit:
        text = self.condition.text if self.condition is not None else ""
        said = f"{description}: its condition {text!r} cannot be evaluated: {error_text(error)}"
        return Hit((self.id,), self.reason, said, self.log is None, None if self.log is None else said)


def text_of(specification: Mapping[str, Any], key: str) -> str | None:
    """The text under ``key``; None where there is none.

    Raises:
        ValueError: something else stands there.
    """
    value = specification.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ValueError(f"{key} must be text, not {value!r}")
    return value
