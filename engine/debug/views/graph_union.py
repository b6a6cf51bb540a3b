"""Two graphs as one: a pass, and the newer one that is on its way and runs other ops."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def united(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Both, with what leads to an op of ``new`` as there, which has ops that ``old`` has not."""
    ops = {node["id"] for node in new["nodes"] if node["kind"] == "op"}
    nodes = {node["id"]: node for node in (*old["nodes"], *new["nodes"])}
    edges = [edge for edge in old["edges"] if edge["to"] not in ops] + new["edges"]
    ranks = _ranks(nodes, edges)
    if ranks is None:  # the old order and the new one contradict each other
        return new
    found = [{**node, "rank": ranks[id]} for id, node in nodes.items()]
    return {**old, "nodes": found, "edges": edges, "signature": signature(found, edges)}


def _ranks(nodes: dict[str, Any], edges: list[dict[str, Any]]) -> dict[str, int] | None:
    """The most edges from an input to each node; None where edges run in a circle."""
    readers: dict[str, list[str]] = {}
    open_edges = dict.fromkeys(nodes, 0)
    for edge in edges:
        readers.setdefault(edge["from"], []).append(edge["to"])
        open_edges[edge["to"]] += 1
    ranks = dict.fromkeys(nodes, 0)
    waiting = [id for id, count in open_edges.items() if not count]
    done = 0
    while waiting:
        id = waiting.pop()
        done += 1
        for reader in readers.get(id, ()):
            ranks[reader] = max(ranks[reader], ranks[id] + 1)
            open_edges[reader] -= 1
            if not open_edges[reader]:
                waiting.append(reader)
    return ranks if done == len(nodes) else None


def signature(nodes: list[dict[str, Any]], edges: list[dict[str, Any]]) -> str:
    """A text that is equal for graphs of one structure."""
    # Without the first extents: the last batch of an epoch is smaller.
    named = [
        (n["id"], [o["shape"][1:] for o in n["outputs"]], [(p["label"], p["shape"]) for p in n["parameters"]]) for n in nodes
    ]
    tied = [(e["from"], e["output"], e["to"], e["input"]) for e in edges]
    return hashlib.blake2b(json.dumps([named, tied]).encode(), digest_size=16).hexdigest()
