"""Saving the session that is open: on demand into a file, and by itself when the window is closed."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QMimeData, QObject
from PyQt6.QtWidgets import QWidget

from engine.debug.session import ConnectionLost, RequestError, Session, SessionError
from gui.context import Context
from gui.linking.moving import LAST
from gui.panels.panel import Panel
from gui.saved_sessions.archive import SUFFIX, SessionFileError, write
from gui.saved_sessions.content import View
from gui.saved_sessions.gathering import NothingRecorded, gather
from gui.saved_sessions.opened import data_folder
from gui.saved_sessions.signing import Signer
from gui.saved_sessions.tapes import MOST_CHECKPOINT_BYTES
from gui.saved_sessions.view import take_view
from gui.saving_where import ask_path
from gui.settings import Settings
from gui.steps import begins, step_number

FILTER = f"Sessions of Nablascope (*{SUFFIX})"

#: Said of a session whose run has no tape yet.
_NOTHING = "The session was not saved: nothing of this run is recorded yet. Step it once, then save."

#: Sessions that were saved by themselves and are kept; of older scripts they are removed.
_MOST_KEPT = 12


class Saving(QObject):
    """The actions "Save session" and "Save session as"; ``panels()`` gives the panels that there are.

    Attributes:
        path: the file that the open session was saved to or opened from; None where there is none.
        kept: the file that :meth:`keep_place` has written; "" where there was nothing to keep, None where there was and it
            could not be.
    """

    def __init__(self, context: Context, window: QWidget, panels: Callable[[], Mapping[str, Panel]]) -> None:
        super().__init__(window)
        self.path: str | None = None
        self.kept: str | None = ""
        self._context = context
        self._window = window
        self._panels = panels
        self.signer = Signer(data_folder(context.settings))
        context.state.subscribe("launched", self._launched)

    def _launched(self) -> None:
        """Another script has been opened: it has no file yet."""
        self.path = None

    # ---- on demand ----

    def save(self) -> None:
        """Save into the session's file; ask for one where there is none."""
        if self._refused():
            return
        if self.path is None:
            self.save_as()
        else:
            self.write(self.path)

    def save_as(self) -> None:
        """Ask for a file, and save into it."""
        if self._refused():
            return
        program = str(self._context.state.program or "session")
        stem = os.path.splitext(os.path.basename(program))[0]
        suggestion = self.path or os.path.join(os.getcwd(), stem + SUFFIX)
        if path := ask_path(self._window, "Save session", suggestion, SUFFIX, FILTER):
            self.write(path)

    def write(self, path: str) -> None:
        """Save into ``path``; what runs is paused for it."""
        context = self._context
        was_running = context.state.running
        view, launched, signer = self._view(), self._launched_with(), self.signer

        def job(session: Session) -> str:
            return _save(session, path, launched, view, signer)

        def done(problem: str) -> None:
            if problem:
                context.say(problem, "error", path)
                return
            self.path = path
            if hasattr(context.settings, "add_recent"):
                context.settings.add_recent(path)
            size = os.path.getsize(path) / 1e6
            paused = " The script was paused for it; F5 goes on." if was_running else ""
            context.say(f"Saved: {path} ({size:.1f} MB).{paused}", about=path)

        context.link.work("save", job, done, f"saving {os.path.basename(path)}")

    def _refused(self) -> bool:
        state = self._context.state
        if state.restoring:
            self._context.say("What is shown is the session's file already; there is nothing new to save.")
        elif state.program is None or not state.runs:
            text = "There is no session to save: open a script first (Ctrl+O). An attached process keeps no recording."
            self._context.say(text, "warning")
        else:
            return False
        return True

    def _view(self, seen: bool = True) -> View:
        return take_view(self._context, self._panels() if seen else {}, self._context.link.answers_given())

    def _launched_with(self) -> dict[str, Any]:
        launched = {key: value for key, value in self._context.state.launched.items() if value is not None}
        return {"cwd": os.getcwd(), **launched}

    # ---- by itself ----

    def keep_place(self, patience: float = LAST, seen: bool = True) -> None:
        """Save the settings, and where the script stands, so that it can be reopened there; waits for at most ``patience``
        seconds. ``seen``: also what the panels show.
        """
        settings, program = self._context.settings, self._context.state.program
        if not isinstance(settings, Settings):
            return
        if program is not None and not self._context.state.restoring:
            self._keep_place(settings, program, patience, seen)
        with suppress(OSError, TypeError):
            settings.save()

    def _keep_place(self, settings: Settings, program: str, patience: float, seen: bool) -> None:
        state = self._context.state
        place = places_folder(settings) / f"{hashlib.sha256(program.encode()).hexdigest()[:16]}{SUFFIX}"
        last = settings.script(program)
        last.pop("last", None)
        # A script that has been told to run is somewhere else than at its stop, also before it is shown as running.
        if not _begun(state.stop, len(state.runs)) and not (state.stop and self._context.link.moving):
            with suppress(OSError):
                place.unlink(missing_ok=True)
            return
        view, launched, signer, problems = self._view(seen), self._launched_with(), self.signer, []

        def job(session: Session) -> None:
            view.stop = dict(session.current.stop or {})
            if not _begun(view.stop, len(session.runs)):
                problems.append(_NOTHING)
                return
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                problems.append(f"The session was not saved: {place.parent} cannot be made ({error.strerror or error}).")
                return
            # One checkpoint has to do: whoever closes a window does not want to wait.
            problems.append(_save(session, str(place), launched, view, signer, room=0))

        self.kept = None
        if self._context.link.finish_with(job, patience) and problems == [""]:
            last["last"] = {"file": str(place), "where": where_words(view.stop, len(state.runs)), "time": int(time.time())}
            self.kept = str(place)
            self._forget_old(place.parent)
        elif problems == [_NOTHING]:
            self.kept = ""
            with suppress(OSError):
                place.unlink(missing_ok=True)
        else:  # nobody sees the window any more
            logging.getLogger(__name__).warning("Where the script stood is not kept. %s", "".join(problems))

    def _forget_old(self, folder: Path) -> None:
        with suppress(OSError):
            files = sorted(folder.glob(f"*{SUFFIX}"), key=lambda path: path.stat().st_mtime)
            for path in files[:-_MOST_KEPT]:
                path.unlink()


def _begun(stop: Mapping[str, Any] | None, runs: int) -> bool:
    """Whether there is a place to come back to."""
    return stop is not None and bool(stop.get("position")) and (not begins(stop) or runs > 1)


def _save(
    session: Session, path: str, launched: dict[str, Any], view: View, signer: Signer, room: int = MOST_CHECKPOINT_BYTES
) -> str:
    """Save; what went wrong, or ""."""
    try:
        saved = gather(session, launched, view)
        saved.room = room
        write(path, saved.members(), signer.sign)
    except SessionFileError as error:
        return str(error)
    except NothingRecorded:
        return _NOTHING
    except (SessionError, RequestError, ConnectionLost, OSError, TypeError) as error:
        return f"The session was not saved: {error}"
    return ""


def dropped_file(data: QMimeData | None) -> str:
    """The script or session that is dragged into the window; "" where it is something else."""
    paths = [url.toLocalFile() for url in data.urls()] if data is not None and data.hasUrls() else []
    return paths[0] if len(paths) == 1 and paths[0].lower().endswith((".py", SUFFIX)) else ""


def places_folder(settings: Any) -> Path:
    """Where sessions are kept that were saved by themselves."""
    return data_folder(settings) / "places"


def where_words(stop: Mapping[str, Any], runs: int) -> str:
    """Where a script stands, for a list: ``"step 1,240, 2 runs"``."""
    return f"step {step_number(stop):,}" + (f", {runs} runs" if runs > 1 else "")


def kept_place(settings: Any, program: str) -> tuple[str, str] | None:
    """(file, words) of where a script stood when the window was closed; None where that is not known."""
    scripts = settings.get("scripts") if hasattr(settings, "get") else None
    saved = scripts.get(program) if isinstance(scripts, dict) else None
    last = saved.get("last") if isinstance(saved, dict) else None
    if not isinstance(last, dict) or not isinstance(last.get("file"), str) or not os.path.isfile(last["file"]):
        return None
    return last["file"], str(last.get("where") or "")
