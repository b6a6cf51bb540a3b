"""``FindBar``: a line over source in which a text to find, or the number of a line, is written."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QWidget

from gui.theme import Theme
from gui.widgets.code_view import CodeView
from gui.widgets.controls import tool_button


class FindBar(QWidget):
    """Finds in ``view``. Enter: next; Shift+Enter: previous; Escape: close. ``:12`` goes to line 12."""

    def __init__(self, view: CodeView) -> None:
        super().__init__()
        self._view = view
        self.field = QLineEdit()
        self.field.setAccessibleName("Find in the code")
        self.field.setPlaceholderText("Find, or :line")
        self.field.setToolTip("Enter: next place. Shift+Enter: the one before. :12 goes to line 12. Escape closes.")
        self.field.textChanged.connect(lambda _: self._look(again=False))
        self.count = QLabel()
        self.count.setObjectName("muted")
        self.count.setAccessibleName("Which of the places found")
        previous = tool_button("‹", "Previous place", "The place before (Shift+F3)")
        following = tool_button("›", "Next place", "The next place (F3)")
        close = tool_button("✕", "Close the search", "Close (Escape)")
        previous.clicked.connect(lambda: self.go(backwards=True))
        following.clicked.connect(lambda: self.go())
        close.clicked.connect(self.close_bar)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 4, 4, 4)
        layout.setSpacing(4)
        layout.addWidget(self.field, 1)
        for widget in (self.count, previous, following, close):
            layout.addWidget(widget)
        self.hide()

    def open(self, text: str = "") -> None:
        """Show the bar, with the selected text or ``text`` in it."""
        selected = self._view.textCursor().selectedText()
        self.show()
        self.field.setText(text or (selected if "\u2029" not in selected else "") or self.field.text())
        self.field.setFocus()
        if text:
            self.field.end(False)
        else:
            self.field.selectAll()

    def close_bar(self) -> None:
        """Hide the bar; the place that was found stays selected."""
        self.hide()
        self._view.setExtraSelections([])
        self._view.setFocus()

    def go(self, backwards: bool = False) -> None:
        """To the next place, or to the line."""
        self._look(again=True, backwards=backwards)

    def _look(self, again: bool, backwards: bool = False) -> None:
        text = self.field.text()
        if text.startswith(":"):
            last = self._view.line_of(self._view.blockCount() - 1)
            number = int(text[1:]) if text[1:].isdecimal() else 0
            inside = self._view.line_of(0) <= number <= last
            if inside:
                self._view.show_line(number)
                self._view.set_caret(number)
            self.count.setText(f"line {number} of {last}" if inside else f"lines 1 to {last}")
            return
        place, count = self._view.find(text, backwards, again)
        self.count.setText(f"{place} of {count}" if count else "not found" if text else "")

    def apply_theme(self, theme: Theme) -> None:
        """Take on fonts."""
        self.field.setFont(theme.code_font())
        self.count.setFont(theme.text_font("small"))

    def keyPressEvent(self, a0: QKeyEvent | None) -> None:
        if a0 is not None and a0.key() == Qt.Key.Key_Escape:
            self.close_bar()
        elif a0 is not None and a0.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self.field.text().startswith(":"):
                self.close_bar()
            else:
                self.go(bool(a0.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        else:
            super().keyPressEvent(a0)
