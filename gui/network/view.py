"""The window onto the canvas: wheel zooms at the pointer, dragging moves, a click selects, keys do the same."""

from __future__ import annotations

from PyQt6.QtCore import QPoint, QPointF, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PyQt6.QtWidgets import QFrame, QGraphicsView

from gui.network.kept import begin_paint
from gui.network.refining import Refining
from gui.network.scene import NetworkScene
from gui.network.still import Still
from gui.widgets.parts import scene_of, viewport_of

#: Zoom allowed, and pixels that the pointer may move in a click.
SMALLEST, LARGEST = 0.05, 24.0
_CLICK = 4


class NetworkView(QGraphicsView):
    """Fits the whole into view until the user zooms or moves; Fit (key 0) goes back to that.

    Signals: clicked(QPointF), double_clicked(QPointF), hovered(QPointF, QPoint on the screen), menu_wanted(QPointF or None,
    QPoint on the screen) in scene coordinates, walked(dx, dy): an arrow key, entered(inwards): Enter, or Escape;
    edit_wanted(): F2; resized(): while everything is fitted.
    """

    clicked = pyqtSignal(QPointF)
    double_clicked = pyqtSignal(QPointF)
    menu_wanted = pyqtSignal(object, QPoint)
    edit_wanted = pyqtSignal()
    hovered = pyqtSignal(QPointF, QPoint)
    walked = pyqtSignal(int, int)
    entered = pyqtSignal(bool)
    resized = pyqtSignal()

    def __init__(self, scene: NetworkScene) -> None:
        super().__init__(scene)
        self.fitted = True
        self._pressed: QPoint | None = None
        self._last = QPoint()
        self._dragging = self._twice = False
        # The scene paints all of it.
        viewport_of(self).setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent, True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setRenderHints(QPainter.RenderHint.Antialiasing)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.SmartViewportUpdate)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setResizeAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumSize(120, 80)
        self._still = Still(self, scene)
        self._refining = Refining(self, scene)
        self._scene = scene

    def set_live(self, on: bool) -> None:
        """Whether numbers change many times a second: what stands still is then kept as pictures."""
        if on:
            self._refining.finish()
        self._scene.set_live(on)
        self._still.forget()
        viewport_of(self).update()

    def renew(self) -> None:
        """Paint the numbers that have changed while the scene is live."""
        viewport_of(self).update(self._still.changed())

    def refine_later(self) -> None:
        """Smooth what is drawn quickly, once nothing has changed for a moment."""
        self._refining.later()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        begin_paint()
        if event is None or not self._scene.live or not self._still.paint(event.region()):
            super().paintEvent(event)

    @property
    def zoom(self) -> float:
        return self.transform().m11()

    def fit(self) -> None:
        """Show everything, at most at 150 %."""
        self.fitted = True
        whole = scene_of(self).sceneRect()
        room = viewport_of(self).rect()
        if whole.isEmpty() or room.isEmpty():
            return
        zoom = min(1.5, room.width() / whole.width(), room.height() / whole.height())
        self._look_at(whole.center(), zoom)

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        """Zoom with the point ``at`` of the viewport (its middle without one) staying where it is."""
        self.fitted = False
        here = at if at is not None else QPointF(viewport_of(self).rect().center())
        fixed = self.mapToScene(here.toPoint())
        zoom = max(SMALLEST, min(LARGEST, self.zoom * factor))
        middle = QPointF(viewport_of(self).rect().center())
        self._look_at(fixed + (middle - here) / zoom, zoom)

    def place(self) -> list[float]:
        """Middle and zoom, to be remembered; empty while everything is fitted."""
        if self.fitted:
            return []
        center = self.mapToScene(viewport_of(self).rect().center())
        return [center.x(), center.y(), self.zoom]

    def go(self, place: list[float]) -> None:
        """Back to what :meth:`place` returned."""
        if len(place) == 3:
            self.fitted = False
            self._look_at(QPointF(place[0], place[1]), max(SMALLEST, min(LARGEST, place[2])))

    def reveal(self, box: QRectF, core: QRectF) -> None:
        """Move as little as needed to show ``box``; where that is larger than the view, nothing but ``core`` inside of it:
        at its edges there may be nothing to see.
        """
        seen = self.mapToScene(viewport_of(self).rect()).boundingRect()
        if self.fitted:
            return
        wide, high = (box if fits else core for fits in (box.width() <= seen.width(), box.height() <= seen.height()))
        across = _shift(seen.left(), seen.right(), wide.left(), wide.right())
        down = _shift(seen.top(), seen.bottom(), high.top(), high.bottom())
        if across or down:
            self._look_at(seen.center() + QPointF(across, down), self.zoom)

    def _look_at(self, center: QPointF, zoom: float) -> None:
        if zoom != self.zoom:
            self._refining.begin()
        self.resetTransform()
        self.scale(zoom, zoom)
        room = viewport_of(self).rect()
        # The view's own scrolling stops at the scene; a rectangle around what is wanted lets every place be reached.
        half = QPointF(room.width() / 2 / zoom, room.height() / 2 / zoom)
        self.setSceneRect(QRectF(center - half, center + half))

    # ---- mouse and keys ----

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        if event is not None:
            self.zoom_by(1.0015 ** event.angleDelta().y(), event.position())
            event.accept()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        if event is not None and event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._pressed = self._last = event.pos()
            self._dragging = False

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        if event is None:
            return
        if self._pressed is None:
            self.hovered.emit(self.mapToScene(event.pos()), event.globalPosition().toPoint())
            return
        if self._dragging or (event.pos() - self._pressed).manhattanLength() > _CLICK:
            self._dragging, self.fitted = True, False
            viewport_of(self).setCursor(Qt.CursorShape.ClosedHandCursor)
            moved = QPointF(event.pos() - self._last) / self.zoom
            self.setSceneRect(self.sceneRect().translated(-moved))
        self._last = event.pos()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        if event is None or self._pressed is None:
            return
        if not self._dragging and event.button() == Qt.MouseButton.LeftButton:
            (self.double_clicked if self._twice else self.clicked).emit(self.mapToScene(event.pos()))
        self._pressed, self._dragging, self._twice = None, False, False
        viewport_of(self).unsetCursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        self.mousePressEvent(event)
        self._twice = event is not None and event.button() == Qt.MouseButton.LeftButton

    def contextMenuEvent(self, event: QContextMenuEvent | None) -> None:
        if event is not None:
            by_mouse = event.reason() == QContextMenuEvent.Reason.Mouse
            self.menu_wanted.emit(self.mapToScene(event.pos()) if by_mouse else None, event.globalPos())

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is None:
            return
        ways = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}
        if event.key() in ways and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            self.walked.emit(*ways[Qt.Key(event.key())])
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape):
            self.entered.emit(event.key() != Qt.Key.Key_Escape)
        elif event.key() == Qt.Key.Key_F2:
            self.edit_wanted.emit()
        elif event.text() in ("+", "="):
            self.zoom_by(1.25)
        elif event.text() == "-":
            self.zoom_by(0.8)
        elif event.text() == "0":
            self.fit()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        if self.fitted:
            self.resized.emit()
            self.fit()


def _shift(seen0: float, seen1: float, low: float, high: float) -> float:
    """How far to move what is seen, so that ``low`` to ``high`` is in sight; of what is too large, as much as has room."""
    ends = low - seen0, high - seen1
    return max(0.0, min(ends)) or min(0.0, max(ends))
