"""What is asked for to fill a node with numbers, and numbers as pixels. NumPy, no Qt."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from gui.network.forms import MOST_KERNELS, MOST_MAPS, MOST_SIDE, MOST_STRIP, Form, near_square

Kept = TypeVar("Kept")

#: The order of colours in which Qt draws fastest.
BGR = (2, 1, 0)

#: Places on a diverging table: of what is not finite, and of nothing at all; numbers are up to so many from the middle,
#: which is added to them before they are cut to whole ones.
_ALARM, _GAP, _STEPS, _HALF = 255, 0, 126, 128.5


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

    def views(self) -> list[dict[str, Any]]:
        """Arguments of the protocol's ``tensor`` for all that is needed: the array, and what is taken from it."""
        return [self.arguments(), *([self.arguments(self.minus)] if self.minus else [])]

    @property
    def symbol(self) -> str:
        """What the numbers are called in a caption."""
        return f"Δ{self.minus}" if self.minus else self.name

    @property
    def key(self) -> tuple:
        return self.event, self.name, self.slice, self.shape, self.minus


@dataclass
class Content:
    """Numbers of a node: ``data`` as they came, the range of what was shown, how many were not finite, and what they are
    called (:attr:`Wanted.symbol`).
    """

    data: np.ndarray
    low: float
    high: float
    nans: int = 0
    infs: int = 0
    symbol: str = ""
    #: Pictures of these numbers, by what else they depend on.
    pictures: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def limit(self) -> float:
        """The greatest magnitude; 1 where all is zero."""
        return max(abs(self.low), abs(self.high)) or 1.0

    @property
    def known(self) -> bool:
        """Whether there is a finite number, whose range can be told."""
        return not (self.nans or self.infs) or bool(np.isfinite(self.data).any())

    def kept(self, what: str, key: Hashable, make: Callable[[], Kept]) -> Kept:
        """What ``make()`` gives of these numbers, or has given for this key; of each ``what`` only the newest is kept."""
        if self.pictures.get(what, (None,))[0] != key:
            self.pictures[what] = key, make()
        return self.pictures[what][1]


def content(body: dict[str, Any], minus: dict[str, Any] | None = None, symbol: str = "") -> Content:
    """The content in an answer to ``tensor``, less that of another; ``symbol``: what it is called."""
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
    return Content(data, float(span[0]), float(span[1]), int(bad.get("nan", 0)), int(bad.get("inf", 0)), symbol)


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
        return Wanted(event, name, (), (MOST_SIDE, MOST_SIDE), minus, faint)
    if form.weight == "filters":
        out = MOST_MAPS if form.weight_shape[1] == 1 else MOST_KERNELS
        most = (16, 16) if len(form.weight_shape) == 4 else (MOST_KERNELS, 16)
        return Wanted(event, name, ((0, out), (0, MOST_KERNELS)), most, minus, faint)
    return None


def entries(data: np.ndarray, limit: float, finite: bool = False, out: np.ndarray | None = None) -> np.ndarray:
    """The places of numbers on a diverging table with zero at 128, as bytes; :data:`_ALARM` for what is not finite.

    Args:
        finite: all are known to be, and of a magnitude up to ``limit``. out: where the places are written to.
    """
    if out is None:
        out = np.empty(data.shape, np.uint8)
    if finite and data.dtype == np.float32 and limit > 1e-30:
        # The same in single precision: this is done for many nodes of every picture.
        return np.add(data * np.float32(_STEPS / limit), np.float32(_HALF), out=out, casting="unsafe")
    known = np.isfinite(data)
    with np.errstate(all="ignore"):
        shares = np.clip(np.where(known, data, 0) / limit, -1, 1)
    np.add(shares * _STEPS, _HALF, out=out, casting="unsafe")
    if not known.all():
        out[~known] = _ALARM
    return out


def palette(table: np.ndarray, alarm: tuple[int, int, int]) -> np.ndarray:
    """The colours of :func:`entries`, four bytes each; made once for each table."""
    key = id(table), alarm
    found = _palettes.get(key)
    if found is None or found[0] is not table:
        if len(_palettes) > 16:
            _palettes.clear()
        made = np.array(table, np.uint8, order="C")
        made[_ALARM], made[_GAP] = (*alarm, 255), 0
        _palettes[key] = found = table, made.view(np.uint32).reshape(-1)
    return found[1]


_palettes: dict[tuple[int, tuple[int, int, int]], tuple[np.ndarray, np.ndarray]] = {}


def _coloured(places: np.ndarray, table: np.ndarray, alarm: tuple[int, int, int]) -> np.ndarray:
    """The picture of :func:`entries`."""
    return palette(table, alarm).take(places).view(np.uint8).reshape(*places.shape, 4)


def colours(
    data: np.ndarray, limit: float, table: np.ndarray, alarm: tuple[int, int, int], finite: bool = False
) -> np.ndarray:
    """RGBA of ``data`` on a diverging table with zero at entry 128; what is not finite in the colour of alarms.

    ``finite``: see :func:`entries`.
    """
    return _coloured(entries(data, limit, finite), table, alarm)


def greys(data: np.ndarray, low: float, high: float, table: np.ndarray, alarm: tuple[int, int, int]) -> np.ndarray:
    """RGBA of ``data`` on a sequential table from ``low`` to ``high``."""
    finite = np.isfinite(data)
    shares = np.clip((np.where(finite, data, low) - low) / ((high - low) or 1.0), 0, 1)
    found = table[np.rint(shares * 255).astype(np.intp)]
    if not finite.all():
        found[~finite] = (*alarm, 255)
    return found


def pixels(
    form: Form, part: str, found: Content, diverging: np.ndarray, sequential: np.ndarray, alarm: Any, signed: bool,
    channels: tuple[int, int, int] = (0, 1, 2),
) -> Any:
    """RGBA picture (height, width, 4) of a part ("values", "weight") of a node; None where it is drawn otherwise.

    Args:
        signed: draw pictures on the diverging table too (gradients, not the input itself).
        channels: the order of colours, which is that of the tables and of ``alarm``: red first, or :data:`BGR`.
    """
    data, finite = found.data, not (found.nans or found.infs)
    if part == "weight" and form.weight == "filters" and data.ndim in (3, 4):
        kernels = data.reshape(-1, *(1, *data.shape[2:])[-2:])
        rows, columns = near_square(len(kernels)) if data.shape[1] == 1 else data.shape[:2]
        return _sheet(kernels, rows, columns, found, diverging, alarm)
    if part == "weight" and form.weight == "matrix" and data.ndim == 2:
        return colours(data, found.limit, diverging, alarm, finite)
    if part != "values":
        return None
    if form.kind == "strip" and data.ndim == 1:
        rows, columns = form.grid()
        places = np.zeros(rows * columns, np.uint8)
        entries(data[: rows * columns], found.limit, finite, places[: data.size])
        return _coloured(places.reshape(columns, rows).T, diverging, alarm)
    if form.kind == "maps" and data.ndim == 3:
        return _sheet(data, *form.grid(), found, diverging, alarm)
    if form.kind == "picture" and data.ndim == 3:
        if data.shape[0] == 3 and not signed:
            shares = np.clip((np.nan_to_num(data) - found.low) / ((found.high - found.low) or 1.0), 0, 1)
            rgb = np.rint(shares * 255).astype(np.uint8)[list(channels)].transpose(1, 2, 0)
            return np.concatenate([rgb, np.full((*rgb.shape[:2], 1), 255, np.uint8)], axis=2)
        if not signed:
            return greys(data[0], found.low, found.high, sequential, alarm)
        return colours(data[0], found.limit, diverging, alarm, finite)
    if form.kind == "rows" and data.ndim == 2:
        return colours(data, found.limit, diverging, alarm, finite)
    return None


def _sheet(tiles: np.ndarray, rows: int, columns: int, found: Content, table: np.ndarray, alarm: Any) -> np.ndarray:
    """The tiles (n, h, w) side by side in a grid, with one transparent pixel between them and where there is none."""
    count, high, wide = tiles.shape
    full, rest = divmod(min(count, rows * columns), columns)
    # Places on the table first: they are a fourth of the bytes that colours are.
    sheet = np.zeros((rows, high + 1, columns, wide + 1), np.uint8)
    places = sheet.transpose(0, 2, 1, 3)[:, :, :high, :wide]
    finite = not (found.nans or found.infs)
    entries(tiles[: full * columns].reshape(full, columns, high, wide), found.limit, finite, places[:full])
    if rest:
        entries(tiles[full * columns : full * columns + rest], found.limit, finite, places[full, :rest])
    return _coloured(sheet.reshape(rows * (high + 1), columns * (wide + 1))[:-1, :-1], table, alarm)
