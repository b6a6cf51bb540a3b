"""What the script writes, and what the debugger says."""

from __future__ import annotations

import re
from collections import deque
from typing import Any

from PyQt6.QtGui import QTextCharFormat, QTextCursor
from PyQt6.QtWidgets import QPlainTextEdit, QToolButton

from gui.context import Context
from gui.icons import set_icon
from gui.panels.panel import Panel
from gui.theme import Theme
from gui.timers import single_shot

#: Lines that are kept, and characters of a line that are shown: to lay out millions would hold up the window.
_LINES, _LONGEST = 5000, 10_000
#: Characters that are written in one go, before the window has its turn; and that may wait for a turn, for more arrives than
#: can be laid out: of more the oldest are left out.
_AT_ONCE, _MOST = 20_000, 400_000
_CUT = f" … (cut: a line of more than {_LONGEST:,} characters)"
_TOO_LONG = re.compile(f"([^\\n]{{{_LONGEST}}})[^\\n]+")

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
        self._waiting: deque[tuple[str, str]] = deque()
        self._held = ""
        self._turn = single_shot(self, 0, self._write_on)
        self._formats: dict[str, QTextCharFormat] = {}
        self._clear = QToolButton()
        self._clear.setToolTip("Clear the output")
        self._clear.setAccessibleName("Clear the output")
        self._clear.clicked.connect(self._forget)
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
            self._forget()
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

    def _forget(self) -> None:
        self._waiting.clear()
        self._held = ""
        self.text.clear()

    def _write(self, category: str, text: str) -> None:
        self._written = True
        self._waiting += [(category, text[at : at + _AT_ONCE]) for at in range(0, len(text), _AT_ONCE)]
        while len(self._waiting) > 1 and sum(len(waiting) for _, waiting in self._waiting) > _MOST:
            self._waiting.popleft()
        if not self._turn.isActive():
            self._write_on()

    def _write_on(self) -> None:
        """Write what has waited longest, and the rest when the window has had its turn."""
        if self._waiting:
            self._put(*self._waiting.popleft())
        if self._waiting:
            self._turn.start()

    def _put(self, category: str, text: str) -> None:
        # What a carriage return at the end means, only what comes behind it tells.
        text, self._held = self._held + text.removesuffix("\r"), "\r" * text.endswith("\r")
        bar = self.text.verticalScrollBar()
        follow = bar is None or bar.value() >= bar.maximum() - 2
        cursor = QTextCursor(self.text.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        # A carriage return writes over its line, as progress bars do.
        for i, part in enumerate(text.replace("\r\n", "\n").split("\r")):
            if i:
                cursor.movePosition(QTextCursor.MoveOperation.StartOfBlock, QTextCursor.MoveMode.KeepAnchor)
                cursor.removeSelectedText()
            line = cursor.block().length() - 1  # what is written goes on in it
            cursor.insertText(_shortened(part, line), self._formats.get(category, QTextCharFormat()))
        if follow and bar is not None:
            bar.setValue(bar.maximum())


def _shortened(text: str, line: int) -> str:
    """What is shown of ``text``, which goes on in a line of ``line`` characters."""
    if text.count("\n") > _LINES:
        text = "\n" + "\n".join(text.rsplit("\n", _LINES)[1:])
    first, end, rest = text.partition("\n")
    if line + len(first) > _LONGEST:
        first = "" if line > _LONGEST else first[: _LONGEST - line] + _CUT
    return first + end + _TOO_LONG.sub(lambda found: found[1] + _CUT, rest)


PANEL = OutputPanel
