"""Bringing the runs of a file back, in the link's thread: unpacking, replaying, comparing. No Qt."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.debug.session import ConnectionLost, RequestError, Run, SavedRun, Session, SessionError, temporary_folder
from gui.saved_sessions.archive import Archive, SessionFileError
from gui.saved_sessions.content import SavedSession
from gui.saved_sessions.gathering import compare
from gui.saved_sessions.opened import Opened, read_script


@dataclass
class Replayed:
    """How it went.

    Attributes:
        failures: why runs could not be brought back, a sentence each.
        differences: what is otherwise than it was saved, a sentence each.
        script: the text that was run. environment: the answer to that request.
    """

    failures: list[str]
    differences: list[str]
    script: str
    environment: dict[str, Any]

    def words(self, opened: Opened) -> str:
        """What there is to say; "" where everything is as it was."""
        said = [f"{failure.rstrip('.')}; that run is missing." for failure in self.failures]
        if self.differences:
            said += ["The replay came out otherwise than what was saved.", *self.differences]
            said.append(opened.causes(self.script, self.environment))
        return " ".join(said)


class Progress:
    """How far the replays are: ``tell(text)`` is called, in a thread of the client's, with a sentence."""

    def __init__(self, saved: SavedSession, tell: Callable[[str], object]) -> None:
        self._saved = saved
        self._tell = tell
        self._steps: dict[int, int] = {}
        self._now = saved.current

    def heard(self, run: Run, body: dict[str, Any]) -> None:
        """An event ``progress`` of a run that is on its way."""
        self._now = run.number
        self._steps[run.number] = int(body.get("step") or 0)
        self._tell(self.text())

    def text(self) -> str:
        """``"Replaying to step 1,240 · 40 %"``."""
        run = next(run for run in self._saved.runs if run.number == self._now)
        name = f" {run.name}" if len(self._saved.runs) > 1 else ""
        target, total = max(run.step, 0), self._saved.steps
        share = 0
        if total:
            done = self._steps.get(run.number, 0)
            before = sum(self._step_of(number) for number in self._steps if number != run.number)
            share = min(99, round(100 * (before + min(done, target)) / total))
        return f"Replaying{name} to step {target:,} · {share} %"

    def _step_of(self, number: int) -> int:
        return next(run.step for run in self._saved.runs if run.number == number)


def replay(session: Session, opened: Opened, program: str, progress: Progress) -> Replayed:
    """Bring the runs of ``opened`` back in ``session``, whose script is ``program``.

    Raises SessionError: the current run cannot be, or the file is another one than that which was opened.
    """
    saved = opened.saved
    script = read_script(program)
    if script is None:
        raise SessionError(f"{program} is not there any more, or is no Python source.")
    with temporary_folder() as folder:
        try:
            with Archive(opened.path) as archive:
                if archive.manifest != opened.manifest:
                    raise SessionError(f"{opened.path} was changed since it was opened; open it once more.")
                for run in saved.runs:
                    archive.extract(f"runs/{run.number}/", folder / str(run.number))
        except SessionFileError as error:
            raise SessionError(str(error)) from None
        runs = [
            SavedRun(run.number, run.name, folder / str(run.number), tuple(run.parameters), run.position, run.parent,
                     run.forked_at, tuple(run.edits), run.exit_code, run.final)
            for run in saved.runs
        ]  # fmt: skip
        unchanged = script == saved.script and not opened.changes
        try:
            failures = session.bring_back(runs, saved.current, skip=unchanged, on_progress=progress.heard)
        except SessionError as error:
            raise SessionError(_named(str(error), str(folder), opened)) from None
        failures = [_named(failure, str(folder), opened) for failure in failures]
    differences = compare(session, saved)
    try:
        environment = session.request("environment") if differences else {}
    except (ConnectionLost, RequestError):
        environment = {}
    return Replayed(failures, differences, script, environment)


def _named(text: str, folder: str, opened: Opened) -> str:
    """``text``, with the file that the user knows in the place of where its tapes were unpacked."""
    return re.sub(re.escape(folder) + r"[\\/]\d+", lambda _: opened.path, text)
