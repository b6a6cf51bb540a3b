"""The scale beside a heat map: its colours, with numbers at the ends and at zero."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QFontMetricsF, QImage, QPainter, QPen

from gui.numbers import format_number, trimmed
from gui.theme import Theme, with_alpha
from gui.widgets.value_scale import ValueScale


@lru_cache(maxsize=64)
def scale_texts(scale: ValueScale) -> list[str]:
    """How the upper end, zero where it lies between, and the lower end are written."""
    values = [scale.high, scale.low] if scale.sequential else [scale.high, 0.0, scale.low]
    return [trimmed(format_number(value)) for value in values]


def paint_scale(painter: QPainter, theme: Theme, scale: ValueScale, room: QRectF, lying: bool) -> None:
    """The colours, with numbers at the ends and zero, in ``room``: standing with the greatest on top, or lying."""
    font = theme.code_font("small")
    metrics = QFontMetricsF(font)
    table = scale.table(theme).astype(np.uint32)
    order = np.arange(0 if scale.sequential else 1, 256)
    order = order if lying else order[::-1]
    words = 0xFF000000 | table[order, 0] << 16 | table[order, 1] << 8 | table[order, 2]
    words = np.ascontiguousarray(words, np.uint32)
    size = (len(words), 1) if lying else (1, len(words))
    if lying:
        bar = QRectF(room.left(), room.top(), max(16.0, min(room.width(), theme.space(200))), theme.space(8))
    else:
        high = max(16.0, min(room.height() - metrics.height(), theme.space(200)))
        bar = QRectF(room.left(), room.top() + metrics.height() / 2, theme.space(10), high)
    painter.drawImage(bar, QImage(words.tobytes(), *size, 4 * size[0], QImage.Format.Format_RGB32))
    painter.setPen(QPen(with_alpha(theme.ink, 0.3), 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(bar)
    painter.setFont(font)
    painter.setPen(theme.muted)
    texts = scale_texts(scale)
    if lying:
        _label_lying(painter, bar, texts[::-1], metrics.height())
    else:
        _label_standing(painter, bar, texts, metrics.height(), room.right())


def _label_lying(painter: QPainter, bar: QRectF, texts: list[str], line: float) -> None:
    if len(texts) == 3 and sum(map(painter.fontMetrics().horizontalAdvance, texts)) + line > bar.width():
        texts = texts[::2]  # zero is where the colours meet
    sides = [Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignHCenter, Qt.AlignmentFlag.AlignRight]
    for text, side in zip(texts, sides if len(texts) == 3 else sides[::2]):
        painter.drawText(QRectF(bar.left(), bar.bottom() + 2, bar.width(), line), side, text)


def _label_standing(painter: QPainter, bar: QRectF, texts: list[str], line: float, right: float) -> None:
    places = [bar.top(), bar.center().y(), bar.bottom()] if len(texts) == 3 else [bar.top(), bar.bottom()]
    for number, (text, y) in enumerate(zip(texts, places)):
        if len(texts) == 3 and number == 1 and bar.height() < 2.5 * line:
            continue
        painter.drawLine(QPointF(bar.right(), y), QPointF(bar.right() + 3, y))
        place = QRectF(bar.right() + 6, y - line / 2, right - bar.right(), line)
        painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
