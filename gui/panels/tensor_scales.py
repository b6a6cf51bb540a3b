"""Which range of colours a view of a tensor has, kept so that colours do not jump from step to step."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from gui.panels.tensor_view import Shown
from gui.widgets.value_scale import ValueScale, ends_of, scale_for

#: Scales that are kept, one for each tensor and view.
_MOST = 256


class Tinted(NamedTuple):
    """How a map is coloured.

    Attributes:
        scale: the colours.
        tints: the numbers that the colours stand for, where these are not the data themselves.
        note, unit: what the caption says of the scale.
    """

    scale: ValueScale
    tints: np.ndarray | None
    note: str
    unit: str = "dimensionless"


class Scales:
    """Finds scales, and remembers them."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, ...], ValueScale] = {}
        self._ends: dict[tuple[str, ...], tuple[float, float]] = {}

    def tinted(self, view: Shown, title: str, kind: str, mode: str, share: str, fit: bool = False) -> Tinted:
        """The colours of ``view``.

        Args:
            title: of the tensor; kind: what is shown of it ("data", "gradient" ...).
            mode: see :data:`gui.widgets.value_scale.MODES`.
            share: what has a range of its own: "own" (each map), "maps" (the tensor), "tensors" (all of that kind that
                were looked at).
            fit: find the range anew.
        """
        maps = math.prod(view.plan.layout.lead) if view.tiled else 1
        if share == "own" and maps > 1:
            tints, sequential = relative(view, mode)
            scale = ValueScale(0.0, 1.0, True) if sequential else ValueScale(-1.0, 1.0)
            unit = "0 to 1: its least to its greatest" if sequential else "1 = its greatest magnitude"
            return Tinted(scale, tints, "each map its own scale", unit)
        # Means of blocks are smaller than what they are of; their scale is that of what is seen.
        ends = view.ends if view.block == (1, 1) else None
        if share == "tensors":
            key = (kind, mode)
            ends = self._widened(key, view, ends, mode, fit)
            return Tinted(self._scale(key, view, ends, "symmetric" if mode == "robust" else mode, fit), None,
                          "scale shared by tensors")  # fmt: skip
        key = (title, kind, mode, str(view.plan.cut.selected), str(view.block))
        note = "scale shared by the maps" if maps > 1 else "own scale"
        return Tinted(self._scale(key, view, ends, mode, fit), None, note)

    def _scale(
        self, key: tuple[str, ...], view: Shown, ends: tuple[float, float] | None, mode: str, fit: bool
    ) -> ValueScale:
        scale = scale_for(view.data, ends, mode, None if fit else self._kept.get(key))
        if len(self._kept) >= _MOST:
            self._kept.clear()
        self._kept[key] = scale
        return scale

    def _widened(
        self, key: tuple[str, ...], view: Shown, ends: tuple[float, float] | None, mode: str, fit: bool
    ) -> tuple[float, float]:
        """The range of all tensors of a kind: that of the tensors before, widened by this one's."""
        if ends is None or mode == "robust":
            ends = ends_of(view.data, mode) or ends
        before = None if fit else self._ends.get(key)
        pairs = [pair for pair in (before, ends) if pair is not None]
        whole = (min(low for low, _ in pairs), max(high for _, high in pairs)) if pairs else (0.0, 0.0)
        if pairs:
            self._ends[key] = whole
        return whole


def relative(view: Shown, mode: str) -> tuple[np.ndarray, bool]:
    """The numbers of a grid of maps, each map in shares of its own range; and whether these go from 0 to 1."""
    height, width = view.tile or view.data.shape
    data = view.data.astype(np.float32)
    rows, columns = data.shape[0] // max(1, height), data.shape[1] // max(1, width)
    tiles = data.reshape(rows, height, columns, width)
    finite = np.where(np.isfinite(tiles), tiles, np.nan)
    with np.errstate(all="ignore"):
        if mode == "min-max":
            low, high = _ends(finite, np.fmin), _ends(finite, np.fmax)
            tints = (tiles - low) / np.where(high > low, high - low, 1)
        else:
            size = np.abs(finite)
            largest = _percentile(size, 99) if mode == "robust" else _ends(size, np.fmax)
            tints = tiles / np.where(largest > 0, largest, 1)
    return tints.reshape(data.shape), mode == "min-max"


def _ends(tiles: np.ndarray, least: np.ufunc) -> np.ndarray:
    """Of each tile its least or greatest number; 0 where it has none."""
    return np.nan_to_num(least.reduce(least.reduce(tiles, axis=3, keepdims=True), axis=1, keepdims=True))


def _percentile(tiles: np.ndarray, share: float) -> np.ndarray:
    """Of each tile the number below which ``share`` percent of its numbers lie."""
    filled = np.nan_to_num(tiles)
    return np.percentile(filled, share, axis=(1, 3), keepdims=True)
