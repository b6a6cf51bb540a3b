"""The tree of modules: what contains what, their classes, and how many parameters they have."""

from __future__ import annotations

from typing import Any

from engine.debug.names import Names
from engine.nn.module import Module


def module_tree(names: Names | None, called: set[str] | frozenset[str] = frozenset()) -> list[dict[str, Any]]:
    """The modules that ``names`` knows, parents before their children.

    Args:
        called: paths of modules that ran ops.

    Returns:
        For each: ``path`` (as events name it), ``name`` (the last part), ``type`` (class), ``parent`` (path, or None),
        ``parameters`` and ``trainable`` (elements, with those of the modules inside; shared ones once), ``training``,
        ``called`` (itself or a module inside has run an op).
    """
    if names is None:
        return []
    found: dict[str, dict[str, Any]] = {}
    for path, module in sorted(names.all_modules().items(), key=lambda pair: pair[0].count(".")):
        parent = _parent(names, path, module, found)
        parameters = list(module.parameters())
        found[path] = {
            "path": path,
            "name": path.rpartition(".")[2],
            "type": type(module).__name__,
            "parent": parent,
            "parameters": sum(p.numel() for p in parameters),
            "trainable": sum(p.numel() for p in parameters if p.requires_grad),
            "training": module.training,
            "called": path in called,
        }
    for entry in found.values():
        upper = entry["parent"] if entry["called"] else None
        while upper is not None and not found[upper]["called"]:
            found[upper]["called"] = True
            upper = found[upper]["parent"]
    return _parents_first(found)


def _parent(names: Names, path: str, module: Module, found: dict[str, dict[str, Any]]) -> str | None:
    """The path of what contains the module: that before the last dot, or the root whose names have no prefix."""
    above = path.rpartition(".")[0]
    if above:
        return above if above in found else None
    for reference in names.roots:
        root = reference()
        if root is not None and root is not module and any(module is child for child in root.children()):
            return names.module(root)
    return None


def _parents_first(found: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    children: dict[str | None, list[dict[str, Any]]] = {}
    for entry in found.values():
        children.setdefault(entry["parent"], []).append(entry)
    ordered: list[dict[str, Any]] = []
    waiting = children.get(None, [])[::-1]
    while waiting:
        entry = waiting.pop()
        ordered.append(entry)
        waiting.extend(children.get(entry["path"], [])[::-1])
    return ordered
