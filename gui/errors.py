"""Errors of the window's own: logged with their traceback, told in the message bar, and not fatal."""

from __future__ import annotations

import logging
import sys
import threading
import time
import traceback
from types import TracebackType

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtWidgets import QApplication, QDialog, QDialogButtonBox, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from gui.context import Context
from gui.message_bar import MessageBar

#: Seconds in which the same error is told once only: one in a paint event comes back with every frame.
_ONCE = 10.0


class Errors(QObject):
    """Tells what no code of the window has caught, in whatever thread; :meth:`install` makes Python hand it over.

    PyQt ends the process at an exception in a slot that nobody catches; with this it goes on.
    """

    _caught = pyqtSignal(str, str)

    def __init__(self, context: Context, messages: MessageBar, window: QWidget) -> None:
        super().__init__(window)
        self._context, self._messages, self._window = context, messages, window
        self._told: dict[str, float] = {}
        self._caught.connect(self._tell)

    def install(self) -> None:
        """Take over Python's hooks for exceptions."""
        sys.excepthook = self.handle
        threading.excepthook = lambda given: given.exc_value and self.handle(
            given.exc_type, given.exc_value, given.exc_traceback
        )

    def handle(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """Log and tell an exception; may be called in any thread."""
        if issubclass(kind, (KeyboardInterrupt, SystemExit)):
            return
        text = "".join(traceback.format_exception(kind, error, trace))
        frames = traceback.extract_tb(trace)
        place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
        now = time.monotonic()
        if now - self._told.get(f"{place} {kind.__name__}", -_ONCE) < _ONCE:
            return
        self._told[f"{place} {kind.__name__}"] = now
        logging.getLogger("gui").error("%s", text)
        self._caught.emit(_sentence(error, frames), text)

    def _tell(self, sentence: str, trace: str) -> None:
        self._messages.show_message(sentence, "error", [("Details", lambda: self.show_details(trace))], of_run=False)

    def show_details(self, trace: str) -> QDialog:
        """The traceback, to be read and copied."""
        theme = self._context.theme
        dialog = QDialog(self._window)
        dialog.setWindowTitle("An error of the window")
        hint = QLabel("The script and its process are not affected. Please report this with the text below.")
        hint.setObjectName("muted")
        hint.setWordWrap(True)
        text = QPlainTextEdit(trace)
        text.setReadOnly(True)
        text.setFont(theme.code_font("small"))
        text.setAccessibleName("Traceback")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = buttons.addButton("Copy", QDialogButtonBox.ButtonRole.ActionRole)
        if copy is not None and (clipboard := QApplication.clipboard()) is not None:
            copy.clicked.connect(lambda: clipboard.setText(trace))
        buttons.rejected.connect(dialog.reject)
        layout = QVBoxLayout(dialog)
        for widget in (hint, text, buttons):
            layout.addWidget(widget)
        dialog.resize(theme.space(720), theme.space(420))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        return dialog


def _sentence(error: BaseException, frames: traceback.StackSummary) -> str:
    """What has failed, and where, in one line."""
    where = f" in {frames[-1].name} ({frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno})" if frames else ""
    words = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"Something in the window failed{where}: {words}. The script is not affected; please report this."
