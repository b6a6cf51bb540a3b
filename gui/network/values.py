"""What is asked for to fill a node with numbers, and numbers as pixels. NumPy, no Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from gui.network.forms import MOST_KERNELS, MOST_MAPS, MOST_STRIP, Form, near_square


@dataclass(frozen=True)
class Wanted:
    """An array, or with ``minus`` the difference of two arrays of one event: ``event``, ``name``, ``slice``, ``shape``
    (most rows and columns). ``faint``: it is older than the pass that is shown, or of another phase.
    """

    event: int
    name: str
    slice: tuple
    shape: tuple[int, int]
    minus: str = ""
    faint: bool = False

    def arguments(self, name: str = "") -> dict[str, Any]:
        """Of the protocol's ``tensor``."""
        return {
            "reference": {"event": self.event, "name": name or self.name},
            "slice": [list(part) if isinstance(part, tuple) else part for part in self.slice],
            "maxShape": list(self.shape),
        }

    @property
    def key(self) -> tuple:
        return self.event, self.name, self.slice, self.shape, self.minus


@dataclass
class Content:
    """Numbers of a node: ``data`` as they came, the range of what was shown, how many were not finite."""

    data: np.ndarray
    low: float
    high: float
    nans: int = 0
    infs: int = 0

    @property
    def limit(self) -> float:
        """The greatest magnitude; 1 where all is zero."""
        return max(abs(self.low), abs(self.high)) or 1.0


def content(body: dict[str, Any], minus: dict[str, Any] | None = None) -> Content:
    """The content in an answer to ``tensor``, less that of another."""
    data = np.asarray(body["data"].numpy() if hasattr(body["data"], "numpy") else body["data"])
    span, bad = body.get("range"), body.get("nonFinite") or {}
    if minus is not None:
        other = np.asarray(minus["data"].numpy() if hasattr(minus["data"], "numpy") else minus["data"])
        with np.errstate(invalid="ignore"):
            data = data.astype(np.float64) - other
        span = None
    if span is None or max(body.get("block") or [1]) > 1:
        # Of what is shown: means of blocks are smaller than the greatest element.
        finite = data[np.isfinite(data)]
        span = [float(finite.min()), float(finite.max())] if finite.size else [0.0, 0.0]
    return Content(data, float(span[0]), float(span[1]), int(bad.get("nan", 0)), int(bad.get("inf", 0)))


def values_request(form: Form, event: int, name: str, sample: int, faint: bool = False) -> Wanted | None:
    """What fills the values of a node for one sample."""
    first = (sample,) if form.batched else ()
    if form.kind in ("units", "strip", "number"):
        return Wanted(event, name, first, (1, MOST_STRIP), faint=faint)
    if form.kind == "maps":
        return Wanted(event, name, (*first, (0, MOST_MAPS)), (32, 32), faint=faint)
    if form.kind == "picture":
        return Wanted(event, name, (*first, (0, 3)), (96, 96), faint=faint)
    return Wanted(event, name, first, (128, 128), faint=faint) if form.kind == "rows" else None


def weight_request(form: Form, event: int, name: str = "w", minus: str = "", faint: bool = False) -> Wanted | None:
    """What fills the weights of a node."""
    if form.weight in ("edges", "matrix"):
        return Wanted(event, name, (), (128, 128), minus, faint)
    if form.weight == "filters":
        out = MOST_MAPS if form.weight_shape[1] == 1 else MOST_KERNELS
        return Wanted(event, name, ((0, out), (0, MOST_KERNELS)), (16, 16), minus, faint)
    return None


# ---- pixels ----


def colours(data: np.ndarray, limit: float, table: np.ndarray, alarm: tuple[int, int, int]) -> np.ndarray:
    """RGBA of ``data`` on a diverging table with zero at entry 128; what is not finite in the colour of alarms."""
    finite = np.isfinite(data)
    with np.errstate(all="ignore"):
        shares = np.clip(np.where(finite, data, 0) / limit, -1, 1)
    found = table[np.rint(128 + shares * 127).astype(np.intp)]
    if not finite.all():
        found[~finite] = (*alarm, 255)
    return found


def greys(data: np.ndarray, low: float, high: float, table: np.ndarray, alarm: tuple[int, int, int]) -> np.ndarray:
    """RGBA of ``data`` on a sequential table from ``low`` to ``high``."""
    finite = np.isfinite(data)
    shares = np.clip((np.where(finite, data, low) - low) / ((high - low) or 1.0), 0, 1)
    found = table[np.rint(shares * 255).astype(np.intp)]
    if not finite.all():
        found[~finite] = (*alarm, 255)
    return found


def tiled(tiles: np.ndarray, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """(the tiles (n, h, w) side by side with one element between them, where there is one) of a grid."""
    count, high, wide = tiles.shape
    sheet = np.zeros((rows * (high + 1) - 1, columns * (wide + 1) - 1), np.float64)
    known = np.zeros(sheet.shape, bool)
    for number in range(min(count, rows * columns)):
        top, left = number // columns * (high + 1), number % columns * (wide + 1)
        sheet[top : top + high, left : left + wide] = tiles[number]
        known[top : top + high, left : left + wide] = True
    return sheet, known


def pixels(form: Form, part: str, found: Content, diverging: np.ndarray, sequential: np.ndarray, alarm: Any, signed: bool) -> Any:
    """RGBA picture (height, width, 4) of a part ("values", "weight") of a node; None where it is drawn otherwise.

    Args:
        signed: draw pictures on the diverging table too (gradients, not the input itself).
    """
    data = found.data
    if part == "weight" and form.weight == "filters" and data.ndim == 4:
        kernels = data.reshape(-1, *data.shape[2:])
        rows, columns = near_square(len(kernels)) if data.shape[1] == 1 else data.shape[:2]
        return _sheet(kernels, rows, columns, found, diverging, alarm)
    if part == "weight" and form.weight == "matrix" and data.ndim == 2:
        return colours(data, found.limit, diverging, alarm)
    if part != "values":
        return None
    if form.kind == "strip" and data.ndim == 1:
        rows, columns = form.grid()
        padded = np.full(rows * columns, np.nan)
        padded[: min(data.size, padded.size)] = data[: padded.size]
        picture = colours(padded, found.limit, diverging, alarm)
        picture[data.size :] = 0
        return picture.reshape(columns, rows, 4).transpose(1, 0, 2).copy()
    if form.kind == "maps" and data.ndim == 3:
        return _sheet(data, *form.grid(), found, diverging, alarm)
    if form.kind == "picture" and data.ndim == 3:
        if data.shape[0] == 3 and not signed:
            shares = np.clip((np.nan_to_num(data) - found.low) / ((found.high - found.low) or 1.0), 0, 1)
            rgb = np.rint(shares * 255).astype(np.uint8).transpose(1, 2, 0)
            return np.concatenate([rgb, np.full((*rgb.shape[:2], 1), 255, np.uint8)], axis=2)
        return colours(data[0], found.limit, diverging, alarm) if signed else greys(data[0], found.low, found.high, sequential, alarm)
    if form.kind == "rows" and data.ndim == 2:
        return colours(data, found.limit, diverging, alarm)
    return None


def _sheet(tiles: np.ndarray, rows: int, columns: int, found: Content, table: np.ndarray, alarm: Any) -> np.ndarray:
    sheet, known = tiled(tiles, rows, columns)
    picture = colours(sheet, found.limit, table, alarm)
    picture[~known] = 0
    return picture


# ---- which element is where ----


def element_at(form: Form, part: str, u: float, v: float) -> tuple[int, ...] | None:
    """The element (of one sample's values, or of the weights) at the share ``u`` across and ``v`` down of a part."""
    if not (0 <= u < 1 and 0 <= v < 1):
        return None
    if part == "weight":
        shape = form.weight_shape
        if form.weight == "matrix":
            return int(v * shape[0]), int(u * shape[1])
        if form.weight != "filters":
            return None
        rows, columns = form.kernels()
        row, column, y, x = _tile(u, v, rows, columns)
        out, into = (row * columns + column, 0) if shape[1] == 1 else (row, column)
        return (out, into, int(y * shape[2]), int(x * shape[3])) if out < shape[0] else None
    shape = form.shape
    if form.kind == "number":
        return (0,) * len(shape)
    if form.kind == "units":
        return (int(v * shape[0]),)
    if form.kind == "strip":
        rows, columns = form.grid()
        shown = min(shape[0], MOST_STRIP)
        number = int(u * columns) * rows + int(v * rows)
        return (min(shape[0] - 1, number * -(-shape[0] // MOST_STRIP)),) if number < shown else None
    if form.kind == "maps":
        row, column, y, x = _tile(u, v, *form.grid())
        channel = row * form.grid()[1] + column
        return (channel, int(y * shape[1]), int(x * shape[2])) if channel < min(shape[0], MOST_MAPS) else None
    if form.kind == "picture":
        return 0, int(v * shape[1]), int(u * shape[2])
    return (int(v * shape[0]), int(u * shape[1])) if form.kind == "rows" else None


def _tile(u: float, v: float, rows: int, columns: int) -> tuple[int, int, float, float]:
    across, down = u * columns, v * rows
    return int(down), int(across), down % 1, across % 1


def box_of(form: Form, part: str, index: tuple[int, ...]) -> tuple[float, float, float, float] | None:
    """(u, v, width, height), in shares of the part, of an element as of :func:`element_at`."""
    if part == "weight":
        shape = form.weight_shape
        if form.weight == "matrix" and len(index) == 2:
            return index[1] / shape[1], index[0] / shape[0], 1 / shape[1], 1 / shape[0]
        if form.weight == "filters" and len(index) == 4:
            rows, columns = form.kernels()
            row, column = divmod(index[0], columns) if shape[1] == 1 else index[:2]
            return _in_tile(row, column, rows, columns, index[2:], shape[2:])
        return None
    shape = form.shape
    if len(index) != len(shape):
        return None
    if form.kind == "units":
        return 0.0, index[0] / shape[0], 1.0, 1 / shape[0]
    if form.kind == "strip":
        rows, columns = form.grid()
        number = index[0] // -(-shape[0] // MOST_STRIP)
        return number // rows / columns, number % rows / rows, 1 / columns, 1 / rows
    if form.kind == "maps":
        rows, columns = form.grid()
        return _in_tile(*divmod(index[0], columns), rows, columns, index[1:], shape[1:])
    if form.kind in ("picture", "rows"):
        return index[-1] / shape[-1], index[-2] / shape[-2], 1 / shape[-1], 1 / shape[-2]
    return (0.0, 0.0, 1.0, 1.0) if form.kind == "number" else None


def _in_tile(row: int, column: int, rows: int, columns: int, at: tuple, shape: tuple) -> tuple[float, float, float, float] | None:
    if row >= rows or column >= columns:
        return None
    high, wide = 1 / rows, 1 / columns
    return (
        (column + at[1] / shape[1]) * wide, (row + at[0] / shape[0]) * high, wide / shape[1], high / shape[0],
    )  # fmt: skip


def number_at(found: Content, form: Form, part: str, index: tuple[int, ...]) -> float | None:
    """The number shown for an element, where what was fetched holds it exactly; None where it was averaged."""
    data = found.data
    shape = form.weight_shape if part == "weight" else form.shape
    at = index[-data.ndim :] if data.ndim <= len(index) else index
    exact = all(have == want for have, want in zip(data.shape[::-1], shape[::-1])) or part == "weight"
    if form.kind in ("maps", "picture") or form.weight == "filters":
        exact = data.shape[-2:] == tuple(shape[-2:])
    if not exact or len(at) != data.ndim or any(i >= n for i, n in zip(at, data.shape)):
        return None
    if part == "weight" and data.shape[-2:] != tuple(shape[-2:]):
        return None
    value = data[at]
    return float(value) if math.prod(np.shape(value)) == 1 else None
