"""What can be done with a line of the code: breakpoints, conditions, log points, running to it."""

from __future__ import annotations

from typing import Any

from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import QMenu, QWidget

from gui.breakpoints import breakpoints_of, is_on
from gui.context import Context
from gui.widgets.breakpoint_editor import BreakpointEditor
from gui.widgets.menu import Menu


def line_menu(context: Context, parent: QWidget, path: str, line: int, place: QPoint) -> QMenu:
    """The menu of a line; the editor that it may open appears at ``place``."""
    breakpoints = breakpoints_of(context)
    entry = breakpoints.at(path, line)
    menu = Menu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

    def add(text: str, call: Any) -> None:
        action = menu.addAction(text)
        if action is not None:
            action.triggered.connect(lambda _=False: call())

    add("Remove breakpoint\tF9" if entry else "Set breakpoint\tF9", lambda: breakpoints.toggle(path, line))
    if entry is not None:
        on = is_on(entry)
        turn = {"enabled": False} if on else {"enabled": None}
        add("Switch off" if on else "Switch on", lambda: breakpoints.change_line(path, line, **turn))
    menu.addSeparator()
    for field, text in (("condition", "Condition…"), ("hitCondition", "Hit count…"), ("logMessage", "Log point…")):
        add(text, lambda field=field: edit_line(context, parent, path, line, place, field))
    menu.addSeparator()
    run_to = {"line": line, "source": {"path": path}}
    add("Run to this line", lambda: context.link.move("runTo", **run_to))
    return menu


def edit_line(context: Context, parent: QWidget, path: str, line: int, place: QPoint, field: str) -> BreakpointEditor:
    """Open the editor of the breakpoint of a line, with the cursor in one of its fields."""
    breakpoints = breakpoints_of(context)
    done = lambda changes: breakpoints.change_line(path, line, **changes)  # noqa: E731
    editor = BreakpointEditor(context.theme, breakpoints.at(path, line) or {}, done, parent, context.state.stop)
    editor.open_at(place, field)
    return editor
