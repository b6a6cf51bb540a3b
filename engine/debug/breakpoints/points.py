"""Breakpoints one by one: at lines, ops, modules and exceptions, and on what numbers do."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from engine.debug.breakpoints.code_lines import line_to_stop_at
from engine.debug.breakpoints.op_names import OpPattern
from engine.debug.breakpoints.point import Hit, Match, Names, Point, text_of
from engine.debug.breakpoints.watch_base import Batch, Finding, op_text
from engine.debug.breakpoints.watchpoints import make_watchpoint
from engine.debug.evaluation import error_text
from engine.debug.events import Event
from engine.debug.wire.messages import EXCEPTION_FILTERS


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

    def recall(self, event: Event) -> Match:
        return Match(self._description)  # it is asked about events of its line alone

    def on_line(self, names: Names, seq: int) -> Hit | None:
        """The hit at its line, event number ``seq``, if the conditions hold."""
        return self.noted(seq, self.reached(names, self._description))


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
        advice = self._op.advice() if self._op is not None else ""
        if advice:
            self.verified, self.message = False, advice

    def match(self, event: Event, batch: Batch) -> Match | None:
        if self._op is not None and not self._op.fits(event):
            return None
        if self._module is not None and not self._module(_module_of(event)):
            return None
        return Match(f"Breakpoint at {op_text(event)}")


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

    def match(self, event: Event, batch: Batch) -> Match | None:
        if not (self._path(event.module) or self._path(event.name)):
            return None
        where = "end of" if event.kind == "exit" else "beginning of"
        path = f" ({event.module})" if event.module and event.module != event.name else ""
        return Match(f"Breakpoint at the {where} {event.name}{path}")


class ExceptionPoint(Point):
    """At exceptions: ``"raised"`` each one as it is raised, ``"uncaught"`` those that nobody handles."""

    reason = "exception"

    def __init__(self, id: int, specification: Mapping[str, Any]) -> None:
        super().__init__(id, specification)
        self.filter = specification.get("filter")
        if self.filter not in EXCEPTION_FILTERS:
            filters = " and ".join(map(repr, EXCEPTION_FILTERS))
            raise ValueError(f"there is no exception filter {self.filter!r}; filters are {filters}")

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

    def match(self, event: Event, batch: Batch) -> Match | None:
        return self._match(self.watch.check(event, batch))

    def recall(self, event: Event) -> Match | None:
        return self._match(self.watch.recall(event))

    @staticmethod
    def _match(found: Finding | None) -> Match | None:
        if found is None:
            return None
        place = {"tensor": found.tensor, "index": found.index}
        return Match(found.sentence, {**place, "sample": found.sample, "dataset_index": found.dataset_index})

    def on_event(self, event: Event, names: Names, batch: Batch) -> Hit | None:
        if self._broken:
            return None
        try:
            return super().on_event(event, names, batch)
        except ValueError as error:
            # It fits no later event either; saying so once is enough.
            self._broken, self.verified, self.message = True, False, str(error)
            return Hit((self.id,), self.reason, f"The watchpoint {self.watch.kind} is off: {error}")

    def past_hit(self, event: Event, names: Names) -> Hit | None:
        try:
            return None if self._broken else super().past_hit(event, names)
        except ValueError:
            return None  # it does not fit the run, which is told when the run goes on


def path_pattern(text: str) -> Callable[[str], Any]:
    """A test of module paths and classes against a pattern, without regard to case."""
    match = re.compile(fnmatch.translate(text.lower())).match
    return lambda path: match(path.lower())


def _module_of(event: Event) -> str:
    """The module of an op; for an update or accumulation that of the parameter."""
    if event.module or event.kind not in ("update", "gradient"):
        return event.module
    label = next(iter(event.labels.values()), "")
    return label.removesuffix(".grad").rpartition(".")[0]
