"""The lines between nodes: straight to the next column, over the nodes in between, or on to another line. No Qt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gui.network.layout import Place

#: Lanes that a gutter has; more lines share the last.
MOST_LANES = 8


@dataclass(frozen=True)
class Route:
    """The way of an edge.

    Attributes:
        source, target: ids of nodes. input: the array's name at the target.
        kind: "flow" (to a node beside it, a curve between two points), "under" (up to the node above), "skip" (over the
            nodes in between), "wrap" (to another line); the latter two turn at each point.
        points: from the source to the target.
    """

    source: str
    target: str
    input: str
    kind: str
    points: tuple[tuple[float, float], ...]


def kind_of(a: Place, b: Place, places: Iterable[Place]) -> str:
    """Which way an edge from ``a`` to ``b`` takes."""
    if a.line != b.line:
        return "wrap"
    if b.column == a.column:
        return "under"
    if b.column - a.column <= 1:
        return "flow"
    rows = (a.row, b.row)
    between = (p for p in places if p.line == a.line and a.column < p.column < b.column)
    return "skip" if any(min(rows) <= p.row <= max(rows) for p in between) else "flow"


def gutters(edges: list[dict[str, Any]], places: dict[str, Place]) -> dict[int, int]:
    """How many lanes are needed over each line."""
    return {line: min(MOST_LANES, 1 + max(lanes.values())) for line, lanes in _lanes(edges, places).items() if lanes}


def _lanes(edges: list[dict[str, Any]], places: dict[str, Place]) -> dict[int, dict[tuple[str, str], int]]:
    """The lane of each edge from a node to another over each line: short ones near the nodes, none crossing another."""
    spans: dict[int, list[tuple[float, float, tuple[str, str]]]] = {}
    for source, target in dict.fromkeys((edge["from"], edge["to"]) for edge in edges):
        a, b = places[source], places[target]
        kind = kind_of(a, b, places.values())
        if kind == "skip":
            spans.setdefault(a.line, []).append((a.x + a.width, b.x, (source, target)))
        elif kind == "wrap":
            spans.setdefault(b.line, []).append((b.x, a.x + a.width, (source, target)))
            if abs(b.line - a.line) > 1:
                spans.setdefault(a.line + 1, []).append((a.x + a.width, 1e9, (source, target)))
    found: dict[int, dict[tuple[str, str], int]] = {}
    for line, several in spans.items():
        ends: list[list[tuple[float, float]]] = []
        found[line] = {}
        for low, high, edge in sorted(several, key=lambda span: abs(span[1] - span[0])):
            low, high = min(low, high), max(low, high)
            free = (i for i, used in enumerate(ends) if all(high < x0 or low > x1 for x0, x1 in used))
            lane = next(free, len(ends))
            if lane == len(ends):
                ends.append([])
            ends[lane].append((low, high))
            found[line][edge] = lane
    return found


def route(edges: list[dict[str, Any]], places: dict[str, Place], lane_height: float) -> list[Route]:
    """The routes of all edges, after the places have been set."""
    lanes = _lanes(edges, places)
    tops: dict[int, float] = {}
    for place in places.values():
        tops[place.line] = min(tops.get(place.line, place.y), place.y)
    right = max((place.x + place.width for place in places.values()), default=0.0)

    def height(line: int, edge: tuple[str, str]) -> float:
        lane = min(lanes.get(line, {}).get(edge, 0), MOST_LANES - 1)
        return tops[line] - 2 - lane_height * lane

    found = []
    margins = 0
    for edge in edges:
        a, b = places[edge["from"]], places[edge["to"]]
        key = (a.id, b.id)
        kind = kind_of(a, b, places.values())
        start, end = (a.right, a.middle), (b.left, b.middle)
        out, into = max(a.right, a.x + a.width) + 5, min(b.left, b.x) - 6
        if kind == "flow":
            points = (start, end)
        elif kind == "under":
            x = b.values[0] + b.values[2] / 2
            points = ((x, a.values[1]), (x, b.values[1] + b.values[3]))
        elif kind == "skip":
            y = height(a.line, key)
            points = (start, (out, start[1]), (out, y), (into, y), (into, end[1]), end)
        elif b.line == a.line + 1:
            y = height(b.line, key)
            points = (start, (out, start[1]), (out, y), (into, y), (into, end[1]), end)
        else:
            margins += 1
            far, y0, y1 = (
                right + 6 + 5 * min(margins, MOST_LANES),
                height(a.line + 1, key) if a.line + 1 in tops else 0.0,
                height(b.line, key),
            )
            points = (
                start, (out, start[1]), (out, y0), (far, y0), (far, y1), (into, y1), (into, end[1]), end,
            )  # fmt: skip
        found.append(Route(a.id, b.id, edge["input"], kind, points))
    return found
