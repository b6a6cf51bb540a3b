"""The menu bar, made of the table of actions, with the menus that change: recent scripts, samples, levels, panels."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from PyQt6.QtGui import QAction, QActionGroup, QIcon
from PyQt6.QtWidgets import QMenu, QMenuBar

from gui.actions import SPECS
from gui.context import Context
from gui.letters import mark_bar
from gui.samples import find_samples, short_path
from gui.stepping import CHOICES
from gui.widgets.menu import Menu

#: Actions that begin another group of their menu.
_GROUPS = frozenset({
    "start", "save_session", "export_png", "export_curves", "export_run", "close", "larger", "over", "back", "finer",
    "slower", "breakpoint", "compare", "undo", "theme", "motion", "layout", "next_panel", "issue",
})  # fmt: skip

#: Submenus that change: after which action each stands.
_AFTER = {
    "Open recent": "open", "Samples": "open", "Level": "coarser", "Theme": "theme", "Panels": "layout",
    "Go to panel": "layout",
}  # fmt: skip


class Menus:
    """Fills ``bar``; ``open_file(path)`` is called with a script that was chosen.

    Attributes:
        menus: by path, "File › Export".
    """

    def __init__(self, context: Context, bar: QMenuBar, open_file: Callable[[str], object]) -> None:
        self._context = context
        self._open = open_file
        self.menus: dict[str, QMenu] = {}
        for name, spec in SPECS.items():
            menu = self._menu(bar, spec.menu)
            if name in _GROUPS and not menu.isEmpty():
                menu.addSeparator()
            menu.addAction(context.action(name))
            for title in (title for title, after in _AFTER.items() if after == name):
                self._menu(bar, f"{spec.menu} › {title}")
        self._samples_known = False
        for title, fill in (("File › Open recent", self.fill_recent), ("File › Samples", self.fill_samples)):
            self.menus[title].aboutToShow.connect(lambda title=title, fill=fill: fill(self.menus[title]))
        mark_bar(bar)
        self._levels = self._add_levels(self.menus["Run › Level"])
        context.state.subscribe("level", self._show_level)

    def _menu(self, bar: QMenuBar, path: str) -> QMenu:
        if path not in self.menus:
            above, _, title = path.rpartition(" › ")
            parent = self._menu(bar, above) if above else bar
            menu = Menu(title, parent)
            parent.addMenu(menu)
            menu.setToolTipsVisible(True)
            menu.setAccessibleName(title)
            self.menus[path] = menu
        return self.menus[path]

    def add_panels(self, shown: Iterable[QAction], goes: Iterable[QAction]) -> None:
        """The panels: each shown or hidden, and gone to."""
        for title, actions in (("Panels", shown), ("Go to panel", goes)):
            menu = self.menus[f"View › {title}"]
            menu.clear()
            for action in actions:
                menu.addAction(action)

    def fill_recent(self, menu: QMenu) -> None:
        """Scripts that were opened, the newest first."""
        menu.clear()
        recent = [path for path in self._context.settings.get("recent", ()) if isinstance(path, str)]
        for path in (path for path in recent if os.path.isfile(path)):
            self._add_script(menu, os.path.basename(path), path, short_path(path))
        if menu.isEmpty():
            action = menu.addAction("Nothing yet")
            assert action is not None
            action.setEnabled(False)

    def fill_samples(self, menu: QMenu) -> None:
        """The scripts that are shipped."""
        if menu.isEmpty():
            for sample in find_samples():
                self._add_script(menu, sample.title, str(sample.path), sample.sentence)

    def _add_script(self, menu: QMenu, text: str, path: str, tip: str) -> None:
        action = menu.addAction(QIcon(), text.replace("&", "&&"))
        assert action is not None
        action.setToolTip(tip)
        action.triggered.connect(lambda: self._open(path))

    def _add_levels(self, menu: QMenu) -> dict[str, QAction]:
        group, found = QActionGroup(menu), {}
        for level in CHOICES:
            action = QAction(level.capitalize(), group)
            action.setCheckable(True)
            action.setToolTip(f"Let step over mean one {level}")
            action.triggered.connect(lambda _checked=False, level=level: self._context.state.update(level=level))
            menu.addAction(action)
            found[level] = action
        self._levels = found
        self._show_level()
        return found

    def _show_level(self) -> None:
        if action := self._levels.get(self._context.state.level):
            action.setChecked(True)
