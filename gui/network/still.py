"""The canvas while the script runs freely: what stands still is kept as pictures, only numbers are painted anew."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QRect, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QPaintEngine, QPainter, QPixmap, QRegion, QTransform
from PyQt6.QtWidgets import QGraphicsView

from gui.network.items import NodeItem
from gui.network.scene import NetworkScene
from gui.widgets.layer import drawn
from gui.widgets.parts import viewport_of


class Still:
    """Paints a view of a scene that is ``live``, without going through its items one by one.

    Three pictures are kept: what does not change with the numbers, the same with all that is written, and the hairlines
    and marks that lie over the numbers. They are made anew when the scene's ``revision`` is another, or the view has moved.
    """

    def __init__(self, view: QGraphicsView, scene: NetworkScene) -> None:
        self._view, self._scene = view, scene
        self._place: tuple[QTransform, QRect, float] | None = None
        self._revision = -1
        self._bare = self._ground = self._lines = QPixmap()
        #: Where the parts are that are painted anew, and where what is written changes.
        self._parts: dict[tuple[NodeItem, str], QRect] = {}
        self._words: dict[NodeItem, QRect] = {}

    def forget(self) -> None:
        """Make the pictures anew before they are shown again."""
        self._place = None

    def changed(self) -> QRegion:
        """What has to be painted anew."""
        renewed, self._scene.renewed = self._scene.renewed, set()
        if self._place != self._placed() or self._scene.revision != self._revision:
            return QRegion(viewport_of(self._view).rect())
        region = QRegion()
        for spot in renewed:
            if spot in self._parts:
                region += self._parts[spot]
        for node in self._scene.rewritten:
            region += self._words[node]
        return region

    def paint(self, region: QRegion) -> bool:
        """Paint this part of the view; False where it has to be painted as usual: into a drawing, or at another scale."""
        painter = QPainter(viewport_of(self._view))
        engine, place = painter.paintEngine(), self._placed()
        plain = engine is not None and engine.type() == QPaintEngine.Type.Raster
        if not plain or painter.deviceTransform().m11() not in (1.0, place[2]):
            painter.end()
            return False
        if place != self._place or self._scene.revision != self._revision:
            self._make(place)
        self._write(self._scene.rewritten)
        self._scene.rewritten.clear()
        # Outside of the region Qt paints nothing.
        painter.drawPixmap(0, 0, self._ground)
        for (node, part), box in self._parts.items():
            if region.intersects(box):
                # Within one rectangle pictures are drawn faster than within several.
                painter.setClipRect(box)
                painter.setTransform(place[0], True)
                node.paint_picture(painter, part)
                painter.resetTransform()
        painter.setClipping(False)
        painter.drawPixmap(0, 0, self._lines)
        painter.end()
        return True

    def _placed(self) -> tuple[QTransform, QRect, float]:
        viewport = viewport_of(self._view)
        return self._view.viewportTransform(), viewport.rect(), viewport.devicePixelRatioF()

    def _make(self, place: tuple[QTransform, QRect, float]) -> None:
        self._place, self._revision = place, self._scene.revision
        nodes = list(self._scene.nodes.values())

        def under(painter: QPainter) -> None:
            for item in self._scene.items(Qt.SortOrder.AscendingOrder):
                painter.save()
                if isinstance(item, NodeItem):
                    item.paint_ground(painter)
                    item.words.write(painter, False)
                else:
                    item.paint(painter, None)
                painter.restore()

        def over(painter: QPainter) -> None:
            for node in nodes:
                node.paint_lines(painter)

        def on_screen(box: QRectF) -> QRect:
            return place[0].mapRect(box).toAlignedRect()

        # Circles reach over their box by the width of a line.
        self._parts = {
            (node, part): on_screen(node.rect(part)).adjusted(-1, -1, 1, 1) for node in nodes for part in node.pictured()
        }
        self._words = {node: on_screen(node.written()) for node in nodes}
        self._bare = self._picture(under, self._scene.theme.panel)
        self._lines = self._picture(over, QColor(0, 0, 0, 0))
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
            painter.setClipRect(self._words[node])
            painter.drawPixmap(0, 0, self._bare)
            painter.save()
            painter.setTransform(self._place[0], True)
            node.paint_numbers(painter)
            node.words.write(painter, True)
            painter.restore()
        painter.end()
