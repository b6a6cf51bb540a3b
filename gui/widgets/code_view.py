"""``CodeView``: Python source with line numbers, a gutter for breakpoints, and marks on the lines that matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PyQt6.QtCore import QEvent, QPoint, QRect, Qt, pyqtSignal
from PyQt6.QtGui import (
    QFont,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QTextCursor,
    QTextDocument,
)  # fmt: skip
from PyQt6.QtWidgets import QPlainTextEdit, QTextEdit, QWidget

from gui.python_text import expression_at
from gui.theme import Theme, with_alpha
from gui.widgets import code_sides as sides
from gui.widgets.gutter import Gutter, Mark, tint
from gui.widgets.highlighting import PythonHighlighter

#: Places of a text that are marked at most.
_MOST_FOUND = 500

#: Events with which the mouse may not rest any more where it did.
_LEAVING = (QEvent.Type.MouseMove, QEvent.Type.Leave, QEvent.Type.Wheel, QEvent.Type.MouseButtonPress)

#: Lines that stay visible above and below a line that is brought into view.
_MARGIN = 3


class CodeView(QPlainTextEdit):
    """Source that is read, not written.

    Signals:
        breakpoint_toggled(line): the gutter was clicked, or F9 pressed at the caret.
        line_menu_wanted(line, place): right click in the gutter, or in the text; the place is on the screen.
        hovered(expression, line, place): the mouse rests on a name. left(): it is on another one now, or on none.
    """

    breakpoint_toggled = pyqtSignal(int)
    line_menu_wanted = pyqtSignal(int, QPoint)
    hovered = pyqtSignal(str, int, QPoint)
    left = pyqtSignal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setReadOnly(True)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setCornerWidget(QWidget())
        self.setFrameShape(QPlainTextEdit.Shape.NoFrame)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._menu_in_text)
        self.theme = theme
        #: Of the lines, where they are not counted from 1.
        self.numbers: tuple[int, ...] = ()
        self.marks: tuple[Mark, ...] = ()
        self._line = 0
        self._hovered: tuple[str, int] | None = None
        self.breakpoints: dict[int, Mapping[str, Any]] = {}
        self.shows_breakpoints = True
        document = self.document()
        assert document is not None
        # While somebody holds PyQt's object for it, document() need not make one each time: that takes longer than a look.
        self._held = document
        self.highlighter = PythonHighlighter(document, theme)
        self.gutter = Gutter(self)
        self._cuts = sides.Cuts(self)
        if viewport := self.viewport():
            # It paints all of itself: the panel, the dock and the window under it need not be.
            viewport.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent, True)
            viewport.setMouseTracking(True)
        self.blockCountChanged.connect(self._place_gutter)
        self.updateRequest.connect(self._scrolled)
        if (bar := self.horizontalScrollBar()) is not None:
            bar.valueChanged.connect(self._scrolled_sideways)
        self.apply_theme(theme)

    # ---- what it shows ----

    def set_source(self, text: str, numbers: Sequence[int] = ()) -> None:
        """Show ``text``; ``numbers``: of its lines, where they are not 1, 2 ... (0: of none). Scroll and caret go to the
        beginning.
        """
        self.numbers, self._line = tuple(numbers), 0
        self.highlighter.set_text(text)
        self.setPlainText(text)
        self._place_gutter()

    def line_of(self, block: int) -> int:
        """The number of a line by its place in the text."""
        return self.numbers[block] if block < len(self.numbers) else block + 1

    def block_of(self, line: int) -> int:
        """The place in the text of a line; -1 where it is not there."""
        if not self.numbers:
            return line - 1
        return self.numbers.index(line) if line in self.numbers else -1

    def set_marks(self, marks: tuple[Mark, ...]) -> None:
        """Mark these lines instead of those before."""
        if marks == self.marks:
            return
        before, self.marks = self.marks, marks
        for line in {mark.line for mark in (*before, *marks)}:
            self._renew(line)

    def _renew(self, line: int) -> None:
        """Paint a line anew."""
        rect, viewport = self.line_rect(line), self.viewport()
        if viewport is not None and rect.bottom() >= 0 and rect.top() <= viewport.height():
            viewport.update(0, rect.top() - 1, viewport.width(), rect.height() + 2)
            self.gutter.update(0, rect.top() - 1, self.gutter.width(), rect.height() + 2)

    def set_breakpoints(self, breakpoints: Mapping[int, Mapping[str, Any]]) -> None:
        """Show breakpoints: by line, as the state has them."""
        self.breakpoints = dict(breakpoints)
        self.gutter.update()

    def show_line(self, line: int) -> None:
        """Scroll so that a line can be seen; not at all where it can be."""
        self._line = line
        block = self.block_of(line)
        first = self.firstVisibleBlock().blockNumber()
        visible = max(1, self.visible_lines())
        bar = self.verticalScrollBar()
        if bar is not None and not first <= block < first + visible:
            bar.setValue(max(0, block - max(_MARGIN, visible // 3)))
        self._show_columns()

    def _show_columns(self) -> None:
        """Scroll sideways as little as the line that is shown needs."""
        if bar := self.horizontalScrollBar():
            bar.setValue(sides.scroll_for(self, self.block_of(self._line)))

    def visible_lines(self) -> int:
        """How many whole lines fit."""
        viewport = self.viewport()
        height = viewport.height() if viewport is not None else self.height()
        return int(height // max(1.0, self.blockBoundingRect(self.firstVisibleBlock()).height()))

    def caret_line(self) -> int:
        """The line of the caret."""
        return self.line_of(self.textCursor().blockNumber())

    def set_caret(self, line: int) -> None:
        """Put the caret at the beginning of a line's code, without scrolling there."""
        document = self.document()
        assert document is not None
        bars = [bar for bar in (self.horizontalScrollBar(), self.verticalScrollBar()) if bar is not None]
        places = [bar.value() for bar in bars]
        block = document.findBlockByNumber(self.block_of(line))
        cursor, text = QTextCursor(block), block.text()
        # At the code, which is seen, not left of it: nothing has to scroll there and back.
        cursor.setPosition(block.position() + len(text) - len(text.lstrip()))
        if cursor.position() != self.textCursor().position() or self.textCursor().hasSelection():
            self.setTextCursor(cursor)
        for bar, place in zip(bars, places):
            bar.setValue(place)

    def find(self, text: str, backwards: bool = False, again: bool = True) -> tuple[int, int]:
        """Select the next place of ``text`` (all cases), going round at the end, and mark all others.

        Args:
            again: look behind what is selected, not from its beginning on.

        Returns:
            Which of how many places it is, counted from 1; (0, 0) where there is none.
        """
        document = self.document()
        assert document is not None
        places: list[QTextCursor] = []
        cursor = document.find(text) if text else QTextCursor()
        while not cursor.isNull():
            places.append(cursor)
            cursor = document.find(text, cursor)
        self._mark_found(places)
        if not places:
            return 0, 0
        here = self.textCursor()
        flags = QTextDocument.FindFlag.FindBackward if backwards else QTextDocument.FindFlag(0)
        begin = here if again else QTextCursor(here)
        if not again:
            begin.setPosition(here.selectionStart())
        found = document.find(text, begin, flags)
        found = places[-1 if backwards else 0] if found.isNull() else found
        self.setTextCursor(found)
        self.show_line(self.line_of(found.blockNumber()))
        return [place.position() for place in places].index(found.position()) + 1, len(places)

    def _mark_found(self, places: list[QTextCursor]) -> None:
        selections = []
        for place in places[:_MOST_FOUND]:
            selection = QTextEdit.ExtraSelection()
            selection.cursor = place
            selection.format.setBackground(with_alpha(self.theme.phase["loss"], 0.35))
            selections.append(selection)
        self.setExtraSelections(selections)

    def apply_theme(self, theme: Theme) -> None:
        """Take on colours and font."""
        self.theme = theme
        self.setFont(source_font(theme))
        self.setTabStopDistance(4 * self.fontMetrics().horizontalAdvance(" "))
        self.highlighter.set_theme(theme)
        self._place_gutter()
        if self._line:
            self._show_columns()

    # ---- drawing ----

    def paintEvent(self, e: QPaintEvent | None) -> None:
        viewport = self.viewport()
        painter = QPainter(viewport)
        painter.fillRect(self.rect() if e is None else e.rect(), self.theme.panel)
        for mark in self.marks:
            rect = self.line_rect(mark.line)
            painter.fillRect(QRect(0, rect.top(), self.width(), rect.height()), tint(mark))
        painter.end()
        if e is None:
            return
        super().paintEvent(e)
        painter = QPainter(viewport)
        self._cuts.paint(painter, e.region())
        painter.end()

    def line_rect(self, line: int) -> QRect:
        """Where a line is drawn, in the viewport; empty where it is not."""
        document = self.document()
        assert document is not None
        block = document.findBlockByNumber(self.block_of(line))
        if not block.isValid():
            return QRect()
        return self.blockBoundingGeometry(block).translated(self.contentOffset()).toRect()

    # ---- places and events ----

    def _place_gutter(self, _count: int = 0) -> None:
        width = self.gutter.wanted_width()
        self.setViewportMargins(width, 0, 0, 0)
        self.highlighter.set_indent(sides.indent_share(self.width() - width, self.fontMetrics()))
        rect = self.contentsRect()
        viewport = self.viewport()
        self.gutter.setGeometry(QRect(rect.left(), rect.top(), width, viewport.height() if viewport else rect.height()))

    def resizeEvent(self, e: QResizeEvent | None) -> None:
        line = self.marks[0].line if self.marks else 0
        before = self.line_rect(line)
        super().resizeEvent(e)
        self._place_gutter()
        # The current line stays in sight, unless it was scrolled out of it.
        if line and e is not None and 0 <= before.top() < e.oldSize().height():
            self.show_line(line)
        elif self._line:
            self._show_columns()

    def _scrolled(self, rect: QRect, by: int) -> None:
        if by:  # a line of which a part was seen, and is left out, may now be whole
            self.gutter.update()
            if viewport := self.viewport():
                viewport.update()
        else:
            self.gutter.update(0, rect.y(), self.gutter.width(), rect.height())

    def _scrolled_sideways(self, _value: int) -> None:
        if viewport := self.viewport():
            viewport.update()  # the marks of what is cut stay at the sides

    def line_at(self, y: int) -> int | None:
        """The line at a height of the viewport; None below the last."""
        cursor = self.cursorForPosition(QPoint(0, y))
        line = self.line_of(cursor.blockNumber())
        rect = self.line_rect(line)
        return line if rect.top() <= y <= rect.bottom() else None

    def expression_at(self, place: QPoint) -> tuple[str, int] | None:
        """The expression at a place of the viewport, with its line."""
        cursor = self.cursorForPosition(place)
        rect = self.cursorRect(cursor)
        advance = self.fontMetrics().horizontalAdvance("m")
        if abs(rect.center().y() - place.y()) > rect.height() or abs(rect.left() - place.x()) > advance:
            return None
        column = cursor.positionInBlock() - (1 if place.x() < rect.left() else 0)
        number = cursor.blockNumber()
        lines = self.highlighter.lines
        found = expression_at(cursor.block().text(), column, lines[number] if number < len(lines) else [])
        return (found, self.line_of(number)) if found else None

    def viewportEvent(self, event: QEvent | None) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            found = self.expression_at(event.pos())
            if found is not None:
                self._hovered = found
                self.hovered.emit(found[0], found[1], event.globalPos())
            return True
        if event is not None and self._hovered is not None and event.type() in _LEAVING:
            moved = isinstance(event, QMouseEvent) and event.type() == QEvent.Type.MouseMove
            if not moved or self.expression_at(event.position().toPoint()) != self._hovered:  # pyright: ignore
                self._hovered = None
                self.left.emit()
        return super().viewportEvent(event)

    def keyPressEvent(self, e: QKeyEvent | None) -> None:
        if e is not None and e.key() == Qt.Key.Key_F9 and self.shows_breakpoints:
            self.breakpoint_toggled.emit(self.caret_line())
            return
        super().keyPressEvent(e)

    def _menu_in_text(self, place: QPoint) -> None:
        line = self.line_at(place.y())
        viewport = self.viewport()
        if line is not None and viewport is not None:
            self.line_menu_wanted.emit(line, viewport.mapToGlobal(place))


def source_font(theme: Theme) -> QFont:
    """The font of source: without ligatures, so that == is what was typed."""
    font = theme.code_font()
    if hasattr(font, "setFeature"):
        font.setFeature(QFont.Tag("calt"), 0)
    return font
