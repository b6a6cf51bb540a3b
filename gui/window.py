"""The window: start page or workspace, and what its actions do."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtGui import QCloseEvent, QKeyEvent
from PyQt6.QtWidgets import QFileDialog, QMainWindow, QMenu, QMessageBox, QStackedWidget, QVBoxLayout, QWidget

from gui.actions import SPECS, Actions
from gui.breadcrumb import Breadcrumb
from gui.context import Context
from gui.docks import WIDE, Workspace
from gui.exporting import Exporting
from gui.following import Following
from gui.looks import Looks
from gui.message_bar import MessageBar
from gui.panels import panel_classes
from gui.panels.panel import Panel
from gui.remembering import Remembering
from gui.samples import samples_folder
from gui.start_page import StartPage
from gui.state import LEVELS
from gui.status import StatusLine
from gui.stepping import CHOICES, FREE, Stepping
from gui.toolbar import Toolbar


class Window(QMainWindow):
    """Everything around one session. ``context`` has a link, a state and settings; the theme is set here."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.setWindowTitle("Nablascope")
        self.setObjectName("window")
        context.setParent(self)
        self.following = Following(context, self)
        self.stepping = Stepping(context, self)
        self.looks = Looks(context)
        self.actions_ = Actions(context, self, self._handlers())
        context.action("motion").setChecked(bool(context.settings.get("motion", True)))
        self.stepping.walking_changed.connect(self.actions_.set_walking)
        self.toolbar = Toolbar(context)
        self.messages = MessageBar(context)
        self.status = StatusLine(context)
        self.start_page = StartPage(context, self.open)
        self.workspace: Workspace | None = None
        self.pages = QStackedWidget()
        self.pages.addWidget(self.start_page)
        self._assemble()
        self.remembering = Remembering(context, self)
        self.remembering.restore_window()
        self._connect()
        self.start_page.setFocus()
        if problem := getattr(context.settings, "problem", ""):
            self.messages.show_message(problem, "warning")

    def _assemble(self) -> None:
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for widget, stretch in ((self.toolbar, 0), (self.messages, 0), (self.pages, 1), (self.status, 0)):
            column.addWidget(widget, stretch)
        self.setCentralWidget(body)
        bar = self.menuBar()
        assert bar is not None
        self.menus: dict[str, QMenu] = {}
        for name, spec in SPECS.items():
            if spec.menu not in self.menus:
                menu = bar.addMenu(spec.menu)
                assert menu is not None
                self.menus[spec.menu] = menu
            self.menus[spec.menu].addAction(self.context.action(name))
        themes = self.menus["View"].addMenu("Theme")
        assert themes is not None
        self.looks.add_themes(themes)

    def _connect(self) -> None:
        context, link, state = self.context, self.context.link, self.context.state
        context.said.connect(self.messages.show_message)
        context.theme_changed.connect(self.actions_.draw_icons)
        context.panel_wanted.connect(self.show_panel)
        link.failed.connect(lambda text: self.messages.show_message(text, "warning"))
        link.lost.connect(self._lost)
        link.stopped.connect(self._stopped)
        state.subscribe("program", self._program_changed)

    def _handlers(self) -> dict[str, Any]:
        stepping, context, looks = self.stepping, self.context, self.looks
        exporting = Exporting(context, self, lambda: self.workspace)
        return {
            "open": self.choose_file, "start": self.show_start, "attach": self.ask_attach, "quit": self.close,
            "export_png": lambda: exporting.panel("png"), "export_svg": lambda: exporting.panel("svg"),
            "export_window": exporting.window,
            "continue": stepping.go, "pause": stepping.pause, "stop": context.link.stop, "restart": self._restart,
            "over": stepping.over, "into": stepping.into, "out": stepping.out, "back": stepping.back,
            "reverse": stepping.go_back, "back_into": stepping.back_into, "back_out": stepping.back_out,
            "finer": lambda: self._change_level(1), "coarser": lambda: self._change_level(-1),
            "slower": lambda: self._change_speed(-10), "faster": lambda: self._change_speed(10),
            "compare": self._compare,
            "larger": lambda: looks.change_scale(1), "smaller": lambda: looks.change_scale(-1),
            "text_reset": lambda: looks.set_scale(1.0), "theme": looks.next_theme, "motion": looks.change_motion,
            "layout": self._default_layout,
            "next_panel": lambda: self._go_to_panel(1), "previous_panel": lambda: self._go_to_panel(-1),
            "keys": self._show_keys, "about": self._about,
        }  # fmt: skip

    # ------------------------------------------------------------------------------------------------ scripts

    def open(
        self, path: str, parameters: tuple[str, ...] = (), as_torch: bool = False, arguments: tuple[str, ...] = ()
    ) -> None:
        """Open a script, stopped at its first line, in the place of what is open."""
        path = os.path.abspath(path)
        if not os.path.isfile(path):
            what = "is a folder; choose a script in it" if os.path.isdir(path) else "is not there any more"
            self.messages.show_message(f"{path} {what}.", "warning")
            return
        context, settings = self.context, self.context.settings
        self.messages.dismiss()
        self.following.clear()
        if hasattr(settings, "add_recent"):
            settings.add_recent(path)
        # First the process, which takes longest, then the panels meanwhile.
        context.state.update(
            program=path, launched={"program": path, "parameters": parameters, "as_torch": as_torch, "arguments": arguments}
        )
        self.remembering.recall_breakpoints(path)
        context.link.launch(path, parameters, as_torch, arguments)
        QTimer.singleShot(0, self.show_workspace)

    def attach(self, host: str, port: int, key: str) -> None:
        """Join a process that listens."""
        self.messages.dismiss()
        self.following.clear()
        self.context.state.update(program=None, launched={})
        self.context.link.attach(host, port, key)
        QTimer.singleShot(0, self.show_workspace)

    def choose_file(self) -> None:
        """Ask for a script."""
        program = self.context.state.program
        folder = os.path.dirname(program) if program else str(samples_folder() or Path.home())
        path, _ = QFileDialog.getOpenFileName(self, "Open a training script", folder, "Python scripts (*.py);;All files (*)")
        if path:
            self.open(path)

    def ask_attach(self) -> None:
        """Ask which process to join."""
        from gui.attach_dialog import AttachDialog

        dialog = AttachDialog(self)
        if dialog.exec():
            self.attach(*dialog.values())
        dialog.deleteLater()

    def _restart(self) -> None:
        self.stepping.halt()
        self.messages.dismiss()
        self.context.link.restart()

    def _compare(self) -> None:
        runs = self.context.state.runs
        current = next((run for run in runs if run["current"]), None)
        other = next((run for run in reversed(runs) if not run["current"]), None)
        if current is None or other is None:
            return
        a, b = sorted((current, other), key=lambda run: run["number"])

        def compared(result: dict[str, Any]) -> None:
            self.messages.show_message(compared_words(a["name"], b["name"], result), "info", [("Close", lambda: None)])

        self.context.link.compare(a["number"], b["number"], compared)

    def _stopped(self, stop: dict[str, Any]) -> None:
        if stop.get("reason") == "exception":
            text = str(stop.get("text") or stop.get("description") or "")
            actions = [("Step back", self.stepping.back), ("Restart", self._restart)]
            self.messages.show_message(f"The script stopped at an exception: {text}", "error", actions)
        elif self.messages.severity == "error":
            self.messages.dismiss()

    def _lost(self, why: str) -> None:
        actions = [("Restart", self._restart)]
        if any(run["current"] and run.get("replayable") and run.get("position") for run in self.context.state.runs):
            actions.insert(0, ("Replay to here", self._replay))
        self.messages.show_message(f"The engine process is gone: {why}", "error", actions)

    def _replay(self) -> None:
        """Bring a fresh process to where the lost one stood."""
        run = next((run for run in self.context.state.runs if run["current"]), {})
        if run.get("position"):
            self.context.link.move("goto", position=run["position"])

    def _program_changed(self) -> None:
        program = self.context.state.program
        self.setWindowTitle(f"{os.path.basename(program)} – Nablascope" if program else "Nablascope")

    # ------------------------------------------------------------------------------------------------ pages and panels

    def show_start(self) -> None:
        """Show the start page; the script stays as it is."""
        self.start_page.rebuild()
        self.pages.setCurrentWidget(self.start_page)

    def show_workspace(self) -> None:
        """Show the panels; they are made the first time."""
        if self.workspace is None:
            self.workspace = self._make_workspace()
            self.pages.addWidget(self.workspace)
        self.pages.setCurrentWidget(self.workspace)

    def show_panel(self, key: str) -> None:
        """Bring a panel to the front."""
        self.show_workspace()
        if self.workspace is not None:
            self.workspace.show_panel(key)

    def _make_workspace(self) -> Workspace:
        panels: list[Panel] = []
        for key, make in panel_classes().items():
            try:
                panel = make(self.context)
                saved = self.context.settings.get("panels", {}).get(key)
                if isinstance(saved, dict):
                    panel.restore(saved)
            except Exception as error:
                logging.getLogger(__name__).exception("the panel %r failed", key)
                self.messages.show_message(f"The panel {key} cannot be shown: {error!r}", "error")
                continue
            panels.append(panel)
        workspace = Workspace(self.context, panels, Breadcrumb(self.context, self._crumb_clicked))
        if not self.remembering.restore_docks(workspace):
            QTimer.singleShot(0, lambda: workspace.arrange(self.width() >= WIDE))
        menu = self.menus["View"].addMenu("Panels")
        assert menu is not None
        for action in workspace.toggles():
            menu.addAction(action)
        return workspace

    def _crumb_clicked(self, command: str, arguments: dict[str, Any]) -> None:
        self.stepping.halt()
        self.context.link.move(command, **arguments)

    def _default_layout(self) -> None:
        self.show_workspace()
        if self.workspace is not None:
            self.workspace.arrange(self.width() >= WIDE)

    def _go_to_panel(self, step: int) -> None:
        if self.workspace is not None and (key := self.workspace.beside(step)):
            self.workspace.show_panel(key)

    # ------------------------------------------------------------------------------------------------ steps

    def _change_level(self, step: int) -> None:
        level = self.context.state.level
        at = CHOICES.index(level) if level in CHOICES else LEVELS.index("op") - 1
        self.context.state.update(level=CHOICES[min(max(at + step, 0), len(CHOICES) - 1)])

    def _change_speed(self, step: int) -> None:
        self.toolbar.speed.setValue(min(max(self.toolbar.speed.value() + step, 0), FREE))

    # ------------------------------------------------------------------------------------------------ help

    def _show_keys(self) -> None:
        from gui.keys_dialog import KeysDialog

        dialog = KeysDialog(self.context, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _about(self) -> None:
        from importlib.metadata import PackageNotFoundError, version

        number = "of this checkout"
        with suppress(PackageNotFoundError):
            number = version("nablascope")
        box = QMessageBox(self)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle("About Nablascope")
        what = "A visual debugger for neural-network training."
        box.setText(f"Nablascope {number}\n\n{what}\nGNU General Public License 3 or later.")
        box.open()

    # ------------------------------------------------------------------------------------------------ ending

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is not None and event.key() == Qt.Key.Key_Escape and self.messages.isVisible():
            self.messages.dismiss()
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent | None) -> None:
        self.stepping.halt()
        self.remembering.save()
        self.hide()
        self.context.link.close()
        super().closeEvent(event)


def compared_words(a: str, b: str, result: dict[str, Any]) -> str:
    """What a comparison of two runs has found, in a sentence or two."""
    if result.get("step") is None and result.get("event") is None:
        note = f" {result['note']}" if result.get("note") else ""
        return f"{a} and {b} do not differ in the {result.get('common', 0)} steps that both have done.{note}"
    words = []
    if result.get("event"):
        event, index = result["event"], result.get("index")
        where = f"{event.get('module') or ''} {event.get('name') or ''}".strip()
        at = f"[{', '.join(map(str, index))}]" if index else ""
        what = f"{event.get('kind', '')} {where}, {result.get('tensor')}{at}"
        values = " and ".join(f"{value:.6g}" for value in result.get("values") or ())
        words.append(f"{a} and {b} first differ in {what} (step {event.get('step', '?')}): {values}.")
    if result.get("losses"):
        first, second = result["losses"]
        words.append(f"The losses part at step {result['step']}: {first:.6g} and {second:.6g}.")
    return " ".join(words)
