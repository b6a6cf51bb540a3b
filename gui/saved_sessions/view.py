"""Between the window and a session's file: what is on the screen as values, and such values on the screen."""

from __future__ import annotations

import logging
import os
from collections.abc import Hashable, Mapping
from dataclasses import asdict
from typing import Any

from gui.breakpoints import KINDS, breakpoints_of, is_on, specification
from gui.context import Context
from gui.curve_data import joined, series_of
from gui.panels.panel import Panel
from gui.saved_sessions.arrays import size_of
from gui.saved_sessions.content import KeptRun, SavedSession, View
from gui.state import Selection

#: Bytes of arrays of one answer, and of all answers, that go into a file.
_MOST_OF_ONE, _MOST_OF_ALL = 8 << 20, 48 << 20

#: Arguments that say how much of something is asked for, not what.
_SIZES = frozenset({"maxShape", "bins", "count", "describe", "shapeOnly"})

Answers = Mapping[Hashable, tuple[str, dict[str, Any], dict[str, Any]]]


def take_view(context: Context, panels: Mapping[str, Panel], answers: Answers) -> View:
    """What the user has set and sees. The selection's event is its number in this process (``event``) for now."""
    state, breakpoints = context.state, breakpoints_of(context)
    return View(
        level=state.level,
        breakpoints={
            "lines": {path: [_kept(entry) for entry in entries] for path, entries in state.breakpoints.items()},
            **{kind: [_kept(entry) for entry in breakpoints.entries(kind)] for kind in KINDS},
        },
        watches=list(state.watches), selection=asdict(state.selection),
        panels={key: panel.save() for key, panel in panels.items()},
        stop=dict(state.stop or {}), graph=state.graph, findings=list(state.findings), statistics=dict(state.statistics),
        answers=_kept_answers(answers),
    )  # fmt: skip


def _kept(entry: dict[str, Any]) -> dict[str, Any]:
    return specification(entry) | ({} if is_on(entry) else {"enabled": False})


def _kept_answers(answers: Answers) -> list[dict[str, Any]]:
    found, taken = [], 0
    for key, (command, arguments, body) in answers.items():
        if not (isinstance(key, tuple) and len(key) == 2 and all(isinstance(part, str) for part in key)):
            continue
        size = size_of(body)
        if size <= _MOST_OF_ONE and taken + size <= _MOST_OF_ALL:
            taken += size
            found.append({"panel": key[0], "slot": key[1], "command": command, "arguments": arguments, "body": body})
    return found


class SavedAnswers:
    """Answers out of a file: (key, command, arguments) -> body, or None. The nearest that there is: to the same question,
    else of the same panel's slot about the same thing, else, of what is switched on and off, to the same request."""

    def __init__(self, view: View) -> None:
        self._events = view.events
        self._entries = [entry for entry in view.answers if isinstance(entry.get("body"), dict)]

    def __call__(self, key: Hashable, command: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
        if key == ("timeline", "events"):
            start = arguments.get("from", 0)
            events = [event for event in self._events.get("events") or () if event.get("seq", -1) >= start]
            return {**self._events, "events": events} if self._events else None
        mine = [entry for entry in self._entries if entry.get("command") == command]
        for entry in mine:
            if _plain(entry.get("arguments")) == _plain(arguments):
                return entry["body"]
        for entry in mine:
            # How much of it fits on the screen may be another today.
            own = (entry.get("panel"), entry.get("slot")) == key
            if own and _plain(entry.get("arguments"), _SIZES) == _plain(arguments, _SIZES):
                return entry["body"]
        return next((entry["body"] for entry in mine if command in ("statistics", "diagnostics")), None)


def _plain(value: Any, but: frozenset[str] = frozenset()) -> Any:
    """``value`` as it is after a way through JSON, without the names in ``but``."""
    if isinstance(value, dict):
        return {key: _plain(item, but) for key, item in value.items() if item is not None and key not in but}
    return [_plain(item, but) for item in value] if isinstance(value, (list, tuple)) else value


def put_breakpoints(context: Context, saved: SavedSession, program: str) -> None:
    """Set the breakpoints and watches that were saved, instead of what there is; those of the script in ``program``."""
    breakpoints, wanted = breakpoints_of(context), saved.view.breakpoints
    old, new = os.path.realpath(saved.program), os.path.realpath(program)
    lines = wanted.get("lines")
    lines = {(new if path == old else path): entries for path, entries in (lines if isinstance(lines, dict) else {}).items()}
    for path in {*context.state.breakpoints, *lines}:
        entries = [e for e in lines.get(path) or () if isinstance(e, dict) and type(e.get("line")) is int]
        breakpoints.set_lines(path, [dict(entry) for entry in entries])
    for kind in KINDS:
        breakpoints.set_entries(kind, [dict(entry) for entry in wanted.get(kind) or () if isinstance(entry, dict)])
    context.state.update(watches=[text for text in saved.view.watches if isinstance(text, str)])


def put_panels(saved: SavedSession, panels: Mapping[str, Panel]) -> None:
    """Give the panels the choices that they had."""
    for key, panel in panels.items():
        values = saved.view.panels.get(key)
        if isinstance(values, dict):
            try:
                panel.restore(values)
            except Exception:  # a panel of another version: its choices are not worth the session
                logging.getLogger(__name__).exception("the panel %r cannot take up what was saved", key)


def selection_of(saved: SavedSession, event: int | None = None) -> Selection:
    """The selection that was saved. ``event``: the number that its event has here; None leaves the saved one."""
    values = saved.view.selection
    index = values.get("index")
    return Selection(
        event=event if event is not None else _int(values.get("event")),
        name=_text(values.get("name")), expression=_text(values.get("expression")),
        index=tuple(index) if isinstance(index, list) and all(type(i) is int for i in index) else None,
        sample=_int(values.get("sample")) or 0, module=_text(values.get("module")), label=_text(values.get("label")) or "",
    )  # fmt: skip


def find_selection(context: Context, saved: SavedSession) -> None:
    """Select what was selected, in the process that stands there now."""
    state, at = context.state, saved.view.selection.get("at")
    if at is None or state.stop is None:
        state.update(selection=selection_of(saved))
    elif list(state.stop.get("position") or ()) == at:
        state.update(selection=selection_of(saved, state.stop.get("seq")))
    else:
        def answered(body: dict[str, Any]) -> None:
            event = next((event["seq"] for event in body["events"] if list(event["position"]) == at), None)
            if event is not None:
                state.update(selection=selection_of(saved, event))

        context.link.ask(("saved session", "selection"), "events", {"count": 4000}, answered, lambda _: None)


def runs_shown(saved: SavedSession) -> list[dict[str, Any]]:
    """The runs as the state holds them (see :func:`gui.asking.runs_of`)."""
    return [
        {
            "name": run.name, "number": run.number, "state": run.state, "current": run.number == saved.current,
            "parent": run.parent, "parameters": list(run.parameters),
            "assigned": _assigned(saved, run), "edits": len(run.edits),
            "forkedAt": list(run.forked_at) if run.forked_at else None,
            "position": list(run.position) if run.position else None, "replayable": False,
        }
        for run in saved.runs
    ]  # fmt: skip


def _assigned(saved: SavedSession, run: KeptRun) -> list[str]:
    """What :attr:`engine.debug.session.Run.assigned` is of a saved run."""
    parent = next((one for one in saved.runs if one.number == run.parent), None)
    own = [setting for edit in run.edits if edit["kind"] == "parameters" for setting in edit["settings"]]
    return [*([] if parent is None else _assigned(saved, parent)), *own]


def curves_shown(saved: SavedSession) -> tuple[dict[int, dict[str, Any]], dict[int, dict[str, Any]]]:
    """The curves and the measures as the state holds them; of a run whose curves are none, nothing."""
    curves, measures = {}, {}
    for run in saved.runs:
        try:
            curve, measured = joined(None, None, run.curves, 0)
            series_of(curve, measured, per_epoch=True)
        except (AttributeError, KeyError, TypeError, ValueError, IndexError):
            continue
        curves[run.number], measures[run.number] = curve, measured
    return curves, measures


def _int(value: Any) -> int | None:
    return value if type(value) is int else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
