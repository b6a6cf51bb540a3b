"""Breakpoints one by one: each says whether it is reached, and in a sentence what happened."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.debug.code_lines import line_to_stop_at
from engine.debug.evaluation import Expression, HitCondition, LogMessage, error_text
from engine.debug.events import Event
from engine.debug.op_names import OpPattern
from engine.debug.watch_base import Batch, op_text
from engine.debug.watchpoints import make_watchpoint

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


class Point:
    """What all breakpoints share: condition, hit condition, log message.

    Args:
        id: its number, unique in the process.
        specification: as the client sent it.

    Raises:
        ValueError: the specification is wrong.

    Attributes:
        hits: how often it was reached with its condition true.
        message: a remark for the client, or ``""``.
    """

    reason = "breakpoint"
    #: Kinds of events that it is asked about.
    kinds: frozenset[str] = frozenset()

    def __init__(self, id: int, specification: Mapping[str, Any]) -> None:
        self.id = id
        self.hits = 0
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

    def on_event(self, event: Event, names: Names, batch: Batch) -> Hit | None:
        """The hit, if ``event`` is what it waits for and its conditions hold."""
        raise NotImplementedError

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


class LinePoint(Point):
    """At a line of a file; it moves to the next line that carries code."""

    def __init__(self, id: int, specification: Mapping[str, Any], path: str, lines: list[int]) -> None:
        super().__init__(id, specification)
        line = specification.get("line")
        if not isinstance(line, int) or isinstance(line, bool):
            raise ValueError(f"a breakpoint needs its line as a number, not {line!r}")
        self.line = line_to_stop_at(path, line, lines)
        if self.line != line:
            self.message = f"line {line} carries no code; moved to line {self.line}"
        self._description = f"Breakpoint at line {self.line} of {os.path.basename(path)}"

    def body(self) -> dict[str, Any]:
        return {**super().body(), "line": self.line}

    def on_line(self, names: Names) -> Hit | None:
        """The hit at its line, if the conditions hold."""
        return self.reached(names, self._description)


class OpPoint(Point):
    """At ops: by name, module and direction, each optional."""

    reason = "op breakpoint"

    def __init__(self, id: int, specification: Mapping[str, Any]) -> None:
        super().__init__(id, specification)
        op, module = text_of(specification, "op"), text_of(specification, "module")
        direction = text_of(specification, "direction")
        if direction not in (None, "forward", "backward", "update"):
            raise ValueError(f"direction must be 'forward', 'backward' or 'update', not {direction!r}")
        self._op = OpPattern(op) if op else None
        self._module = path_pattern(module) if module else None
        kinds = {direction} if direction else {"forward", "backward", "update"}
        # Accumulation into .grad is bookkeeping: only who names it means it.
        self.kinds = frozenset(kinds | {"gradient"} if op and "backward" in kinds else kinds)
        advice = self._op.advice() if self._op is not None and op != "AccumulateGrad" else ""
        if advice:
            self.verified, self.message = False, advice

    def on_event(self, event: Event, names: Names, batch: Batch) -> Hit | None:
        if self._op is not None and not self._op.fits(event):
            return None
        if self._module is not None and not self._module(_module_of(event)):
            return None
        return self.reached(names, f"Breakpoint at {op_text(event)}")


class ModulePoint(Point):
    """Where a module's call begins or ends; the pattern means its path or its class."""

    reason = "module breakpoint"

    def __init__(self, id: int, specification: Mapping[str, Any]) -> None:
        super().__init__(id, specification)
        module, when = text_of(specification, "module"), text_of(specification, "when") or "enter"
        if not module:
            raise ValueError("a module breakpoint needs 'module': a path or a class, wildcards allowed")
        if when not in ("enter", "exit"):
            raise ValueError(f"when must be 'enter' or 'exit', not {when!r}")
        self.kinds = frozenset({when})
        self._path = path_pattern(module)

    def on_event(self, event: Event, names: Names, batch: Batch) -> Hit | None:
        if not (self._path(event.module) or self._path(event.name)):
            return None
        where = "end of" if event.kind == "exit" else "beginning of"
        path = f" ({event.module})" if event.module and event.module != event.name else ""
        return self.reached(names, f"Breakpoint at the {where} {event.name}{path}")


class ExceptionPoint(Point):
    """At exceptions: ``"raised"`` each one as it is raised, ``"uncaught"`` those that nobody handles."""

    reason = "exception"
    filters = ("raised", "uncaught")

    def __init__(self, id: int, specification: Mapping[str, Any]) -> None:
        super().__init__(id, specification)
        self.filter = specification.get("filter")
        if self.filter not in self.filters:
            raise ValueError(f"there is no exception filter {self.filter!r}; filters are 'raised' and 'uncaught'")

    def on_exception(self, error: BaseException, names: Names) -> Hit | None:
        """The hit, if the conditions hold; they may use ``error``."""
        return self.reached(lambda: {**names(), "error": error}, error_text(error))


class WatchPoint(Point):
    """At the op that made a number what a ready-made watchpoint waits for."""

    reason = "data breakpoint"

    def __init__(self, id: int, specification: Mapping[str, Any]) -> None:
        super().__init__(id, specification)
        self.watch = make_watchpoint(specification)
        self.kinds = self.watch.events
        self._broken = False

    def on_event(self, event: Event, names: Names, batch: Batch) -> Hit | None:
        if self._broken:
            return None
        try:
            found = self.watch.check(event, batch)
        except ValueError as error:
            # It fits no later event either; saying so once is enough.
            self._broken, self.verified, self.message = True, False, str(error)
            return Hit((self.id,), self.reason, f"The watchpoint {self.watch.kind} is off: {error}")
        if found is None:
            return None
        return self.reached(
            names, found.sentence, tensor=found.tensor, index=found.index,
            sample=found.sample, dataset_index=found.dataset_index,
        )


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


def path_pattern(text: str) -> Callable[[str], Any]:
    """A test of module paths and classes against a pattern, without regard to case."""
    match = re.compile(fnmatch.translate(text.lower())).match
    return lambda path: match(path.lower())


def _module_of(event: Event) -> str:
    """The module of an op; for an update or accumulation that of the parameter."""
    if event.kind in ("update", "gradient"):
        label = next(iter(event.labels.values()), "")
        return label.rpartition(".")[0]
    return event.module
