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

    Attributes:
        indent: the share of its width that indentation is drawn in.
    """

    def __init__(self, document: QTextDocument, theme: Theme) -> None:
        super().__init__(document)
        self.lines: list[list[Span]] = []
        self._formats: dict[str, QTextCharFormat] = {}
        self._indent: QTextCharFormat | None = None
        self.indent = 1.0
        self.set_theme(theme)

    def set_text(self, text: str) -> None:
        """Find the tokens of ``text``, which the document is about to get."""
        self.lines = spans(text)

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        self._formats = _formats(theme)
        self.rehighlight()

    def set_indent(self, share: float) -> None:
        """Draw what is left of the code of every line in this share of its width."""
        if share == self.indent:
            return
        self.indent, self._indent = share, None
        if share != 1:
            self._indent = QTextCharFormat()
            self._indent.setFontLetterSpacingType(QFont.SpacingType.PercentageSpacing)
            self._indent.setFontLetterSpacing(100 * share)
        self.rehighlight()

    def highlightBlock(self, text: str | None) -> None:
        number = self.currentBlock().blockNumber()
        if self._indent is not None and text and (indent := len(text) - len(text.lstrip())):
            self.setFormat(0, indent, self._indent)
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
