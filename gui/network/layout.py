"""Where the nodes of a graph stand: columns by rank, rows by branch, lines where one line would be too wide. No Qt.

A network of many layers is set like text: its columns go on in a second line, so that what is drawn stays large enough
to be read. The same graph in the same width always gives the same layout.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gui.network.columns import break_lines, columns_of, rows_of
from gui.network.forms import SIZES, Form, Size, forms
from gui.network.routes import Route, gutters, route

#: Pixels for the title over a node, and for its shape and its scale under it.
TITLE, CAPTION = 18.0, 28.0
_TITLE_SMALL, _CAPTION_SMALL = 15.0, 4.0
#: Between two lanes of lines that pass nodes by, between two rows and between two lines of columns.
LANE, ROW_GAP, LINE_GAP = 8.0, 10.0, 12.0
#: Room for numbers beside units, and for how many units they are written.
NUMBERS = 52.0
MOST_NUMBERS = 12
#: Sides of pictures from which there is room for their shape under them.
CAPTIONED = 60
#: Lines so many times as wide as the view are tried, one after the other, until something fits.
_ROOMS = (1.0, 1.5, 2.2, 3.2)
_LETTER = 6.4
_WIDEST_TITLE = 84.0


@dataclass
class Place:
    """Where a node stands, in pixels at a zoom of 100 %.

    Attributes:
        id: of the node. form: what it is drawn as.
        column, row, line: its place in the order.
        x, y, width, height: of the whole, with title and caption.
        weight, values: (x, y, width, height) of the two pictures; the weight's is empty where it has none.
        numbers: "left" or "right" where the units' numbers are written beside them, else "".
        beside: room for these. over, under: room for the title and for the caption.
    """

    id: str
    form: Form
    column: int
    row: int
    line: int = 0
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0
    weight: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    values: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    numbers: str = ""
    beside: float = 0.0
    over: float = TITLE
    under: float = CAPTION

    @property
    def middle(self) -> float:
        return self.values[1] + self.values[3] / 2

    @property
    def left(self) -> float:
        """Where lines arrive."""
        return self.weight[0] if self.weight[2] else self.values[0]

    @property
    def right(self) -> float:
        """Where lines leave."""
        return self.values[0] + self.values[2] + (self.beside if self.numbers == "right" else 0.0)


@dataclass
class Layout:
    """The places of all nodes and the routes between them; ``size``: how large things are drawn."""

    places: dict[str, Place] = field(default_factory=dict)
    routes: list[Route] = field(default_factory=list)
    size: Size = SIZES[0]
    width: float = 0.0
    height: float = 0.0
    lines: int = 0


def lay_out(graph: dict[str, Any], width: float = 640.0, height: float = 480.0, text: float = 1.0) -> Layout:
    """Place the nodes of ``graph`` (of :func:`gui.network.forms.shown`) for a view of ``width`` × ``height`` pixels.

    The size is taken with which pictures are largest on the screen, as a rule the largest with which everything fits;
    for networks of units alone, with which units are farthest apart on the fewest lines. ``text``: how large text
    is, 1 as designed.
    """
    found = forms(graph)
    columns = columns_of(graph)
    rows = rows_of(graph, columns)
    attached = _attached(graph, found, columns)
    plain = all(form.kind in ("units", "number", "label") and form.weight != "matrix" for form in found.values())
    units = any(form.kind == "units" for form in found.values())
    best, score = Layout(), 0.0
    for room in _ROOMS:
        for size in SIZES:
            # Units stand as far apart as the height allows.
            for wide in [other for other in SIZES if other.pitch >= 0.5 * size.pitch] if units else [size]:
                spaced = size._replace(pitch=wide.pitch, radius=wide.radius, text=text)
                tried = _place(graph, found, columns, rows, attached, spaced, width * room)
                zoom = min(1.0, width / max(1.0, tried.width), height / max(1.0, tried.height))
                close = min(1.0, spaced.pitch / 16) if units else 1.0
                legible = 1.0 if size.side >= CAPTIONED else 0.5
                rating = zoom**2 * (3 * spaced.pitch * legible * 0.7**tried.lines if plain else size.side * close)
                if rating > score:
                    best, score = tried, rating
                if zoom == 1.0:
                    break
        if score >= SIZES[-1].side:
            break
    best.routes = route(graph["edges"], best.places, LANE)
    right = [x for path in best.routes for x, _ in path.points]
    best.width = max([best.width, *right])
    return best


def _place(
    graph: dict[str, Any], found: dict[str, Form], columns: dict[str, int], rows: dict[str, int], attached: dict[str, str],
    size: Size, width: float,
) -> Layout:  # fmt: skip
    beside = _numbered(graph, found)
    places = {id: _measured(Place(id, found[id], columns[id], rows[id], numbers=beside.get(id, "")), size) for id in columns}
    by_column: dict[int, list[Place]] = {}
    for place in places.values():
        by_column.setdefault(place.column, []).append(place)
    widths = [max(place.width for place in by_column[column]) for column in sorted(by_column)]
    gaps = [_gap(by_column[column], size) for column in sorted(by_column)]
    starts = break_lines(widths, gaps, width, [gap >= size.fan for gap in gaps])
    for number, start in enumerate(starts):
        x = 0.0
        for column in range(start, starts[number + 1] if number + 1 < len(starts) else len(widths)):
            x += gaps[column] if column != start else 0.0
            for place in by_column[column]:
                place.line, place.x = number, x + (widths[column] - place.width) / 2
            x += widths[column]
    layout = Layout(places, [], size, lines=len(starts))
    _heights(layout, gutters(graph["edges"], places), attached)
    layout.width = max((place.x + place.width for place in places.values()), default=0.0)
    return layout


def _attached(graph: dict[str, Any], found: dict[str, Form], columns: dict[str, int]) -> dict[str, str]:
    """Inputs that stand right under the one node that reads them: the targets of the loss. Moves them to its column."""
    inputs = {node["id"] for node in graph["nodes"] if node["kind"] == "input"}
    readers: dict[str, set[str]] = {}
    for edge in graph["edges"]:
        readers.setdefault(edge["from"], set()).add(edge["to"])
    under: dict[str, str] = {}
    for id in sorted(inputs):
        reader = next(iter(readers.get(id, ())), "")
        if len(readers.get(id, ())) == 1 and found[id].title == "target" and reader not in under.values():
            under[id] = reader
            columns[id] = columns[reader]
    return under


def _numbered(graph: dict[str, Any], found: dict[str, Form]) -> dict[str, str]:
    """Few units have their numbers beside them where no weights are in the way: inputs, and what the loss reads."""
    few = {id for id, form in found.items() if form.kind == "units" and form.shape[0] <= MOST_NUMBERS}
    ends = {edge["from"] for edge in graph["edges"] if found[edge["to"]].loss}
    inputs = {node["id"] for node in graph["nodes"] if node["kind"] == "input"}
    return dict.fromkeys(few & ends - inputs, "right") | dict.fromkeys(few & inputs - ends, "left")


def _measured(place: Place, size: Size) -> Place:
    wide, high = place.form.weight_size(size)
    values = place.form.values_size(size)
    between = 6.0 if wide else 0.0
    text = size.text
    title = text * min(_WIDEST_TITLE if size.side >= CAPTIONED else 1.1 * size.side, _LETTER * len(place.form.title))
    caption = text * min(_WIDEST_TITLE, 6.2 * len(place.form.caption)) if size.side >= CAPTIONED else 0.0
    place.beside = NUMBERS * text if place.numbers else 0.0
    before = place.beside if place.numbers == "left" else 0.0
    place.width = max(wide + between + values[0] + place.beside, title, caption)
    place.over, place.under = (TITLE, CAPTION) if size.side >= CAPTIONED else (_TITLE_SMALL, _CAPTION_SMALL)
    place.over, place.under = text * place.over, text * place.under
    place.height = place.over + max(high, values[1]) + place.under
    place.weight = (0.0, 0.0, wide, high)
    place.values = (before + wide + between, 0.0, *values)
    return place


def _gap(places: list[Place], size: Size) -> float:
    """Pixels before a column: many where weights are drawn as lines into it."""
    return size.fan if any(place.form.weight == "edges" for place in places) else size.gap


def _heights(layout: Layout, lanes: dict[int, int], attached: dict[str, str]) -> None:
    """Set the y of all places, line by line, row by row; the attached ones under their readers."""
    y = 0.0
    for line in range(layout.lines):
        here = [place for place in layout.places.values() if place.line == line and place.id not in attached]
        y += LANE * lanes.get(line, 0) + (LINE_GAP if line else 0.0)
        for row in sorted({place.row for place in here}):
            same = [place for place in here if place.row == row]
            tall = max(place.height for place in same)
            for place in same:
                _settle(place, y + (tall - place.height) / 2)
            y += tall + ROW_GAP
        y -= ROW_GAP
        for place in layout.places.values():
            if place.line == line and place.id in attached:
                above = layout.places[attached[place.id]]
                _settle(place, above.values[1] + above.values[3] + 10)
                y = max(y, place.y + place.height)
    layout.height = y + LANE * lanes.get(layout.lines, 0)


def _settle(place: Place, y: float) -> None:
    place.y = y
    inner = place.height - place.over - place.under
    after = place.beside if place.numbers == "right" else 0.0
    left = place.x + (place.width - place.values[0] - place.values[2] - after) / 2
    _, _, wide, high = place.weight
    place.weight = (left, y + place.over + (inner - high) / 2, wide, high)
    offset, _, wide, high = place.values
    place.values = (left + offset, y + place.over + (inner - high) / 2, wide, high)
