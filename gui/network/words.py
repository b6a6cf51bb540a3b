"""What is written at a node of the canvas: its title, and under its pictures their shapes and ranges."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QColor, QFont, QFontMetricsF, QPainter

from gui.network.kept import Look, Placed, kept, look_of, put
from gui.network.measuring import caption_font, title_font
from gui.network.places import READABLE, TITLED
from gui.network.units import legible
from gui.theme import Theme

if TYPE_CHECKING:
    from gui.network.items import NodeItem


#: Captions that depend on the numbers: see :meth:`gui.network.places.Place.caption_box`.
CHANGING = ("scale", "weight")
#: The others.
FIXED = ("title", "shape")
#: Of the gap between two nodes, the most that a title takes which is larger than its room.
_ASIDE = 8.0


class Words:
    """The words at a node, which it paints. What stays as it is need not be drawn letter by letter again."""

    def __init__(self, node: NodeItem) -> None:
        self._node = node
        self._captions = node.captions()
        #: How it looked when it was painted last, and of what does not change with the numbers the pictures.
        self._shown: tuple[Any, ...] | None = None
        self._fixed: list[Placed] = []
        #: The captions that were painted last, and pictures of them, once they have been painted twice.
        self._captioned: dict[str, str] | None = None
        self._changing: list[Placed] | None = None

    def renew(self) -> None:
        """Write what is shown now."""
        captions = self._node.captions()
        if captions != self._captions:
            self._captions = captions
            if not self._node.live:
                self._node.update()

    def paint(self, painter: QPainter) -> None:
        """All of it."""
        node, look = self._node, look_of(painter)
        shown = look, node.theme, self._phase, bool(node.marks.phase)
        if look is None:
            self._write(painter, None, (*FIXED, *CHANGING))
            return
        if shown != self._shown:
            self._shown, self._captioned = shown, None
            self._fixed = self._write(painter, look, FIXED)
        if self._captions != self._captioned:
            # Written on the spot: to make pictures of them takes longer, and the next stop has other numbers.
            self._captioned, self._changing = self._captions, None
            self._write(painter, None, CHANGING)
        elif self._changing is None:
            self._changing = self._write(painter, look, CHANGING)
        put(painter, [*self._fixed, *(self._changing or ())])

    @property
    def _phase(self) -> str:
        node = self._node
        return node.marks.phase or ("loss" if node.place.form.loss else "")

    def write(self, painter: QPainter, changing: bool) -> None:
        """Paint only what changes with the numbers, or what does not."""
        self._write(painter, None, CHANGING if changing else FIXED)

    def _write(self, painter: QPainter, look: Look | None, which: Iterable[str]) -> list[Placed]:
        """With ``look`` the pictures of what is written; what is too large for one, and all without it, is written now."""
        made: list[Placed | None] = []
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        node, zoom = self._node, painter.worldTransform().m11()
        theme = node.theme
        for name in which:
            if name == "title" and zoom >= TITLED:
                color = theme.phase_text[self._phase] if self._phase else theme.ink
                grown = max(1.0, round(READABLE / zoom, 2))
                aside = min(_ASIDE, node.size.gap / 2 - 1) if grown > 1 else 0.0
                text, place = node.place.form.title, node.place.title_box(aside)
                title = fitting_title(theme, bool(node.marks.phase), grown, text, place[2])
                made.append(self._line(painter, look, title, text, place, color, Qt.TextElideMode.ElideMiddle))
            elif name in self._captions and legible(zoom * (share := node.place.share(name))):
                caption, text, place = caption_font(theme, share), self._captions[name], node.place.caption_box(name)
                made.append(self._line(painter, look, caption, text, place, theme.muted, Qt.TextElideMode.ElideRight))
        return [picture for picture in made if picture is not None]

    def _line(
        self, painter: QPainter, look: Look | None, font: QFont, text: str, place: tuple, color: QColor,
        mode: Qt.TextElideMode,
    ) -> Placed | None:  # fmt: skip
        """A line of text on a ground of its own: lines between units may pass under it. As a picture, where that does."""
        if not text:
            return None
        box, ground = QRectF(*place), self._node.theme.panel

        def draw(painter: QPainter) -> None:
            shown, wide, high = _fitted(font.toString(), text, mode, box.width())
            across, down = (box.width() - wide) / 2, max(1.0, (box.height() - high) / 2)
            under = box.adjusted(across, down, -across, -down)
            painter.setFont(font)
            painter.fillRect(under, ground)
            painter.setPen(color)
            painter.drawText(box.adjusted(-4, 0, 4, 0), Qt.AlignmentFlag.AlignCenter, shown)

        key = text, font.pointSizeF(), font.weight(), color.rgba(), ground.rgba(), mode
        picture = None
        if look is not None and (picture := kept(look, box.adjusted(-6, -4, 6, 4), key, draw)) is None:
            self._shown = None  # there is no picture: it has to be written the next time too
        if picture is None:
            draw(painter)
        return picture


@lru_cache(maxsize=1024)
def fitting_title(theme: Theme, lit: bool, grown: float, text: str, room: float) -> QFont:
    """The font of a title: as large as can be read, where that has room; else as large as has, at least as laid out."""
    while grown > 1.0 and QFontMetricsF(title_font(theme, lit, grown)).horizontalAdvance(text) > room:
        grown = max(1.0, round(grown - 0.02, 2))
    return title_font(theme, lit, grown)


@lru_cache(maxsize=1024)
def _fitted(font: str, text: str, mode: Qt.TextElideMode, room: float) -> tuple[str, float, float]:
    """(a text cut to ``room``, its width and height), looked for once, not with every picture; ``font``: QFont.toString."""
    written = QFont()
    written.fromString(font)
    metrics = QFontMetricsF(written)
    shown = metrics.elidedText(text, mode, room + 1)
    return shown, min(room, metrics.horizontalAdvance(shown)), metrics.height()
