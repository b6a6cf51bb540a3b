"""The ways of tensors between the nodes."""

from __future__ import annotations

from typing import Any

from PyQt6.QtCore import QLineF, QPointF, QRectF, Qt
from PyQt6.QtGui import QPainter, QPainterPath, QPen
from PyQt6.QtWidgets import QGraphicsItem

from gui.network.items import NodeItem
from gui.network.routes import Route
from gui.theme import Theme, with_alpha


class RouteItem(QGraphicsItem):
    """The way of one tensor from node to node; ``phase``: lit in this hue."""

    def __init__(self, route: Route, source: NodeItem, target: NodeItem, theme: Theme) -> None:
        super().__init__()
        self.route, self.theme, self.phase, self.backward = route, theme, "", False
        self.flow: float | None = None
        self._path = _path(route, source, target)
        self._bounds = self._path.boundingRect().adjusted(-5, -5, 5, 5)
        self._bundle = _is_bundle(source, target) and route.kind == "flow"
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)
        self.setZValue(-1.0)

    def boundingRect(self) -> QRectF:
        return self._bounds

    def light(self, phase: str, backward: bool = False) -> None:
        """Show that numbers flow here now, in the direction of the arrow or back."""
        if (phase, backward) != (self.phase, self.backward):
            self.phase, self.backward = phase, backward
            self.update()

    def show_flow(self, share: float | None) -> None:
        """A dot so far on its way; None for none."""
        if share != self.flow:
            self.flow = share
            self.update()

    def paint(self, painter: QPainter | None, option: Any, widget: Any = None) -> None:
        assert painter is not None
        zoom = painter.worldTransform().m11()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        skip = self.route.kind == "skip"
        color = self.theme.phase[self.phase] if self.phase else with_alpha(self.theme.ink, 0.55 if skip else 0.34)
        painter.setPen(QPen(color, (2.0 if self.phase else 1.2) / max(zoom, 0.4)))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(self._path)
        if self._bundle:
            return
        if self.flow is not None:
            painter.setBrush(color)
            at = self._path.pointAtPercent(1 - self.flow if self.backward else self.flow)
            painter.drawEllipse(at, 4.0, 4.0)
        at = self.route.points[0] if self.backward else self.route.points[-1]
        way = 1.0 if not self.backward else -1.0
        head = QPainterPath(QPointF(*at))
        if self.route.kind == "under":
            head.lineTo(at[0] - 3, at[1] + 5 * way)
            head.lineTo(at[0] + 3, at[1] + 5 * way)
        else:
            head.lineTo(at[0] - 5 * way, at[1] - 3)
            head.lineTo(at[0] - 5 * way, at[1] + 3)
        head.closeSubpath()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawPath(head)


def _is_bundle(source: NodeItem, target: NodeItem) -> bool:
    """Whether each unit of the one is read by the unit at its side of the other."""
    a, b = source.place.form, target.place.form
    return a.kind == b.kind == "units" and a.shape == b.shape and not b.weight


def _path(route: Route, source: NodeItem, target: NodeItem) -> QPainterPath:
    if route.kind == "flow" and _is_bundle(source, target):
        path = QPainterPath()
        (x1, y1, apart1), (x2, y2, apart2) = source.side(1), target.side(-1)
        for unit in range(source.place.form.shape[0]):
            path.moveTo(x1, y1 + unit * apart1)
            path.lineTo(x2, y2 + unit * apart2)
        return path
    points = [QPointF(*point) for point in route.points]
    path = QPainterPath(points[0])
    if route.kind == "flow":
        _, a, b, end = points
        path.lineTo(a)
        bend = (b.x() - a.x()) / 2
        path.cubicTo(QPointF(a.x() + bend, a.y()), QPointF(b.x() - bend, b.y()), b)
        path.lineTo(end)
        return path
    for before, corner, after in zip(points, points[1:], points[2:]):
        into, out = QLineF(corner, before), QLineF(corner, after)
        if into.length() > 0 and out.length() > 0:
            radius = min(5.0, into.length() / 2, out.length() / 2)
            into.setLength(radius)
            out.setLength(radius)
            path.lineTo(into.p2())
            path.quadTo(corner, out.p2())
    path.lineTo(points[-1])
    return path
