"""The fonts of the canvas, and how wide texts are in them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from PyQt6.QtGui import QFont, QFontMetricsF

from gui.network.texts import Texts
from gui.theme import SIZES, Theme

#: Texts are laid out wider than measured by this share: at other zooms their letters stand a little farther apart.
_SLACK = 1.04


@lru_cache(maxsize=64)
def title_font(theme: Theme, lit: bool = False, scale: float = 1.0) -> QFont:
    """Of the names over nodes."""
    font = theme.text_font("small", bold=lit)
    font.setPointSizeF(font.pointSizeF() * scale)
    return font


@lru_cache(maxsize=64)
def caption_font(theme: Theme, scale: float = 1.0) -> QFont:
    """Of shapes and scales under nodes."""
    font = theme.text_font("small")
    font.setPointSizeF(font.pointSizeF() * 0.94 * scale)
    return font


@lru_cache(maxsize=64)
def number_font(theme: Theme) -> QFont:
    """Of the numbers beside units."""
    return theme.code_font("small")


@lru_cache(maxsize=16)
def texts_of(theme: Theme) -> Texts:
    """Widths in the fonts of ``theme``."""
    title, caption = QFontMetricsF(title_font(theme, lit=True)), QFontMetricsF(caption_font(theme))
    number = QFontMetricsF(number_font(theme))

    def width(metrics: QFontMetricsF) -> Callable[[str], float]:
        return lru_cache(maxsize=4096)(lambda text: _SLACK * metrics.horizontalAdvance(text) + 1)

    return Texts(
        width(title), width(caption), width(number), title.height(), caption.height(),
        theme.point_size("small") / SIZES["small"],
    )  # fmt: skip
