"""The selector of runs in the toolbar."""

from __future__ import annotations

import html
from typing import Any

from PyQt6.QtCore import QSize
from PyQt6.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox

from gui.context import Context
from gui.widgets.elided_choice import ElidedChoice

#: Characters of a run's name that are always shown, and that are shown where there is room.
_SHOWN, _MOST = 8, 30


class RunChoice(ElidedChoice):
    """Shows the runs of the state; choosing one makes it current."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self.setAccessibleName("Current run")
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(_SHOWN)
        self.activated.connect(self._chosen)
        self._room = 0
        self._shown: list[tuple[Any, ...]] | None = None
        context.state.subscribe("runs", self._show)
        self._show()

    def widen(self, room: int) -> None:
        """Be up to so many pixels wider than at the least, if the current name wants them."""
        if room != self._room:
            self._room = max(0, room)
            self.updateGeometry()

    def sizeHint(self) -> QSize:
        least, style, option = super().sizeHint(), self.style(), QStyleOptionComboBox()
        self.initStyleOption(option)
        metrics = self.fontMetrics()
        wide = min(metrics.horizontalAdvance(self.currentText()) + 8, _MOST * metrics.horizontalAdvance("X"))
        if style is None:
            return least
        wanted = style.sizeFromContents(QStyle.ContentsType.CT_ComboBox, option, QSize(wide, metrics.height()), self)
        return QSize(min(max(wanted.width(), least.width()), least.width() + self._room), least.height())

    def _chosen(self, i: int) -> None:
        number = self.itemData(i)
        if number is not None and not self._context.state.runs[i]["current"]:
            self._context.link.switch(number)

    def _show(self) -> None:
        runs = self._context.state.runs
        shown = [(run["name"], run["number"], run["state"], run["current"]) for run in runs]
        if shown == self._shown:
            return
        self._shown = shown
        self.blockSignals(True)
        self.clear()
        for i, run in enumerate(runs):
            self.addItem(run["name"] + (" (lost)" if run["state"] == "lost" else ""), run["number"])
            if run["current"]:
                self.setCurrentIndex(i)
        if not runs:
            self.addItem("none")
        self.blockSignals(False)
        self.updateGeometry()
        self.setEnabled(len(runs) > 1)
        name = f"<br>Now: {html.escape(self.currentText())}" if runs else ""
        self.setToolTip(
            "<b>Run</b><br>The run that the panels show. Another one begins when a value is edited (a fork) or when the "
            f"script is restarted with other parameters{name}"
        )
