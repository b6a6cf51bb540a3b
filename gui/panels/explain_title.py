"""``ExplainTitle``: the name of the number that is explained, and its value."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QFontMetrics, QResizeEvent
from PyQt6.QtWidgets import QBoxLayout, QHBoxLayout, QLabel, QWidget

from gui.theme import Theme

#: A value for which there is room at least: from step to step neither size nor place of what is written changes.
_USUAL = "-0.01234"


class ExplainTitle(QWidget):
    """In little room the value is written smaller, then the name without spaces; where even that has no room, the value
    stands below the name.
    """

    def __init__(self, theme: Theme, name: QLabel, value: QLabel) -> None:
        super().__init__()
        self._theme, self._name, self._value = theme, name, value
        self._whole = ""
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(12)
        self._row.addWidget(name, 0, Qt.AlignmentFlag.AlignBottom)
        self._row.addStretch(1)
        self._row.addWidget(value, 0, Qt.AlignmentFlag.AlignBottom)
        self.setMinimumWidth(1)
        self.apply_theme(theme)

    def show_number(self, name: str, value: str) -> None:
        """Show another number."""
        self._whole = name
        self._value.setText(value)
        self._fit()

    def apply_theme(self, theme: Theme) -> None:
        """Take on fonts."""
        self._theme = theme
        self._name.setFont(theme.code_font("head", bold=True))
        self._fit()

    def resizeEvent(self, a0: QResizeEvent | None) -> None:
        super().resizeEvent(a0)
        self._fit()

    def _fit(self) -> None:
        large, small = (self._theme.code_font(size, bold=True) for size in ("title", "head"))
        close = self._whole.replace(" ", "")
        ways = ((self._whole, large), (self._whole, small), (close, small))
        for name, font in ways:
            beside = QFontMetrics(small).horizontalAdvance(name) + self._row.spacing()
            value = max(QFontMetrics(font).horizontalAdvance(text) for text in (self._value.text(), _USUAL))
            if beside + value <= self.width():
                direction = QBoxLayout.Direction.LeftToRight
                break
        else:
            (name, font), direction = ways[0], QBoxLayout.Direction.TopToBottom
        if name != self._name.text():
            self._name.setText(name)
        if font != self._value.font():
            self._value.setFont(font)
        if direction != self._row.direction():
            self._row.setDirection(direction)
