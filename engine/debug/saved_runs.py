"""Runs that outlive their session: what has to be kept of them, and bringing them back. Standard library only.

A run is its tape. It says what happened tick by tick and holds the run's edits, those of the runs that it was forked
from included, so each run is brought back by a replay of its own, whichever run it stems from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.debug.client import ConnectionLost, RequestError
from engine.debug.processes import OnEvent, Processes, SessionError
from engine.debug.run import Run

if TYPE_CHECKING:
    from engine.debug.session import Session


#: Kinds of the events that end a run, and stops at breakpoints between the last position and these that are passed over.
_FINAL = ("end", "exception")
_MOST_STOPS = 10_000


@dataclass(frozen=True)
class SavedRun:
    """One run, as :class:`engine.debug.run.Run` describes it.

    Attributes:
        position: where it stood last; None where it had not begun.
        parent: number of the run that it was forked from.
        recording: the folder of its tape.
        final: whether it stood at its end, or at the exception that ended it. These have no position that another run,
            which looked more or less closely, would give them too.
    """

    number: int
    name: str
    recording: Path
    parameters: tuple[str, ...] = ()
    position: tuple[int, ...] | None = None
    parent: int | None = None
    forked_at: tuple[int, ...] | None = None
    edits: tuple[dict[str, Any], ...] = ()
    exit_code: int | None = None
    final: bool = False

    @classmethod
    def of(cls, run: Run) -> SavedRun:
        """``run`` as it is now; it must have a tape."""
        assert run.recording is not None
        return cls(
            run.number, run.name, run.recording, tuple(run.parameters), run.stop.position if run.stop else None,
            run.parent.number if run.parent else None, run.forked_at, tuple(run.edits), run.exit_code,
            bool(run.stop and run.stop.live and run.stop.get("kind") in _FINAL),
        )  # fmt: skip

    def moved(self, folder: Path) -> SavedRun:
        """The same run with its tape in another folder."""
        return replace(self, recording=folder)


def bring_back(
    session: Session,
    processes: Processes,
    runs: Sequence[SavedRun],
    current: int,
    skip: bool,
    on_progress: OnEvent | None,
) -> list[str]:
    """See :meth:`engine.debug.session.Session.bring_back`."""
    processes.on_replay = on_progress
    processes.reserve(max(saved.number for saved in runs))
    failures = []
    found: dict[int, Run] = {}
    try:
        for saved in sorted(runs, key=lambda saved: (saved.number != current, saved.number)):
            try:
                run = found[saved.number] = _run(processes, saved, skip)
            except SessionError as error:
                if saved.number == current or processes.closed:
                    raise
                failures.append(str(error))
                continue
            # From here on closing the session ends its process too.
            session.runs.append(run)
            if saved.number == current:
                session.current = run
    finally:
        processes.on_replay = None
    session.runs.sort(key=lambda run: run.number)
    for saved in runs:
        if saved.number in found and saved.parent is not None:
            found[saved.number].parent = found.get(saved.parent)
    return failures


def _run(processes: Processes, saved: SavedRun, skip: bool) -> Run:
    fields: dict[str, Any] = {
        "name": saved.name, "number": saved.number, "parameters": saved.parameters, "forked_at": saved.forked_at,
        "edits": list(saved.edits),
    }  # fmt: skip
    if saved.position is None:
        return processes.fresh(**fields)
    place: dict[str, Any] = {"at": list(saved.position), "breakpoints": True}
    if not skip:
        place["skip"] = False
    run = processes.replay_tape(saved.recording, place, f"{saved.name} cannot be replayed to where it stood", **fields)
    try:
        left = _MOST_STOPS if saved.final else 0
        while left and run.stop is not None and run.stop.get("kind") not in _FINAL and not run.stop.ended:
            run.client.request("continue")
            processes.wait(run, None)
            left -= 1
    except (ConnectionLost, RequestError) as error:
        processes.discard(run)
        raise SessionError(f"{saved.name} cannot be replayed to its end: {error}") from error
    run.exit_code = saved.exit_code
    return run
