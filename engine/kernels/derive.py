"""Kernels that follow from a definition without further code.

From one element function (:mod:`engine.definitions.contract`) the factories here make a loop over all
elements of its result. Every derived kernel has the signature ``kernel(result, *arrays, *parameters)`` and
overwrites ``result``:

* :func:`textbook`: serial, strict IEEE arithmetic in the written order: the oracle of the tests.
* :func:`cpu`: serial and parallel twins with vector instructions (:class:`engine.kernels.jit.Kernel`), for ops
  that need no tuned kernel.
* :func:`cuda`: one GPU thread for each element. Where an element takes one step and no loop, a float32 result is
  computed in float32: numbers with a point would make it float64, of which most GPUs do 1/32 or 1/64 as many a second.

Each kernel is a module of its own (:mod:`engine.kernels.written`).
"""

from __future__ import annotations

import ast
import functools
import inspect
import math
import textwrap
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.definitions.contract import Definition
from engine.kernels import written


def textbook(definition: Definition) -> Callable:
    """The definition as a plain loop over all elements."""
    return _kernel(definition, "textbook").serial


def cpu(definition: Definition):
    """The definition as a CPU :class:`~engine.kernels.jit.Kernel`."""
    return _kernel(definition, "cpu")


@functools.cache
def cuda(definition: Definition) -> Callable:
    """The definition as a CUDA kernel; called as ``kernel(result, *operands)``, it chooses its own grid."""
    if _has_loop(definition):
        return _kernel(definition, "cuda")

    def run(result: Any, *operands: Any) -> None:
        if result.dtype != np.float32:
            _kernel(definition, "cuda")(result, *operands)
        else:
            narrow = [np.float32(value) if isinstance(value, float) else value for value in operands]
            _kernel(definition, "cuda_float32")(result, *narrow)

    return run


def sized(definition: Definition, work: float, result: Any) -> Callable:
    """The derived kernel for the device of ``result``, in the form that is faster for ``work`` elementary operations."""
    return cpu(definition).sized(work) if type(result) is np.ndarray else cuda(definition)


def cuda_helper(definition: Definition, name: str) -> Callable:
    """The helper function ``name`` that ``definition`` uses, for tuned CUDA kernels to call."""
    return getattr(_module(definition, "cuda"), name)


def _kernel(definition: Definition, target: str):
    return getattr(_module(definition, target), definition.name)


@functools.cache
def _module(definition: Definition, target: str) -> types.ModuleType:
    return written.load(f"{definition.name}_{target}", source(definition, target))


def source(definition: Definition, target: str) -> str:
    """The text of the derived module: helpers, element function, loop."""
    element = f"{definition.name}_element"
    device = "@device_function" if target in _CUDA else "@helper"
    functions, constants, modules = _dependencies(definition.function)
    parts = [f'"""Derived from {definition.function.__module__}.{definition.name} for {target}."""\n']
    parts += [_import(module, target) for module in sorted(modules)]
    parts.append(_HEADS[target])
    parts += [f"{name} = {_literal(value, target)}" for name, value in constants.items()]
    parts += [f"\n{device}\n{_text(function, function.__name__, target)}" for function in functions]
    parts.append(f"\n{device}\n{_text(definition.function, element, target)}")
    parts.append(_loop(definition, element, target))
    return "\n".join(parts) + "\n"


def _import(module: str, target: str) -> str:
    # In the simulator kernels are Python, where math.log(0) is an exception instead of -inf.
    return "from engine.kernels.cuda.launch import math" if module == "math" and target in _CUDA else f"import {module}"


_CUDA = ("cuda", "cuda_float32")

_HEADS = {
    "textbook": "from numba import prange\nfrom engine.kernels.jit import kernel, strict_helper as helper\n",
    "cpu": "from numba import prange\nfrom engine.kernels.jit import helper, kernel\n",
    "cuda": "from engine.kernels.cuda.launch import cuda, cuda_kernel, device_function, larger as max, smaller as min\n",
}
_HEADS["cuda_float32"] = f"from numba import float32\n{_HEADS['cuda']}"


def _loop(definition: Definition, element: str, target: str) -> str:
    arguments = ", ".join((definition.result, *definition.arguments))
    rank = len(definition.index)
    position = "[" + (", ".join(definition.index) or "()") + "]"
    call = f"{definition.result}{position} = {element}({', '.join(definition.arguments + definition.index)})"
    if target in _CUDA:
        return _cuda_loop(definition, arguments, call)
    strict = "" if target == "cpu" else "(fastmath=False)"
    lines = [f"\n@kernel{strict}", f"def {definition.name}({arguments}):"]
    indent = "    "
    for axis in range(rank):
        over = "prange" if axis == 0 else "range"
        lines.append(f"{indent}for {definition.index[axis]} in {over}({definition.result}.shape[{axis}]):")
        indent += "    "
    lines.append(indent + call)
    return "\n".join(lines)


def _cuda_loop(definition: Definition, arguments: str, call: str) -> str:
    # One thread an element: the last index varies fastest, so that neighbouring threads write neighbours.
    lines = ["\n@cuda_kernel", f"def {definition.name}({arguments}):"]
    lines.append("    position = cuda.grid(1)")
    lines.append(f"    if position < {definition.result}.size:")
    for axis in reversed(range(1, len(definition.index))):
        name, extent = definition.index[axis], f"{definition.result}.shape[{axis}]"
        lines.append(f"        {name} = position % {extent}")
        lines.append(f"        position = position // {extent}")
    if definition.index:
        # What is left lies within the first dimension: no further division, which GPUs are slow at.
        lines.append(f"        {definition.index[0]} = position")
    lines.append(f"        {call}")
    return "\n".join(lines)


def _literal(value: float, target: str) -> str:
    # The repr of infinity and NaN is a name, not a literal.
    text = repr(value) if math.isfinite(value) else f"float({str(value)!r})"
    return f"float32({text})" if target == "cuda_float32" and isinstance(value, float) else text


def _text(function: Callable, name: str, target: str) -> str:
    """Source of ``function`` as ``def name(...)``, without decorators and docstring."""
    node = _tree(function)
    node.decorator_list.clear()
    node.name = name
    if ast.get_docstring(node) is not None:
        del node.body[0]
    return ast.unparse(_Narrow().visit(node) if target == "cuda_float32" else node)


def _tree(function: Callable) -> ast.FunctionDef:
    node = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(node, ast.FunctionDef)
    return node


class _Narrow(ast.NodeTransformer):
    """Makes float32 of every number with a point, and of those that ``math`` has a name for."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.parse(_literal(node.value, "cuda_float32"), mode="eval").body if isinstance(node.value, float) else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        text = ast.unparse(node)
        constant = text.startswith("math.") and isinstance(getattr(math, node.attr), float)
        return ast.parse(f"float32({text})", mode="eval").body if constant else node


def _has_loop(definition: Definition) -> bool:
    """Whether an element is a sum of others or something like it, which is taken in float64."""
    functions = [*_dependencies(definition.function)[0], definition.function]
    return any(isinstance(node, (ast.For, ast.While)) for function in functions for node in ast.walk(_tree(function)))


def _dependencies(function: Callable) -> tuple[list, dict, set]:
    """Helper functions (callees first), constants and modules that ``function`` uses, transitively."""
    functions: list[Callable] = []
    constants: dict[str, object] = {}
    modules: set[str] = set()

    def visit(current: Callable) -> None:
        for name in _names(current.__code__):
            if name not in current.__globals__:
                continue
            value = current.__globals__[name]
            if isinstance(value, types.ModuleType):
                modules.add(value.__name__)
            elif isinstance(value, types.FunctionType):
                if value not in functions:
                    visit(value)
                    functions.append(value)
            elif isinstance(value, (int, float)):
                constants[name] = value
            else:
                raise TypeError(
                    f"{function.__name__} uses {name}, a {type(value).__name__}; "
                    "an element function may use numbers, math and plain helper functions"
                )

    visit(function)
    return functions, constants, modules


def _names(code: types.CodeType) -> tuple[str, ...]:
    names = code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names += _names(constant)
    return names
