"""Opening a session's file: its history at once, its runs by replays, and what has become of them since."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from PyQt6.QtCore import QObject

from gui import watchdog
from gui.context import Context
from gui.message_bar import MessageBar
from gui.panels.panel import Panel
from gui.saved_sessions.archive import SessionFileError
from gui.saved_sessions.opened import Opened, data_folder, read_session, write_script
from gui.saved_sessions.replaying import Progress, Replayed, replay
from gui.saved_sessions.saving import Saving, places_folder
from gui.saved_sessions.view import (
    SavedAnswers,
    curves_shown,
    find_selection,
    put_breakpoints,
    put_panels,
    runs_shown,
    selection_of,
)  # fmt: skip
from gui.timers import single_shot
from gui.work import Jobs, Latest, Posts

#: Fields of the state that come out of the file, besides what is computed from it.
_SHOWN = ("graph", "findings", "statistics", "level")


class Reopening(QObject):
    """Opens sessions in the place of what is open.

    Args:
        show: makes the panels visible, and calls what it is given when they are. panels: gives them.
        begin: opens a script anew: (path, parameters, as_torch, arguments).

    Attributes:
        opened: the file that is being shown; None where there is none, or its runs have been brought back.
    """

    def __init__(
        self, context: Context, messages: MessageBar, saving: Saving, show: Callable[[Callable[[], object]], object],
        panels: Callable[[], Mapping[str, Panel]], begin: Callable[..., object],
    ) -> None:  # fmt: skip
        super().__init__(saving.parent())
        self.opened: Opened | None = None
        self._context, self._messages, self._saving = context, messages, saving
        self._show, self._panels, self._begin = show, panels, begin
        self._kept = False
        self._program = ""
        self._number = 0
        #: What is asked before anything runs, and what is said of a replay, while they hold.
        self._question = self._told = ""
        self._posts = Posts(self)
        self._latest = Latest(self._posts, self._progressed)
        self._jobs = Jobs(1, "sessions")
        self._quiet = single_shot(self, int(1000 * watchdog.START), self._silent)
        context.link.closed.connect(self.forget)

    # ---- opening ----

    def open(self, path: str) -> None:
        """Open a file; one that cannot be opened is told, and everything stays as it is."""
        # One that was saved by itself when the window was closed is no file of the user's.
        kept = os.path.dirname(os.path.abspath(path)) == str(places_folder(self._context.settings))
        self._number += 1
        number, signer = self._number, self._saving.signer
        self._context.link.starting.emit(f"Reading {os.path.basename(path)}")

        def job() -> None:
            try:
                opened = read_session(path, signer)
            except SessionFileError as error:
                self._posts.post(lambda text=str(error): number == self._number and self._refused(path, text))
            else:
                self._posts.post(lambda: number == self._number and self._take(opened, kept))

        self._jobs.put("open", job)

    def _refused(self, path: str, message: str) -> None:
        self._context.link.starting.emit("")
        self._messages.show_message(message, "error", of_run=False, about=path)

    def _take(self, opened: Opened, kept: bool) -> None:
        context, link, saved = self._context, self._context.link, opened.saved
        try:
            self._program = saved.program if opened.same_script else write_script(saved, data_folder(context.settings))
        except SessionFileError as error:
            self._refused(opened.path, str(error))
            return
        link.starting.emit("")
        self._messages.withdraw_about(opened.path)
        link.stop()
        link.closed.emit()
        self._messages.clear_run()
        self.opened, self._kept, self._question = opened, kept, ""
        if not kept and hasattr(context.settings, "add_recent"):
            context.settings.add_recent(opened.path)
        link.show_saved(SavedAnswers(saved.view))
        context.state.update(restoring=True, launched={}, program=self._program)
        put_breakpoints(context, saved, self._program)
        self._show(lambda: self.opened is opened and self._go_on(opened))

    def _go_on(self, opened: Opened) -> None:
        """There are panels: show what the file says, and bring its runs back, or ask how."""
        self._show_saved(opened)
        if question := opened.question():
            self._ask(question)
        else:
            self.replay(self._program)

    def _show_saved(self, opened: Opened) -> None:
        """Show what the file says; nothing of it is run."""
        context, saved = self._context, opened.saved
        put_panels(saved, self._panels())
        stop = {**saved.view.stop}
        if os.path.realpath(str(stop.get("file") or "")) == os.path.realpath(saved.program):
            stop["file"] = self._program
        curves, measures = curves_shown(saved)
        context.state.update(
            runs=runs_shown(saved), curves=curves, measures=measures, stop=stop or None, selection=selection_of(saved),
            kept_findings=list(saved.view.findings), **{name: getattr(saved.view, name) for name in _SHOWN},
        )  # fmt: skip

    def _ask(self, question: str) -> None:
        opened = self.opened
        assert opened is not None
        self._question = question
        actions: list[tuple[str, Callable[[], object]]] = []
        if opened.disk is not None and not opened.same_script:
            actions.append(("Use the saved text", lambda: self.replay(self._program)))
            actions.append(("Use the file on disk", lambda: self.replay(opened.saved.program)))
        else:
            actions.append(("Replay it", lambda: self.replay(self._program)))
        actions.append(("Only look", self._look))
        self._messages.show_message(question, "warning", actions)

    def offer(self, text: str) -> None:
        """Something was wanted that only runs can do which are there: say so, with how they can be brought back."""
        if self._question:
            self._ask(self._question)
        else:
            self._messages.show_message(text, "warning", self._ways())

    def _look(self) -> None:
        self._question = ""
        text = "What is shown comes from the file. Its runs can be replayed at any time."
        self._messages.show_message(text, "info", self._ways())

    # ---- replaying ----

    def replay(self, program: str) -> None:
        """Bring the runs of the opened file back, with the script at ``program``."""
        opened, context = self.opened, self._context
        if opened is None:
            return
        saved, self._question = opened.saved, ""
        self._messages.clear_run()  # also why it could not be done before
        if program != self._program:
            put_breakpoints(context, saved, program)
            self._program = program
        cwd = saved.cwd if os.path.isdir(saved.cwd) else os.path.dirname(program)
        launched = {
            "program": program, "parameters": tuple(saved.parameters), "as_torch": saved.as_torch,
            "arguments": tuple(saved.arguments), "cwd": cwd,
        }  # fmt: skip
        context.state.update(program=program, launched=launched)
        progress = Progress(saved, lambda text: self._latest.put("progress", text))
        context.link.resume(
            program, saved.parameters, saved.as_torch, saved.arguments, cwd,
            lambda session: replay(session, opened, program, progress),
            lambda result: self._replayed(opened, result), self._failed,
        )  # fmt: skip
        context.link.starting.emit(progress.text())
        self._quiet.start(int(1000 * watchdog.START))
        self._told = self._sentence(progress.text())
        self._messages.show_message(self._told, "info", [("Cancel", self.cancel)])

    def cancel(self) -> None:
        """End the replay; what the file says stays on the screen."""
        self._context.link.abandon()
        self._messages.show_message("The replay was cancelled. What is shown comes from the file.", "info", self._ways())

    def _ways(self) -> list[tuple[str, Callable[[], object]]]:
        """What can be done with a session that is only shown."""
        return [("Replay it", lambda: self.replay(self._program)), ("Begin at the first line", self._begin_anew)]

    def _begin_anew(self) -> None:
        opened = self.opened
        if opened is not None:
            saved, program = opened.saved, self._program
            self.forget()
            self._begin(program, tuple(saved.parameters), saved.as_torch, tuple(saved.arguments))

    def _sentence(self, text: str) -> str:
        name = self.opened.name if self.opened is not None else "the session"
        return f"{'Where you were' if self._kept else name} is shown as it was saved. {text}."

    def _progressed(self, values: dict[str, Any]) -> None:
        if self.opened is not None and self._context.link.moving:
            self._context.link.starting.emit(values["progress"])
            self._say(values["progress"])
            self._quiet.start()

    def _silent(self) -> None:
        """Nothing has been heard of the replay for long; its message, which can cancel it, says so until something is."""
        if self.opened is not None and self._context.link.moving:
            silence = f"Nothing was heard of it for {watchdog.START:g} seconds: the computer is busy, or it hangs"
            self._say(silence)

    def _say(self, text: str) -> None:
        """How the replay goes on, in the place of what was said of it before."""
        told, self._told = self._told, self._sentence(text)
        self._messages.change_text(told, self._told)

    def _failed(self, message: str) -> None:
        if self.opened is not None:
            self._messages.show_message(f"{message.rstrip('.')}. What is shown comes from the file.", "error", self._ways())

    def _replayed(self, opened: Opened, result: Replayed) -> None:
        context = self._context
        self.opened = None
        context.state.update(restoring=False)
        self._messages.clear_run()
        if not self._kept:
            self._saving.path = opened.path
        if result.differences:
            # What the file says of them is not what they are.
            context.state.update(curves={}, measures={})
            context.link.touch()
        else:
            find_selection(context, opened.saved)
        if words := result.words(opened):
            self._messages.show_message(words, "warning", [("Close", lambda: None)])

    def forget(self) -> None:
        """Something else is open now, or nothing."""
        self._number += 1
        if self.opened is not None:
            self.opened = None
            self._context.state.update(restoring=False, kept_findings=[])

    def close(self, timeout: float = 8.0) -> bool:
        """End the thread; whether it has ended in time."""
        self._posts.close()
        self._jobs.close()
        return self._jobs.join(timeout)
