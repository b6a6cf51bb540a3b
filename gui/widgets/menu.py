"""``Menu``: a menu whose entries have letters."""

from __future__ import annotations

from PyQt6.QtGui import QShowEvent
from PyQt6.QtWidgets import QMenu, QWidget

from gui.letters import mark_actions


class Menu(QMenu):
    """A QMenu that gives each entry a letter of its own when it is shown."""

    def __init__(self, title: str | QWidget | None = None, parent: QWidget | None = None) -> None:
        if isinstance(title, str):
            super().__init__(title, parent)
        else:
            super().__init__(title if title is not None else parent)

    def showEvent(self, a0: QShowEvent | None) -> None:
        # Not when it is about to show: others fill it then.
        mark_actions(self.actions())
        super().showEvent(a0)
