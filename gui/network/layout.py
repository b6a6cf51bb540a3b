"""Where the nodes of a graph stand: columns by rank, rows by branch, lines where one line would be too wide. No Qt.

A network of many layers is set like text: its columns go on in a second line, so that what is drawn stays large enough
to be read. The same graph in the same width always gives the same layout.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

from gui.network.columns import break_lines, columns_of, rows_of, without_gaps
from gui.network.forms import SIZES, Form, Size, forms
from gui.network.places import CAPTIONED, MOST_NUMBERS, Place
from gui.network.routes import SIDE, STEP, Plan, Route, plan_kinds, plan_lanes, route
from gui.network.texts import Texts, rough

#: Between two lanes of lines that pass nodes by, between two rows and between two lines of columns.
LANE, ROW_GAP, LINE_GAP = 8.0, 10.0, 12.0
#: Lines so many times as wide as the view are tried, one after the other, until something fits.
_ROOMS = (1.0, 1.5, 2.2, 3.2)
#: Zoom from which text is read well; where text is larger than designed, its fourth root less.
_READABLE = 0.7


@dataclass
class Layout:
    """The places of all nodes and the routes between them; ``size``: how large things are drawn."""

    places: dict[str, Place] = field(default_factory=dict)
    routes: list[Route] = field(default_factory=list)
    size: Size = SIZES[0]
    width: float = 0.0
    height: float = 0.0
    lines: int = 0


@dataclass
class _Sketch:
    """What all attempts have in common, and the columns' walls and plan of the one at work."""

    graph: dict[str, Any]
    forms: dict[str, Form]
    columns: dict[str, int]
    rows: dict[str, int]
    attached: dict[str, str]
    beside: dict[str, str]
    texts: Texts
    measured: list[dict[str, Place]] = field(default_factory=list)
    walls: dict[int, tuple[float, float]] = field(default_factory=dict)
    plan: Plan = field(default_factory=Plan)
    tops: dict[int, float] = field(default_factory=dict)


def lay_out(graph: dict[str, Any], width: float = 640.0, height: float = 480.0, texts: Texts | None = None) -> Layout:
    """Place the nodes of ``graph`` (of :func:`gui.network.forms.shown`) for a view of ``width`` × ``height`` pixels.

    The size is taken with which pictures are largest on the screen, as a rule the largest with which everything fits;
    for networks of units alone, with which units are farthest apart on the fewest lines.
    """
    sketch = _sketch(graph, texts or rough())
    layout = _best(sketch, width, height)
    torn = _torn(sketch, layout)
    if torn:
        # Their weights cannot be lines from units to units: they are shown as matrices.
        sketch.forms.update({id: replace(sketch.forms[id], weight="matrix") for id in torn})
        layout = _best(sketch, width, height)
    sketch = _redo(sketch, layout)
    layout.routes = route(graph["edges"], layout.places, sketch.plan, sketch.walls, sketch.tops, LANE)
    layout.width = max([layout.width, *(x for path in layout.routes for x, _ in path.points)])
    return layout


def _sketch(graph: dict[str, Any], texts: Texts) -> _Sketch:
    found = forms(graph)
    columns = columns_of(graph)
    attached = _attached(graph, found, columns)
    columns = without_gaps(columns)
    rows = rows_of(graph, columns, attached)
    return _Sketch(graph, found, columns, rows, attached, _numbered(graph, found), texts)


def _best(sketch: _Sketch, width: float, height: float) -> Layout:
    """The best of all sizes and rooms. What cannot be better than the best so far, by its area alone, is not tried."""
    found = sketch.forms.values()
    plain = all(form.kind in ("units", "number", "label") and form.weight != "matrix" for form in found)
    units = any(form.kind == "units" for form in found)

    def worth(size: Size, zoom: float, lines: int) -> float:
        legible = min(1.0, zoom * sketch.texts.factor**0.25 / _READABLE) ** 2
        if plain:
            return legible * zoom**2 * 3 * size.pitch * (1.0 if size.side >= CAPTIONED else 0.5) * 0.7**lines
        return legible * zoom**2 * size.side * (min(1.0, size.pitch / 16) if units else 1.0)

    sizes = list(_sizes(units, plain, sketch.texts.factor))
    sketch.measured = [_measured(sketch, size) for size in sizes]
    bounds = []
    for number, size in enumerate(sizes):
        area = sum((p.width + size.gap / 2) * p.height for p in sketch.measured[number].values())
        bounds.append(worth(size, min(1.0, math.sqrt(width * height / max(1.0, area))), 1))
    best, score = Layout(), 0.0
    for number in sorted(range(len(sizes)), key=lambda number: (-bounds[number], number)):
        before = 0.0
        for room in _ROOMS:
            if bounds[number] <= score or worth(sizes[number], min(1.0, 1.25 / room), 1) <= score:
                break
            tried = _place(sketch, number, sizes[number], width * room)
            zoom = min(1.0, width / max(1.0, tried.width), height / max(1.0, tried.height))
            rating = worth(sizes[number], zoom, tried.lines)
            if rating > score:
                best, score = tried, rating
            if zoom == 1.0 or tried.lines == 1 or rating < before:
                break
            before = rating
    return best


def _sizes(units: bool, plain: bool, factor: float) -> Iterator[Size]:
    """The sizes to try; units stand as far apart as the height allows, in networks of units alone freely so."""
    low, high = (0.5, 2.2) if plain else (0.6, 1.3)
    pitches = {(size.pitch, size.radius) for size in SIZES}
    for size in SIZES:
        near = sorted((p for p in pitches if low * size.pitch <= p[0] <= high * size.pitch), reverse=True)
        for pitch, radius in near if units else [(size.pitch, size.radius)]:
            yield size._replace(pitch=pitch, radius=radius, text=factor)


def _measured(sketch: _Sketch, size: Size) -> dict[str, Place]:
    """All nodes in a size, at no place yet; nodes that are drawn alike are measured once."""
    alike: dict[tuple, Place] = {}
    found = {}
    for id, column in sketch.columns.items():
        form, beside, below = sketch.forms[id], sketch.beside.get(id, ""), id in sketch.attached
        place = alike.get((form, beside, below))
        if place is None:
            place = alike[form, beside, below] = Place(id, form, column, 0, numbers=beside, below=below)
            place.measure(size, sketch.texts)
        found[id] = copy(place)
        found[id].id, found[id].column, found[id].row = id, column, sketch.rows[id]
    return found


def _place(sketch: _Sketch, number: int, size: Size, width: float) -> Layout:
    """The layout in the size of that number, on lines of a width."""
    places = {id: copy(place) for id, place in sketch.measured[number].items()}
    by_column: list[list[Place]] = [[] for _ in range(1 + max(sketch.columns.values()))]
    for place in places.values():
        by_column[place.column].append(place)
    widths = [max(place.width for place in several) for several in by_column]
    gaps = [size.fan if any(p.form.weight == "edges" for p in several) else size.gap for several in by_column]
    starts = set(break_lines(widths, gaps, width, [gap >= size.fan for gap in gaps]))
    line = -1
    for column, several in enumerate(by_column):
        line += column in starts
        for place in several:
            place.line = line
    sketch.plan = plan_kinds(sketch.graph["edges"], places)
    after, before = sketch.plan.verticals(places)
    x = 0.0
    for column, several in enumerate(by_column):
        sides = after.get(column - 1, 0), before.get(column, 0)
        needed = sum(SIDE + STEP * n for n in sides if n) + 2
        x = 0.0 if column in starts else x + max(gaps[column], needed)
        sketch.walls[column] = (x, x + widths[column])
        for place in several:
            place.x = x + (widths[column] - place.width) / 2
        x += widths[column]
    plan_lanes(sketch.plan, places)
    layout = Layout(places, [], size, lines=len(starts))
    _heights(sketch, layout)
    layout.width = max((end for _, end in sketch.walls.values()), default=0.0)
    return layout


def _redo(sketch: _Sketch, layout: Layout) -> _Sketch:
    """The sketch with the walls and the plan of ``layout``, which may not have been tried last."""
    walls: dict[int, tuple[float, float]] = {}
    for place in layout.places.values():
        low, high = walls.get(place.column, (place.x, place.x))
        walls[place.column] = min(low, place.x), max(high, place.x + place.width)
    sketch.walls, sketch.plan = walls, plan_kinds(sketch.graph["edges"], layout.places)
    plan_lanes(sketch.plan, layout.places)
    sketch.tops = {}
    for place in layout.places.values():
        sketch.tops[place.line] = min(sketch.tops.get(place.line, place.y), place.y)
    return sketch


def _attached(graph: dict[str, Any], found: dict[str, Form], columns: dict[str, int]) -> dict[str, str]:
    """Inputs that stand right under the one node that reads them: the targets of the loss. Moves them to its column."""
    inputs = {node["id"] for node in graph["nodes"] if node["kind"] == "input"}
    readers: dict[str, set[str]] = {}
    for edge in graph["edges"]:
        readers.setdefault(edge["from"], set()).add(edge["to"])
    under: dict[str, str] = {}
    for id in sorted(inputs):
        reader = next(iter(readers.get(id, ())), "")
        single = len(readers.get(id, ())) == 1 and found[reader].kind == "number"
        if single and found[id].title == "target" and reader not in under.values():
            under[id] = reader
            columns[id] = columns[reader]
    return under


def _torn(sketch: _Sketch, layout: Layout) -> set[str]:
    """Nodes whose weights were to be lines, but the units before them do not stand right before them."""
    torn = set()
    places = layout.places
    crowd: dict[int, list[int]] = {}
    for place in places.values():
        if place.id not in sketch.attached:
            crowd.setdefault(place.column, []).append(place.row)
    for edge in sketch.graph["edges"]:
        a, b = places[edge["from"]], places[edge["to"]]
        if b.form.weight != "edges" or edge["input"] not in ("x", "x[0]"):
            continue
        low, high = min(a.row, b.row), max(a.row, b.row)
        between = [row for place in (a, b) for row in crowd[place.column] if low <= row <= high and row != place.row]
        if a.line != b.line or b.column != a.column + 1 or between:
            torn.add(b.id)
    return torn


def _numbered(graph: dict[str, Any], found: dict[str, Form]) -> dict[str, str]:
    """Few units have their numbers beside them where no weights are in the way: inputs, and what the loss reads."""
    few = {id for id, form in found.items() if form.kind == "units" and form.shape[0] <= MOST_NUMBERS}
    ends = {edge["from"] for edge in graph["edges"] if found[edge["to"]].loss}
    inputs = {node["id"] for node in graph["nodes"] if node["kind"] == "input"}
    return dict.fromkeys(few & ends - inputs, "right") | dict.fromkeys(few & inputs - ends, "left")


def _heights(sketch: _Sketch, layout: Layout) -> None:
    """Set the y of all places, line by line, row by row; the attached ones under their readers.

    The middles of a row's pictures are at one height, so that lines run straight.
    """
    attached = {reader: layout.places[id] for id, reader in sketch.attached.items()}
    rows: dict[tuple[int, int], list[Place]] = {}
    for place in layout.places.values():
        if place.id not in sketch.attached:
            rows.setdefault((place.line, place.row), []).append(place)
    y, line = 0.0, -1
    for (at, _), same in sorted(rows.items(), key=lambda entry: entry[0]):
        if at != line:
            y += LANE * sketch.plan.gutter(at) + (LINE_GAP if at else 0.0)
            line = at
        middle = y + max(place.over + place.body / 2 for place in same)
        for place in same:
            place.settle(place.x, middle)
            y = max(y, place.y + place.height)
            if (under := attached.get(place.id)) is not None:
                under.settle(under.x, place.y + place.height + under.over + under.body / 2)
                y = max(y, under.y + under.height)
        y += ROW_GAP
    layout.height = y - ROW_GAP
