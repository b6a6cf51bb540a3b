"""The window: start page or workspace, and what its actions do."""

from __future__ import annotations

import base64
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QByteArray, Qt, QTimer
from PyQt6.QtGui import QAction, QActionGroup, QCloseEvent, QKeyEvent
from PyQt6.QtWidgets import QApplication, QFileDialog, QMainWindow, QMenu, QMessageBox, QStackedWidget, QVBoxLayout, QWidget

from gui.actions import SPECS, Actions
from gui.breadcrumb import Breadcrumb
from gui.breakpoints import breakpoints_of, specification
from gui.context import Context
from gui.docks import WIDE, Workspace
from gui.following import Following
from gui.message_bar import MessageBar
from gui.panels import panel_classes
from gui.panels.panel import Panel
from gui.samples import samples_folder
from gui.start_page import StartPage
from gui.state import LEVELS
from gui.status import StatusLine
from gui.stepping import CHOICES, FREE, Stepping
from gui.style import palette, style_sheet
from gui.theme import THEMES, Theme
from gui.toolbar import Toolbar

#: Text sizes that Ctrl + and Ctrl - go through.
SCALES = (0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0)

#: Milliseconds after which changed settings are written.
_SAVING = 2000


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
        self.apply_theme(Theme(str(context.settings.get("theme", "light")), float(context.settings.get("scale", 1.0))))
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
        self._saving = QTimer(self, singleShot=True, interval=_SAVING)
        self._saving.timeout.connect(self._save)
        self._connect()
        self._restore_geometry()
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
        self._themes = QActionGroup(self)
        for name in THEMES:
            action = QAction(name.capitalize(), self._themes)
            action.setCheckable(True)
            action.setChecked(name == self.context.theme.name)
            action.setData(name)
            action.triggered.connect(lambda _checked=False, name=name: self.set_theme(name))
            themes.addAction(action)

    def _connect(self) -> None:
        context, link, state = self.context, self.context.link, self.context.state
        context.said.connect(self.messages.show_message)
        context.panel_wanted.connect(self.show_panel)
        link.failed.connect(lambda text: self.messages.show_message(text, "warning"))
        link.lost.connect(self._lost)
        link.stopped.connect(self._stopped)
        state.subscribe("program", self._program_changed)
        state.subscribe(("breakpoints", "watchpoints"), self._remember_breakpoints)

    def _handlers(self) -> dict[str, Any]:
        stepping, context = self.stepping, self.context
        return {
            "open": self.choose_file, "start": self.show_start, "attach": self.ask_attach, "quit": self.close,
            "export_png": lambda: self._export_panel("png"), "export_svg": lambda: self._export_panel("svg"),
            "export_window": self._export_window,
            "continue": stepping.go, "pause": stepping.pause, "stop": context.link.stop, "restart": self._restart,
            "over": stepping.over, "into": stepping.into, "out": stepping.out, "back": stepping.back,
            "reverse": stepping.go_back, "back_into": stepping.back_into, "back_out": stepping.back_out,
            "finer": lambda: self._change_level(1), "coarser": lambda: self._change_level(-1),
            "slower": lambda: self._change_speed(-10), "faster": lambda: self._change_speed(10),
            "compare": self._compare,
            "larger": lambda: self._change_scale(1), "smaller": lambda: self._change_scale(-1),
            "text_reset": lambda: self.set_scale(1.0), "theme": self._next_theme, "motion": self._change_motion,
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
        self._recall_breakpoints(path)
        context.link.launch(path, parameters, as_torch, arguments)
        QTimer.singleShot(0, self.show_workspace)
        self._saving.start()

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

    # ------------------------------------------------------------------------------------------------ breakpoints

    def _recall_breakpoints(self, path: str) -> None:
        settings = self.context.settings
        if not hasattr(settings, "script"):
            return
        saved, breakpoints = settings.script(path), breakpoints_of(self.context)
        for file, entries in (saved.get("breakpoints") or {}).items():
            with suppress(KeyError, TypeError, AttributeError):
                breakpoints.set_lines(file, [dict(entry) for entry in entries if isinstance(entry["line"], int)])
        for kind in ("op", "module", "watch"):
            with suppress(TypeError, ValueError):
                breakpoints.set_entries(kind, [dict(entry) for entry in saved.get(kind) or ()])

    def _remember_breakpoints(self) -> None:
        settings, program = self.context.settings, self.context.state.program
        if program is None or not hasattr(settings, "script"):
            return
        saved, breakpoints = settings.script(program), breakpoints_of(self.context)
        saved["breakpoints"] = {
            path: [_kept(entry) for entry in entries] for path, entries in self.context.state.breakpoints.items()
        }
        for kind in ("op", "module", "watch"):
            saved[kind] = [_kept(entry) for entry in breakpoints.entries(kind)]
        self._saving.start()

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
        saved_layout = self.context.settings.get("layout", {}).get("docks")
        if not (isinstance(saved_layout, str) and workspace.restore_layout(saved_layout)):
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

    # ------------------------------------------------------------------------------------------------ looks

    def apply_theme(self, theme: Theme) -> None:
        """Show everything in this theme."""
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.setFont(theme.text_font())
        app.setPalette(palette(theme))
        app.setStyleSheet(style_sheet(theme))
        self.context.settings["theme"], self.context.settings["scale"] = theme.name, theme.scale
        self.context.set_theme(theme)

    def set_theme(self, name: str) -> None:
        """Light, dark or projector."""
        self.apply_theme(Theme(name, self.context.theme.scale))
        self.actions_.draw_icons()
        for action in self._themes.actions():
            action.setChecked(action.data() == name)
        self._saving.start()

    def set_scale(self, scale: float) -> None:
        """Text size; 1.0 is 100 %."""
        self.apply_theme(Theme(self.context.theme.name, scale))
        self._saving.start()

    def _next_theme(self) -> None:
        self.set_theme(THEMES[(THEMES.index(self.context.theme.name) + 1) % len(THEMES)])

    def _change_scale(self, step: int) -> None:
        scale = self.context.theme.scale
        nearest = min(range(len(SCALES)), key=lambda i: abs(SCALES[i] - scale))
        self.set_scale(SCALES[min(max(nearest + step, 0), len(SCALES) - 1)])

    def _change_motion(self) -> None:
        self.context.settings["motion"] = self.context.action("motion").isChecked()
        self._saving.start()

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
        box.setText(f"Nablascope {number}\n\nA visual debugger for neural-network training.\nGNU General Public License 3 or later.")
        box.open()

    # ------------------------------------------------------------------------------------------------ pictures

    def _export_panel(self, kind: str) -> None:
        workspace = self.workspace
        if workspace is None:
            return
        key = workspace.current_key() or ("network" if "network" in workspace.panels else next(iter(workspace.panels), None))
        if key is None:
            return
        panel = workspace.panels[key]
        path = self._ask_where(f"{key}.{kind}", kind)
        if path:
            self._export(lambda: panel.export_png(path) if kind == "png" else panel.export_svg(path), path)

    def _export_window(self) -> None:
        path = self._ask_where("nablascope.png", "png")
        if path:
            self._export(lambda: self.export_png(path), path)

    def export_png(self, path: str) -> None:
        """Write the window as a PNG. Raises OSError where it cannot be written."""
        if not self.grab().save(path, "PNG"):
            raise OSError(f"{path} cannot be written")

    def _ask_where(self, name: str, kind: str) -> str:
        path, _ = QFileDialog.getSaveFileName(self, "Export", os.path.join(os.getcwd(), name), f"{kind.upper()} (*.{kind})")
        return path if not path or path.lower().endswith(f".{kind}") else f"{path}.{kind}"

    def _export(self, write: Any, path: str) -> None:
        try:
            write()
        except OSError as error:
            self.messages.show_message(f"Nothing was written: {error}", "warning")
        else:
            self.messages.show_message(f"Written: {path}")

    # ------------------------------------------------------------------------------------------------ ending

    def _restore_geometry(self) -> None:
        self.resize(1280, 800)
        text = self.context.settings.get("layout", {}).get("window")
        if isinstance(text, str):
            self.restoreGeometry(QByteArray.fromBase64(text.encode("ascii", "replace")))

    def _save(self) -> None:
        settings = self.context.settings
        layout = dict(settings.get("layout", {}))
        layout["window"] = base64.b64encode(bytes(self.saveGeometry().data())).decode("ascii")
        if self.workspace is not None:
            layout["docks"] = self.workspace.layout_text()
            settings["panels"] = {**settings.get("panels", {}), **{k: p.save() for k, p in self.workspace.panels.items()}}
        settings["layout"] = layout
        if hasattr(settings, "save"):
            try:
                settings.save()
            except OSError as error:
                self.messages.show_message(f"The settings cannot be saved: {error}", "warning")

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is not None and event.key() == Qt.Key.Key_Escape and self.messages.isVisible():
            self.messages.dismiss()
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent | None) -> None:
        self._saving.stop()
        self.stepping.halt()
        self._save()
        self.hide()
        self.context.link.close()
        super().closeEvent(event)


def _kept(entry: dict[str, Any]) -> dict[str, Any]:
    """The part of a breakpoint that is remembered."""
    return specification(entry) | ({"enabled": False} if entry.get("enabled") is False else {})


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
        words.append(f"{a} and {b} first differ in {event.get('kind', '')} {where}, {result.get('tensor')}{at}"
                     f" (step {event.get('step', '?')}): {' and '.join(f'{v:.6g}' for v in result.get('values') or ())}.")  # fmt: skip
    if result.get("losses"):
        first, second = result["losses"]
        words.append(f"The losses part at step {result['step']}: {first:.6g} and {second:.6g}.")
    return " ".join(words)
