"""The weights of small dense layers, as lines from unit to unit."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from PyQt6.QtCore import QLineF, QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPen
from PyQt6.QtWidgets import QGraphicsItem

from gui.network.items import FAINT, NodeItem
from gui.network.values import Content
from gui.theme import Theme, with_alpha
from gui.widgets.layer import lines_of

#: Lines drawn of a layer, those of the greatest magnitude; and of all layers that are in sight: of thirty layers side by
#: side nobody can tell more lines apart. A layer has one of these numbers of lines.
MOST_LINES = 500
_IN_SIGHT = 2000
_NUMBERS = (MOST_LINES, 300, 200, 130, 90, 60, 40)
#: Pixels of a large view, with what lies half in it.
_SCREEN = 2.2e6
#: Zoom from which negative lines are dashed: dashes take long, and smaller ones cannot be seen.
_DASHED = 0.7
#: Weights up to which each line is thick, and always smoothed.
_FEW = 128
#: Colours that the lines of one sign have.
_SHADES = 6


class WeightLines(QGraphicsItem):
    """The weights between two columns of units: colour and width are the value, negative ones are dashed.

    Lines of one shade are drawn at once; the picture is kept until the numbers or the zoom change.
    """

    def __init__(self, source: NodeItem, target: NodeItem, theme: Theme) -> None:
        super().__init__()
        self.source, self.target, self.theme = source, target, theme
        self.content: Content | None = None
        self.faint = False
        self.picked: tuple[int, int] | None = None
        self.lit: list[tuple[tuple[int, int], float]] = []
        self.flow: float | None = None
        self.backward = False
        #: Whether lines are neither smoothed nor dashed, see :mod:`gui.network.refining`.
        self.rough = False
        self._start, self._end = source.side(1), target.side(-1)
        # Asked for many times in each paint.
        self._bounds = source.rect("values").united(target.rect("values")).adjusted(-4, -4, 4, 4)
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)

    def boundingRect(self) -> QRectF:
        return self._bounds

    def line(self, out: int, into: int) -> QLineF:
        """The line of weight [out, into]."""
        (x1, y1, apart1), (x2, y2, apart2) = self._start, self._end
        return QLineF(x1, y1 + apart1 * into, x2, y2 + apart2 * out)

    def show_content(self, content: Content | None, faint: bool = False, rough: bool = False) -> None:
        """Show other weights; ``rough``: many lines are drawn quickly, until :meth:`refine`."""
        if content is self.content and faint == self.faint:
            return
        self.content, self.faint = content, faint
        self.rough = rough and self._many
        self.update()

    @property
    def _many(self) -> bool:
        return self.content is not None and self.content.data.size > _FEW

    def show_marks(self, picked: tuple[int, int] | None, lit: list[tuple[tuple[int, int], float]]) -> None:
        if (picked, lit) != (self.picked, self.lit):
            self.picked, self.lit = picked, lit
            self.update()

    def most(self, zoom: float) -> int:
        """How many lines are drawn at a zoom: the closer one looks, the fewer layers are in sight."""
        scene: Any = self.scene()
        if scene is None:
            return MOST_LINES
        whole = scene.sceneRect()
        share = min(1.0, _SCREEN / max(1.0, whole.width() * whole.height() * zoom * zoom))
        room = _IN_SIGHT / max(1.0, share * len(scene.lines))
        return next((number for number in _NUMBERS if number <= room), _NUMBERS[-1])

    def sorted_lines(self, most: int) -> list[tuple[float, bool, Any]]:
        """(share of the greatest weight, whether negative, lines) of so many weights, the faintest first; last, with a
        share above 1, those that are NaN or infinite.
        """
        content = self.content
        if content is None or content.data.ndim != 2 or not content.data.size:
            return []
        return content.kept("lines", (most, self._start, self._end), lambda: self._sort(content, most))

    def _sort(self, content: Content, most: int) -> list[tuple[float, bool, Any]]:
        data = np.asarray(content.data)
        broken = None
        if content.nans or content.infs:
            broken = ~np.isfinite(data).reshape(-1)
            data = np.nan_to_num(data, posinf=0, neginf=0)
        sizes = np.abs(data).reshape(-1)
        if broken is not None:
            sizes[broken] = 2 * content.limit  # none of them may be left out
        order = np.argpartition(sizes, -most)[-most:] if sizes.size > most else np.arange(sizes.size)
        # By shade, the positive ones of each first.
        kinds = 2 * np.minimum(_SHADES, 1 + (sizes[order] / content.limit * _SHADES).astype(int))
        kinds += data.reshape(-1)[order] < 0
        if broken is not None:
            kinds[broken[order]] = 2 * (_SHADES + 1)
        sorting = np.argsort(kinds, kind="stable")
        order, kinds = order[sorting], kinds[sorting]
        outs, intos = np.divmod(order, data.shape[1])
        (x1, y1, apart1), (x2, y2, apart2) = self._start, self._end
        y1, y2 = y1 + apart1 * intos, y2 + apart2 * outs
        ends = [0, *(np.flatnonzero(np.diff(kinds)) + 1).tolist(), len(kinds)]
        found = []
        for start, end in zip(ends, ends[1:]):
            shade, negative = divmod(int(kinds[start]), 2)
            lines = lines_of(end - start, x1, y1[start:end], x2, y2[start:end])
            found.append((shade / _SHADES, bool(negative), lines))
        return found

    def refine(self) -> None:
        """Smooth the lines."""
        if self.rough:
            self.rough = False
            self.update()

    def paint(self, painter: QPainter | None, option: Any, widget: Any = None) -> None:
        assert painter is not None
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, not self.rough)
        painter.setOpacity(FAINT if self.faint else 1.0)
        many, zoom = self._many, painter.worldTransform().m11()
        for share, negative, lines in self.sorted_lines(self.most(zoom)):
            dashed = negative and zoom >= _DASHED and not self.rough
            painter.setPen(_pen(self.theme, -share if negative else share, many, dashed))
            painter.drawLines(lines)
        painter.setOpacity(1.0)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for at, share in self.lit:
            painter.setPen(QPen(with_alpha(self.theme.selection, max(0.25, min(1.0, share))), 1.2))
            painter.drawLine(self.line(*at))
        if self.picked is not None:
            painter.setPen(QPen(self.theme.selection, 2.5))
            painter.drawLine(self.line(*self.picked))
        if self.flow is not None and self.content is not None and self.content.data.ndim == 2:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self.theme.phase["backward" if self.backward else "forward"])
            for out, into in np.ndindex(self.content.data.shape[:2]):
                line = self.line(out, into)
                painter.drawEllipse(line.pointAt(1 - self.flow if self.backward else self.flow), 2.0, 2.0)

    def show_flow(self, share: float | None, backward: bool) -> None:
        """A dot on each line, so far on its way; None for none."""
        if share != self.flow:
            self.flow, self.backward = share, backward
            self.update()

    def nearest(self, at: QPointF, reach: float) -> tuple[int, int] | None:
        """The weight [out, into] whose line passes ``at`` within ``reach``."""
        if self.content is None or self.content.data.ndim != 2:
            return None
        outs, intos = np.ogrid[tuple(slice(count) for count in self.content.data.shape)]
        (x1, y1, apart1), (x2, y2, apart2) = self._start, self._end
        across, down = x2 - x1, y2 + apart2 * outs - (y1 + apart1 * intos)
        x, y = at.x() - x1, at.y() - (y1 + apart1 * intos)
        along = np.clip((x * across + y * down) / np.maximum(1e-9, across * across + down * down), 0, 1)
        apart = np.hypot(x - along * across, y - along * down)
        out, into = np.unravel_index(int(apart.argmin()), apart.shape)
        return (int(out), int(into)) if apart[out, into] <= reach else None


@lru_cache(maxsize=256)
def _pen(theme: Theme, share: float, many: bool, dashed: bool) -> QPen:
    """Of weights of this share, with its sign, of the greatest one."""
    size = abs(share)
    if size > 1:  # no number: dotted, as the colour alone is much like that of the greatest numbers
        pen = QPen(theme.phase["alarm"], 1.4 if many else 2.4)
        pen.setDashPattern([1.0, 2.0])
        return pen
    # Small weights keep a trace of grey, so that one sees that the line is there.
    color = _towards(QColor(*map(int, theme.diverging[round(128 + 118 * share)][:3])), theme.muted, 0.35 * (1 - size))
    if many:
        color.setAlphaF(0.15 + 0.85 * size**1.5)
    pen = QPen(color, 0.6 + (1.2 if many else 2.6) * size)
    if dashed:
        pen.setDashPattern([5.0, 2.5])
    return pen


def _towards(a: QColor, b: QColor, share: float) -> QColor:
    return QColor(*(round(x + (y - x) * share) for x, y in zip(a.getRgb()[:3], b.getRgb()[:3])))
