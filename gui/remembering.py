"""What is kept between two sessions: layout, panels, and the breakpoints of each script."""

from __future__ import annotations

import base64
import logging
from contextlib import suppress
from typing import Any

from PyQt6.QtCore import QByteArray, QObject
from PyQt6.QtWidgets import QMainWindow

from gui.breakpoints import KINDS, breakpoints_of, specification
from gui.context import Context
from gui.docks import Workspace
from gui.settings import Settings, merged
from gui.timers import single_shot

#: What is said of settings that cannot be written is about these.
_ABOUT = "settings"

#: Milliseconds after which changed settings are written.
_SAVING = 2000


class Remembering(QObject):
    """Writes to the settings what changes, a while after it has changed; ``workspace`` is set once there is one."""

    def __init__(self, context: Context, window: QMainWindow) -> None:
        super().__init__(window)
        self.workspace: Workspace | None = None
        self._context = context
        self._window = window
        self._problem = ""
        #: A script, and what was set here for it when that was read or kept last.
        self._kept: tuple[str, dict[str, Any]] = "", {}
        self._timer = single_shot(self, _SAVING, self.save)
        context.theme_changed.connect(self.soon)
        context.state.subscribe(("breakpoints", "watchpoints", "watches", "program"), self.soon)

    def soon(self) -> None:
        """Write the settings in a while."""
        self._timer.start()

    # ---- breakpoints ----

    def recall_breakpoints(self, path: str) -> None:
        """Set the breakpoints and watches that a script had."""
        if not isinstance(self._context.settings, Settings):
            return
        saved, breakpoints = self._context.settings.script(path), breakpoints_of(self._context)
        for file, entries in (saved.get("breakpoints") or {}).items():
            with suppress(KeyError, TypeError, AttributeError):
                breakpoints.set_lines(file, [dict(entry) for entry in entries if isinstance(entry["line"], int)])
        for kind in KINDS:
            with suppress(TypeError, ValueError, AttributeError):
                breakpoints.set_entries(kind, [dict(entry) for entry in saved.get(kind) or ()])
        watches = saved.get("watches")
        watches = [text for text in watches if isinstance(text, str) and text] if isinstance(watches, list) else []
        self._context.state.update(watches=watches)
        self._kept = path, self._set_here()

    def keep_breakpoints(self) -> None:
        """Remember the breakpoints and watches of the script that is open; they are written with the settings. Those that
        another window has set for it stay: only what has changed in this one is its doing.
        """
        settings, program = self._context.settings, self._context.state.program
        if program is None or not isinstance(settings, Settings):
            return
        saved, mine = settings.script(program), self._set_here()
        saved.update(merged(self._kept[1] if self._kept[0] == program else {}, mine, saved))
        self._kept = program, mine

    def _set_here(self) -> dict[str, Any]:
        """The breakpoints and watches that are set in this window, as they are remembered."""
        state, breakpoints = self._context.state, breakpoints_of(self._context)
        lines = {path: [_kept(entry) for entry in entries] for path, entries in state.breakpoints.items()}
        others = {kind: [_kept(entry) for entry in breakpoints.entries(kind)] for kind in KINDS}
        return {"watches": list(state.watches), "breakpoints": lines, **others}

    # ---- places ----

    def restore_window(self) -> None:
        """Give the window the size and place that it had."""
        self._window.resize(1280, 800)
        text = self._context.settings.get("layout", {}).get("window")
        if isinstance(text, str):
            self._window.restoreGeometry(QByteArray.fromBase64(text.encode("ascii", "replace")))

    def restore_docks(self, workspace: Workspace) -> bool:
        """Put the panels where they were; False where nothing is known of that."""
        self.workspace = workspace
        text = self._context.settings.get("layout", {}).get("docks")
        wide = self._context.settings.get("layout", {}).get("wide")
        return isinstance(text, str) and workspace.restore_layout(text, wide if isinstance(wide, bool) else None)

    def save(self) -> None:
        """Write the settings now."""
        self._timer.stop()
        self.keep_breakpoints()
        settings = self._context.settings
        layout = dict(settings.get("layout", {}))
        layout["window"] = base64.b64encode(bytes(self._window.saveGeometry().data())).decode("ascii")
        if self.workspace is not None:
            layout["docks"], layout["wide"] = self.workspace.layout_text(), self.workspace.wide
            panels = {key: panel.save() for key, panel in self.workspace.panels.items()}
            settings["panels"] = {**settings.get("panels", {}), **panels}
        settings["layout"] = layout
        if isinstance(settings, Settings):
            try:
                settings.save()
                self._problem = ""
                self._context.unsay(_ABOUT)
            except (OSError, TypeError, ValueError) as error:
                # An OSError itself names a temporary file, another one each time.
                cause = getattr(error, "strerror", None) or error
                self._tell(
                    f"The settings {settings.path} cannot be saved ({cause}). What you change holds for this session only."
                )

    def _tell(self, problem: str) -> None:
        """Say it once, and not again at every change while it holds."""
        if problem != self._problem:
            self._problem = problem
            logging.getLogger(__name__).warning("%s", problem)
            self._context.say(problem, "warning", _ABOUT)


def _kept(entry: dict[str, Any]) -> dict[str, Any]:
    """The part of a breakpoint that is remembered."""
    return specification(entry) | ({"enabled": False} if entry.get("enabled") is False else {})
