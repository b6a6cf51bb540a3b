"""The window's actions: one table of what there is, with keys, icons, and texts that teach.

Keys are those of Visual Studio Code; with Alt the same backwards.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from PyQt6.QtCore import QObject
from PyQt6.QtGui import QKeySequence
from PyQt6.QtWidgets import QWidget

from gui.context import Context
from gui.icons import icon
from gui.undoing import edited_run, run_of_edit


class Spec(NamedTuple):
    """An action: ``keys`` (the first is the one that is shown), ``when`` it can be used, and its menu."""

    text: str
    keys: tuple[str, ...]
    icon: str
    tip: str
    menu: str
    when: str = "always"


#: ``when``: always; script: one is open; stopped; running; launched: it can be started again; run: there is one; runs:
#: there are several; edited: this run began with an edit; edits: another began with an edit of this one.
SPECS: dict[str, Spec] = {
    "open": Spec("Open…", ("Ctrl+O",), "open", "Open a training script, which stops at its first line, or a saved session, "
                 "which goes on where it stood", "File"),
    "open_as_torch": Spec("Open as PyTorch script…", ("Ctrl+Shift+O",), "", "Open a script that says import torch; torch "
                          "and torchvision then mean Nablascope's engine", "File"),
    "start": Spec("Start page", ("Ctrl+Shift+H",), "home", "Samples, recent scripts, and where to begin", "File"),
    "attach": Spec("Attach…", ("Ctrl+Shift+A",), "attach", "Join a process that called engine.debug.listen()", "File"),
    "save_session": Spec("Save session…", ("Ctrl+S",), "save", "Keep the script, its runs and edits, breakpoints and place "
                         "in a file that can be reopened", "File", "launched"),
    "save_session_as": Spec("Save session as…", ("Ctrl+Shift+S",), "", "Keep the session in another file", "File",
                            "launched"),
    "export_png": Spec("Panel as PNG…", ("Ctrl+Shift+E",), "export", "The panel with the focus as a picture, twice its size",
                       "File › Export", "script"),
    "export_svg": Spec("Panel as SVG…", ("Ctrl+Alt+E",), "export", "The panel with the focus as a vector graphic",
                       "File › Export", "script"),
    "export_window": Spec("Window as PNG…", ("Ctrl+Alt+Shift+E",), "export", "The whole window as a picture",
                          "File › Export"),
    "export_window_2x": Spec("Window as PNG, high resolution…", (), "export", "The whole window as a picture, drawn at "
                             "twice its size: for print and projectors", "File › Export"),
    "export_curves": Spec("Curves as CSV…", (), "export", "Every series of every run, a line for each step", "File › Export",
                          "script"),
    "export_layers": Spec("Layers as CSV…", (), "export", "The table of the Layers panel, every digit", "File › Export",
                          "script"),
    "export_run": Spec("Run as GIF or MP4…", ("Ctrl+Alt+R",), "export", "Step on, or travel from step to step; picture each "
                       "stop, and return", "File › Export", "stopped"),
    "close": Spec("Close script", ("Ctrl+W",), "close", "End the script and its process, and show the start page", "File",
                  "script"),
    "quit": Spec("Quit", ("Ctrl+Q",), "", "Close the window and end the script", "File"),

    "continue": Spec("Continue", ("F5",), "continue", "Run to the next breakpoint, at the slider's speed", "Run", "stopped"),
    "pause": Spec("Pause", ("F6",), "pause", "Stop where the script is", "Run", "running"),
    "stop": Spec("Stop", ("Shift+F5",), "stop", "End the script and its process", "Run", "script"),
    "restart": Spec("Restart", ("Ctrl+Shift+F5",), "restart", "Begin anew, with the same first weights", "Run", "launched"),
    "over": Spec("Step over", ("F10",), "over", "One step of the level that the selector names; "
                 "held down, step after step until it is let go", "Run", "stopped"),
    "into": Spec("Step into", ("F11",), "into", "One level finer; at an op into the selected element", "Run", "stopped"),
    "out": Spec("Step out", ("Shift+F11",), "out", "One level coarser", "Run", "stopped"),
    "back": Spec("Step back", ("Alt+F10",), "back", "One step of the level back in time", "Run", "stopped"),
    "reverse": Spec("Continue backwards", ("Alt+F5",), "reverse", "Back to the breakpoint before", "Run", "stopped"),
    "back_into": Spec("Step back into", ("Alt+F11",), "", "One step back, on the next finer level", "Run", "stopped"),
    "back_out": Spec("Step back out", ("Alt+Shift+F11",), "", "One step back, on the next coarser level", "Run", "stopped"),
    "breakpoint": Spec("Toggle breakpoint", ("F9",), "breakpoint", "Stop, or no longer stop, at the line of the cursor",
                       "Run", "script"),
    "clear_breakpoints": Spec("Remove every breakpoint", ("Ctrl+Shift+F9",), "", "Of lines, ops and modules; watchpoints "
                              "too", "Run", "script"),
    "finer": Spec("Finer level", ("Ctrl+]",), "", "Let step over mean smaller steps", "Run"),
    "coarser": Spec("Coarser level", ("Ctrl+[",), "", "Let step over mean larger steps", "Run"),
    "slower": Spec("Slower", ("Ctrl+Shift+,",), "", "Fewer steps a second on continue", "Run"),
    "faster": Spec("Faster", ("Ctrl+Shift+.",), "", "More steps a second on continue, up to free running", "Run"),
    "compare": Spec("Compare runs…", ("Ctrl+Shift+C",), "compare", "Where two runs first differ: fork one by an edit, "
                    "or restart with other parameters", "Run", "runs"),
    "rename": Spec("Rename this run…", (), "", "Another name for the run that the panels show; in its field F2 does it",
                   "Run", "run"),
    "undo": Spec("Undo edit", ("Ctrl+Z",), "", "Back to the run that was edited; the run with the edit stays in the list of "
                 "runs", "Run", "edited"),
    "redo": Spec("Redo edit", ("Ctrl+Shift+Z", "Ctrl+Y"), "", "To the newest run that began with an edit of this one", "Run",
                 "edits"),

    "find": Spec("Find in code…", ("Ctrl+F",), "", "Find a text in the file that the Code panel shows", "View", "script"),
    "find_next": Spec("Find next", ("F3",), "", "The next place of the text that is looked for", "View", "script"),
    "find_previous": Spec("Find previous", ("Shift+F3",), "", "The place before", "View", "script"),
    "go_to_line": Spec("Go to line…", ("Ctrl+G",), "", "Show a line of the file, by its number", "View", "script"),

    "larger": Spec("Larger text", ("Ctrl++", "Ctrl+="), "larger", "Make all text larger", "View"),
    "smaller": Spec("Smaller text", ("Ctrl+-",), "smaller", "Make all text smaller", "View"),
    "text_reset": Spec("Text at 100 %", ("Ctrl+0",), "", "All text at its own size", "View"),
    "theme": Spec("Next theme", ("Ctrl+Shift+T",), "theme", "Light, dark, projector", "View"),
    "motion": Spec("Motion", (), "", "Let values flow along the edges while stepping", "View"),
    "full_screen": Spec("Full screen", ("Ctrl+F11",), "", "The window without a frame; the same key ends it", "View"),
    "layout": Spec("Default layout", (), "", "Put all panels where they stood at first", "View"),
    "next_panel": Spec("Next panel", ("Ctrl+Tab", "Ctrl+F6"), "", "Give the focus to the next panel", "View", "script"),
    "previous_panel": Spec("Previous panel", ("Ctrl+Shift+Tab", "Ctrl+Shift+F6"), "", "Give the focus to the panel before",
                           "View", "script"),

    "keys": Spec("Keys", ("F1",), "keyboard", "All keys, and what they do", "Help"),
    "terms": Spec("Terms", ("Shift+F1",), "", "What the words in this window mean", "Help"),
    "issue": Spec("Copy for an issue", (), "", "Versions and the state of the window as text on the clipboard; no path and "
                  "no data of yours", "Help"),
    "about": Spec("About Nablascope", (), "info", "Version and licence", "Help"),
}  # fmt: skip

CHECKABLE = ("motion", "full_screen")
#: What a key does again while it is held down. Anything else it does once: nobody wants a row of restarts.
REPEATABLE = (
    "over", "into", "out", "back", "back_into", "back_out", "finer", "coarser", "slower", "faster", "find_next",
    "find_previous", "larger", "smaller", "next_panel", "previous_panel",
)  # fmt: skip


class Actions(QObject):
    """Makes all actions, adds them to the window and the context, and keeps them enabled only while they have a use.

    Args:
        handlers: by name, what is called. An action without one ("breakpoint") is for a panel to connect.
    """

    def __init__(self, context: Context, window: QWidget, handlers: dict[str, Callable[[], object]]) -> None:
        super().__init__(window)
        self._context = context
        self._walking = False
        for name, spec in SPECS.items():
            action = context.action(name)
            action.setText(spec.text)
            action.setShortcuts([QKeySequence(key) for key in spec.keys])
            action.setToolTip(tooltip(spec))
            action.setCheckable(name in CHECKABLE)
            action.setAutoRepeat(name in REPEATABLE)
            if name in handlers:
                action.triggered.connect(lambda _checked=False, handler=handlers[name]: handler())
            window.addAction(action)
        self._now: dict[str, bool] = {}
        context.state.subscribe(("stop", "running", "runs", "launched", "program", "restoring"), self.enable)
        self.enable()
        self.draw_icons()

    def set_walking(self, walking: bool) -> None:
        """Whether steps repeat by themselves, so that there is something to pause."""
        self._walking = walking
        self.enable()

    def enable(self) -> None:
        """Enable what can be done now."""
        now = self._conditions()
        if now == self._now:
            return
        self._now = now
        for name, spec in SPECS.items():
            self._context.action(name).setEnabled(now[spec.when])

    def draw_icons(self) -> None:
        """Draw the icons in the colours of the theme."""
        for name, spec in SPECS.items():
            if spec.icon:
                self._context.action(name).setIcon(icon(spec.icon, self._context.theme))

    def _conditions(self) -> dict[str, bool]:
        """Which of the conditions ``when`` hold."""
        state = self._context.state
        stopped = state.stop is not None and not state.running and not state.restoring
        return {
            "always": True,
            "script": state.program is not None or state.stop is not None,
            "stopped": stopped,
            "running": state.running or self._walking,
            "launched": bool(state.launched) and not state.restoring,
            "run": bool(state.runs) and not state.restoring,
            "runs": stopped and len(state.runs) > 1,
            "edited": stopped and edited_run(state.runs) is not None,
            "edits": stopped and run_of_edit(state.runs) is not None,
        }


def tooltip(spec: Spec) -> str:
    """``Step over (F10)`` and, below, what it does."""
    key = f" ({shown_key(spec.keys[0])})" if spec.keys else ""
    return f"<b>{spec.text.rstrip('…')}</b>{key}<br>{spec.tip}"


def shown_key(key: str) -> str:
    """A key as the platform writes it."""
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)

