"""All breakpoints: of lines, ops and modules, and watchpoints."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from PyQt6.QtCore import QPoint, QRect, Qt, pyqtSignal
from PyQt6.QtGui import QIcon, QKeyEvent, QPainter, QPixmap, QShowEvent
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QMenu,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from gui.breakpoints import Entry, breakpoints_of, changed_entry, is_on
from gui.context import Context
from gui.panels.panel import Panel
from gui.places import places_of
from gui.theme import Theme
from gui.widgets.breakpoint_editor import BreakpointEditor
from gui.widgets.breakpoint_form import BreakpointForm, brief, sentence
from gui.widgets.code_view import source_font
from gui.widgets.gutter import draw_breakpoint
from gui.widgets.menu import Menu

KINDS = ("op", "module", "watch")


class Row(NamedTuple):
    """A breakpoint in the list: its kind, the file (of lines), its number among those of its kind (and file)."""

    kind: str
    path: str
    number: int


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

    _switched = pyqtSignal(object, bool)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._points = breakpoints_of(context)
        self.tree = _List(self)
        self.tree.itemChanged.connect(self._box_changed)
        # Later: the list is made anew then, and its item is still in use now.
        self._switched.connect(self._switch, Qt.ConnectionType.QueuedConnection)  # pyright: ignore[reportCallIssue]
        self.tree.itemDoubleClicked.connect(lambda item, _column: self._opened(item))
        self.tree.customContextMenuRequested.connect(self._show_menu)
        self.form = BreakpointForm(self.theme)
        self.form.made.connect(self._made)
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.tree, 1)
        layout.addWidget(self.form)
        self.set_content(content)
        self.add = QToolButton()
        self.add.setText("+")
        self.add.setAccessibleName("Add a breakpoint")
        self.add.setToolTip("Stop at an op or a module, or when numbers go wrong; lines: click left of the line number (F9)")
        self.add.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.add.setMenu(self._add_menu())
        self.head.add_control(self.add)
        self._showing = False
        self._points.changed.connect(self._show_list)

    # ---- the list ----

    def rows(self) -> list[tuple[Row, Entry]]:
        """All breakpoints, lines first."""
        found: list[tuple[Row, Entry]] = []
        for path in sorted(self.state.breakpoints):
            found += [(Row("line", path, i), entry) for i, entry in enumerate(self._points.lines(path))]
        for kind in KINDS:
            found += [(Row(kind, "", i), entry) for i, entry in enumerate(self._points.entries(kind))]
        return found

    def show_stop(self, stop: dict[str, Any] | None) -> None:
        self._show_list()

    def showEvent(self, event: QShowEvent | None) -> None:
        super().showEvent(event)
        self._show_list()

    def _show_list(self) -> None:
        if not self.isVisible():
            return
        current = self.tree.currentItem()
        chosen = current.data(0, Qt.ItemDataRole.UserRole) if current is not None else None
        rows = self.rows()
        self._showing = True
        self.tree.clear()
        for row, entry in rows:
            item = self._item(row, entry)
            self.tree.addTopLevelItem(item)
            if row == chosen:
                self.tree.setCurrentItem(item)
        self._showing = False
        self.head.set_subject(f"{len(rows)} set" if rows else "")
        if rows or self.form.isVisibleTo(self):
            self.show_content()
        else:
            self.show_empty()

    def _item(self, row: Row, entry: Entry) -> QTreeWidgetItem:
        hits = entry.get("hits", 0)
        gates = _gates(entry)
        item = QTreeWidgetItem([_where(row, entry), f"{hits:,}" if hits else ""])
        item.setData(0, Qt.ItemDataRole.UserRole, row)
        item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsUserCheckable)
        item.setCheckState(0, Qt.CheckState.Checked if is_on(entry) else Qt.CheckState.Unchecked)
        item.setIcon(0, self._icon(entry))
        item.setTextAlignment(1, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter))
        place = f"{row.path}, line {entry['line']}" if row.kind == "line" else f"Stops {sentence(row.kind, entry)}"
        item.setToolTip(1, f"It has stopped the script {hits:,} {'time' if hits == 1 else 'times'}")
        problem = str(entry.get("message", "")) if entry.get("verified") is False and is_on(entry) else ""
        if gates or problem:
            item.setText(0, f"{item.text(0)}   {problem or gates}")
        item.setToolTip(0, "\n".join(filter(None, [place, gates, str(entry.get("message", ""))])))
        if problem:
            item.setForeground(0, self.theme.phase_text["alarm"])
        if not is_on(entry):
            item.setForeground(0, self.theme.muted)
        return item

    def _icon(self, entry: Entry) -> QIcon:
        side = self.theme.space(16)
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(round(side * ratio), round(side * ratio))
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        draw_breakpoint(painter, QRect(0, 0, side, side), entry, self.theme)
        painter.end()
        return QIcon(pixmap)

    # ---- changing ----

    def change(self, row: Row, **changes: Any) -> None:
        """Give a breakpoint other fields; empty ones are taken away."""
        if row.kind == "line":
            entry = self._points.lines(row.path)[row.number]
            self._points.change_line(row.path, entry["line"], **changes)
        else:
            entries = list(self._points.entries(row.kind))
            entries[row.number] = changed_entry(entries[row.number], changes)
            self._points.set_entries(row.kind, entries)

    def remove(self, row: Row) -> None:
        """Remove a breakpoint."""
        if row.kind == "line":
            self._points.set_lines(row.path, _without(self._points.lines(row.path), row.number))
        else:
            self._points.set_entries(row.kind, _without(self._points.entries(row.kind), row.number))

    def remove_all(self) -> None:
        """Remove all breakpoints."""
        for path in list(self.state.breakpoints):
            self._points.set_lines(path, [])
        for kind in KINDS:
            if self._points.entries(kind):
                self._points.set_entries(kind, [])

    def _box_changed(self, item: QTreeWidgetItem, column: int) -> None:
        if not self._showing and column == 0:
            self._switched.emit(_row(item), item.checkState(0) == Qt.CheckState.Checked)

    def _switch(self, row: Row, on: bool) -> None:
        self.change(row, enabled=None if on else False)

    def _opened(self, item: QTreeWidgetItem) -> None:
        row = _row(item)
        if row.kind == "line":
            places_of(self.context).show_line(row.path, self._points.lines(row.path)[row.number]["line"])
        else:
            self.edit(row)

    def edit(self, row: Row, field: str = "condition") -> BreakpointEditor:
        """Open the editor of a breakpoint's condition, hit count and log message."""
        entries = self._points.lines(row.path) if row.kind == "line" else self._points.entries(row.kind)
        editor = BreakpointEditor(self.theme, entries[row.number], lambda changes: self.change(row, **changes), self)
        editor.open_at(self.tree.mapToGlobal(QPoint(24, 24)), field)
        return editor

    def _made(self, kind: str, entry: Entry) -> None:
        self._points.add(kind, entry)

    def open_form(self, kind: str) -> None:
        """Show the form for a breakpoint on "op", "module" or "watch"."""
        self.show_content()
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
            self.menu(_row(item)).popup(viewport.mapToGlobal(place))
        elif viewport is not None:
            self.customContextMenuRequested.emit(viewport.mapTo(self, place))

    def menu(self, row: Row) -> QMenu:
        """What can be done with a breakpoint."""
        menu = Menu(self)

        def add(text: str, call: Any) -> None:
            action = menu.addAction(text)
            if action is not None:
                action.triggered.connect(lambda _=False: call())

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
        self._show_list()


class _List(QTreeWidget):
    """The list's keys."""

    def __init__(self, panel: BreakpointsPanel) -> None:
        super().__init__()
        self._panel = panel
        self.setHeaderLabels(["Where", "Stops"])
        self.setAccessibleName("Breakpoints")
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setExpandsOnDoubleClick(False)
        header = self.header()
        assert header is not None
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        header.setMinimumSectionSize(40)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        item = self.currentItem()
        if event is not None and item is not None:
            if event.key() == Qt.Key.Key_Delete:
                self._panel.remove(_row(item))
                return
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._panel.edit(_row(item))
                return
        super().keyPressEvent(event)


def _row(item: QTreeWidgetItem) -> Row:
    return item.data(0, Qt.ItemDataRole.UserRole)


def _where(row: Row, entry: Entry) -> str:
    return f"{os.path.basename(row.path)}:{entry['line']}" if row.kind == "line" else brief(row.kind, entry)


def _gates(entry: Entry) -> str:
    parts = []
    if entry.get("condition"):
        parts.append(f"if {entry['condition']}")
    if entry.get("hitCondition"):
        parts.append(f"hit {entry['hitCondition']}")
    if entry.get("logMessage"):
        parts.append(f"log: {entry['logMessage']}")
    return " · ".join(parts)


def _without(entries: list[Entry], number: int) -> list[Entry]:
    return [entry for i, entry in enumerate(entries) if i != number]


PANEL = BreakpointsPanel
