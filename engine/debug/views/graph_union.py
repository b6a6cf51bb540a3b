"""Two graphs as one: a pass, and the newer one that is on its way and runs other ops."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any


def united(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """``old`` where it has all ops of ``new``, with the sizes of these; else both, with what leads to an op of ``new`` as
    there."""
    before = {node["id"] for node in old["nodes"]}
    ops = {node["id"] for node in new["nodes"] if node["kind"] == "op"}
    if ops <= before:
        return _resized(old, new)
    nodes = {node["id"]: node for node in (*old["nodes"], *new["nodes"])}
    edges = [edge for edge in old["edges"] if edge["to"] not in ops] + new["edges"]
    ranks = _ranks(nodes, edges)
    if ranks is None:  # the old order and the new one contradict each other
        return new
    found = [{**node, "rank": ranks[id]} for id, node in nodes.items()]
    return {**old, "nodes": found, "edges": edges, "signature": signature(found, edges)}


def _resized(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """``old`` with the sizes of what has run in ``new``: sequences may be longer in one batch than in the one before."""
    made = {node["id"]: node["outputs"] for node in new["nodes"] if node["kind"] == "op"}
    read = {(edge["to"], edge["input"]): edge["shape"] for edge in new["edges"]}
    edges, nodes = [], []
    for edge in old["edges"]:
        shape = read.get((edge["to"], edge["input"]), edge["shape"])
        edges.append({**edge, "shape": shape} if differs(shape, edge["shape"]) else edge)
    # An input is as long as what an op has read of it.
    given = {edge["from"]: edge["shape"] for edge in edges if (edge["to"], edge["input"]) in read}
    for node in old["nodes"]:
        outputs = made.get(node["id"], node["outputs"])
        if node["kind"] == "input" and node["id"] in given:
            outputs = [{**output, "shape": given[node["id"]]} for output in outputs]
        now, before = ([output["shape"] for output in of] for of in (outputs, node["outputs"]))
        changed = len(now) != len(before) or any(map(differs, now, before))
        nodes.append({**node, "outputs": outputs} if changed else node)
    if nodes == old["nodes"] and edges == old["edges"]:
        return old
    return {**old, "nodes": nodes, "edges": edges, "signature": signature(nodes, edges)}


def differs(a: Sequence[int], b: Sequence[int]) -> bool:
    """Whether two shapes differ in more than their first extents: the last batch of an epoch is smaller."""
    return len(a) != len(b) or tuple(a[1:]) != tuple(b[1:])


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
    # Without the first extents, as in differs.
    named = [
        (n["id"], [o["shape"][1:] for o in n["outputs"]], [(p["label"], p["shape"]) for p in n["parameters"]]) for n in nodes
    ]
    tied = [(e["from"], e["output"], e["to"], e["input"]) for e in edges]
    return hashlib.blake2b(json.dumps([named, tied]).encode(), digest_size=16).hexdigest()
