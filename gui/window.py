"""The window: start page or workspace under a toolbar, and what its actions do."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent
from PyQt6.QtWidgets import QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from gui.actions import Actions
from gui.breadcrumb import Breadcrumb
from gui.breakpoints import KINDS, breakpoints_of
from gui.context import Context
from gui.docks import Workspace
from gui.errors import Errors
from gui.exporting import Exporting
from gui.faults import ScriptOnDisk, Silence
from gui.first_paint import FirstPaint
from gui.following import Following
from gui.keyboard import Keyboard
from gui.looks import Looks
from gui.making import Making
from gui.menus import Menus
from gui.message_bar import MessageBar
from gui.panels.panel import Panel
from gui.remembering import Remembering
from gui.saved_sessions.reopening import Reopening
from gui.saved_sessions.saving import Saving, dropped_file
from gui.screens import Screens
from gui.scripts import Scripts
from gui.start_page import StartPage
from gui.state import LEVELS
from gui.status import StatusLine
from gui.stepping import CHOICES, FREE, Stepping
from gui.toolbar import Toolbar

#: Seconds that are waited for the engine process where nobody sees the window close.
_UNSEEN = 10.0


class Window(QMainWindow):
    """Everything around one session. ``context`` has a link, a state and settings; the theme is set here."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.setWindowTitle("Nablascope")
        self.setObjectName("window")
        context.setParent(self)
        self.workspace: Workspace | None = None
        self._focused: str | None = None
        self._wanted = False
        self.following = Following(context, self)
        self.keyboard = Keyboard(self)
        self.stepping = Stepping(context, self, lambda: self.keyboard.held)
        self.looks = Looks(context)
        self.messages = MessageBar(context)
        self.remembering = Remembering(context, self)
        self.scripts = Scripts(
            context, self, self.following, self.stepping, self.messages, self.remembering, self.open_workspace,
        )  # fmt: skip
        self.open, self.attach = self.scripts.open, self.scripts.attach
        self.exporting = Exporting(context, self, lambda: self.workspace)
        self.saving = Saving(context, self, self._panels)
        self.reopening = self.scripts.reopening = Reopening(
            context, self.messages, self.saving, self.open_workspace, self._panels, self.open
        )
        self.errors = Errors(context, self.messages, self)
        self.screens = Screens(self)
        self.silence = Silence(context, self.messages, self)
        self.script_on_disk = ScriptOnDisk(context, self.messages, self.scripts.restart, self)
        self.setAcceptDrops(True)
        self.actions_ = Actions(context, self, self._handlers())
        context.action("motion").setChecked(bool(context.settings.get("motion", True)))
        self.stepping.walking_changed.connect(self.actions_.set_walking)
        self.toolbar = Toolbar(context)
        self.status = StatusLine(context)
        self.start_page = StartPage(context, self.open)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.start_page)
        self.making = Making(
            context, self.pages, lambda: Breadcrumb(context, self._crumb_clicked), self._complete, FirstPaint(self).then,
            self,
        )  # fmt: skip
        self._assemble()
        self.remembering.restore_window()
        self._connect()
        self.start_page.setFocus()
        if problem := getattr(context.settings, "problem", ""):
            self.messages.show_message(problem, "warning", of_run=False)

    def _assemble(self) -> None:
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for widget, stretch in ((self.toolbar, 0), (self.pages, 1), (self.status, 0)):
            column.addWidget(widget, stretch)
        self.messages.covers.connect(self.status.leave)
        self.messages.lie_over(body, self.status)
        self.setCentralWidget(body)
        bar = self.menuBar()
        assert bar is not None
        bar.setAccessibleName("Menus")
        self.menu_bar = Menus(self.context, bar, self.open)
        self.menus = self.menu_bar.menus
        self.toolbar.set_open_menus(self.menu_bar.fill_recent, self.menu_bar.fill_samples)
        self.looks.add_themes(self.menus["View › Theme"])

    def _connect(self) -> None:
        context, link, state = self.context, self.context.link, self.context.state
        context.said.connect(self._say)
        context.unsaid.connect(self.messages.withdraw_about)
        context.theme_changed.connect(self.actions_.draw_icons)
        context.panel_wanted.connect(self.show_panel)
        link.failed.connect(self.scripts.refused)
        link.mended.connect(self.messages.withdraw)
        state.subscribe("program", self._program_changed)
        state.subscribe("stop", self._focus_code)

    def _handlers(self) -> dict[str, Any]:
        from gui.help import Help

        stepping, context, looks, scripts = self.stepping, self.context, self.looks, self.scripts
        exporting, self.help = self.exporting, Help(self.context, self)
        return {
            "open": scripts.choose_file, "open_as_torch": lambda: scripts.choose_file(True), "start": self.show_start,
            "attach": scripts.ask_attach, "quit": self.close,
            "close": self._close_script,
            "save_session": self.saving.save, "save_session_as": self.saving.save_as,
            "export_png": lambda: exporting.panel("png"), "export_svg": lambda: exporting.panel("svg"),
            "export_window": exporting.window, "export_window_2x": lambda: exporting.window(2.0),
            "export_curves": lambda: exporting.table("curves"), "export_layers": lambda: exporting.table("layers"),
            "export_run": exporting.run,
            "continue": stepping.go, "pause": stepping.pause, "stop": context.link.stop, "restart": scripts.restart,
            "over": stepping.over, "into": stepping.into, "out": stepping.out, "back": stepping.back,
            "reverse": stepping.go_back, "back_into": stepping.back_into, "back_out": stepping.back_out,
            "clear_breakpoints": self._clear_breakpoints,
            "finer": lambda: self._change_level(1), "coarser": lambda: self._change_level(-1),
            "slower": lambda: self._change_speed(-10), "faster": lambda: self._change_speed(10),
            "compare": scripts.compare, "rename": lambda: self.toolbar.runs.rename(),
            "undo": scripts.undo, "redo": scripts.redo,
            "larger": lambda: looks.change_scale(1), "smaller": lambda: looks.change_scale(-1),
            "text_reset": lambda: looks.set_scale(1.0), "theme": looks.next_theme, "motion": looks.change_motion,
            "layout": self._default_layout, "full_screen": self._full_screen,
            "next_panel": lambda: self._go_to_panel(1), "previous_panel": lambda: self._go_to_panel(-1),
            "keys": self.help.keys, "terms": self.help.terms, "about": self.help.about,
            "issue": self.help.copy_for_issue,
        }  # fmt: skip

    def _say(self, text: str, severity: str, about: str) -> None:
        self.messages.show_message(text, severity, of_run=False, about=about)

    def _focus_code(self) -> None:
        """At the first stop of a script the keys belong to its code."""
        stop, program = self.context.state.stop, self.context.state.program
        if stop is not None and self._focused != program and self.workspace is not None:
            self._focused = program
            self.workspace.give_focus("code")

    def _program_changed(self) -> None:
        self._focused = None
        program = self.context.state.program
        self.setWindowTitle(f"{os.path.basename(program)} – Nablascope" if program else "Nablascope")

    # ------------------------------------------------------------------------------------------------ pages and panels

    def show_nothing(self) -> None:
        """Show an empty page, for something is about to be opened."""
        self.pages.setCurrentIndex(self.pages.addWidget(QWidget()))

    def show_start(self) -> None:
        """Show the start page; the script stays as it is."""
        self._wanted = False
        self.start_page.rebuild()
        self.pages.setCurrentWidget(self.start_page)
        self.start_page.setFocus()

    def show_workspace(self) -> None:
        """Show the panels; they are made the first time."""
        if (workspace := self.making.now()) is not None:
            self.pages.setCurrentWidget(workspace)
            self._focus_code()

    def open_workspace(self, then: Callable[[], object] = lambda: None) -> None:
        """Show the panels once they are there, unless the start page is wanted by then, and call ``then()``: the window
        lives while they are made.
        """
        self._wanted = True
        self.making.then(lambda: (self._wanted and self.show_workspace(), then()))

    def show_panel(self, key: str) -> None:
        """Bring a panel to the front."""
        self.show_workspace()
        if self.workspace is not None:
            self.workspace.show_panel(key)

    def _complete(self, workspace: Workspace) -> None:
        """The panels have been made: put them where they were, and into the menus."""
        self.workspace = workspace
        for panel in workspace.panels.values():
            self.exporting.add_menu(panel)
        # Qt restores widths in proportion to the size of the moment: that of a widget in no layout yet is another one.
        workspace.resize(self.pages.size())
        if not self.remembering.restore_docks(workspace):
            QTimer.singleShot(0, lambda: workspace.arrange(workspace.fits_wide))
        self.menu_bar.add_panels(workspace.toggles(), workspace.goes)
        workspace.breadcrumb.come_after(self.toolbar.last)

    def _panels(self) -> dict[str, Panel]:
        return self.workspace.panels if self.workspace is not None else {}

    def _crumb_clicked(self, command: str, arguments: dict[str, Any]) -> None:
        self.stepping.halt()
        if (level := arguments.get("granularity")) in CHOICES:
            # One has stepped out to that level, and goes on there.
            self.context.state.update(level=level)
        self.context.link.move(command, **arguments)

    def _default_layout(self) -> None:
        self.show_workspace()
        if self.workspace is not None:
            self.workspace.arrange(self.workspace.fits_wide)

    def _go_to_panel(self, step: int) -> None:
        if self.workspace is not None and (key := self.workspace.beside(step)):
            self.workspace.show_panel(key)

    def _full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _close_script(self) -> None:
        self.scripts.close()
        self.show_start()

    # ------------------------------------------------------------------------------------------------ steps

    def _clear_breakpoints(self) -> None:
        breakpoints = breakpoints_of(self.context)
        for path in list(self.context.state.breakpoints):
            breakpoints.set_lines(path, [])
        for kind in KINDS:
            breakpoints.set_entries(kind, [])

    def _change_level(self, step: int) -> None:
        level = self.context.state.level
        at = CHOICES.index(level) if level in CHOICES else LEVELS.index("op") - 1
        self.context.state.update(level=CHOICES[min(max(at + step, 0), len(CHOICES) - 1)])

    def _change_speed(self, step: int) -> None:
        self.toolbar.speed.setValue(min(max(self.toolbar.speed.value() + step, 0), FREE))

    # ------------------------------------------------------------------------------------------------ dropped files

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        if event is not None and dropped_file(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        if event is not None and (path := dropped_file(event.mimeData())):
            event.acceptProposedAction()
            self.open(path)

    # ------------------------------------------------------------------------------------------------ ending

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is not None and event.key() == Qt.Key.Key_Escape and self.messages.isVisible():
            self.messages.leave()
        elif event is not None and event.key() == Qt.Key.Key_F6 and self.context.link.moving:
            # The action is not offered before the script has run for a blink.
            self.stepping.pause()
        else:
            super().keyPressEvent(event)

    def keep(self) -> None:
        """Write where the script stands, its breakpoints and watches, when the display is gone. No widget is asked for
        anything: without its display Qt may crash at that.
        """
        self.remembering.keep_breakpoints()
        self.saving.keep_place(_UNSEEN, seen=False)

    def closeEvent(self, event: QCloseEvent | None) -> None:
        self.stepping.halt()
        self.remembering.save()
        self.hide()
        self.making.stop()
        self.saving.keep_place()
        self.reopening.close()
        self.context.link.close()
        super().closeEvent(event)
