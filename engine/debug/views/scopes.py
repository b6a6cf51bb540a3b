"""The names of a frame, as a tree of variables begins: locals, the script's globals, and all tensors at hand."""

from __future__ import annotations

import types
from collections.abc import Iterator
from types import FrameType
from typing import Any

from engine.debug.views.children import Child
from engine.debug.views.texts import array_of
from engine.nn.module import Module

#: Entries that a scope may have.
MOST_NAMES = 5000


def scope_names(frame: FrameType) -> list[str]:
    """The scopes of a frame; a module's own code has no locals beside its globals."""
    return ["Globals", "Tensors"] if frame.f_locals is frame.f_globals else ["Locals", "Globals", "Tensors"]


def scope(frame: FrameType, name: str) -> list[Child]:
    """What is in the scope ``name`` of ``frame``, in the order in which it was defined, private names last."""
    if name == "Tensors":
        return list(_limited(_tensors(frame)))
    if name == "Locals":
        found = [Child(n, v, n) for n, v in frame.f_locals.items() if not n.startswith((".", "__"))]
    else:
        home = frame.f_globals.get("__name__")
        found = [Child(n, v, n) for n, v in list(frame.f_globals.items()) if _is_users(n, v, home)]
    return sorted(_limited(iter(found)), key=_rank)


def _limited(children: Iterator[Child]) -> Iterator[Child]:
    for _, child in zip(range(MOST_NAMES), children):
        yield child


_CODE = (types.FunctionType, types.BuiltinFunctionType, type)


def _is_users(name: str, value: Any, home: Any) -> bool:
    """Whether a global is the script's own and not merely imported."""
    if name.startswith("__") or isinstance(value, types.ModuleType):
        return False
    return not isinstance(value, _CODE) or getattr(value, "__module__", None) == home


def _rank(child: Child) -> int:
    if isinstance(child.value, _CODE):
        return 2
    return 1 if child.name.startswith("_") else 0


def _tensors(frame: FrameType) -> Iterator[Child]:
    """Tensors and arrays among the variables and in their lists and dicts; parameters and buffers of modules."""
    seen: set[int] = set()
    for holder in ("Locals", "Globals") if frame.f_locals is not frame.f_globals else ("Globals",):
        for child in scope(frame, holder):
            for found in _tensors_in(child):
                if id(found.value) not in seen:
                    seen.add(id(found.value))
                    yield found


def _tensors_in(child: Child) -> Iterator[Child]:
    name, value = child.name, child.value
    if array_of(value) is not None:
        yield child
    elif isinstance(value, Module):
        for kind, members in (("parameter", value.named_parameters()), ("buffer", value.named_buffers())):
            for path, member in members:
                plain = all(part.isidentifier() for part in path.split("."))
                yield Child(f"{name}.{path}", member, f"{name}.{path}" if plain else f"{name}.get_{kind}({path!r})")
    elif type(value) in (list, tuple, dict) and len(value) <= 100:
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            if array_of(item) is not None and isinstance(key, (int, str)):
                yield Child(f"{name}[{key!r}]", item, f"{name}[{key!r}]")
