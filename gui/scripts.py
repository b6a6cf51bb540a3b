"""The script of the window: opened, attached to, begun anew, lost; its runs compared."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QObject
from PyQt6.QtWidgets import QFileDialog, QWidget

from gui.comparing import compared_words, quoted
from gui.context import Context
from gui.following import Following
from gui.linking.beginning import NOT_BEGUN
from gui.linking.moving import NO_SCRIPT, ONLY_SHOWN
from gui.message_bar import MessageBar
from gui.remembering import Remembering
from gui.samples import samples_folder
from gui.saved_sessions.archive import SUFFIX
from gui.saved_sessions.reopening import Reopening
from gui.stepping import Stepping
from gui.undoing import edited_run, run_of_edit

_NOT_RUNNING = "The script does not run. Restart it to step it."

#: The button that has ``import torch`` mean the engine, and what a message with it is about.
_AS_TORCH, _BYPASSED = "Run it on this engine as torch", "a script that bypasses the engine"

#: What is said to a script that waits for its user.
_NO_INPUT = "Nobody can type into a script here: give it what it asks for as a parameter, an argument, or a file"


class Scripts(QObject):
    """What the actions of the menus File and Run do with the script as a whole.

    Args:
        window: what dialogs stand in front of, and what owns this.
        opened: called after a script was opened or a process joined: shows the panels.
    """

    def __init__(
        self,
        context: Context,
        window: QWidget,
        following: Following,
        stepping: Stepping,
        messages: MessageBar,
        remembering: Remembering,
        opened: Callable[[], object],
    ) -> None:
        super().__init__(window)
        self._context, self._window, self._opened = context, window, opened
        self._following, self._stepping = following, stepping
        self._messages, self._remembering = messages, remembering
        #: Opens the files of sessions; set by the window.
        self.reopening: Reopening | None = None
        #: Host, port and key of what was attached to last.
        self._joined: tuple[str, int, str] | None = None
        #: What was said of a process that has gone, or of an exception, until it stands somewhere again.
        self._told: set[str] = set()
        #: What is said while runs are compared.
        self._comparing = ""
        context.link.lost.connect(self._lost)
        context.link.ended.connect(self._ended)
        context.link.stopped.connect(self._stopped)
        context.link.closed.connect(self._no_comparison)

    # ---- beginning ----

    def open(
        self, path: str, parameters: tuple[str, ...] = (), as_torch: bool = False, arguments: tuple[str, ...] = ()
    ) -> None:
        """Open a script, stopped at its first line, or a session's file, in the place of what is open."""
        path = os.path.abspath(path)
        if not os.path.isfile(path):
            what = "is not there any more"
            if os.path.exists(path):
                what = "is a folder; choose a script in it" if os.path.isdir(path) else "is no ordinary file"
            self._messages.show_message(f"{path} {what}.", "warning")
            return
        if self.reopening is not None:
            if path.lower().endswith(SUFFIX):
                self.reopening.open(path)
                return
            self.reopening.forget()
        context, settings = self._context, self._context.settings
        self._messages.clear_run()
        self._remembering.keep_breakpoints()
        self._following.clear()
        if hasattr(settings, "add_recent"):
            settings.add_recent(path)
        # First the process, which takes longest, then the panels meanwhile.
        context.state.update(
            program=path, launched={"program": path, "parameters": parameters, "as_torch": as_torch, "arguments": arguments}
        )
        self._remembering.recall_breakpoints(path)
        context.link.launch(path, parameters, as_torch, arguments)
        self._opened()

    def attach(self, host: str, port: int, key: str) -> None:
        """Join a process that listens."""
        if self.reopening is not None:
            self.reopening.forget()
        self._messages.clear_run()
        self._following.clear()
        self._joined = host, port, key
        self._context.state.update(program=None, launched={})
        self._context.link.attach(host, port, key)
        self._opened()

    def choose_file(self, as_torch: bool = False) -> None:
        """Ask for a script or a session's file; ``as_torch``: for a script whose ``import torch`` is to mean the engine."""
        program = self._context.state.program
        folder = os.path.dirname(program) if program else str(samples_folder() or Path.home())
        title = "Open a training script or a saved session"
        kinds = f"Scripts and sessions (*.py *{SUFFIX});;Python scripts (*.py);;Saved sessions (*{SUFFIX});;All files (*)"
        if as_torch:
            title, kinds = "Open a PyTorch script on this engine", "Python scripts (*.py);;All files (*)"
        path, _ = QFileDialog.getOpenFileName(self._window, title, folder, kinds)
        if path:
            self.open(path, as_torch=as_torch)

    def refused(self, text: str) -> None:
        """Something could not be done: say so, or how a session that is only shown can do it."""
        self._no_comparison()  # where it was that, nothing else will say so
        if text == ONLY_SHOWN and self.reopening is not None and self.reopening.opened is not None:
            self.reopening.offer(text)
        elif text == NO_SCRIPT and self._context.state.program is not None:
            self._tell(_NOT_RUNNING, "warning", [("Restart", self.restart)])
        elif self._joined is not None and text.startswith(f"{self._joined[0]}:{self._joined[1]} cannot be joined"):
            self._messages.show_message(text, "warning", self._again(*self._joined))
        elif text.startswith(NOT_BEGUN):
            self._tell(text, "error", [("Restart", self.restart)])
        else:
            self._messages.show_message(text, "warning")

    def ask_attach(self) -> None:
        """Ask which process to join."""
        from gui.attach_dialog import AttachDialog

        dialog = AttachDialog(self._window)
        if dialog.exec():
            self.attach(*dialog.values())
        dialog.deleteLater()

    def restart(self) -> None:
        """Begin anew."""
        self._stepping.halt()
        self._messages.clear_run()
        self._context.link.restart()

    def close(self) -> None:
        """End the script and forget it."""
        self._stepping.halt()
        self._messages.clear_run()
        self._remembering.save()
        if self.reopening is not None:
            self.reopening.forget()
        self._context.link.stop()
        self._following.clear()
        self._context.state.update(program=None, launched={})

    # ---- its runs ----

    def undo(self) -> None:
        """To the run that the current one was made of by an edit."""
        here, before = self._context.state.current_run, edited_run(self._context.state.runs)
        if before is not None:
            self._context.link.switch(before["number"])
            here, before = quoted(here["name"]), quoted(before["name"])
            self._messages.show_message(f"Back in {before}, without the edit. {here} is kept: Ctrl+Shift+Z goes there.")

    def redo(self) -> None:
        """To the newest run that was made of the current one by an edit."""
        if (edited := run_of_edit(self._context.state.runs)) is not None:
            self._context.link.switch(edited["number"])
            self._messages.show_message(f"In {quoted(edited['name'])} again, with its edit; Ctrl+Z leaves it.")

    def compare(self) -> None:
        """Where the current run and the newest other one first differ."""
        current = self._context.state.current_run
        other = next((run for run in reversed(self._context.state.runs) if not run["current"]), None)
        if not current or other is None:
            return
        a, b = sorted((current, other), key=lambda run: run["number"])

        def compared(result: dict[str, Any]) -> None:
            self._no_comparison()
            words = compared_words(a["name"], b["name"], result)
            self._messages.show_message(words, "info", [("Show curves", lambda: self._context.want_panel("curves"))])

        # Runs that are far apart are replayed to where they part, which takes its time.
        self._comparing = f"Comparing {quoted(a['name'])} and {quoted(b['name'])} …"
        self._messages.show_message(self._comparing, stays=True)
        self._context.link.compare(a["number"], b["number"], compared)

    def _no_comparison(self) -> None:
        """No result will come."""
        self._messages.withdraw(self._comparing)

    # ---- what happens to it ----

    def _stopped(self, stop: dict[str, Any]) -> None:
        # Also where something else is shown over it: a process stands there again.
        for text in self._told:
            self._messages.withdraw(text)
        self._told.clear()
        if stop.get("bypassed"):
            # It holds on, also while nothing but lines is stepped over.
            what = "has computed nothing with this engine: it uses" if stop.get("reason") == "end" else "imports"
            text = f"This script {what} PyTorch itself, of which nothing can be shown."
            self._messages.withdraw_about(_BYPASSED)
            self._messages.show_message(text, "warning", [(_AS_TORCH, self._open_as_torch)], about=_BYPASSED)
        if stop.get("reason") == "exception":
            text = str(stop.get("description") or stop.get("text") or "")
            actions = [("Step back", self._stepping.back), ("Restart", self.restart)]
            launched = self._context.state.launched
            if "No module named 'torch" in text and launched and not launched["as_torch"]:
                actions.insert(0, (_AS_TORCH, self._open_as_torch))
            if text.startswith("EOFError"):
                text += f". {_NO_INPUT}"
            self._tell(f"The script stopped at an exception: {text}", "error", actions)

    def _tell(self, text: str, severity: str, actions: Sequence[tuple[str, Callable[[], object]]]) -> None:
        """Show a message that holds until the script stands somewhere again."""
        self._told.add(text)
        self._messages.show_message(text, severity, actions)

    def _open_as_torch(self) -> None:
        """Open the same script with ``import torch`` meaning the engine."""
        launched = self._context.state.launched
        self.open(launched["program"], launched["parameters"], True, launched["arguments"])

    def _lost(self, why: str) -> None:
        joined, run = self._joined, self._context.state.current_run
        if self._context.state.program is None and joined is not None:
            text = f"The connection to the process at {joined[0]}:{joined[1]} is gone: {why}"
            actions = self._again(*joined)
        else:
            text = f"The engine process is gone: {why}"
            actions = [("Restart", self.restart)]
        if run.get("replayable") and run.get("position"):
            actions.insert(0, ("Replay to here", self._replay))
        self._tell(text, "error", actions)

    def _ended(self, stop: dict[str, Any]) -> None:
        """The process that was attached to has come to its end by itself."""
        joined = self._joined
        assert joined is not None
        how = str(stop.get("description", "")).removeprefix("its process ").rstrip(".")
        text, again = f"The process at {joined[0]}:{joined[1]} {how}", self._again(*joined)
        if stop.get("exception"):
            self._tell(text, "error", again)
        else:
            severity = "warning" if stop.get("exitCode") else "info"
            self._tell(f"{text}. What is shown is what it showed last.", severity, again)

    def _again(self, host: str, port: int, key: str) -> list[tuple[str, Callable[[], object]]]:
        """The button that joins a process once more."""
        return [("Attach again", lambda: self.attach(host, port, key))]

    def _replay(self) -> None:
        """Bring a fresh process to where the lost one stood."""
        run = self._context.state.current_run
        if run.get("position"):
            self._context.link.move("goto", position=run["position"])
