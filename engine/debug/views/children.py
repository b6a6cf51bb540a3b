"""What is inside of a value: the elements, fields and members that a tree of variables unfolds."""

from __future__ import annotations

import itertools
import types
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from engine.debug.views.texts import array_of, cut, text
from engine.nn.module import Module
from engine.optim.optimizer import Optimizer
from engine.tensor import Tensor, wrap


class Child(NamedTuple):
    """One thing inside of a value.

    Attributes:
        suffix: what Python writes after the value's own expression to get there (``".weight"``, ``"[0]"``), or None.
        assign: puts another object into its place; None where that cannot be done.
    """

    name: str
    value: Any
    suffix: str | None = None
    assign: Callable[[Any], None] | None = None


@dataclass
class Inside:
    """The named members of a value, and how many elements it has beside; ``elements(start, stop)`` gives these."""

    named: list[Child] = field(default_factory=list)
    count: int = 0
    elements: Callable[[int, int], list[Child]] = lambda start, stop: []

    def __bool__(self) -> bool:
        return bool(self.named) or self.count > 0


#: Types that have nothing inside worth unfolding.
_PLAIN = (
    int, float, complex, str, bytes, bool, type(None), type, types.ModuleType, types.FunctionType, types.MethodType,
    types.BuiltinFunctionType, types.CodeType, types.FrameType, np.generic, np.dtype, property,
)  # fmt: skip


def inside(value: Any) -> Inside:
    """What ``value`` contains, without running code of the user's: no property, no ``__getattr__``, no iterator."""
    if isinstance(value, _PLAIN):
        return Inside()
    if array_of(value) is not None:
        return _tensor(value)
    if isinstance(value, dict):
        return _dict(value)
    if isinstance(value, (list, tuple, deque, range)):
        return _sequence(value)
    if isinstance(value, (set, frozenset)):
        return Inside(count=len(value), elements=lambda a, b: [
            Child(str(i), item) for i, item in enumerate(itertools.islice(value, a, b), a)
        ])  # fmt: skip
    if isinstance(value, Module):
        return Inside(_module(value))
    if isinstance(value, Optimizer):
        return Inside(_optimizer(value))
    return Inside(_attributes(value))


def _attribute(holder: Any, name: str, value: Any) -> Child:
    suffix = f".{name}" if name.isidentifier() else None
    return Child(name, value, suffix, lambda new: setattr(holder, name, new))


def _item(holder: Any, key: Any, value: Any, name: str | None = None) -> Child:
    plain = isinstance(key, (int, str, float, bool, bytes)) or key is None
    settable = not isinstance(holder, (tuple, range))
    return Child(
        cut(repr(key), 80) if name is None else name,
        value,
        f"[{key!r}]" if plain else None,
        (lambda new: holder.__setitem__(key, new)) if settable else None,
    )


def _sequence(value: Any) -> Inside:
    fields = getattr(type(value), "_fields", None)
    named = []
    if isinstance(value, tuple) and isinstance(fields, tuple) and len(fields) == len(value):
        named = [Child(name, item, f".{name}") for name, item in zip(fields, tuple.__iter__(value))]
        return Inside(named)

    def elements(start: int, stop: int) -> list[Child]:
        return [_item(value, i, item, str(i)) for i, item in enumerate(itertools.islice(value, start, stop), start)]

    return Inside(named, len(value), elements)


def _dict(value: dict) -> Inside:
    def elements(start: int, stop: int) -> list[Child]:
        found = []
        for number, (key, item) in enumerate(itertools.islice(dict.items(value), start, stop), start):
            array = array_of(key)
            name = text(key, 80) if array is None else f"tensor {number} {array.shape}"
            found.append(_item(value, key, item, name))
        return found

    return Inside([], len(value), elements)


def _tensor(value: Any) -> Inside:
    array: Any = array_of(value)
    named = [Child("shape", tuple(array.shape), ".shape"), Child("dtype", array.dtype.name, ".dtype")]
    if isinstance(value, Tensor):
        named.append(_attribute(value, "grad", value._grad))
        named.append(_attribute(value, "requires_grad", value._requires_grad))
        named.append(Child("grad_fn", value._function, ".grad_fn"))

    def elements(start: int, stop: int) -> list[Child]:
        rows = array[start:stop]
        if array.ndim == 1:
            shown = rows.tolist()
        else:
            shown = [wrap(row) for row in rows] if isinstance(value, Tensor) else list(rows)
        return [_item(value, i, row, str(i)) for i, row in enumerate(shown, start)]

    return Inside(named, len(array) if array.ndim else 0, elements)


_KEPT_OUT = frozenset({
    "_parameters", "_buffers", "_modules", "_non_persistent_buffers_set", "_backward_pre_hooks", "_backward_hooks",
    "_forward_hooks", "_forward_pre_hooks", "_with_kwargs", "_always_called", "training",
})  # fmt: skip


def _module(module: Module) -> list[Child]:
    """Submodules, parameters, buffers, then the other attributes."""
    members = vars(module)
    found = []
    for kind, get in (("_modules", "get_submodule"), ("_parameters", "get_parameter"), ("_buffers", "get_buffer")):
        for name, value in members[kind].items():
            suffix = f".{name}" if name.isidentifier() else f".{get}({name!r})"
            found.append(Child(name, value, suffix, _setter(module, name)))
    found.append(_attribute(module, "training", members.get("training")))
    others = [_attribute(module, name, value) for name, value in members.items() if name not in _KEPT_OUT]
    return found + _private_last(others)


def _setter(module: Module, name: str) -> Callable[[Any], None]:
    return lambda new: setattr(module, name, new)


def _optimizer(optimizer: Optimizer) -> list[Child]:
    members = vars(optimizer)
    first = [name for name in ("param_groups", "state", "defaults") if name in members]
    rest = [name for name in members if name not in first and not name.startswith("_")]
    return [_attribute(optimizer, name, members[name]) for name in (*first, *rest)]


def _attributes(value: Any) -> list[Child]:
    """The attributes that the object holds itself, in ``__dict__`` and ``__slots__``."""
    found: dict[str, Any] = {}
    for kind in reversed(type(value).__mro__):
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else tuple(slots):
            member = kind.__dict__.get(name)
            if isinstance(member, types.MemberDescriptorType):
                try:
                    found[name] = member.__get__(value)
                except AttributeError:
                    continue  # a slot that nothing was assigned to
    found.update(_own(value))
    if isinstance(value, BaseException):
        found.setdefault("args", value.args)
    names = [name for name in found if isinstance(name, str) and not name.startswith("__")]
    return _private_last([_attribute(value, name, found[name]) for name in names])


def _own(value: Any) -> dict[str, Any]:
    """The ``__dict__`` of the object, not what a class of its own may show under that name."""
    try:
        own = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return own if isinstance(own, dict) else {}


def _private_last(found: list[Child]) -> list[Child]:
    return sorted(found, key=lambda child: child.name.startswith("_"))
