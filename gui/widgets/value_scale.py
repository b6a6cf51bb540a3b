"""Which colour a number has: the two ends of a scale, the tables of the theme, and pictures made with them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PyQt6.QtGui import QImage

from gui.theme import Theme

#: How the ends of a scale are found: -m to m; least to greatest; -m to m without the outermost 1 % on either side.
MODES = ("symmetric", "min-max", "robust")

#: Ends are rounded up to one of these times a power of ten, so that a scale seldom moves from step to step.
_ENDS = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0)

#: A scale that is kept shrinks only when the numbers fill less than this share of it.
_SHRINK = 0.1


@dataclass(frozen=True)
class ValueScale:
    """Numbers from ``low`` to ``high`` as colours.

    Attributes:
        low, high: the ends; what lies beyond has the colour of the end.
        sequential: one hue from low to high; else two with zero on the background, each side with its own slope.
    """

    low: float = -1.0
    high: float = 1.0
    sequential: bool = False

    def entries(self, data: np.ndarray, finite: bool = False) -> np.ndarray:
        """For each number its entry in a table of 256; what is not finite has entry 0 or 128. ``finite``: all are."""
        if finite and data.dtype == np.float32 and not self.sequential and 1e-30 < self.high == -self.low:
            # The same in single precision: while the script runs this is done for every picture.
            places = data * np.float32(127.0 / self.high)
            np.maximum(np.minimum(places, np.float32(127), out=places), np.float32(-127), out=places)
            places += np.float32(128)
            return np.rint(places, out=places).astype(np.uint8)
        values = np.asarray(data, np.float64)
        with np.errstate(all="ignore"):
            if self.sequential:
                places = (values - self.low) * (255.0 / (self.high - self.low or 1.0))
                places = np.clip(places, 0, 255)
            else:
                down, up = 127.0 / -(self.low or -1.0), 127.0 / (self.high or 1.0)
                slopes = up if up == down else np.where(values < 0, down, up)
                places = np.clip(values * slopes, -127, 127) + 128
            places = np.rint(places)
            unknown = np.isnan(places)
            if unknown.any():
                places[unknown] = 0.0 if self.sequential else 128.0
        return places.astype(np.uint8)

    def table(self, theme: Theme) -> np.ndarray:
        """The theme's table for this scale, (256, 4) uint8."""
        return theme.sequential if self.sequential else theme.diverging

    def image(self, data: np.ndarray, finite: np.ndarray | None, theme: Theme) -> QImage:
        """``data`` (rows, columns) as a picture of as many pixels; those that are not ``finite``, as :func:`finite_in` says
        it, in the colour of alarms.
        """
        pixels = _words(theme, self.sequential).take(self.entries(data, finite is None))
        if finite is not None:
            pixels[~finite] = theme.phase["alarm"].rgb()
        pixels = np.ascontiguousarray(pixels, np.uint32)
        rows, columns = pixels.shape
        return QImage(pixels.tobytes(), columns, rows, 4 * columns, QImage.Format.Format_RGB32).copy()


def finite_in(data: np.ndarray) -> np.ndarray | None:
    """Which numbers are neither NaN nor infinite; None where that holds for all."""
    finite = np.isfinite(data) if data.dtype.kind == "f" else None
    return None if finite is None or finite.all() else finite


@lru_cache(maxsize=8)
def _words(theme: Theme, sequential: bool) -> np.ndarray:
    """A theme's table as pixels of Format_RGB32."""
    table = (theme.sequential if sequential else theme.diverging).astype(np.uint32)
    return 0xFF000000 | table[:, 0] << 16 | table[:, 1] << 8 | table[:, 2]


def rounded_up(size: float) -> float:
    """The smallest of 1, 1.5, 2, 3, 5, 7 times a power of ten that is at least ``size``; 1 for 0."""
    if not size or not math.isfinite(size):
        return 1.0
    power = math.floor(math.log10(size))
    # By way of text, so that 7 times a tenth is 0.7 and not its neighbour.
    ends = (float(f"{end}e{power}") for end in _ENDS)
    return next((end for end in ends if end >= size * (1 - 1e-9)), size)


def ends_of(data: np.ndarray, mode: str) -> tuple[float, float] | None:
    """Between which two the finite numbers lie, in the mode "robust" without a hundredth of them at each end; None where
    there are none.
    """
    finite = data[np.isfinite(data)] if data.dtype.kind == "f" else data
    if not finite.size:
        return None
    if mode == "robust":
        # NumPy's percentiles of truth values cannot be.
        low, high = np.percentile(finite.view(np.uint8) if finite.dtype == np.bool_ else finite, (1, 99))
    else:
        low, high = finite.min(), finite.max()
    return float(low), float(high)


def scale_for(
    data: np.ndarray, ends: tuple[float, float] | None = None, mode: str = "symmetric", kept: ValueScale | None = None
) -> ValueScale:
    """The scale for what is shown.

    Args:
        data: what is shown, any shape.
        ends: least and greatest finite element where ``data`` does not show all; by default those of ``data``.
        mode: one of :data:`MODES`.
        kept: the scale that the same tensor had before: it stays unless the numbers go beyond it, or fill less than a
            tenth of it.
    """
    found = ends_of(data, mode) if ends is None or mode == "robust" else None
    low, high = found or ends or (0.0, 0.0)
    if mode == "min-max":
        return _between(low, high, kept)
    size = max(abs(low), abs(high))
    if kept is not None and not kept.sequential and kept.low == -kept.high and kept.high * _SHRINK <= size <= kept.high:
        return kept
    end = rounded_up(size)
    return ValueScale(-end, end)


def _between(low: float, high: float, kept: ValueScale | None) -> ValueScale:
    """From the least to the greatest; zero keeps the background where it lies between."""
    sequential = low >= 0
    if kept is not None and kept.sequential == sequential and kept.low <= low and high <= kept.high:
        width = kept.high - kept.low
        if (high - low) >= _SHRINK * width:
            return kept
    if sequential:
        return ValueScale(low, high if high > low else low + (abs(low) or 1.0), True)
    return ValueScale(low, high if high > 0 else -low)
