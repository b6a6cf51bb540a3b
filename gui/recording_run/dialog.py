"""The dialog "Run as GIF or MP4": what is recorded, from where to where, how fast and how large; and its progress."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PyQt6.QtCore import QEvent, QObject, Qt, pyqtSignal
from PyQt6.QtGui import QIcon
from PyQt6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)  # fmt: skip

from gui.context import Context
from gui.numbers import plural
from gui.recording_run.encoders import NO_MP4, available
from gui.recording_run.journey import Route
from gui.recording_run.recording import Picture, Recording, even

#: Levels of stops, as the user reads them.
LEVELS = (("op", "every op"), ("batch", "every batch"), ("step", "every optimizer step"))

FORMATS = (("gif", "GIF, plays anywhere"), ("mp4", "MP4 (H.264), smaller and sharper"))


class RecordDialog(QDialog):
    """Asks, records, and closes itself when the file is written.

    Args:
        pictures: by title what can be recorded; the first is proposed.
        ask_where: asks for the file's name, given "gif" or "mp4"; "" is none.

    Signals:
        recorded(path, note): the file is there; ``note`` says why it is shorter than was wanted.
        refused(problem): nothing was written, and why.
    """

    recorded = pyqtSignal(str, str)
    refused = pyqtSignal(str)

    def __init__(
        self, context: Context, pictures: Mapping[str, Callable[[], Picture]], ask_where: Callable[[str], str],
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._context, self._pictures, self._ask_where = context, pictures, ask_where
        self.recording: Recording | None = None
        self._path, self._note = "", ""
        self._cancelled = self._stuck = False
        context.link.silent.connect(self._silent)
        context.link.answering.connect(self._answering)
        self.setWindowTitle("Export the run as GIF or MP4")
        self.setModal(True)
        if parent is not None:
            parent.installEventFilter(self)
        stop = context.state.stop or {}
        done = int(stop.get("step") or 0)
        self.what = _choice("What is recorded", [(title, title) for title in pictures])
        self.level = _choice("Pictures", LEVELS)
        self.following = QRadioButton("the next")
        self.following.setAccessibleName("The next pictures from here on")
        self.following.setChecked(True)
        self.count = _number("How many pictures", 40, 1, 10_000)
        self.between = QRadioButton("from the end of step")
        self.between.setAccessibleName("From one step to another")
        self.between.setEnabled(done > 0)
        self.between.setToolTip("" if done else "No step has been done yet: run some batches first")
        self._ranges = QButtonGroup(self)
        for button in (self.following, self.between):
            self._ranges.addButton(button)
        self.first = _number("First step", max(1, done - 9), 1, max(done, 1))
        self.last = _number("Last step", max(done, 1), 1, max(done, 1))
        self.rate = _number("Pictures a second", 4, 1, 50)
        self.width_ = _number("Width in pixels", 1280, 160, 3840, 2)
        self.format = _choice("Format", FORMATS)
        self.note = QLabel()
        self.note.setObjectName("muted")
        self.note.setWordWrap(True)
        self.note.setAccessibleName("What the recording will be")
        self.progress = QProgressBar()
        self.progress.setAccessibleName("Progress of the recording")
        self.progress.hide()
        self._form = QWidget()
        self._assemble()
        self.go = QPushButton("Record…")
        self.go.setAccessibleName("Record")
        self.go.clicked.connect(self._begin)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.buttons.addButton(self.go, QDialogButtonBox.ButtonRole.ActionRole)
        self.buttons.rejected.connect(self.reject)
        for button in self.buttons.buttons():
            button.setIcon(QIcon())  # some desktops put one there
        layout = QVBoxLayout(self)
        layout.setSpacing(12)
        for widget in (self._form, self.note, self.progress, self.buttons):
            layout.addWidget(widget)
        self.go.setDefault(True)  # only in the dialog does it stay so when the focus comes back from another button
        self.setMinimumWidth(context.theme.space(440))
        for box in (self.what, self.level, self.format):
            box.currentIndexChanged.connect(self._describe)
        for number in (self.count, self.first, self.last, self.rate, self.width_):
            number.valueChanged.connect(self._describe)
        self.between.toggled.connect(self._describe)
        self.what.currentIndexChanged.connect(self._propose_width)
        self._propose_width()
        self._describe()

    def _assemble(self) -> None:
        form = QFormLayout(self._form)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("What", self.what)
        form.addRow("Pictures", self.level)
        form.addRow("From", _row(self.following, self.count, QLabel("from here on")))
        form.addRow("", _row(self.between, self.first, QLabel("to that of step"), self.last))
        form.addRow("Speed", _row(self.rate, QLabel("pictures a second")))
        form.addRow("Width", _row(self.width_, QLabel("pixels")))
        form.addRow("Format", self.format)
        for number in (self.rate, self.width_):  # the row that the label belongs to takes no focus
            label = form.labelForField(number.parentWidget())
            if isinstance(label, QLabel):
                label.setBuddy(number)

    # ---- what is asked ----

    @property
    def route(self) -> Route:
        """The stops that are chosen."""
        level = self.level.currentData()
        if self.following.isChecked():
            return Route(level, count=self.count.value())
        first, last = sorted((self.first.value(), self.last.value()))
        return Route(level, first=first, last=last)

    def _propose_width(self) -> None:
        self.width_.setValue(even(self._pictures[self.what.currentData()]().size).width())

    def _describe(self) -> None:
        """How long the recording will be, or why it cannot be made."""
        missing = not available(self.format.currentData())
        self.go.setEnabled(not missing)
        for number, used in ((self.count, self.following), (self.first, self.between), (self.last, self.between)):
            number.setEnabled(used.isChecked())
        size = self._pictures[self.what.currentData()]().size
        width = self.width_.value()
        shape = f"{width} × {even(size.scaled(width, 10**6, Qt.AspectRatioMode.KeepAspectRatio)).height()} pixels"
        route, rate = self.route, self.rate.value()
        total = route.count or (route.last - route.first + 1 if route.level == "step" else 0)
        length = f"{total} {plural(total, 'picture')}, {total / rate:.1f} s" if total else "A picture of every stop"
        self.note.setText(NO_MP4 if missing else f"{length}, {shape}. The run returns to where it stands now.")

    # ---- recording ----

    def _begin(self) -> None:
        kind = self.format.currentData()
        path = self._ask_where(kind)
        if path:
            self.record(path)

    def record(self, path: str) -> None:
        """Record to a file."""
        self._path = path
        picture = self._pictures[self.what.currentData()]()
        kind, rate, width = self.format.currentData(), self.rate.value(), self.width_.value()
        self.recording = Recording(self._context, picture, self.route, path, kind, rate, width, self)
        self.recording.moved.connect(self._moved)
        self.recording.writing.connect(self._writing)
        self.recording.ended.connect(self._ended)
        self._form.setEnabled(False)
        self.go.setEnabled(False)
        self.progress.setRange(0, 0)
        self.progress.show()
        self.note.setText("Going to the first picture …")
        self.recording.begin()

    def _moved(self, done: int, total: int) -> None:
        self.progress.setRange(0, total)
        self.progress.setValue(done)
        self.note.setText(f"Picture {done} of {total}" if total else f"Picture {done}")

    def _writing(self, note: str) -> None:
        self._note = note
        self.progress.setRange(0, 0)
        self.note.setText("Writing the file, and going back to where the run stood …")

    def _ended(self, problem: str) -> None:
        self.recording = None
        if not problem:
            self.recorded.emit(self._path, self._note)
        elif problem != "cancelled":
            self.refused.emit(problem)
        super().reject()

    def reject(self) -> None:
        """Esc and Cancel: while it records, end that first and go back; once more, or where nothing answers, stay there."""
        if self.recording is None:
            super().reject()
        elif self._cancelled or self._stuck:
            self._abandon()
            super().reject()
        else:
            self._cancelled = True
            self.recording.cancel()
            self.note.setText("Cancelled; going back to where the run stood … Cancel once more to stay here.")

    def _abandon(self) -> None:
        recording, self.recording = self.recording, None
        if recording is not None:
            recording.close()

    def _silent(self, _kind: str) -> None:
        self._stuck = True
        if self.recording is not None:  # else the window says it itself, and can be used
            self.note.setText("The engine process does not answer. Wait, or Cancel: then it can be ended in the window.")

    def _answering(self) -> None:
        self._stuck = False

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """The window is closed: nothing goes back any more, and nothing is written."""
        if watched is self.parent() and event is not None and event.type() == QEvent.Type.Close:
            self._abandon()
            self.close()
        return super().eventFilter(watched, event)


def _choice(name: str, entries: Any) -> QComboBox:
    box = QComboBox()
    box.setAccessibleName(name)
    for value, text in entries:
        box.addItem(text, value)
    return box


def _number(name: str, value: int, least: int, most: int, step: int = 1) -> QSpinBox:
    box = QSpinBox()
    box.setAccessibleName(name)
    box.setRange(least, most)
    box.setSingleStep(step)
    box.setValue(value)
    return box


def _row(*widgets: QWidget) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(8)
    for widget in widgets:
        layout.addWidget(widget)
    layout.addStretch(1)
    return row
