"""From the engine's answers to a map: which cell is which element, what it shows, which scale it has."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gui.numbers import format_number, trimmed
from gui.widgets.image_grid import Layout, atlas, layout_of
from gui.widgets.slicing import Cut

#: Matrices with at least so many rows and columns, and no more than twice as long as wide, are drawn like pictures.
_PICTURE = 12


def as_array(value: Any) -> np.ndarray:
    """An array of the protocol, or one of NumPy's, as NumPy's."""
    return value.numpy() if hasattr(value, "numpy") else np.asarray(value)


@dataclass(frozen=True)
class Plan:
    """What to ask for.

    Attributes:
        cut: the part of the tensor that is shown.
        layout: how it stands on the screen, in elements.
        most: rows and columns that one matrix of the answer may have.
        region: rows and columns of the part that are asked for (first, last + 1, ...); None: all.
    """

    cut: Cut
    layout: Layout
    most: tuple[int, int]
    region: tuple[int, int, int, int] | None = None

    @property
    def block(self) -> tuple[int, int]:
        """Elements, down and across, that become one number of the answer."""
        rows, columns = (1, 1, *self.cut.selected)[-2:]
        if self.region is not None:
            rows, columns = self.region[1] - self.region[0], self.region[3] - self.region[2]
        return -(-rows // self.most[0]), -(-columns // self.most[1])

    def arguments(self, reference: dict[str, Any]) -> dict[str, Any]:
        """Of the request ``tensor``."""
        limited = self.cut.limited(self.layout.lead)
        return {"reference": reference, "slice": limited.wire(self.region), "maxShape": list(self.most)}


def plan(cut: Cut, pixels: tuple[int, int], region: tuple[int, int, int, int] | None = None) -> Plan:
    """Ask for no more numbers than a map of ``pixels`` (rows, columns) can show."""
    layout = layout_of(cut.selected, pixels[1] / pixels[0])
    rows, columns = (1, 1, *cut.selected)[-2:]
    # What fits anyway is asked for alike, however large the map is.
    most = (min(rows, pixels[0] // max(1, layout.down)), min(columns, pixels[1] // max(1, layout.across)))
    most = (max(1, most[0]), max(1, most[1]))
    return Plan(cut, layout, most, None if layout.lead else region)


@dataclass
class Shown:
    """What a map shows.

    Attributes:
        plan: what was asked for.
        data: the map: (rows, columns).
        block: elements, down and across, behind each number.
        ends: least and greatest of the elements shown, None where none is finite.
        dtype, shape: of the tensor.
    """

    plan: Plan
    data: np.ndarray
    block: tuple[int, int]
    ends: tuple[float, float] | None
    dtype: str
    shape: tuple[int, ...]

    @property
    def tiled(self) -> bool:
        return bool(self.plan.layout.lead)

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the whole map: elements of a matrix, numbers of an atlas."""
        return self.data.shape if self.tiled else (self.plan.layout.rows, self.plan.layout.columns)  # type: ignore[return-value]

    @property
    def start(self) -> tuple[int, int]:
        """The cell where the data begin."""
        region = self.plan.region
        return (region[0], region[2]) if region is not None else (0, 0)

    @property
    def tile(self) -> tuple[int, int] | None:
        """Rows and columns of a tile, in numbers."""
        layout = self._reduced
        return layout.tile if self.tiled else None

    @property
    def square(self) -> bool:
        """Whether cells are square: of pictures, and of matrices that look like one."""
        height, width = self.plan.layout.tile
        return self.tiled or (min(height, width) >= _PICTURE and max(height, width) <= 2 * min(height, width))

    @property
    def complete(self) -> bool:
        """Whether every element of the tensor is in the data."""
        return self.block == (1, 1) and self.data.size == math.prod(self.shape)

    def part_text(self) -> str:
        """How many of the maps are shown; "" where it is all of them."""
        lead, every = self.plan.layout.lead, self.plan.cut.selected[:-2]
        if math.prod(lead) >= math.prod(every):
            return ""
        counts = [" × ".join(map(str, ends)) for ends in ([n for n in lead if n > 1], [n for n in every if n > 1])]
        return f"{counts[0]} of {counts[1]} maps"

    @property
    def _reduced(self) -> Layout:
        layout = self.plan.layout
        (height, width), (down, across) = layout.tile, self.block
        return Layout(layout.lead, layout.across, layout.down, (-(-height // down), -(-width // across)))

    def index(self, row: int, column: int) -> tuple[int, ...] | None:
        """The tensor's index of the (first) element of a cell."""
        found = self._reduced.index(row, column) if self.tiled else (row, column)
        if found is None:
            return None
        if self.tiled:
            found = (*found[:-2], found[-2] * self.block[0], found[-1] * self.block[1])
        dimensions = len(self.plan.cut.selected)
        return self.plan.cut.whole_index(found[len(found) - dimensions :])

    def cell(self, index: Sequence[int]) -> tuple[int, int] | None:
        """(row, column) of the cell of an element; None where it is not shown."""
        part = self.plan.cut.part_index(index)
        if part is None:
            return None
        part = (0,) * (2 - len(part)) + part
        if not self.tiled:
            return part[0], part[1]
        return self._reduced.cell((*part[:-2], part[-2] // self.block[0], part[-1] // self.block[1]))

    def number(self, row: int, column: int) -> Any:
        """The number at a cell of the map, or None."""
        (top, left), (down, across) = self.start, (1, 1) if self.tiled else self.block
        i, j = (row - top) // down, (column - left) // across
        inside = 0 <= i < self.data.shape[0] and 0 <= j < self.data.shape[1]
        return self.data[i, j] if inside else None


    def meant(self, row: int, column: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """Of a cell that stands for several elements, in a map of one tile: where these begin, and how many they are; at
        the far edges fewer than elsewhere.
        """
        _, bottom, _, right = self.plan.region or (0, self.size[0], 0, self.size[1])
        (down, across), starts = self.block, self.start
        i, j = (begin + (at - begin) // step * step for at, begin, step in zip((row, column), starts, self.block))
        return (i, j), (min(down, bottom - i), min(across, right - j))


def difference(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a - b; of integers and truth values in float64."""
    with np.errstate(all="ignore"):
        return np.subtract(a, b, dtype=np.float64 if a.dtype.kind != "f" else None)


def shown(answers: Sequence[dict[str, Any]], made: Plan) -> Shown:
    """The map of one answer, or of the difference of two."""
    arrays = [as_array(answer["data"]) for answer in answers]
    first = answers[0]
    block = tuple(first["block"])
    ends = tuple(first["range"]) if first.get("range") else None
    data = arrays[0]
    if len(arrays) > 1:
        data = difference(*arrays)
        finite = data[np.isfinite(data)]
        ends = (float(finite.min()), float(finite.max())) if finite.size else None
    layout = made.layout
    if not layout.lead:
        matrix = data.reshape((1,) * (2 - data.ndim) + data.shape)
    else:
        tile = data.shape[-2:]
        matrix = atlas(data, Layout(layout.lead, layout.across, layout.down, tile))
    return Shown(made, matrix, (block[0], block[1]), ends, first["dtype"], tuple(first["shape"]))


def exact(number: Any) -> str:
    """A number with all digits that tell it from its neighbours in its dtype."""
    return str(number)


def statistics_of(data: np.ndarray) -> dict[str, Any]:
    """The numbers that the engine's descriptions have, of an array."""
    finite = data[np.isfinite(data)].astype(np.float64) if data.dtype.kind == "f" else data.astype(np.float64).ravel()
    some = finite.size > 0
    return {
        "count": data.size, "min": finite.min() if some else math.nan, "max": finite.max() if some else math.nan,
        "mean": finite.mean() if some else math.nan, "std": finite.std() if some else math.nan,
        "norm": float(np.sqrt((finite * finite).sum())), "zeros": int((data == 0).sum()),
        "nans": int(np.isnan(data).sum()) if data.dtype.kind == "f" else 0,
        "infs": int(np.isinf(data).sum()) if data.dtype.kind == "f" else 0,
    }  # fmt: skip


def _figure(value: float, whole: bool) -> str:
    number = format_number(float(value))
    return (trimmed(number) if whole and float(value).is_integer() else number).replace("-", "−")


def statistics_text(values: dict[str, Any], muted: str, alarm: str, whole: bool = False) -> str:
    """Rich text: names in the colour ``muted``; how many are NaN or infinite in ``alarm``; ``whole``: of integers."""
    fields = [("min", "min"), ("max", "max"), ("mean", "mean"), ("std", "std"), ("norm", "norm")]
    count = max(1, int(values["count"]))
    some = int(values["count"]) > int(values["nans"]) + int(values["infs"])  # numbers that these can be of
    parts = [
        f'<span style="color:{muted}">{text}</span>&nbsp;{_figure(values[key], whole) if some else "–"}'
        for key, text in fields
    ]
    if values["zeros"]:
        parts.append(f'<span style="color:{muted}">zeros</span>&nbsp;{100 * values["zeros"] / count:.3g}&nbsp;%')
    for key, text in (("nans", "NaN"), ("infs", "infinite")):
        if values[key]:
            parts.append(f'<span style="color:{alarm}"><b>{int(values[key])}&nbsp;{text}</b></span>')
    return "&nbsp;&nbsp; ".join(parts)
