"""Source in little room: indentation drawn narrower, how far to scroll sideways, and marks where lines are cut."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PyQt6.QtCore import QRect, QRectF, Qt
from PyQt6.QtGui import QFontMetrics, QFontMetricsF, QPainter, QTextBlock, QTextLine

from gui.widgets.gutter import tint

if TYPE_CHECKING:
    from gui.widgets.code_view import CodeView

#: Share of its width that indentation is drawn in, by the characters that there is room for at least.
_SHARES = ((46, 1.0), (28, 0.5), (0, 0.25))

#: Characters of a line's code that must be seen, and the share of the room that they take at most.
_READABLE, _MOST = 20, 0.6


def indent_share(width: int, metrics: QFontMetrics) -> float:
    """The share of its width that indentation is drawn in, where lines have ``width`` pixels."""
    room = width / max(1, metrics.horizontalAdvance("m"))
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


def paint_cuts(view: CodeView, painter: QPainter, area: QRect) -> None:
    """Put an ellipsis at the side where a line of ``area`` has more text than can be seen, and leave out one of which only
    the upper part can be.
    """
    viewport, bar = view.viewport(), view.horizontalScrollBar()
    if viewport is None or bar is None:
        return
    shift, width = view.contentOffset().x(), viewport.width()
    tints = {mark.line: tint(mark) for mark in reversed(view.marks)}
    char = _letter(view)
    painter.setFont(view.font())
    block = view.firstVisibleBlock()
    while block.isValid():
        rect = view.blockBoundingGeometry(block).translated(view.contentOffset())
        if rect.top() > area.bottom():
            return
        if rect.bottom() > viewport.height() + 1 and rect.top() > 0:
            painter.fillRect(rect, view.theme.panel)
            return
        line = _line_of(view, block) if rect.bottom() >= area.top() else None
        if line is not None:
            ground = tints.get(block.blockNumber() + view.first_line)
            for box in _cuts(block, line, -shift, width, char):
                box.setRect(box.x(), rect.top(), box.width(), rect.height())
                painter.fillRect(box, view.theme.panel)
                if ground is not None:
                    painter.fillRect(box, ground)
                painter.setPen(view.theme.muted)
                side = Qt.AlignmentFlag.AlignLeft if box.x() > 0 else Qt.AlignmentFlag.AlignRight
                painter.drawText(box, side | Qt.AlignmentFlag.AlignVCenter, "…")
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
