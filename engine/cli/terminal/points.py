"""Breakpoints and watchpoints as the user numbers them, and what the debuggee is told of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from engine.cli.terminal.registry import CommandError
from engine.debug.protocol import EXCEPTION_FILTERS
from engine.debug.session import Session, Stop

#: Kinds of points, with the request that sets all of a kind.
REQUESTS = {
    "line": "setBreakpoints",
    "op": "setOpBreakpoints",
    "module": "setModuleBreakpoints",
    "watch": "setWatchpoints",
}


@dataclass
class Point:
    """One breakpoint or watchpoint.

    Attributes:
        number: from 1, never used twice.
        kind: a key of :data:`REQUESTS`; path: of its file, where it is one of a line.
        body: what the protocol says of it, without the gates.
        condition, ignore, log: when it stops: what must hold, how many more hits do not count, text instead of a stop.
        enabled, temporary: whether it is set; whether its first stop removes it.
        id: of the debuggee; message: why it cannot be hit, or "".
    """

    number: int
    kind: str
    body: dict[str, Any]
    path: str = ""
    condition: str | None = None
    ignore: int = 0
    log: str | None = None
    enabled: bool = True
    temporary: bool = False
    id: int | None = None
    message: str = ""
    hits: int = field(default=0)

    def specification(self) -> dict[str, Any]:
        """As the protocol wants it."""
        gates = {
            "condition": self.condition,
            "hitCondition": f"> {self.ignore}" if self.ignore else None,
            "logMessage": self.log,
        }
        return {**self.body, **{name: value for name, value in gates.items() if value is not None}}

    def __str__(self) -> str:
        body = self.body
        if self.kind == "line":
            text = f"{os.path.basename(self.path)}:{body['line']}"
        elif self.kind == "op":
            text = " ".join(filter(None, ("op", body.get("op"), body.get("direction"))))
            text += f" in {body['module']}" if body.get("module") else ""
        elif self.kind == "module":
            text = f"module {body['module']} {body.get('when', 'enter')}"
        else:
            text = " ".join(["watch", body["kind"], *[str(body[k]) for k in ("tensor", "index", "threshold") if k in body]])
        text += f" if {self.condition}" if self.condition else ""
        text += f", ignoring {self.ignore}" if self.ignore else ""
        text += f", log {self.log!r}" if self.log else ""
        return text


class Points:
    """All of them.

    Attributes:
        exceptions: of each of the protocol's filters, whether the script stops at such exceptions.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.exceptions = dict(EXCEPTION_FILTERS)
        self._points: dict[int, Point] = {}
        self._newest = 0

    def __iter__(self) -> Iterator[Point]:
        return iter(self._points.values())

    def __len__(self) -> int:
        return len(self._points)

    def add(self, kind: str, body: dict[str, Any], **more: Any) -> Point:
        """A new one. Raises what the debuggee refuses it with, or CommandError if there is one like it; then nothing is
        added."""
        point = Point(self._newest + 1, kind, body, **more)
        for other in self._points.values():
            if (other.kind, other.path, other.specification()) == (kind, point.path, point.specification()):
                off = "" if other.enabled else f", disabled ('enable {other.number}')"
                raise CommandError(f"breakpoint {other.number} is that already{off}")
        self._points[point.number] = point
        try:
            self._send(kind, point.path)
        except BaseException:
            del self._points[point.number]
            raise
        self._newest = point.number
        return point

    def get(self, text: str) -> Point:
        """The point with a number. Raises CommandError when there is none."""
        point = self._points.get(int(text)) if text.isdecimal() else None
        if point is None:
            known = ", ".join(map(str, self._points)) or "none"
            raise CommandError(f"there is no breakpoint {text!r}; there are: {known}")
        return point

    def change(self, point: Point, **changes: Any) -> None:
        """Give it other attributes."""
        before = {name: getattr(point, name) for name in changes}
        vars(point).update(changes)
        try:
            self._send(point.kind, point.path)
        except BaseException:
            vars(point).update(before)
            raise

    def remove(self, points: Iterable[Point]) -> None:
        """Take them away."""
        gone = list(points)
        for point in gone:
            del self._points[point.number]
        for kind, path in dict.fromkeys((point.kind, point.path) for point in gone):
            self._send(kind, path)

    def catch(self, filter: str, on: bool) -> None:
        """Stop at such exceptions, or no more."""
        wanted = {**self.exceptions, filter: on}
        self._session.configure("setExceptionBreakpoints", filters=[name for name, stops in wanted.items() if stops])
        self.exceptions = wanted

    def numbers(self, ids: Iterable[int]) -> list[int]:
        """The user's numbers of those that the debuggee calls so."""
        wanted = set(ids)
        return [point.number for point in self._points.values() if point.id in wanted]

    def arrived(self, stop: Stop) -> None:
        """Count the hits of a stop; remove what was temporary."""
        hit = [self._points[number] for number in self.numbers(stop.get("hitBreakpointIds") or ())]
        for point in hit:
            point.hits += 1
        temporary = [point for point in hit if point.temporary]
        if temporary:
            self.remove(temporary)

    def _send(self, kind: str, path: str) -> None:
        points = [p for p in self._points.values() if p.kind == kind and p.path == path and p.enabled]
        arguments: dict[str, Any] = {"breakpoints": [point.specification() for point in points]}
        if kind == "line":
            arguments["source"] = {"path": path}
        answers = self._session.configure(REQUESTS[kind], **arguments).get("breakpoints", [])
        for point, answer in zip(points, answers):
            point.id = answer.get("id")
            point.message = "" if answer.get("verified", True) else str(answer.get("message") or "it cannot be hit")
            if answer.get("line") is not None and kind == "line":
                point.body["line"] = answer["line"]
