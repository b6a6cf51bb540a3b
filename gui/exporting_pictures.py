"""Panels and the window as pictures: PNG at any scale, and SVG with text as text and lines as lines."""

from __future__ import annotations

import html
import math
import os
import re
from typing import TYPE_CHECKING

from PyQt6.QtCore import QBuffer, QIODevice, QPoint, QPointF, QRect, QSize, Qt
from PyQt6.QtGui import QFont, QFontMetricsF, QImage, QPainter, QPen
from PyQt6.QtWidgets import QWidget

from gui.exporting_files import write_whole

if TYPE_CHECKING:
    from gui.panels.panel import Panel

#: A text as Qt writes it into SVG: what is before its font, family, size, weight, what is behind, the text.
_TEXT = re.compile(r'(<text [^>]*?)font-family="([^"]+)" font-size="([\d.]+)" font-weight="(\d+)"([^>]*?)\s*>([^<]*)<')


def write_png(panel: Panel, path: str | os.PathLike[str], scale: float = 2.0) -> None:
    """Write what a panel shows, under its title, ``scale`` times as large. Raises OSError where it cannot be written."""
    size = panel_size(panel)
    image = _image(size, scale)
    image.fill(panel.theme.panel)
    painter = QPainter(image)
    draw_panel(panel, painter)
    painter.end()
    write_whole(path, png_bytes(image))


def write_svg(panel: Panel, path: str | os.PathLike[str]) -> None:
    """Write what a panel shows, under its title, as SVG 1.1. Raises OSError where it cannot be written."""
    from PyQt6.QtSvg import QSvgGenerator  # not before it is needed: the window shall open fast

    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    # Of version 1.1, because what scrolls or is zoomed has to be cut at its edges, which Qt's SVG Tiny cannot say.
    generator = QSvgGenerator(QSvgGenerator.SvgVersion.Svg11)
    size = panel_size(panel)
    generator.setOutputDevice(buffer)
    generator.setResolution(panel.logicalDpiX())
    generator.setSize(size)
    generator.setViewBox(QRect(QPoint(0, 0), size))
    generator.setTitle(f"Nablascope: {panel.title}")
    generator.setDescription(panel.head.subject.text())
    painter = QPainter(generator)
    painter.fillRect(QRect(QPoint(0, 0), size), panel.theme.panel)
    draw_panel(panel, painter)
    painter.end()
    write_whole(path, _portable(bytes(buffer.data().data()).decode("utf-8")).encode("utf-8"))


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


def write_window(window: QWidget, path: str | os.PathLike[str], scale: float = 1.0) -> None:
    """Write a whole window as PNG. Raises OSError where it cannot be written."""
    write_whole(path, png_bytes(grab(window, scale)))


def grab(widget: QWidget, scale: float = 1.0) -> QImage:
    """A picture of a widget, ``scale`` times as large as it is in its own pixels."""
    image = _image(widget.size(), scale)
    image.fill(widget.palette().window().color())
    painter = QPainter(image)
    widget.render(painter)
    painter.end()
    return image


def panel_size(panel: Panel) -> QSize:
    """The size of a panel's picture."""
    return QSize(max(panel.width(), 1), max(panel.height() + _head_height(panel), 1))


def draw_panel(panel: Panel, painter: QPainter) -> None:
    """Draw a panel with its title and what it shows; of one in a dock the head belongs to the dock."""
    height = _head_height(panel)
    if height:
        _draw_head(panel, painter, height)
    panel.render(painter, QPoint(0, height))


def png_bytes(image: QImage) -> bytes:
    """The contents of a PNG file."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not image.save(buffer, "PNG"):
        raise OSError("the picture cannot be encoded as PNG")
    return bytes(buffer.data().data())


def _image(size: QSize, scale: float) -> QImage:
    image = QImage(math.ceil(size.width() * scale), math.ceil(size.height() * scale), QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(scale)
    return image


def _head_height(panel: Panel) -> int:
    return 0 if panel.isAncestorOf(panel.head) else panel.theme.row(32)


def _draw_head(panel: Panel, painter: QPainter, height: int) -> None:
    theme, width = panel.theme, panel.width()
    painter.save()
    painter.fillRect(QRect(0, 0, width, height), theme.panel)
    left = 8.0
    for text, font, color in (
        (panel.title, theme.text_font("body", bold=True), theme.ink),
        (panel.head.subject.text(), theme.code_font("small"), theme.muted),
    ):
        metrics = QFontMetricsF(font)
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(width - left - 8, 0))
        painter.setFont(font)
        painter.setPen(color)
        baseline = (height + metrics.ascent() - metrics.descent()) / 2
        painter.drawText(QPointF(left, baseline), shown)
        left += metrics.horizontalAdvance(shown) + 12
    painter.setPen(QPen(theme.hairline, 1))
    painter.drawLine(QPointF(0, height - 0.5), QPointF(width, height - 0.5))
    painter.restore()
