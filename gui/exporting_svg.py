"""Panels as SVG 1.1, with text as text and lines as lines.

Each widget is drawn by itself, at its own origin, and put where it is and cut at its edges by a group of its own: when a
whole tree of widgets is drawn at once Qt writes what a widget cuts off in the widget's own coordinates, and what it draws in
those of the picture.
"""

from __future__ import annotations

import html
import itertools
import os
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from PyQt6.QtCore import QBuffer, QIODevice, QPoint, QRect, QSize
from PyQt6.QtGui import QFont, QFontMetricsF, QPainter, QRegion
from PyQt6.QtWidgets import QWidget

from gui.exporting_files import write_whole
from gui.exporting_pictures import draw_head, head_height, panel_size

if TYPE_CHECKING:
    from gui.panels.panel import Panel

#: A text as Qt writes it into SVG: what is before its font, family, size, weight, what is behind, the text.
_TEXT = re.compile(r'(<text [^>]*?)font-family="([^"]+)" font-size="([\d.]+)" font-weight="(\d+)"([^>]*?)\s*>([^<]*)<')
#: What stands before a name in a tag, where it is given and where it is referred to; in a text Qt writes &quot; for ".
_BEFORE_NAME = re.compile(r'\b(?:id="|href="#|[a-z-]+="url\(#)')
#: A group in which nothing is drawn.
_EMPTY = re.compile(r"<g\b[^>]*>\s*</g>\s*")
#: Where a document as Qt writes it has its contents.
_BEGIN, _END = "<defs>", "</svg>"


def write_svg(panel: Panel, path: str | os.PathLike[str]) -> None:
    """Write what a panel shows, under its title. Raises OSError where it cannot be written."""
    size, numbers = panel_size(panel), itertools.count()

    def ground(painter: QPainter) -> None:
        painter.fillRect(QRect(QPoint(0, 0), size), panel.theme.panel)
        draw_head(panel, painter)

    document = _drawn(size, panel, ground, f"Nablascope: {panel.title}", panel.head.subject.text())
    shown = _placed(panel, QPoint(0, head_height(panel)), numbers)
    end = document.rindex(_END)
    write_whole(path, _portable(f"{document[:end]}{shown}{_END}\n").encode("utf-8"))


def _drawn(size: QSize, like: QWidget, draw: Callable[[QPainter], None], title: str = "", description: str = "") -> str:
    """An SVG document of what ``draw`` draws, with the resolution of the widget ``like``."""
    from PyQt6.QtSvg import QSvgGenerator  # not before it is needed: the window shall open fast

    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    # Of version 1.1, because what scrolls or is zoomed has to be cut at its edges, which Qt's SVG Tiny cannot say.
    generator = QSvgGenerator(QSvgGenerator.SvgVersion.Svg11)
    generator.setOutputDevice(buffer)
    generator.setResolution(like.logicalDpiX())
    generator.setSize(size)
    generator.setViewBox(QRect(QPoint(0, 0), size))
    generator.setTitle(title)
    generator.setDescription(description)
    painter = QPainter(generator)
    try:
        draw(painter)
    finally:  # one that is at work when it goes ends the process
        painter.end()
    return bytes(buffer.data().data()).decode("utf-8")


def _placed(widget: QWidget, at: QPoint, numbers: Iterator[int]) -> str:
    """A group with what ``widget`` and the widgets in it draw; ``at``: where it lies in the group around."""
    number, own = next(numbers), ""
    if not widget.size().isEmpty():
        alone = QWidget.RenderFlag(0)  # neither the ground, which is drawn, nor what is in it
        # That of QWidget: a QGraphicsView has another of this name.
        svg = _drawn(widget.size(), widget, lambda painter: QWidget.render(widget, painter, QPoint(), QRegion(), alone))
        own = _BEFORE_NAME.sub(rf"\g<0>w{number}-", svg[svg.index(_BEGIN) : svg.rindex(_END)])
        while (shorter := _EMPTY.sub("", own)) != own:
            own = shorter
        own = re.sub(r"<defs>\s*</defs>\s*", "", own).strip()
    inner = "".join(
        _placed(child, child.pos(), numbers)
        for child in widget.children()
        if isinstance(child, QWidget) and not child.isHidden() and not child.isWindow()
    )
    if not own and not inner:
        return ""
    edges = f'<clipPath id="edges{number}"><rect width="{widget.width()}" height="{widget.height()}"/></clipPath>'
    where = f'transform="translate({at.x()},{at.y()})" clip-path="url(#edges{number})"'
    return f"<defs>{edges}</defs>\n<g {where}>\n{own}\n{inner}</g>\n"


def _portable(svg: str) -> str:
    """The same where the fonts are not installed: each text keeps its width, and says what kind of font it wants instead."""

    def kept(found: re.Match[str]) -> str:
        begin, family, size, weight, middle, text = found.groups()
        font = QFont(family)
        font.setPixelSize(100)  # a whole number, and large: Qt rounds advances of small ones
        font.setWeight(QFont.Weight(int(weight)))
        wide = QFontMetricsF(font).horizontalAdvance(html.unescape(text)) * float(size) / 100
        fallback = "monospace" if "Mono" in family else "sans-serif"
        width = f' textLength="{wide:.2f}" lengthAdjust="spacingAndGlyphs"' if len(text) > 1 and wide else ""
        return f'{begin}font-family="{family}, {fallback}" font-size="{size}" font-weight="{weight}"{middle}{width}>{text}<'

    return _TEXT.sub(kept, svg)
