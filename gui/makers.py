"""Where an array that an op has read was made: by another op, or in the batch; told from the recorded graph."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple


class Maker(NamedTuple):
    """What made an array.

    Attributes:
        event: number of the op's event; None for the batch.
        name: of the array there: "y", "batch0".
    """

    event: int | None
    name: str


def with_events(graph: Mapping[str, Any] | None, ops: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The graph with the events of another pass through the same network. While a pass goes on, the graph of a stop is that
    of the one before: its structure holds, its events are past.

    Args:
        ops: forward events of that pass, in their order, as far as it has come.
    """
    waiting: dict[tuple[str, str], deque[int]] = {}
    for op in ops:
        waiting.setdefault((str(op["name"]), str(op.get("module") or "")), deque()).append(int(op["seq"]))
    nodes = []
    for node in (graph or {}).get("nodes", ()):
        ran = waiting.get((str(node.get("op")), str(node.get("module") or "")))
        nodes.append(dict(node) if node.get("kind") == "input" else {**node, "event": ran.popleft() if ran else None})
    return {**(graph or {}), "nodes": nodes}


def maker_of(graph: Mapping[str, Any] | None, event: int, name: str) -> Maker | None:
    """Who made what the op of ``event`` read as ``name``; None where the graph (of the step of a stop) does not say."""
    nodes = {node["id"]: node for node in (graph or {}).get("nodes", ())}
    here = next((node["id"] for node in nodes.values() if node.get("event") == event), None)
    for edge in (graph or {}).get("edges", ()) if here is not None else ():
        source = nodes.get(edge["from"], {})
        if edge["to"] != here or edge.get("input") != name:
            continue
        if source.get("event") is not None:
            return Maker(source["event"], edge["output"])
        if source.get("kind") == "input" and str(source.get("label", "")).startswith("batch"):
            return Maker(None, source["label"])
    return None
