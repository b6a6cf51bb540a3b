"""In which column and row each node stands, and where a long row of columns is broken into lines. No Qt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def columns_of(graph: dict[str, Any]) -> dict[str, int]:
    """The column of each node: where the first input stands, and what depends on it at once, that is by rank; all else
    as late as what needs it allows. So the layers of a recurrent network stand where their time is.
    """
    ranks = {node["id"]: int(node["rank"]) for node in graph["nodes"]}
    readers: dict[str, list[str]] = {}
    for edge in graph["edges"]:
        readers.setdefault(edge["from"], []).append(edge["to"])
    first = next((node["id"] for node in graph["nodes"] if node["kind"] == "input"), None)
    late = dict(ranks)
    for id in sorted(ranks, key=lambda id: -ranks[id]):
        if id != first and readers.get(id):
            late[id] = max(ranks[id], min(late[reader] for reader in readers[id]) - 1)
    return late


def without_gaps(columns: dict[str, int]) -> dict[str, int]:
    """The same order, counted from 0 without holes."""
    used = {column: number for number, column in enumerate(sorted(set(columns.values())))}
    return {id: used[column] for id, column in columns.items()}


def rows_of(graph: dict[str, Any], columns: dict[str, int], attached: Mapping[str, str] | None = None) -> dict[str, int]:
    """The row of each node: that of the node before it where it is free, the longest branch first; the ``attached`` ones
    take no place of their own, but that of their readers.
    """
    attached = attached or {}
    before: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}
    for edge in graph["edges"]:
        before.setdefault(edge["to"], []).append(edge["from"])
        after.setdefault(edge["from"], []).append(edge["to"])
    left: dict[str, int] = {}
    for id in sorted(columns, key=lambda id: -columns[id]):
        left[id] = 1 + max((left.get(reader, 0) for reader in after.get(id, ())), default=0)
    order = {node["id"]: number for number, node in enumerate(graph["nodes"])}
    kinds = {node["id"]: node["kind"] for node in graph["nodes"]}
    rows: dict[str, int] = {}
    taken: set[tuple[int, int]] = set()
    # Ops before inputs: an input that is needed late makes way for the chain.
    late = {id: kinds[id] == "input" and columns[id] > 0 for id in columns}
    for id in sorted(columns, key=lambda id: (columns[id], late[id], -left[id], order[id])):
        if id in attached:
            continue
        chain = [source for source in before.get(id, ()) if source in rows]
        chain.sort(key=lambda source: (-columns[source], order[source]))
        wanted = rows[chain[0]] if chain else 0
        rows[id] = next(row for row in _outwards(wanted) if (columns[id], row) not in taken)
        taken.add((columns[id], rows[id]))
    return rows | {id: rows[reader] for id, reader in attached.items()}


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
