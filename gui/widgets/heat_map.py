"""``HeatMap``: a map of numbers to point at, to zoom and move, with the mouse and with keys."""

from __future__ import annotations

from PyQt6.QtCore import QPoint, QPointF, Qt, pyqtSignal
from PyQt6.QtGui import QKeyEvent, QKeySequence, QMouseEvent, QWheelEvent
from PyQt6.QtWidgets import QWidget

from gui.theme import Theme
from gui.widgets.heat_canvas import HeatCanvas

#: Pixels that the mouse must move before a press is a drag.
_DRAG = 4

_ARROWS = {
    Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0),
}  # fmt: skip


class HeatMap(HeatCanvas):
    """Wheel, + and -: zoom. Drag: move. Arrow keys: the selected cell. Enter: explain it; F2: change it. 0: everything.

    Signals:
        clicked(row, column), double_clicked(row, column), explain_wanted(row, column): of a cell.
        hovered(row, column): (-1, -1) beside the map.
        copy_wanted(): Ctrl+C.
        menu_wanted(QPoint): the context menu, at a global position.
    """

    clicked = pyqtSignal(int, int)
    double_clicked = pyqtSignal(int, int)
    explain_wanted = pyqtSignal(int, int)
    hovered = pyqtSignal(int, int)
    copy_wanted = pyqtSignal()
    menu_wanted = pyqtSignal(QPoint)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self._press: QPointF | None = None
        self._last = QPointF()
        self._dragged = False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleDescription(
            "Arrow keys select a cell, Enter explains its number, F2 changes it, Ctrl+C copies it; + and - zoom, 0 fits."
        )

    def _cell(self, place: QPointF) -> tuple[int, int] | None:
        area = self._area()
        return self.view.at(place.x() - area.left(), place.y() - area.top()) if self.picture is not None else None

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        assert event is not None
        if self.picture is None:
            return
        area, place = self._area(), event.position()
        self.view.zoom_at(1.25 ** (event.angleDelta().y() / 120), place.x() - area.left(), place.y() - area.top())
        self._moved()
        event.accept()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        assert event is not None
        if event.button() == Qt.MouseButton.LeftButton:
            self._press = self._last = event.position()
            self._dragged = False

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        assert event is not None
        place = event.position()
        if self._press is None:
            self.hovered.emit(*(self._cell(place) or (-1, -1)))
            return
        self._dragged = self._dragged or (place - self._press).manhattanLength() > _DRAG
        if self._dragged:
            self.view.pan(place.x() - self._last.x(), place.y() - self._last.y())
            self._last = place
            self._moved()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        assert event is not None
        cell = self._cell(event.position())
        if self._press is not None and not self._dragged and cell is not None:
            self.clicked.emit(*cell)
        self._press = None

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        assert event is not None
        cell = self._cell(event.position())
        if cell is not None and event.button() == Qt.MouseButton.LeftButton:
            self.double_clicked.emit(*cell)

    def leaveEvent(self, event: object) -> None:
        self.hovered.emit(-1, -1)

    def contextMenuEvent(self, event: object) -> None:
        self.menu_wanted.emit(event.globalPos())  # type: ignore[attr-defined]

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        assert event is not None
        step = _ARROWS.get(Qt.Key(event.key()))
        if step is not None and self.picture is not None:
            self._step(*step)
        elif event.key() == Qt.Key.Key_0:
            self.reset_view()
        elif event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Minus):
            self.view.zoom_at(1.25 if event.key() == Qt.Key.Key_Plus else 0.8, self.view.width / 2, self.view.height / 2)
            self._moved()
        elif event.matches(QKeySequence.StandardKey.Copy):
            self.copy_wanted.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.selected is not None:
            self.explain_wanted.emit(*self.selected)
        elif event.key() == Qt.Key.Key_F2 and self.selected is not None:
            self.double_clicked.emit(*self.selected)
        else:
            super().keyPressEvent(event)

    def _step(self, down: int, across: int) -> None:
        assert self.picture is not None
        row, column = self.selected or (-down, -across)
        block = self.picture.block
        row = min(max(row + down * block[0], 0), self.view.rows - 1)
        column = min(max(column + across * block[1], 0), self.view.columns - 1)
        self.view.show(row, column)
        self.clicked.emit(row, column)
