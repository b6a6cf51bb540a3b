"""What every panel is given: the state, the link to the engine process, the theme, the settings, the actions.

Who fills the state: :mod:`gui.following` sets ``stop``, ``running``, ``progress``, ``runs``, ``curves``, ``findings``
and ``graph`` from what the link says, and moves the selection with the stop. Panels set ``selection``, ``contributors``,
``level``, ``breakpoints``, ``watchpoints`` and ``statistics``.
"""

from __future__ import annotations

from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtGui import QAction

from gui.state import State
from gui.theme import Theme


class Context(QObject):
    """``context.state``, ``.link``, ``.theme``, ``.settings`` (a mapping that is saved) and :meth:`action`.

    Signals:
        theme_changed: there is another ``theme`` now.
        said(text, severity, about): what the message bar shows; see :meth:`say`.
        unsaid(about): what was said about that does not hold any more.
        panel_wanted(key): a panel is to be brought to the front.
        edit_wanted: the selected element is to be given another value.
    """

    theme_changed = pyqtSignal()
    said = pyqtSignal(str, str, str)
    unsaid = pyqtSignal(str)
    panel_wanted = pyqtSignal(str)
    edit_wanted = pyqtSignal()

    def __init__(self, state: State, link: Any, theme: Theme, settings: Any, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state = state
        self.link = link
        self.theme = theme
        self.settings = settings
        self._actions: dict[str, QAction] = {}

    def set_theme(self, theme: Theme) -> None:
        """Show everything in another theme or text size."""
        self.theme = theme
        self.theme_changed.emit()

    def say(self, text: str, severity: str = "info", about: str = "") -> None:
        """Show a message: what happened, where, and what to do. It outlives the script that is open.

        Args:
            severity: "info", "warning" or "error".
            about: what it is about, such as a file: the next message about the same takes its place.
        """
        self.said.emit(text, severity, about)

    def unsay(self, about: str) -> None:
        """What was said about this does not hold any more."""
        self.unsaid.emit(about)

    def want_panel(self, key: str) -> None:
        """Bring a panel to the front."""
        self.panel_wanted.emit(key)

    def want_edit(self) -> None:
        """Ask for another value of the selected element, in the panel that shows its number."""
        self.panel_wanted.emit("tensor")
        self.edit_wanted.emit()

    def add_action(self, name: str, action: QAction) -> QAction:
        """Make an action known under a name."""
        self._actions[name] = action
        return action

    def action(self, name: str) -> QAction:
        """The window's action of that name (see :mod:`gui.actions`); one without effect where there is no window."""
        if name not in self._actions:
            self._actions[name] = QAction(name.replace("_", " ").capitalize(), self)
        return self._actions[name]
