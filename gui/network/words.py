"""What is written at a node of the canvas: its title, and under its pictures their shapes and ranges."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QColor, QFont, QFontMetricsF, QPainter
from PyQt6.QtWidgets import QGraphicsItem

from gui.network.measuring import caption_font, title_font
from gui.network.units import legible

if TYPE_CHECKING:
    from gui.network.items import NodeItem


class Words(QGraphicsItem):
    """The words at a node. An item of its own: while the script runs freely pictures change thirty times a second, which
    nobody can read numbers at, and words that stay as they are need not be drawn letter by letter again.
    """

    def __init__(self, node: NodeItem) -> None:
        super().__init__(node)
        self._node = node
        self._captions = node.captions()
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)

    def renew(self) -> None:
        """Write what is shown now."""
        captions = self._node.captions()
        if captions != self._captions:
            self._captions = captions
            if not self._node.live:
                self.update()

    def boundingRect(self) -> QRectF:
        return self._node.boundingRect()

    def paint(self, painter: QPainter | None, option: Any, widget: Any = None) -> None:
        assert painter is not None
        node, zoom = self._node, painter.worldTransform().m11()
        place, theme = node.place, node.theme
        phase = node.marks.phase or ("loss" if place.form.loss else "")
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = title_font(theme, bool(node.marks.phase))
        if legible(font.pointSizeF(), zoom):
            painter.setFont(font)
            color = theme.phase_text[phase] if phase else theme.ink
            self._write(painter, place.form.title, place.title_box(), color, Qt.TextElideMode.ElideMiddle)
        font = caption_font(theme, place.small)
        if not legible(font.pointSizeF(), zoom):
            return
        painter.setFont(font)
        for which, text in self._captions.items():
            self._write(painter, text, place.caption_box(which), theme.muted, Qt.TextElideMode.ElideRight)

    def _write(self, painter: QPainter, text: str, place: tuple, color: QColor, mode: Qt.TextElideMode) -> None:
        """A line of text on a ground of its own: lines between units may pass under it."""
        if not text:
            return
        box = QRectF(*place)
        shown, wide = _fitted(painter.font().toString(), text, mode, box.width())
        painter.fillRect(box.adjusted((box.width() - wide) / 2, 1, (wide - box.width()) / 2, -1), self._node.theme.panel)
        painter.setPen(color)
        painter.drawText(box.adjusted(-4, 0, 4, 0), Qt.AlignmentFlag.AlignCenter, shown)


@lru_cache(maxsize=1024)
def _fitted(font: str, text: str, mode: Qt.TextElideMode, room: float) -> tuple[str, float]:
    """(a text cut to ``room``, its width): looked for once, not with every picture; ``font`` as of QFont.toString."""
    written = QFont()
    written.fromString(font)
    metrics = QFontMetricsF(written)
    shown = metrics.elidedText(text, mode, room + 1)
    return shown, min(room, metrics.horizontalAdvance(shown))
