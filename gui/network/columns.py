"""In which column and row each node stands, and where a long row of columns is broken into lines. No Qt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def columns_of(graph: dict[str, Any]) -> dict[str, int]:
    """The column of each node: its rank; inputs that are needed late stand just before they are needed."""
    ranks = {node["id"]: int(node["rank"]) for node in graph["nodes"]}
    readers: dict[str, list[str]] = {}
    for edge in graph["edges"]:
        readers.setdefault(edge["from"], []).append(edge["to"])
    first = next((node["id"] for node in graph["nodes"] if node["kind"] == "input"), None)
    for node in graph["nodes"]:
        if node["kind"] == "input" and node["id"] != first and readers.get(node["id"]):
            ranks[node["id"]] = max(0, min(ranks[reader] for reader in readers[node["id"]]) - 1)
    used = {rank: column for column, rank in enumerate(sorted(set(ranks.values())))}
    return {id: used[rank] for id, rank in ranks.items()}


def rows_of(graph: dict[str, Any], columns: dict[str, int]) -> dict[str, int]:
    """The row of each node: that of the node before it where it is free, the longest branch first."""
    before: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}
    for edge in graph["edges"]:
        before.setdefault(edge["to"], []).append(edge["from"])
        after.setdefault(edge["from"], []).append(edge["to"])
    left: dict[str, int] = {}
    for id in sorted(columns, key=lambda id: -columns[id]):
        left[id] = 1 + max((left[reader] for reader in after.get(id, ())), default=0)
    order = {node["id"]: number for number, node in enumerate(graph["nodes"])}
    kinds = {node["id"]: node["kind"] for node in graph["nodes"]}
    rows: dict[str, int] = {}
    taken: set[tuple[int, int]] = set()
    # Ops before inputs: an input that is needed late makes way for the chain.
    late = {id: kinds[id] == "input" and columns[id] > 0 for id in columns}
    for id in sorted(columns, key=lambda id: (columns[id], late[id], -left[id], order[id])):
        chain = [source for source in before.get(id, ()) if source in rows]
        chain.sort(key=lambda source: (-columns[source], order[source]))
        wanted = rows[chain[0]] if chain else 0
        rows[id] = next(row for row in _outwards(wanted) if (columns[id], row) not in taken)
        taken.add((columns[id], rows[id]))
    return rows


def _outwards(row: int) -> Iterator[int]:
    yield row
    for step in range(1, 10_000):
        yield row + step
        yield row - step


def break_lines(widths: list[float], gaps: list[float], width: float, bound: list[bool]) -> list[int]:
    """The first column of each line: as few lines as fit into ``width``, as even as can be.

    A line is not broken where the column is ``bound`` to the one before it, unless it would not fit otherwise.
    """
    count = len(widths)
    if not count:
        return []
    # Cost of the best way to set the columns from i on, and where its first line ends.
    cost, ends = [0.0] * (count + 1), [count] * (count + 1)
    for start in range(count - 1, -1, -1):
        best, used = None, 0.0
        for end in range(start + 1, count + 1):
            used += widths[end - 1] + (gaps[end - 1] if end - 1 > start else 0.0)
            if used > width and end - 1 > start:
                break
            torn = 40.0 if end < count and bound[end] else 0.0
            # A line costs more than any unevenness.
            total = 10.0 + ((width - used) / width) ** 2 + torn + cost[end]
            if best is None or total < best:
                best, ends[start] = total, end
        cost[start] = best if best is not None else 0.0
    starts, at = [], 0
    while at < count:
        starts.append(at)
        at = ends[at]
    return starts
