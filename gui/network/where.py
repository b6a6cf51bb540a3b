"""Which element is drawn where in a part of a node. NumPy, no Qt."""

from __future__ import annotations

import math

import numpy as np

from gui.network.forms import MOST_MAPS, MOST_STRIP, Form
from gui.network.values import Content


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
        high, wide = form.kernel
        at = (int(y * high), int(x * wide))[4 - len(shape) :]
        return (out, into, *at) if out < shape[0] else None
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
        if form.weight == "filters" and len(index) == len(shape):
            rows, columns = form.kernels()
            row, column = divmod(index[0], columns) if shape[1] == 1 else index[:2]
            return _in_tile(row, column, rows, columns, (0, *index[2:])[-2:], form.kernel)
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


def _in_tile(
    row: int, column: int, rows: int, columns: int, at: tuple, shape: tuple
) -> tuple[float, float, float, float] | None:
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
    if form.kind in ("maps", "picture") or (part == "weight" and form.weight == "filters"):
        exact = data.shape[-2:] == tuple(shape[-2:])
    if not exact or len(at) != data.ndim or any(i >= n for i, n in zip(at, data.shape)):
        return None
    if part == "weight" and data.shape[-2:] != tuple(shape[-2:]):
        return None
    value = data[at]
    return float(value) if math.prod(np.shape(value)) == 1 else None
