"""Panels and the window as pictures of pixels, at any scale."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

from PyQt6.QtCore import QBuffer, QIODevice, QPoint, QPointF, QRect, QSize, Qt
from PyQt6.QtGui import QFontMetricsF, QImage, QPainter, QPen
from PyQt6.QtWidgets import QWidget

from gui.exporting_files import write_whole

if TYPE_CHECKING:
    from gui.panels.panel import Panel


def write_png(panel: Panel, path: str | os.PathLike[str], scale: float = 2.0) -> None:
    """Write what a panel shows, under its title, ``scale`` times as large. Raises OSError where it cannot be written."""
    size = panel_size(panel)
    image = _image(size, scale)
    image.fill(panel.theme.panel)
    painter = QPainter(image)
    draw_panel(panel, painter)
    painter.end()
    write_whole(path, png_bytes(image))


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
    return QSize(max(panel.width(), 1), max(panel.height() + head_height(panel), 1))


def draw_panel(panel: Panel, painter: QPainter) -> None:
    """Draw a panel with its title and what it shows; of one in a dock the head belongs to the dock."""
    draw_head(panel, painter)
    panel.render(painter, QPoint(0, head_height(panel)))


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


def head_height(panel: Panel) -> int:
    """The height of the title that is drawn above what a panel shows; 0 where the panel has its own."""
    return 0 if panel.isAncestorOf(panel.head) else panel.theme.row(32)


def draw_head(panel: Panel, painter: QPainter) -> None:
    """Draw that title."""
    theme, width, height = panel.theme, panel.width(), head_height(panel)
    if not height:
        return
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
