"""Source in little room: indentation drawn narrower, how far to scroll sideways, and marks where lines are cut."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QFontMetrics, QFontMetricsF, QPainter, QRegion, QTextBlock, QTextLine

from gui.widgets.gutter import tint

if TYPE_CHECKING:
    from gui.widgets.code_view import CodeView

#: Share of its width that indentation is drawn in, by the characters that there is room for at least.
_SHARES = ((46, 1.0), (28, 0.5), (0, 0.25))

#: Characters of a line's code that must be seen, and the share of the room that they take at most.
_READABLE, _MOST = 20, 0.6

#: In the place of a line's number: below all that are seen.
_BELOW = -1


def indent_share(width: int, metrics: QFontMetrics) -> float:
    """The share of its width that indentation is drawn in, where lines have ``width`` pixels; none, or fewer, where the
    gutter has them all.
    """
    room = max(0, width) / max(1, metrics.horizontalAdvance("m"))
    return next(share for least, share in _SHARES if room >= least)


def scroll_for(view: CodeView, number: int) -> int:
    """How far to scroll sideways for line ``number`` (from 0): not at all where enough of its code can be seen so, since
    that cuts the beginnings of the lines around it; else until it can be, by whole indentations.
    """
    document, viewport = view.document(), view.viewport()
    if document is None or viewport is None:
        return 0
    block = document.findBlockByNumber(number)
    line = _line_of(view, block)
    if line is None:
        return 0
    text = block.text()
    spans = view.highlighter.lines[number] if number < len(view.highlighter.lines) else []
    if spans and spans[-1].kind == "comment" and text[: spans[-1].start].strip():
        text = text[: spans[-1].start]  # what stands behind the code may be cut
    text, char, margin = text.rstrip(), _letter(view), document.documentMargin()
    begin, end = _x(line, len(text) - len(text.lstrip())), _x(line, len(text))
    room = viewport.width() - margin
    least = min(end, begin + min(_READABLE * char, _MOST * room)) - room
    if least <= 0:
        return 0
    step = 4 * char * view.highlighter.indent
    # Over the margin: else a rest of a letter would be seen.
    return round(min(step * math.ceil(least / step) + margin, begin) - 1)


class Cuts:
    """Puts an ellipsis at the side where a line has more text than can be seen, and leaves out one of which only the upper
    part can be. Where they stand is looked for again when something has moved.
    """

    def __init__(self, view: CodeView) -> None:
        self._view = view
        self._place: tuple | None = None
        self._found: list[tuple[int, QRectF]] = []
        #: What lines are cut by, and for each that was seen so far where: they scroll up and down without a change of it.
        self._side: tuple | None = None
        self._known: dict[int, list[QRectF]] = {}

    def paint(self, painter: QPainter, area: QRegion) -> None:
        """Paint those in ``area``."""
        view, viewport, document = self._view, self._view.viewport(), self._view.document()
        if viewport is None or document is None:
            return
        shift, size = view.contentOffset(), viewport.size()
        first, indent = view.firstVisibleBlock().blockNumber(), view.highlighter.indent
        place = first, shift.x(), shift.y(), size, view.font(), indent, document.revision(), view.numbers
        if place != self._place:
            self._place = place
            side = shift.x(), size.width(), view.font(), indent, document.revision(), view.highlighter.lines
            if side != self._side:
                self._side = side
                self._known.clear()
            self._found = list(self._seen(-shift.x(), size.width(), size.height()))
        tints = {mark.line: tint(mark) for mark in reversed(view.marks)}
        painter.setFont(view.font())
        painter.setPen(view.theme.muted)
        for number, box in self._found:
            if not area.intersects(box.toAlignedRect()):
                continue
            painter.fillRect(box, view.theme.panel)
            if number == _BELOW:
                continue
            if (ground := tints.get(view.line_of(number))) is not None:
                painter.fillRect(box, ground)
            side = Qt.AlignmentFlag.AlignLeft if box.x() > 0 else Qt.AlignmentFlag.AlignRight
            painter.drawText(box, side | Qt.AlignmentFlag.AlignVCenter, "…")

    def _seen(self, scrolled: float, width: int, height: int) -> Iterator[tuple[int, QRectF]]:
        """The lines that are cut, from 0, and where their ellipses stand; last what is seen of a line only in part."""
        view = self._view
        char, block, shift = _letter(view), view.firstVisibleBlock(), view.contentOffset()
        while block.isValid():
            rect = view.blockBoundingGeometry(block).translated(shift)
            if rect.bottom() > height + 1 and rect.top() > 0:
                yield _BELOW, rect
                return
            number = block.blockNumber()
            if number not in self._known:
                line = _line_of(view, block)
                self._known[number] = [] if line is None else _cuts(block, line, scrolled, width, char)
            for box in self._known[number]:
                yield number, QRectF(box.x(), rect.top(), box.width(), rect.height())
            block = block.next()


def _cuts(block: QTextBlock, line: QTextLine, scrolled: float, width: int, char: float) -> list[QRectF]:
    """Where a line's ellipses stand, over whole letters; without heights."""
    text, boxes = block.text(), []
    first, last = len(text) - len(text.lstrip()), len(text.rstrip())
    if _x(line, first) < scrolled - 1 and _x(line, last) > scrolled:
        place = next(i for i in range(first, last + 1) if i == last or _x(line, i) >= scrolled + char)
        boxes.append(QRectF(0, 0, _x(line, place) - scrolled, 0))
    if _x(line, last) > scrolled + width + 1 and _x(line, first) < scrolled + width:
        place = line.xToCursor(scrolled + width - char, QTextLine.CursorPosition.CursorOnCharacter)
        left = _x(line, max(place, first)) - scrolled
        boxes.append(QRectF(left, 0, width - left, 0))
    return boxes


def _line_of(view: CodeView, block: QTextBlock) -> QTextLine | None:
    """How a line of source is laid out; None where it is blank."""
    if not block.isValid() or not block.text().strip():
        return None
    view.blockBoundingRect(block)  # lays it out where it has changed
    layout = block.layout()
    return layout.lineAt(0) if layout is not None and layout.lineCount() else None


def _letter(view: CodeView) -> float:
    """How wide a letter is."""
    return QFontMetricsF(view.font()).horizontalAdvance("m")


def _x(line: QTextLine, column: int) -> float:
    """Where a column begins, in the text."""
    return float(line.cursorToX(column)[0])
