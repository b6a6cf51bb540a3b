"""All breakpoints of the window: what is set, whether the engine takes it, how often it has stopped the script.

Breakpoints of lines and watchpoints live in the state, those of ops, modules and exceptions here. Entries are those of the
protocol (of exceptions ``{"filter": ...}``, one for each filter there is), with ``enabled: False`` where one is switched
off, and with ``verified``, ``message`` and ``id`` as the engine answered.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal

from engine.debug.protocol import EXCEPTION_FILTERS
from gui.context import Context

Entry = dict[str, Any]

#: Kinds other than lines: the request that sets them.
COMMANDS = {"op": "setOpBreakpoints", "module": "setModuleBreakpoints", "watch": "setWatchpoints"}

#: Kinds that are kept for each script beside those of lines.
KINDS = (*COMMANDS, "exception")

#: The reason of a stop at a breakpoint: its kind.
REASONS = {"breakpoint": "line", "op breakpoint": "op", "module breakpoint": "module", "data breakpoint": "watch"}

#: What an entry has that is not part of a specification.
_OURS = frozenset({"enabled", "verified", "message", "id", "moved", "hits"})


class Breakpoints(QObject):
    """See :func:`breakpoints_of`, which makes the one object of a window.

    Signals:
        changed(): something about a breakpoint is different now.

    Attributes:
        ops, modules, exceptions: the entries of these kinds.
    """

    changed = pyqtSignal()

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._context = context
        self.ops: list[Entry] = []
        self.modules: list[Entry] = []
        self.exceptions = _exceptions(())
        self._counted: Any = None
        #: True paths of files, as they were when they were asked for first: what runs does not become another file when
        #: its path becomes a link.
        self._paths: dict[str, str] = {}
        #: What it was said about that something is wrong with its breakpoints.
        self._told: set[str] = set()
        context.state.subscribe("program", self._unsay_all)
        context.state.subscribe(("breakpoints", "watchpoints"), self._notify)
        context.state.subscribe("stop", self._count)

    # ---- lines ----

    def lines(self, path: str) -> list[Entry]:
        """The breakpoints of a file."""
        return self._context.state.breakpoints.get(self._key(path), [])

    def at(self, path: str, line: int) -> Entry | None:
        """The breakpoint of a line."""
        return next((entry for entry in self.lines(path) if entry.get("line") == line), None)

    def toggle(self, path: str, line: int) -> None:
        """Set a breakpoint on a line, or remove the one that is there."""
        entries = self.lines(path)
        kept = [entry for entry in entries if entry.get("line") != line]
        self.set_lines(path, kept if len(kept) < len(entries) else [*kept, {"line": line}])

    def change_line(self, path: str, line: int, **changes: Any) -> None:
        """Give the breakpoint of a line (a new one if need be) other fields; empty ones are taken away."""
        old = self.at(path, line) or {"line": line}
        others = [entry for entry in self.lines(path) if entry.get("line") != line]
        self.set_lines(path, [*others, changed_entry(old, changes)])

    def set_lines(self, path: str, entries: Sequence[Entry]) -> None:
        """Replace the breakpoints of a file."""
        path, entries = self._key(path), sorted(entries, key=lambda entry: entry["line"])
        rest = {key: value for key, value in self._context.state.breakpoints.items() if key != path}
        self._context.state.update(breakpoints={**rest, path: entries} if entries else rest)
        wanted = [specification(entry) for entry in entries if is_on(entry)]
        self._context.link.set_breakpoints(path, wanted, lambda body: self._take_lines(path, body))

    def follow(self, path: str) -> None:
        """A run of ``path`` has begun: where that leads to another file than before, its breakpoints are of that one now."""
        before, now = self._key(path), os.path.realpath(path)
        if now == before:
            return
        entries = self.lines(path)
        self.set_lines(path, ())
        self._paths[path] = now
        by_line = {entry["line"]: entry for entry in (*self.lines(path), *entries)}
        self.set_lines(path, list(by_line.values()))

    def _key(self, path: str) -> str:
        if path not in self._paths:
            self._paths[path] = os.path.realpath(path)
        return self._paths[path]

    def _take_lines(self, path: str, body: Mapping[str, Any]) -> None:
        before = self._context.state.breakpoints.get(path, [])
        entries = _answered(before, body.get("breakpoints") or [])
        self._tell_problems(path, before, entries, f"{os.path.basename(path)}, ")
        seen: dict[int, Entry] = {}
        for entry in entries:  # two that were moved to one line are one
            seen.setdefault(entry["line"], entry)
        rest = {key: value for key, value in self._context.state.breakpoints.items() if key != path}
        if seen:
            rest[path] = sorted(seen.values(), key=lambda entry: entry["line"])
        self._context.state.update(breakpoints=rest)

    # ---- ops, modules, watchpoints ----

    def entries(self, kind: str) -> list[Entry]:
        """The entries of one of the :data:`KINDS`."""
        ours = {"op": self.ops, "module": self.modules, "exception": self.exceptions}
        return ours.get(kind, self._context.state.watchpoints)

    def set_entries(self, kind: str, entries: Sequence[Entry]) -> None:
        """Replace the entries of one of the :data:`KINDS`; an exception filter that is not among them is as at first."""
        if kind == "exception":
            self._set_exceptions(entries)
            return
        self._keep(kind, list(entries))
        wanted = [specification(entry) for entry in entries if is_on(entry)]

        def taken(body: Mapping[str, Any]) -> None:
            before = self.entries(kind)
            told = _answered(before, body.get("breakpoints") or [])
            self._tell_problems(kind, before, told)
            self._keep(kind, told)

        if kind == "watch":
            self._context.link.set_watchpoints(wanted, taken)
        else:
            self._context.link.configure(COMMANDS[kind], {"breakpoints": wanted}, taken)

    def add(self, kind: str, entry: Entry) -> None:
        """One more entry of "op", "module" or "watch"; where there is one like it, that is switched on."""
        entries = list(self.entries(kind))
        same = next((i for i, other in enumerate(entries) if specification(other) == specification(entry)), None)
        if same is None:
            self.set_entries(kind, [*entries, entry])
            return
        if is_on(entries[same]):
            self._context.say("There is such a breakpoint already.", "info")
            return
        entries[same] = changed_entry(entries[same], {"enabled": None})
        self.set_entries(kind, entries)

    def _set_exceptions(self, entries: Sequence[Entry]) -> None:
        before = _filters(self.exceptions)
        self.exceptions = _exceptions(entries)
        if (filters := _filters(self.exceptions)) != before:
            self._context.link.configure("setExceptionBreakpoints", {"filters": filters})
        self._notify()

    def _keep(self, kind: str, entries: list[Entry]) -> None:
        if kind == "watch":
            self._context.state.update(watchpoints=entries)
            return
        if kind == "op":
            self.ops = entries
        else:
            self.modules = entries
        self._notify()

    def _tell_problems(self, of: str, before: Sequence[Entry], entries: Sequence[Entry], file: str = "") -> None:
        """Say which breakpoint ``of`` a file or kind the engine does not take, the first time that it does not and until it
        takes all of them: the list may be hidden.
        """
        about, refused = f"breakpoints: {of}", False
        for old, new in zip(before, entries):
            if new.get("verified") is not False or not new.get("message"):
                continue
            refused = True
            if old.get("message") != new["message"]:
                where = f" ({file}line {new['line']})" if file else ""
                text = f"The breakpoint{where} does not stop: {new['message']}. Change or remove it."
                self._context.say(text, "warning", about)
                self._told.add(about)
        if not refused:
            self._unsay(about)

    def _unsay(self, about: str) -> None:
        if about in self._told:
            self._told.discard(about)
            self._context.unsay(about)

    def _unsay_all(self) -> None:
        """Another script is opened, or none."""
        for about in list(self._told):
            self._unsay(about)

    # ---- hits ----

    def _count(self) -> None:
        """Count a stop at breakpoints. Ids are those of one process, so the current one is asked which is which."""
        stop = self._context.state.stop or {}
        kind = REASONS.get(str(stop.get("reason")))
        ids = stop.get("hitBreakpointIds") or ()
        seen = (stop.get("seq"), stop.get("position"), stop.get("reason"))
        if seen == self._counted:
            return
        self._counted = seen
        if kind is None or not ids or stop.get("again"):
            return  # what the cursor comes back to was counted before
        if kind == "line":
            path = self._key(str(stop.get("file")))
            entries, command, more = self.lines(path), "setBreakpoints", {"source": {"path": path}}
        else:
            entries, command, more = self.entries(kind), COMMANDS[kind], {}
        wanted = [specification(entry) for entry in entries if is_on(entry)]

        def taken(body: Mapping[str, Any]) -> None:
            self._add_hits(entries, body.get("breakpoints") or [], set(ids))

        key = ("breakpoints", "hits")
        self._context.link.ask(key, command, {**more, "breakpoints": wanted}, taken, lambda _: None)

    def _add_hits(self, entries: Sequence[Entry], told: Sequence[Mapping[str, Any]], ids: set[int]) -> None:
        for entry, body in zip([entry for entry in entries if is_on(entry)], told):
            if body.get("id") in ids:
                entry["hits"] = entry.get("hits", 0) + 1
        self.changed.emit()

    def _notify(self) -> None:
        self.changed.emit()


def breakpoints_of(context: Context) -> Breakpoints:
    """The breakpoints of a window."""
    found = context.findChild(Breakpoints)
    return found if found is not None else Breakpoints(context)


def is_on(entry: Mapping[str, Any]) -> bool:
    """Whether a breakpoint is switched on."""
    return entry.get("enabled") is not False


def specification(entry: Mapping[str, Any]) -> Entry:
    """The part of an entry that the protocol knows."""
    return {key: value for key, value in entry.items() if key not in _OURS and value not in (None, "")}


def _exceptions(entries: Sequence[Mapping[str, Any]]) -> list[Entry]:
    """One entry for each exception filter: as it is among ``entries``, else as at first."""
    said = {entry["filter"]: is_on(entry) for entry in entries if entry.get("filter") in EXCEPTION_FILTERS}
    on = {**EXCEPTION_FILTERS, **said}
    return [{"filter": name} if stops else {"filter": name, "enabled": False} for name, stops in on.items()]


def _filters(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    return [entry["filter"] for entry in entries if is_on(entry)]


def changed_entry(entry: Mapping[str, Any], changes: Mapping[str, Any]) -> Entry:
    """An entry with other fields; empty ones are taken away, and what the engine said about it is forgotten."""
    merged = {**entry, **changes}
    if any(key not in _OURS for key in changes):
        merged = {key: value for key, value in merged.items() if key not in ("verified", "message", "id")}
    return {key: value for key, value in merged.items() if value not in (None, "")}


def _answered(entries: Sequence[Entry], told: Sequence[Mapping[str, Any]]) -> list[Entry]:
    """The entries with what the engine has said of those that are on."""
    answers = iter(told)
    result = []
    for entry in entries:
        answer = next(answers, None) if is_on(entry) else None
        if answer is not None:
            entry = {key: value for key, value in entry.items() if key != "message"}
            entry.update({key: answer[key] for key in ("verified", "message", "id", "line") if answer.get(key) is not None})
        result.append(entry)
    return result
