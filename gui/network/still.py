"""The canvas while the script runs freely: what stands still is kept as pictures, only numbers are painted anew."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QRect, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QPaintEngine, QPainter, QPixmap, QTransform
from PyQt6.QtWidgets import QGraphicsView

from gui.network.items import NodeItem
from gui.network.scene import NetworkScene
from gui.network.words import Words
from gui.widgets.layer import drawn
from gui.widgets.parts import viewport_of


class Still:
    """Paints a view of a scene that is ``live``, without going through its items one by one.

    Three pictures are kept: the routes and frames, the same with all that is written, and the hairlines and marks that
    lie over the numbers. They are made anew when the scene's ``revision`` is another, or the view has moved.
    """

    def __init__(self, view: QGraphicsView, scene: NetworkScene) -> None:
        self._view, self._scene = view, scene
        self._place: tuple[QTransform, QRect, float] | None = None
        self._revision = -1
        self._bare = self._ground = self._lines = QPixmap()
        self._lined: list[QRect] = []
        #: Where there are numbers.
        self.area = viewport_of(view).rect()

    def forget(self) -> None:
        """Make the pictures anew before they are shown again."""
        self._place, self.area = None, viewport_of(self._view).rect()

    def paint(self, box: QRect) -> bool:
        """Paint this part of the view; False where it has to be painted as usual: into a drawing, or at another scale."""
        viewport = viewport_of(self._view)
        painter = QPainter(viewport)
        ratio, engine = viewport.devicePixelRatioF(), painter.paintEngine()
        plain = engine is not None and engine.type() == QPaintEngine.Type.Raster
        if not plain or painter.deviceTransform().m11() not in (1.0, ratio):
            painter.end()
            return False
        place = self._view.viewportTransform(), viewport.rect(), ratio
        if place != self._place or self._scene.revision != self._revision:
            self._make(place)
        self._write(self._scene.rewritten)
        self._scene.rewritten.clear()
        self._copy(painter, self._ground, box)
        painter.setTransform(place[0], True)
        for node in self._scene.nodes.values():
            node.paint_pictures(painter)
        painter.setTransform(place[0].inverted()[0], True)
        # Only where there are any: what is transparent takes as long.
        for over in self._lined:
            if over.intersects(box):
                self._copy(painter, self._lines, over)
        painter.end()
        return True

    def _copy(self, painter: QPainter, picture: QPixmap, box: QRect) -> None:
        ratio = picture.devicePixelRatio()
        source = QRectF(box.x() * ratio, box.y() * ratio, box.width() * ratio, box.height() * ratio)
        painter.drawPixmap(QRectF(box), picture, source)

    def _make(self, place: tuple[QTransform, QRect, float]) -> None:
        self._place, self._revision = place, self._scene.revision
        nodes = list(self._scene.nodes.values())
        self.area = place[0].mapRect(self._scene.sceneRect()).toAlignedRect() & place[1]

        def under(painter: QPainter) -> None:
            for item in self._scene.items(Qt.SortOrder.AscendingOrder):
                painter.save()
                if isinstance(item, NodeItem):
                    item.paint_ground(painter)
                elif not isinstance(item, Words):
                    item.paint(painter, None)
                painter.restore()

        def over(painter: QPainter) -> None:
            for node in nodes:
                node.paint_lines(painter)

        self._bare = self._picture(under, self._scene.theme.panel)
        self._lines = self._picture(over, QColor(0, 0, 0, 0))
        self._lined = [
            place[0].mapRect(box).toAlignedRect().adjusted(-6, -6, 6, 6) & place[1] for node in nodes for box in node.lined()
        ]
        self._ground = QPixmap(self._bare)
        self._scene.rewritten.clear()
        self._write(set(nodes))

    def _picture(self, draw: Callable[[QPainter], None], ground: QColor) -> QPixmap:
        assert self._place is not None
        transform, room, ratio = self._place

        def placed(painter: QPainter) -> None:
            painter.setTransform(transform, True)
            draw(painter)

        return drawn(QSize(round(room.width() * ratio), round(room.height() * ratio)), ratio, ground, placed)

    def _write(self, nodes: set[NodeItem]) -> None:
        """Write again what is written at these nodes."""
        if not nodes or self._place is None:
            return
        painter = QPainter(self._ground)
        for node in nodes:
            box = self._place[0].mapRect(node.boundingRect().adjusted(4, 2, -4, -2)).toAlignedRect()
            painter.setClipRect(box)
            self._copy(painter, self._bare, box)
            painter.save()
            painter.setTransform(self._place[0], True)
            node.paint_numbers(painter)
            node.words.paint(painter, None)
            painter.restore()
        painter.end()
