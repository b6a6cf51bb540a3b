"""All breakpoints of a run: the client replaces them at any time, the run asks whether one is reached."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import FrameType
from typing import Any

from engine.debug.breakpoints.code_lines import lines_with_code, normal_path
from engine.debug.breakpoints.point import Hit, Names, Point
from engine.debug.breakpoints.points import ExceptionPoint, LinePoint, ModulePoint, OpPoint, WatchPoint
from engine.debug.breakpoints.watch_base import Batch
from engine.debug.events import Event
from engine.debug.wire.messages import EXCEPTION_FILTERS

#: Those at exceptions until a client has said which it wants.
_EXCEPTIONS = tuple(ExceptionPoint(0, {"filter": name}) for name, stops in EXCEPTION_FILTERS.items() if stops)


class Breakpoints:
    """Breakpoints of every kind.

    ``set_...`` replace all breakpoints of one kind (for lines: of one file) and may be called from any thread: the
    run sees the old ones or the new ones. A breakpoint that is sent again unchanged keeps its id and its count of
    hits. They return for each breakpoint ``{"id", "verified", "line"?, "message"?}``; one that is wrong, or the same as
    one before it, is not verified, says why, and is never reached. Only an op breakpoint whose name no op has (yet) is
    unverified and waits.

    ``on_line``, ``on_event`` and ``on_exception`` belong to the thread of the run.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        # What was set: kind -> [(key, point)]; what the run reads is made of it and replaced as a whole.
        self._set: dict[str, list[tuple[str, Point]]] = {}
        self._lines: dict[str, dict[int, tuple[LinePoint, ...]]] = {}
        self._by_kind: dict[str, tuple[Point, ...]] = {}
        self._exceptions = _EXCEPTIONS
        self._batch = Batch()

    # ---- set by the client ----

    def set_lines(self, path: str, breakpoints: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Replace the breakpoints of one file: ``{line, condition?, hitCondition?, logMessage?}``."""
        place = normal_path(path)
        problem, lines = "", []
        if breakpoints:
            try:
                lines = lines_with_code(place)
            except ValueError as error:
                problem = str(error)

        def make(id: int, specification: Mapping[str, Any]) -> Point:
            if problem:
                raise ValueError(problem)
            return LinePoint(id, specification, place, lines)

        with self._lock:
            told = self._replace(f"line {place}", breakpoints, make, fresh=True)
            at: dict[int, tuple[LinePoint, ...]] = {}
            for _, point in self._set[f"line {place}"]:
                if isinstance(point, LinePoint):
                    at[point.line] = (*at.get(point.line, ()), point)
            others = {other: held for other, held in self._lines.items() if other != place}
            self._lines = {**others, place: at} if at else others
        for body, specification in zip(told, breakpoints):
            if "line" not in body and isinstance(specification, Mapping):
                body["line"] = specification.get("line")
        return told

    def set_ops(self, breakpoints: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Replace the op breakpoints: ``{op?, module?, direction?, condition?, hitCondition?, logMessage?}``.

        ``op`` and ``module`` are patterns with wildcards, whatever the case. Without ``direction`` all three are meant.
        """
        return self._set_events("op", breakpoints, OpPoint)

    def set_modules(self, breakpoints: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Replace the module breakpoints: ``{module, when: "enter" | "exit", condition? ...}``."""
        return self._set_events("module", breakpoints, ModulePoint)

    def set_watchpoints(self, breakpoints: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Replace the watchpoints: ``{kind, tensor?, threshold?, index?, window?, condition? ...}``.

        See :mod:`engine.debug.breakpoints.watchpoints` for the kinds.
        """
        return self._set_events("watch", breakpoints, WatchPoint)

    def set_exceptions(self, filters: Sequence[str | Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Replace the exception breakpoints: ``"raised"``, ``"uncaught"`` or ``{filter, condition? ...}``. Until then
        it is ``"uncaught"`` alone."""
        specifications = [{"filter": f} if isinstance(f, str) else f for f in filters]
        with self._lock:
            told = self._replace("exception", specifications, ExceptionPoint)
            self._exceptions = tuple(p for _, p in self._set["exception"] if isinstance(p, ExceptionPoint))
        return told

    def clear(self) -> None:
        """Remove all breakpoints of every kind, as when the client leaves."""
        with self._lock:
            self._set, self._lines, self._by_kind, self._exceptions = {}, {}, {}, _EXCEPTIONS

    def _set_events(
        self, kind: str, breakpoints: Sequence[Mapping[str, Any]], make: Callable[[int, Mapping[str, Any]], Point]
    ) -> list[dict[str, Any]]:
        with self._lock:
            told = self._replace(kind, breakpoints, make)
            points = [p for name in ("op", "module", "watch") for _, p in self._set.get(name, ())]
            kinds = frozenset[str]().union(*(p.kinds for p in points))
            self._by_kind = {k: tuple(p for p in points if k in p.kinds) for k in kinds}
        return told

    def _replace(
        self,
        kind: str,
        specifications: Iterable[Any],
        make: Callable[[int, Mapping[str, Any]], Point],
        fresh: bool = False,
    ) -> list[dict[str, Any]]:
        """Make the points of ``kind``; equal ones are kept, or with ``fresh`` made again with their id and hits."""
        before: dict[str, list[Point]] = {}
        for key, point in self._set.get(kind, ()):
            before.setdefault(key, []).append(point)
        now: list[tuple[str, Point]] = []
        told = []
        for specification in specifications:
            if not isinstance(specification, Mapping):
                told.append(_refused(next(self._ids), f"a breakpoint must be an object, not {specification!r}"))
                continue
            key = json.dumps(specification, sort_keys=True, default=repr)
            if (same := next((point for known, point in now if known == key), None)) is not None:
                told.append(_refused(next(self._ids), f"it is set twice: breakpoint {same.id} is the same"))
                continue
            old = before[key].pop(0) if before.get(key) else None
            id = next(self._ids) if old is None else old.id
            try:
                point = old if old is not None and not fresh else make(id, specification)
            except ValueError as error:
                told.append(_refused(id, str(error)))
                continue
            if old is not None:
                point.hits, point.stops = old.hits, old.stops
            now.append((key, point))
            told.append(point.body())
        self._set[kind] = now
        return told

    # ---- asked by the run ----

    @property
    def has_lines(self) -> bool:
        """Whether lines must be traced."""
        return bool(self._lines)

    @property
    def has_exceptions(self) -> bool:
        """Whether exceptions must be noticed as they are raised."""
        return any(point.filter == "raised" for point in self._exceptions)

    @property
    def needs_full(self) -> bool:
        """Whether events must be made: op, module or watch breakpoints are set."""
        return bool(self._by_kind)

    def lines_of(self, path: str) -> frozenset[int]:
        """The lines of a file that have breakpoints."""
        return frozenset(self._lines.get(normal_path(path), ()))

    def on_line(
        self, path: str, line: int, frame: FrameType, names: Callable[[], Mapping[str, Any]] | None = None, seq: int = 0
    ) -> Hit | None:
        """What is reached as ``line`` is about to run.

        Args:
            frame: its names are known to conditions. seq: number of the event.
            names: more of them (step, epoch ...); the frame's come first.
        """
        at = self._lines.get(normal_path(path))
        points = at.get(line) if at is not None else None
        if points is None:
            return None
        known = _Once(lambda: {**(names() if names is not None else {}), **frame.f_globals, **frame.f_locals})
        hits = [hit for point in points if (hit := point.on_line(known, seq)) is not None]
        return _together(hits) if hits else None

    def on_event(self, event: Event, names: Names) -> list[Hit]:
        """What is reached with ``event``, which has just happened.

        Args:
            names: gives what conditions may use; called at most once, and only where a condition asks.
        """
        if event.kind in ("batch", "end_epoch"):
            self.begin_batch(event)
        points = self._by_kind.get(event.kind)
        if points is None:
            return []
        known = _Once(names)
        return [hit for point in points if (hit := point.on_event(event, known, self._batch)) is not None]

    def past_hits(self, event: Event, names: Names) -> list[Hit]:
        """What stopped, or would have stopped, the run at a recorded event; counts nothing.

        A breakpoint with a hit condition, a condition that the past lacks names for (a line's mostly), and "loss-rise"
        count only where they did stop; log points never.
        """
        points: Sequence[Point] = self._by_kind.get(event.kind, ())
        if event.kind == "line":
            points = self._lines.get(normal_path(event.file), {}).get(event.line, ())
        known = _Once(names)
        return [hit for point in points if (hit := point.past_hit(event, known)) is not None]

    def on_exception(self, error: BaseException, uncaught: bool, names: Names = dict) -> Hit | None:
        """What is reached as ``error`` is raised, or (``uncaught``) as it is about to end the script."""
        wanted = "uncaught" if uncaught else "raised"
        hits = [
            hit for p in self._exceptions if p.filter == wanted and (hit := p.on_exception(error, names)) is not None
        ]
        return _together(hits) if hits else None

    def begin_batch(self, event: Event) -> None:
        """Note the batch that later ops work on, so that watchpoints can name samples; ``on_event`` does it too."""
        self._batch = Batch.of(event)


class _Once:
    """Asks for the names at most once."""

    __slots__ = ("_ask", "_known")

    def __init__(self, ask: Names) -> None:
        self._ask = ask
        self._known: Mapping[str, Any] | None = None

    def __call__(self) -> Mapping[str, Any]:
        if self._known is None:
            self._known = self._ask()
        return self._known


def _together(hits: list[Hit]) -> Hit:
    """One hit for all breakpoints at one place: it stops if one of them stops."""
    if len(hits) == 1:
        return hits[0]
    stopping = [hit for hit in hits if hit.stops]
    logs = [hit.log for hit in hits if hit.log is not None]
    description = "; ".join(dict.fromkeys(hit.description for hit in stopping or hits))
    ids = tuple(number for hit in hits for number in hit.ids)
    return Hit(ids, hits[0].reason, description, bool(stopping), "\n".join(logs) if logs else None)


def _refused(id: int, message: str) -> dict[str, Any]:
    return {"id": id, "verified": False, "message": message}
