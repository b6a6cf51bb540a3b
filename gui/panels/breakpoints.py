"""All breakpoints: of lines, ops and modules, watchpoints, and those at exceptions, which are always in the list."""

from __future__ import annotations

from typing import Any

from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QShowEvent
from PyQt6.QtWidgets import QMenu, QToolButton, QVBoxLayout, QWidget

from gui.breakpoints import KINDS, Entry, breakpoints_of, changed_entry
from gui.context import Context
from gui.panels.panel import Panel
from gui.places import places_of
from gui.theme import Theme
from gui.widgets.breakpoint_editor import BreakpointEditor
from gui.widgets.breakpoint_form import BreakpointForm
from gui.widgets.breakpoint_list import NON_FINITE, NOT_SET, BreakpointList, Row, row_of, rows_of
from gui.widgets.code_view import source_font
from gui.widgets.hint import Hint
from gui.widgets.menu import Menu


class BreakpointsPanel(Panel):
    """A box switches one on and off, Enter edits its condition, Delete removes it."""

    key = "breakpoints"
    title = "Breakpoints"
    area = "left-bottom"
    empty_text = (
        "Places where the script stops.\n\nClick left of a line number in the Code panel (F9), or choose + for an op, "
        "a module, or numbers that go wrong."
    )
    needs_stop = False

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._points = breakpoints_of(context)
        self.tree = BreakpointList()
        # Later: the list is made anew then, and its item is still in use now.
        self.tree.switched.connect(self._switch, Qt.ConnectionType.QueuedConnection)  # pyright: ignore[reportCallIssue]
        self.tree.chosen.connect(self._chosen)
        self.tree.edited.connect(self.edit)
        self.tree.removed.connect(self.remove)
        self.tree.customContextMenuRequested.connect(self._show_menu)
        self.form = BreakpointForm(self.theme)
        self.form.made.connect(self._made)
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self.hint = Hint(self.empty_text)
        layout.addWidget(self.tree, 1)
        layout.addWidget(self.hint, 1)
        layout.addWidget(self.form)
        self.set_content(content)
        self.add = QToolButton()
        self.add.setText("+")
        self.add.setAccessibleName("Add a breakpoint")
        self.add.setToolTip("Stop at an op or a module, or when numbers go wrong; lines: click left of the line number (F9)")
        self.add.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.add.setMenu(self._add_menu())
        self.head.add_control(self.add)
        self._points.changed.connect(self._show_list)

    # ---- the list ----

    def rows(self) -> list[tuple[Row, Entry]]:
        """All breakpoints, as in the list."""
        return rows_of(self._points, sorted(self.state.breakpoints))

    def show_stop(self, stop: dict[str, Any] | None) -> None:
        self._show_list()

    def showEvent(self, event: QShowEvent | None) -> None:
        super().showEvent(event)
        self._show_list()

    def _show_list(self) -> None:
        if not self.isVisible():
            return
        rows = self.rows()
        self.tree.show_rows(rows, self.theme)
        count = sum(row.has_gates for row, _ in rows)
        self.head.set_subject(f"{count} set" if count else "")
        self._show_hint(count == 0 and not self.form.isVisibleTo(self))
        self.show_content()

    def _show_hint(self, on: bool) -> None:
        """How breakpoints are set, below the boxes that are always there."""
        self.hint.setText(self._begins or self.empty_text)
        self.hint.setVisible(on)
        self.tree.fit_rows(on)

    def _starts(self, what: str) -> None:
        super()._starts(what)
        self.hint.setText(self._begins or self.empty_text)

    # ---- changing ----

    def change(self, row: Row, **changes: Any) -> None:
        """Give a breakpoint other fields; empty ones are taken away."""
        if row.kind == "line":
            entry = self._points.lines(row.path)[row.number]
            self._points.change_line(row.path, entry["line"], **changes)
        elif row.number == NOT_SET:
            self._points.add(row.kind, changed_entry(NON_FINITE, changes))
        else:
            entries = list(self._points.entries(row.kind))
            entries[row.number] = changed_entry(entries[row.number], changes)
            self._points.set_entries(row.kind, entries)

    def remove(self, row: Row) -> None:
        """Remove a breakpoint; a box that is always there is switched off."""
        if row.kind == "exception":
            self._switch(row, False)
        elif row.number == NOT_SET:
            return
        elif row.kind == "line":
            self._points.set_lines(row.path, _without(self._points.lines(row.path), row.number))
        else:
            self._points.set_entries(row.kind, _without(self._points.entries(row.kind), row.number))

    def remove_all(self) -> None:
        """Remove all breakpoints."""
        for path in list(self.state.breakpoints):
            self._points.set_lines(path, [])
        for kind in KINDS:
            if kind == "exception" or self._points.entries(kind):
                self._points.set_entries(kind, [])

    def _switch(self, row: Row, on: bool) -> None:
        self.change(row, enabled=None if on else False)

    def _chosen(self, row: Row) -> None:
        if row.kind == "line":
            places_of(self.context).show_line(row.path, self._points.lines(row.path)[row.number]["line"])
        elif row.has_gates:
            self.edit(row)

    def edit(self, row: Row, field: str = "condition") -> BreakpointEditor:
        """Open the editor of a breakpoint's condition, hit count and log message."""
        entries = self._points.lines(row.path) if row.kind == "line" else self._points.entries(row.kind)
        done = lambda changes: self.change(row, **changes)  # noqa: E731
        editor = BreakpointEditor(self.theme, entries[row.number], done, self, self.state.stop)
        editor.open_at(self.tree.mapToGlobal(QPoint(24, 24)), field)
        return editor

    def _made(self, kind: str, entry: Entry) -> None:
        self._points.add(kind, entry)

    def open_form(self, kind: str) -> None:
        """Show the form for a breakpoint on "op", "module" or "watch"."""
        self._show_hint(False)
        self.form.open(kind)

    # ---- menus ----

    def _add_menu(self) -> QMenu:
        menu = Menu(self)
        for kind, text in (("op", "At an op…"), ("module", "At a module…"), ("watch", "When numbers go wrong…")):
            action = menu.addAction(text)
            if action is not None:
                action.triggered.connect(lambda _=False, kind=kind: self.open_form(kind))
        return menu

    def _show_menu(self, place: QPoint) -> None:
        item, viewport = self.tree.itemAt(place), self.tree.viewport()
        if item is not None and viewport is not None:
            self.menu(row_of(item)).popup(viewport.mapToGlobal(place))
        elif viewport is not None:
            self.customContextMenuRequested.emit(viewport.mapTo(self, place))

    def menu(self, row: Row) -> QMenu:
        """What can be done with a breakpoint."""
        menu = Menu(self)

        def add(text: str, call: Any) -> None:
            action = menu.addAction(text)
            if action is not None:
                action.triggered.connect(lambda _=False: call())

        if row.has_gates:
            for field, text in (
                ("condition", "Condition…\tEnter"),
                ("hitCondition", "Hit count…"),
                ("logMessage", "Log point…"),
            ):
                add(text, lambda field=field: self.edit(row, field))
            menu.addSeparator()
            add("Remove\tDelete", lambda: self.remove(row))
        add("Remove all", self.remove_all)
        return menu

    # ---- the rest ----

    def apply_theme(self, theme: Theme) -> None:
        self.tree.setFont(source_font(theme))
        if (header := self.tree.header()) is not None:
            header.setStyleSheet(f"QHeaderView::section {{ font-size: {theme.point_size('small')}pt; }}")
        self.add.setFont(theme.text_font("head"))
        self.form.apply_theme(theme)
        self.hint.apply_theme(theme)
        self._show_list()


def _without(entries: list[Entry], number: int) -> list[Entry]:
    return [entry for i, entry in enumerate(entries) if i != number]


PANEL = BreakpointsPanel
