"""What an empty panel says: as much of it as there is room for."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QRect, Qt
from PyQt6.QtGui import QFontMetrics, QResizeEvent
from PyQt6.QtWidgets import QLabel

from gui.theme import Theme

#: Of the style sheet, around the text.
_PADDING = 16


class Hint(QLabel):
    """Words in the middle of an empty panel. Without room for all they become smaller, then their paragraphs stand closer
    together, then the later ones are left out; the tooltip has the whole."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self._whole = ""
        self._theme: Theme | None = None
        self.setObjectName("empty")
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setWordWrap(True)
        self.setMinimumSize(1, 1)
        self.setText(text)

    def text(self) -> str:
        """The whole text."""
        return self._whole

    def setText(self, text: str | None) -> None:
        if text != self._whole:
            self._whole = text or ""
            self._fit()

    def apply_theme(self, theme: Theme) -> None:
        """Take on the theme's fonts."""
        self._theme = theme
        self._fit()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent | None) -> None:
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.ParentChange:
            self._fit()

    def _fit(self) -> None:
        shown, font = self._whole, self.font()
        if self._theme is not None:
            paragraphs = self._whole.split("\n\n")
            body, small = self._theme.text_font(), self._theme.text_font("small")
            tries = [(body, "\n\n", len(paragraphs)), (small, "\n\n", len(paragraphs))]
            tries += [(small, "\n", count) for count in range(len(paragraphs), 0, -1)]
            for font, between, count in tries:
                shown = between.join(paragraphs[:count])
                if self._fits(shown, QFontMetrics(font)):
                    break
        if shown != QLabel.text(self):
            QLabel.setText(self, shown)
        if font != self.font():
            self.setFont(font)
        fits = self._fits(shown, QFontMetrics(font))
        self.setToolTip("" if fits and shown == self._whole else self._whole)

    def _fits(self, text: str, metrics: QFontMetrics) -> bool:
        width, height = self.width() - 2 * _PADDING, self.height() - 2 * _PADDING
        needed = metrics.boundingRect(QRect(0, 0, max(width, 1), 10_000), int(Qt.TextFlag.TextWordWrap), text)
        return needed.height() <= height and needed.width() <= width
