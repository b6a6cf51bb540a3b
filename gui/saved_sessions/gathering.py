"""Asking a session for what its file holds, and comparing what has come back with it. No Qt; may take a while."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from engine.debug.session import ConnectionLost, RequestError, Run, Session, SessionError
from gui.saved_sessions.content import KeptRun, SavedSession, View
from gui.saved_sessions.differences import divergence_words

#: Events of the current run that are kept for the timeline.
MOST_EVENTS = 4000


class NothingRecorded(SessionError):
    """The current run has no tape on the disk: its process went before the first part was written."""


def gather(session: Session, launched: dict[str, Any], view: View) -> SavedSession:
    """The session as it is now; all its runs stand still. ``recordings`` names the folders of the living tapes.

    Args:
        launched: as in :class:`gui.state.State`, with "cwd".

    Raises:
        SessionError: the process was attached to, or the tape is broken; NothingRecorded: there is none yet.
    """
    saved = session.saved_runs()
    script = _script(next(kept for kept in saved if kept.number == session.current.number).recording)
    found = SavedSession(
        program=str(launched["program"]), script=script, cwd=str(launched.get("cwd") or ""),
        arguments=[str(a) for a in launched.get("arguments") or ()],
        parameters=[str(p) for p in launched.get("parameters") or ()], as_torch=bool(launched.get("as_torch")),
        saved=datetime.now(timezone.utc).isoformat(timespec="seconds"), current=session.current.number, view=view,
    )  # fmt: skip
    for run, kept in zip(session.runs, saved, strict=True):
        entry = KeptRun(
            run.number, run.name, list(run.parameters), kept.position, kept.parent, kept.forked_at, list(run.edits),
            run.exit_code, kept.final, run.state,
        )  # fmt: skip
        if run.stop is not None:
            entry.step = int(run.stop.get("step") or 0)
        # A process that has died has its tape and nothing to say.
        with suppress(ConnectionLost, RequestError):
            status = run.client.request("status")
            entry.loss = _number(status.get("loss"))
            entry.curves = run.client.request("curves")
            if kept.position is not None and tuple(status["position"]) == kept.position:
                entry.digest = run.client.request("digest")["digest"]
        found.runs.append(entry)
        found.recordings[run.number] = kept.recording
    with suppress(ConnectionLost, RequestError):
        found.environment = session.request("environment")
        found.view.events = session.request("events", count=MOST_EVENTS)
    selected = view.selection.get("event")
    events = found.view.events.get("events") or ()
    view.selection["at"] = next((list(event["position"]) for event in events if event["seq"] == selected), None)
    return found


def _script(recording: Path) -> str:
    """The text that the current run runs: the file may have been changed since."""
    try:
        return str(json.loads((recording / "manifest.json").read_text(encoding="utf-8"))["about"]["script"])
    except FileNotFoundError:
        raise NothingRecorded("nothing of this run is recorded yet") from None
    except (OSError, ValueError, KeyError) as error:
        raise SessionError(f"the recording of this run cannot be read ({error})") from None


def compare(session: Session, saved: SavedSession) -> list[str]:
    """What is otherwise than it was, a sentence for each run of ``session`` of which that is so; best nothing."""
    kept = {run.number: run for run in saved.runs}
    found = []
    for run in session.runs:
        then = kept[run.number]
        position = run.stop.position if run.stop is not None else None
        if run.divergence is not None:
            found.append(f"In {run.name} {divergence_words(run.divergence)}.")
        elif position != then.position and not then.final:
            found.append(f"{run.name} stands at position {_dotted(position)} and stood at {_dotted(then.position)}.")
        elif then.digest is not None and _digest(run) != then.digest:
            found.append(f"The parameters of {run.name} are not those that were saved.")
    return found


def _digest(run: Run) -> str | None:
    try:
        return run.client.request("digest")["digest"]
    except (ConnectionLost, RequestError):
        return None


def _dotted(position: tuple[int, ...] | None) -> str:
    return ".".join(map(str, position)) if position else "no place"


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None
