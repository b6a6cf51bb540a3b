"""Where everything of several plots over one axis stands: areas, ranges and ticks, computed before anything is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PyQt6.QtCore import QRectF
from PyQt6.QtGui import QFontMetricsF

from gui.plots.axes import kept_range, power_ticks, tick_texts, tick_values, values_range
from gui.plots.series import Curve, Plot, columns, ema, held
from gui.theme import Theme

#: Values from which on the outermost 0.5 % of what is smoothed may lie outside of the axis.
_MANY = 50


@dataclass
class Area:
    """One plot on the screen.

    Attributes:
        plot: what it shows. box: where the curves are. title: the line above it.
        low, high: ends of the values' axis, for a logarithmic one in powers of ten.
        ticks: values and texts. lines: of each curve (raw, smoothed or None) as points of the axes.
        why: why there is nothing to draw, and no ticks; "" where there is.
    """

    plot: Plot
    box: QRectF
    title: QRectF
    low: float
    high: float
    ticks: list[tuple[float, str]]
    lines: list[tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray] | None]]
    why: str = ""

    def y_of(self, values: np.ndarray) -> np.ndarray:
        """Values as pixels; NaN where the axis has no place for them."""
        with np.errstate(invalid="ignore", divide="ignore"):
            placed = np.where(np.isfinite(values) & ((values > 0) | (not self.plot.log)), values, np.nan)
            placed = np.log10(placed) if self.plot.log else placed
        return self.box.bottom() - (placed - self.low) / (self.high - self.low) * self.box.height()


class Smoothing:
    """Smoothed values, computed once for each array."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[np.ndarray, float, np.ndarray]] = {}

    def of(self, plot: Plot, curve: Curve, decay: float) -> np.ndarray:
        key = (plot.title, curve.name)
        known = self._known.get(key)
        if known is None or known[0] is not curve.y or known[1] != decay:
            known = self._known[key] = curve.y, decay, ema(curve.y, decay)
        return known[2]


def arrange(
    plots: Sequence[Plot], rect: QRectF, shown: tuple[float, float], decay: float, theme: Theme, smoothing: Smoothing,
    kept: dict[tuple[str, bool], tuple[float, float]],
) -> list[Area]:
    """The areas of ``plots``, one below the other in ``rect``; ``shown``: the ends of the common axis.

    Args:
        decay: of the smoothing; 0: none.
        kept: ranges of the values' axes by title, which are kept where they suit.
    """
    small = QFontMetricsF(theme.code_font("small"))
    above = QFontMetricsF(theme.text_font("small")).height() + 4
    below = small.height() + 8
    high = max(8.0, (rect.height() - below) / max(1, len(plots)) - above - 6)
    wide = max(16, int(rect.width()) - 60)
    prepared = []
    for plot in plots:
        lines = [_lines(plot, curve, shown, wide, decay, smoothing) for curve in plot.curves]
        why = _why_nothing(plot)
        found = values_range(*_ends(plot, lines), plot.log, plot.ends)
        low, top = found if why else kept_range(kept.get((plot.title, plot.log)), found)
        if not why:
            kept[plot.title, plot.log] = low, top
        most = max(2, int(high / (small.height() * 1.9)))
        # An axis of numbers that there are not would say that they lie between 0 and 1.
        ticks = [] if why else power_ticks(low, top, most) if plot.log else tick_values(low, top, most)
        labelled = _apart(list(zip(ticks, tick_texts(ticks))), plot.log, high / (top - low), small.ascent() + 2)
        prepared.append((plot, lines, low, top, labelled, why))
    texts = [text for *_, ticks, _ in prepared for _, text in ticks]
    left = rect.left() + 10 + max([small.horizontalAdvance(text) for text in texts] + [small.horizontalAdvance("0.0")])
    areas, top_edge = [], rect.top()
    for plot, lines, low, top, ticks, why in prepared:
        title = QRectF(left, top_edge, rect.right() - left - 8, above)
        box = QRectF(left, title.bottom() + 2, rect.right() - left - 12, high)
        areas.append(Area(plot, box, title, low, top, ticks, lines, why))
        top_edge = box.bottom() + 4
    return areas


def _apart(ticks: list[tuple[float, str]], log: bool, scale: float, least: float) -> list[tuple[float, str]]:
    """Of ticks that stand closer than ``least`` pixels those that are far enough apart; ``scale``: pixels per unit."""
    kept: list[tuple[float, str]] = []
    last = -np.inf
    for tick, text in ticks:
        at = np.log10(tick) if log else tick
        if (at - last) * scale >= least:
            kept.append((tick, text))
            last = at
    return kept


def _lines(
    plot: Plot, curve: Curve, shown: tuple[float, float], wide: int, decay: float, smoothing: Smoothing
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray] | None]:
    x, y = curve.x, curve.y
    if curve.hold and len(x):
        return columns(*held(x, y, shown[1]), *shown, wide), None
    raw = columns(x, y, *shown, wide)
    smooth = decay > 0 and plot.smooth and not curve.points and len(x) > 1
    return raw, columns(x, smoothing.of(plot, curve, decay), *shown, wide) if smooth else None


def _ends(plot: Plot, lines: list) -> tuple[float, float]:
    """The least and the greatest value that is drawn."""
    found: list[float] = []
    for raw, smooth in lines:
        y = raw[1][np.isfinite(raw[1]) & ((raw[1] > 0) | (not plot.log))]
        if not len(y):
            continue
        if smooth is not None and len(y) > _MANY:
            # A few outliers of what is drawn faintly shall not press the curve flat.
            found += np.quantile(y, (0.005, 0.995)).tolist()
            y = smooth[1][np.isfinite(smooth[1])]
        found += [float(value) for value in (y.min(), y.max())] if len(y) else []
    return (min(found), max(found)) if found else (np.nan, np.nan)


def _why_nothing(plot: Plot) -> str:
    """Why none of the values can be drawn; "" where one can, or where there is none at all."""
    values = [curve.y for curve in plot.curves if len(curve.y)]
    finite = any(np.isfinite(y).any() for y in values)
    if not values or (finite and (not plot.log or any((y[np.isfinite(y)] > 0).any() for y in values))):
        return ""
    return "nothing above 0 for a logarithmic axis" if finite else "no finite number"


def step_ticks(shown: tuple[float, float], box: QRectF, theme: Theme) -> list[tuple[float, str]]:
    """Ticks of the common axis, whole numbers, as many as have room."""
    small = QFontMetricsF(theme.code_font("small"))
    for most in range(max(2, int(box.width() / (small.horizontalAdvance("0000") * 1.8))), 0, -1):
        ticks = tick_values(*shown, most, whole=True)
        texts = [f"{tick:,.0f}" for tick in ticks]
        room = box.width() / max(1, len(ticks))
        if len(ticks) < 2 or max(map(small.horizontalAdvance, texts)) + 12 <= room:
            return list(zip(ticks, texts))
    return []
