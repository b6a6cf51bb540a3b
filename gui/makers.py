"""Where an array that an op has read was made: by another op, or in the batch; told from the recorded graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Maker(NamedTuple):
    """What made an array.

    Attributes:
        event: number of the op's event; None for the batch.
        name: of the array there: "y", "batch0".
    """

    event: int | None
    name: str


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
