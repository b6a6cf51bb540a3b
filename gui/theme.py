"""Colours, fonts and colour maps of the three themes. Everything that is drawn asks here."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PyQt6.QtGui import QColor, QFont

from gui import fonts
from gui.state import is_loss

THEMES = ("light", "dark", "projector")

#: Hues of the four phases and of alarms: Okabe and Ito, "Color Universal Design" (2008).
PHASES = {"forward": "#0072B2", "loss": "#E69F00", "backward": "#CC79A7", "update": "#009E73", "alarm": "#D55E00"}

#: Points at 100 %; the projector theme is 1.3 times as large (13 pt body).
SIZES = {"small": 8.5, "body": 10.0, "head": 11.5, "title": 18.0}

#: Pixels of a line of body text at 100 %.
_LINE = 16

_GREYS = {
    # paper: the window; panel: what numbers are drawn on; raised: buttons, fields, pop-ups
    "light": {"paper": "#F4F5F7", "panel": "#FFFFFF", "raised": "#FFFFFF", "ink": "#1B1F24", "muted": "#5C6570"},
    "dark": {"paper": "#15181C", "panel": "#1C2025", "raised": "#262B31", "ink": "#E4E7EB", "muted": "#9AA3AE"},
    "projector": {"paper": "#F2F3F5", "panel": "#FFFFFF", "raised": "#FFFFFF", "ink": "#000000", "muted": "#3F464E"},
}

#: Lightness and chroma of the ends of the diverging map in OKLCh, negative and positive, with their hues.
_ENDS = {"light": (0.60, 0.150), "dark": (0.78, 0.140), "projector": (0.52, 0.145)}
_NEGATIVE_HUE, _POSITIVE_HUE, _SEQUENTIAL_HUE = 245.0, 58.0, 265.0


class Theme:
    """One theme at one text size.

    Attributes:
        name: "light", "dark" or "projector"; dark: whether it is light on dark.
        scale: text size, 1.0 is 100 %.
        paper, panel, raised: backgrounds: of the window, of panels, of what lies above them.
        ink, muted: text, and text that matters less (both at least 4.5 : 1 on every background; 7 : 1 in projector).
        hairline: lines between things: ink at 12 %.
        accent: what has the keyboard focus, what is selected in lists, links.
        selection: the 2 px ring around the selection.
        phase: by "forward", "loss", "backward", "update", "alarm": for marks and areas.
        phase_text: the same hues for text: at least 4.5 : 1 (7 : 1) on all three backgrounds.
        diverging, sequential: 256 x 4 uint8 tables. Of diverging, entry 128 is zero and the panel's background: what
            pyqtgraph makes of levels (-m, m).
    """

    def __init__(self, name: str = "light", scale: float = 1.0) -> None:
        self.name = name if name in THEMES else "light"
        self.scale = scale
        self.dark = self.name == "dark"
        greys = {key: QColor(value) for key, value in _GREYS[self.name].items()}
        self.paper, self.panel, self.raised = greys["paper"], greys["panel"], greys["raised"]
        self.ink, self.muted = greys["ink"], greys["muted"]
        self.hairline = with_alpha(self.ink, 0.12)
        wanted = 7.0 if self.name == "projector" else 4.5
        grounds = (self.panel, self.paper, self.raised)
        self.phase_text = {key: readable(QColor(value), grounds, wanted) for key, value in PHASES.items()}
        self.phase = dict(self.phase_text) if self.dark else {key: QColor(value) for key, value in PHASES.items()}
        self.accent = QColor(self.phase_text["forward"])
        self.selection = QColor(self.ink)
        self.diverging = _diverging(self.name, self.panel)
        self.sequential = _sequential(self.name, self.panel)

    def direction(self, stop: dict | None) -> str:
        """The phase of a stop, a key of :attr:`phase`; "forward" where it has none."""
        direction = (stop or {}).get("direction") or "forward"
        return "loss" if direction == "forward" and is_loss(str((stop or {}).get("op") or "")) else str(direction)

    def point_size(self, size: str = "body") -> float:
        """Points of one of the four sizes at this theme's scale."""
        return SIZES[size] * self.scale * (1.3 if self.name == "projector" else 1.0)

    def text_font(self, size: str = "body", bold: bool = False) -> QFont:
        """The font of text, with figures of equal width."""
        return QFont(_font(fonts.load()[0], self.point_size(size), bold))

    def code_font(self, size: str = "body", bold: bool = False) -> QFont:
        """The font of code and numbers."""
        return QFont(_font(fonts.load()[1], self.point_size(size) * 0.96, bold, True))

    def space(self, pixels: int) -> int:
        """A distance of the 4-pixel grid at this theme's text size."""
        return round(pixels * max(1.0, self.point_size() / SIZES["body"]))

    def row(self, pixels: int) -> int:
        """The height of a row that holds a line of text, ``pixels`` at 100 %: with larger text the line grows, the air
        around it does not.
        """
        return pixels - _LINE + self.space(_LINE)


@lru_cache(maxsize=64)
def _font(family: str, points: float, bold: bool, code: bool = False) -> QFont:
    font = QFont(family)
    font.setPointSizeF(points)
    if bold:
        font.setWeight(QFont.Weight.DemiBold)
    if hasattr(font, "setFeature"):
        font.setFeature(QFont.Tag("tnum"), 1)
        if code:
            font.setFeature(QFont.Tag("calt"), 0)  # code as it is written: no arrow for "->"
    return font


# ---------------------------------------------------------------------------------------------------------- colours


def with_alpha(color: QColor, alpha: float) -> QColor:
    """``color`` at an opacity of 0 to 1; it is shared, so not to be changed."""
    return _with_alpha(color.rgba(), alpha)


@lru_cache(maxsize=256)
def _with_alpha(color: int, alpha: float) -> QColor:
    result = QColor.fromRgba(color)
    result.setAlphaF(alpha)
    return result


def mixed(a: QColor, b: QColor, share: float) -> QColor:
    """``a`` with a share 0 to 1 of ``b``, mixed in OKLab."""
    return _to_color((1 - share) * _oklab(a) + share * _oklab(b))


def contrast(a: QColor, b: QColor) -> float:
    """Contrast ratio of two opaque colours, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    bright, dim = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def readable(color: QColor, grounds: Sequence[QColor], ratio: float = 4.5) -> QColor:
    """``color`` moved towards white or black until it reads on all of ``grounds``."""
    end = QColor("white") if _luminance(grounds[0]) < 0.18 else QColor("black")
    for step in range(41):
        candidate = mixed(color, end, step / 40)
        if min(contrast(candidate, ground) for ground in grounds) >= ratio:
            return candidate
    return end


def contrasts(color: QColor, table: np.ndarray) -> np.ndarray:
    """:func:`contrast` of a colour with each one of a table: (n, 3 or more), red first, 0 to 255."""
    one, others = _luminance(color), _as_linear(table[:, :3] / 255.0) @ _LUMINANCE
    return (np.maximum(one, others) + 0.05) / (np.minimum(one, others) + 0.05)


def _linear(color: QColor) -> np.ndarray:
    return _as_linear(np.array([color.redF(), color.greenF(), color.blueF()], dtype=np.float64))


def _as_linear(values: np.ndarray) -> np.ndarray:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


_LUMINANCE = (0.2126, 0.7152, 0.0722)


def _luminance(color: QColor) -> float:
    return float(_linear(color) @ _LUMINANCE)


# Matrices of OKLab: Ottosson, "A perceptual color space for image processing" (2020).
_TO_LMS = np.array([
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
])  # fmt: skip
_TO_LAB = np.array([
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
])  # fmt: skip
_FROM_LAB, _FROM_LMS = np.linalg.inv(_TO_LAB), np.linalg.inv(_TO_LMS)


def _oklab(color: QColor) -> np.ndarray:
    return _TO_LAB @ np.cbrt(_TO_LMS @ _linear(color))


def _to_rgb(lab: np.ndarray) -> np.ndarray:
    """OKLab (n, 3) as sRGB values 0 to 255 (n, 3)."""
    linear = np.clip((lab @ _FROM_LAB.T) ** 3 @ _FROM_LMS.T, 0, 1)
    values = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(values * 255).astype(np.uint8)


def _to_color(lab: np.ndarray) -> QColor:
    return QColor(*(int(value) for value in _to_rgb(lab[None])[0]))


def _lch(lightness: float, chroma: float, hue: float) -> np.ndarray:
    angle = np.deg2rad(hue)
    return np.array([lightness, chroma * np.cos(angle), chroma * np.sin(angle)])


def _table(shares: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    rgb = _to_rgb(start + shares[:, None] * (end - start))
    return np.concatenate([rgb, np.full((len(rgb), 1), 255, np.uint8)], axis=1)


def _diverging(name: str, panel: QColor) -> np.ndarray:
    lightness, chroma = _ENDS[name]
    shares = np.clip((np.arange(256) - 128) / 127, -1, 1)
    negative = _table(-shares[:128], _oklab(panel), _lch(lightness, chroma, _NEGATIVE_HUE))
    positive = _table(shares[128:], _oklab(panel), _lch(lightness, chroma, _POSITIVE_HUE))
    table = np.concatenate([negative, positive])
    table[128, :3] = panel.red(), panel.green(), panel.blue()
    return table


def _sequential(name: str, panel: QColor) -> np.ndarray:
    end = _lch(0.96 if name == "dark" else 0.22, 0.02, _SEQUENTIAL_HUE)
    return _table(np.arange(256) / 255, _oklab(panel), end)
