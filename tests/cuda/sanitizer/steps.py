"""Kernels as generators: a function that reaches a barrier is rewritten so that it yields there.

So the threads of a block take turns in one thread of Python: fast, and always in the same order. What reaches no barrier
runs as it is.
"""

from __future__ import annotations

import ast
import dis
import functools
import inspect
import textwrap
from collections.abc import Callable
from types import FunctionType, GeneratorType
from typing import Any

BARRIER = "syncthreads"


def _known(function: FunctionType) -> dict[str, Any]:
    """What names in ``function`` mean that are not its own."""
    # Not co_names, where the names of attributes are too.
    names = {step.argval for step in dis.get_instructions(function) if step.opname == "LOAD_GLOBAL"}
    found = {name: function.__globals__[name] for name in names if name in function.__globals__}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        found[name] = cell.cell_contents
    return found


@functools.cache
def reaches_barrier(function: FunctionType) -> bool:
    """Whether ``function``, or one that it calls by name, has a barrier."""
    if BARRIER in function.__code__.co_names:
        return True
    callees = [value for value in _known(function).values() if isinstance(value, FunctionType)]
    return any(callee.__module__.startswith(("engine.", "tests.")) and reaches_barrier(callee) for callee in callees)


@functools.cache
def stepped(function: FunctionType) -> Callable:
    """``function`` as a generator that yields at every barrier; it must reach one."""
    known = _known(function)
    callees = {name: value for name, value in known.items() if isinstance(value, FunctionType) and reaches_barrier(value)}
    lines, first = inspect.getsourcelines(function)
    node = ast.parse(textwrap.dedent("".join(lines))).body[0]
    assert isinstance(node, ast.FunctionDef)
    node.decorator_list.clear()
    node = ast.increment_lineno(_Yielding(callees).visit(node), first - 1)
    free = {name: known[name] for name in function.__code__.co_freevars}
    free |= {_name(name): stepped(callee) for name, callee in callees.items()}
    # A function around it gives it what it closes over; its globals are the kernel's own.
    module = ast.parse(f"def outer({', '.join(free)}):\n    pass\n    return {node.name}")
    outer = module.body[0]
    assert isinstance(outer, ast.FunctionDef)
    outer.body[0] = node
    ast.fix_missing_locations(module)
    made: dict[str, Any] = {}
    exec(compile(module, inspect.getfile(function), "exec"), function.__globals__, made)
    return made["outer"](**free)


def _name(callee: str) -> str:
    return f"_stepped_{callee}"


class _Yielding(ast.NodeTransformer):
    """Yields at barriers, and from the functions that reach one."""

    def __init__(self, callees: dict[str, Any]) -> None:
        self.callees = callees

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        called = node.func
        if isinstance(called, ast.Attribute) and called.attr == BARRIER:
            return ast.copy_location(ast.Yield(), node)
        if isinstance(called, ast.Name) and called.id in self.callees:
            node.func = ast.copy_location(ast.Name(_name(called.id), ast.Load()), called)
            return ast.copy_location(ast.YieldFrom(node), node)
        return node


def barrier_of(thread: GeneratorType) -> tuple[tuple[Any, int], ...]:
    """Where a thread waits: code and line of the kernel and of each function that was called on the way to the barrier."""
    found = []
    inner: Any = thread
    while inner is not None:
        found.append((inner.gi_code, inner.gi_frame.f_lineno))
        inner = inner.gi_yieldfrom
    return tuple(found)
