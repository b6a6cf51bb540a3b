"""Where the nodes of a graph stand: columns by rank, rows by branch, lines where one line would be too wide. No Qt.

A network of many layers is set like text: its columns go on in a second line, so that what is drawn stays large enough
to be read. The same graph in the same width always gives the same layout.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import replace
from itertools import accumulate
from typing import Any

from gui.network.forms import SIZES, Size
from gui.network.places import READABLE, TITLED, Place
from gui.network.routes import route
from gui.network.sketch import LANE, Layout, Sketch, measured_in, placed, redone, sketch_of, torn_in
from gui.network.texts import Texts, rough

#: Lines so many times as wide as the view are tried, one after the other, until something fits.
_ROOMS = (1.0, 1.5, 2.2, 3.2)
#: What a layout is worth in which these captions can be read, titles alone, or nothing.
_CAPTIONED = {"all": 1.0, "ranges": 0.85, "none": 0.35}
_ONLY_TITLED, _WORDLESS = 0.3, 0.1


def lay_out(graph: dict[str, Any], width: float = 640.0, height: float = 480.0, texts: Texts | None = None) -> Layout:
    """Place the nodes of ``graph`` (of :func:`gui.network.forms.shown`) for a view of ``width`` × ``height`` pixels.

    The size is taken with which pictures are largest on the screen, as a rule the largest with which everything fits;
    for networks of units alone, with which units are farthest apart on the fewest lines.
    """
    *_, layout = pieces(graph, width, height, texts)
    assert layout is not None
    return layout


def pieces(graph: dict[str, Any], width: float, height: float, texts: Texts | None = None) -> Iterator[Layout | None]:
    """:func:`lay_out` piece by piece: gives None after each, in which all nodes were looked at once, and last the layout."""
    sketch = sketch_of(graph, texts or rough())
    yield None
    layout = yield from _best(sketch, width, height)
    torn = torn_in(sketch, layout)
    if torn:
        # Their weights cannot be lines from units to units: they are shown as matrices.
        sketch.forms.update({id: replace(sketch.forms[id], weight="matrix") for id in torn})
        layout = yield from _best(sketch, width, height)
    sketch = redone(sketch, layout)
    yield None
    layout.routes = route(graph["edges"], layout.places, sketch.plan, sketch.walls, sketch.tops, LANE)
    layout.width = max([layout.width, *(x for path in layout.routes for x, _ in path.points)])
    yield layout


def _best(sketch: Sketch, width: float, height: float) -> Generator[None, None, Layout]:
    """The best of all sizes and rooms. What cannot be better than the best so far, by its area alone, is not tried."""
    found = sketch.forms.values()
    plain = all(form.kind in ("units", "number", "label") and form.weight != "matrix" for form in found)
    units = any(form.kind == "units" for form in found)

    def worth(size: Size, zoom: float, lines: int) -> float:
        legible = _CAPTIONED[size.captions] if zoom >= READABLE else _ONLY_TITLED
        if zoom < TITLED:
            legible = _WORDLESS * (zoom / TITLED) ** 2
        if plain:
            return legible * zoom**2 * 3 * size.pitch * 0.45**lines
        return legible * zoom**2 * size.side * (min(1.0, size.pitch / 16) if units else 1.0)

    sizes = list(_sizes(units, plain, sketch.texts.factor))
    sketch.measured, rows, bounds = [], [], []
    for size in sizes:
        measured = measured_in(sketch, size)
        sketch.measured.append(measured)
        rows.append(_row(measured, size))
        area = sum((p.width + size.gap / 2) * p.height for p in measured.values())
        bounds.append(worth(size, min(1.0, math.sqrt(width * height / max(1.0, area))), 1))
        yield
    best, score = Layout(), 0.0
    for number in sorted(range(len(sizes)), key=lambda number: (-bounds[number], number)):
        before = 0.0
        for room in _ROOMS:
            if bounds[number] <= score or worth(sizes[number], min(1.0, 1.25 / room), 1) <= score:
                break
            limits = _limits(rows[number], width * room, height / width)
            if all(worth(sizes[number], min(1.0, width / w, height / h), lines) <= score for lines, w, h in limits):
                continue
            tried = placed(sketch, number, sizes[number], width * room)
            yield
            zoom = min(1.0, width / max(1.0, tried.width), height / max(1.0, tried.height))
            rating = worth(sizes[number], zoom, tried.lines)
            if rating > score:
                best, score = tried, rating
            if zoom == 1.0 or tried.lines == 1 or rating < before:
                break
            before = rating
    return best


def _row(measured: dict[str, Place], size: Size) -> tuple[float, float, list[float]]:
    """(how long all columns are in one row, the widest gap between two of them, how high one line is at least, two lines
    are, and so on).
    """
    columns: dict[int, tuple[float, float, bool]] = {}
    for place in measured.values():
        wide, high, fan = columns.get(place.column, (0.0, 0.0, False))
        columns[place.column] = max(wide, place.width), max(high, place.height), fan or place.form.weight == "edges"
    gaps = [size.fan if fan else size.gap for *_, fan in columns.values()]
    length = sum(wide for wide, *_ in columns.values()) + sum(gaps)
    return length, max(gaps), list(accumulate(sorted(high for _, high, _ in columns.values())))


def _limits(
    row: tuple[float, float, list[float]], width: float, slope: float
) -> Iterator[tuple[int, float, float]]:
    """(number of lines, how wide they are, how high they are together) at least, for the numbers of lines that a ``row`` of
    columns may take: up to those that are higher for their width than the view is, which is ``slope``: with more of them
    all would be smaller.
    """
    length, gap, heights = row
    # A line has no gap before its first column.
    for lines in range(max(1, math.ceil(length / (width + gap))), len(heights) + 1):
        wide, high = max(1.0, length / lines - gap), max(1.0, heights[lines - 1])
        yield lines, wide, high
        if high >= slope * wide:
            return


def _sizes(units: bool, plain: bool, factor: float) -> Iterator[Size]:
    """The sizes to try; units stand as far apart as the height allows, in networks of units alone freely so."""
    low, high = (0.5, 2.2) if plain else (0.6, 1.3)
    pitches = {(size.pitch, size.radius) for size in SIZES}
    for size in SIZES:
        near = sorted((p for p in pitches if low * size.pitch <= p[0] <= high * size.pitch), reverse=True)
        for pitch, radius in near if units else [(size.pitch, size.radius)]:
            for captions in _CAPTIONED:
                yield size._replace(pitch=pitch, radius=radius, text=factor, captions=captions)


