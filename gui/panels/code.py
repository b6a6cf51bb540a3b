"""The script with the line where it stands; while an element is stepped, that element's definition."""

from __future__ import annotations

import html
import os
from typing import Any

from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QShowEvent
from PyQt6.QtWidgets import QComboBox, QLabel, QMenu, QStackedWidget, QToolTip, QVBoxLayout, QWidget

from gui.breakpoints import breakpoints_of
from gui.context import Context
from gui.panels.code_files import Files
from gui.panels.code_menu import edit_line, line_menu
from gui.panels.code_tips import problem_tip, thumbnail, thumbnail_plan, value_tip
from gui.panels.panel import Panel
from gui.places import places_of
from gui.steps import begins
from gui.theme import Theme
from gui.thread_grid import ThreadGrid
from gui.widgets.breakpoint_editor import BreakpointEditor
from gui.widgets.code_view import CodeView
from gui.widgets.element_view import ElementView
from gui.widgets.find_bar import FindBar
from gui.widgets.gutter import Mark


class CodePanel(Panel):
    """One file at a time, with scroll and caret kept for each; it is the one of the stop until another is chosen."""

    key = "code"
    title = "Code"
    area = "left"
    empty_text = (
        "The script appears here with the line where it stands.\n\nOpen a script (Ctrl+O), then step with F10 and F11; "
        "a click left of a line number sets a breakpoint (F9)."
    )
    needs_stop = False

    def __init__(self, context: Context) -> None:
        places_of(context)  # hears of stops before the panel does
        super().__init__(context)
        self.files = QComboBox()
        self.files.setAccessibleName("File")
        self.files.setToolTip("Files in which the script has stopped")
        self.files.activated.connect(self._file_chosen)
        self.files.hide()
        self.head.add_control(self.files)
        self.note = QLabel()
        self.note.setObjectName("note")
        self.note.setWordWrap(True)
        self.note.setContentsMargins(8, 4, 8, 4)
        self.note.setTextFormat(Qt.TextFormat.RichText)
        self.note.setAccessibleName("Note about the file")
        self.note.linkActivated.connect(self._note_clicked)
        self.note.hide()
        self.view = CodeView(self.theme)
        self.view.setAccessibleName("Source of the script")
        self.view.breakpoint_toggled.connect(self._toggle)
        self.view.line_menu_wanted.connect(self._show_menu)
        self.view.hovered.connect(self._hover)
        self.view.left.connect(self._end_hover)
        self.search = FindBar(self.view)
        self.element = ElementView(self.theme)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.view)
        self.pages.addWidget(self.element)
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.note)
        layout.addWidget(self.search)
        layout.addWidget(self.pages, 1)
        self.set_content(content)
        self.path: str | None = None
        self._program: str | None = None
        self._places: dict[str, tuple[int, int]] = {}
        self._files = Files(self._ask_source, self)
        self._files.changed.connect(self._show_note)
        self._breakpoints = breakpoints_of(context)
        self._breakpoints.changed.connect(self._show_breakpoints)
        self.state.subscribe(("program", "runs"), self._program_changed)
        self.state.subscribe("script", self._script_known)
        places_of(context).line_wanted.connect(self.open_line)
        for name, call in (
            ("breakpoint", lambda: self.isVisible() and self._toggle(self.view.caret_line())),
            ("find", self.find_text), ("find_next", lambda: self.isVisible() and self.search.go()),
            ("find_previous", lambda: self.isVisible() and self.search.go(backwards=True)),
            ("go_to_line", lambda: self.find_text(":")),
        ):  # fmt: skip
            context.action(name).triggered.connect(lambda _=False, call=call: call())

    # ---- stops ----

    def show_stop(self, stop: dict[str, Any] | None) -> None:
        if stop is None:
            self._show_program()
            return
        if stop.get("element") and stop.get("level") == "element":
            self._show_element(stop)
            return
        self.pages.setCurrentWidget(self.view)
        if begins(stop):
            self._reload_changed()
        path = stop.get("file") or self.path or self.state.program
        if path:
            self._open(str(path), lambda: self._mark(stop))
        else:
            self.show_empty()

    def show_running(self) -> None:
        self.pages.setCurrentWidget(self.view)
        self.view.set_marks(())
        if self.path is None and self.state.program and os.path.isfile(self.state.program):
            self._open(self.state.program, lambda: self._show_subject(None))
        self._show_subject(None)

    def _mark(self, stop: dict[str, Any]) -> None:
        """Mark the line of the stop, and the forward's line where it is a backward's."""
        if self.state.running:
            self._show_subject(None)
            return
        marks = []
        phase = self.theme.phase
        hue = phase["alarm"] if stop.get("kind") == "exception" else phase[self.theme.direction(stop)]
        line = stop.get("line")
        here = bool(stop.get("file")) and _same(stop["file"], self.path)
        if line and here:
            marks.append(Mark(line, hue))
        origin = stop.get("origin")
        if origin and _same(origin[0], self.path) and origin[1] != line:
            marks.append(Mark(origin[1], hue, solid=False))
        self.view.set_marks(tuple(marks))
        if line and here:
            self.view.show_line(line)
            self.view.set_caret(line)
        self._show_subject(stop)

    def _show_subject(self, stop: dict[str, Any] | None) -> None:
        name = os.path.basename(self.path or "")
        if self.state.running:
            self.head.set_subject("running: pause (F6) to see the line")
            return
        line = (stop or {}).get("line")
        origin = (stop or {}).get("origin")
        place = f":{line}" if line and _same((stop or {}).get("file"), self.path) else ""
        source = f" · op of line {origin[1]}" if origin and origin[1] != line else ""
        if self.files.count() > 1:  # the choice beside it names the file
            name, place = "", f"line {line}" if place else ""
        self.head.set_subject(f"{name}{place}{source}", brief=f"{name}{place}" if source else "")

    # ---- elements ----

    def _show_element(self, stop: dict[str, Any]) -> None:
        element = stop["element"]
        self.pages.setCurrentWidget(self.element)
        self.note.hide()
        key = (element.get("file"), stop.get("op"), stop.get("direction"), stop.get("tensor"))
        index = ", ".join(map(str, stop.get("index") or ()))
        name = f"{stop.get('tensor')}[{index}]" if index else str(stop.get("tensor"))
        # Lines as they are carried out, one of a loop each time; a "step" is one of the training.
        step = f"line {element['step'] + 1} of {element['steps']}{' or more' if element.get('truncated') else ''}"
        launch = element.get("launch")
        thread = f" · {ThreadGrid(launch).title.lower()}" if launch else ""  # of the GPU that computed it
        briefs = (f"{name} · {step}{thread}", f"{name} · {step}")
        self.head.set_subject(f"{name} · {element['function']} · {step}{thread}", brief=briefs)
        hue = self.theme.phase[self.theme.direction(stop)]
        if self.element.has_source(key):
            self.element.show_step(element, hue)
            return
        reference = {"event": stop.get("seq"), "name": stop.get("tensor")}
        arguments = {"reference": reference, "index": stop.get("index") or [], "count": 1}

        def answered(body: dict[str, Any]) -> None:
            self.element.set_source(key, body["source"])
            self.element.show_step(element, hue)

        self.ask("element", "elementSteps", arguments, answered)

    # ---- files ----

    def _program_changed(self) -> None:
        if self.state.program != self._program:
            # The files of the script before are no choice any more.
            self._program = self.state.program
            self.files.clear()
            self.files.hide()
        if self.isVisible() and self.state.stop is None:
            self._show_program()

    def _show_program(self) -> None:
        """Before the first stop: the script, so that breakpoints can be set."""
        self.pages.setCurrentWidget(self.view)
        self.view.set_marks(())
        if self.state.program and os.path.isfile(self.state.program):
            self._open(self.state.program, lambda: self._show_subject(None))
        else:
            self.head.set_subject("")
            self.show_empty()

    def _open(self, path: str, then: Any) -> None:
        """Show a file and call ``then()``; later, where the engine has to be asked for its text."""

        def read(real: str) -> None:
            self._show_file(real)
            then()

        self._files.read(path, read)

    def _ask_source(self, path: str, then: Any) -> None:
        self.ask("source", "source", {"path": path}, lambda body: then(body["content"]))

    def _show_file(self, path: str) -> None:
        self.show_content()
        if path == self.path:
            self._choose_file()
            return
        bar = self.view.verticalScrollBar()
        assert bar is not None
        if self.path is not None:
            self._places[self.path] = (bar.value(), self.view.caret_line())
        self.path = path
        self.view.set_source(self._files.text(path))
        self.view.setAccessibleName(f"Source of {os.path.basename(path)}")
        self._show_breakpoints()
        scroll, caret = self._places.get(path, (0, 1))
        self.view.set_caret(caret)
        bar.setValue(scroll)
        self._choose_file()

    def _choose_file(self) -> None:
        """The file that is shown is one of those to choose from."""
        if self.files.findData(self.path) < 0:
            self.files.addItem(os.path.basename(self.path or ""), self.path)
        self.files.setCurrentIndex(self.files.findData(self.path))
        self.files.setVisible(self.files.count() > 1)
        self._show_note()

    def _file_chosen(self, _index: int) -> None:
        stop = self.state.stop or {}
        self._open(str(self.files.currentData()), lambda: self._mark(stop))

    def open_line(self, path: str, line: int) -> None:
        """Show a line of a file."""

        def found() -> None:
            self.pages.setCurrentWidget(self.view)
            self.view.show_line(line)
            self.view.set_caret(line)

        self._open(path, found)

    def find_text(self, text: str = "") -> None:
        """Open the line in which a text to find, or ``:`` and a line, is written."""
        self.context.want_panel("code")
        if self.path is not None:
            self.pages.setCurrentWidget(self.view)
            self.search.open(text)

    def _show_note(self) -> None:
        changed = self._files.is_stale(self.path) and self.pages.currentWidget() is self.view
        if changed:
            name = html.escape(os.path.basename(self.path or ""))
            again = "<a href='reload'>Show the new text</a>."
            if self.state.stop is not None:
                again = "<a href='restart'>Restart</a> to run the new text."
            what = f"{name} has been changed on disk; the run and this view still have the old text. {again}"
            if self._files.is_gone(self.path):
                what = f"{name} is not on disk any more (deleted, or moved); the run and this view still have its text."
            self.note.setText(what)
        self.note.setVisible(changed)

    def _note_clicked(self, link: str) -> None:
        if link == "restart":
            self.context.link.restart()
        else:
            self._reload_changed()

    def _reload_changed(self) -> None:
        """A run begins: it has read the files as they are now."""
        stale = self._files.is_stale(self.path)
        self._files.forget_stale()
        if stale:
            self._show_anew()
        self._show_note()

    def _script_known(self) -> None:
        """The current run has this text of the script; another run may have had another."""
        program, text = self.state.program, self.state.script
        if program is None or text is None:
            return
        path = self._files.take(program, text)
        if path is not None and path == self.path:
            self._show_anew()
            if self.state.stop is not None and self.pages.currentWidget() is self.view:
                self._mark(self.state.stop)
        self._show_note()

    def _show_anew(self) -> None:
        """The file that is shown has another text than it had."""
        if self.path is not None:
            path, self.path = self.path, None
            bar = self.view.verticalScrollBar()
            self._places[path] = (bar.value() if bar is not None else 0, self.view.caret_line())
            self._open(path, lambda: None)

    # ---- breakpoints ----

    def _show_breakpoints(self) -> None:
        if self.path is not None:
            self.view.set_breakpoints({entry["line"]: entry for entry in self._breakpoints.lines(self.path)})

    def _toggle(self, line: int) -> None:
        if self.path is not None and self.pages.currentWidget() is self.view:
            self._breakpoints.toggle(self.path, line)

    def _show_menu(self, line: int, place: QPoint) -> None:
        if self.path is not None:
            self.menu(line, place).popup(place)

    def menu(self, line: int, place: QPoint) -> QMenu:
        """What can be done with a line."""
        return line_menu(self.context, self, self.path or "", line, place)

    def edit_breakpoint(self, line: int, place: QPoint, field: str) -> BreakpointEditor:
        """Open the editor of the breakpoint of a line."""
        return edit_line(self.context, self, self.path or "", line, place, field)

    # ---- hovering ----

    def _hover(self, expression: str, line: int, place: QPoint) -> None:
        if self.state.stop is None or self.state.running:
            self._end_hover()
            return

        def show(body: dict[str, Any], picture: str = "") -> None:
            QToolTip.showText(place, value_tip(expression, body, self.theme, picture), self.view)

        def refused(message: str) -> None:
            QToolTip.showText(place, problem_tip(expression, message, self.theme), self.view)

        def answered(body: dict[str, Any]) -> None:
            plan = thumbnail_plan((body.get("tensor") or {}).get("shape") or ())
            if plan is None:
                show(body)
                return
            reference = {"expression": expression, **({"frameId": frame} if frame is not None else {})}

            def drawn(numbers: dict[str, Any]) -> None:
                if tuple(numbers["shape"]) == plan.cut.shape:  # else the script has gone on since
                    show(body, thumbnail(plan, numbers, self.theme))

            self.ask("hover", "tensor", plan.arguments(reference), drawn, lambda _: show(body))

        frame = places_of(self.context).frame if self.state.stop.get("live") else None
        arguments: dict[str, Any] = {"expression": expression, "context": "hover"}
        if frame is not None:
            arguments["frameId"] = frame
        self.ask("hover", "evaluate", arguments, answered, refused)

    def _end_hover(self) -> None:
        """What is still asked of the name before would be shown where the mouse is no more."""
        self.context.link.forget((self.key, "hover"))
        QToolTip.hideText()

    # ---- the rest ----

    def apply_theme(self, theme: Theme) -> None:
        self.view.apply_theme(theme)
        self.element.apply_theme(theme)
        self.search.apply_theme(theme)
        self.note.setFont(theme.text_font())
        self.files.setFont(theme.text_font("small"))
        if self.state.stop is not None and not self.state.running:
            self.show_stop(self.state.stop)

    def showEvent(self, event: QShowEvent | None) -> None:
        super().showEvent(event)
        self._show_breakpoints()

    def save(self) -> dict[str, Any]:
        bar = self.view.verticalScrollBar()
        return {"path": self.path, "scroll": bar.value() if bar is not None else 0}

    def restore(self, saved: dict[str, Any]) -> None:
        if isinstance(saved.get("path"), str) and isinstance(saved.get("scroll"), int):
            self._places[saved["path"]] = (saved["scroll"], 1)


def _same(a: Any, b: Any) -> bool:
    return bool(a) and bool(b) and (a == b or os.path.realpath(str(a)) == os.path.realpath(str(b)))


PANEL = CodePanel
