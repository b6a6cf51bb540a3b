"""What the script writes, and what the debugger says."""

from __future__ import annotations

from typing import Any

from PyQt6.QtGui import QTextCharFormat, QTextCursor
from PyQt6.QtWidgets import QPlainTextEdit, QToolButton

from gui.context import Context
from gui.icons import set_icon
from gui.panels.panel import Panel
from gui.theme import Theme

_LINES = 5000

_NOTHING = "What the script prints appears here; so far it has printed nothing.\n\nStep on (F10), or run it (F5)."
_ENDED = "The script has ended without printing anything here."
_CLEARED = "What the script prints from here on appears here."


class OutputPanel(Panel):
    """The script's stdout and stderr; the newest line stays in sight unless one has scrolled up."""

    key = "output"
    title = "Output"
    area = "left-bottom"
    empty_text = "What the script prints appears here.\n\nOpen a script (Ctrl+O) and run it (F5)."
    needs_stop = False

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setMaximumBlockCount(_LINES)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setAccessibleName("Output of the script")
        #: Whether anything has been written since the script began; the list may have been cleared then.
        self._written = False
        self._formats: dict[str, QTextCharFormat] = {}
        self._clear = QToolButton()
        self._clear.setToolTip("Clear the output")
        self._clear.setAccessibleName("Clear the output")
        self._clear.clicked.connect(self.text.clear)
        self.head.add_control(self._clear)
        self.set_content(self.text)
        self.apply_theme(context.theme)
        context.link.output.connect(self._write)
        context.link.starting.connect(self._starting)
        self._say_why_empty()

    def apply_theme(self, theme: Theme) -> None:
        self.text.setFont(theme.code_font("small"))
        set_icon(self._clear, "clear", theme)
        for category, color in {
            "stdout": theme.ink, "stderr": theme.phase_text["alarm"], "console": theme.phase_text["forward"],
        }.items():  # fmt: skip
            self._formats.setdefault(category, QTextCharFormat()).setForeground(color)

    def show_stop(self, stop: dict[str, Any] | None) -> None:
        self._say_why_empty()
        self.show_content()

    def show_running(self) -> None:
        self._say_why_empty()

    def _starting(self, what: str) -> None:
        if what and self.state.stop is None:
            self.text.clear()
            self._written = False
            self.text.setPlaceholderText(f"{what} …")
        else:
            self._say_why_empty()

    def _say_why_empty(self) -> None:
        """Write where nothing else is what will stand there, and how to get there."""
        stop = self.state.stop
        if stop is None:
            text = self._begins or self.empty_text
        elif self._written:
            text = _CLEARED
        else:
            text = _ENDED if stop.get("reason") in ("end", "exited") else _NOTHING
        self.text.setPlaceholderText(text)

    def _write(self, category: str, text: str) -> None:
        self._written = True
        bar = self.text.verticalScrollBar()
        follow = bar is None or bar.value() >= bar.maximum() - 2
        cursor = QTextCursor(self.text.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        # A carriage return writes over its line, as progress bars do.
        for i, part in enumerate(text.replace("\r\n", "\n").split("\r")):
            if i:
                cursor.movePosition(QTextCursor.MoveOperation.StartOfBlock, QTextCursor.MoveMode.KeepAnchor)
                cursor.removeSelectedText()
            cursor.insertText(part, self._formats.get(category, QTextCharFormat()))
        if follow and bar is not None:
            bar.setValue(bar.maximum())


PANEL = OutputPanel
