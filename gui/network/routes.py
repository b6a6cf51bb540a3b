"""The lines between nodes: straight to the next column, over the nodes in between, or on to another line. No Qt.

Lines go up and down only between two columns, and along only over a line of columns or in a row that is free there; so
none crosses a node.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gui.network.places import Place

#: Lanes that a gutter has, and lines side by side between two columns; more of them share the last.
MOST_LANES, MOST_SIDE = 8, 5
#: Between columns and the first line that goes up there, and between two of these.
SIDE, STEP = 6.0, 3.0

Point = tuple[float, float]
Edge = tuple[str, str]


@dataclass(frozen=True)
class Route:
    """The way of an edge.

    Attributes:
        source, target: ids of nodes. input: the array's name at the target.
        kind: "flow" (to a node of a later column: along, a curve between the second point and the third, along), "under"
            (up to the node above), "skip" (over the nodes in between), "wrap" (to another line); the latter two turn at
            each point.
        points: from the source to the target.
    """

    source: str
    target: str
    input: str
    kind: str
    points: tuple[Point, ...]


@dataclass
class Plan:
    """Which way each edge takes, and what room that needs; made once the columns stand.

    Attributes:
        kinds: of each edge. lanes: by line, of the edges that run over it. outs, ins: by edge, which of the lines that go
            up or down after its source, and before its target.
    """

    kinds: dict[Edge, str] = field(default_factory=dict)
    lanes: dict[int, dict[Edge, int]] = field(default_factory=dict)
    outs: dict[Edge, int] = field(default_factory=dict)
    ins: dict[Edge, int] = field(default_factory=dict)

    def gutter(self, line: int) -> int:
        """How many lanes are needed over a line."""
        return min(MOST_LANES, 1 + max(self.lanes.get(line, {}).values(), default=-1))

    def verticals(self, places: dict[str, Place]) -> tuple[dict[int, int], dict[int, int]]:
        """(by column, how many lines go up or down right after it, right before it)."""
        after: dict[int, int] = {}
        before: dict[int, int] = {}
        for edge, number in self.outs.items():
            a, b = places[edge[0]].column, places[edge[1]].column
            after[a] = max(after.get(a, 0), number + 1)
            before[b] = max(before.get(b, 0), self.ins[edge] + 1)
        return after, before


def plan_kinds(edges: list[dict[str, Any]], places: dict[str, Place]) -> Plan:
    """The kind of each edge, and which lines go up and down between which columns."""
    plan = Plan()
    rows: dict[int, set[int]] = {}
    for place in places.values():
        rows.setdefault(place.column, set()).add(place.row)
    seen_out: dict[int, dict[str, int]] = {}
    seen_in: dict[int, dict[str, int]] = {}
    for source, target in dict.fromkeys((edge["from"], edge["to"]) for edge in edges):
        a, b = places[source], places[target]
        edge = source, target
        plan.kinds[edge] = kind = _kind(a, b, rows)
        if kind in ("skip", "wrap"):
            outs = seen_out.setdefault(a.column, {})
            ins = seen_in.setdefault(b.column, {})
            plan.outs[edge] = min(MOST_SIDE - 1, outs.setdefault(source, len(outs)))
            plan.ins[edge] = min(MOST_SIDE - 1, ins.setdefault(target, len(ins)))
    return plan


def _kind(a: Place, b: Place, rows: dict[int, set[int]]) -> str:
    if b.column == a.column:
        return "under"
    if a.line != b.line:
        return "wrap"
    free = all(b.row not in rows.get(column, ()) for column in range(a.column + 1, b.column))
    return "flow" if free else "skip"


def plan_lanes(plan: Plan, places: dict[str, Place]) -> None:
    """The lane of each edge over each line: short ones near the nodes, none crossing another."""
    spans: dict[int, list[tuple[float, float, Edge]]] = {}
    for edge, kind in plan.kinds.items():
        a, b = places[edge[0]], places[edge[1]]
        if kind == "skip":
            spans.setdefault(a.line, []).append((a.x + a.width, b.x, edge))
        elif kind == "wrap":
            spans.setdefault(b.line, []).append((b.x, a.x + a.width, edge))
            if abs(b.line - a.line) > 1:
                spans.setdefault(a.line + 1, []).append((a.x + a.width, 1e9, edge))
    for line, several in spans.items():
        ends: list[list[tuple[float, float]]] = []
        lanes = plan.lanes[line] = {}
        for low, high, edge in sorted(several, key=lambda span: abs(span[1] - span[0])):
            low, high = min(low, high), max(low, high)
            free = (i for i, used in enumerate(ends) if all(high < x0 or low > x1 for x0, x1 in used))
            lane = next(free, len(ends))
            if lane == len(ends):
                ends.append([])
            ends[lane].append((low, high))
            lanes[edge] = lane


def route(
    edges: list[dict[str, Any]], places: dict[str, Place], plan: Plan, walls: dict[int, tuple[float, float]],
    tops: dict[int, float], lane_height: float,
) -> list[Route]:  # fmt: skip
    """The routes of all edges.

    Args:
        walls: by column, its left and its right end. tops: by line, where its highest node begins.
    """
    right = max((end for _, end in walls.values()), default=0.0)
    margins = 0

    def height(line: int, edge: Edge) -> float:
        lane = min(plan.lanes.get(line, {}).get(edge, 0), MOST_LANES - 1)
        return tops[line] - 4 - lane_height * lane

    found = []
    for edge in edges:
        a, b = places[edge["from"]], places[edge["to"]]
        key = (a.id, b.id)
        kind = plan.kinds[key]
        start, end = (a.right, a.middle), (b.left, b.middle)
        if kind == "flow":
            points = (start, (walls[a.column][1], start[1]), (walls[a.column + 1][0], end[1]), end)
        elif kind == "under":
            x = b.values[0] + b.values[2] / 2
            points = ((x, a.values[1]), (x, b.values[1] + b.values[3]))
        else:
            out = walls[a.column][1] + SIDE + STEP * plan.outs[key]
            into = walls[b.column][0] - SIDE - STEP * plan.ins[key]
            y = height(b.line, key)
            points = (start, (out, start[1]), (out, y), (into, y), (into, end[1]), end)
            if kind == "wrap" and b.line != a.line + 1:
                margins += 1
                far = right + SIDE + STEP * MOST_SIDE + STEP * min(margins, MOST_LANES)
                y0 = height(a.line + 1, key) if a.line + 1 in tops else 0.0
                points = (start, (out, start[1]), (out, y0), (far, y0), (far, y), (into, y), (into, end[1]), end)
        found.append(Route(a.id, b.id, edge["input"], kind, points))
    return found
