"""Menus that say what can be done with what is pointed at."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QMenu, QWidget

from gui.widgets.menu import Menu

#: A text (with its key behind a tab), what it does, and whether that can be done now.
Entry = tuple[str, Callable[[], object], bool]


def context_menu(parent: QWidget, entries: Iterable[Entry | None]) -> QMenu:
    """A menu of these entries, which is deleted when it closes; None stands for a line between them."""
    menu = Menu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    for entry in entries:
        if entry is None:
            menu.addSeparator()
            continue
        text, call, usable = entry
        action = QAction(text, menu)
        action.setEnabled(usable)
        action.triggered.connect(lambda _checked=False, call=call: call())
        menu.addAction(action)
    return menu
