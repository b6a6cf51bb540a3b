"""The selector of runs in the toolbar; in its place a field for another name of the current one."""

from __future__ import annotations

import html
from typing import Any

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QResizeEvent
from PyQt6.QtWidgets import QComboBox, QLineEdit, QMenu, QStyle, QStyleOptionComboBox, QWidget

from gui.context import Context
from gui.widgets.context_menu import context_menu
from gui.widgets.elided_choice import ElidedChoice

#: Characters of a run's name that are always shown, and that are shown where there is room.
_SHOWN, _MOST = 8, 30


class _NameField(QLineEdit):
    """A name while it is typed. Return takes it, and so does going elsewhere; Esc does not.

    Signals:
        done(str): it is over; with the text, or with an empty one where nothing is to change.
    """

    done = pyqtSignal(str)

    def __init__(self, parent: QWidget, name: str) -> None:
        super().__init__(name, parent)
        self.setAccessibleName("Name of the run")
        self.setToolTip("Return takes the name, Esc leaves the old one")
        self.selectAll()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is not None and event.key() == Qt.Key.Key_Escape:
            self.done.emit("")
        elif event is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.done.emit(self.text().strip())
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent | None) -> None:
        super().focusOutEvent(event)
        if event is not None and event.reason() != Qt.FocusReason.PopupFocusReason:  # its own context menu
            self.done.emit(self.text().strip())


class RunChoice(ElidedChoice):
    """Shows the runs of the state; choosing one makes it current, F2 gives the current one another name."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self.setAccessibleName("Current run")
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(_SHOWN)
        self.activated.connect(self._chosen)
        self._room = 0
        self._field: _NameField | None = None
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

    # ---- another name ----

    def rename(self) -> None:
        """Let another name be typed for the current run."""
        run = self._context.state.current_run
        if not run or self._context.state.restoring or self._field is not None:
            return
        self._field = field = _NameField(self, run["name"])

        def done(name: str) -> None:
            if self._field is not field:
                return
            self._field = None
            if field.hasFocus():
                self.setFocus()
            field.deleteLater()
            if name not in ("", run["name"]):
                self._context.link.rename(run["number"], name)

        field.done.connect(done)
        field.setGeometry(self.rect())
        field.show()
        field.setFocus()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is not None and event.key() == Qt.Key.Key_F2:
            self.rename()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent | None) -> None:
        if event is not None:
            self.menu().popup(event.globalPos())

    def menu(self) -> QMenu:
        """What can be done with the runs."""
        rename, compare = self._context.action("rename"), self._context.action("compare")
        return context_menu(self, (("Rename this run…\tF2", rename.trigger, rename.isEnabled()),
                                   ("Compare runs…", compare.trigger, compare.isEnabled())))  # fmt: skip

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        if self._field is not None:
            self._field.setGeometry(self.rect())

    # ---- what is shown ----

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
        self.setEnabled(bool(runs))
        name = f"<br>Now: {html.escape(self.currentText())}" if runs else ""
        self.setToolTip(
            "<b>Run</b><br>The run that the panels show. Another one begins when a value is edited (a fork) or when the "
            f"script is restarted with other parameters. F2 gives it another name{name}"
        )
