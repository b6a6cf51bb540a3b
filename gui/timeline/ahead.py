"""The end of the strip while the script runs: the steps that it has done since the newest event that is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QLineF, QRectF, Qt
from PyQt6.QtGui import QBrush, QFontMetricsF, QPainter, QPen

from gui.theme import with_alpha
from gui.timeline.paint import lanes

if TYPE_CHECKING:
    from gui.timeline.strip import StripView

#: The least pixels of it, and the greatest share of the strip that it takes.
_LEAST, _MOST = 112.0, 0.8

#: Pixels by which it grows at once: in between the strip need not be drawn anew.
_STRIDE = 8


def ahead(strip: StripView) -> float:
    """Pixels at the right for the steps that have been done since the newest known event; 0 where the script stands."""
    if strip.running is None or strip.events.first is None:
        return 0.0
    events = strip.events
    newest = events.step_at(events.next - 1)
    known, new = max(1, newest - events.step_at(events.first)), max(0, strip.running - newest)
    room = max(1.0, strip.width() - strip.left())
    wanted = min(max(_LEAST, room * new / (known + new)), _MOST * room)
    return float(_STRIDE * round(wanted / _STRIDE))


def paint_ahead(painter: QPainter, strip: StripView) -> None:
    """A hatched field with the step that the script has come to."""
    wide = ahead(strip)
    if not wide or strip.running is None:
        return
    theme, (_, bottom) = strip.theme, lanes(strip)
    box = QRectF(strip.width() - wide, 0, wide, bottom)
    painter.fillRect(box, theme.panel)
    painter.fillRect(box, QBrush(with_alpha(theme.ink, 0.10), Qt.BrushStyle.BDiagPattern))
    painter.setPen(QPen(with_alpha(theme.ink, 0.3), 1))
    painter.drawLine(QLineF(box.left() + 0.5, 0, box.left() + 0.5, bottom))
    font = theme.text_font("small")
    painter.setFont(font)
    metrics = QFontMetricsF(font)
    text = words_ahead(strip.running + 1, wide - 20, metrics)
    words = QRectF(0, 0, min(wide - 8, metrics.horizontalAdvance(text) + 12), metrics.height() + 4)
    words.moveCenter(box.center())
    painter.fillRect(words, theme.panel)
    painter.setPen(theme.ink)
    painter.drawText(words, Qt.AlignmentFlag.AlignCenter, text)


def words_ahead(step: int, room: float, metrics: QFontMetricsF) -> str:
    """What the field says of the step that is done, as fully as its room (pixels) allows; at the least the step's number."""
    texts = (f"running: step {step:,}", f"step {step:,}")
    return next((text for text in texts if metrics.horizontalAdvance(text) <= room), f"{step:,}")
