"""Values in one short line, whatever they are."""

from __future__ import annotations

import math
import reprlib
import types
from collections import OrderedDict, defaultdict, deque
from typing import Any

import numpy as np

from engine import trace
from engine.debug.evaluation import error_text
from engine.debug.memory import ARRAYS, on_cpu
from engine.nn.module import Module
from engine.optim.optimizer import Optimizer
from engine.plural import plural
from engine.tensor import Tensor

#: Characters of a value's text, and elements of a tensor or container in it.
LONGEST = 200
_SHOWN = 6


def text(value: Any, longest: int = LONGEST) -> str:
    """``value`` in one line of at most ``longest`` characters; an error of its ``__repr__`` is told there."""
    try:
        found = _text(value, 2)
    except Exception as error:
        found = f"<repr raised {error_text(error)}>"
    return cut(found, longest)


def cut(line: str, longest: int) -> str:
    """``line`` without line breaks, and with … at its end where it is too long."""
    flat = " ".join(line[: 4 * longest].split()) if "\n" in line[: 4 * longest] else line
    return flat if len(flat) <= longest else flat[: longest - 1] + "…"


def type_text(value: Any) -> str:
    """The name of the type; with its module where that is neither built-in nor the script nor the engine's."""
    kind = type(value)
    home = getattr(kind, "__module__", "")
    plain = not isinstance(home, str) or home in ("builtins", "__main__") or home.split(".")[0] in ("engine", "numpy")
    return kind.__qualname__ if plain else f"{home}.{kind.__qualname__}"


def array_of(value: Any) -> np.ndarray | None:
    """The array of a tensor, an array itself, or None."""
    if isinstance(value, Tensor):
        return value._array
    return value if isinstance(value, ARRAYS) else None


def _text(value: Any, depth: int) -> str:
    kind = type(value)
    array = array_of(value)
    if array is not None:
        return _array_text(array)
    if kind.__repr__ in _CONTAINERS:
        return _container_text(value, depth)
    if kind is str:
        return _strings.repr_str(value, 1)
    if kind in (bytes, bytearray) and len(value) > LONGEST:
        return repr(value[:LONGEST])
    if isinstance(value, Module):
        return _module_text(value)
    if isinstance(value, Optimizer):
        return _optimizer_text(value)
    if isinstance(value, types.ModuleType):
        return f"module {value.__name__}"
    if isinstance(value, (types.FunctionType, types.BuiltinFunctionType, types.MethodType)):
        return f"function {value.__qualname__}"
    if isinstance(value, type):
        return f"class {value.__qualname__}"
    if kind.__repr__ is object.__repr__:
        return f"{kind.__qualname__} object"
    return repr(value)


#: Reprs that would write out every element.
_CONTAINERS: dict[Any, type] = {
    kind.__repr__: kind for kind in (list, tuple, set, frozenset, dict, OrderedDict, defaultdict, deque)
}

_strings = reprlib.Repr()
_strings.maxstring = LONGEST


def first_elements(array: Any, count: int) -> list:
    """At most ``count`` elements in row-major order."""
    if isinstance(array, np.ndarray):
        return array.flat[:count].tolist()
    # Only these travel: as many of the last dimension's rows as are needed.
    while array.ndim > 1 and math.prod(array.shape[1:]) >= count:
        array = array[0]
    return on_cpu(array[:count] if array.ndim else array).reshape(-1)[:count].tolist()


def _array_text(array: np.ndarray) -> str:
    dtype = array.dtype.name
    if isinstance(array, trace.NoContents):
        return f"{dtype} {array.shape} (not computed)"
    if array.dtype.hasobject:
        return f"{dtype} {array.shape}"
    first = first_elements(array, _SHOWN)
    numbers = ", ".join(f"{n:.4g}" if isinstance(n, float) else str(n) for n in first)
    if array.ndim == 0:
        return f"{numbers} ({dtype})"
    return f"{dtype} {array.shape} [{numbers}{', …' if array.size > _SHOWN else ''}]"


def _container_text(value: Any, depth: int) -> str:
    kind = _CONTAINERS[type(value).__repr__]
    left, right = {list: "[]", tuple: "()", deque: "[]"}.get(kind, "{}")
    if kind in (frozenset, OrderedDict, defaultdict, deque):
        left, right = f"{kind.__name__}({left}", f"{right})"
    if not value:
        return "set()" if kind is set else left + right
    if depth == 0:
        return f"{left}…{right}"
    pairs = isinstance(value, dict)
    parts = []
    for number, item in enumerate(dict.items(value) if pairs else value):
        if number == _SHOWN:
            parts.append("…")
            break
        parts.append(": ".join(cut(_text(part, depth - 1), LONGEST // 4) for part in (item if pairs else (item,))))
    comma = "," if kind is tuple and len(value) == 1 else ""
    size = f" ({len(value)})" if len(value) > _SHOWN else ""
    return f"{left}{', '.join(parts)}{comma}{right}{size}"


def _module_text(module: Module) -> str:
    name, extra = type(module).__name__, module.extra_repr()
    if not module._modules:
        return f"{name}({extra})"
    count = sum(math.prod(p._array.shape) for p in module.parameters())
    modules = len(module._modules)
    return f"{name} with {modules} {plural(modules, 'module')}, {count:,} {plural(count, 'parameter')}"


def _optimizer_text(optimizer: Optimizer) -> str:
    groups = optimizer.param_groups
    rates = ", ".join(f"{group['lr']:g}" for group in groups[:_SHOWN] if isinstance(group.get("lr"), (int, float)))
    count = sum(len(group["params"]) for group in groups)
    return f"{type(optimizer).__name__}, {count} {plural(count, 'parameter')}" + (f", lr {rates}" if rates else "")
