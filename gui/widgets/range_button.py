"""``RangeButton``: which range the colours of a map have, and what shares it, in one small menu."""

from __future__ import annotations

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtGui import QAction, QActionGroup
from PyQt6.QtWidgets import QToolButton

from gui.widgets.menu import Menu

#: Ranges of colours: key -> (texts of the button, also in little room, text of the menu, tooltip).
RANGES = {
    "symmetric": (("symmetric", "± m"), "Symmetric: −m to m", "Colours from −m to m, m at least the greatest magnitude"),
    "min-max": (("min–max", "min–max"), "Min to max",
                "Colours from the least to the greatest number; zero keeps the background"),
    "robust": (("robust", "99 %"), "Robust: without the outermost 1 %",
               "Colours from −m to m without the outermost 1 % on either side"),
}  # fmt: skip

#: What has a range of its own: key -> (text of the menu, tooltip).
SHARES = {
    "maps": ("Shared by the maps of a tensor", "All maps of a tensor have one range: they can be compared with each other"),
    "own": ("Each map its own", "Each map of a grid has the range of its own numbers: weak maps can be seen, too"),
    "tensors": ("Shared by all tensors looked at",
                "One range for every tensor that is shown from now on: tensors and steps can be compared"),
}  # fmt: skip


class RangeButton(QToolButton):
    """A button that names the range and opens the menu.

    Signals:
        chosen(): the user has chosen another range, or another sharing.
    """

    chosen = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Range of the colours")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setProperty("choice", True)
        self._menu = Menu(self)
        self._menu.setToolTipsVisible(True)
        self._modes = self._group({key: (text, tip) for key, (_, text, tip) in RANGES.items()})
        self._menu.addSeparator()
        self._shares = self._group(SHARES)
        self.setMenu(self._menu)
        self._short = False
        self.set("symmetric", "maps")

    @property
    def mode(self) -> str:
        """A key of :data:`RANGES`."""
        return self._picked(self._modes)

    @property
    def share(self) -> str:
        """A key of :data:`SHARES`."""
        return self._picked(self._shares)

    def set(self, mode: object = None, share: object = None) -> None:
        """Choose without saying so; what is no key changes nothing."""
        for group, wanted in ((self._modes, mode), (self._shares, share)):
            for action in group.actions():
                if action.data() == wanted:
                    action.setChecked(True)
        self._name()

    def choose(self, mode: str | None = None, share: str | None = None) -> None:
        """Choose as the user does."""
        self.set(mode, share)
        self.chosen.emit()

    def set_short(self, short: bool) -> None:
        """Name the range in as little room as there can be, or in full."""
        self._short = short
        self._name()

    def width_with(self, short: bool) -> int:
        """Pixels that the button takes with the short text, or with the long one."""
        texts = RANGES[self.mode][0]
        by = self.fontMetrics().horizontalAdvance(texts[short]) - self.fontMetrics().horizontalAdvance(self.text())
        return self.sizeHint().width() + by

    def _group(self, choices: dict[str, tuple[str, str]]) -> QActionGroup:
        group = QActionGroup(self)
        for key, (text, tip) in choices.items():
            action = QAction(text, group)
            action.setToolTip(tip)
            action.setCheckable(True)
            action.setData(key)
            self._menu.addAction(action)
        group.triggered.connect(self._triggered)
        return group

    def _picked(self, group: QActionGroup) -> str:
        action = group.checkedAction()
        return str(action.data()) if action is not None else ""

    def _triggered(self) -> None:
        self._name()
        self.chosen.emit()

    def _name(self) -> None:
        if self.mode and self.share:
            texts, _, tip = RANGES[self.mode]
            self.setText(texts[self._short])
            self.setToolTip(f"{tip}.\n{SHARES[self.share][1]}.")
