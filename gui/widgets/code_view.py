"""``CodeView``: Python source with line numbers, a gutter for breakpoints, and marks on the lines that matter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PyQt6.QtCore import QEvent, QPoint, QPointF, QRect, QSize, Qt, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QFont,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
    QTextCursor,
)  # fmt: skip
from PyQt6.QtWidgets import QPlainTextEdit, QWidget

from gui.python_text import expression_at
from gui.theme import Theme, with_alpha
from gui.widgets.highlighting import PythonHighlighter

#: Lines that stay visible above and below a line that is brought into view.
_MARGIN = 3


@dataclass(frozen=True)
class Mark:
    """A marked line: ``solid`` where the script stands, otherwise hollow (where a backward op comes from)."""

    line: int
    color: QColor
    solid: bool = True


class CodeView(QPlainTextEdit):
    """Source that is read, not written.

    Signals:
        breakpoint_toggled(line): the gutter was clicked, or F9 pressed at the caret.
        line_menu_wanted(line, place): right click in the gutter, or in the text; the place is on the screen.
        hovered(expression, line, place): the mouse rests on a name.
    """

    breakpoint_toggled = pyqtSignal(int)
    line_menu_wanted = pyqtSignal(int, QPoint)
    hovered = pyqtSignal(str, int, QPoint)

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
        self.first_line = 1
        self.marks: tuple[Mark, ...] = ()
        self.breakpoints: dict[int, Mapping[str, Any]] = {}
        self.shows_breakpoints = True
        document = self.document()
        assert document is not None
        self.highlighter = PythonHighlighter(document, theme)
        self.gutter = Gutter(self)
        self.blockCountChanged.connect(self._place_gutter)
        self.updateRequest.connect(self._scrolled)
        self.apply_theme(theme)

    # ---- what it shows ----

    def set_source(self, text: str, first_line: int = 1) -> None:
        """Show ``text``, whose first line has that number. Scroll and caret go to the beginning."""
        self.first_line = first_line
        self.highlighter.set_text(text)
        self.setPlainText(text)
        self._place_gutter()

    def set_marks(self, marks: tuple[Mark, ...]) -> None:
        """Mark these lines instead of those before."""
        self.marks = marks
        if (viewport := self.viewport()) is not None:
            viewport.update()
        self.gutter.update()

    def set_breakpoints(self, breakpoints: Mapping[int, Mapping[str, Any]]) -> None:
        """Show breakpoints: by line, as the state has them."""
        self.breakpoints = dict(breakpoints)
        self.gutter.update()

    def show_line(self, line: int) -> None:
        """Scroll so that a line can be seen; not at all where it can be."""
        block = line - self.first_line
        first = self.firstVisibleBlock().blockNumber()
        visible = max(1, self.visible_lines())
        bar = self.verticalScrollBar()
        if bar is not None and not first <= block < first + visible:
            bar.setValue(max(0, block - max(_MARGIN, visible // 3)))

    def visible_lines(self) -> int:
        """How many whole lines fit."""
        viewport = self.viewport()
        height = viewport.height() if viewport is not None else self.height()
        return int(height // max(1, self.fontMetrics().lineSpacing()))

    def caret_line(self) -> int:
        """The line of the caret."""
        return self.textCursor().blockNumber() + self.first_line

    def set_caret(self, line: int) -> None:
        """Put the caret at the beginning of a line."""
        document = self.document()
        assert document is not None
        self.setTextCursor(QTextCursor(document.findBlockByNumber(line - self.first_line)))

    def apply_theme(self, theme: Theme) -> None:
        """Take on colours and font."""
        self.theme = theme
        self.setFont(source_font(theme))
        self.setTabStopDistance(4 * self.fontMetrics().horizontalAdvance(" "))
        self.highlighter.set_theme(theme)
        self._place_gutter()

    # ---- drawing ----

    def paintEvent(self, e: QPaintEvent | None) -> None:
        viewport = self.viewport()
        painter = QPainter(viewport)
        for mark in self.marks:
            rect = self.line_rect(mark.line)
            painter.fillRect(QRect(0, rect.top(), self.width(), rect.height()), tint(mark))
        painter.end()
        super().paintEvent(e)

    def line_rect(self, line: int) -> QRect:
        """Where a line is drawn, in the viewport; empty where it is not."""
        document = self.document()
        assert document is not None
        block = document.findBlockByNumber(line - self.first_line)
        if not block.isValid():
            return QRect()
        return self.blockBoundingGeometry(block).translated(self.contentOffset()).toRect()

    # ---- places and events ----

    def _place_gutter(self, _count: int = 0) -> None:
        width = self.gutter.wanted_width()
        self.setViewportMargins(width, 0, 0, 0)
        rect = self.contentsRect()
        self.gutter.setGeometry(QRect(rect.left(), rect.top(), width, rect.height()))

    def resizeEvent(self, e: QResizeEvent | None) -> None:
        super().resizeEvent(e)
        self._place_gutter()

    def _scrolled(self, rect: QRect, by: int) -> None:
        if by:
            self.gutter.scroll(0, by)
        else:
            self.gutter.update(0, rect.y(), self.gutter.width(), rect.height())

    def line_at(self, y: int) -> int | None:
        """The line at a height of the viewport; None below the last."""
        cursor = self.cursorForPosition(QPoint(0, y))
        line = cursor.blockNumber() + self.first_line
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
        return (found, number + self.first_line) if found else None

    def viewportEvent(self, event: QEvent | None) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            found = self.expression_at(event.pos())
            if found is not None:
                self.hovered.emit(found[0], found[1], event.globalPos())
            return True
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


class Gutter(QWidget):
    """The strip left of the text: breakpoints, line numbers, the mark of where the script stands."""

    def __init__(self, view: CodeView) -> None:
        super().__init__(view)
        self._view = view
        self._hovered: int | None = None
        self.setMouseTracking(True)
        self.setAccessibleName("Breakpoints and line numbers")
        self.setToolTip("Click: breakpoint on this line (F9). Right click: condition, hit count, log point.")

    def wanted_width(self) -> int:
        """Pixels for a breakpoint, the longest line number and the mark."""
        digits = max(3, len(str(self._view.blockCount() + self._view.first_line - 1)))
        return self._dot_width() + self._view.fontMetrics().horizontalAdvance("9") * digits + 14

    def sizeHint(self) -> QSize:
        return QSize(self.wanted_width(), 0)

    def _dot_width(self) -> int:
        return self._view.fontMetrics().height() + 2

    def paintEvent(self, a0: QPaintEvent | None) -> None:
        view, theme = self._view, self._view.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), theme.panel)
        painter.setFont(view.font())
        marks = {mark.line: mark for mark in reversed(view.marks)}
        block = view.firstVisibleBlock()
        while block.isValid():
            rect = view.blockBoundingGeometry(block).translated(view.contentOffset())
            if rect.top() > self.height():
                break
            line = block.blockNumber() + view.first_line
            area = QRect(0, round(rect.top()), self.width(), round(rect.height()))
            self._draw_line(painter, line, area, marks.get(line))
            block = block.next()

    def _draw_line(self, painter: QPainter, line: int, area: QRect, mark: Mark | None) -> None:
        theme = self._view.theme
        if mark is not None:
            painter.fillRect(area, tint(mark))
            bar = QRect(area.right() - 3, area.top(), 3, area.height())
            if mark.solid:
                painter.fillRect(bar, mark.color)
            else:
                painter.setPen(QPen(mark.color, 1, Qt.PenStyle.DotLine))
                painter.drawLine(bar.right(), bar.top(), bar.right(), bar.bottom())
        painter.setPen(theme.ink if mark is not None and mark.solid else theme.muted)
        metrics = self._view.fontMetrics()
        right = area.right() - 8 - metrics.horizontalAdvance(str(line))
        painter.drawText(right, area.top() + metrics.ascent(), str(line))
        dot = QRect(area.left(), area.top(), self._dot_width(), area.height())
        if line in self._view.breakpoints:
            draw_breakpoint(painter, dot, self._view.breakpoints[line], theme)
        elif line == self._hovered and self._view.shows_breakpoints:
            painter.setOpacity(0.35)
            draw_breakpoint(painter, dot, {}, theme)
            painter.setOpacity(1.0)

    # ---- the mouse ----

    def _line(self, event: QMouseEvent) -> int | None:
        return self._view.line_at(round(event.position().y()))

    def mouseMoveEvent(self, a0: QMouseEvent | None) -> None:
        line = self._line(a0) if a0 is not None else None
        if line != self._hovered:
            self._hovered = line
            self.update()

    def leaveEvent(self, a0: QEvent | None) -> None:
        self._hovered = None
        self.update()

    def mousePressEvent(self, a0: QMouseEvent | None) -> None:
        line = self._line(a0) if a0 is not None else None
        if a0 is None or line is None or not self._view.shows_breakpoints:
            return
        if a0.button() == Qt.MouseButton.LeftButton:
            self._view.breakpoint_toggled.emit(line)
        elif a0.button() == Qt.MouseButton.RightButton:
            self._view.line_menu_wanted.emit(line, a0.globalPosition().toPoint())


def draw_breakpoint(painter: QPainter, area: QRect, breakpoint: Mapping[str, Any], theme: Theme) -> None:
    """A disc; a diamond for a log point; with a bar for one with a condition; hollow where it cannot be hit or is off."""
    size = min(area.width(), area.height()) * 0.52
    center = QPointF(area.center()) + QPointF(0.5, 0.5)
    color = theme.phase["alarm"]
    off = breakpoint.get("enabled") is False or breakpoint.get("verified") is False
    painter.setPen(QPen(theme.muted if off else color, 1.5))
    painter.setBrush(Qt.BrushStyle.NoBrush if off else color)
    if breakpoint.get("logMessage"):
        half = size * 0.6
        corners = [QPointF(0, -half), QPointF(half, 0), QPointF(0, half), QPointF(-half, 0)]
        painter.drawPolygon(QPolygonF([center + corner for corner in corners]))
    else:
        painter.drawEllipse(center, size / 2, size / 2)
    if breakpoint.get("condition") or breakpoint.get("hitCondition"):
        painter.setPen(QPen(theme.muted if off else theme.panel, 1.5))
        for up in (-1, 1):
            y = center.y() + up * size * 0.13
            painter.drawLine(QPointF(center.x() - size * 0.25, y), QPointF(center.x() + size * 0.25, y))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def source_font(theme: Theme) -> QFont:
    """The font of source: without ligatures, so that == is what was typed."""
    font = theme.code_font()
    if hasattr(font, "setFeature"):
        font.setFeature(QFont.Tag("calt"), 0)
    return font


def tint(mark: Mark) -> QColor:
    """The background of a marked line."""
    return with_alpha(mark.color, 0.20 if mark.solid else 0.07)
