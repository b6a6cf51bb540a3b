"""Colours of Python source: quiet ones, since in this window the numbers and the phases are the colour."""

from __future__ import annotations

from PyQt6.QtGui import QColor, QFont, QSyntaxHighlighter, QTextCharFormat, QTextDocument

from gui.python_text import Span, spans
from gui.theme import Theme, mixed, readable


class PythonHighlighter(QSyntaxHighlighter):
    """Formats a document by Pygments' tokens, which are found once for the whole text.

    Args:
        document: the document; its text is set with :meth:`set_text`'s.
        theme: gives the colours.
    """

    def __init__(self, document: QTextDocument, theme: Theme) -> None:
        super().__init__(document)
        self.lines: list[list[Span]] = []
        self._formats: dict[str, QTextCharFormat] = {}
        self.set_theme(theme)

    def set_text(self, text: str) -> None:
        """Find the tokens of ``text``, which the document is about to get."""
        self.lines = spans(text)

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        self._formats = _formats(theme)
        self.rehighlight()

    def highlightBlock(self, text: str | None) -> None:
        number = self.currentBlock().blockNumber()
        for span in self.lines[number] if number < len(self.lines) else ():
            if (style := self._formats.get(span.kind)) is not None:
                self.setFormat(span.start, span.length, style)


def _formats(theme: Theme) -> dict[str, QTextCharFormat]:
    ratio = 7.0 if theme.name == "projector" else 4.5

    def style(color: QColor, bold: bool = False, italic: bool = False) -> QTextCharFormat:
        result = QTextCharFormat()
        result.setForeground(readable(color, (theme.panel,), ratio))
        if bold:
            result.setFontWeight(QFont.Weight.DemiBold)
        result.setFontItalic(italic)
        return result

    quiet = mixed(theme.ink, theme.accent, 0.65)
    warm = mixed(theme.ink, theme.phase["loss"], 0.5)
    green = mixed(theme.ink, theme.phase["update"], 0.55)
    return {
        "keyword": style(quiet, bold=True),
        "definition": style(theme.ink, bold=True),
        "builtin": style(quiet),
        "string": style(green),
        "number": style(warm),
        "comment": style(theme.muted),
        "cell": style(theme.muted, bold=True),
        "operator": style(mixed(theme.ink, theme.muted, 0.5)),
    }
