"""What goes wrong around the window, told in the message bar with what can be done: an engine process that does not
answer, a script that was edited on disk, an error of the window's own."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import QFileSystemWatcher, QObject

from gui.breakpoints import Entry, breakpoints_of, specification
from gui.context import Context
from gui.message_bar import MessageBar
from gui.moved_lines import moved_lines
from gui.script_text import script_text
from gui.steps import begins
from gui.timers import single_shot
from gui.watchdog import PATIENCE, START

#: Milliseconds after a file was touched until it is read: an editor may take it away before it writes it anew.
_SETTLING = 200

_SILENT = {
    "halted": f"The engine process has not answered for {PATIENCE:g} seconds: it was halted (SIGSTOP), by its script or by "
    "somebody else.",
    "engine": f"The engine process has not answered for {PATIENCE:g} seconds: the script is in one long call, or it hangs.",
    "pause": "The script was asked to pause, but it is still in the same call, and pauses at its next line.",
    "start": f"The engine process is not ready after {START:g} seconds: the computer is busy, or it hangs.",
}
#: Of a process that is attached to.
_SILENT_JOIN = f"What was attached to has not answered for {START:g} seconds: it hangs, or it is no process of Nablascope."


class Silence(QObject):
    """Says that nothing is heard of the engine process, and offers to wait, or to end it and go on."""

    def __init__(self, context: Context, messages: MessageBar, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context, self._messages = context, messages
        self._text = ""
        self._replaying = False
        context.link.silent.connect(self._silent)
        context.link.answering.connect(self._answering)
        context.link.lost.connect(self._lost)
        context.link.stopped.connect(self._stopped)

    def _silent(self, kind: str) -> None:
        link = self._context.link
        self._text = _SILENT_JOIN if kind == "start" and self._context.state.program is None else _SILENT[kind]
        actions: list[tuple[str, Callable[[], object]]] = [("Wait", link.keep_waiting)]
        if kind == "engine" and link.engine_halted:
            self._text, actions = _SILENT["halted"], [("Let it go on", link.resume_engine)]
        if kind == "start":
            actions.append(("End it" if self._context.state.program else "Give up", link.stop))
        elif self._context.state.program is None:
            actions.append(("Disconnect", link.end_engine))  # it was attached to: it is not this window's to end
        elif self._place() is not None:
            actions.append(("End it and replay to here", self._end))
        else:
            actions.append(("End it", link.end_engine))
        self._messages.show_message(self._text, "warning", actions)

    def _answering(self) -> None:
        self._messages.withdraw(self._text)
        self._text = ""

    def _place(self) -> list[int] | None:
        """Where the current run stood last, if it can be replayed to there."""
        run = self._context.state.current_run
        return run.get("position") if run.get("replayable") else None

    def _end(self) -> None:
        self._replaying = True
        self._context.link.end_engine()

    def _stopped(self, _stop: dict[str, Any]) -> None:
        self._replaying = False  # something else had been wanted of it, and has come: another run, a fork

    def _lost(self, _why: str) -> None:
        replaying, self._replaying = self._replaying, False
        place = self._place()
        if replaying and place is not None:
            text = "The engine process did not answer and was ended. A fresh one replays the run to where it stood last."
            self._messages.show_message(text, "info")
            self._context.link.move("goto", position=place)


class ScriptOnDisk(QObject):
    """Watches the script's file. While what runs is not what the file has, it says so; after a restart, and with another run
    that has another text, the breakpoints stand where their lines have gone.

    Attributes:
        running: the text that the current run has, by the path of the script.
    """

    def __init__(
        self, context: Context, messages: MessageBar, restart: Callable[[], object], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._context, self._messages, self._restart = context, messages, restart
        self.running: dict[str, str] = {}
        self._text = ""
        #: The run whose text is known, or asked for.
        self._run: int | None = None
        #: By text that was left for another: the breakpoints that were in it, and what has become of them there.
        self._left: dict[str, tuple[list[Entry], list[Entry]]] = {}
        #: What the file had when it was looked at last.
        self._seen: str | None = None
        self._watcher = QFileSystemWatcher(self)
        self._watcher.fileChanged.connect(lambda _: self._soon.start())
        self._watcher.directoryChanged.connect(lambda _: self._soon.start())
        self._soon = single_shot(self, _SETTLING, self.look)
        context.state.subscribe("program", self._program_changed)
        context.state.subscribe("restoring", self._brought_back)
        context.link.stopped.connect(self._stopped)

    def _program_changed(self) -> None:
        if watched := self._watcher.files() + self._watcher.directories():
            self._watcher.removePaths(watched)
        self._soon.stop()
        self._forget()
        self._run = None
        self._left.clear()
        self._context.state.update(script=None)
        program = self._context.state.program
        if program is not None and os.path.isfile(program):
            self._watcher.addPaths([program, os.path.dirname(program)])

    def _brought_back(self) -> None:
        """The runs of a saved session stand again, with the text that was chosen for them."""
        state = self._context.state
        if not state.restoring and state.program is not None and state.stop is not None:
            self.running.pop(state.program, None)
            self._stopped({"reason": "entry"})

    def _stopped(self, stop: dict[str, Any]) -> None:
        """A run has begun, or another is current: the engine says which text it has."""
        state = self._context.state
        program, run = state.program, state.current_run.get("number")
        if program is None or state.restoring or not (begins(stop) or run != self._run):
            return
        self._run = run
        if begins(stop):
            breakpoints_of(self._context).follow(program)

        def answered(body: dict[str, Any]) -> None:
            old = self.running.get(program)
            self.running[program] = body["content"]
            state.update(script=body["content"])
            if old is not None and old != body["content"]:
                self._move_breakpoints(program, old, body["content"])
            self.look()

        def refused(_why: str) -> None:
            self._run = None  # asked again at the next stop

        self._context.link.ask(("script on disk", "source"), "source", {"path": program}, answered, refused)

    def _move_breakpoints(self, program: str, old: str, new: str) -> None:
        breakpoints = breakpoints_of(self._context)
        entries = breakpoints.lines(program)
        places = moved_lines(old, new, [entry["line"] for entry in entries])
        if entries:  # also where none has moved: what was said of one is of the old text
            moved = list({places[entry["line"]]: {**entry, "line": places[entry["line"]]} for entry in entries}.values())
            before, after = self._left.get(new, ([], []))
            if after and _specified(after) == _specified(entries):
                moved = before  # nobody has changed them since: those that had become one are two again
            self._left[old] = entries, moved
            breakpoints.set_lines(program, moved)

    def look(self) -> None:
        """Compare the file with what runs."""
        program = self._context.state.program
        if program is None or program not in self.running:
            return
        name, text, cause = os.path.basename(program), None, ""
        try:
            text = script_text(program)
        except FileNotFoundError:
            cause = "is not on the disk any more"
        except OSError as error:
            cause = f"cannot be read any more ({error.strerror or error})"
        if text is not None and program not in self._watcher.files():
            self._watcher.addPath(program)  # an editor that writes a new file ends the watching of the old one
        anew, self._seen = text != self._seen, text
        if text == self.running[program]:
            self._forget()
        elif text is None:
            self._say(f"{name} {cause}. The run goes on with the text that it began with.", (), anew)
        else:
            again = f"{name} has changed on disk. The run goes on with the text that it began with."
            self._say(f"{again} Restart to run the new one.", [("Restart (Ctrl+Shift+F5)", self._restart)], anew)

    def _say(self, text: str, actions: Any, anew: bool) -> None:
        """``anew``: the file is not what it was when this was said last, and who has closed that, or restarted in vain, is
        told again.
        """
        if text != self._text or anew:
            self._forget()  # else it would come back where a message without buttons covers it and leaves
            self._text = text
            self._messages.show_message(text, "warning", actions)

    def _forget(self) -> None:
        self._messages.withdraw(self._text)
        self._text = ""


def _specified(entries: list[Entry]) -> list[Entry]:
    """Breakpoints without what the engine has said of them."""
    return sorted((specification(entry) for entry in entries), key=lambda entry: entry["line"])
