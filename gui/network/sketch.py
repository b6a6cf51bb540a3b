"""What all attempts to lay out a graph have in common, and one attempt: nodes of a size, on lines of a width. No Qt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gui.network.columns import break_lines, columns_of, rows_of, without_gaps
from gui.network.forms import SIZES, TARGET, Form, Size, forms
from gui.network.places import MOST_NUMBERS, Place
from gui.network.routes import SIDE, STEP, Plan, Route, plan_kinds, plan_lanes
from gui.network.texts import Texts

#: Between two lanes of lines that pass nodes by, between two rows and between two lines of columns.
LANE, ROW_GAP, LINE_GAP = 8.0, 10.0, 12.0


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
class Sketch:
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


def sketch_of(graph: dict[str, Any], texts: Texts) -> Sketch:
    found = forms(graph)
    columns = columns_of(graph)
    attached = _attached(graph, found, columns)
    columns = without_gaps(columns)
    rows = rows_of(graph, columns, attached)
    return Sketch(graph, found, columns, rows, attached, _numbered(graph, found), texts)


def measured_in(sketch: Sketch, size: Size) -> dict[str, Place]:
    """All nodes in a size, at no place yet; nodes that are drawn alike are measured once."""
    alike: dict[tuple, Place] = {}
    found = {}
    for id, column in sketch.columns.items():
        form, beside, below = sketch.forms[id], sketch.beside.get(id, ""), id in sketch.attached
        place = alike.get((form, beside, below))
        if place is None:
            place = alike[form, beside, below] = Place(id, form, column, 0, numbers=beside, below=below)
            place.measure(size, sketch.texts)
        found[id] = place.twin()
        found[id].id, found[id].column, found[id].row = id, column, sketch.rows[id]
    return found


def placed(sketch: Sketch, number: int, size: Size, width: float) -> Layout:
    """The layout in the size of that number, on lines of a width."""
    places = {id: place.twin() for id, place in sketch.measured[number].items()}
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


def redone(sketch: Sketch, layout: Layout) -> Sketch:
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
        if single and found[id].title == TARGET and reader not in under.values():
            under[id] = reader
            columns[id] = columns[reader]
    return under


def torn_in(sketch: Sketch, layout: Layout) -> set[str]:
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


def _heights(sketch: Sketch, layout: Layout) -> None:
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
